/* sound - what must hold of the broker's state after every message, whoever said what: aborts when it does not.
 *
 * sound_now()        lists, counts and tables agree with each other
 * sound_committed()  the same when nothing is on its way to the disk: the counts are those of the store */
#pragma once

#include "broker/server/broker.h"

void sound_now(const struct broker *b);
void sound_committed(const struct broker *b);
