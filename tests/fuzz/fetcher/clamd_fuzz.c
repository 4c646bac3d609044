/* What answers where clamd should, and the name of that place. What is accepted must make sense, and can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/fetcher/clamd.h"

static void check_answer(const uint8_t *data, size_t size)
{
    struct clamd_answer answer;
    int r = clamd_answer_read(data, size, &answer);

    if (strlen(answer.words) >= CLAMD_WORDS || (r == 0 && (answer.verdict == CLAMD_OK) != (*answer.words == 0)))
        abort();
    for (const char *p = answer.words; *p; p++)
        if (*p < ' ' || *p > '~')
            abort();
}

static void check_place(const uint8_t *data, size_t size)
{
    struct clamd_place place;
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = 0;
    if (clamd_place_read(text, &place) == 0 && (place.is_tcp ? !*place.host || !*place.port : *place.path != '/'))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        check_answer(data, size);
    check_place(data, size);
    return 0;
}
