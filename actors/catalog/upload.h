/* upload - what its four files share: opening uploads (upload.c), room for them (room.c), what the front reports of
 * them (report.c), and their end (forget.c). */
#pragma once

#include "actors/catalog/catalog.h"

enum { UPLOAD_CAPABILITY = 32 };

/* A whole upload, or one that says where it belongs, is a part of its original from the start. */
bool upload_is_part(const struct upload *upload);
int upload_put_part(struct turn *t, const struct upload *upload);

/* The video it is of, in hand; one without an id when it has none yet. */
int upload_load_video(struct catalog *self, struct turn *t, const struct upload *upload, struct doing *ret);

/* After the commit its object, of which all bytes are there, is sealed. */
int upload_ask_seal(struct catalog *self, struct turn *t, const struct upload *upload);

/* room.c. Counts what an owner asks room for; bytes may be negative. ERR_QUOTA_EXCEEDED. */
int room_charge(struct turn *t, struct id owner, int64_t bytes);
/* Whether the disk has room for so many bytes beside what is promised already. ERR_STORE_FULL. */
int room_reserve(struct catalog *self, struct turn *t, uint64_t bytes);
/* Both, for bytes that lie on the disk already: those of an upload without a declared length. */
int room_grow(struct catalog *self, struct turn *t, struct id owner, uint64_t bytes);
