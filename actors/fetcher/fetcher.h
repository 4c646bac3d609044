/* fetcher - outgoing mail, as jobs; the only program besides the blob backends that links libcurl.
 *
 * Takes      fetcher.send_mail                                              (schemas/fetcher.toml)
 * Keeps      nothing: a job is leased until the mail server has taken the mail, and tried again when it did
 * not Repeats    a mail when it is killed between the server's answer and its own: the Message-ID and every
 * byte are the
 *            same, so that receivers can drop the second copy
 * Refuses    addresses and headers that are not what they should be, for good; without fetcher.smtp_url
 * every mail Weak spot  one try at a time (fetcher.jobs, fetcher.pool_threads): a slow mail server delays
 * all mail */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def fetcher_actor;
