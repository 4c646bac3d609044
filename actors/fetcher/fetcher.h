/* fetcher - outgoing HTTP and mail, and what a virus scanner is asked, as jobs; the only program besides the blob backends that
 * links libcurl.
 *
 * Takes      fetcher.send_mail, fetcher.import, fetcher.scan_original       (schemas/fetcher.toml)
 * Keeps      nothing: a job is leased until the mail server has taken the mail, or the file is stored, and tried again when
 *            that failed. What came of a file lies in the growing object of its upload, up to its durable frontier: whoever
 *            has the job next goes on there. The catalog says what to fetch, to whoever has the job, and is told of each step
 * Repeats    a mail when it is killed between the server's answer and its own: the Message-ID and every byte are the same, so
 *            that receivers can drop the second copy
 * Asks       clamd (catalog.clamd) of originals that are complete: their bytes go from the store to its socket, and nothing here
 *            looks into them. It is another program: its answer is held to a bound and read strictly (clamd.h)
 * Refuses    addresses and headers that are not what they should be, for good; without fetcher.smtp_url every mail; URLs that
 *            lead to private, local or reserved networks, or to this host (guard.h)
 * Weak spot  as many transfers at a time as fetcher.imports says, as many mails and as many scans: a slow mail server delays
 *            all mail. A scan that is under way is not cancelled: its video may be gone when it ends */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def fetcher_actor;
