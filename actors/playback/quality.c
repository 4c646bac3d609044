/* quality - see quality.h */
#include "actors/playback/quality.h"

#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum { QUALITY_TEND_ROWS = 500 };

#define QUALITY_DAY_MS (24 * 3600 * INT64_C(1000))

/* Times until the first picture, ms; what took longer is in the last one. */
static const uint64_t times[QUALITY_TIMES] = { 250, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000, 600000 };

static int64_t quality_day(int64_t at)
{
    return at / QUALITY_DAY_MS * QUALITY_DAY_MS;
}

/* ---- sums */

static uint64_t kbit(uint64_t kbps, uint64_t ms)
{
    return kbps * ms / 1000;
}

/* The sums of a view as if it were a day. */
static struct play_quality quality_sum(const struct play_view *view)
{
    uint64_t top = view->top_kbps > view->bitrate_kbps ? view->top_kbps : view->bitrate_kbps;
    uint64_t shown = view->bitrate_kbps ? view->bitrate_kbps : top;
    uint64_t lost_ms = view->stalled_ms + (view->has_startup_ms ? view->startup_ms : 0);

    if (top == 0)
        top = shown = 1000; /* time alone counts */
    return (struct play_quality) {
        .views = view->has_startup_ms || view->played_ms,
        .failed = view->state == PLAY_STATE_FAILED,
        .played_ms = view->played_ms,
        .startup_ms = view->has_startup_ms ? view->startup_ms : 0,
        .stalls = view->stalls,
        .stalled_ms = view->stalled_ms,
        .switches = view->switches,
        .shown_kbit = kbit(shown, view->played_ms),
        .top_kbit = kbit(top, view->played_ms),
        .lost_kbit = kbit(top, lost_ms) + view->switched_kbps * QUALITY_CHUNK_S,
    };
}

/* A player that counts down is not believed: the day loses nothing. */
static void quality_raise(uint64_t *sum, uint64_t before, uint64_t after)
{
    *sum += after > before ? after - before : 0;
}

static void quality_raise_all(struct play_quality *day, const struct play_quality *before,
                              const struct play_quality *after)
{
    quality_raise(&day->views, before->views, after->views);
    quality_raise(&day->failed, before->failed, after->failed);
    quality_raise(&day->played_ms, before->played_ms, after->played_ms);
    quality_raise(&day->startup_ms, before->startup_ms, after->startup_ms);
    quality_raise(&day->stalls, before->stalls, after->stalls);
    quality_raise(&day->stalled_ms, before->stalled_ms, after->stalled_ms);
    quality_raise(&day->switches, before->switches, after->switches);
    quality_raise(&day->shown_kbit, before->shown_kbit, after->shown_kbit);
    quality_raise(&day->top_kbit, before->top_kbit, after->top_kbit);
    quality_raise(&day->lost_kbit, before->lost_kbit, after->lost_kbit);
}

/* Room for all times, whatever an earlier program kept. */
static void quality_times(struct turn *t, struct play_quality *day)
{
    uint64_t *all = arena_alloc_n(turn_arena(t), QUALITY_TIMES, sizeof(*all));

    for (size_t i = 0; i < day->startups_n && i < QUALITY_TIMES; i++)
        all[i] = day->startups[i];
    day->startups = all;
    day->startups_n = QUALITY_TIMES;
}

static void quality_began(struct play_quality *day, uint64_t startup_ms)
{
    size_t i = 0;

    while (i + 1 < QUALITY_TIMES && startup_ms > times[i])
        i++;
    day->startups[i]++;
}

static void quality_count(struct turn *t, const struct play_quality *before, const struct play_quality *after)
{
    turn_count(t, PLAYBACK_VIEWS, after->views > before->views);
    turn_count(t, PLAYBACK_VIEWS_FAILED, after->failed > before->failed);
    turn_count(t, PLAYBACK_VIEWS_STALLS, after->stalls > before->stalls ? after->stalls - before->stalls : 0);
    turn_count(t, PLAYBACK_VIEWS_STALLED_MS,
               after->stalled_ms > before->stalled_ms ? after->stalled_ms - before->stalled_ms : 0);
    turn_count(t, PLAYBACK_VIEWS_PLAYED_MS,
               after->played_ms > before->played_ms ? after->played_ms - before->played_ms : 0);
}

int quality_add(struct turn *t, const struct play_view *before, const struct play_view *after, bool tried)
{
    struct play_quality was = quality_sum(before), is = quality_sum(after), day;
    int64_t at = quality_day(turn_now(t));
    int r = play_quality_get(turn_txn(t), turn_arena(t), after->video_id, at, &day);

    if (r == ERR_NOT_FOUND)
        day = (struct play_quality) { .video_id = after->video_id, .day = at };
    else if (r < 0)
        return r;
    day.tried += tried;
    quality_raise_all(&day, &was, &is);
    quality_times(t, &day);
    if (after->has_startup_ms && !before->has_startup_ms)
        quality_began(&day, after->startup_ms);
    quality_count(t, &was, &is);
    return play_quality_put(turn_txn(t), &day);
}

/* ---- the score */

int quality_score(const struct play_quality *sum)
{
    if (sum->top_kbit == 0)
        return -1;
    if (sum->shown_kbit <= sum->lost_kbit)
        return 0;
    return (int)(((sum->shown_kbit - sum->lost_kbit) * 100 + sum->top_kbit / 2) / sum->top_kbit);
}

int quality_of_view(const struct play_view *view)
{
    struct play_quality sum = quality_sum(view);

    return quality_score(&sum);
}

/* ---- what its owner is told */

/* The time within which so many percent of the views began, taken to lie evenly between two of the times. */
static bool quality_within(const struct play_quality *sum, unsigned percent, uint64_t *ret_ms)
{
    uint64_t all = 0, wanted, seen = 0;

    for (size_t i = 0; i < QUALITY_TIMES; i++)
        all += sum->startups[i];
    wanted = (all * percent + 99) / 100;
    for (size_t i = 0; all && i < QUALITY_TIMES; seen += sum->startups[i++]) {
        uint64_t from = i ? times[i - 1] : 0;

        if (seen + sum->startups[i] < wanted)
            continue;
        *ret_ms = from + (times[i] - from) * (wanted - seen) / sum->startups[i];
        return true;
    }
    return false;
}

static void quality_merge(struct play_quality *sum, const struct play_quality *day)
{
    static const struct play_quality none;

    quality_raise_all(sum, &none, day);
    sum->tried += day->tried;
    for (size_t i = 0; i < day->startups_n && i < QUALITY_TIMES; i++)
        sum->startups[i] += day->startups[i];
}

static void quality_tell(const struct play_quality *sum, struct video_quality_reply *reply)
{
    int score = quality_score(sum);

    reply->views = sum->views;
    reply->tried = sum->tried;
    reply->failed = sum->failed;
    reply->played_ms = sum->played_ms;
    reply->stalls = sum->stalls;
    reply->switches = sum->switches;
    reply->has_startup_p50_ms = quality_within(sum, 50, &reply->startup_p50_ms);
    reply->has_startup_p95_ms = quality_within(sum, 95, &reply->startup_p95_ms);
    reply->has_stalled_percent = sum->played_ms + sum->stalled_ms > 0;
    if (reply->has_stalled_percent)
        reply->stalled_percent = 100.0 * (double)sum->stalled_ms / (double)(sum->played_ms + sum->stalled_ms);
    reply->has_score = score >= 0;
    reply->score = score >= 0 ? (uint64_t)score : 0;
}

static int quality_reply(struct turn *t, struct id video, uint64_t days)
{
    int64_t first = quality_day(turn_now(t)) - (int64_t)(days - 1) * QUALITY_DAY_MS;
    struct play_quality row = { .video_id = video }, sum = { .video_id = video };
    struct video_quality_reply reply = { 0 };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_quality_table, TABLE_PRIMARY, &row, 1, TABLE_DOWN,
                             (struct bytes) { 0 });

    quality_times(t, &sum);
    reply.days = arena_alloc_n(turn_arena(t), days, sizeof(*reply.days));
    while (r == 0 && reply.days_n < days && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        int score = quality_score(&row);

        r = 0;
        if (row.day < first)
            break;
        quality_merge(&sum, &row);
        reply.days[reply.days_n++] = (struct quality_day) { .day = row.day,
                                                            .views = row.views,
                                                            .played_ms = row.played_ms,
                                                            .has_score = score >= 0,
                                                            .score = score >= 0 ? (uint64_t)score : 0 };
    }
    table_walk_end(&walk);
    if (r < 0)
        return r;
    quality_tell(&sum, &reply);
    return reply_video_quality(t, &reply);
}

static int quality_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    const struct video_quality *ask = ctx;

    if (err < 0)
        return err == ERR_CONFLICT ? turn_fail(t, ERR_NOT_FOUND, NULL, "nothing of the video can be watched yet")
                                   : err;
    if (!turn_may_manage(t, playable->video.owner_id))
        return turn_fail(t, ERR_FORBIDDEN, NULL, "how a video was watched is told to its owner");
    return quality_reply(t, ask->id, ask->days);
}

int playback_on_quality(struct playback *self, struct turn *t, const struct video_quality *ask,
                        struct video_quality_reply *reply)
{
    int r = ask_get_playable(t, &(struct get_playable) { .id = ask->id }, quality_answer, ask, sizeof(*ask));

    return r < 0 ? r : TURN_LATER;
}

/* ---- forgetting */

int quality_tend(struct turn *t)
{
    const struct playback_settings *settings = turn_settings(t);
    int64_t before = quality_day(turn_now(t)) - (int64_t)settings->quality_days * QUALITY_DAY_MS;
    struct play_quality row;
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_quality_table, PLAY_QUALITY_BY_DAY, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    for (unsigned n = 0; r == 0 && n < QUALITY_TEND_ROWS && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0;
         n++) {
        r = 0;
        if (row.day >= before)
            break;
        r = play_quality_del(turn_txn(t), row.video_id, row.day);
    }
    table_walk_end(&walk);
    return r;
}
