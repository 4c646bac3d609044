/* scrub - see scrub.h. One slice is under way at a time, on the pool; what it works on is its own until it is done. */
#include "actors/catalog/places/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "actors/catalog/places/compare.h"
#include "actors/runtime/page/page.h"
#include "schemas/wire/arena.h"

enum { SCRUB_MS = 250, SCRUB_IDLE_MS = 10000, SCRUB_SAID_MOST = 5 };

/* Of a video first the parts, then the initialisations, then the segments. */
enum scrub_stage { SCRUB_PARTS, SCRUB_INITS, SCRUB_SEGMENTS, SCRUB_STAGES };

struct scrub {
    struct id video; /* zero: none; the next one is looked for */
    uint64_t version;
    int64_t began;              /* the look at this video */
    uint8_t whole[SHA256_SIZE]; /* of its original, when that is one part so long */
    uint64_t whole_size;        /* 0: not known */
    enum scrub_stage stage;
    uint8_t after[STORE_KEY_MAX]; /* the last row of the stage that was listed */
    size_t after_n;
    uint64_t budget; /* bytes of the slice under way */
    size_t told;     /* of compare.items: what was found of these is written down */
    bool unreached;  /* not all of this video could be looked at */
    bool busy;       /* the slice is on the pool */
    struct compare compare;
};

/* ---- where it is */

static int scrub_pass(struct turn *t, struct scrub_row *ret)
{
    int r = scrub_row_get(turn_txn(t), turn_arena(t), "pass", ret);

    if (r == ERR_NOT_FOUND)
        *ret = (struct scrub_row) { .what = "pass" };
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The first video behind the last one that was done. 1, 0 when there is none, or an error. */
static int scrub_next_video(struct turn *t, const struct scrub_row *pass, struct video_row *ret)
{
    struct bytes after = id_is_zero(pass->video_id) ? bytes_of(NULL, 0) : bytes_of(pass->video_id.b, 16);
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP, after);

    if (r == 0)
        r = table_walk_next(&walk, turn_arena(t), ret);
    table_walk_end(&walk);
    return r;
}

/* ---- what is to be looked at */

static void scrub_add(struct scrub *s, const char *name, uint64_t size, struct bytes hash, const char *dir,
                      uint64_t number)
{
    struct compare_item *item = &s->compare.items[s->compare.n++];

    *item = (struct compare_item) { .size = size, .hashed = hash.len == BLOB_HASH_SIZE, .number = number };
    memccpy(item->name, name, '\0', sizeof(item->name) - 1);
    memccpy(item->dir, dir, '\0', sizeof(item->dir) - 1);
    if (item->hashed)
        memcpy(item->want, hash.data, BLOB_HASH_SIZE);
}

static void scrub_add_part(struct scrub *s, struct turn *t, const void *row)
{
    const struct original_part *part = row;

    if (!part->growing)
        scrub_add(s, part->blob, part->length,
                  bytes_of(s->whole, part->length == s->whole_size ? sizeof(s->whole) : 0), "", part->offset);
}

static const char *scrub_name(const struct scrub *s, struct turn *t, const char *dir, const char *leaf)
{
    const struct video_row of = { .id = s->video, .version = s->version };

    return arena_printf(turn_arena(t), "%s/%s/%s", media_prefix(t, &of), dir, leaf);
}

/* A text lies in one file, all else has an initialisation and segments. */
static void scrub_add_init(struct scrub *s, struct turn *t, const void *row_)
{
    const struct rendition_row *row = row_;
    bool text = row->codec && strcmp(row->codec, "wvtt") == 0;

    scrub_add(s, scrub_name(s, t, row->dir, text ? "full.vtt" : "init.mp4"), row->init_size, row->init_hash,
              row->dir, 0);
}

static void scrub_add_segment(struct scrub *s, struct turn *t, const void *row_)
{
    const struct segment_row *row = row_;
    const char *leaf = arena_printf(turn_arena(t), "%06u.m4s", (unsigned)row->number);

    scrub_add(s, scrub_name(s, t, row->dir, leaf), row->size, row->hash, row->dir, row->number);
}

/* The next rows of the stage, as many as fit; behind its last one the next stage. */
static int scrub_list(struct scrub *s, struct turn *t)
{
    const struct original_part part = { .video_id = s->video };
    const struct rendition_row rendition = { .video_id = s->video, .version = s->version };
    const struct segment_row segment = { .video_id = s->video, .version = s->version };
    const struct {
        const struct table_def *def;
        const void *prefix;
        size_t prefix_n;
        void (*add)(struct scrub *s, struct turn *t, const void *row);
    } stages[SCRUB_STAGES] = {
        [SCRUB_PARTS] = { &original_part_table, &part, 1, scrub_add_part },
        [SCRUB_INITS] = { &rendition_row_table, &rendition, 2, scrub_add_init },
        [SCRUB_SEGMENTS] = { &segment_row_table, &segment, 2, scrub_add_segment },
    }, *stage = &stages[s->stage];
    void *row = arena_alloc(turn_arena(t), stage->def->size);
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), stage->def, TABLE_PRIMARY, stage->prefix, stage->prefix_n,
                             TABLE_UP, bytes_of(s->after, s->after_n));

    while (r == 0 && s->compare.n < COMPARE_MOST && (r = table_walk_next(&walk, turn_arena(t), row)) > 0) {
        struct bytes at = table_walk_at(&walk);

        stage->add(s, t, row);
        memcpy(s->after, at.data, at.len);
        s->after_n = at.len;
        r = 0;
    }
    if (r == 0 && s->compare.n < COMPARE_MOST)
        s->stage++, s->after_n = 0;
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

static int scrub_fill(struct scrub *s, struct turn *t)
{
    int r = 0;

    s->compare.n = s->compare.at = s->told = 0;
    while (r == 0 && s->compare.n == 0 && s->stage < SCRUB_STAGES)
        r = scrub_list(s, t);
    return r;
}

/* ---- what was found */

/* Whether it is still what a row says: who deletes a video deletes its files first. */
static int scrub_is_wanted(struct scrub *s, struct turn *t, const struct compare_item *item, struct video_row *ret)
{
    struct arena *arena = turn_arena(t);
    struct rendition_row rendition;
    struct original_part part;
    struct segment_row segment;
    int r = video_row_get(turn_txn(t), arena, s->video, ret);

    if (r == 0 && (ret->life == LIFE_STATE_DELETING || (*item->dir && ret->version != s->version)))
        return 0;
    if (r == 0 && !*item->dir)
        r = original_part_get(turn_txn(t), arena, s->video, item->number, &part);
    else if (r == 0 && item->number)
        r = segment_row_get(turn_txn(t), arena, s->video, s->version, item->dir, item->number, &segment);
    else if (r == 0)
        r = rendition_row_get(turn_txn(t), arena, s->video, s->version, item->dir, &rendition);
    if (r == 0 && !*item->dir && strcmp(part.blob, item->name) != 0)
        return 0;
    return r == 0 ? 1 : r == ERR_NOT_FOUND ? 0 : r;
}

static int scrub_found(struct scrub *s, struct turn *t, const struct compare_item *item)
{
    struct damage_row row;
    struct video_row video;
    int r = scrub_is_wanted(s, t, item, &video);

    if (r <= 0)
        return r;
    r = damage_row_get(turn_txn(t), turn_arena(t), s->video, item->name, &row);
    if (r == ERR_NOT_FOUND) {
        row = (struct damage_row) { .video_id = s->video, .name = item->name, .found_at = turn_now(t) };
        turn_count(t, CATALOG_OBJECTS_DAMAGED, 1);
        turn_log(t, "scrub.damaged", "name=%s damage=%s", item->name, wire_enum_name(&damage_names, item->found));
        r = emit_object_damaged(t, &(struct object_damaged) { .video_id = s->video,
                                                              .owner_id = video.owner_id,
                                                              .name = item->name,
                                                              .damage = item->found,
                                                              .found_at = turn_now(t) });
    }
    row.damage = item->found;
    row.seen_at = turn_now(t);
    return r < 0 ? r : damage_row_put(turn_txn(t), &row);
}

/* What this look at the video did not find again is whole. */
static int scrub_heal(struct scrub *s, struct turn *t)
{
    struct damage_row row = { .video_id = s->video };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &damage_row_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0)
        r = row.seen_at < s->began ? damage_row_del(turn_txn(t), row.video_id, row.name) : 0;
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* ---- the clock */

static int scrub_slice(void *ctx)
{
    struct scrub *s = *(struct scrub **)ctx;

    compare_slice(&s->compare, s->budget);
    return 0;
}

/* What it came to is told by the clock, which goes on whatever becomes of this turn. */
static int scrub_sliced(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct scrub *s = *(struct scrub *const *)ctx;

    s->busy = false;
    s->unreached |= s->compare.unreached;
    turn_count(t, CATALOG_SCRUBBED_BYTES, s->compare.read);
    return 0;
}

/* In a turn of its own, so that nothing is passed over when that is undone. */
static int scrub_tell(struct scrub *s, struct turn *t)
{
    size_t from = s->told;
    int r = turn_after(t, 0, scrub_tick, NULL, 0);

    turn_remember(t, &s->told, sizeof(s->told));
    for (; r == 0 && s->told < s->compare.at; s->told++)
        if (s->compare.items[s->told].found)
            r = scrub_found(s, t, &s->compare.items[s->told]);
    turn_count(t, CATALOG_SCRUBBED_OBJECTS, s->told - from);
    return r;
}

static int scrub_end_video(struct scrub *s, struct turn *t, struct scrub_row *pass)
{
    int r = s->unreached ? 0 : scrub_heal(s, t);

    pass->video_id = s->video;
    s->video = ID_NONE;
    return r < 0 ? r : scrub_row_put(turn_txn(t), pass);
}

/* A pass that is due, and a video of it. 1: there is one in hand, 0: not now. */
static int scrub_begin(struct scrub *s, struct turn *t, struct scrub_row *pass)
{
    int64_t every = (int64_t)catalog_settings_of(t)->scrub_every_ms, now = turn_now(t);
    struct video_row video;
    int r;

    if (pass->ended_at && now - pass->began_at < every)
        return 0;
    if (pass->ended_at || !pass->began_at)
        *pass = (struct scrub_row) { .what = "pass", .began_at = now };
    r = scrub_next_video(t, pass, &video);
    if (r == 0)
        pass->ended_at = now;
    if (r > 0) {
        s->video = video.id;
        s->version = video.version;
        s->whole_size = video.sha256 && sodium_hex2bin(s->whole, sizeof(s->whole), video.sha256,
                                                       strlen(video.sha256), NULL, NULL, NULL) == 0
                            ? video.declared_bytes
                            : 0;
        s->began = now;
        s->unreached = false;
        s->stage = video.life == LIFE_STATE_DELETING ? SCRUB_STAGES : SCRUB_PARTS;
        s->after_n = 0;
        s->compare.n = s->compare.at = s->compare.off = s->told = 0;
    }
    if (r >= 0) {
        int e = scrub_row_put(turn_txn(t), pass);

        r = e < 0 ? e : r;
    }
    return r;
}

int scrub_tick(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    struct scrub *s = self->scrub;
    uint64_t rate = catalog_settings_of(t)->scrub_kib_per_s, every = catalog_settings_of(t)->scrub_every_ms;
    struct scrub_row pass;
    int r;

    if (s->busy)
        return turn_after(t, SCRUB_MS, scrub_tick, NULL, 0);
    if (s->told < s->compare.at)
        return scrub_tell(s, t);
    if (!rate)
        return turn_after(t, SCRUB_IDLE_MS, scrub_tick, NULL, 0);
    r = scrub_pass(t, &pass);
    if (r == 0 && id_is_zero(s->video)) {
        r = scrub_begin(s, t, &pass);
        if (r <= 0)
            return r < 0 ? r
                         : turn_after(t, (uint32_t)(every < SCRUB_IDLE_MS ? every : SCRUB_IDLE_MS), scrub_tick,
                                      NULL, 0);
        r = 0;
    }
    if (r == 0 && s->compare.at == s->compare.n)
        r = scrub_fill(s, t);
    if (r == 0 && s->compare.at == s->compare.n) {
        r = scrub_end_video(s, t, &pass);
        return r < 0 ? r : turn_after(t, SCRUB_MS, scrub_tick, NULL, 0);
    }
    s->budget = rate * 1024 * SCRUB_MS / 1000;
    s->compare.blobs = self->blobs;
    if (r == 0)
        r = turn_pool(t, scrub_slice, scrub_sliced, &s, sizeof(s));
    if (r < 0 && r != ERR_BUSY)
        return r;
    turn_remember(t, &s->busy, sizeof(s->busy));
    s->busy = r == 0;
    return turn_after(t, SCRUB_MS, scrub_tick, NULL, 0);
}

struct scrub *scrub_new(void)
{
    struct scrub *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    return s;
}

/* ---- told */

int scrub_says(struct turn *t, struct id video, unsigned *ret_n, int64_t *ret_since, const char **ret_words)
{
    struct damage_row row = { .video_id = video };
    struct buf words = { 0 };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &damage_row_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                             (struct bytes) { 0 });

    *ret_n = 0;
    *ret_since = 0;
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = 0;
        if ((*ret_n)++ < SCRUB_SAID_MOST)
            buf_printf(&words, "%s%s is %s", words.len ? ", " : "", row.name,
                       wire_enum_name(&damage_names, row.damage));
        if (!*ret_since || row.found_at < *ret_since)
            *ret_since = row.found_at;
    }
    table_walk_end(&walk);
    *ret_words = words.len ? arena_strdup(turn_arena(t), buf_text(&words)) : NULL;
    buf_free(&words);
    return r < 0 ? r : 0;
}

int catalog_list_damage(struct catalog *self, struct turn *t, const struct list_damage *ask,
                        struct list_damage_reply *reply)
{
    struct table_walk walk;
    struct damage_row row;
    struct bytes after;
    int r = page_cursor_read(turn_arena(t), ask->cursor, &after);

    if (r < 0)
        return turn_fail(t, r, "cursor", "is none that a page gave");
    reply->items = arena_alloc_n(turn_arena(t), ask->limit, sizeof(*reply->items));
    reply->next = "";
    r = table_walk_start(&walk, turn_txn(t), &damage_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP, after);
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = 0;
        reply->items[reply->items_n++] = (struct damaged) { .video_id = row.video_id,
                                                            .name = row.name,
                                                            .damage = row.damage,
                                                            .found_at = row.found_at,
                                                            .seen_at = row.seen_at };
        if (reply->items_n == ask->limit) {
            reply->next = page_cursor_text(turn_arena(t), table_walk_at(&walk));
            break;
        }
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}
