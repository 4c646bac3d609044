/* template - the texts that people get, and how they are filled in. Pure.
 *
 * A text holds {title}, {reason}, {name} and {link}. What is filled in is never read as a template again,
 * and no line break can be filled in: what somebody named a video cannot begin a line of its own. */
#pragma once

#include "schemas/wire/arena.h"

struct template
{
    const char *kind;           /* of the notification; NULL: there is a mail alone */
    const char *title, *body;   /* shown in the app */
    const char *subject, *mail; /* NULL: no mail */
};

struct template_values {
    const char *title, *reason, *name, *link; /* NULL: "" */
};

extern const struct template template_video_playable, template_video_ready, template_video_failed,
    template_welcome, template_verify, template_reset;

/* At most `most` characters; what is longer is cut and ends in an ellipsis. */
const char *template_fill(struct arena *arena, const char *text, const struct template_values *values,
                          size_t most);
