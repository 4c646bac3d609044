/* notes - the notifications of a person: made, counted, listed, read. */
#pragma once

#include "actors/notify/actor.h"

/* Keeps it, lets the oldest go where there are too many, and announces it. title and body are filled in
 * already. */
int notes_tell(struct turn *t, struct note *note);
