/* download - the files of a video that somebody may keep. The front puts them together (web/front/download.h). */
#include <string.h>

#include "actors/playback/actor.h"
#include "actors/playback/keys.h"
#include "actors/playback/rights.h"
#include "actors/runtime/media_token/media_token.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "schemas/wire/arena.h"
#include "schemas/wire/buf.h"

enum { DOWNLOAD_MOST = 64, DOWNLOAD_TITLE_MOST = 120 /* bytes */ };

static bool download_may(const struct turn *t, const struct video *video)
{
    const struct subject *who = turn_subject(t);

    return video->allow_download || (who->known && id_equal(who->user_id, video->owner_id));
}

/* A title as the name of a file on any system: without what paths and shells take for something else, whole characters. */
static const char *download_title(struct arena *arena, const char *title)
{
    size_t len = title ? strlen(title) : 0;
    char *name;

    if (len > DOWNLOAD_TITLE_MOST)
        for (len = DOWNLOAD_TITLE_MOST; ((unsigned char)title[len] & 0xc0) == 0x80;)
            len--;
    name = arena_strndup(arena, len ? title : "", len);
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || strchr("/\\:*?\"<>|\x7f", *p))
            *p = '-';
    while (len && strchr(" .", name[len - 1]))
        name[--len] = '\0';
    name += strspn(name, " .");
    return *name ? name : "video";
}

static const char *download_escaped(struct arena *arena, const char *name)
{
    struct buf out = { 0 };
    const char *ret;

    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     strchr("-._~", c);

        buf_printf(&out, plain ? "%c" : "%%%02X", c);
    }
    ret = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return ret;
}

static const char *download_channels(const struct playable_track *audio)
{
    return audio->channels > 2 ? " 5.1" : "";
}

/* "A film (720p, fr).mp4": the language where there are several sounds, and that they are in more than two channels. */
static const char *download_name(struct arena *arena, const char *title, const struct playable_track *video,
                                 const struct playable_track *audio, bool several)
{
    uint64_t side = video && video->width < video->height ? video->width : video ? video->height : 0;
    const char *language = audio && several ? arena_printf(arena, "%s%s", download_title(arena, audio->language),
                                                           download_channels(audio))
                                            : "";
    const char *size = side ? arena_printf(arena, "%llup", (unsigned long long)side) : "";
    bool both = *size && *language;

    return arena_printf(arena, "%s%s%s%s%s%s%s", download_title(arena, title), *size || *language ? " (" : "",
                        size, both ? ", " : "", language, *size || *language ? ")" : "", video ? ".mp4" : ".m4a");
}

static const char *download_leaf(const struct playable_track *track)
{
    const char *slash = track && track->dir ? strrchr(track->dir, '/') : NULL;

    return slash ? slash + 1 : "none";
}

static int download_add(struct turn *t, const struct playable *playable, const struct keys_right *right,
                        const struct playable_track *video, const struct playable_track *audio, bool several,
                        struct list_downloads_reply *reply)
{
    struct arena *arena = turn_arena(t);
    struct download *item = &reply->items[reply->items_n];

    if (reply->items_n == DOWNLOAD_MOST)
        return 0;
    *item = (struct download) { .filename = download_name(arena, playable->video.title, video, audio, several),
                                .width = video ? video->width : 0,
                                .height = video ? video->height : 0,
                                .sound = audio ? arena_printf(arena, "%s%s", audio->name, download_channels(audio))
                                               : "",
                                .language = audio ? audio->language : "" };
    reply->items_n++;
    return keys_path(t, playable->video.id, playable->version, right,
                     arena_printf(arena, "dl/%s/%s/%s", download_leaf(video), download_leaf(audio),
                                  download_escaped(arena, item->filename)),
                     &item->url);
}

/* The tracks of a kind, the default first; one that is NULL when there is none. */
static size_t download_tracks(struct turn *t, const struct playable *playable, const char *kind,
                              const struct playable_track ***ret)
{
    size_t n = 0;

    *ret = arena_alloc_n(turn_arena(t), playable->tracks_n + 1, sizeof(**ret));
    for (int later = 0; later < 2; later++)
        for (size_t i = 0; i < playable->tracks_n; i++) {
            const struct playable_track *track = &playable->tracks[i];

            if (strcmp(track->kind, kind) == 0 && track->is_default != (later > 0))
                (*ret)[n++] = track;
        }
    return n ? n : 1;
}

/* To files, where there is one to watch it: shared by all, where all may have them. */
static struct keys_right download_right(const struct playable *playable, const struct rights *rights)
{
    bool open = strcmp(rights->right.policy, "open") == 0, some = strcmp(rights->right.policy, "some") == 0;

    if (!playable->video.allow_download || (!open && !some))
        return (struct keys_right) { .policy = "owner" MEDIA_TOKEN_FILE };
    return (struct keys_right) { .policy = open ? "open" MEDIA_TOKEN_FILE : "some" MEDIA_TOKEN_FILE,
                                 .until = rights->right.until };
}

static int download_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    const struct playable_track **videos, **audios;
    struct list_downloads_reply reply = { 0 };
    struct keys_right right;
    struct rights rights;
    size_t videos_n, audios_n;
    int r;

    if (err < 0)
        return err == ERR_CONFLICT ? turn_fail(t, err, NULL, "nothing of the video is there yet") : err;
    if (!download_may(t, &playable->video))
        return turn_fail(t, ERR_FORBIDDEN, NULL, "its owner has not allowed it to be kept");
    if (!playable->final)
        return turn_fail(t, ERR_CONFLICT, NULL, "it is still being made");
    r = rights_decide(me, t, playable, ctx, &rights);
    if (r != 0)
        return r;
    right = download_right(playable, &rights);
    videos_n = download_tracks(t, playable, "video", &videos);
    audios_n = download_tracks(t, playable, "audio", &audios);
    reply.items = arena_alloc_n(turn_arena(t), DOWNLOAD_MOST, sizeof(*reply.items));
    for (size_t a = 0; a < audios_n; a++)
        for (size_t v = 0; r == 0 && v < videos_n; v++)
            r = download_add(t, playable, &right, videos[v], audios[a], audios_n > 1, &reply);
    return r < 0 ? r : reply_list_downloads(t, &reply);
}

int playback_on_downloads(struct playback *self, struct turn *t, const struct list_downloads *ask,
                          struct list_downloads_reply *reply)
{
    struct rights_asking asking = { .then = download_answer, .video = ask->id };

    rights_address(&asking, ask->address);
    return rights_ask(t, &asking);
}
