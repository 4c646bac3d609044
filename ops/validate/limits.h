/* limits - what a stranger's presentation may cost. More than any of them is reported, never looked at. */
#pragma once

enum {
    URL_MOST = 4096,          /* bytes of an address */
    TEXT_MOST = 16 << 20,     /* bytes of a playlist, an MPD or a WebVTT file */
    INIT_MOST = 1 << 20,      /* bytes of an init segment */
    SEGMENT_MOST = 256 << 20, /* bytes of a media segment */
    LINES_MOST = 500000,      /* lines of a playlist */
    ATTRIBUTES_MOST = 64,     /* attributes of one tag or element */
    PLAYLISTS_MOST = 256,     /* media playlists of a presentation */
    ENTRIES_MOST = 100000,    /* segments of one stream */
    OBJECTS_MOST = 400000,    /* segments of all streams */
    FRAGMENTS_MOST = 4096,    /* movie fragments of a segment */
    SAMPLES_MOST = 1 << 20,   /* samples of a fragment */
    CUES_MOST = 200000,       /* cues of a text track */
    ELEMENTS_MOST = 400000,   /* elements of an MPD */
    DEPTH_MOST = 32,          /* of an MPD's elements */
    REDIRECTS_MOST = 5,       /* followed one after the other */
    FINDINGS_SHOWN = 20,      /* of one rule; further ones are counted */
    CONNECT_S = 10,
    ANSWER_S = 120,
    MEMORY_MB = 2048, /* address space of the checker */
    CPU_S = 1800,
};
