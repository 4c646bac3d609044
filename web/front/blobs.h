/* blobs - /blobs/{right}/{name}: objects of the store for processes on hosts that do not see its disk (data/blobs/http.h is
 * the other end).
 *
 * GET and HEAD read, one range at most; of an object that grows what is durable; beyond that the answer is 503
 * with Blob-Growing and the frontier as Blob-Size, and 416 at the end of what grows no more. PUT puts what was not there: its length and BLAKE2b-256 (Blob-Hash) are told first, and
 * what does not fit them leaves nothing; where the name is taken the answer is 409 with the Blob-Size and Blob-Hash of what
 * lies there.
 *
 * Trusts     the right in the address once its MAC fits the name's folder (actors/runtime/blob_right), and nothing else; it
 *            stands in no log and in no problem document
 * When busy  503 above front.blobs
 * Weak spot  whoever listens on the network between has the right too, until it ends: https or a network that is trusted */
#pragma once

#include "web/front/router.h"

void blobs_serve(struct exchange *x, const struct router_path *path);
