/* why - what a video waits for, in words: the four columns, the runs under way, and those that failed. */
#include <string.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/direct.h"
#include "actors/catalog/runs/extra.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/runs/jobs.h"
#include "actors/catalog/rights.h"
#include "actors/catalog/places/scrub.h"
#include "actors/catalog/uploads/virus.h"
#include "schemas/wire/arena.h"

enum { WHY_PARTS_MOST = 64, WHY_RUNS_MOST = 24 };

struct why_list {
    struct turn *t;
    struct why_reply *reply;
};

static struct why_part *why_add(struct why_list *list, const char *what, const char *state, int64_t since)
{
    static struct why_part spare;
    struct why_part *part = &spare;

    if (list->reply->parts_n < WHY_PARTS_MOST)
        part = &list->reply->parts[list->reply->parts_n++];
    *part = (struct why_part) {
        .what = what, .state = state, .since = since, .has_since = since != 0, .who = "catalog"
    };
    return part;
}

static int why_upload(struct why_list *list, const struct video_row *row)
{
    const char *straight;
    struct why_part *part = why_add(list, "upload", wire_enum_name(&upload_state_names, row->upload),
                                    row->upload_since);

    part->who = row->upload == UPLOAD_STATE_COMPLETE || row->upload == UPLOAD_STATE_EXPIRED ? "catalog"
                                                                                            : "the client";
    part->detail = arena_printf(turn_arena(list->t), "%llu of %llu bytes", (unsigned long long)row->uploaded_bytes,
                                (unsigned long long)row->declared_bytes);
    int r = direct_say(list->t, row->id, &straight);
    if (r == 0 && straight)
        part->detail = straight;
    return r;
}

/* Where the bytes come from that nobody sends. */
static int why_import(struct why_list *list, const struct video_row *row, const char **ret_sentence)
{
    struct arena *arena = turn_arena(list->t);
    struct import_row import;
    struct why_part *part;
    const char *host;
    int r = import_of(list->t, row->id, &import);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    host = import_host(arena, import.url);
    part = why_add(list, "import", wire_enum_name(&import_state_names, import.state), import.state_since);
    part->who = import.state == IMPORT_STATE_RUNNING ? "fetcher" : "catalog";
    part->attempts = import.restarts + 1;
    part->detail = arena_printf(arena, "from %.200s", host);
    if (import.state == IMPORT_STATE_WAITING)
        *ret_sentence = "It is fetched as soon as another import of the same account has ended.";
    else if (import.state == IMPORT_STATE_RUNNING)
        *ret_sentence = arena_printf(arena, "Its file is being fetched from %.200s.", host);
    else
        return 0;
    list->reply->parts[0].who = part->who; /* the upload: no client sends it */
    return 0;
}

/* Nobody knows yet which file it is. */
static void why_content(struct why_list *list, const struct content_row *row)
{
    struct why_part *part = why_add(list, "file", "not read yet", 0);

    part->attempts = row->tries;
    part->has_next_try_at = true;
    part->next_try_at = row->due_at;
    part->detail = arena_printf(turn_arena(list->t), "reading it for its sha256 failed: %s", row->error);
}

static int why_file(struct why_list *list, const struct video_row *row)
{
    struct content_row content;
    struct video_row twin;
    struct id same;
    char id[ID_TEXT_SIZE];
    int r = content_same(list->t, row, &same);

    if (r == 0 && (!row->sha256 || !*row->sha256)) {
        r = content_say(list->t, row->id, &content);
        if (r > 0)
            why_content(list, &content);
        return r < 0 && r != ERR_NOT_FOUND ? r : 0;
    }
    if (r < 0)
        return r;
    struct why_part *part = why_add(list, "file", id_is_zero(same) ? "once" : "twice", 0);
    part->detail = arena_printf(turn_arena(list->t), "sha256 %s", row->sha256);
    if (id_is_zero(same))
        return 0;
    r = video_row_get(turn_txn(list->t), turn_arena(list->t), same, &twin);
    if (r == 0)
        part->detail = arena_printf(turn_arena(list->t), "%s; the same file as that of %s, \"%s\"", part->detail,
                                    id_format("video", same, id), twin.title);
    return r;
}

/* What a virus scanner said of it. */
static int why_virus(struct why_list *list, const struct video_row *row)
{
    struct virus_row virus;
    struct why_part *part;
    int r = virus_of(list->t, row->id, &virus);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    part = why_add(list, "virus scan", wire_enum_name(&virus_scan_names, virus.state), virus.since);
    part->who = virus.state == VIRUS_SCAN_WAITING ? "fetcher" : "catalog";
    part->detail = virus_words(list->t, &virus);
    return 0;
}

static int why_bytes(struct why_list *list, struct id video)
{
    const char *words;
    int64_t since;
    unsigned n;
    int r = scrub_says(list->t, video, &n, &since, &words);

    if (r == 0 && n)
        why_add(list, "bytes", "damaged", since)->detail = arena_printf(
            turn_arena(list->t),
            "%u objects are not as they should be: %s%s. Bring them back from a backup, or upload the file again.",
            n, words, n > 5 ? ", ..." : "");
    return r;
}

static int why_copies(struct why_list *list, struct doing *d)
{
    const char *word, *words;
    int64_t since;
    int r = copies_say(d->self, d->t, &d->row, &word, &since, &words);

    if (r == 0 && word)
        why_add(list, "copies", word, since)->detail = words;
    return r;
}

static void why_media(struct why_list *list, const struct video_row *row)
{
    struct why_part *part = why_add(list, "media", wire_enum_name(&media_state_names, row->media),
                                    row->media_since);

    if (row->reason)
        part->detail = row->reason;
    else if (row->media == MEDIA_STATE_PROBING && row->probe_waits)
        part->detail = arena_printf(turn_arena(list->t), "waits for byte %llu of the file",
                                    (unsigned long long)row->probe_needs);
    else if (row->media == MEDIA_STATE_PROBING)
        part->who = "transcode", part->detail = "the file is looked at";
    else if (row->media == MEDIA_STATE_PROCESSING)
        part->who = "transcode",
        part->detail = arena_printf(turn_arena(list->t), "%llu of %llu runs done",
                                    (unsigned long long)row->runs_done, (unsigned long long)row->runs_total);
    if (row->dirty_at)
        why_add(list, "playlists", "behind", row->dirty_at)
            ->detail = "they are written, or will be at the next tick";
}

/* What may keep others from watching it; whom it does is decided by playback. */
static void why_rights(struct why_list *list, const struct video_row *row)
{
    const struct watch_window *w = &row->window;
    struct arena *arena = turn_arena(list->t);
    int64_t now = turn_now(list->t);
    bool open = rights_are_open(row, now), early = !open && w->has_from && now < w->from;

    if (row->has_window) {
        struct why_part *part = why_add(list, "window", open ? "open" : early ? "not open yet" : "closed", 0);

        part->has_next_try_at = early || (open && w->has_until);
        part->next_try_at = early ? w->from : w->until;
        part->detail = open && w->has_until ? "others may watch it until then"
                       : early              ? "others may watch it from then on"
                                            : "";
    }
    if (row->has_regions) {
        struct why_part *part = why_add(list, "regions", wire_enum_name(&region_rule_names, row->regions.rule), 0);

        part->detail = "";
        for (size_t i = 0; i < row->regions.countries_n; i++)
            part->detail = arena_printf(arena, "%s%s%s", part->detail, i ? ", " : "", row->regions.countries[i]);
    }
    if (row->minimum_age)
        why_add(list, "age", arena_printf(arena, "from %u years", (unsigned)row->minimum_age), 0);
}

static const char *why_track_name(const struct plan *plan, size_t track)
{
    const struct plan_track *what = track < plan->tracks_n ? &plan->tracks[track] : NULL;

    if (!what)
        return "picture";
    switch (what->kind) {
    case PLAN_AUDIO: return plan->audio[what->audio].dir;
    case PLAN_POSTER: return "poster";
    case PLAN_TEXT: return "subtitles";
    case PLAN_BOARD: return "storyboard";
    case PLAN_SAMPLE: return "moments";
    case PLAN_EXTRA:
        return wire_enum_name(&picture_codec_names, plan->ladder.rungs[__builtin_ctz(what->rungs)].codec);
    case PLAN_PREVIEW: return plan->ladder.rungs[plan->ladder.preview].dir;
    default: return "picture";
    }
}

static const char *why_run_name(struct why_list *list, const struct plan *plan, uint64_t number)
{
    return arena_printf(turn_arena(list->t), "run %u of %s", RUN_OF_TRACK(number),
                        why_track_name(plan, RUN_TRACK(number)));
}

/* Sizes that this film does not need. */
static void why_ladder(struct why_list *list, const struct version_row *version, const struct plan *plan)
{
    for (size_t i = 0; version->sampled_at && i < version->sampled_n && i < plan->ladder.rungs_n; i++) {
        const struct ladder_rung *rung = &plan->ladder.rungs[i];

        if (version->sampled[i].left_out)
            why_add(list, arena_printf(turn_arena(list->t), "%ux%u", rung->width, rung->height), "left out",
                    version->sampled_at)
                ->detail = "moments of the film took about as much at the size above it as at the one below";
    }
}

static int why_runs(struct why_list *list, struct doing *d)
{
    struct run_row row = { .video_id = d->row.id, .version = d->row.version };
    struct version_row version;
    struct table_walk walk;
    struct plan plan;
    char id[ID_TEXT_SIZE];
    unsigned n = 0;
    int r = media_load_plan(d, &version, &plan);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    why_ladder(list, &version, &plan);
    for (size_t i = 0; r == 0 && i < plan.extras_n; i++)
        r = extra_why(d, &version, &plan, i, why_add(list, "", "", 0));
    if (r < 0)
        return r;
    r = table_walk_start(&walk, turn_txn(d->t), &run_row_table, TABLE_PRIMARY, &row, 2, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && n < WHY_RUNS_MOST && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        r = 0;
        if (row.state == RUN_STATE_DONE)
            continue;
        struct why_part *part = why_add(list, why_run_name(list, &plan, row.number),
                                        wire_enum_name(&run_state_names, row.state),
                                        row.open_at ? row.open_at : row.ended_at);
        part->attempts = row.attempts;
        part->who = row.state == RUN_STATE_RELEASED ? "transcode" : "catalog";
        part->detail = row.reason ? row.reason
                                  : arena_printf(turn_arena(d->t), "job %s", id_format("job", row.job_id, id));
        n++;
    }
    table_walk_end(&walk);
    return r;
}

static const char *why_sentence(struct turn *t, const struct video *video, const struct video_row *row)
{
    switch (video->state) {
    case VIDEO_STATE_WAITING: return "Nothing has been uploaded yet.";
    case VIDEO_STATE_UPLOADING: return "The file is being uploaded; it is looked at as soon as enough is there.";
    case VIDEO_STATE_PROCESSING:
        return row->media == MEDIA_STATE_PROBING ? "The file is being looked at."
                                                 : "Its first seconds are being encoded.";
    case VIDEO_STATE_PLAYABLE:
        return arena_printf(turn_arena(t), "The first %llu seconds can be watched; the rest is being encoded.",
                            (unsigned long long)(row->playable_until_ms / 1000));
    case VIDEO_STATE_READY: return "All of it can be watched.";
    case VIDEO_STATE_TRASHED: return "It is in the trash.";
    default: return row->reason ? row->reason : "It failed.";
    }
}

static int why_fill(struct catalog *self, struct turn *t, struct id id, struct why_reply *reply)
{
    struct why_list list = { t, reply };
    const char *fetched = NULL;
    struct video video;
    struct doing d;
    int r = video_load(self, t, id, &d);

    if (r == 0 && turn_subject(t)->known)
        r = turn_require_owner(t, d.row.owner_id);
    if (r < 0)
        return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
    video_show(&d.row, turn_arena(t), &video);
    reply->parts = arena_alloc_n(turn_arena(t), WHY_PARTS_MOST, sizeof(*reply->parts));
    reply->state = video.state;
    reply->sentence = why_sentence(t, &video, &d.row);
    r = why_upload(&list, &d.row);
    if (r == 0)
        r = why_import(&list, &d.row, &fetched);
    if (r == 0 && (video.state == VIDEO_STATE_WAITING || video.state == VIDEO_STATE_UPLOADING) && fetched)
        reply->sentence = fetched;
    if (r == 0)
        r = why_file(&list, &d.row);
    if (r == 0)
        r = why_virus(&list, &d.row);
    if (r == 0)
        r = why_bytes(&list, id);
    if (r == 0)
        r = why_copies(&list, &d);
    if (r < 0)
        return r;
    why_media(&list, &d.row);
    why_add(&list, "release", wire_enum_name(&release_state_names, d.row.release), d.row.release_since);
    why_add(&list, "life", wire_enum_name(&life_state_names, d.row.life), d.row.life_since);
    why_rights(&list, &d.row);
    return why_runs(&list, &d);
}

/* What the broker says comes on top; what the catalog knows is told without it, too. */
static int why_answered(void *self, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct why *ask = ctx;
    struct why_reply reply = { 0 };
    int r = why_fill(self, t, ask->id, &reply);

    if (r == 0 && err == 0)
        jobs_add(t, *(const struct bytes *)answer, &reply);
    return r < 0 ? r : reply_why(t, &reply);
}

int catalog_why(struct catalog *self, struct turn *t, const struct why *ask, struct why_reply *reply)
{
    int r = why_fill(self, t, ask->id, reply);

    if (r < 0)
        return r;
    return jobs_ask(t, ask->id, why_answered, ask, sizeof(*ask)) == 0 ? TURN_LATER : 0;
}
