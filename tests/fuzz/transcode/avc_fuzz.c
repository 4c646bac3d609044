/* The sequence parameter set of a stranger, as parent and worker read it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "actors/transcode/media/avc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct avc_picture picture;

    if (avc_read_sps(data, size, &picture) == 0 &&
        (!picture.width || !picture.height || picture.width > 8192 || picture.height > 8192))
        abort();
    return 0;
}
