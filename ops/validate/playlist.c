#include "ops/validate/playlist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/validate/limits.h"
#include "schemas/wire/plant.h"

enum tag_form { FORM_NONE, FORM_NUMBER, FORM_LIST, FORM_TEXT };

static const struct tag_row {
    const char *name;
    enum tag_kind kind;
    enum tag_scope scope;
    enum tag_form form;
} tag_rows[] = {
    { "EXTM3U", TAG_EXTM3U, SCOPE_EITHER, FORM_NONE },
    { "EXT-X-VERSION", TAG_VERSION, SCOPE_EITHER, FORM_NUMBER },
    { "EXT-X-INDEPENDENT-SEGMENTS", TAG_INDEPENDENT, SCOPE_EITHER, FORM_NONE },
    { "EXT-X-START", TAG_START, SCOPE_EITHER, FORM_LIST },
    { "EXT-X-DEFINE", TAG_DEFINE, SCOPE_EITHER, FORM_LIST },
    { "EXT-X-TARGETDURATION", TAG_TARGETDURATION, SCOPE_MEDIA, FORM_NUMBER },
    { "EXT-X-MEDIA-SEQUENCE", TAG_SEQUENCE, SCOPE_MEDIA, FORM_NUMBER },
    { "EXT-X-DISCONTINUITY-SEQUENCE", TAG_DISCONTINUITY_SEQUENCE, SCOPE_MEDIA, FORM_NUMBER },
    { "EXT-X-ENDLIST", TAG_ENDLIST, SCOPE_MEDIA, FORM_NONE },
    { "EXT-X-PLAYLIST-TYPE", TAG_PLAYLIST_TYPE, SCOPE_MEDIA, FORM_TEXT },
    { "EXT-X-I-FRAMES-ONLY", TAG_IFRAMES_ONLY, SCOPE_MEDIA, FORM_NONE },
    { "EXT-X-PART-INF", TAG_PART_INF, SCOPE_MEDIA, FORM_LIST },
    { "EXT-X-SERVER-CONTROL", TAG_SERVER_CONTROL, SCOPE_MEDIA, FORM_LIST },
    { "EXT-X-SKIP", TAG_SKIP, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-PRELOAD-HINT", TAG_PRELOAD_HINT, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-RENDITION-REPORT", TAG_RENDITION_REPORT, SCOPE_SEGMENT, FORM_LIST },
    { "EXTINF", TAG_EXTINF, SCOPE_SEGMENT, FORM_TEXT },
    { "EXT-X-BYTERANGE", TAG_BYTERANGE, SCOPE_SEGMENT, FORM_TEXT },
    { "EXT-X-DISCONTINUITY", TAG_DISCONTINUITY, SCOPE_SEGMENT, FORM_NONE },
    { "EXT-X-KEY", TAG_KEY, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-MAP", TAG_MAP, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-PROGRAM-DATE-TIME", TAG_DATE_TIME, SCOPE_SEGMENT, FORM_TEXT },
    { "EXT-X-GAP", TAG_GAP, SCOPE_SEGMENT, FORM_NONE },
    { "EXT-X-BITRATE", TAG_BITRATE, SCOPE_SEGMENT, FORM_NUMBER },
    { "EXT-X-PART", TAG_PART, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-DATERANGE", TAG_DATERANGE, SCOPE_SEGMENT, FORM_LIST },
    { "EXT-X-MEDIA", TAG_MEDIA, SCOPE_MASTER, FORM_LIST },
    { "EXT-X-STREAM-INF", TAG_STREAM_INF, SCOPE_MASTER, FORM_LIST },
    { "EXT-X-I-FRAME-STREAM-INF", TAG_IFRAME_STREAM_INF, SCOPE_MASTER, FORM_LIST },
    { "EXT-X-SESSION-DATA", TAG_SESSION_DATA, SCOPE_MASTER, FORM_LIST },
    { "EXT-X-SESSION-KEY", TAG_SESSION_KEY, SCOPE_MASTER, FORM_LIST },
    { "EXT-X-CONTENT-STEERING", TAG_STEERING, SCOPE_MASTER, FORM_LIST },
};

/* What the value of a known attribute must be. */
static const struct attribute_row {
    const char *name;
    char form; /* " quoted, n a number, d a decimal, x hexadecimal, r a resolution, w a bare word */
} attribute_rows[] = {
    { "BANDWIDTH", 'n' },   { "AVERAGE-BANDWIDTH", 'n' },
    { "CODECS", '"' },      { "RESOLUTION", 'r' },
    { "FRAME-RATE", 'd' },  { "AUDIO", '"' },
    { "VIDEO", '"' },       { "SUBTITLES", '"' },
    { "URI", '"' },         { "TYPE", 'w' },
    { "GROUP-ID", '"' },    { "NAME", '"' },
    { "LANGUAGE", '"' },    { "ASSOC-LANGUAGE", '"' },
    { "DEFAULT", 'w' },     { "AUTOSELECT", 'w' },
    { "FORCED", 'w' },      { "CHANNELS", '"' },
    { "METHOD", 'w' },      { "CHARACTERISTICS", '"' },
    { "IV", 'x' },          { "KEYFORMAT", '"' },
    { "DATA-ID", '"' },     { "KEYFORMATVERSIONS", '"' },
    { "SCORE", 'd' },       { "VIDEO-RANGE", 'w' },
    { "INSTREAM-ID", '"' }, { "SUPPLEMENTAL-CODECS", '"' },
};

/* What grows while a playlist is read. */
struct reader {
    struct arena *arena;
    struct playlist *to;
    struct tag **tags; /* others keep pointers to them, so that what grows is a list of pointers */
    struct playlist_entry *entries;
    struct playlist_fault *faults;
    size_t tags_most, entries_most, faults_most;
    unsigned line;
    struct tag *variant; /* waits for its URI */
    /* What applies to the next segment. */
    struct playlist_entry next;
    bool has_duration, full;
    const char *range_uri; /* where the last range ended, and of what */
    uint64_t range_end;
    const char *range_text;
};

/* ---- small texts */

bool text_number(const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *ret = value;
    return true;
}

bool text_decimal(const char *text, double *ret)
{
    size_t whole = strspn(text, "0123456789"), part = 0;

    if (text[whole] == '.')
        part = 1 + strspn(text + whole + 1, "0123456789");
    if (whole == 0 || part == 1 || text[whole + part] || whole > 18)
        return false;
    *ret = strtod(text, NULL);
    return true;
}

static bool text_form(const struct attribute *a, char form)
{
    uint64_t number;
    double decimal;
    size_t digits;

    if (form == '"')
        return a->quoted;
    if (a->quoted)
        return false;
    switch (form) {
    case 'n': return text_number(a->value, &number);
    case 'd': return text_decimal(a->value, &decimal);
    case 'x':
        return (a->value[0] == '0' && (a->value[1] == 'x' || a->value[1] == 'X')) && a->value[2] &&
               !a->value[2 + strspn(a->value + 2, "0123456789abcdefABCDEF")];
    case 'r':
        digits = strspn(a->value, "0123456789");
        return digits && digits < 10 && a->value[digits] == 'x' && a->value[digits + 1] &&
               strlen(a->value + digits + 1) < 10 &&
               !a->value[digits + 1 + strspn(a->value + digits + 1, "0123456789")];
    default: return *a->value != 0;
    }
}

const char *tag_attribute(const struct tag *tag, const char *name)
{
    for (size_t i = 0; i < tag->attributes_n; i++)
        if (strcmp(tag->attributes[i].name, name) == 0)
            return tag->attributes[i].value;
    return NULL;
}

const char *tag_text(const struct tag *tag, const char *name)
{
    const char *value = tag_attribute(tag, name);

    return value ? value : "";
}

bool tag_is(const struct tag *tag, const char *name, const char *value)
{
    return strcmp(tag_text(tag, name), value) == 0;
}

const struct tag *playlist_find(const struct playlist *playlist, enum tag_kind kind)
{
    for (size_t i = 0; i < playlist->tags_n; i++)
        if (playlist->tags[i].kind == kind)
            return &playlist->tags[i];
    return NULL;
}

size_t playlist_count(const struct playlist *playlist, enum tag_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < playlist->tags_n; i++)
        n += playlist->tags[i].kind == kind;
    return n;
}

/* ---- lines */

/* Room for one more at *list, which doubles. */
static void *reader_more(struct arena *arena, void **list, size_t *most, size_t n, size_t size)
{
    if (n == *most) {
        size_t now = *most ? *most * 2 : 64;
        void *more = arena_alloc_n(arena, now, size);

        if (n)
            memcpy(more, *list, n * size);
        *list = more;
        *most = now;
    }
    return (char *)*list + n * size;
}

static void reader_fault(struct reader *r, const char *what)
{
    struct playlist_fault *fault = reader_more(r->arena, (void **)&r->faults, &r->faults_most, r->to->faults_n,
                                               sizeof(*fault));

    *fault = (struct playlist_fault) { r->line, what };
    r->to->faults_n++;
}

static const char *reader_take_value(struct reader *r, const char *at, struct attribute *a)
{
    size_t len;

    a->quoted = *at == '"';
    if (!a->quoted) {
        len = strcspn(at, ",");
        if (memchr(at, '"', len) || memchr(at, ' ', len) || len == 0)
            reader_fault(
                r, arena_printf(r->arena, "the value of %s is neither a quoted string nor one word", a->name));
        a->value = arena_strndup(r->arena, at, len);
        return at + len;
    }
    len = strcspn(++at, "\"");
    a->value = arena_strndup(r->arena, at, len);
    if (at[len] != '"') {
        reader_fault(r, arena_printf(r->arena, "the quoted string of %s does not end", a->name));
        return at + len;
    }
    return at + len + 1;
}

static void reader_attribute(struct reader *r, struct tag *tag, const struct attribute *a)
{
    if (tag_attribute(tag, a->name))
        reader_fault(r, arena_printf(r->arena, "%s stands twice", a->name));
    for (size_t i = 0; i < sizeof(attribute_rows) / sizeof(*attribute_rows); i++)
        if (strcmp(attribute_rows[i].name, a->name) == 0 && !text_form(a, attribute_rows[i].form))
            reader_fault(r, arena_printf(r->arena, "%s is not written as its type is", a->name));
}

/* NAME=value,NAME="value": no spaces, every name once. */
static void reader_list(struct reader *r, struct tag *tag)
{
    struct attribute list[ATTRIBUTES_MOST];
    const char *at = tag->value;

    tag->attributes = list;
    while (*at) {
        struct attribute a;
        size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

        if (len == 0 || at[len] != '=') {
            reader_fault(r, "this is no list of NAME=value separated by commas");
            break;
        }
        if (tag->attributes_n == ATTRIBUTES_MOST) {
            reader_fault(r, "more attributes than are looked at");
            break;
        }
        a.name = arena_strndup(r->arena, at, len);
        at = reader_take_value(r, at + len + 1, &a);
        reader_attribute(r, tag, &a);
        list[tag->attributes_n++] = a;
        if (*at && *at != ',')
            reader_fault(r, arena_printf(r->arena, "%s is followed by something other than a comma", a.name));
        at += strcspn(at, ",");
        if (*at == ',' && !*++at)
            reader_fault(r, "the list ends with a comma");
    }
    tag->attributes = arena_copy(r->arena, list, tag->attributes_n * sizeof(*list));
}

/* "n" or "n@o". Without an offset it goes on where the last range of the same resource ended. */
static bool reader_range(struct reader *r, const char *text, const char *uri, struct byte_range *ret)
{
    const char *sign = strchr(text, '@');
    char *len = sign ? arena_strndup(r->arena, text, (size_t)(sign - text)) : arena_strdup(r->arena, text);

    *ret = (struct byte_range) { .given = true };
    if (!text_number(len, &ret->len) || ret->len == 0 || (sign && !text_number(sign + 1, &ret->from)) ||
        ret->len > INT64_MAX || ret->from > INT64_MAX - ret->len)
        return false;
    PLANT(ret->from > 9);
    if (!sign && (!r->range_uri || !uri || strcmp(r->range_uri, uri) != 0))
        return false;
    if (!sign)
        ret->from = r->range_end;
    return true;
}

static double reader_date(const char *text)
{
    struct tm tm = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    double part = 0;

    if (!rest)
        return -1;
    if (*rest == '.')
        part = strtod(rest, (char **)&rest);
    if (*rest == '+' || *rest == '-') {
        int hours = atoi(rest + 1), minutes = strlen(rest) >= 5 ? atoi(rest + (rest[3] == ':' ? 4 : 3)) : 0;

        if (strlen(rest) == 5)
            hours /= 100;
        part -= (*rest == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
    } else if (strcmp(rest, "Z") != 0) {
        return -1; /* a client could only guess the time zone */
    }
    return (double)timegm(&tm) + part;
}

static void reader_extinf(struct reader *r, struct tag *tag)
{
    size_t len = strcspn(tag->value, ",");
    double duration;

    r->next.duration_text = arena_strndup(r->arena, tag->value, len);
    r->has_duration = text_decimal(r->next.duration_text, &duration);
    if (r->has_duration)
        r->next.duration = duration;
    else
        reader_fault(r, "EXTINF has no decimal number of seconds");
    if (tag->value[len] != ',')
        reader_fault(r, "EXTINF lacks the comma behind its duration");
}

static void reader_map(struct reader *r, struct tag *tag)
{
    const char *range = tag_attribute(tag, "BYTERANGE");

    r->next.map = tag;
    r->next.map_range = (struct byte_range) { 0 };
    if (!tag_attribute(tag, "URI"))
        reader_fault(r, "EXT-X-MAP has no URI");
    if (range && !reader_range(r, range, NULL, &r->next.map_range)) {
        reader_fault(r, "BYTERANGE of EXT-X-MAP is not n@o");
        r->next.map_range = (struct byte_range) { 0 };
    }
}

/* What a tag means for the whole playlist or for the next segment. */
static void reader_meaning(struct reader *r, struct tag *tag)
{
    struct playlist *p = r->to;
    uint64_t number = 0;

    switch (tag->kind) {
    case TAG_VERSION:
        if (!p->version && text_number(tag->value, &number))
            p->version = number > 1000 ? 1000 : (unsigned)number;
        break;
    case TAG_TARGETDURATION:
        if (!p->target && text_number(tag->value, &number))
            p->target = number > 1000000 ? 1000000 : (unsigned)number;
        break;
    case TAG_SEQUENCE: (void)text_number(tag->value, &p->sequence); break;
    case TAG_ENDLIST: p->ended = true; break;
    case TAG_IFRAMES_ONLY: p->iframes_only = true; break;
    case TAG_PLAYLIST_TYPE:
        p->type = tag->value;
        if (strcmp(tag->value, "VOD") != 0 && strcmp(tag->value, "EVENT") != 0)
            reader_fault(r, "EXT-X-PLAYLIST-TYPE is neither VOD nor EVENT");
        break;
    case TAG_EXTINF: reader_extinf(r, tag); break;
    case TAG_BYTERANGE: r->range_text = tag->value; break;
    case TAG_MAP: reader_map(r, tag); break;
    case TAG_KEY: r->next.key = tag_is(tag, "METHOD", "NONE") ? NULL : tag; break;
    case TAG_DISCONTINUITY: r->next.discontinuity = true; break;
    case TAG_GAP: r->next.gap = true; break;
    case TAG_DATE_TIME:
        r->next.date = reader_date(tag->value);
        r->next.dated = r->next.date >= 0;
        if (!r->next.dated)
            reader_fault(r, "EXT-X-PROGRAM-DATE-TIME is no date and time of ISO 8601 with a time zone");
        break;
    case TAG_STREAM_INF:
        if (r->variant)
            reader_fault(r, "the EXT-X-STREAM-INF before this one has no URI line");
        r->variant = tag;
        break;
    default: break;
    }
    p->multivariant |= tag->scope == SCOPE_MASTER;
    p->media |= tag->scope == SCOPE_MEDIA || tag->scope == SCOPE_SEGMENT;
}

static void reader_tag(struct reader *r, const char *text)
{
    struct tag *tag = arena_alloc(r->arena, sizeof(*tag));
    struct tag **slot;
    size_t len = strcspn(text, ":");
    uint64_t number;

    tag->line = r->line;
    tag->name = arena_strndup(r->arena, text, len);
    tag->value = text[len] ? text + len + 1 : "";
    for (size_t i = 0; i < sizeof(tag_rows) / sizeof(*tag_rows); i++) {
        if (strcmp(tag_rows[i].name, tag->name) != 0)
            continue;
        tag->kind = tag_rows[i].kind;
        tag->scope = tag_rows[i].scope;
        if (tag_rows[i].form == FORM_LIST)
            reader_list(r, tag);
        else if (tag_rows[i].form == FORM_NUMBER && !text_number(tag->value, &number))
            reader_fault(r, arena_printf(r->arena, "%s has no whole number", tag->name));
        else if (tag_rows[i].form == FORM_NONE && text[len])
            reader_fault(r, arena_printf(r->arena, "%s takes no value", tag->name));
        else if (tag_rows[i].form == FORM_TEXT && !*tag->value)
            reader_fault(r, arena_printf(r->arena, "%s has no value", tag->name));
    }
    reader_meaning(r, tag);
    slot = reader_more(r->arena, (void **)&r->tags, &r->tags_most, r->to->tags_n, sizeof(*slot));
    *slot = tag;
    r->to->tags_n++;
}

static void reader_uri(struct reader *r, const char *text)
{
    struct playlist_entry *entry;

    if (r->variant) {
        r->variant->uri = text;
        r->variant = NULL;
        return;
    }
    if (r->to->multivariant && !r->to->media) {
        reader_fault(r, "a URI line that no EXT-X-STREAM-INF stands before");
        return;
    }
    if (!r->has_duration)
        reader_fault(r, "a media segment without EXTINF");
    r->next.uri = text;
    r->next.line = r->line;
    r->next.range = (struct byte_range) { 0 };
    if (r->range_text && !reader_range(r, r->range_text, text, &r->next.range)) {
        reader_fault(r, "EXT-X-BYTERANGE is not n[@o], or has no range of the same resource before it");
        r->next.range = (struct byte_range) { 0 };
    }
    r->range_uri = r->next.range.given ? text : NULL;
    r->range_end = r->next.range.from + r->next.range.len;
    if (r->to->entries_n == ENTRIES_MOST) {
        if (!r->full)
            reader_fault(r, "more segments than are looked at");
        r->full = true;
        return;
    }
    entry = reader_more(r->arena, (void **)&r->entries, &r->entries_most, r->to->entries_n, sizeof(*entry));
    *entry = r->next;
    r->to->entries_n++;
    r->has_duration = false;
    r->range_text = NULL;
    r->next.discontinuity = r->next.gap = r->next.dated = false;
    r->next.duration = 0;
    r->next.duration_text = "";
}

static bool text_is_utf8(const uint8_t *d, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned more = d[i] < 0x80   ? 0
                        : d[i] < 0xc2 ? 4
                        : d[i] < 0xe0 ? 1
                        : d[i] < 0xf0 ? 2
                        : d[i] < 0xf5 ? 3
                                      : 4;

        if (more == 4 || more > len - i - 1 || (d[i] == 0xe0 && d[i + 1] < 0xa0) ||
            (d[i] == 0xed && d[i + 1] > 0x9f) || (d[i] == 0xf0 && d[i + 1] < 0x90) ||
            (d[i] == 0xf4 && d[i + 1] > 0x8f))
            return false;
        for (unsigned k = 1; k <= more; k++)
            if ((d[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

static void reader_line(struct reader *r, const char *from, size_t len)
{
    const uint8_t *d = (const uint8_t *)from;
    const char *text;

    r->line++;
    if (len && from[len - 1] == '\r')
        len--;
    if (!text_is_utf8(d, len))
        reader_fault(r, "this line is not UTF-8");
    for (size_t i = 0; i < len; i++)
        if (d[i] < 0x20 || d[i] == 0x7f) {
            reader_fault(r, "a control character");
            len = i;
        }
    if (len == 0)
        return;
    text = arena_strndup(r->arena, from, len);
    if (r->line == 1 && strcmp(text, "#EXTM3U") != 0)
        reader_fault(r, "the first line is not #EXTM3U");
    if (strncmp(text, "#EXT", 4) == 0)
        reader_tag(r, text + 1);
    else if (*text != '#')
        reader_uri(r, text);
    else if (r->variant)
        reader_fault(r, "a comment between EXT-X-STREAM-INF and its URI");
}

void playlist_parse(struct arena *arena, struct bytes text, struct playlist *ret)
{
    struct reader r = { .arena = arena, .to = ret };
    const char *at = text.len ? text.data : "", *end = at + text.len;
    struct tag *tags;

    *ret = (struct playlist) { .text = text, .type = "" };
    r.next.duration_text = "";
    if (text.len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
        r.line = 1;
        reader_fault(&r, "a byte order mark");
        r.line = 0;
        at += 3;
    }
    if (at == end) {
        r.line = 1;
        reader_fault(&r, "the playlist is empty");
    }
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (r.line == LINES_MOST) {
            reader_fault(&r, "more lines than are looked at");
            break;
        }
        reader_line(&r, at, (size_t)((stop ? stop : end) - at));
        at = stop ? stop + 1 : end;
    }
    if (r.variant)
        reader_fault(&r, "the last EXT-X-STREAM-INF has no URI line");
    tags = arena_alloc_n(arena, ret->tags_n ? ret->tags_n : 1, sizeof(*tags));
    for (size_t i = 0; i < ret->tags_n; i++)
        tags[i] = *r.tags[i];
    ret->tags = tags;
    ret->entries = r.entries;
    ret->faults = r.faults;
}
