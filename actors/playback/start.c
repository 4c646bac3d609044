/* start - a playback session: what the catalog says of the video, in URLs that carry the right to it. */
#include "actors/playback/kept.h"
#include "actors/playback/keys.h"
#include "actors/playback/known.h"
#include "actors/playback/rights.h"
#include "actors/playback/views.h"
#include "actors/playback/window.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum { START_RENEW_LEAST_MS = 1000 }; /* a window ends between two seconds, a URL at the first of them */

/* When the player is to come again. A window ends when it does: then only is it known whether there is more. */
static uint64_t start_renewal(struct turn *t, const struct keys_right *right, int64_t expires_at)
{
    const struct playback_settings *settings = turn_settings(t);
    int64_t left = expires_at - turn_now(t), ahead = (int64_t)settings->renew_ahead_s * 1000;
    uint32_t chance;

    turn_random(t, &chance, sizeof(chance));
    if (!right->until || expires_at < right->until / 1000 * 1000)
        left -= ahead + chance % ahead;
    return left > START_RENEW_LEAST_MS ? (uint64_t)left : START_RENEW_LEAST_MS;
}

static int start_urls(struct turn *t, const struct playable *playable, const struct keys_right *right,
                      struct playing *reply)
{
    const struct video *v = &playable->video;
    bool open = known_is_open(v);
    const char *entry = playable->final ? playable->hls : playable->second ? "preview-2.m3u8" : "preview.m3u8";
    int r = keys_path(t, v->id, playable->version, right, entry, &reply->hls_url);

    if (r == 0 && playable->final)
        r = keys_path(t, v->id, playable->version, right, playable->dash, &reply->dash_url);
    if (r == 0 && v->has_poster)
        r = keys_poster_path(t, v->id, playable->version, v->poster, open, false, &reply->poster_url);
    if (r == 0 && playable->has_storyboard)
        r = keys_storyboard_path(t, v->id, playable->version, open, &reply->storyboard_url);
    reply->expires_at = keys_path_ends(t, right);
    reply->renew_after_ms = start_renewal(t, right, reply->expires_at);
    return r;
}

static void start_tracks(struct turn *t, const struct playable *playable, struct playing *reply)
{
    reply->tracks = arena_alloc_n(turn_arena(t), playable->tracks_n + 1, sizeof(*reply->tracks));
    reply->tracks_n = playable->tracks_n;
    for (size_t i = 0; i < playable->tracks_n; i++) {
        const struct playable_track *from = &playable->tracks[i];

        reply->tracks[i] = (struct playback_track) { .kind = from->kind,
                                                     .name = from->name,
                                                     .language = from->language,
                                                     .width = from->width,
                                                     .height = from->height,
                                                     .channels = from->channels,
                                                     .is_default = from->is_default,
                                                     .forced = from->forced,
                                                     .hearing_impaired = from->hearing_impaired,
                                                     .has_loudness = from->has_loudness,
                                                     .loudness = from->loudness,
                                                     .has_peak = from->has_peak,
                                                     .peak = from->peak };
    }
}

static void start_chapters(struct turn *t, const struct playable *playable, struct playing *reply)
{
    reply->chapters = arena_alloc_n(turn_arena(t), playable->chapters_n + 1, sizeof(*reply->chapters));
    reply->chapters_n = playable->chapters_n;
    for (size_t i = 0; i < playable->chapters_n; i++)
        reply->chapters[i] = (struct playback_chapter) { playable->chapters[i].start_ms,
                                                         playable->chapters[i].title };
}

/* Where the caller was; from the beginning when nobody knows, or when it was seen to its end. */
static int start_resume(struct turn *t, struct id video, uint64_t *ret_ms)
{
    const struct subject *who = turn_subject(t);
    struct play_position row;
    int r;

    *ret_ms = 0;
    if (!who->known)
        return 0;
    r = play_position_get(turn_txn(t), turn_arena(t), who->user_id, video, &row);
    if (r == 0 && !id_is_zero(row.watcher_id))
        *ret_ms = row.position_ms;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* It was told; whoever watches need not know whether it was heard. */
static int start_noted(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    return 0;
}

static int start_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    const struct rights_asking *ask = ctx;
    struct playing reply = { 0 };
    struct rights rights;
    int r;

    if (err < 0)
        return err == ERR_CONFLICT ? turn_fail(t, err, NULL, "%s", turn_told(t)) : err;
    r = rights_decide(me, t, playable, ask, &rights);
    if (r != 0)
        return r;
    reply.others_meet = rights.others;
    reply.others_meet_n = rights.others_n;
    reply.video_id = playable->video.id;
    reply.final = playable->final;
    reply.duration_ms = playable->video.duration_ms;
    reply.playable_until_ms = playable->video.playable_until_ms;
    start_tracks(t, playable, &reply);
    start_chapters(t, playable, &reply);
    r = views_begin(t, ask->play, &playable->video, &reply.session_id);
    if (r == 0)
        r = window_tend(me, t); /* it may have opened at this very moment */
    if (r == 0)
        r = start_urls(t, playable, &rights.right, &reply);
    if (r == 0)
        r = start_resume(t, reply.video_id, &reply.resume_ms);
    if (r == 0)
        r = kept_has(t, reply.video_id, &reply.kept);
    if (r == 0 && turn_subject(t)->known) /* only of somebody known will a position come */
        r = known_put(t, &playable->video);
    if (r == 0 && (!playable->final || playable->counts))
        r = ask_note_watched(t, &(struct note_watched) { .id = reply.video_id }, start_noted, NULL, 0);
    if (r < 0)
        return r;
    turn_count(t, PLAYBACK_SESSIONS, 1);
    return reply_start_playback(t, &reply);
}

int playback_on_start(struct playback *self, struct turn *t, const struct start_playback *ask,
                      struct playing *reply)
{
    struct rights_asking asking = {
        .then = start_answer, .video = ask->id, .play = ask->session_id, .streams = true
    };

    rights_address(&asking, ask->address);
    return rights_ask(t, &asking);
}

/* ---- posters of lists */

static int posters_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    struct posters_reply reply = { .url = "", .storyboard_url = "" };
    bool open = err == 0 && known_is_open(&playable->video);
    int r = 0;

    if (err < 0 && err != ERR_CONFLICT) /* a conflict: nothing can be watched yet, and there is no poster either */
        return err;
    if (err == 0 && playable->video.has_poster)
        r = keys_poster_path(t, playable->video.id, playable->version, playable->video.poster, open, true,
                             &reply.url);
    if (r == 0 && err == 0 && playable->has_storyboard)
        r = keys_storyboard_path(t, playable->video.id, playable->version, open, &reply.storyboard_url);
    return r < 0 ? r : reply_posters(t, &reply);
}

int playback_on_posters(struct playback *self, struct turn *t, const struct posters *ask,
                        struct posters_reply *reply)
{
    int r = ask_get_playable(t, &(struct get_playable) { .id = ask->id }, posters_answer, NULL, 0);

    return r < 0 ? r : TURN_LATER;
}
