/* sender - see sender.h */
#include "tests/actor/catalog/sender.h"

struct upload open_upload(struct fake *f, struct create_upload ask)
{
    struct upload upload = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &upload), 0);
    return upload;
}

int advance(struct fake *f, const struct upload *upload, uint64_t offset)
{
    struct upload_advanced ask = { .id = upload->id, .capability = upload->capability, .offset = offset };

    return FAKE_CALL(f, catalog_upload_advanced, &ask);
}

/* As the front does when the last byte is durable. */
int complete(struct fake *f, const struct upload *upload, uint64_t length)
{
    struct upload_complete ask = { .id = upload->id, .capability = upload->capability, .length = length };
    struct video video = { 0 };

    return upload->partial ? advance(f, upload, length) : FAKE_CALL(f, catalog_upload_complete, &ask, &video);
}

/* What the front would have written, up to a durable frontier. */
void write_bytes(struct fake *f, const struct upload *upload, size_t len)
{
    static const char zeros[4096];
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->self.blobs, upload->blob, &grow, &frontier), 0);
    while (frontier < len) {
        size_t n = len - frontier < sizeof(zeros) ? len - frontier : sizeof(zeros);

        assert_int_equal(blob_grow_append(grow, zeros, n), 0);
        assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    }
    blob_grow_close(&grow);
}

bool object_is_there(struct fake *f, const struct upload *upload)
{
    struct blob_info info;

    return blob_stat(f->self.blobs, upload->blob, &info) == 0;
}
