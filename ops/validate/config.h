/* config - decoder configuration records, into the track they belong to: the name that CODECS must have, and what the
 * rules compare with it. */
#pragma once

#include "data/isobmff/box.h"
#include "ops/validate/track.h"

void config_avc(struct track *track, struct box_cursor c);
void config_hevc(struct track *track, struct box_cursor c);
void config_av1(struct track *track, struct box_cursor c);
void config_vp9(struct track *track, struct box_cursor c);
void config_aac(struct track *track, struct box_cursor c); /* the body of an esds box */
