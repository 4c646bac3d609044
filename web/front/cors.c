/* cors - see cors.h */
#include "web/front/cors.h"

#include <string.h>

#define CORS_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
#define CORS_SENDS                                                                                     \
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range, Traceparent, " \
    "Tus-Resumable, Upload-At, Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, "   \
    "Upload-Metadata, Upload-Offset, Upload-Total, Upload-Video, X-HTTP-Method-Override, X-Kinobus"
#define CORS_READS                                                                                          \
    "Content-Range, ETag, Kinobus-Same-As, Kinobus-Video, Location, RateLimit-Limit, RateLimit-Remaining, " \
    "RateLimit-Reset, "                                                                                     \
    "Retry-After, Traceparent, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, "        \
    "Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, "     \
    "Upload-Offset, X-Request-Id"
#define CORS_KEPT_S "600"

bool cors_is_friend(const struct exchange *x)
{
    static const char between[] = " ,";
    const char *origin = gate_header(x->request, "Origin");

    for (const char *p = x->front->settings->cors_origins; origin && *origin && p && *p;) {
        size_t len = strcspn(p, between);

        if (strlen(origin) == len && memcmp(origin, p, len) == 0)
            return true;
        p += len;
        p += strspn(p, between);
    }
    return false;
}

bool cors_begin(struct exchange *x)
{
    const char *list = x->front->settings->cors_origins;

    if (!list || !*list)
        return false;
    exchange_header(x, "Vary", "Origin");
    if (!cors_is_friend(x))
        return false;
    exchange_header(x, "Access-Control-Allow-Origin", "%s", gate_header(x->request, "Origin"));
    if (!exchange_is(x, "OPTIONS") || !gate_header(x->request, "Access-Control-Request-Method")) {
        exchange_header(x, "Access-Control-Expose-Headers", CORS_READS);
        return false;
    }
    x->what = "cors";
    exchange_header(x, "Access-Control-Allow-Methods", CORS_METHODS);
    exchange_header(x, "Access-Control-Allow-Headers", CORS_SENDS);
    exchange_header(x, "Access-Control-Max-Age", CORS_KEPT_S);
    exchange_empty(x, 204);
    return true;
}
