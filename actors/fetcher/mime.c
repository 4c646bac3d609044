/* mime - see mime.h */
#include "actors/fetcher/mime.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "gen/errors.h"

enum {
    MIME_PLAIN = 65, /* a longer subject is encoded, so that it can be folded */
    MIME_WORD = 45,  /* bytes of an encoded word: 60 characters of base64, 72 with its frame */
    MIME_LINE = 76,
    MIME_LOCAL = 64, /* RFC 5321: the part before the @ */
};

/* RFC 5322's dot-atom, in ASCII: what needs quotes or is international is refused. */
static bool mime_is_atom(const char *text, size_t len)
{
    if (len == 0 || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-/=?^_`{|}~.", text[i]))
            return false;
    return true;
}

bool mime_address_ok(const char *address)
{
    const char *at = strchr(address, '@');

    if (!at || strlen(address) > 254 || (size_t)(at - address) > MIME_LOCAL)
        return false;
    return mime_is_atom(address, (size_t)(at - address)) && mime_is_atom(at + 1, strlen(at + 1)) &&
           strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(at + 1);
}

static bool mime_header_ok(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return false;
    return true;
}

static bool mime_is_plain(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80)
            return false;
    return strlen(text) <= MIME_PLAIN && !strstr(text, "=?");
}

/* The length of the longest piece of at most `most` bytes that ends between two characters. */
static size_t mime_piece(const char *text, size_t most)
{
    size_t len = strlen(text);

    if (len <= most)
        return len;
    for (len = most; len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
        ;
    return len;
}

/* RFC 2047: encoded words, one a line. */
static void mime_encode_header(struct buf *out, const char *text)
{
    char word[MIME_WORD * 2];
    bool first = true;

    while (*text) {
        size_t len = mime_piece(text, MIME_WORD);

        sodium_bin2base64(word, sizeof(word), (const unsigned char *)text, len, sodium_base64_VARIANT_ORIGINAL);
        buf_printf(out, "%s=?utf-8?B?%s?=", first ? "" : "\r\n ", word);
        first = false;
        text += len;
    }
}

/* RFC 2045, section 6.7. A line of the text stays a line; one that is too long is broken softly. */
static void mime_encode_body(struct buf *out, const char *text)
{
    size_t column = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool at_end = !text[1] || text[1] == '\n' || (text[1] == '\r' && text[2] == '\n');
        bool literal = (c >= 33 && c <= 126 && c != '=') || ((c == ' ' || c == '\t') && !at_end);

        if (c == '\r' && text[1] == '\n')
            continue;
        if (c == '\n') {
            buf_put_text(out, "\r\n");
            column = 0;
            continue;
        }
        if (column + (literal ? 1 : 3) > MIME_LINE - 1) {
            buf_put_text(out, "=\r\n");
            column = 0;
        }
        if (literal)
            buf_put(out, &c, 1);
        else
            buf_printf(out, "=%02X", c);
        column += literal ? 1 : 3;
    }
    buf_put_text(out, "\r\n");
}

static void mime_date(struct buf *out, int64_t ms)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&s, &tm); /* strftime would write the names in the locale's language */
    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
               tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static const char *mime_wrong(const struct mime_mail *mail)
{
    if (!mime_address_ok(mail->from))
        return "from";
    if (!mime_address_ok(mail->to))
        return "to";
    if (!mime_address_ok(mail->message_id)) /* it has the form of an address */
        return "message_id";
    return mime_header_ok(mail->subject) ? NULL : "subject";
}

int mime_write(const struct mime_mail *mail, struct buf *out, const char **ret_field)
{
    *ret_field = mime_wrong(mail);
    if (*ret_field)
        return ERR_INVALID;
    mime_date(out, mail->date_ms);
    buf_printf(out, "From: <%s>\r\nTo: <%s>\r\nMessage-ID: <%s>\r\nSubject: ", mail->from, mail->to,
               mail->message_id);
    if (mime_is_plain(mail->subject))
        buf_put_text(out, mail->subject);
    else
        mime_encode_header(out, mail->subject);
    buf_put_text(out, "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\nAuto-Submitted: auto-generated\r\n\r\n");
    mime_encode_body(out, mail->body);
    return 0;
}
