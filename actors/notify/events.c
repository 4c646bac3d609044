/* events - what happened, and who is told. */
#include <string.h>

#include "actors/notify/mail.h"
#include "actors/notify/notes.h"
#include "actors/notify/rescan.h"
#include "actors/notify/template.h"
#include "gen/auth.h"
#include "gen/catalog.h"

static int events_tell(struct turn *t, const struct template *template, const struct template_values *values,
                       struct id user, struct id video, struct id *ret_note)
{
    struct note note = { .id = turn_id(t), .user_id = user, .kind = template->kind, .video_id = video };

    note.title = template_fill(turn_arena(t), template->title, values, 200);
    note.body = template_fill(turn_arena(t), template->body, values, 1000);
    *ret_note = note.id;
    return notes_tell(t, &note);
}

/* Without the slash that an operator may have ended it with. */
static const char *events_link(struct turn *t, const char *path, const char *rest)
{
    const struct notify_settings *settings = turn_settings(t);
    size_t len = strlen(settings->public_url);

    while (len && settings->public_url[len - 1] == '/')
        len--;
    return arena_printf(turn_arena(t), "%.*s%s%s", (int)len, settings->public_url, path, rest);
}

int events_video(struct turn *t, const struct template *template, const struct video *video)
{
    const struct notify_settings *settings = turn_settings(t);
    char id[ID_TEXT_SIZE];
    struct template_values values = { .title = video->title, .reason = video->reason };
    struct id note;
    int r;

    if (id_is_zero(video->owner_id))
        return 0;
    values.link = events_link(t, "/watch/", id_format("video", video->id, id));
    r = events_tell(t, template, &values, video->owner_id, video->id, &note);
    if (r < 0 || !template->mail || !settings->mail_videos || !mail_is_set_up(t))
        return r;
    return mail_to_user(t, note, video->owner_id, template_fill(turn_arena(t), template->subject, &values, 200),
                        template_fill(turn_arena(t), template->mail, &values, 4000));
}

static int events_told(struct turn *t, const struct template *template, const struct video *video)
{
    int r = rescan_is_news(t, video, template->kind);

    return r <= 0 ? r : events_video(t, template, video);
}

int notify_on_playable(struct notify *self, struct turn *t, const struct video_playable *event)
{
    return events_told(t, &template_video_playable, &event->video);
}

int notify_on_ready(struct notify *self, struct turn *t, const struct video_ready *event)
{
    return events_told(t, &template_video_ready, &event->video);
}

int notify_on_failed(struct notify *self, struct turn *t, const struct video_failed *event)
{
    return events_told(t, &template_video_failed, &event->video);
}

int notify_on_link_asked(struct notify *self, struct turn *t, const struct link_asked *event)
{
    bool reset = event->purpose == LINK_PURPOSE_RESET;
    const struct template *template = reset ? &template_reset : &template_verify;
    struct template_values values = { .name = event->name && *event->name ? event->name : "friend" };

    if (!event->email || !event->token || !mail_is_set_up(t))
        return 0;
    values.link = events_link(t, reset ? "/reset?token=" : "/verify?token=", event->token);
    return mail_to_address(t, turn_id(t), event->email, template->subject,
                           template_fill(turn_arena(t), template->mail, &values, 4000));
}

int notify_on_user_created(struct notify *self, struct turn *t, const struct user_created *event)
{
    bool verify = event->verify_token && *event->verify_token && event->email && mail_is_set_up(t);
    const struct template *template = verify ? &template_verify : &template_welcome;
    struct template_values values = { .name = event->name && *event->name ? event->name : "friend" };
    struct id note;
    int r = events_tell(t, template, &values, event->user_id, ID_NONE, &note);

    if (r < 0 || !verify)
        return r;
    values.link = events_link(t, "/verify?token=", event->verify_token);
    return mail_to_address(t, note, event->email, template->subject,
                           template_fill(turn_arena(t), template->mail, &values, 4000));
}
