/* step - the four columns of a video's state, a table each. What a table does not list is refused and
 * counted. */
#pragma once

#include "actors/catalog/catalog.h"

enum step_column { STEP_UPLOAD, STEP_MEDIA, STEP_RELEASE, STEP_LIFE, STEP_COLUMNS };

enum step_on {
    /* upload */
    ON_OPENED = 1, /* somebody is about to send bytes */
    ON_BYTES,      /* some of them are durable */
    ON_ALL_BYTES,
    ON_IDLE, /* nothing came for too long */
    ON_DROPPED,
    ON_NOT_FETCHED, /* of its import; of its media as well */
    /* media */
    ON_ENOUGH,    /* bytes for a look */
    ON_NEED_MORE, /* the look needs others */
    ON_PROBED,
    ON_REFUSED,
    ON_PROBE_DEAD,
    ON_PLAYABLE, /* the first seconds are listed in a playlist that lies there */
    ON_WRITTEN,  /* all playlists lie there */
    ON_RUN_DEAD,
    ON_NO_BYTES, /* the original will never be whole */
    ON_RETRY_PROBE,
    ON_RETRY_RUNS,
    ON_INFECTED,  /* a virus scanner found something in its original */
    ON_RECOVERED, /* what was given up was done after all: an operator asked for it again */
    /* release */
    ON_DATE, /* a date was set */
    ON_NO_DATE,
    ON_ALLOWED, /* by its media, or by the date */
    ON_BARRED,  /* its media was refused */
    /* life */
    ON_TRASH,
    ON_RESTORE,
    ON_DELETE,
};

/* Takes the step that the column's table lists for where the video is, and does what it says.
 * ERR_CONFLICT, counted, when the table lists none. */
int step_take(struct doing *d, enum step_column column, enum step_on on);

bool step_is_known(const struct video_row *row, enum step_column column, enum step_on on);
const char *step_on_name(enum step_on on);
