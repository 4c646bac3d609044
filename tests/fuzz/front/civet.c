/* civet - see civet.h */
#include "tests/fuzz/front/civet.h"

#include <ctype.h>
#include <string.h>

static int civet_head(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 128 && c != '\r' && c != '\n' && !isprint(c))
            return -1;
        if (i + 1 < len && text[i] == '\n' && text[i + 1] == '\n')
            return (int)i + 2;
        if (i + 3 < len && memcmp(text + i, "\r\n\r\n", 4) == 0)
            return (int)i + 4;
    }
    return 0;
}

static int civet_word(char **p, int eol)
{
    while (isgraph((unsigned char)**p))
        (*p)++;
    if (eol ? **p != '\r' && **p != '\n' : **p != ' ')
        return -1;
    do {
        **p = '\0';
        (*p)++;
    } while (isspace((unsigned char)**p));
    return !eol && !isgraph((unsigned char)**p) ? -1 : 0;
}

static int civet_headers(char *p, struct mg_header *to)
{
    int n = 0;

    while (n < MG_MAX_HEADERS) {
        char *name = p;

        while (*p != ':' && *p >= 33 && *p <= 126)
            p++;
        if (p == name)
            break;
        while (*p == ' ')
            *p++ = '\0';
        if (*p != ':')
            return -1;
        *p++ = '\0';
        while (*p == ' ' || *p == '\t')
            p++;
        to[n] = (struct mg_header) { name, p };
        while (*p && *p != '\r' && *p != '\n')
            p++;
        if (*p == '\r') {
            *p++ = '\0';
            if (*p != '\n')
                return -1;
        }
        n++;
        if (!*p)
            break;
        *p++ = '\0';
        if (*p == '\r' || *p == '\n')
            break;
    }
    return n;
}

int civet_parse(char *text, size_t len, struct mg_request_info *ret)
{
    int head;
    char *p = text, *query;

    *ret = (struct mg_request_info) { .content_length = -1 };
    if (len == 0 || isspace((unsigned char)*p) || iscntrl((unsigned char)*p))
        return -1; /* civetweb skips spaces first; then it is as if they were not there */
    head = civet_head(text, len);
    if (head <= 0)
        return head;
    text[head - 1] = '\0';
    ret->request_method = p;
    if (civet_word(&p, 0) < 0)
        return -1;
    ret->request_uri = p;
    if (civet_word(&p, 0) < 0)
        return -1;
    ret->http_version = p;
    if (civet_word(&p, 1) < 0 || strncmp(ret->http_version, "HTTP/", 5) != 0)
        return -1;
    ret->http_version += 5;
    ret->num_headers = civet_headers(p, ret->http_headers);
    if (ret->num_headers < 0)
        return -1;
    query = strchr(ret->request_uri, '?');
    if (query) {
        *query = '\0';
        ret->query_string = query + 1;
    }
    return head;
}
