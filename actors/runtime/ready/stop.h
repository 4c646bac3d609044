/* stop - how a service is asked to end: SIGTERM or SIGINT, read from a descriptor in the loop where everything else is
 * waited for. SIGPIPE is ignored: a peer that hung up is an error of the write. */
#pragma once

/* Before any thread is begun, so that all of them have the signals blocked. A signalfd(2), non-blocking, the caller's to
 * close; -1 with errno set. */
int stop_signals(void);
