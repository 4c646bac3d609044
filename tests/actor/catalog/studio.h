/* studio - a transcode process that makes nothing: it answers probes and runs as a real one would. */
#pragma once

#include "tests/actor/catalog/fake.h"

struct studio {
    uint64_t seconds; /* how long the original is */
    unsigned width, height, sounds;
    unsigned texts; /* text tracks; with them come two chapters */
    bool proven;    /* the probe knows the length */
    unsigned gop;   /* its packets may be copied, and its keyframes are so far apart */
    bool flat;      /* every size of it takes as many bytes; else those of its picture's area */
    bool need_more; /* the next probe asks for more bytes */
    uint64_t need_offset;
    const char *refuse; /* the next probe refuses */
};

/* Answer the next job; false: there is none. */
bool studio_probe(struct fake *f, const struct studio *s);
bool studio_run(struct fake *f, const struct studio *s);
bool studio_kill_run(struct fake *f, const char *reason); /* the next run is given up */
int studio_give_up(struct fake *f, struct id job);        /* this one is */
bool studio_refuse_copy(struct fake *f, const struct studio *s,
                        unsigned copied);                 /* the copy's run after so many */
void studio_work(struct fake *f, const struct studio *s); /* until nothing is left to do */

/* A video with a whole upload, up to the moment the catalog has put its probe. */
struct id studio_upload(struct fake *f, uint64_t length);
/* One whose original is these bytes, whole and summed. */
struct id studio_film(struct fake *f, const char *text, struct upload *ret);
struct video studio_video(struct fake *f, struct id id);
int studio_answer(struct fake *f, const struct encode_run *job, struct id job_id, const struct studio *s);
