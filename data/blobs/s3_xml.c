/* s3_xml - see s3_xml.h */
#include "data/blobs/s3_xml.h"

#include <stdint.h>
#include <stdlib.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"

struct xml {
    const char *at, *end;
    unsigned depth;
    size_t starts[S3_XML_DEPTH]; /* where the path was as long as its parents */
    char path[S3_XML_PATH];
    size_t path_n;
    char text[S3_XML_TEXT];
    size_t text_n;
    bool ended; /* the first element is over */
};

static bool xml_is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':';
}

static bool xml_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool xml_skip(struct xml *x, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(x->end - x->at) < len || memcmp(x->at, word, len) != 0)
        return false;
    x->at += len;
    return true;
}

static size_t xml_name(const struct xml *x)
{
    size_t n = 0;

    while (x->at + n < x->end && xml_is_name(x->at[n]))
        n++;
    return n;
}

/* Behind a word that has to come. */
static bool xml_pass(struct xml *x, const char *word)
{
    const char *found = memmem(x->at, (size_t)(x->end - x->at), word, strlen(word));

    if (!found)
        return false;
    x->at = found + strlen(word);
    return true;
}

/* ---- text */

static bool xml_add(struct xml *x, uint32_t c)
{
    char utf8[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || x->text_n + n >= sizeof(x->text))
        return false;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        utf8[i] = (char)(0x80 | (c & 0x3f));
    utf8[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    memcpy(x->text + x->text_n, utf8, n);
    x->text_n += n;
    return true;
}

static bool xml_number(struct xml *x)
{
    bool hex = xml_skip(x, "x");
    uint32_t value = 0;
    unsigned digits = 0;

    for (; x->at < x->end && *x->at != ';' && digits < 8; x->at++, digits++) {
        char c = *x->at;
        unsigned v = c >= '0' && c <= '9'          ? (unsigned)(c - '0')
                     : hex && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : hex && c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                   : 99;

        if (v == 99)
            return false;
        value = value * (hex ? 16 : 10) + v;
    }
    return digits > 0 && digits < 8 && xml_skip(x, ";") && xml_add(x, value);
}

static bool xml_entity(struct xml *x)
{
    static const struct {
        const char *word;
        char c;
    } known[] = { { "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' }, { "quot;", '"' }, { "apos;", '\'' } };

    if (xml_skip(x, "#"))
        return xml_number(x);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (xml_skip(x, known[i].word))
            return xml_add(x, (uint32_t)known[i].c);
    return false;
}

static bool xml_text(struct xml *x)
{
    while (x->at < x->end && *x->at != '<') {
        char c = *x->at++;

        if (c == '&' ? !xml_entity(x) : c == 0 || x->text_n + 1 >= sizeof(x->text))
            return false;
        if (c != '&')
            x->text[x->text_n++] = c;
    }
    return true;
}

static bool xml_only_space(const struct xml *x)
{
    for (size_t i = 0; i < x->text_n; i++)
        if (!xml_is_space(x->text[i]))
            return false;
    return true;
}

/* ---- elements */

/* Attributes, which nobody needs; *ret_empty: it ends at once. */
static bool xml_attributes(struct xml *x, bool *ret_empty)
{
    *ret_empty = false;
    for (;;) {
        while (x->at < x->end && xml_is_space(*x->at))
            x->at++;
        if (xml_skip(x, ">"))
            return true;
        if (xml_skip(x, "/>"))
            return *ret_empty = true;
        size_t n = xml_name(x);
        x->at += n;
        if (n == 0 || !(xml_skip(x, "=\"") ? xml_pass(x, "\"") : xml_skip(x, "='") && xml_pass(x, "'")))
            return false;
    }
}

static int xml_leave(struct xml *x, s3_xml_fn *fn, void *ctx)
{
    int r;

    PLANT(x->depth > 3 && x->text_n > 2);
    x->text[x->text_n] = 0;
    r = fn(ctx, x->path, x->text);
    x->text_n = 0;
    x->depth--;
    x->path_n = x->starts[x->depth];
    x->path[x->path_n] = 0;
    x->ended = x->depth == 0;
    return r;
}

static int xml_open(struct xml *x, s3_xml_fn *fn, void *ctx)
{
    size_t n = xml_name(x);
    bool empty;

    if (n == 0 || n > S3_XML_NAME || x->depth == S3_XML_DEPTH || x->ended || !xml_only_space(x))
        return ERR_MALFORMED;
    x->starts[x->depth++] = x->path_n;
    if (x->path_n)
        x->path[x->path_n++] = '/';
    memcpy(x->path + x->path_n, x->at, n);
    x->path_n += n;
    x->path[x->path_n] = 0;
    x->at += n;
    x->text_n = 0;
    if (!xml_attributes(x, &empty))
        return ERR_MALFORMED;
    return empty ? xml_leave(x, fn, ctx) : 0;
}

static int xml_close(struct xml *x, s3_xml_fn *fn, void *ctx)
{
    size_t n = xml_name(x);
    const char *name = x->at;

    x->at += n;
    while (x->at < x->end && xml_is_space(*x->at))
        x->at++;
    if (x->depth == 0 || !xml_skip(x, ">"))
        return ERR_MALFORMED;
    size_t from = x->starts[x->depth - 1] + (x->depth > 1);
    if (x->path_n - from != n || memcmp(x->path + from, name, n) != 0)
        return ERR_MALFORMED;
    return xml_leave(x, fn, ctx);
}

int s3_xml_walk(struct bytes document, s3_xml_fn *fn, void *ctx)
{
    struct xml *x = calloc(1, sizeof(*x));
    int r = 0;

    if (!x)
        abort();
    x->at = document.data;
    x->end = x->at + document.len;
    xml_skip(x, "\xef\xbb\xbf");
    if (xml_skip(x, "<?xml ") && !xml_pass(x, "?>"))
        r = ERR_MALFORMED;
    while (r == 0 && x->at < x->end) {
        if (xml_skip(x, "</"))
            r = xml_close(x, fn, ctx);
        else if (xml_skip(x, "<!--"))
            r = xml_pass(x, "-->") ? 0 : ERR_MALFORMED;
        else if (xml_skip(x, "<"))
            r = xml_open(x, fn, ctx);
        else
            r = xml_text(x) && (x->depth || xml_only_space(x)) ? 0 : ERR_MALFORMED;
    }
    if (r == 0 && !x->ended)
        r = ERR_MALFORMED;
    free(x);
    return r;
}
