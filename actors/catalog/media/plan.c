#include "actors/catalog/media/plan.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/media/board.h"
#include "actors/catalog/media/language.h"
#include "gen/errors.h"

static const struct probed_track *plan_find(const struct probe_done *probe, uint64_t index)
{
    for (size_t i = 0; i < probe->tracks_n; i++) {
        if (probe->tracks[i].index == index)
            return &probe->tracks[i];
    }
    return NULL;
}

/* Among tracks of the same kind. */
static bool plan_name_taken(const struct plan *plan, bool text, const char *name)
{
    for (size_t i = 0; i < (text ? plan->texts_n : plan->audio_n); i++) {
        if (strcmp(text ? plan->texts[i].name : plan->audio[i].name, name) == 0)
            return true;
    }
    return false;
}

/* What a viewer reads in the menu: the track's title, else its language, made unique by a number. */
static void plan_name(const struct plan *plan, const struct probed_track *track, const char *language,
                      char ret[64])
{
    bool text = track->kind == TRACK_KIND_TEXT;
    const char *base = track->title && *track->title ? track->title : language;
    if (strcmp(base, "und") == 0)
        base = text ? "Subtitles" : "Audio";
    snprintf(ret, 64, "%.50s", base);
    for (unsigned n = 2; plan_name_taken(plan, text, ret); n++)
        snprintf(ret, 64, "%.50s %u", base, n);
}

/* Only what is safe in a path and in a BCP 47 tag: letters, digits, hyphens; lower case in the path. */
static void plan_language(const char *from, char ret[20], char ret_lower[20])
{
    size_t used = 0;
    for (; from && *from && used + 1 < 20; from++) {
        bool fine = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                    (*from >= '0' && *from <= '9');
        if (fine || (*from == '-' && used))
            ret[used++] = *from;
    }
    ret[used] = '\0';
    if (!used)
        strcpy(ret, "und");
    for (size_t i = 0; i < 20; i++)
        ret_lower[i] = (char)(ret[i] >= 'A' && ret[i] <= 'Z' ? ret[i] + 32 : ret[i]);
    language_shorten(ret);
}

static void plan_add_audio(struct plan *plan, const struct probed_track *track)
{
    struct plan_audio audio = { .track = (uint32_t)track->index };
    char lower[sizeof(audio.language)];
    plan_language(track->language, audio.language, lower);
    plan_name(plan, track, audio.language, audio.name);
    snprintf(audio.dir, sizeof(audio.dir), "a/aac-%s-%zu", lower, plan->audio_n);
    audio.channels = track->audio.channels == 1 ? 1 : 2;
    plan->audio[plan->audio_n++] = audio;
}

/* One default: the track that the file names, else the first. */
static void plan_choose_default(struct plan *plan, const struct probe_done *probe)
{
    size_t best = 0;
    for (size_t i = plan->audio_n; i-- > 0;) {
        const struct probed_track *track = plan_find(probe, plan->audio[i].track);
        if (track->is_default)
            best = i;
    }
    if (plan->audio_n)
        plan->audio[best].is_default = true;
}

/* In 5.1 as well: who has the loudspeakers hears it, everybody else the down-mix. */
static void plan_add_surround(struct plan *plan, size_t n, const struct probed_track *track)
{
    struct plan_audio audio = plan->audio[n];
    char lower[sizeof(audio.language)];
    plan_language(track->language, audio.language, lower);
    snprintf(audio.dir, sizeof(audio.dir), "a/aac6-%s-%zu", lower, n);
    audio.channels = 6;
    audio.surround = true;
    plan->audio[plan->audio_n++] = audio;
}

static void plan_sounds(struct plan *plan, const struct probe_done *probe)
{
    for (size_t i = 0; i < probe->tracks_n && plan->audio_n < PLAN_SOUNDS_MOST; i++) {
        const struct probed_track *track = &probe->tracks[i];
        if (track->kind == TRACK_KIND_AUDIO && track->usable)
            plan_add_audio(plan, track);
    }
    plan_choose_default(plan, probe);
    for (size_t i = 0, n = plan->audio_n; i < n; i++) {
        const struct probed_track *track = plan_find(probe, plan->audio[i].track);
        if (track->audio.channels > PLAN_QUADRO)
            plan_add_surround(plan, i, track);
    }
}

static void plan_add_text(struct plan *plan, const struct probed_track *track)
{
    struct plan_text text = { .track = (uint32_t)track->index,
                              .is_default = track->is_default,
                              .for_deaf = track->hearing_impaired,
                              .forced = track->forced };
    char lower[sizeof(text.language)];
    plan_language(track->language, text.language, lower);
    plan_name(plan, track, text.language, text.name);
    snprintf(text.dir, sizeof(text.dir), "t/%s-%zu", lower, plan->texts_n);
    plan->texts[plan->texts_n++] = text;
}

/* What is forced has to be in the regular text of its language as well; without one it is a regular text itself. */
static void plan_pair_forced(struct plan *plan, struct plan_text *forced)
{
    struct plan_text *regular = NULL;
    for (size_t i = plan->texts_n; i-- > 0;) {
        struct plan_text *other = &plan->texts[i];
        if (!other->forced && !other->has_with && strcmp(other->language, forced->language) == 0)
            regular = other;
    }
    forced->forced = regular != NULL;
    if (regular) {
        regular->has_with = true;
        regular->with = forced->track;
    }
}

/* Players choose by themselves among texts that differ in language or kind: of each sort the first. One at most is on
 * from the start. */
static void plan_choose_text(struct plan *plan, size_t n)
{
    struct plan_text *text = &plan->texts[n];
    text->auto_select = true;
    for (size_t i = 0; i < n; i++) {
        const struct plan_text *other = &plan->texts[i];
        if (strcmp(other->language, text->language) == 0 && other->forced == text->forced &&
            other->for_deaf == text->for_deaf)
            text->auto_select = false;
        if (other->is_default)
            text->is_default = false;
    }
    text->auto_select |= text->is_default || text->for_deaf;
}

static void plan_texts(struct plan *plan, const struct probe_done *probe)
{
    for (size_t i = 0; i < probe->tracks_n && plan->texts_n < PLAN_TEXT_MOST; i++) {
        const struct probed_track *track = &probe->tracks[i];
        if (track->kind == TRACK_KIND_TEXT && track->usable)
            plan_add_text(plan, track);
    }
    for (size_t i = 0; i < plan->texts_n; i++) {
        if (plan->texts[i].forced)
            plan_pair_forced(plan, &plan->texts[i]);
    }
    for (size_t i = 0; i < plan->texts_n; i++)
        plan_choose_text(plan, i);
}

static void plan_picture(struct plan *plan, const struct probed_track *track)
{
    const struct probed_video *video = &track->video;
    struct ladder_source source = { .width = (uint32_t)video->display_width,
                                    .height = (uint32_t)video->display_height,
                                    .fps_num = (uint32_t)video->fps_num,
                                    .fps_den = (uint32_t)video->fps_den,
                                    .interlaced = video->interlaced,
                                    .copy_gop = (uint32_t)video->copy_gop,
                                    .copy_kbps = (uint32_t)video->copy_kbps };
    ladder_plan(&source, &plan->ladder);
    plan->has_video = true;
    plan->video_track = (uint32_t)track->index;
    plan->interlaced = video->interlaced;
    plan->grid = (struct grid) { plan->ladder.fps_num, plan->ladder.fps_den, plan->ladder.gop, 0 };
}

/* The length of what the timeline follows: the picture, or the longest sound where that goes on well after it. */
static uint64_t plan_duration(const struct plan *plan, const struct probe_done *probe)
{
    const struct probed_track *track = plan->has_video ? plan_find(probe, plan->video_track) : NULL;
    uint64_t picture = track ? track->duration_ms : 0, sound = 0;
    for (size_t i = 0; i < plan->audio_n; i++) {
        uint64_t ms = plan_find(probe, plan->audio[i].track)->duration_ms;
        sound = ms > sound ? ms : sound;
    }
    uint64_t longest = sound > picture + (picture ? PLAN_SOUND_AFTER_MS : 0) ? sound : picture;
    return longest ? longest : probe->duration_ms;
}

static void plan_add(struct plan *plan, struct plan_track track)
{
    plan->tracks[plan->tracks_n++] = track;
}

static void plan_add_sounds(struct plan *plan, bool surround)
{
    for (size_t i = 0; i < plan->audio_n; i++) {
        if (plan->audio[i].surround == surround)
            plan_add(plan, (struct plan_track) { .kind = PLAN_AUDIO, .audio = i });
    }
}

bool plan_is_ahead(const struct plan *plan, size_t track)
{
    const struct plan_track *what = &plan->tracks[track];
    switch (what->kind) {
    case PLAN_PREVIEW:
    case PLAN_POSTER: return true;
    case PLAN_FULL: return track == 0;
    case PLAN_AUDIO: return !plan->audio[what->audio].surround;
    default: return false;
    }
}

/* Order of urgency: what makes the first seconds playable, then the sounds, then the rest. */
static void plan_tracks(struct plan *plan, uint64_t duration_ms)
{
    const struct ladder *ladder = &plan->ladder;
    uint32_t preview = plan->has_video ? 1u << ladder->preview : 0;
    uint32_t copied = plan->has_video && ladder->rungs[0].copy_gop ? 1 : 0;
    uint32_t encoded = plan->has_video ? ((1u << ladder->rungs_n) - 1) & ~copied : 0;
    bool ahead = encoded & ~preview && (duration_ms == 0 || duration_ms > PLAN_SHORT_MS);
    if (ahead)
        plan_add(plan, (struct plan_track) { .kind = PLAN_PREVIEW, .rungs = preview });
    else if (plan->has_video)
        plan_add(plan, (struct plan_track) { .kind = PLAN_FULL, .rungs = encoded });
    plan_add_sounds(plan, false);
    if (plan->has_video)
        plan_add(plan, (struct plan_track) { .kind = PLAN_POSTER });
    if (plan->texts_n)
        plan_add(plan, (struct plan_track) { .kind = PLAN_TEXT });
    if (plan->has_video)
        plan_add(plan, (struct plan_track) { .kind = PLAN_BOARD });
    if (ahead)
        plan_add(plan, (struct plan_track) { .kind = PLAN_FULL, .rungs = encoded & ~preview });
    if (copied)
        plan_add(plan, (struct plan_track) { .kind = PLAN_COPY, .rungs = copied });
    plan_add_sounds(plan, true);
}

/* A copy shows each picture of the source in a frame of its own, up to the very end. */
static void plan_check_copy(struct plan *plan, const struct probe_done *probe)
{
    struct probed_track track;
    uint64_t frames = plan->grid.frames;
    if (!plan->has_video || plan_find(probe, plan->video_track)->video.copy_frames == frames)
        return;
    track = *plan_find(probe, plan->video_track);
    track.video.copy_gop = 0;
    plan_picture(plan, &track);
    plan_end(plan, frames);
}

void plan_encode_top(struct plan *plan)
{
    for (size_t i = 0; i < plan->tracks_n; i++) {
        struct plan_track *track = &plan->tracks[i];
        if (track->kind != PLAN_COPY)
            continue;
        ladder_encode_top(&plan->ladder);
        plan_add(plan, (struct plan_track) { .kind = PLAN_FULL, .rungs = track->rungs });
        *track = (struct plan_track) { .kind = PLAN_GIVEN_UP };
        return;
    }
}

/* All rungs that are encoded. */
static uint32_t plan_encoded(const struct plan *plan)
{
    uint32_t rungs = 0;
    for (size_t i = 0; i < plan->tracks_n; i++) {
        if (plan->tracks[i].kind == PLAN_FULL || plan->tracks[i].kind == PLAN_PREVIEW)
            rungs |= plan->tracks[i].rungs;
    }
    return rungs;
}

uint32_t plan_samples(const struct plan *plan)
{
    uint32_t encoded = plan->has_video && plan->tapers ? plan_encoded(plan) : 0;
    uint32_t kept = 1u << plan->ladder.preview | 1u << (plan->ladder.rungs_n - 1) | (encoded & -encoded);
    return encoded & ~kept ? PLAN_SAMPLES : 0;
}

void plan_sample(struct plan *plan, uint32_t n)
{
    plan->samples = n;
    plan_add(plan, (struct plan_track) { .kind = PLAN_SAMPLE, .rungs = plan_encoded(plan) });
}

void plan_leave_out(struct plan *plan, size_t rung)
{
    plan->ladder.left_out |= 1u << rung;
    for (size_t i = 0; i < plan->tracks_n; i++) {
        if (plan->tracks[i].kind == PLAN_FULL)
            plan->tracks[i].rungs &= ~(1u << rung);
    }
}

void plan_add_extra(struct plan *plan, enum picture_codec codec, bool given_up)
{
    struct plan_track track = { .kind = PLAN_GIVEN_UP };
    if (!plan->has_video || plan->tracks_n == PLAN_TRACKS_MOST)
        return;
    if (!given_up) {
        track.kind = PLAN_EXTRA;
        track.rungs = ladder_add_codec(&plan->ladder, codec);
    }
    plan->extras_n++;
    plan_add(plan, track);
}

int plan_make(const struct probe_done *probe, struct plan *ret, char *reason, size_t reason_size)
{
    *ret = (struct plan) { .grid = { .num = 1, .den = 2, .gop = 1 } };
    const struct probed_track *picture = probe->has_video_track ? plan_find(probe, probe->video_track) : NULL;
    if (picture && picture->usable && picture->video.display_width && picture->video.display_height)
        plan_picture(ret, picture);
    plan_sounds(ret, probe);
    plan_texts(ret, probe);
    ret->chapters = probe->chapters;
    ret->chapters_n = probe->chapters_n;
    if (!ret->has_video && !ret->audio_n) {
        snprintf(reason, reason_size, "the file holds no picture and no sound that can be decoded here");
        return ERR_UNSUPPORTED;
    }
    uint64_t duration_ms = plan_duration(ret, probe);
    if (duration_ms > PLAN_LONGEST_MS) {
        snprintf(reason, reason_size, "it lasts %llu hours; %d is the most",
                 (unsigned long long)(duration_ms / 3600000), PLAN_LONGEST_MS / 3600000);
        return ERR_UNSUPPORTED;
    }
    bool proven = probe->proof == DURATION_PROOF_INDEX || probe->proof == DURATION_PROOF_SCAN;
    if (proven && duration_ms) /* of sound alone no second is lost: its last segment is as long as it lasts */
        plan_end(ret, ret->has_video ? grid_frames(ret->grid.num, ret->grid.den, duration_ms)
                                     : (duration_ms + 1999) / 2000);
    ret->tapers = ret->grid.frames != 0;
    plan_check_copy(ret, probe);
    plan_tracks(ret, duration_ms);
    return 0;
}

void plan_end(struct plan *plan, uint64_t frames)
{
    plan->grid.frames = frames;
}

struct grid_pace plan_pace(const struct plan *plan, size_t track)
{
    enum plan_kind kind = plan->tracks[track].kind;
    bool light = kind == PLAN_AUDIO || kind == PLAN_COPY;
    uint32_t most = light ? GRID_LIGHT_RUN_GOPS : kind == PLAN_EXTRA ? GRID_HEAVY_RUN_GOPS : GRID_VIDEO_RUN_GOPS;
    if (grid_gops_long(&plan->grid) == 1) /* these GOPs are longer, up to three times */
        most /= 3;
    return (struct grid_pace) { .most = most, .tapers = plan->tapers && !light };
}

uint32_t plan_runs(const struct plan *plan, size_t track)
{
    switch (plan->tracks[track].kind) {
    case PLAN_POSTER:
    case PLAN_TEXT:
    case PLAN_BOARD: return 1;
    case PLAN_GIVEN_UP: return 0;
    case PLAN_SAMPLE: return plan->samples;
    default: return grid_runs(&plan->grid, plan_pace(plan, track));
    }
}

/* Of so many frames of a track. */
static uint64_t plan_blocks(const struct plan *plan, size_t track, uint64_t frames)
{
    const struct plan_track *what = &plan->tracks[track];
    uint64_t blocks = 0;
    if (what->kind != PLAN_PREVIEW && what->kind != PLAN_FULL && what->kind != PLAN_EXTRA)
        return 0;
    for (size_t i = 0; i < plan->ladder.all_n; i++) {
        const struct ladder_rung *rung = &plan->ladder.rungs[i];
        if (what->rungs >> i & 1)
            blocks += (uint64_t)rung->width * rung->height / 256 * (frames / (rung->fps_div ? rung->fps_div : 1));
    }
    return blocks;
}

uint64_t plan_run_work(const struct plan *plan, size_t track, uint32_t run)
{
    struct grid_span segments = grid_run_segments(&plan->grid, run, plan_pace(plan, track));
    uint64_t frames = 0;
    for (uint32_t i = 0; i < segments.count; i++)
        frames += grid_segment_frames(&plan->grid, (uint32_t)segments.first + i).count;
    return 1 + plan_blocks(plan, track, frames);
}

uint64_t plan_work(const struct plan *plan)
{
    uint64_t work = 0;
    for (size_t i = 0; plan->grid.frames && i < plan->tracks_n; i++)
        if (plan->tracks[i].kind != PLAN_EXTRA)
            work += plan_runs(plan, i) + (plan_runs(plan, i) ? plan_blocks(plan, i, plan->grid.frames) : 0);
    return work;
}

static struct run_rendition plan_rendition(const struct ladder_rung *rung)
{
    return (struct run_rendition) { .dir = rung->dir,
                                    .width = rung->width,
                                    .height = rung->height,
                                    .fps_div = rung->fps_div,
                                    .crf = rung->crf,
                                    .maxrate_kbps = rung->maxrate_kbps,
                                    .bufsize_kbps = rung->maxrate_kbps,
                                    .level = rung->level,
                                    .preset = rung->preset,
                                    .copy_gop = rung->copy_gop,
                                    .codec = rung->codec };
}

/* The rungs of a track, largest first: each is scaled from the one before it. */
static void plan_renditions(const struct plan *plan, const struct plan_track *track, struct arena *arena,
                            struct encode_run *ret)
{
    ret->renditions = arena_alloc_n(arena, plan->ladder.rungs_n, sizeof(*ret->renditions));
    for (size_t i = 0; i < plan->ladder.all_n; i++) {
        if (track->rungs >> i & 1)
            ret->renditions[ret->renditions_n++] = plan_rendition(&plan->ladder.rungs[i]);
    }
}

static void plan_segments(const struct plan *plan, const struct plan_track *track, struct grid_span segments,
                          struct arena *arena, struct encode_run *ret)
{
    ret->segments = arena_alloc(arena, segments.count * sizeof(*ret->segments));
    for (uint32_t i = 0; i < segments.count; i++) {
        uint32_t number = (uint32_t)segments.first + i;
        struct grid_span frames = track->kind == PLAN_AUDIO ? grid_audio_frames(&plan->grid, PLAN_RATE, number)
                                                            : grid_segment_frames(&plan->grid, number);
        if (i == 0)
            ret->first = frames.first;
        ret->segments[ret->segments_n++] = (struct run_segment) { .number = number, .frames = frames.count };
    }
}

/* The first is of a moment that the plan chooses; whoever asks for another says which. */
static void plan_poster(const struct plan *plan, uint32_t run, struct arena *arena, struct encode_run *ret)
{
    const char *number = run > 1 ? arena_printf(arena, "-%u", run) : "";
    uint64_t ms = plan->grid.frames ? grid_ms(&plan->grid, plan->grid.frames) : 20000;
    ret->at_ms = ms / 10 < 20000 ? ms / 10 : 20000;
    ret->images = arena_alloc(arena, 2 * sizeof(*ret->images));
    ret->images[0] = (struct run_image) { .name = arena_printf(arena, "poster%s.jpg", number),
                                          .max_width = 1280,
                                          .max_height = 1280 };
    ret->images[1] = (struct run_image) { .name = arena_printf(arena, "poster%s-640.jpg", number),
                                          .max_width = 640,
                                          .max_height = 640 };
    ret->images_n = 2;
}

static void plan_text_run(const struct plan *plan, struct arena *arena, struct encode_run *ret)
{
    ret->renditions = arena_alloc_n(arena, plan->texts_n, sizeof(*ret->renditions));
    for (size_t i = 0; i < plan->texts_n; i++) {
        const struct plan_text *text = &plan->texts[i];
        ret->renditions[ret->renditions_n++] = (struct run_rendition) {
            .dir = text->dir, .fps_div = 1, .track = text->track, .has_with = text->has_with, .with = text->with
        };
    }
}

/* One GOP in the middle of each of as many parts of the film. In folders of their own: it is no segment of any rendition. */
static int plan_sample_run(const struct plan *plan, uint32_t run, struct arena *arena, struct encode_run *ret)
{
    uint64_t segments = grid_segments(&plan->grid);
    uint32_t number = (uint32_t)(1 + (2ull * run - 1) * segments / (2ull * plan->samples));
    struct grid_span frames = grid_segment_frames(&plan->grid, number);
    if (!run || run > plan->samples || !frames.count)
        return ERR_NOT_FOUND;
    ret->sample = true;
    ret->first = frames.first;
    ret->segments = arena_alloc(arena, sizeof(*ret->segments));
    ret->segments[ret->segments_n++] = (struct run_segment) {
        .number = number, .frames = frames.count < plan->grid.gop ? frames.count : plan->grid.gop
    };
    for (size_t i = 0; i < ret->renditions_n; i++)
        ret->renditions[i].dir = arena_printf(arena, "s%s", ret->renditions[i].dir + 1);
    return 0;
}

static int plan_board_run(const struct plan *plan, struct arena *arena, struct encode_run *ret)
{
    struct board board;
    if (!board_plan(plan, &board))
        return ERR_NOT_FOUND;
    ret->columns = board.columns;
    ret->rows = board.rows;
    ret->images = arena_alloc_n(arena, board.images, sizeof(*ret->images));
    for (uint32_t i = 0; i < board.images; i++) {
        char *name = arena_alloc(arena, 32);
        board_name(i, name);
        ret->images[ret->images_n++] = (struct run_image) { .name = name,
                                                            .max_width = board.columns * board.width,
                                                            .max_height = board.rows * board.height };
    }
    return 0;
}

int plan_run(const struct plan *plan, size_t track, uint32_t run, struct arena *arena, struct encode_run *ret)
{
    const struct plan_track *what = &plan->tracks[track];
    *ret = (struct encode_run) { .fps_num = plan->grid.num,
                                 .fps_den = plan->grid.den,
                                 .gop = plan->grid.gop,
                                 .track = plan->video_track,
                                 .pad = plan->has_video && plan->grid.frames != 0,
                                 .rate = PLAN_RATE };
    ret->deinterlace = !plan->interlaced          ? DEINTERLACE_OFF
                       : plan->ladder.double_rate ? DEINTERLACE_FIELD
                                                  : DEINTERLACE_FRAME;
    if (what->kind == PLAN_POSTER) {
        ret->kind = RUN_KIND_POSTER;
        plan_poster(plan, run, arena, ret);
        return 0;
    }
    if (what->kind == PLAN_BOARD) {
        ret->kind = RUN_KIND_BOARD;
        return run == 1 ? plan_board_run(plan, arena, ret) : ERR_NOT_FOUND;
    }
    if (what->kind == PLAN_TEXT) {
        ret->kind = RUN_KIND_TEXT;
        plan_text_run(plan, arena, ret);
        return run == 1 ? 0 : ERR_NOT_FOUND;
    }
    if (what->kind == PLAN_SAMPLE) {
        ret->kind = RUN_KIND_VIDEO;
        plan_renditions(plan, what, arena, ret);
        return plan_sample_run(plan, run, arena, ret);
    }
    struct grid_span segments = grid_run_segments(&plan->grid, run, plan_pace(plan, track));
    if (what->kind == PLAN_GIVEN_UP || !segments.count)
        return ERR_NOT_FOUND;
    plan_segments(plan, what, segments, arena, ret);
    if (what->kind == PLAN_AUDIO) {
        const struct plan_audio *audio = &plan->audio[what->audio];
        ret->kind = RUN_KIND_AUDIO;
        ret->track = audio->track;
        ret->channels = audio->channels;
        ret->quality = 1.0;
        ret->renditions = arena_alloc(arena, sizeof(*ret->renditions));
        ret->renditions[0] = (struct run_rendition) { .dir = audio->dir, .fps_div = 1 };
        ret->renditions_n = 1;
        return 0;
    }
    ret->kind = RUN_KIND_VIDEO;
    plan_renditions(plan, what, arena, ret);
    return 0;
}
