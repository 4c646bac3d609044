/* pack - structs to msgpack. */
#include <msgpack.h>
#include <string.h>

#include "schemas/wire/internal.h"

static int pack_write(void *to, const char *data, size_t len)
{
    buf_put(to, data, len);
    return 0;
}

static void pack_struct(msgpack_packer *p, const struct wire_type *type, const void *obj);

static void pack_value(msgpack_packer *p, const struct wire_field *f, const void *value)
{
    const struct bytes *bytes = value;
    const char *text;

    switch (f->kind) {
    case WIRE_BOOL:
        if (*(const bool *)value)
            msgpack_pack_true(p);
        else
            msgpack_pack_false(p);
        break;
    case WIRE_INT:
    case WIRE_TIME: msgpack_pack_int64(p, *(const int64_t *)value); break;
    case WIRE_UINT: msgpack_pack_uint64(p, *(const uint64_t *)value); break;
    case WIRE_FLOAT: msgpack_pack_double(p, *(const double *)value); break;
    case WIRE_ENUM: msgpack_pack_int(p, *(const int *)value); break;
    case WIRE_TEXT:
        text = *(const char *const *)value;
        msgpack_pack_str_with_body(p, text, strlen(text));
        break;
    case WIRE_BYTES: msgpack_pack_bin_with_body(p, bytes->data, bytes->len); break;
    case WIRE_ID: msgpack_pack_bin_with_body(p, value, sizeof(struct id)); break;
    case WIRE_STRUCT: pack_struct(p, f->type, value); break;
    }
}

static void pack_struct(msgpack_packer *p, const struct wire_type *type, const void *obj)
{
    size_t present = 0;

    for (size_t i = 0; i < type->fields_n; i++)
        present += !wire_absent(&type->fields[i], obj);
    msgpack_pack_map(p, present);
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];

        if (wire_absent(f, obj))
            continue;
        msgpack_pack_uint32(p, f->number);
        if (!(f->flags & WIRE_LIST)) {
            pack_value(p, f, wire_at_const(obj, f->offset));
            continue;
        }
        msgpack_pack_array(p, wire_count(f, obj));
        for (size_t k = 0; k < wire_count(f, obj); k++)
            pack_value(p, f, wire_item(f, obj, k));
    }
}

int wire_pack_err(const struct wire_type *type, const void *obj, struct buf *out, struct wire_error *err)
{
    msgpack_packer p;
    int r = wire_validate(type, obj, err);

    if (r < 0)
        return r;
    msgpack_packer_init(&p, out, pack_write);
    pack_struct(&p, type, obj);
    return 0;
}

int wire_pack(const struct wire_type *type, const void *obj, struct buf *out)
{
    return wire_pack_err(type, obj, out, NULL);
}
