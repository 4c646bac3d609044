/* playset - see playset.h. */
#include <string.h>

#include "actors/catalog/runs/extra.h"
#include "actors/catalog/runs/playset.h"
#include "schemas/wire/arena.h"

enum { PLAYSET_SECOND_SIDE = 720 };

/* The first n segments of a rendition, as far as they follow each other. */
static int playset_segments(struct doing *d, const char *dir, uint64_t n, struct hls_rendition *ret)
{
    struct segment_row row = { .video_id = d->row.id, .version = d->row.version, .dir = dir };
    struct hls_segment *segments = arena_alloc_n(turn_arena(d->t), n ? n : 1, sizeof(*segments));
    struct table_walk walk;
    size_t got = 0;
    int r = table_walk_start(&walk, turn_txn(d->t), &segment_row_table, TABLE_PRIMARY, &row, 3, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && got < n && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0 &&
           row.number == got + 1) {
        segments[got++] = (struct hls_segment) { (uint32_t)row.number, row.duration, row.size };
        r = 0;
    }
    table_walk_end(&walk);
    ret->segments = segments;
    ret->segments_n = got;
    return r < 0 ? r : 0;
}

/* 1: there, 0: no run of it has been done. */
static int playset_rendition(struct doing *d, const char *dir, struct hls_rendition *ret, uint64_t *ret_segments)
{
    struct rendition_row row;
    int r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, dir, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    ret->dir = row.dir;
    ret->codec = row.codec;
    ret->timescale = (uint32_t)row.timescale;
    *ret_segments = row.segments;
    return 1;
}

static int playset_add_video(struct doing *d, const struct plan *plan, size_t rung, struct playset *set)
{
    const struct ladder_rung *from = &plan->ladder.rungs[rung];
    struct hls_rendition *to = &set->video[set->set.video_n];
    uint64_t segments = 0;
    int r = playset_rendition(d, from->dir, to, &segments);

    to->width = from->width;
    to->height = from->height;
    to->fps_num = plan->ladder.fps_num;
    to->fps_den = plan->ladder.fps_den * (from->fps_div ? from->fps_div : 1);
    to->cap_kbps = from->maxrate_kbps;
    set->complete &= r > 0;
    set->segments = segments < set->segments ? segments : set->segments;
    set->set.video_n += r > 0;
    return r < 0 ? r : 0;
}

static int playset_add_audio(struct doing *d, const struct plan *plan, size_t n, struct playset *set)
{
    const struct plan_audio *from = &plan->audio[n];
    struct hls_rendition *to = &set->audio[set->set.audio_n];
    uint64_t segments = 0;
    int r = playset_rendition(d, from->dir, to, &segments);

    to->name = from->name;
    to->language = from->language;
    to->channels = from->channels;
    to->is_default = from->is_default;
    to->surround = from->surround;
    set->complete &= r > 0;
    set->segments = segments < set->segments ? segments : set->segments;
    set->set.audio_n += r > 0;
    return r < 0 ? r : 0;
}

/* A bit for each rung. */
static uint32_t playset_choose(const struct plan *plan, enum playset_rungs rungs)
{
    const struct ladder *ladder = &plan->ladder;
    uint32_t preview = 1u << ladder->preview;

    if (rungs == PLAYSET_ALL)
        return ~ladder->left_out;
    for (size_t i = 0; rungs == PLAYSET_SECOND && i < ladder->preview; i++) {
        const struct ladder_rung *rung = &ladder->rungs[i];

        if (!rung->copy_gop && !(ladder->left_out >> i & 1) &&
            (rung->width < rung->height ? rung->width : rung->height) <= PLAYSET_SECOND_SIDE)
            return preview | 1u << i;
    }
    return rungs == PLAYSET_PREVIEW ? preview : 0;
}

/* Ladders in other codecs that are whole. */
static int playset_add_extras(struct doing *d, const struct plan *plan, struct playset *set)
{
    int r = 0;

    for (size_t track = 0; r >= 0 && track < plan->tracks_n; track++) {
        r = plan->tracks[track].kind == PLAN_EXTRA ? extra_is_whole(d, plan, track) : 0;
        for (size_t i = 0; r > 0 && i < plan->ladder.all_n; i++)
            if (plan->tracks[track].rungs >> i & 1 && (r = playset_add_video(d, plan, i, set)) == 0)
                r = 1;
    }
    return r < 0 ? r : 0;
}

int playset_collect(struct doing *d, const struct plan *plan, enum playset_rungs rungs, struct playset *set)
{
    uint32_t chosen = plan->has_video ? playset_choose(plan, rungs) : 0;
    int r = 0;

    *set = (struct playset) { .complete = true, .segments = UINT64_MAX };
    set->set.video = set->video;
    set->set.audio = set->audio;
    for (size_t i = 0; r == 0 && plan->has_video && i < plan->ladder.rungs_n; i++)
        if (chosen >> i & 1)
            r = playset_add_video(d, plan, i, set);
    if (r == 0 && rungs == PLAYSET_ALL)
        r = playset_add_extras(d, plan, set);
    for (size_t i = 0; r == 0 && i < plan->audio_n; i++)
        if (rungs == PLAYSET_ALL || !plan->audio[i].surround)
            r = playset_add_audio(d, plan, i, set);
    if (!set->complete || set->segments == UINT64_MAX || (rungs == PLAYSET_SECOND && !chosen))
        set->segments = 0;
    return r;
}

int playset_load(struct doing *d, struct playset *set, uint64_t n)
{
    struct hls_rendition *all[LADDER_ALL + PLAN_AUDIO_MOST];
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < set->set.video_n; i++)
        all[count++] = &set->video[i];
    for (size_t i = 0; i < set->set.audio_n; i++)
        all[count++] = &set->audio[i];
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct rendition_row row;

        r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, all[i]->dir, &row);
        if (r == 0)
            r = playset_segments(d, all[i]->dir, n && n < row.segments ? n : row.segments, all[i]);
    }
    return r;
}

int playset_texts(struct doing *d, const struct plan *plan, struct playset *set)
{
    int r = 0;

    set->set.texts = set->texts;
    for (size_t i = 0; r == 0 && i < plan->texts_n; i++) {
        const struct plan_text *text = &plan->texts[i];
        struct rendition_row row;

        r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, text->dir, &row);
        if (r == 0)
            set->texts[set->set.texts_n++] = (struct hls_text) { .dir = text->dir,
                                                                 .name = text->name,
                                                                 .language = text->language,
                                                                 .size = row.init_size,
                                                                 .is_default = text->is_default,
                                                                 .auto_select = text->auto_select,
                                                                 .forced = text->forced,
                                                                 .for_deaf = text->for_deaf };
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    return r;
}

int playset_gops(struct doing *d, struct iframe_track *track)
{
    struct segment_row row = { .video_id = d->row.id, .version = d->row.version, .dir = track->video->dir };
    size_t most = track->video->segments_n * 3, n = 0; /* a segment is three GOPs, but for one that was copied */
    struct iframe_gop *gops = arena_alloc_n(turn_arena(d->t), most ? most : 1, sizeof(*gops));
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(d->t), &segment_row_table, TABLE_PRIMARY, &row, 3, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        r = 0;
        if (n + row.gops_n > most) {
            most = 2 * (n + row.gops_n);
            gops = memcpy(arena_alloc_n(turn_arena(d->t), most, sizeof(*gops)), gops, n * sizeof(*gops));
        }
        for (size_t i = 0; i < row.gops_n; i++)
            gops[n++] = (struct iframe_gop) { (uint32_t)row.number, row.gops[i].offset, row.gops[i].iframe_bytes,
                                              (uint32_t)row.gops[i].frames };
    }
    table_walk_end(&walk);
    track->gops = gops;
    track->gops_n = n;
    return r;
}
