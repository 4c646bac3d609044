/* page - the web app's files, from one folder, and its index.html for every address that the app routes
 * itself.
 *
 * Files under assets/ carry a hash of their bytes in their names and are immutable; the rest is asked for
 * each time. Names are resolved beneath the folder, symbolic links refused, files beginning with a dot not
 * served. */
#pragma once

#include "web/front/exchange.h"

void page_serve(struct exchange *x);
