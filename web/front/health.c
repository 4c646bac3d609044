/* health - see health.h */
#include "web/front/health.h"

#include <string.h>

#include "gen/errors.h"
#include "web/front/keyring.h"
#include "web/front/link.h"
#include "web/front/peers.h"

void health_live(struct exchange *x, const struct router_path *path)
{
    x->what = "health";
    exchange_send(x, 200, "application/json", bytes_of_text("{\"status\":\"alive\"}"));
}

/* Service names are the first words of the calls that routes make; each is looked at once. */
static void health_missing(struct exchange *x, struct buf *missing)
{
    char last[64] = "";

    for (size_t i = 0; i < routes_n; i++) {
        size_t len = strcspn(routes[i].call, ".");
        char service[64];

        if (len >= sizeof(service))
            continue;
        memcpy(service, routes[i].call, len);
        service[len] = '\0';
        if (strcmp(service, last) == 0 || strstr(missing->len ? buf_text(missing) : "", service))
            continue;
        strcpy(last, service);
        if (!peers_offer(x->front->peers, service))
            buf_printf(missing, "%s%s", missing->len ? ", " : "", service);
    }
}

void health_ready(struct exchange *x, const struct router_path *path)
{
    struct buf missing = { 0 };

    x->what = "ready";
    if (atomic_load(&x->front->draining)) {
        exchange_problem(x, ERR_UNAVAILABLE, "This process is about to stop.");
    } else if (!link_is_up(x->front->link)) {
        exchange_problem(x, ERR_UNAVAILABLE, "The broker is not reached.");
    } else {
        health_missing(x, &missing);
        if (!keyring_complete(x->front->keyring))
            buf_printf(&missing, "%sthe keys of tokens", missing.len ? ", " : "");
        if (missing.len > 0)
            exchange_problem(x, ERR_UNAVAILABLE, "Not there on the bus: %s.", buf_text(&missing));
        else
            exchange_send(x, 200, "application/json", bytes_of_text("{\"status\":\"ready\"}"));
    }
    buf_free(&missing);
}
