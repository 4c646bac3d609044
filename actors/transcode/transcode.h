/* transcode - probes originals and encodes runs of them, each in a worker of its own; keeps nothing.
 * Takes      probe, encode_run                                   (schemas/transcode.toml)
 * Asks       catalog.lend, where it does not see the disk (transcode.blobs): the rights of each job to the blobs, which it
 *            then has by a front
 * Announces  probe_done, run_done by ending the job; the broker announces probe_dead, run_dead
 * Sets       run_progress, twice a second while a run is at work
 * Trusts     the jobs; nothing that a worker says (attend.h)
 * When busy  takes no more jobs than transcode.runs, of each queue; of urgent ones transcode.spare more
 * Weak spot  what a worker had encoded when its process dies, beyond the segments already in the store, is lost work */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def transcode_actor;
