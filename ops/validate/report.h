/* report - what was found, as text for a person or as JSON for a script. */
#pragma once

#include "ops/validate/check.h"

/* Writes to stdout; control characters that a stranger's playlist brought along become '?'. The number of musts that
 * are broken. */
unsigned report_print(const struct package *p, const struct check *checks, bool json);
