/* extra - see extra.h. */
#include "actors/catalog/runs/extra.h"

#include "actors/catalog/step.h"
#include "schemas/wire/arena.h"

/* A row each, in the order in which they are asked for. */
static const struct {
    enum picture_codec codec;
    enum extra_codecs alone; /* the setting that asks for it and no other */
} extra_codecs[] = { { PICTURE_CODEC_HEVC, EXTRA_CODECS_HEVC }, { PICTURE_CODEC_AV1, EXTRA_CODECS_AV1 } };
enum { EXTRA_CODECS_N = sizeof(extra_codecs) / sizeof(*extra_codecs) };

void extra_plan(const struct version_row *version, struct plan *plan)
{
    for (size_t i = 0; i < version->extras_n; i++)
        plan_add_extra(plan, version->extras[i].codec, version->extras[i].given_up);
}

/* The extra that a track of the plan is of: they are the last ones. NULL: of none. */
static struct extra_ladder *extra_of(struct version_row *version, const struct plan *plan, size_t track)
{
    size_t first = plan->tracks_n - plan->extras_n;

    return track >= first && track - first < version->extras_n ? &version->extras[track - first] : NULL;
}

/* That of the codec that was asked for last; NULL: none was. */
static struct extra_ladder *extra_find(const struct version_row *version, enum picture_codec codec)
{
    for (size_t i = version->extras_n; i-- > 0;)
        if (version->extras[i].codec == codec)
            return &version->extras[i];
    return NULL;
}

static int extra_ask(struct doing *d, struct version_row *version, enum picture_codec codec)
{
    struct extra_ladder *all = arena_alloc_n(turn_arena(d->t), version->extras_n + 1, sizeof(*all));

    for (size_t i = 0; i < version->extras_n; i++)
        all[i] = version->extras[i];
    all[version->extras_n++] = (struct extra_ladder) { .codec = codec, .asked_at = turn_now(d->t) };
    version->extras = all;
    return runs_extra(d, version);
}

/* ---- the settings */

static bool extra_is_wanted(struct turn *t, const struct video_row *row, const struct version_row *version,
                            size_t n)
{
    enum extra_codecs wanted = catalog_settings_of(t)->extra_codecs;

    return row->width && version->extras_n < PLAN_EXTRAS_MOST &&
           (wanted == extra_codecs[n].alone || wanted == EXTRA_CODECS_BOTH) &&
           !extra_find(version, extra_codecs[n].codec);
}

int extra_by_policy(struct doing *d)
{
    struct version_row version;
    int r = version_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, &version);

    if (r == 0 && version.plays < catalog_settings_of(d->t)->extra_codecs_after_plays)
        return 0;
    for (size_t i = 0; r == 0 && i < EXTRA_CODECS_N; i++)
        if (extra_is_wanted(d->t, &d->row, &version, i))
            r = extra_ask(d, &version, extra_codecs[i].codec);
    return r;
}

bool extra_counts_plays(struct turn *t, const struct video_row *row, const struct version_row *version)
{
    bool wanted = false;

    for (size_t i = 0; i < EXTRA_CODECS_N; i++)
        wanted |= extra_is_wanted(t, row, version, i);
    return wanted && row->media == MEDIA_STATE_READY;
}

int extra_played(struct doing *d, struct version_row *version)
{
    int r;

    if (!extra_counts_plays(d->t, &d->row, version))
        return 0;
    version->plays++;
    r = version_row_put(turn_txn(d->t), version);
    if (r == 0)
        r = extra_by_policy(d);
    return r < 0 || !d->fill ? r : video_save(d);
}

/* ---- asked for by hand */

int catalog_add_codec(struct catalog *self, struct turn *t, const struct add_codec *ask, struct video *reply)
{
    struct version_row version;
    struct extra_ladder *there;
    struct doing d;
    int r = video_load(self, t, ask->id, &d);

    if (r < 0)
        return r;
    if (ask->codec == PICTURE_CODEC_H264)
        return turn_fail(t, ERR_INVALID, "codec", "is what every video has");
    if (d.row.media != MEDIA_STATE_READY)
        return turn_fail(t, ERR_CONFLICT, NULL, "it is still being made");
    if (!d.row.width)
        return turn_fail(t, ERR_CONFLICT, NULL, "it has no pictures");
    r = version_row_get(turn_txn(t), turn_arena(t), d.row.id, d.row.version, &version);
    if (r < 0)
        return r;
    there = extra_find(&version, ask->codec);
    if (there && !there->given_up)
        return turn_fail(t, ERR_CONFLICT, NULL, "%s",
                         there->whole_at ? "it has that codec" : "it is being encoded in that codec");
    if (version.extras_n == PLAN_EXTRAS_MOST)
        return turn_fail(t, ERR_CONFLICT, NULL, "that has failed too often");
    r = extra_ask(&d, &version, ask->codec);
    if (r == 0)
        r = video_save(&d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

/* ---- how far they are */

int extra_is_whole(struct doing *d, const struct plan *plan, size_t track)
{
    struct track_row row;
    int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, track, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    return plan->tracks[track].kind == PLAN_EXTRA && row.done_upto >= plan_runs(plan, track);
}

int extra_count(struct doing *d, const struct plan *plan, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < plan->tracks_n; i++) {
        int r = plan->tracks[i].kind == PLAN_EXTRA ? extra_is_whole(d, plan, i) : 0;

        if (r < 0)
            return r;
        *ret += (uint64_t)r;
    }
    return 0;
}

int extra_written(struct doing *d, struct version_row *version, const struct plan *plan)
{
    for (size_t i = 0; i < plan->tracks_n; i++) {
        struct extra_ladder *extra = extra_of(version, plan, i);
        int r = extra && !extra->whole_at ? extra_is_whole(d, plan, i) : 0;

        if (r < 0)
            return r;
        if (r)
            extra->whole_at = turn_now(d->t);
    }
    return version_row_put(turn_txn(d->t), version);
}

int extra_why(struct doing *d, const struct version_row *version, const struct plan *plan, size_t n,
              struct why_part *ret)
{
    const struct extra_ladder *extra = &version->extras[n];
    size_t track = plan->tracks_n - plan->extras_n + n;
    struct track_row row;
    int r = runs_track(d, track, &row);

    if (r < 0)
        return r;
    *ret = (struct why_part) { .what = wire_enum_name(&picture_codec_names, extra->codec),
                               .state = extra->given_up   ? "given up"
                                        : extra->whole_at ? "whole"
                                                          : "encoding",
                               .since = extra->whole_at ? extra->whole_at : extra->asked_at,
                               .has_since = true,
                               .who = extra->given_up || extra->whole_at ? "catalog" : "transcode" };
    ret->detail = extra->given_up ? extra->reason
                                  : arena_printf(turn_arena(d->t), "%llu of %u runs done",
                                                 (unsigned long long)row.done_upto, plan_runs(plan, track));
    return 0;
}

int extra_give_up(struct doing *d, struct version_row *version, struct plan *plan, size_t track,
                  const char *reason)
{
    struct extra_ladder *extra = extra_of(version, plan, track);

    if (!extra)
        return ERR_CORRUPT;
    turn_log(d->t, "extra.given_up", "codec=%s why=%.300s", wire_enum_name(&picture_codec_names, extra->codec),
             reason);
    extra->given_up = true;
    extra->reason = arena_printf(turn_arena(d->t), "%.400s", reason);
    plan->tracks[track].kind = PLAN_GIVEN_UP;
    return version_row_put(turn_txn(d->t), version);
}
