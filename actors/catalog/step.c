/* step - see step.h. */
#include "actors/catalog/step.h"

#include "actors/catalog/step_do.h"

struct step {
    int in;
    enum step_on on;
    int next;
    int (*perform)(struct doing *d); /* NULL: nothing else happens */
};

/* clang-format off */
static const struct step upload_steps[] = {
    /* in                     on            next                     do                */
    { UPLOAD_STATE_WAITING,   ON_OPENED,      UPLOAD_STATE_WAITING,   NULL               },
    { UPLOAD_STATE_WAITING,   ON_BYTES,       UPLOAD_STATE_RECEIVING, upload_tell        },
    { UPLOAD_STATE_WAITING,   ON_ALL_BYTES,   UPLOAD_STATE_COMPLETE,  upload_completed   },
    { UPLOAD_STATE_WAITING,   ON_IDLE,        UPLOAD_STATE_EXPIRED,   upload_expired     },
    { UPLOAD_STATE_WAITING,   ON_DROPPED,     UPLOAD_STATE_WAITING,   NULL               },
    { UPLOAD_STATE_RECEIVING, ON_OPENED,      UPLOAD_STATE_RECEIVING, NULL               },
    { UPLOAD_STATE_RECEIVING, ON_BYTES,       UPLOAD_STATE_RECEIVING, upload_tell        },
    { UPLOAD_STATE_RECEIVING, ON_ALL_BYTES,   UPLOAD_STATE_COMPLETE,  upload_completed   },
    { UPLOAD_STATE_RECEIVING, ON_IDLE,        UPLOAD_STATE_EXPIRED,   upload_expired     },
    { UPLOAD_STATE_RECEIVING, ON_DROPPED,     UPLOAD_STATE_WAITING,   upload_dropped     },
    { UPLOAD_STATE_WAITING,   ON_NOT_FETCHED, UPLOAD_STATE_WAITING,   upload_not_fetched },
    { UPLOAD_STATE_RECEIVING, ON_NOT_FETCHED, UPLOAD_STATE_WAITING,   upload_not_fetched },
    { UPLOAD_STATE_EXPIRED,   ON_OPENED,      UPLOAD_STATE_WAITING,   upload_reopened    },
    { 0 },
};

static const struct step media_steps[] = {
    /* in                     on              next                    do                */
    { MEDIA_STATE_NONE,       ON_ENOUGH,      MEDIA_STATE_PROBING,    media_ask_probe   },
    { MEDIA_STATE_NONE,       ON_NOT_FETCHED, MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_NONE,       ON_INFECTED,    MEDIA_STATE_REFUSED,    media_refuse      },
    { MEDIA_STATE_PROBING,    ON_NEED_MORE,   MEDIA_STATE_PROBING,    media_wait_bytes  },
    { MEDIA_STATE_PROBING,    ON_ENOUGH,      MEDIA_STATE_PROBING,    media_ask_probe   },
    { MEDIA_STATE_PROBING,    ON_PROBED,      MEDIA_STATE_PROCESSING, media_begin       },
    { MEDIA_STATE_PROBING,    ON_REFUSED,     MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROBING,    ON_PROBE_DEAD,  MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROBING,    ON_NO_BYTES,    MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROBING,    ON_NOT_FETCHED, MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROBING,    ON_INFECTED,    MEDIA_STATE_REFUSED,    media_refuse      },
    { MEDIA_STATE_PROCESSING, ON_PLAYABLE,    MEDIA_STATE_PROCESSING, media_playable    },
    { MEDIA_STATE_PROCESSING, ON_WRITTEN,     MEDIA_STATE_READY,      media_ready       },
    { MEDIA_STATE_PROCESSING, ON_RUN_DEAD,    MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROCESSING, ON_NO_BYTES,    MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROCESSING, ON_NOT_FETCHED, MEDIA_STATE_FAILED,     media_fail        },
    { MEDIA_STATE_PROCESSING, ON_INFECTED,    MEDIA_STATE_REFUSED,    media_refuse      },
    { MEDIA_STATE_READY,      ON_WRITTEN,     MEDIA_STATE_READY,      media_renewed     },
    { MEDIA_STATE_READY,      ON_INFECTED,    MEDIA_STATE_REFUSED,    media_refuse      },
    { MEDIA_STATE_FAILED,     ON_PLAYABLE,    MEDIA_STATE_FAILED,     media_playable    },
    { MEDIA_STATE_FAILED,     ON_RUN_DEAD,    MEDIA_STATE_FAILED,     NULL              },
    { MEDIA_STATE_FAILED,     ON_WRITTEN,     MEDIA_STATE_READY,      media_ready       },
    { MEDIA_STATE_FAILED,     ON_RECOVERED,   MEDIA_STATE_PROCESSING, media_recover     },
    { MEDIA_STATE_FAILED,     ON_OPENED,      MEDIA_STATE_NONE,       media_anew        },
    { MEDIA_STATE_FAILED,     ON_RETRY_PROBE, MEDIA_STATE_PROBING,    media_ask_probe   },
    { MEDIA_STATE_FAILED,     ON_RETRY_RUNS,  MEDIA_STATE_PROCESSING, media_retry_runs  },
    { MEDIA_STATE_FAILED,     ON_INFECTED,    MEDIA_STATE_REFUSED,    media_refuse      },
    { MEDIA_STATE_REFUSED,    ON_RETRY_PROBE, MEDIA_STATE_PROBING,    media_ask_probe   },
    { MEDIA_STATE_REFUSED,    ON_RETRY_RUNS,  MEDIA_STATE_PROCESSING, media_retry_runs  },
    { 0 },
};

static const struct step release_steps[] = {
    /* in                      on          next                     do                */
    { RELEASE_STATE_DRAFT,     ON_DATE,    RELEASE_STATE_SCHEDULED, NULL              },
    { RELEASE_STATE_DRAFT,     ON_ALLOWED, RELEASE_STATE_PUBLISHED, release_publish   },
    { RELEASE_STATE_DRAFT,     ON_NO_DATE, RELEASE_STATE_DRAFT,     NULL              },
    { RELEASE_STATE_DRAFT,     ON_BARRED,  RELEASE_STATE_DRAFT,     NULL              },
    { RELEASE_STATE_SCHEDULED, ON_DATE,    RELEASE_STATE_SCHEDULED, NULL              },
    { RELEASE_STATE_SCHEDULED, ON_NO_DATE, RELEASE_STATE_DRAFT,     NULL              },
    { RELEASE_STATE_SCHEDULED, ON_ALLOWED, RELEASE_STATE_PUBLISHED, release_publish   },
    { RELEASE_STATE_SCHEDULED, ON_BARRED,  RELEASE_STATE_SCHEDULED, NULL              },
    { RELEASE_STATE_PUBLISHED, ON_DATE,    RELEASE_STATE_SCHEDULED, release_withdraw  },
    { RELEASE_STATE_PUBLISHED, ON_BARRED,  RELEASE_STATE_DRAFT,     release_withdraw  },
    { 0 },
};

static const struct step life_steps[] = {
    /* in                  on          next                 do              */
    { LIFE_STATE_LIVE,     ON_TRASH,   LIFE_STATE_TRASHED,  life_trash      },
    { LIFE_STATE_LIVE,     ON_DELETE,  LIFE_STATE_DELETING, life_delete     },
    { LIFE_STATE_TRASHED,  ON_RESTORE, LIFE_STATE_LIVE,     life_restore    },
    { LIFE_STATE_TRASHED,  ON_DELETE,  LIFE_STATE_DELETING, life_delete     },
    { 0 },
};

/* clang-format on */
static const struct step *const step_tables[STEP_COLUMNS] = {
    [STEP_UPLOAD] = upload_steps,
    [STEP_MEDIA] = media_steps,
    [STEP_RELEASE] = release_steps,
    [STEP_LIFE] = life_steps,
};

static int step_state(const struct video_row *row, enum step_column column)
{
    switch (column) {
    case STEP_UPLOAD: return row->upload;
    case STEP_MEDIA: return row->media;
    case STEP_RELEASE: return row->release;
    default: return row->life;
    }
}

static void step_enter(struct video_row *row, enum step_column column, int next, int64_t now)
{
    switch (column) {
    case STEP_UPLOAD:
        row->upload = next;
        row->upload_since = now;
        break;
    case STEP_MEDIA:
        row->media = next;
        row->media_since = now;
        break;
    case STEP_RELEASE:
        row->release = next;
        row->release_since = now;
        break;
    default: row->life = next; row->life_since = now;
    }
}

static const struct step *step_find(const struct video_row *row, enum step_column column, enum step_on on)
{
    int in = step_state(row, column);

    for (const struct step *s = step_tables[column]; s->in; s++)
        if (s->in == in && s->on == on)
            return s;
    return NULL;
}

bool step_is_known(const struct video_row *row, enum step_column column, enum step_on on)
{
    return step_find(row, column, on) != NULL;
}

int step_take(struct doing *d, enum step_column column, enum step_on on)
{
    const struct step *s = step_find(&d->row, column, on);

    if (!s) {
        turn_count(d->t, CATALOG_STEPS_REFUSED, 1);
        return ERR_CONFLICT;
    }
    if (s->next != s->in)
        step_enter(&d->row, column, s->next, turn_now(d->t));
    return s->perform ? s->perform(d) : 0;
}

const char *step_on_name(enum step_on on)
{
    static const char *const names[] = {
        [ON_OPENED] = "opened",         [ON_BYTES] = "bytes",
        [ON_ALL_BYTES] = "all_bytes",   [ON_IDLE] = "idle",
        [ON_DROPPED] = "dropped",       [ON_NOT_FETCHED] = "not_fetched",
        [ON_ENOUGH] = "enough",         [ON_NEED_MORE] = "need_more",
        [ON_PROBED] = "probed",         [ON_REFUSED] = "refused",
        [ON_PROBE_DEAD] = "probe_dead", [ON_PLAYABLE] = "playable",
        [ON_WRITTEN] = "written",       [ON_RUN_DEAD] = "run_dead",
        [ON_NO_BYTES] = "no_bytes",     [ON_RETRY_PROBE] = "retry_probe",
        [ON_RETRY_RUNS] = "retry_runs", [ON_INFECTED] = "infected",
        [ON_RECOVERED] = "recovered",   [ON_DATE] = "date",
        [ON_NO_DATE] = "no_date",       [ON_ALLOWED] = "allowed",
        [ON_BARRED] = "barred",         [ON_TRASH] = "trash",
        [ON_RESTORE] = "restore",       [ON_DELETE] = "delete",
    };

    return names[on];
}
