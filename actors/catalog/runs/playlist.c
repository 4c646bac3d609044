/* playlist - the files that players begin with, written on the pool from the committed segment table.
 *
 * A mark (dirty_at, dirty_seq) is set in the commit that changes segments, and cleared after the files lie
 * there, if no later mark was set meanwhile; what is marked at start is written at start. The preview
 * grows in lockstep: every rendition lists as many segments as all of them have. The final playlists come
 * once, when every run is done; and with each ladder in another codec there is another edition of them, of names of its
 * own, since those before may be kept by whoever has them. */
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/media/board.h"
#include "actors/catalog/media/chapters.h"
#include "actors/catalog/runs/extra.h"
#include "actors/catalog/runs/loud.h"
#include "actors/catalog/runs/playset.h"
#include "actors/catalog/media/mpd.h"
#include "actors/catalog/step.h"
#include "data/isobmff/mp4.h"
#include "schemas/wire/arena.h"

enum {
    PLAYLIST_SECOND_LEAST = 4,
    PLAYLIST_FILES_MOST = 3 + 2 * PLAN_AUDIO_MOST + 4 * (LADDER_ALL + PLAN_AUDIO_MOST) + PLAN_TEXT_MOST + 7,
    PLAYLIST_TRICK_SIDE = 480
};

struct playlist_file {
    char *name;
    struct buf text;
    char *init; /* not NULL: no text, but that init with how loud its sound is */
    struct loudness loudness;
};

/* What goes to the pool: it owns its memory, since the turn that made it is over when it runs. */
struct playlist_write {
    struct blobs *blobs;
    struct id video;
    uint64_t version, dirty_seq, segments, until_ms;
    bool final;
    bool kept; /* the video was ready already: what lies there stays as it is */
    uint64_t edition;
    int second; /* enum second_preview; 0: there is none */
    struct playlist_file files[PLAYLIST_FILES_MOST];
    size_t files_n;
};

static void playlist_free(struct playlist_write *w)
{
    for (size_t i = 0; i < w->files_n; i++) {
        free(w->files[i].name);
        free(w->files[i].init);
        buf_free(&w->files[i].text);
    }
    free(w);
}

/* ---- texts */

static char *playlist_name(const char *prefix, const char *dir, const char *leaf)
{
    struct buf name = { 0 };
    char *copy;

    buf_printf(&name, "%s/%s%s%s", prefix, dir, *dir ? "/" : "", leaf);
    copy = strdup(buf_text(&name));
    if (!copy)
        abort();
    buf_free(&name);
    return copy;
}

static struct buf *playlist_file(struct playlist_write *w, const char *prefix, const char *dir, const char *leaf)
{
    struct playlist_file *file = &w->files[w->files_n++];

    file->name = playlist_name(prefix, dir, leaf);
    return &file->text;
}

static void playlist_write_media(struct playlist_write *w, const char *prefix, const struct hls_set *set,
                                 const char *leaf, bool final, bool ended)
{
    for (size_t i = 0; i < set->video_n; i++)
        hls_media(playlist_file(w, prefix, set->video[i].dir, leaf), &set->video[i], final, ended);
    for (size_t i = 0; i < set->audio_n; i++)
        hls_media(playlist_file(w, prefix, set->audio[i].dir, leaf), &set->audio[i], final, ended);
}

static uint64_t playlist_until_ms(const struct hls_set *set)
{
    const struct hls_rendition *r = set->video_n ? &set->video[0] : &set->audio[0];
    uint64_t units = 0;

    for (size_t i = 0; i < r->segments_n; i++)
        units += r->segments[i].duration;
    return r->timescale ? units * 1000 / r->timescale : 0;
}

/* The media playlists come before the master that names them, the segments they list lie there already. */
static int playlist_preview(struct doing *d, const struct plan *plan, const char *prefix, bool ended,
                            struct playlist_write *w)
{
    struct playset set;
    int r = playset_collect(d, plan, PLAYSET_PREVIEW, &set);

    if (r < 0 || !set.segments)
        return r;
    r = playset_load(d, &set, ended ? 0 : set.segments);
    if (r < 0)
        return r;
    w->segments = set.segments;
    w->until_ms = playlist_until_ms(&set.set);
    playlist_write_media(w, prefix, &set.set, "event.m3u8", false, ended);
    if (!d->row.announced) /* never edited once somebody may have it */
        hls_master(playlist_file(w, prefix, "", "preview.m3u8"), &set.set, false, "event.m3u8");
    return 0;
}

/* The rung of the preview and a larger one, once both are at the same place: for who begins to watch then. */
static int playlist_second(struct doing *d, const struct plan *plan, const char *prefix, bool ended,
                           struct playlist_write *w)
{
    struct playset set;
    int r = playset_collect(d, plan, PLAYSET_SECOND, &set);

    w->second = d->row.second ? SECOND_PREVIEW_BEHIND : 0;
    if (r < 0 || !set.segments)
        return r;
    if (set.segments >= PLAYLIST_SECOND_LEAST && set.segments + 1 >= w->segments)
        w->second = SECOND_PREVIEW_IN_STEP;
    if (!w->second)
        return 0;
    r = playset_load(d, &set, ended ? 0 : set.segments);
    if (r < 0)
        return r;
    playlist_write_media(w, prefix, &set.set, "event-2.m3u8", false, ended);
    if (!d->row.second)
        hls_master(playlist_file(w, prefix, "", "preview-2.m3u8"), &set.set, false, "event-2.m3u8");
    return 0;
}

/* Trick play by the smallest rung of each codec and by the one of 480 of H.264: MEDIA 1.4. */
static int playlist_trick(struct doing *d, const char *prefix, const struct hls_set *set, struct buf *master,
                          struct playlist_write *w)
{
    size_t first = hls_codec_run(set, 0);

    for (size_t i = 0; i < set->video_n; i++) {
        const struct hls_rendition *video = &set->video[i];
        uint32_t side = video->width < video->height ? video->width : video->height;
        struct iframe_track track = { .video = video };
        int r;

        if ((side != PLAYLIST_TRICK_SIDE || i >= first) && hls_codec_run(set, i) > 1)
            continue;
        r = playset_gops(d, &track);
        if (r < 0)
            return r;
        if (!track.gops_n)
            continue;
        iframe_media(playlist_file(w, prefix, video->dir, "iframe.m3u8"), &track);
        iframe_master(master, &track);
    }
    return 0;
}

/* Where the fragments lie of which a file to be kept is made (data/isobmff/mp4.h): those of pictures are its GOPs, a segment of
 * sound is one. */
static int playlist_fragments(struct doing *d, const char *prefix, const struct hls_rendition *rendition,
                              struct playlist_write *w)
{
    struct segment_row row = { .video_id = d->row.id, .version = d->row.version, .dir = rendition->dir };
    struct buf *table = playlist_file(w, prefix, rendition->dir, "fragments.bin");
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(d->t), &segment_row_table, TABLE_PRIMARY, &row, 3, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        r = 0;
        if (!row.gops_n)
            mp4_put_row(table, &(struct mp4_fragment) { (uint32_t)row.number, 0, (uint32_t)row.size,
                                                        (uint32_t)row.frames });
        for (size_t i = 0; i < row.gops_n; i++) {
            uint64_t end = i + 1 < row.gops_n ? row.gops[i + 1].offset : row.size;

            mp4_put_row(table, &(struct mp4_fragment) { (uint32_t)row.number, (uint32_t)row.gops[i].offset,
                                                        (uint32_t)(end - row.gops[i].offset),
                                                        (uint32_t)row.gops[i].frames });
        }
    }
    table_walk_end(&walk);
    return r;
}

static int playlist_tables(struct doing *d, const char *prefix, const struct hls_set *set,
                           struct playlist_write *w)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < set->video_n; i++)
        r = playlist_fragments(d, prefix, &set->video[i], w);
    for (size_t i = 0; r == 0 && i < set->audio_n; i++)
        r = playlist_fragments(d, prefix, &set->audio[i], w);
    return r;
}

/* Final sounds have inits of their own, which say how loud they are. */
static int playlist_loudness(struct doing *d, const struct plan *plan, const char *prefix, struct playset *set,
                             struct playlist_write *w)
{
    for (size_t i = 0; i < set->set.audio_n; i++) {
        struct hls_rendition *audio = &set->audio[i];
        struct loudness loudness;
        int r = loud_measure(d, plan, audio->dir, &loudness);

        if (r < 0)
            return r;
        if (!r)
            continue;
        audio->init = LOUDNESS_INIT;
        playlist_file(w, prefix, audio->dir, audio->init);
        w->files[w->files_n - 1].init = playlist_name(prefix, audio->dir, "init.mp4");
        w->files[w->files_n - 1].loudness = loudness;
    }
    return 0;
}

/* What a final set has beside pictures and sounds. */
static void playlist_words(struct playlist_write *w, const struct plan *plan, const char *prefix,
                           struct hls_set *set)
{
    double seconds = hls_seconds(set);

    for (size_t i = 0; i < set->texts_n; i++)
        hls_text_media(playlist_file(w, prefix, set->texts[i].dir, "index.m3u8"), set);
    set->has_chapters = chapters_count(plan->chapters, plan->chapters_n, seconds) > 0;
    if (!set->has_chapters)
        return;
    chapters_json(playlist_file(w, prefix, "", "chapters.json"), plan->chapters, plan->chapters_n, seconds);
    chapters_vtt(playlist_file(w, prefix, "", "chapters.vtt"), plan->chapters, plan->chapters_n, seconds);
}

static int playlist_final(struct doing *d, const struct version_row *version, const struct plan *plan,
                          const char *prefix, struct playlist_write *w)
{
    struct board board;
    struct playset set;
    int r = playset_collect(d, plan, PLAYSET_ALL, &set);

    if (r == 0)
        r = playset_load(d, &set, 0);
    if (r == 0)
        r = playset_texts(d, plan, &set);
    if (r == 0)
        r = playlist_loudness(d, plan, prefix, &set, w);
    if (r < 0)
        return r;
    playlist_write_media(w, prefix, &set.set, "index.m3u8", true, true);
    playlist_words(w, plan, prefix, &set.set);
    if (version->board_bytes && board_plan(plan, &board)) {
        board_vtt(playlist_file(w, prefix, "img", "storyboard.vtt"), &board, &plan->grid);
        set.set.board = &board;
        set.set.board_bytes = version->board_bytes;
    }
    struct buf *master = playlist_file(w, prefix, "", playlist_name_of(d->t, "master", ".m3u8", w->edition));
    hls_master(master, &set.set, true, "index.m3u8");
    r = playlist_trick(d, prefix, &set.set, master, w);
    if (r == 0)
        r = playlist_tables(d, prefix, &set.set, w);
    if (r < 0)
        return r;
    mpd_write(playlist_file(w, prefix, "", playlist_name_of(d->t, "manifest", ".mpd", w->edition)), &set.set);
    w->final = true;
    return 0;
}

/* Every run of every track is done that a video needs to be ready: 1. */
static int playlist_is_whole(struct doing *d, const struct plan *plan)
{
    struct track_row track;

    if (!plan->grid.frames)
        return 0;
    for (size_t i = 0; i + plan->extras_n < plan->tracks_n; i++) {
        int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, i, &track);

        if (r < 0)
            return r == ERR_NOT_FOUND ? 0 : r;
        if (track.done_upto < (track.ended ? track.released : plan_runs(plan, i)))
            return 0;
    }
    return 1;
}

static int playlist_build(struct doing *d, struct playlist_write *w)
{
    const char *prefix = media_prefix(d->t, &d->row);
    struct version_row version;
    struct plan plan;
    int r = media_load_plan(d, &version, &plan), whole;

    whole = r < 0 ? r : playlist_is_whole(d, &plan);
    if (whole < 0)
        return whole;
    w->kept = d->row.media == MEDIA_STATE_READY;
    r = extra_count(d, &plan, &w->edition);
    w->edition++;
    if (r == 0 && !w->kept)
        r = playlist_preview(d, &plan, prefix, whole, w);
    if (r == 0 && w->segments)
        r = playlist_second(d, &plan, prefix, whole, w);
    if (r == 0 && whole)
        r = playlist_final(d, &version, &plan, prefix, w);
    return r;
}

/* ---- the pool, and what comes of it */

static bool playlist_is_master(const struct playlist_file *file)
{
    const char *leaf = strrchr(file->name, '/') + 1;

    return strncmp(leaf, "master", 6) == 0 || strncmp(leaf, "preview", 7) == 0;
}

const char *playlist_name_of(struct turn *t, const char *name, const char *ending, uint64_t edition)
{
    return edition > 1 ? arena_printf(turn_arena(t), "%s-%llu%s", name, (unsigned long long)edition, ending)
                       : arena_printf(turn_arena(t), "%s%s", name, ending);
}

/* An init is some hundred bytes, and an object never changes. */
static int playlist_put_init(struct blobs *blobs, const struct playlist_file *file)
{
    uint8_t bytes[4096];
    struct buf out = { 0 };
    size_t got = 0;
    int r = blob_read(blobs, file->init, 0, bytes, sizeof(bytes), &got);

    if (r == 0 && loudness_into_init(bytes_of(bytes, got), &file->loudness, &out) < 0)
        r = ERR_CORRUPT;
    if (r == 0)
        r = blob_put_new(blobs, file->name, buf_bytes(&out), NULL);
    buf_free(&out);
    return r == ERR_EXISTS ? 0 : r;
}

static int playlist_put(const struct playlist_write *w, const struct playlist_file *file)
{
    int r;

    if (file->init)
        return playlist_put_init(w->blobs, file);
    if (!w->kept)
        return blob_put(w->blobs, file->name, buf_bytes(&file->text), NULL);
    r = blob_put_new(w->blobs, file->name, buf_bytes(&file->text), NULL);
    return r == ERR_EXISTS ? 0 : r;
}

/* What is named lies there before what names it: inits come first of all. */
static int playlist_work(void *ctx)
{
    struct playlist_write *w = *(struct playlist_write **)ctx;
    int r = 0;

    for (unsigned masters = 0; masters < 2; masters++)
        for (size_t i = 0; r == 0 && i < w->files_n; i++)
            if (playlist_is_master(&w->files[i]) == masters)
                r = playlist_put(w, &w->files[i]);
    return r;
}

static struct id *playlist_place(struct catalog *self, struct id video)
{
    for (size_t i = 0; i < CATALOG_WRITING_MOST; i++)
        if (id_equal(self->writing[i], video))
            return &self->writing[i];
    return NULL;
}

/* The video is ready, or has another codec; and what the settings want beside is asked for. */
static int playlist_are_final(struct doing *d, const struct playlist_write *w)
{
    struct version_row version;
    struct plan plan;
    bool known = w->kept && w->edition == (d->row.edition ? d->row.edition : 1); /* written once more */
    int r = known ? ERR_CONFLICT : step_take(d, STEP_MEDIA, ON_WRITTEN);

    if (r < 0)
        return r;
    d->row.edition = w->edition;
    r = media_load_plan(d, &version, &plan);
    if (r == 0)
        r = extra_written(d, &version, &plan);
    return r < 0 ? r : extra_by_policy(d);
}

static int playlist_lie_there(struct doing *d, const struct playlist_write *w)
{
    int r = 0;

    if (d->row.dirty_seq == w->dirty_seq)
        d->row.dirty_at = 0;
    if (w->until_ms > d->row.playable_until_ms)
        d->row.playable_until_ms = w->until_ms;
    if (!w->kept)
        d->row.second = w->second;
    if (w->segments && !d->row.announced)
        r = step_take(d, STEP_MEDIA, ON_PLAYABLE);
    if (r == 0 && w->final)
        r = playlist_are_final(d, w);
    turn_count(d->t, CATALOG_PLAYLISTS_WRITTEN, 1);
    return r == ERR_CONFLICT ? 0 : r;
}

/* Others have their turn before what cannot be written is tried again. */
static int playlist_put_off(struct turn *t, struct video_row *row)
{
    if (!row->dirty_at)
        return 0;
    row->dirty_at = turn_now(t);
    return video_row_put(turn_txn(t), row);
}

static int playlist_written(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playlist_write *w = *(struct playlist_write *const *)ctx;
    struct id *place = playlist_place(self, w->video);
    struct doing d;
    int r = video_load(self, t, w->video, &d);

    if (place)
        *place = ID_NONE;
    if (err < 0)
        turn_log(t, "playlist.failed", "error=%s", err_name(err));
    if (r == 0 && err == 0 && d.row.version == w->version && d.row.life != LIFE_STATE_DELETING &&
        d.row.media != MEDIA_STATE_REFUSED) {
        d.written = true;
        r = playlist_lie_there(&d, w);
        if (r == 0)
            r = video_save(&d);
    } else if (r == 0 && err < 0) {
        r = playlist_put_off(t, &d.row);
    }
    playlist_free(w);
    if (r == 0 && err == 0)
        r = playlist_ask(t);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* It is not written: its mark stays, and the clock comes by. */
static void playlist_give_up(void *self, const void *ctx)
{
    struct playlist_write *w = *(struct playlist_write *const *)ctx;

    *playlist_place(self, w->video) = ID_NONE;
    playlist_free(w);
}

static int playlist_start(struct catalog *self, struct turn *t, const struct video_row *row, struct id *place)
{
    struct doing d = { .self = self, .t = t, .row = *row };
    struct playlist_write *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        abort();
    w->blobs = self->blobs;
    w->video = row->id;
    w->version = row->version;
    w->dirty_seq = row->dirty_seq;
    r = playlist_build(&d, w);
    if (r == 0)
        r = turn_pool(t, playlist_work, playlist_written, &w, sizeof(w));
    if (r < 0) {
        playlist_free(w);
        return r;
    }
    *place = row->id;
    turn_undone(t, playlist_give_up, &w, sizeof(w));
    return 0;
}

/* A full pool is no error: the mark stays, and the clock comes by. */
static int playlist_one(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct id *place = playlist_place(self, ID_NONE);
    const struct id *video = ctx;
    struct video_row row;
    int r;

    if (!place || playlist_place(self, *video))
        return 0;
    r = video_row_get(turn_txn(t), turn_arena(t), *video, &row);
    if (r < 0 || !row.dirty_at || row.life == LIFE_STATE_DELETING)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = playlist_start(self, t, &row, place);
    if (r == ERR_BUSY || r == 0)
        return 0;
    turn_log(t, "playlist.failed", "error=%s", err_name(r));
    return playlist_put_off(t, &row);
}

/* Those marked longest, as far as there is room. */
static int playlist_turn(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    struct table_walk walk;
    struct video_row row;
    unsigned asked = 0;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_DIRTY, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && asked < CATALOG_WRITING_MOST && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = 0;
        if (playlist_place(self, row.id))
            continue;
        r = turn_after(t, 0, playlist_one, &row.id, sizeof(row.id));
        asked++;
    }
    table_walk_end(&walk);
    return r;
}

/* In a turn of its own: who asked is answered without it. */
int playlist_ask(struct turn *t)
{
    return turn_after(t, 0, playlist_turn, NULL, 0);
}
