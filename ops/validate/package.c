#include "ops/validate/package.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/validate/limits.h"
#include "ops/validate/mpd.h"
#include "ops/validate/objects.h"
#include "ops/validate/url.h"

struct loading {
    struct package *p;
    struct objects *objects;
    double began;
    bool lost; /* the courier is gone, or there is more than is looked at */
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- media playlists */

static enum stream_kind kind_of_tag(const struct tag *tag)
{
    if (tag->kind == TAG_IFRAME_STREAM_INF)
        return STREAM_IFRAMES;
    if (tag->kind == TAG_STREAM_INF)
        return tag_attribute(tag, "RESOLUTION") ? STREAM_VIDEO : STREAM_OTHER;
    return tag_is(tag, "TYPE", "AUDIO")       ? STREAM_AUDIO
           : tag_is(tag, "TYPE", "SUBTITLES") ? STREAM_TEXT
           : tag_is(tag, "TYPE", "VIDEO")     ? STREAM_VIDEO
                                              : STREAM_OTHER;
}

bool part_is_sealed(const struct part *part)
{
    return part->entry && part->entry->key && tag_is(part->entry->key, "METHOD", "AES-128");
}

static enum object_kind kind_of_part(const struct stream *s, const struct part *part)
{
    if (part_is_sealed(part))
        return OBJECT_OPAQUE;
    if (s->kind == STREAM_TEXT)
        return part->init ? OBJECT_OPAQUE : OBJECT_VTT;
    return s->kind == STREAM_IFRAMES ? OBJECT_IFRAME : OBJECT_SEGMENT;
}

static const struct object *load_object(struct loading *l, const struct stream *s, const char *uri,
                                        const struct byte_range *range, enum object_kind kind,
                                        const struct object *init)
{
    const struct object *x;

    if (l->lost || !uri)
        return NULL;
    x = objects_get(l->objects, url_resolve(l->p->arena, s->url, uri), uri, range, kind, init, NULL);
    l->lost = !x;
    return x;
}

static void load_parts(struct loading *l, struct stream *s)
{
    const struct playlist *list = &s->playlist;

    s->parts = arena_alloc_n(l->p->arena, list->entries_n ? list->entries_n : 1, sizeof(*s->parts));
    for (size_t i = 0; i < list->entries_n && !l->lost; i++) {
        const struct playlist_entry *entry = &list->entries[i];
        struct part *part = &s->parts[s->parts_n++];

        *part = (struct part) {
            .line = entry->line, .claimed = entry->duration, .entry = entry, .duration_text = entry->duration_text
        };
        if (entry->map)
            part->init = load_object(l, s, tag_attribute(entry->map, "URI"), &entry->map_range, OBJECT_INIT, NULL);
        if (part->init && !part->init->track.fault && !s->track)
            s->track = &part->init->track;
        if (s->kind == STREAM_OTHER && s->track)
            s->kind = s->track->kind == TRACK_VIDEO ? STREAM_VIDEO : STREAM_AUDIO;
        if (!entry->gap)
            part->object = load_object(l, s, entry->uri, &entry->range, kind_of_part(s, part), part->init);
    }
}

static struct stream *load_slot(struct loading *l, const char *url)
{
    struct stream *s = &l->p->streams[l->p->streams_n++];

    *s = (struct stream) { .url = url, .shown = url_shown(l->p->url, url) };
    s->playlist.type = s->later.type = "";
    return s;
}

/* text: of the playlist, where it was fetched already. */
static void load_stream(struct loading *l, const char *uri, enum stream_kind kind, const struct bytes *known)
{
    const char *url = known ? l->p->url : url_resolve(l->p->arena, l->p->url, uri);
    struct stream *s;
    struct bytes text = { 0 };

    for (size_t i = 0; url && i < l->p->streams_n; i++)
        if (strcmp(l->p->streams[i].url, url) == 0)
            return;
    if (l->lost || l->p->streams_n == PLAYLISTS_MOST)
        return;
    s = load_slot(l, url ? url : uri);
    s->kind = kind;
    s->object = known ? l->p->first : objects_get(l->objects, url, uri, NULL, OBJECT_TEXT, NULL, &text);
    l->lost = !s->object;
    if (l->lost || (s->object->status != 200 && s->object->status != 206))
        return;
    playlist_parse(l->p->arena, known ? *known : text, &s->playlist);
    if (s->playlist.iframes_only)
        s->kind = STREAM_IFRAMES;
    load_parts(l, s);
}

static void load_master(struct loading *l)
{
    for (size_t i = 0; i < l->p->master.tags_n; i++) {
        const struct tag *tag = &l->p->master.tags[i];
        const char *uri = tag->kind == TAG_STREAM_INF ? tag->uri : tag_attribute(tag, "URI");

        if (uri && (tag->kind == TAG_STREAM_INF || tag->kind == TAG_MEDIA || tag->kind == TAG_IFRAME_STREAM_INF))
            load_stream(l, uri, kind_of_tag(tag), NULL);
        else if (tag->kind == TAG_SESSION_DATA && uri)
            l->lost |= !objects_get(l->objects, url_resolve(l->p->arena, l->p->url, uri), uri, NULL, OBJECT_OPAQUE,
                                    NULL, NULL);
    }
}

/* ---- DASH */

static void load_representation(struct loading *l, const struct xml_element *set, const struct xml_element *own)
{
    struct arena *arena = l->p->arena;
    const char *base = mpd_base(arena, own, l->p->mpd_object->url), *type, *init;
    const struct xml_element *period = set->parent;
    struct mpd_part *parts;
    struct stream *s;
    double seconds = mpd_duration(xml_attribute(period, "duration"));

    if (l->lost || l->p->streams_n == PLAYLISTS_MOST + MPD_REPRESENTATIONS_MOST)
        return;
    s = load_slot(l, base ? base : l->p->mpd_object->url);
    s->shown = l->p->mpd_shown;
    s->object = l->p->mpd_object;
    s->set = set;
    s->representation = own;
    s->template = mpd_template(arena, own);
    type = mpd_inherited(s, "mimeType");
    if (!s->template || !base || (type && strncmp(type, "video/", 6) != 0 && strncmp(type, "audio/", 6) != 0))
        return;
    s->kind = type && *type == 'a' ? STREAM_AUDIO : STREAM_VIDEO;
    s->timescale = mpd_number(xml_attribute(s->template, "timescale"), 1);
    parts = mpd_parts(arena, own, s->template, seconds >= 0 ? seconds : l->p->mpd_duration, &s->parts_n);
    s->parts = arena_alloc_n(arena, s->parts_n ? s->parts_n : 1, sizeof(*s->parts));
    init = xml_attribute(s->template, "initialization");
    const struct object *head = init ? load_object(l, s, mpd_fill(arena, own, init, 0, 0), NULL, OBJECT_INIT, NULL)
                                     : NULL;
    if (head && !head->track.fault)
        s->track = &head->track;
    for (size_t i = 0; i < s->parts_n && !l->lost; i++)
        s->parts[i] = (struct part) { .line = s->template->line,
                                      .time = parts[i].time,
                                      .duration = parts[i].duration,
                                      .claimed = (double)parts[i].duration / (double)s->timescale,
                                      .init = head,
                                      .object = load_object(l, s, parts[i].uri, NULL, OBJECT_SEGMENT, head),
                                      .duration_text = "" };
}

/* The HLS stream that names the same objects first. */
static void load_twin(struct package *p, struct stream *s)
{
    for (size_t i = 0; i < p->streams_n && s->parts_n; i++) {
        const struct stream *other = &p->streams[i];

        if (!other->representation && other->kind != STREAM_IFRAMES && other->parts_n &&
            other->parts[0].object == s->parts[0].object)
            s->twin = other;
    }
}

static void load_mpd(struct loading *l, const struct object *object, struct bytes text)
{
    struct package *p = l->p;

    p->mpd_object = object;
    p->mpd_shown = object->shown;
    p->mpd = xml_parse(p->arena, text, &p->mpd_fault, &p->mpd_fault_line);
    if (!p->mpd)
        return;
    p->mpd_duration = mpd_duration(xml_attribute(p->mpd, "mediaPresentationDuration"));
    for (struct xml_element *period = xml_child(p->mpd, "Period", NULL); period;
         period = xml_child(p->mpd, "Period", period))
        for (struct xml_element *set = xml_child(period, "AdaptationSet", NULL); set;
             set = xml_child(period, "AdaptationSet", set))
            for (struct xml_element *own = xml_child(set, "Representation", NULL); own;
                 own = xml_child(set, "Representation", own))
                load_representation(l, set, own);
    for (size_t i = 0; i < p->streams_n; i++)
        if (p->streams[i].representation)
            load_twin(p, &p->streams[i]);
}

/* Of a folder's master the MPD of the same edition beside it: master-2.m3u8, manifest-2.mpd. NULL: a preview has less than its MPD. */
static const char *load_beside(struct loading *l)
{
    static const char head[] = "dir:///master", tail[] = ".m3u8";
    size_t len = strlen(l->p->url), rest = sizeof(head) - 1 + sizeof(tail) - 1;

    if (len < rest || strncmp(l->p->url, head, sizeof(head) - 1) != 0 ||
        strcmp(l->p->url + len - sizeof(tail) + 1, tail) != 0)
        return NULL;
    return arena_printf(l->p->arena, "dir:///manifest%.*s.mpd", (int)(len - rest), l->p->url + sizeof(head) - 1);
}

static void load_second(struct loading *l, const char *dash)
{
    struct package *p = l->p;
    struct bytes text;
    const char *url = dash ? dash : load_beside(l);
    const struct object *object;

    if (!url || l->lost || p->mpd_object)
        return;
    object = objects_get(l->objects, url, url, NULL, OBJECT_TEXT, NULL, &text);
    l->lost = !object;
    if (object && (object->status == 200 || dash))
        load_mpd(l, object, text);
}

/* ---- a second look */

static bool load_again(struct loading *l, struct stream *s)
{
    struct bytes text = { 0 };
    const struct object *object = objects_again(l->objects, s->url, &text);

    l->lost = !object;
    if (!object || object->status != 200)
        return false;
    playlist_parse(l->p->arena, text, &s->later);
    s->has_later = true;
    s->later_after = now_s() - l->began;
    return true;
}

/* What has ended is read once more; what grows, each second until it grew or should have. */
static void load_later(struct loading *l)
{
    bool waiting = true;

    for (bool first = true; waiting && !l->lost; first = false) {
        waiting = false;
        for (size_t i = 0; i < l->p->streams_n && !l->lost; i++) {
            struct stream *s = &l->p->streams[i];
            double most = 1.5 * (s->playlist.target < 60 ? s->playlist.target : 60) + 1;
            bool ends = s->playlist.ended || stream_is_vod(s);

            if (s->representation || !s->playlist.media || s->has_later)
                continue;
            if (!load_again(l, s) || ends)
                continue;
            if (bytes_equal(s->later.text, s->playlist.text) && s->later_after < most) {
                s->has_later = false;
                waiting = true;
            }
        }
        if (waiting)
            nanosleep(&(struct timespec) { .tv_sec = first ? 0 : 1, .tv_nsec = first ? 300000000 : 0 }, NULL);
    }
}

/* ---- the whole */

static void load_first(struct loading *l, struct bytes text)
{
    struct package *p = l->p;
    const char *at = text.data;
    size_t space = 0;

    while (space < text.len && (at[space] == ' ' || at[space] == '\n' || at[space] == '\r' || at[space] == '\t'))
        space++;
    if (space < text.len && (at[space] == '<' || (text.len > 3 && memcmp(at, "\xef\xbb\xbf<", 4) == 0)))
        return load_mpd(l, p->first, text);
    playlist_parse(p->arena, text, &p->master);
    if (p->master.multivariant || !p->master.media) {
        p->has_master = true;
        return load_master(l);
    }
    load_stream(l, p->url, STREAM_OTHER, &text);
}

static void load_lists(struct package *p)
{
    p->lists = arena_alloc_n(p->arena, p->streams_n + 1, sizeof(*p->lists));
    if (p->has_master)
        p->lists[p->lists_n++] = (struct listed) { p->first->shown, &p->master, p->first, NULL };
    for (size_t i = 0; i < p->streams_n; i++) {
        const struct stream *s = &p->streams[i];

        if (!s->representation && s->playlist.text.len)
            p->lists[p->lists_n++] = (struct listed) { s->shown, &s->playlist, s->object, s };
    }
}

struct package *package_load(int fd, const char *url, const char *dash, const char **ret_why)
{
    struct arena *arena = arena_new();
    struct package *p = arena_alloc(arena, sizeof(*p));
    struct loading l = { .p = p, .began = now_s() };
    struct bytes text = { 0 };

    *p = (struct package) { .arena = arena, .url = url, .over_http = url_is_http(url), .mpd_duration = -1 };
    p->streams = arena_alloc_n(arena, PLAYLISTS_MOST + MPD_REPRESENTATIONS_MOST, sizeof(*p->streams));
    p->master.type = "";
    l.objects = objects_new(arena, fd, url);
    p->first = objects_get(l.objects, url, url, NULL, OBJECT_TEXT, NULL, &text);
    *ret_why = NULL;
    if (!p->first)
        *ret_why = "what fetches the bytes has ended";
    else if (p->first->status != 200)
        *ret_why = arena_printf(arena, "%s: %s%s", url, *p->first->error ? p->first->error : "the server answers ",
                                *p->first->error ? "" : arena_printf(arena, "%lld", (long long)p->first->status));
    if (!*ret_why) {
        if (p->first->redirected && *p->first->answered)
            p->url = p->first->answered; /* what was typed may lead elsewhere; what a playlist names may not */
        load_first(&l, text);
        load_second(&l, dash);
        load_later(&l);
        if (l.lost)
            *ret_why = "there is more than this program looks at, or what fetches the bytes has ended";
    }
    load_lists(p);
    objects_list(l.objects, &p->objects, &p->objects_n);
    objects_free(&l.objects);
    if (*ret_why)
        *ret_why = strdup(*ret_why);
    if (*ret_why)
        package_free(&p);
    return p;
}

void package_free(struct package **package)
{
    if (*package) {
        struct arena *arena = (*package)->arena;

        arena_free(&arena);
    }
    *package = NULL;
}

const struct stream *package_stream(const struct package *p, const char *uri)
{
    const char *url = uri ? url_resolve(p->arena, p->url, uri) : NULL;

    for (size_t i = 0; url && i < p->streams_n; i++)
        if (!p->streams[i].representation && strcmp(p->streams[i].url, url) == 0)
            return &p->streams[i];
    return NULL;
}

bool stream_counts(const struct stream *s)
{
    return !s->twin && s->parts_n && (s->kind == STREAM_VIDEO || s->kind == STREAM_AUDIO);
}

bool stream_is_vod(const struct stream *s)
{
    return strcmp(s->playlist.type, "VOD") == 0;
}

double stream_claimed(const struct stream *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->parts_n; i++)
        sum += s->parts[i].claimed;
    return sum;
}

double stream_real(const struct stream *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->parts_n; i++) {
        const struct object *x = s->parts[i].object;

        if (!x || !s->parts[i].init || s->parts[i].init->track.fault || x->segment.fault ||
            !x->segment.fragments_n)
            return -1;
        sum += (double)x->segment.duration / s->parts[i].init->track.timescale;
    }
    return s->parts_n ? sum : -1;
}

struct stream_rate stream_measure(const struct stream *s)
{
    double target = s->playlist.target ? s->playlist.target : 6, least = 0.5 * target, most = 1.5 * target + 0.5;
    double bits = 0, seconds = 0, peak = 0;

    for (size_t i = 0; i < s->parts_n; i++) {
        double run_bits = 0, run = 0;

        bits += s->parts[i].object ? 8.0 * (double)s->parts[i].object->size : 0;
        seconds += s->parts[i].claimed;
        for (size_t j = i; j < s->parts_n; j++) {
            run_bits += s->parts[j].object ? 8.0 * (double)s->parts[j].object->size : 0;
            run += s->parts[j].claimed;
            if (run > most)
                break;
            if (run >= least && run > 0 && run_bits / run > peak)
                peak = run_bits / run;
        }
    }
    struct stream_rate rate = { .peak = peak, .average = seconds > 0 ? bits / seconds : 0 };
    if (rate.peak < rate.average) /* shorter than half a target duration in all */
        rate.peak = rate.average;
    return rate;
}
