/* ready - tells whoever started this process that it serves now: READY=1 to $NOTIFY_SOCKET, the protocol of
 * sd_notify(3), which systemd and our supervisor both listen to; nothing is told when nobody listens. What starting
 * alone needed is given back (slim.h). */
#pragma once

void ready_tell(void);
