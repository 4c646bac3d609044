/* smtp - see smtp.h */
#include "actors/fetcher/smtp.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "gen/errors.h"

enum { SMTP_CONNECT_S = 10, SMTP_PASSWORD = 512 };

struct smtp_reader {
    const char *at;
    size_t left;
};

static size_t smtp_add(struct buf *block, const char *text)
{
    size_t at = block->len;

    buf_put(block, text, strlen(text) + 1);
    return at;
}

void smtp_try_make(struct buf *block, const struct fetcher_settings *settings, const char *from, const char *to,
                   struct bytes message)
{
    struct smtp_try try = { .tls = settings->smtp_tls, .timeout_s = (long)settings->smtp_timeout_s };

    buf_put(block, &try, sizeof(try));
    try.url = smtp_add(block, settings->smtp_url);
    try.user = smtp_add(block, settings->smtp_user ? settings->smtp_user : "");
    try.password_file = smtp_add(block, settings->smtp_password_file ? settings->smtp_password_file : "");
    try.from = smtp_add(block, from);
    try.to = smtp_add(block, to);
    try.message = block->len;
    try.message_len = message.len;
    buf_put(block, message.data, message.len);
    memcpy(block->data, &try, sizeof(try));
}

static const char *smtp_text(const struct smtp_try *block, size_t at)
{
    return (const char *)block + at;
}

static size_t smtp_read(char *to, size_t size, size_t n, void *ctx)
{
    struct smtp_reader *reader = ctx;
    size_t len = size * n < reader->left ? size * n : reader->left;

    memcpy(to, reader->at, len);
    reader->at += len;
    reader->left -= len;
    return len;
}

/* Every line that the server says; the goodbye says nothing about the mail. */
static size_t smtp_heard(char *line, size_t size, size_t n, void *ctx)
{
    struct smtp_try *block = ctx;
    size_t len = size * n;

    if (len >= 3 && memcmp(line, "221", 3) != 0) {
        snprintf(block->said, sizeof(block->said), "%.*s", (int)(len < SMTP_SAID ? len : SMTP_SAID - 1), line);
        block->said[strcspn(block->said, "\r\n")] = 0;
    }
    return len;
}

/* The first line of the file. */
static int smtp_password(const char *path, char to[static SMTP_PASSWORD])
{
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(to, SMTP_PASSWORD, file);

    if (file)
        fclose(file);
    if (ok)
        to[strcspn(to, "\r\n")] = 0;
    return ok ? 0 : ERR_UNAVAILABLE;
}

static int smtp_login(CURL *curl, struct smtp_try *block)
{
    char password[SMTP_PASSWORD] = "";
    const char *user = smtp_text(block, block->user), *path = smtp_text(block, block->password_file);

    if (!*user)
        return 0;
    if (*path && smtp_password(path, password) < 0) {
        snprintf(block->said, sizeof(block->said), "fetcher.smtp_password_file cannot be read");
        return ERR_UNAVAILABLE;
    }
    curl_easy_setopt(curl, CURLOPT_USERNAME, user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof(password));
    return 0;
}

static void smtp_options(CURL *curl, struct smtp_try *block, char *error)
{
    static const long tls[] = {
        [SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
        [SMTP_TLS_OFFERED] = CURLUSESSL_TRY,
        [SMTP_TLS_NEVER] = CURLUSESSL_NONE,
    };

    curl_easy_setopt(curl, CURLOPT_URL, smtp_text(block, block->url));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, tls[block->tls]);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)SMTP_CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, block->timeout_s);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, smtp_heard);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, block);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

static int smtp_perform(CURL *curl, struct smtp_try *block)
{
    struct smtp_reader reader = { smtp_text(block, block->message), block->message_len };
    struct curl_slist *to = curl_slist_append(NULL, smtp_text(block, block->to));
    char error[CURL_ERROR_SIZE] = "";
    CURLcode r;

    smtp_options(curl, block, error);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, smtp_text(block, block->from));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, smtp_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &reader);
    r = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &block->code);
    curl_slist_free_all(to);
    if (r == CURLE_OK)
        return 0;
    if (!block->said[0] || block->code < 400)
        snprintf(block->said, sizeof(block->said), "%s", *error ? error : curl_easy_strerror(r));
    /* A wrong password and a server without TLS are our operator's to repair: the mail waits for it. */
    if (r == CURLE_LOGIN_DENIED || r == CURLE_USE_SSL_FAILED || block->code < 500)
        return ERR_UNAVAILABLE;
    return ERR_INVALID;
}

int smtp_try(struct smtp_try *block)
{
    CURL *curl = curl_easy_init();
    int r;

    block->code = 0;
    block->said[0] = 0;
    if (!curl)
        return ERR_NO_MEMORY;
    r = smtp_login(curl, block);
    if (r == 0)
        r = smtp_perform(curl, block);
    curl_easy_cleanup(curl);
    return r;
}
