/* vtt - WebVTT as we write it, and the parent's own reading of what a worker wrote.
 *
 * A file is WEBVTT with an X-TIMESTAMP-MAP that maps nothing, then cues by time without a name: times with hours, `line:0`
 * where a cue stands at the top, lines of text. In the text <b>, <i>, <u> and their ends are the only tags, &amp;, &lt; and
 * &gt; the only escapes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"

#define VTT_MOST         (4 << 20) /* bytes of a file */
#define VTT_CUE_OVERHEAD 50        /* bytes of a cue beyond its text, at most */
#define VTT_LATEST_MS    (13ll * 3600 * 1000)

void vtt_begin(struct buf *out);

/* Times in ms; the text as above, without an empty line. */
void vtt_cue(struct buf *out, int64_t from, int64_t to, bool top, const char *text);

/* Nothing but what the two above write. 0 with the number of cues, or -1 with a sentence in why. */
int vtt_check(struct bytes file, uint32_t *ret_cues, const char **why);
