/* detail - one object of an answer, member by member: figures with their units, histograms on a line, lists as tables. */
#pragma once

#include <jansson.h>

#include "ops/cli/command.h"

void detail_print(const struct cli *cli, const json_t *object);
