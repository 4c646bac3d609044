/* edge - see edge.h */
#include "web/front/edge.h"

#include <string.h>

#include <sodium.h>

#include "gen/errors.h"
#include "web/front/http/condition.h"
#include "web/front/keyring.h"
#include "web/front/link.h"

/* Every front says the same with the same tag. */
static const char *edge_tag(struct exchange *x, struct bytes text)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    char hex[2 * sizeof(hash) + 1];

    crypto_generichash(hash, sizeof(hash), text.data, text.len, NULL, 0);
    return arena_printf(x->arena, "\"%s\"", sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
}

/* {"keys":...,"open":...,"all":...,"closed":...,"limited":...,"origins":[...]} */
static int edge_write(struct exchange *x, struct buf *out)
{
    static const char between[] = " ,";
    const char *origins = x->front->settings->cors_origins ? x->front->settings->cors_origins : "";
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
    struct condition_state state = { 0 };
    struct buf text = { 0 };

    x->what = "edge";
    if (!x->by_edge || gate_header(x->request, "X-Forwarded-For")) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such page.");
        return;
    }
    if (!link_is_up(x->front->link)) {
        exchange_problem(x, ERR_UNAVAILABLE,
                         "The broker is not reached: what was taken back since is not known here.");
    } else if (edge_write(x, &text) < 0) {
        exchange_problem(x, ERR_UNAVAILABLE, "The keys of media addresses are not known yet.");
    } else {
        state.etag = edge_tag(x, buf_bytes(&text));
        exchange_header(x, "ETag", "%s", state.etag);
        if (condition_check(x->request, &state) == 304)
            exchange_empty(x, 304);
        else
            exchange_send(x, 200, "application/json", buf_bytes(&text));
    }
    if (text.data)
        sodium_memzero(text.data, text.len);
    buf_free(&text);
}
