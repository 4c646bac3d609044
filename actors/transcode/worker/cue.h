/* cue - what a subtitle decoder made, which is always an event of Advanced SubStation Alpha, as the text of a WebVTT cue.
 *
 * Kept are words, lines, bold, italic and underline, and that a cue stands at the top. Places, colours, fonts, effects and
 * drawings are not. What comes out is well-formed UTF-8 without an empty line, in which <, > and & are escaped. */
#pragma once

#include <stdbool.h>

#include "schemas/wire/buf.h"

#define CUE_TEXT_MOST 4000 /* bytes */

/* Appends the text of an event ("ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text"); nothing when it has no
 * word. *ret_top: it stands at the top. */
void cue_text(const char *event, struct buf *out, bool *ret_top);
