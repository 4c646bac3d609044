#include "actors/transcode/media/cmaf.h"

#include <string.h>

#define SYNC_SAMPLE  0x02000000u /* depends on no other */
#define OTHER_SAMPLE 0x01010000u /* depends on others, is not a sync sample */

static void put_u8(struct buf *b, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    buf_put(b, &byte, 1);
}

static void put_zeros(struct buf *b, size_t n)
{
    memset(buf_room(b, n), 0, n);
    b->len += n;
}

/* Opens a box and returns its place; box_end writes the size there. */
static size_t box(struct buf *b, const char *type)
{
    size_t at = b->len;

    buf_put_u32(b, 0);
    buf_put(b, type, 4);
    return at;
}

static size_t full_box(struct buf *b, const char *type, unsigned version, uint32_t flags)
{
    size_t at = box(b, type);

    buf_put_u32(b, version << 24 | flags);
    return at;
}

static void set_u32(struct buf *b, size_t at, uint32_t value)
{
    uint8_t raw[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };

    memcpy(b->data + at, raw, 4);
}

static void box_end(struct buf *b, size_t at)
{
    set_u32(b, at, (uint32_t)(b->len - at));
}

static void put_matrix(struct buf *b)
{
    static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

    for (size_t i = 0; i < 9; i++)
        buf_put_u32(b, unity[i]);
}

static void put_ftyp(struct buf *b)
{
    size_t at = box(b, "ftyp");

    buf_put(b, "iso6\0\0\0\0iso6cmfccmf2mp41", 24);
    box_end(b, at);
}

static void put_mvhd(struct buf *b)
{
    size_t at = full_box(b, "mvhd", 0, 0);

    put_zeros(b, 8);
    buf_put_u32(b, 1000);
    buf_put_u32(b, 0);
    buf_put_u32(b, 0x10000);
    buf_put_u16(b, 0x100);
    put_zeros(b, 10);
    put_matrix(b);
    put_zeros(b, 24);
    buf_put_u32(b, 2); /* next track */
    box_end(b, at);
}

static void put_tkhd(struct buf *b, const struct cmaf_track *t)
{
    size_t at = full_box(b, "tkhd", 0, 3 /* enabled, in movie */);

    put_zeros(b, 8);
    buf_put_u32(b, 1);
    put_zeros(b, 4 + 4 + 8 + 2 + 2);
    buf_put_u16(b, t->video ? 0 : 0x100);
    buf_put_u16(b, 0);
    put_matrix(b);
    buf_put_u32(b, t->video ? t->width << 16 : 0);
    buf_put_u32(b, t->video ? t->height << 16 : 0);
    box_end(b, at);
}

static void put_mdhd_hdlr(struct buf *b, const struct cmaf_track *t)
{
    size_t at = full_box(b, "mdhd", 0, 0);

    put_zeros(b, 8);
    buf_put_u32(b, t->timescale);
    buf_put_u32(b, 0);
    buf_put_u16(b, 0x55c4); /* und: playlists tell the language */
    buf_put_u16(b, 0);
    box_end(b, at);
    at = full_box(b, "hdlr", 0, 0);
    buf_put_u32(b, 0);
    buf_put(b, t->video ? "vide" : "soun", 4);
    put_zeros(b, 12);
    put_u8(b, 0);
    box_end(b, at);
}

static bool put_picture(struct buf *b, const struct cmaf_track *t)
{
    const struct coding *coding = coding_of(t->codec);
    size_t entry = box(b, coding->entry), at;

    put_zeros(b, 6);
    buf_put_u16(b, 1);
    put_zeros(b, 16);
    buf_put_u16(b, (uint16_t)t->width);
    buf_put_u16(b, (uint16_t)t->height);
    buf_put_u32(b, 0x480000);
    buf_put_u32(b, 0x480000);
    buf_put_u32(b, 0);
    buf_put_u16(b, 1);
    put_zeros(b, 32);
    buf_put_u16(b, 0x18);
    buf_put_u16(b, 0xffff);
    at = box(b, coding->record);
    if (!coding->put_record(bytes_of(t->config, t->config_len), b))
        return false;
    box_end(b, at);
    at = box(b, "colr");
    buf_put(b, "nclx\0\1\0\1\0\1\0", 11); /* BT.709 throughout, limited range */
    box_end(b, at);
    at = box(b, "pasp");
    buf_put_u32(b, 1);
    buf_put_u32(b, 1);
    box_end(b, at);
    box_end(b, entry);
    return true;
}

static void put_descriptor(struct buf *b, unsigned tag, size_t len)
{
    put_u8(b, tag);
    put_u8(b, (unsigned)len); /* all of ours are shorter than 128 */
}

static bool put_mp4a(struct buf *b, const struct cmaf_track *t)
{
    size_t entry = box(b, "mp4a"), at;

    if (t->config_len < 2 || t->config_len > 64)
        return false;
    put_zeros(b, 6);
    buf_put_u16(b, 1);
    put_zeros(b, 8);
    buf_put_u16(b, (uint16_t)t->channels);
    buf_put_u16(b, 16);
    put_zeros(b, 4);
    buf_put_u32(b, t->timescale << 16);
    at = full_box(b, "esds", 0, 0);
    put_descriptor(b, 3, 3 + 2 + 13 + 2 + t->config_len + 3);
    buf_put_u16(b, 1);
    put_u8(b, 0);
    put_descriptor(b, 4, 13 + 2 + t->config_len);
    put_u8(b, 0x40); /* AAC */
    put_u8(b, 0x15); /* audio stream */
    put_zeros(b, 3);
    buf_put_u32(b, 0);
    buf_put_u32(b, t->average_bps);
    put_descriptor(b, 5, t->config_len);
    buf_put(b, t->config, t->config_len);
    put_descriptor(b, 6, 1);
    put_u8(b, 2);
    box_end(b, at);
    box_end(b, entry);
    return true;
}

static bool put_stbl(struct buf *b, const struct cmaf_track *t)
{
    static const char empty[][5] = { "stts", "stsc", "stco" };
    size_t stbl = box(b, "stbl"), at = full_box(b, "stsd", 0, 0);

    buf_put_u32(b, 1);
    if (!(t->video ? put_picture(b, t) : put_mp4a(b, t)))
        return false;
    box_end(b, at);
    for (size_t i = 0; i < 3; i++) {
        at = full_box(b, empty[i], 0, 0);
        buf_put_u32(b, 0);
        box_end(b, at);
    }
    at = full_box(b, "stsz", 0, 0);
    put_zeros(b, 8);
    box_end(b, at);
    box_end(b, stbl);
    return true;
}

static bool put_minf(struct buf *b, const struct cmaf_track *t)
{
    size_t minf = box(b, "minf"), dinf, dref, at;

    at = full_box(b, t->video ? "vmhd" : "smhd", 0, t->video ? 1 : 0);
    put_zeros(b, t->video ? 8 : 4);
    box_end(b, at);
    dinf = box(b, "dinf");
    dref = full_box(b, "dref", 0, 0);
    buf_put_u32(b, 1);
    at = full_box(b, "url ", 0, 1 /* in this file */);
    box_end(b, at);
    box_end(b, dref);
    box_end(b, dinf);
    if (!put_stbl(b, t))
        return false;
    box_end(b, minf);
    return true;
}

int cmaf_init(const struct cmaf_track *t, struct buf *b)
{
    size_t moov, trak, mdia, mvex, at;

    put_ftyp(b);
    moov = box(b, "moov");
    put_mvhd(b);
    trak = box(b, "trak");
    put_tkhd(b, t);
    mdia = box(b, "mdia");
    put_mdhd_hdlr(b, t);
    if (!put_minf(b, t))
        return -1;
    box_end(b, mdia);
    box_end(b, trak);
    mvex = box(b, "mvex");
    at = full_box(b, "trex", 0, 0);
    buf_put_u32(b, 1);
    buf_put_u32(b, 1);
    buf_put_u32(b, t->sample_duration);
    put_zeros(b, 4);
    buf_put_u32(b, t->video ? OTHER_SAMPLE : SYNC_SAMPLE);
    box_end(b, at);
    box_end(b, mvex);
    box_end(b, moov);
    return 0;
}

static void put_tfhd_tfdt(struct buf *b, const struct cmaf_track *t, uint64_t time)
{
    size_t at = full_box(b, "tfhd", 0, 0x20028 /* base is moof, default duration and flags */);

    buf_put_u32(b, 1);
    buf_put_u32(b, t->sample_duration);
    buf_put_u32(b, t->video ? OTHER_SAMPLE : SYNC_SAMPLE);
    box_end(b, at);
    at = full_box(b, "tfdt", 1, 0);
    buf_put_u64(b, time);
    box_end(b, at);
}

void cmaf_fragment(const struct cmaf_track *t, uint32_t sequence, uint64_t time, const struct cmaf_sample *samples,
                   size_t n, struct buf *b)
{
    uint32_t fields = t->video ? 0xa05u /* offset, first flags, sizes, composition */ : 0x201u;
    size_t moof = box(b, "moof"), traf, at, offset_at;

    at = full_box(b, "mfhd", 0, 0);
    buf_put_u32(b, sequence);
    box_end(b, at);
    traf = box(b, "traf");
    put_tfhd_tfdt(b, t, time);
    at = full_box(b, "trun", 1, fields);
    buf_put_u32(b, (uint32_t)n);
    offset_at = b->len;
    buf_put_u32(b, 0);
    if (t->video)
        buf_put_u32(b, samples[0].sync ? SYNC_SAMPLE : OTHER_SAMPLE);
    for (size_t i = 0; i < n; i++) {
        buf_put_u32(b, (uint32_t)samples[i].len);
        if (t->video)
            buf_put_u32(b, (uint32_t)samples[i].offset);
    }
    box_end(b, at);
    box_end(b, traf);
    box_end(b, moof);
    set_u32(b, offset_at, (uint32_t)(b->len - moof + 8));
    at = box(b, "mdat");
    for (size_t i = 0; i < n; i++)
        buf_put(b, samples[i].data, samples[i].len);
    box_end(b, at);
}
