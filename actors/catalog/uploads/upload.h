/* upload - what its files share: opening uploads (upload.c), room for them (room.c), what the front and the fetcher report
 * of them (report.c), those that no front sees (direct.c), and their end (forget.c). */
#pragma once

#include "actors/catalog/catalog.h"

enum { UPLOAD_CAPABILITY = 32 };

/* A whole upload, or one that says where it belongs, is a part of its original from the start. */
bool upload_is_part(const struct upload *upload);
int upload_put_part(struct turn *t, const struct upload *upload);

/* For a video that exists or a new one; room was asked for. What stands in *upload of its part_size and place is kept. */
int upload_create(struct catalog *self, struct turn *t, const struct create_upload *ask, struct upload *upload);
/* Its row, its object's name and its place in the video in hand, which is saved. */
int upload_open(struct doing *d, const struct create_upload *ask, struct id owner, struct upload *upload);
/* What a file is called, without the folders before it and the ending behind; at most as long as a title. */
const char *upload_title(struct turn *t, const char *filename);
/* A length told late: the rest is asked room for, beyond what is durable. */
int upload_set_length(struct doing *d, struct upload *upload, uint64_t length, uint64_t durable);

/* The video it is of, in hand; one without an id when it has none yet. */
int upload_load_video(struct catalog *self, struct turn *t, const struct upload *upload, struct doing *ret);

/* After the commit its object, of which all bytes are there, is sealed where it has grown, and its sum is made. */
int upload_ask_seal(struct catalog *self, struct turn *t, const struct upload *upload);

/* room.c. Counts what an owner asks room for; bytes may be negative. ERR_QUOTA_EXCEEDED. */
int room_charge(struct turn *t, struct id owner, int64_t bytes);
/* Whether the disk has room for so many bytes beside what is promised already. ERR_STORE_FULL. */
int room_reserve(struct catalog *self, struct turn *t, uint64_t bytes);
/* Both, for bytes that lie on the disk already: those of an upload without a declared length. */
int room_grow(struct catalog *self, struct turn *t, struct id owner, uint64_t bytes);
