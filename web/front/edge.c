/* edge - see edge.h */
#include "web/front/edge.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "gen/errors.h"
#include "web/front/http/condition.h"
#include "web/front/keyring.h"

/* One of this process, of what the keyring holds, and of whose pages may read media. */
static const char *edge_tag(struct exchange *x, const char *origins)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    char hex[2 * sizeof(hash) + 1], instance[ID_TEXT_SIZE];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)origins, strlen(origins), NULL, 0);
    return arena_printf(x->arena, "\"%s-%" PRIu64 "-%s\"", id_format(NULL, x->front->instance, instance),
                        keyring_generation(x->front->keyring),
                        sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
}

/* {"keys":...,"open":...,"all":...,"origins":[...]} */
static int edge_write(struct exchange *x, const char *origins, struct buf *out)
{
    static const char between[] = " ,";
    const char *comma = "";
    int r;

    buf_put_text(out, "{");
    r = keyring_rights(x->front->keyring, out);
    buf_put_text(out, ",\"origins\":[");
    for (const char *p = origins + strspn(origins, between); *p; p += strspn(p, between)) {
        size_t len = strcspn(p, between);

        if (!memchr(p, '"', len) && !memchr(p, '\\', len)) {
            buf_printf(out, "%s\"%.*s\"", comma, (int)len, p);
            comma = ",";
        }
        p += len;
    }
    buf_put_text(out, "]}");
    return r;
}

void edge_rights(struct exchange *x, const struct router_path *path)
{
    const char *origins = x->front->settings->cors_origins ? x->front->settings->cors_origins : "";
    struct condition_state state = { 0 };
    struct buf text = { 0 };

    x->what = "edge";
    if (!x->by_edge || gate_header(x->request, "X-Forwarded-For")) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such page.");
        return;
    }
    state.etag = edge_tag(x, origins); /* before what it stands for: a change between is told next time */
    exchange_header(x, "ETag", "%s", state.etag);
    if (edge_write(x, origins, &text) < 0)
        exchange_problem(x, ERR_UNAVAILABLE, "The keys of media addresses are not known yet.");
    else if (condition_check(x->request, &state) == 304)
        exchange_empty(x, 304);
    else
        exchange_send(x, 200, "application/json", buf_bytes(&text));
    sodium_memzero((void *)(uintptr_t)text.data, text.len);
    buf_free(&text);
}
