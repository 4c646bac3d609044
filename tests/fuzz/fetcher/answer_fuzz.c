/* The header of a stranger's answer, line by line, and what its file is called. What is accepted must make sense. */
#include <stdlib.h>
#include <string.h>

#include "actors/fetcher/answer.h"

static void check_name(const char *name)
{
    if (strlen(name) >= NAMING_SIZE || strpbrk(name, "/\\\r\n\t"))
        abort();
}

static void check(const struct answer *a)
{
    if ((a->has_range && (a->until <= a->from || (a->has_total && a->until > a->total))) || a->status > 999)
        abort();
    check_name(a->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer a = { .status = 0 };
    char *text = malloc(size + 1), name[NAMING_SIZE];
    int r = 0;

    memcpy(text, data, size);
    text[size] = 0;
    naming_of_url(text, name);
    check_name(name);
    for (size_t at = 0; r == 0 && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t len = end ? (size_t)(end - text) + 1 - at : size - at;

        r = answer_line(&a, text + at, len);
        at += len;
    }
    if (r == 0)
        check(&a);
    free(text);
    return 0;
}
