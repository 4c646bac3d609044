/* package - a presentation as it was found: its playlists, the objects that they name, and what was read in them.
 *
 * Loading judges nothing: what could not be had or read stays in the object, for the rules to tell. All of it lies in
 * one arena. A segment's bytes are let go as soon as their facts are taken. */
#pragma once

#include <stdbool.h>

#include "ops/validate/fetch.h"
#include "ops/validate/fragment.h"
#include "ops/validate/playlist.h"
#include "ops/validate/vtt.h"
#include "ops/validate/xml.h"

enum object_kind { OBJECT_TEXT, OBJECT_INIT, OBJECT_SEGMENT, OBJECT_IFRAME, OBJECT_VTT, OBJECT_OPAQUE };

struct object {
    const char *url, *shown;
    struct byte_range range;
    enum object_kind kind;
    /* How it came. */
    int64_t status; /* 0: it did not, and error says why */
    bool redirected, gzip, range_exact;
    const char *error, *type, *answered;
    uint64_t size;
    /* What it holds. */
    struct track track;     /* of an init */
    struct segment segment; /* of a segment or an I-frame range */
    struct vtt vtt;
};

enum stream_kind { STREAM_OTHER, STREAM_VIDEO, STREAM_AUDIO, STREAM_TEXT, STREAM_IFRAMES };

struct part {
    unsigned line;
    const char *duration_text;
    double claimed;                     /* seconds */
    const struct playlist_entry *entry; /* NULL in DASH */
    const struct object *init;          /* NULL when none applies */
    const struct object *object;
    uint64_t time, duration; /* DASH: S@t and S@d */
};

struct stream {
    const char *url, *shown;
    enum stream_kind kind;
    const struct object *object; /* the playlist */
    struct playlist playlist;
    const struct track *track; /* of the first init, or NULL */
    struct part *parts;
    size_t parts_n;
    /* A playlist that is read again. */
    struct playlist later;
    bool has_later;
    double later_after; /* seconds */
    /* DASH. */
    const struct xml_element *set, *representation, *template;
    uint64_t timescale;
    const struct stream *twin; /* the HLS stream of the same objects */
};

struct listed {
    const char *file;
    const struct playlist *playlist;
    const struct object *object;
    const struct stream *stream; /* NULL: the multivariant playlist */
};

struct package {
    struct arena *arena;
    const char *url; /* where it begins */
    bool over_http;
    const struct object *first; /* the entry's own object */
    struct playlist master;
    bool has_master;
    struct stream *streams; /* media playlists, then representations */
    size_t streams_n;
    struct listed *lists; /* every playlist that could be read, the multivariant one first */
    size_t lists_n;
    const struct xml_element *mpd;
    const char *mpd_shown, *mpd_fault;
    const struct object *mpd_object;
    unsigned mpd_fault_line;
    double mpd_duration; /* seconds; -1 when it does not say */
    /* Every object once. */
    struct object **objects;
    size_t objects_n;
};

/* Looks at the whole presentation at url, and at the MPD at dash (NULL: none, or the one beside a folder's master).
 * Asks over fd. NULL when there is nothing to judge, and then why says what to do. */
struct package *package_load(int fd, const char *url, const char *dash, const char **ret_why);
void package_free(struct package **package);

/* The stream of a URI in the master, or NULL. */
const struct stream *package_stream(const struct package *p, const char *uri);
/* A stream's first segment is encrypted as a whole: nothing of it can be read. */
bool part_is_sealed(const struct part *part);
/* Seconds of all its segments as they claim, and as they are; -1 when they could not be read. */
double stream_claimed(const struct stream *s);
double stream_real(const struct stream *s);
bool stream_is_vod(const struct stream *s);
/* Sums up what a DASH stream and its HLS twin have in common: rules about bytes look at each stream once. */
bool stream_counts(const struct stream *s);

struct stream_rate {
    double peak, average; /* bits a second */
};
/* Peak: the largest rate of any run of segments that lasts half to one and a half target durations (RFC 8216, 4.1). */
struct stream_rate stream_measure(const struct stream *s);
