/* shelf - see shelf.h. A slot for each hash of a name: two names of one hash take turns. */
#include "web/front/shelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "web/front/http/gzip.h"

struct shelf {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES];
    uint64_t bytes, bytes_max;
    unsigned hand; /* the slot that makes room next */
    struct shelf_text *slots[SHELF_SLOTS];
};

struct shelf *shelf_new(uint64_t bytes_max)
{
    struct shelf *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    s->bytes_max = bytes_max;
    randombytes_buf(s->key, sizeof(s->key)); /* names come from strangers */
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static uint64_t shelf_size(const struct shelf_text *text)
{
    return sizeof(*text) + strlen(text->name) + 1 + text->plain.len + text->packed.len;
}

/* Under the lock. */
static void shelf_let_go(struct shelf_text *text)
{
    if (--text->held > 0)
        return;
    free(text->name);
    free((void *)(uintptr_t)text->plain.data);
    free((void *)(uintptr_t)text->packed.data);
    free(text);
}

static void shelf_clear(struct shelf *s, unsigned slot)
{
    if (!s->slots[slot])
        return;
    s->bytes -= shelf_size(s->slots[slot]);
    shelf_let_go(s->slots[slot]);
    s->slots[slot] = NULL;
}

void shelf_free(struct shelf **shelf)
{
    if (!*shelf)
        return;
    for (unsigned i = 0; i < SHELF_SLOTS; i++)
        shelf_clear(*shelf, i);
    pthread_mutex_destroy(&(*shelf)->lock);
    free(*shelf);
    *shelf = NULL;
}

static unsigned shelf_slot(const struct shelf *s, const char *name)
{
    uint64_t hash;

    crypto_shorthash((uint8_t *)&hash, (const uint8_t *)name, strlen(name), s->key);
    return (unsigned)(hash % SHELF_SLOTS);
}

struct shelf_text *shelf_take(struct shelf *shelf, const char *name, int64_t now_ms)
{
    unsigned slot = shelf_slot(shelf, name);
    struct shelf_text *text;

    pthread_mutex_lock(&shelf->lock);
    text = shelf->slots[slot];
    if (text && (text->until_ms <= now_ms || strcmp(text->name, name) != 0))
        text = NULL;
    if (text)
        text->held++;
    pthread_mutex_unlock(&shelf->lock);
    return text;
}

static struct bytes shelf_copy(const void *data, size_t len)
{
    void *copy = malloc(len ? len : 1);

    if (!copy)
        abort();
    if (len)
        memcpy(copy, data, len);
    return bytes_of(copy, len);
}

static struct bytes shelf_pack(struct bytes plain)
{
    struct buf out = { 0 };
    struct bytes packed;

    if (plain.len == 0)
        return bytes_of(NULL, 0);
    gzip_pack(plain, &out);
    packed = shelf_copy(out.data, out.len);
    buf_free(&out);
    return packed;
}

struct shelf_text *shelf_put(struct shelf *shelf, const char *name, struct bytes plain, int64_t modified,
                             int64_t now_ms)
{
    unsigned slot = shelf_slot(shelf, name);
    struct shelf_text *text = calloc(1, sizeof(*text));
    uint64_t size;

    if (!text || !(text->name = strdup(name)))
        abort();
    text->plain = shelf_copy(plain.data, plain.len);
    text->packed = shelf_pack(plain);
    text->modified = modified;
    text->until_ms = now_ms + SHELF_FRESH_MS;
    text->held = 1;
    size = shelf_size(text);
    pthread_mutex_lock(&shelf->lock);
    shelf_clear(shelf, slot);
    for (unsigned i = 0; i < SHELF_SLOTS && shelf->bytes + size > shelf->bytes_max; i++)
        shelf_clear(shelf, shelf->hand++ % SHELF_SLOTS);
    if (shelf->bytes + size <= shelf->bytes_max) {
        shelf->slots[slot] = text;
        shelf->bytes += size;
        text->held++;
    }
    pthread_mutex_unlock(&shelf->lock);
    return text;
}

void shelf_give_back(struct shelf *shelf, struct shelf_text **text)
{
    pthread_mutex_lock(&shelf->lock);
    shelf_let_go(*text);
    pthread_mutex_unlock(&shelf->lock);
    *text = NULL;
}
