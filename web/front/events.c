/* events - see events.h */
#include "web/front/events.h"

#include <stdlib.h>

#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/notify.h"
#include "schemas/wire/json.h"
#include "web/front/departed.h"
#include "web/front/hub.h"
#include "web/front/identity.h"

#define EVENTS_HEARTBEAT_MS 15000

/* ---- in */

static void events_publish(struct front *front, struct id user, const char *name, const struct wire_type *type,
                           const void *body)
{
    json_t *json = wire_to_json(type, body);
    char *text = json_dumps(json, JSON_COMPACT); /* JSON_COMPACT writes no line break: one data line */
    struct buf message = { 0 };

    if (text)
        buf_printf(&message, "event: %s\ndata: %s\n\n", name, text);
    hub_publish(front->hub, user, buf_bytes(&message));
    buf_free(&message);
    free(text);
    json_decref(json);
}

void events_notified(struct front *front, struct bytes body)
{
    struct arena *arena = arena_new();
    struct notified event = { 0 };

    if (notified_unpack(body, arena, &event, NULL) == 0)
        events_publish(front, event.user_id, "notification", &notification_type, &event.notification);
    arena_free(&arena);
}

void events_progress(struct front *front, struct bytes body)
{
    struct arena *arena = arena_new();
    struct video_progress value = { 0 };

    if (video_progress_unpack(body, arena, &value, NULL) == 0)
        events_publish(front, value.owner_id, "video_progress", &video_progress_type, &value);
    arena_free(&arena);
}

/* ---- out */

/* Whether the stream goes on after a time without messages. */
static bool events_quiet(struct exchange *x, int64_t *beat_at_ms)
{
    static const char heartbeat[] = ": heartbeat\n\n";

    if (front_monotonic() < *beat_at_ms)
        return true;
    *beat_at_ms = front_monotonic() + EVENTS_HEARTBEAT_MS;
    return identity_holds(x) && exchange_write(x, heartbeat, sizeof(heartbeat) - 1) == 0;
}

static bool events_hello(struct exchange *x, struct hub_listener *listener)
{
    struct buf hello = { 0 };
    bool on;

    buf_put_text(&hello, "retry: 3000\n");
    hub_hello(x->front->hub, listener, &hello);
    buf_put_text(&hello, "\n");
    on = exchange_write(x, hello.data, hello.len) == 0;
    buf_free(&hello);
    return on;
}

static void events_run(struct exchange *x, struct hub_listener *listener)
{
    int fd = departed_find(x->request);
    int64_t beat_at_ms = front_monotonic() + EVENTS_HEARTBEAT_MS;
    struct buf messages = { 0 };
    bool on = events_hello(x, listener);

    while (on) {
        int64_t wait_ms = beat_at_ms - front_monotonic();
        enum hub_got got = hub_take(x->front->hub, listener, fd, wait_ms > 0 ? (unsigned)wait_ms : 0, &messages);

        on = got == HUB_MESSAGE ? exchange_write(x, messages.data, messages.len) == 0
             : got == HUB_QUIET ? events_quiet(x, &beat_at_ms)
                                : false;
        if (got == HUB_MESSAGE)
            front_count(x->front, FRONT_EVENTS_SENT, 1);
    }
    buf_free(&messages);
}

void events_serve(struct exchange *x, const struct router_path *path)
{
    struct hub_listener *listener;
    int r;

    x->what = "events";
    if (identity_admit(x, true, RATE_API) < 0)
        return;
    r = hub_join(x->front->hub, x->who.user, gate_header(x->request, "Last-Event-ID"), &listener);
    if (r < 0) {
        exchange_problem(
            x, r, r == ERR_BUSY ? "All places for listeners are taken." : "You listen on five pages already.");
        return;
    }
    front_count(x->front, FRONT_LISTENERS, 1);
    exchange_header(x, "X-Accel-Buffering", "no");
    exchange_begin(x, 200, "text/event-stream", UINT64_MAX);
    events_run(x, listener);
    hub_leave(x->front->hub, &listener);
    front_uncount(x->front, FRONT_LISTENERS);
}
