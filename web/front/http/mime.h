/* mime - content types by the end of a name. We say what a file is; nobody is to sniff it. */
#pragma once

#include <stdbool.h>

struct mime {
    const char *end; /* ".m3u8" */
    const char *type;
    bool text; /* worth gzip */
};

const struct mime *mime_of(const char *name); /* never NULL: application/octet-stream */
