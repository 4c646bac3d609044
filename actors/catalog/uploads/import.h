/* import - originals that the fetcher gets from a URL, instead of a client that sends them.
 *
 * An import is an upload whose bytes the fetcher writes: it has the upload's object and capability, and reports as the front
 * does (report.c). Beside it stands where its bytes come from, as a row; the job that it runs under names its video and
 * nothing else, so that no URL lies in a queue. Of an account so many run at a time, the others wait for their turn. */
#pragma once

#include "actors/catalog/catalog.h"

/* What a URL must not be, as a sentence; NULL: nothing. Only its outside is looked at: the fetcher reads the rest. */
const char *import_url_wrong(const char *url);
/* The server, for people: nothing else of a URL is ever shown. */
const char *import_host(struct arena *arena, const char *url);

/* Whether this upload was one of an import that runs no more: nobody may go on with it. */
int import_is_over(struct turn *t, const struct upload *upload);

/* The video is put away: its import ends; what is durable stays. It is back, and saved: the import goes on there, and the
 * video in hand is as it is by then. */
int import_stop(struct doing *d);
int import_go_on(struct doing *d);
/* Its media was refused: the rest of the file is not wanted. Nothing to do for other uploads. */
int import_unwanted(struct doing *d);
/* Somebody tries a failed video again. 1: its import begins anew or goes on, and the video is saved and in hand as it is
 * by then; 0: it has none to try. */
int import_retry(struct doing *d);

/* The jobs are lost: those that run are put again. */
int import_ask_again(struct catalog *self, struct turn *t);

/* The row of a video; ERR_NOT_FOUND. */
int import_of(struct turn *t, struct id video, struct import_row *ret);
