/* upload_form - POST /api/v1/videos/upload: a whole video in one multipart form, for scripts and curl.
 *
 *     curl -H "Authorization: Bearer $T" -F title="A film" -F visibility=public -F file=@film.mkv
 *     .../videos/upload
 *
 * Fields first, then the file: title, description, visibility. The file is streamed as it comes, like any
 * upload, and can be watched while it does; the answer is 202 with the video, after its end was committed. */
#pragma once

#include "web/front/router.h"

void upload_form_serve(struct exchange *x, const struct router_path *path);
