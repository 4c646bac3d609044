/* mpd - representations of an MPD, as streams of parts; and the small values of its attributes (ISO/IEC 23009-1). */
#pragma once

#include "ops/validate/package.h"

enum { MPD_REPRESENTATIONS_MOST = 256 };

/* One segment of a representation. */
struct mpd_part {
    const char *uri;
    uint64_t time, duration;
};

/* Seconds of PT1H2M3.5S; -1 when it is none. */
double mpd_duration(const char *text);
/* 30000/1001 or 25; 0 when it is none. */
double mpd_rate(const char *text);
/* The attribute of the representation, else of its set. */
const char *mpd_inherited(const struct stream *s, const char *name);
/* A whole number, or otherwise. */
uint64_t mpd_number(const char *text, uint64_t otherwise);
/* The template that applies to a representation, merged from all levels: NULL when it is addressed in another way. */
const struct xml_element *mpd_template(struct arena *arena, const struct xml_element *representation);
/* Its segments; the number of them in *ret_n. `period`: seconds it lasts. */
struct mpd_part *mpd_parts(struct arena *arena, const struct xml_element *representation,
                           const struct xml_element *template, double period, size_t *ret_n);
const char *mpd_fill(struct arena *arena, const struct xml_element *representation, const char *pattern,
                     uint64_t number, uint64_t time);
/* BaseURLs from the root down, resolved against the MPD's own address. */
const char *mpd_base(struct arena *arena, const struct xml_element *representation, const char *url);
