/* peers - see peers.h */
#include "web/front/peers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#define PEERS_MAX    256
#define PEERS_OFFERS 16
#define PEERS_KEY    200
#define PEERS_NAME   64

struct peer {
    char key[PEERS_KEY]; /* "": empty */
    char offers[PEERS_OFFERS][PEERS_NAME];
    unsigned offers_n;
};

struct peers {
    pthread_mutex_t lock;
    struct peer *peers; /* PEERS_MAX of them */
};

struct peers *peers_new(void)
{
    struct peers *p = calloc(1, sizeof(*p));

    if (!p || !(p->peers = calloc(PEERS_MAX, sizeof(*p->peers))))
        abort();
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void peers_free(struct peers **peers)
{
    if (!*peers)
        return;
    pthread_mutex_destroy(&(*peers)->lock);
    free((*peers)->peers);
    free(*peers);
    *peers = NULL;
}

static bool peers_is(const msgpack_object *text, const char *name)
{
    return text->type == MSGPACK_OBJECT_STR && text->via.str.size == strlen(name) &&
           memcmp(text->via.str.ptr, name, text->via.str.size) == 0;
}

static void peers_read_offers(const msgpack_object *list, struct peer *peer)
{
    if (list->type != MSGPACK_OBJECT_ARRAY)
        return;
    for (uint32_t i = 0; i < list->via.array.size && peer->offers_n < PEERS_OFFERS; i++) {
        const msgpack_object *name = &list->via.array.ptr[i];

        if (name->type != MSGPACK_OBJECT_STR || name->via.str.size >= PEERS_NAME)
            continue;
        memcpy(peer->offers[peer->offers_n], name->via.str.ptr, name->via.str.size);
        peer->offers[peer->offers_n++][name->via.str.size] = '\0';
    }
}

/* The broker's values describe themselves: a map with texts as keys. */
static void peers_read(struct bytes body, struct peer *peer)
{
    msgpack_unpacked unpacked;

    peer->offers_n = 0;
    msgpack_unpacked_init(&unpacked);
    if (msgpack_unpack_next(&unpacked, body.data, body.len, NULL) == MSGPACK_UNPACK_SUCCESS &&
        unpacked.data.type == MSGPACK_OBJECT_MAP) {
        for (uint32_t i = 0; i < unpacked.data.via.map.size; i++)
            if (peers_is(&unpacked.data.via.map.ptr[i].key, "offers"))
                peers_read_offers(&unpacked.data.via.map.ptr[i].val, peer);
    }
    msgpack_unpacked_destroy(&unpacked);
}

/* Under the lock: the peer of this key, or an empty place. NULL: all taken. */
static struct peer *peers_place(struct peers *p, const char *key)
{
    struct peer *empty = NULL;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (strcmp(p->peers[i].key, key) == 0)
            return &p->peers[i];
        if (!empty && !p->peers[i].key[0])
            empty = &p->peers[i];
    }
    return empty;
}

void peers_value(struct peers *peers, const char *key, struct bytes body)
{
    struct peer *peer;

    if (!*key || strlen(key) >= PEERS_KEY)
        return;
    pthread_mutex_lock(&peers->lock);
    peer = peers_place(peers, key);
    if (peer && body.data) {
        strcpy(peer->key, key);
        peers_read(body, peer);
    } else if (peer) {
        peer->key[0] = '\0';
    }
    pthread_mutex_unlock(&peers->lock);
}

void peers_clear(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    for (unsigned i = 0; i < PEERS_MAX; i++)
        peers->peers[i].key[0] = '\0';
    pthread_mutex_unlock(&peers->lock);
}

bool peers_offer(struct peers *peers, const char *service)
{
    bool found = false;

    pthread_mutex_lock(&peers->lock);
    for (unsigned i = 0; !found && i < PEERS_MAX; i++)
        for (unsigned n = 0; peers->peers[i].key[0] && n < peers->peers[i].offers_n; n++)
            found |= strcmp(peers->peers[i].offers[n], service) == 0;
    pthread_mutex_unlock(&peers->lock);
    return found;
}
