/* Text from anywhere through the JSON reader; what is read is written and reads the same. */
#include <stdlib.h>

#include "gen/library.h"
#include "schemas/wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct wire_error err;
    struct item item, again;
    json_t *json, *written;

    if (wire_json_parse(bytes_of(data, size), 65536, &json, &err) == 0) {
        if (wire_from_json(&item_type, json, arena, &item, &err) == 0) {
            written = wire_to_json(&item_type, &item);
            if (wire_from_json(&item_type, written, arena, &again, &err) < 0)
                abort();
            json_decref(written);
        }
        json_decref(json);
    }
    arena_free(&arena);
    return 0;
}
