/* sessions - see sessions.h */
#include "web/front/sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define SESSIONS_HASH 32

struct session_entry {
    uint8_t hash[SESSIONS_HASH];
    int64_t until_ms;
    struct session_seen *seen; /* NULL: none that still counts */
    struct id user;            /* whose it was; zero: nobody's */
};

struct sessions {
    pthread_mutex_t lock;
    uint8_t key[crypto_generichash_KEYBYTES];
    uint64_t generation; /* counts drops: an exchange begun before one is not kept after it */
    struct session_entry entries[SESSIONS_KEPT];
};

struct sessions *sessions_new(void)
{
    struct sessions *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    pthread_mutex_init(&s->lock, NULL);
    randombytes_buf(s->key, sizeof(s->key));
    return s;
}

void sessions_free(struct sessions **sessions)
{
    if (!*sessions)
        return;
    sessions_drop_all(*sessions);
    pthread_mutex_destroy(&(*sessions)->lock);
    free(*sessions);
    *sessions = NULL;
}

/* The place of a cookie: one, whoever comes later takes it. */
static struct session_entry *sessions_place(struct sessions *s, const char *cookie,
                                            uint8_t hash[static SESSIONS_HASH])
{
    uint32_t at;

    crypto_generichash(hash, SESSIONS_HASH, (const unsigned char *)cookie, strlen(cookie), s->key, sizeof(s->key));
    memcpy(&at, hash, sizeof(at));
    return &s->entries[at % SESSIONS_KEPT];
}

static void sessions_clear(struct session_entry *entry)
{
    if (entry->seen)
        sodium_memzero(entry->seen, sizeof(*entry->seen));
    free(entry->seen);
    entry->seen = NULL;
}

bool sessions_find(struct sessions *sessions, const char *cookie, int64_t monotonic_ms, struct session_seen *ret)
{
    uint8_t hash[SESSIONS_HASH];
    struct session_entry *entry;
    bool found;

    pthread_mutex_lock(&sessions->lock);
    entry = sessions_place(sessions, cookie, hash);
    found = entry->seen && sodium_memcmp(entry->hash, hash, sizeof(hash)) == 0;
    if (found && monotonic_ms >= entry->until_ms) {
        sessions_clear(entry);
        found = false;
    }
    if (found)
        *ret = *entry->seen;
    pthread_mutex_unlock(&sessions->lock);
    return found;
}

void sessions_keep(struct sessions *sessions, const char *cookie, uint64_t generation, int64_t monotonic_ms,
                   const struct session_seen *seen)
{
    uint8_t hash[SESSIONS_HASH];
    struct session_entry *entry;
    struct session_seen *copy = malloc(sizeof(*copy));

    if (!copy)
        abort();
    *copy = *seen;
    pthread_mutex_lock(&sessions->lock);
    entry = sessions_place(sessions, cookie, hash);
    sessions_clear(entry);
    memcpy(entry->hash, hash, sizeof(hash));
    entry->until_ms = monotonic_ms + SESSIONS_MS;
    entry->seen = copy;
    entry->user = seen->user;
    if (generation != sessions->generation)
        sessions_clear(entry);
    pthread_mutex_unlock(&sessions->lock);
}

bool sessions_whose(struct sessions *sessions, const char *cookie, struct id *ret_user)
{
    uint8_t hash[SESSIONS_HASH];
    const struct session_entry *entry;
    bool found;

    pthread_mutex_lock(&sessions->lock);
    entry = sessions_place(sessions, cookie, hash);
    found = !id_is_zero(entry->user) && sodium_memcmp(entry->hash, hash, sizeof(hash)) == 0;
    if (found)
        *ret_user = entry->user;
    pthread_mutex_unlock(&sessions->lock);
    return found;
}

uint64_t sessions_generation(struct sessions *sessions)
{
    uint64_t generation;

    pthread_mutex_lock(&sessions->lock);
    generation = sessions->generation;
    pthread_mutex_unlock(&sessions->lock);
    return generation;
}

void sessions_drop_all(struct sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    sessions->generation++;
    for (size_t i = 0; i < SESSIONS_KEPT; i++)
        sessions_clear(&sessions->entries[i]);
    pthread_mutex_unlock(&sessions->lock);
}
