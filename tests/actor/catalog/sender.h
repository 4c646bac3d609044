/* sender - a client that sends a file, and the front that writes it down and reports. */
#pragma once

#include "tests/actor/catalog/studio.h"

struct upload open_upload(struct fake *f, struct create_upload ask);
int advance(struct fake *f, const struct upload *upload, uint64_t offset);
/* As the front does when the last byte is durable. */
int complete(struct fake *f, const struct upload *upload, uint64_t length);
/* What the front would have written, up to a durable frontier. */
void write_bytes(struct fake *f, const struct upload *upload, size_t len);
bool object_is_there(struct fake *f, const struct upload *upload);
