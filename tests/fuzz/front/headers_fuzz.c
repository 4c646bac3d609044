/* The small readers of header values: the first byte chooses one. What they accept must make sense. */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/blob_right/blob_right.h"
#include "actors/runtime/media_token/media_token.h"
#include "web/front/http/condition.h"
#include "web/front/http/cookie.h"
#include "web/front/http/range.h"
#include "web/front/http/trace.h"
#include "web/front/http/tus.h"

static void ranges(const char *text)
{
    struct range set[RANGE_MAX];
    size_t n;

    if (range_parse(text, 1000, set, &n) != RANGE_PARTS)
        return;
    for (size_t i = 0; i < n; i++)
        if (set[i].from > set[i].to || set[i].to >= 1000 || (i > 0 && set[i].from <= set[i - 1].to + 1))
            abort();
}

static void tus(char *text)
{
    struct mg_request_info request = { .num_headers = 3 };
    struct arena *arena = arena_new();
    struct tus_create create;
    struct tus_sum sum;
    const char *reason = NULL;
    char *second = strchr(text, '\n');

    request.http_headers[0] = (struct mg_header) { "Upload-Length", "1" };
    request.http_headers[1] = (struct mg_header) { "Upload-Checksum", text };
    request.http_headers[2] = (struct mg_header) { "Upload-Metadata", text };
    if (second) {
        *second = '\0';
        request.http_headers[0] = (struct mg_header) { "Upload-Concat", second + 1 };
    }
    if (tus_read_create(&request, arena, &create, &reason) == 0)
        tus_metadata(create.metadata, "filename", arena);
    else if (!reason)
        abort();
    tus_read_sum(&request, &sum, &reason);
    arena_free(&arena);
}

/* A right and a name with a slash between: nobody who does not know the key makes one that is good. */
static void rights(char *text, const uint8_t key[static BLOB_RIGHT_KEY_SIZE])
{
    struct blob_right right;
    char *name = strchr(text, '/');

    if (!name)
        return;
    *name++ = '\0';
    if (blob_right_verify(text, name, key) || (blob_right_read(text, &right) && right.expires_s < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[MEDIA_TOKEN_KEY_SIZE] = { 1 };
    char *text, value[COOKIE_VALUE_MAX + 1], date[CONDITION_DATE_SIZE];
    struct media_grant grant;
    struct trace trace;

    if (size < 1)
        return 0;
    text = calloc(1, size);
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 6) {
    case 0: ranges(text); break;
    case 1:
        if (condition_parse_date(text) >= 0 && strcmp(condition_date(condition_parse_date(text), date), text) != 0)
            abort();
        break;
    case 2: cookie_read(text, "s", value); break;
    case 3: trace_parse(text, &trace); break;
    case 4:
        if (media_token_read(text, &grant) && media_token_verify(text, &grant, key))
            abort();
        rights(text, key);
        break;
    case 5: tus(text); break;
    }
    free(text);
    return 0;
}
