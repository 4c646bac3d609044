#include "actors/transcode/worker/warnings.h"

#include <stdarg.h>
#include <stdio.h>

void warnings_add(struct warnings *w, const char *format, ...)
{
    va_list args;

    if (w->n == WARNINGS_MOST)
        return;
    va_start(args, format);
    vsnprintf(w->words[w->n], WARNINGS_SIZE, format, args);
    va_end(args);
    w->all[w->n] = w->words[w->n];
    w->n++;
}
