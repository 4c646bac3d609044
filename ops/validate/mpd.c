#include "ops/validate/mpd.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ops/validate/limits.h"
#include "ops/validate/url.h"

double mpd_duration(const char *text)
{
    static const struct {
        char unit;
        double seconds;
    } units[] = { { 'D', 86400 }, { 'H', 3600 }, { 'M', 60 }, { 'S', 1 } };
    double sum = 0;
    bool time = false;

    if (!text || *text++ != 'P' || !*text)
        return -1;
    while (*text) {
        char *end;
        double n;
        size_t i = 0;

        if (*text == 'T' && !time) {
            time = true;
            text++;
            continue;
        }
        if (!isdigit((unsigned char)*text))
            return -1;
        n = strtod(text, &end);
        while (i < sizeof(units) / sizeof(*units) && units[i].unit != *end)
            i++;
        if (i == sizeof(units) / sizeof(*units) || (i > 0) != time)
            return -1; /* a month has no length */
        sum += n * units[i].seconds;
        text = end + 1;
    }
    return sum;
}

double mpd_rate(const char *text)
{
    char *end = NULL;
    double rate = text ? strtod(text, &end) : 0, by;

    if (rate > 0 && *end == '/') {
        by = strtod(end + 1, &end);
        rate = by > 0 ? rate / by : 0;
    }
    return rate > 0 && *end == 0 ? rate : 0;
}

uint64_t mpd_number(const char *text, uint64_t otherwise)
{
    uint64_t number;

    return text && text_number(text, &number) ? number : otherwise;
}

const char *mpd_inherited(const struct stream *s, const char *name)
{
    const char *own = xml_attribute(s->representation, name);

    return own ? own : xml_attribute(s->set, name);
}

/* Attributes and the timeline of a lower level stand before those of a higher one. */
const struct xml_element *mpd_template(struct arena *arena, const struct xml_element *representation)
{
    struct xml_element *merged = NULL;
    const char *attributes[2 * ATTRIBUTES_MOST + 1];
    size_t n = 0;

    for (const struct xml_element *at = representation; at; at = at->parent) {
        const struct xml_element *own = xml_child(at, "SegmentTemplate", NULL);

        if (!own)
            continue;
        if (!merged) {
            merged = arena_copy(arena, own, sizeof(*own));
            merged->attributes = attributes;
        }
        if (!merged->first)
            merged->first = own->first;
        for (const char **a = own->attributes; *a && n + 2 < sizeof(attributes) / sizeof(*attributes); a += 2) {
            attributes[n] = NULL;
            if (!xml_attribute(merged, a[0])) {
                attributes[n++] = a[0];
                attributes[n++] = a[1];
            }
        }
        attributes[n] = NULL;
    }
    if (merged)
        merged->attributes = arena_copy(arena, attributes, (n + 1) * sizeof(*attributes));
    return merged;
}

/* $Number$, $Number%06d$, $Time$, $RepresentationID$, $Bandwidth$, $$. */
const char *mpd_fill(struct arena *arena, const struct xml_element *representation, const char *pattern,
                     uint64_t number, uint64_t time)
{
    const char *id = xml_attribute(representation, "id"), *bandwidth = xml_attribute(representation, "bandwidth");
    char *out = arena_strdup(arena, "");

    while (*pattern && strlen(out) < URL_MOST) {
        const char *stop = strchr(pattern, '$'), *end = stop ? strchr(stop + 1, '$') : NULL;
        size_t len, width = 1;
        const char *percent;

        if (!end)
            return arena_printf(arena, "%s%s", out, pattern);
        len = (size_t)(end - stop - 1);
        percent = memchr(stop, '%', len + 1);
        if (percent) {
            width = strtoul(percent + 1 + (percent[1] == '0'), NULL, 10);
            width = width < 20 ? width : 20;
            len = (size_t)(percent - stop - 1);
        }
        out = arena_printf(arena, "%s%.*s", out, (int)(stop - pattern), pattern);
        if (len == 0)
            out = arena_printf(arena, "%s$", out);
        else if (len == 16 && memcmp(stop + 1, "RepresentationID", 16) == 0)
            out = arena_printf(arena, "%s%s", out, id ? id : "");
        else if (len == 9 && memcmp(stop + 1, "Bandwidth", 9) == 0)
            out = arena_printf(arena, "%s%s", out, bandwidth ? bandwidth : "");
        else if (len == 6 && memcmp(stop + 1, "Number", 6) == 0)
            out = arena_printf(arena, "%s%0*llu", out, (int)width, (unsigned long long)number);
        else if (len == 4 && memcmp(stop + 1, "Time", 4) == 0)
            out = arena_printf(arena, "%s%0*llu", out, (int)width, (unsigned long long)time);
        pattern = end + 1;
    }
    return out;
}

const char *mpd_base(struct arena *arena, const struct xml_element *representation, const char *url)
{
    const struct xml_element *own;

    if (!representation)
        return url;
    url = mpd_base(arena, representation->parent, url);
    own = xml_child(representation, "BaseURL", NULL);
    return own && url ? url_resolve(arena, url, own->text) : url;
}

/* One row of a timeline may stand for many segments; -1 repeats it up to the next row or the end of the period. */
static uint64_t mpd_repeats(const struct xml_element *row, uint64_t time, uint64_t duration, uint64_t end)
{
    const char *text = xml_attribute(row, "r");
    const struct xml_element *next = row->next;

    if (!text || text[0] != '-')
        return mpd_number(text, 0) + 1;
    if (next)
        end = mpd_number(xml_attribute(next, "t"), end);
    return end > time ? (end - time + duration - 1) / duration : 1;
}

static size_t mpd_timeline(const struct xml_element *timeline, uint64_t end, struct mpd_part *parts)
{
    uint64_t time = 0;
    size_t n = 0;

    for (const struct xml_element *row = xml_child(timeline, "S", NULL); row;
         row = xml_child(timeline, "S", row)) {
        uint64_t duration = mpd_number(xml_attribute(row, "d"), 0), repeats;

        time = mpd_number(xml_attribute(row, "t"), time);
        if (duration == 0 || time > INT64_MAX / 2 || duration > INT64_MAX / 2)
            return n;
        repeats = mpd_repeats(row, time, duration, end);
        for (uint64_t i = 0; i < repeats && n < ENTRIES_MOST && time < INT64_MAX / 2; i++) {
            if (parts)
                parts[n] = (struct mpd_part) { .time = time, .duration = duration };
            n++;
            time += duration;
        }
    }
    return n;
}

struct mpd_part *mpd_parts(struct arena *arena, const struct xml_element *representation,
                           const struct xml_element *template, double period, size_t *ret_n)
{
    const struct xml_element *timeline = xml_child(template, "SegmentTimeline", NULL);
    uint64_t scale = mpd_number(xml_attribute(template, "timescale"), 1);
    uint64_t each = mpd_number(xml_attribute(template, "duration"), 0);
    uint64_t start = mpd_number(xml_attribute(template, "startNumber"), 1);
    uint64_t end = period > 0 && period < 1e8 ? (uint64_t)(period * (double)scale) : 0;
    const char *media = xml_attribute(template, "media");
    struct mpd_part *parts;
    size_t n;

    *ret_n = 0;
    if (!media || scale == 0 || scale > UINT32_MAX)
        return NULL;
    if (timeline)
        n = mpd_timeline(timeline, end, NULL);
    else
        n = each && end ? (size_t)((end + each - 1) / each) : 0;
    n = n < ENTRIES_MOST ? n : ENTRIES_MOST;
    parts = arena_alloc_n(arena, n ? n : 1, sizeof(*parts));
    if (timeline)
        mpd_timeline(timeline, end, parts);
    for (size_t i = 0; i < n; i++) {
        if (!timeline)
            parts[i] = (struct mpd_part) { .time = i * each, .duration = each };
        parts[i].uri = mpd_fill(arena, representation, media, start + i, parts[i].time);
    }
    *ret_n = n;
    return parts;
}
