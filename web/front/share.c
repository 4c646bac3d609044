/* share - see share.h. Clients that are sent nothing are not kept, so that the list is as short as the connections are
 * few. */
#include "web/front/share.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct share_client {
    char address[64];
    unsigned taken;
};

struct share {
    pthread_mutex_t lock;
    unsigned n, max;
    struct share_client clients[]; /* clients[0 .. n) */
};

struct share *share_new(unsigned clients_max)
{
    struct share *s = calloc(1, sizeof(*s) + clients_max * sizeof(s->clients[0]));

    if (!s)
        abort();
    s->max = clients_max;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void share_free(struct share **share)
{
    if (!*share)
        return;
    pthread_mutex_destroy(&(*share)->lock);
    free(*share);
    *share = NULL;
}

/* Under the lock. NULL: it has none. */
static struct share_client *share_find(struct share *s, const char *client)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->clients[i].address, client) == 0)
            return &s->clients[i];
    return NULL;
}

bool share_take(struct share *share, const char *client, unsigned most)
{
    struct share_client *c;
    bool ok;

    pthread_mutex_lock(&share->lock);
    c = share_find(share, client);
    if (!c && share->n < share->max) {
        c = &share->clients[share->n++];
        *c = (struct share_client) { .taken = 0 };
        strncpy(c->address, client, sizeof(c->address) - 1);
    }
    ok = c && c->taken < most;
    if (ok)
        c->taken++;
    pthread_mutex_unlock(&share->lock);
    return ok;
}

void share_give_back(struct share *share, const char *client)
{
    struct share_client *c;

    pthread_mutex_lock(&share->lock);
    c = share_find(share, client);
    if (c && --c->taken == 0)
        *c = share->clients[--share->n];
    pthread_mutex_unlock(&share->lock);
}
