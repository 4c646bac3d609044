/* The reader of an S3 store's answers: what is told must hold together. */
#include <assert.h>
#include <stdint.h>

#include "data/blobs/s3_xml.h"
#include "gen/errors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *ctx, const char *path, const char *text)
{
    size_t *told = ctx;

    assert(*path && *path != '/' && strlen(path) < S3_XML_PATH && strlen(text) < S3_XML_TEXT);
    assert(!strchr(path, '<') && !strchr(path, '>') && path[strlen(path) - 1] != '/');
    return ++*told == 1000 ? 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t told = 0;
    int r = s3_xml_walk(bytes_of(data, size), hear, &told);

    assert(r == ERR_MALFORMED || (r == 0 && told > 0) || (r == 1 && told == 1000));
    assert(told <= size);
    return 0;
}
