/* upload_tus - /api/v1/uploads: tus 1.0.0 (http/tus.h says which extensions).
 *
 * A PATCH may be any size; HEAD tells the durable length. What was durable when a connection broke stays. The
 * answer to the PATCH that brings the last byte comes after the catalog has committed the end.
 * Upload-Metadata: filename, title, description, visibility, video_id and at are read; the rest is kept as
 * sent. */
#pragma once

#include "web/front/router.h"

void upload_tus_collection(struct exchange *x, const struct router_path *path); /* POST, OPTIONS */
void upload_tus_one(struct exchange *x, const struct router_path *path);        /* HEAD, PATCH, DELETE, OPTIONS */
