/* mp4 - see mp4.h */
#include "data/isobmff/mp4.h"

#include <stdlib.h>
#include <string.h>

#include "data/isobmff/box.h"

enum {
    MP4_MOVIE_SCALE = 1000,
    MP4_HEAD = 8 + 16 + 8 + 24 + 20 + 20 + 8, /* moof, mfhd, traf, tfhd, tfdt, trun without its samples, mdat */
    MP4_SAMPLE_SOUND = 4,                     /* of a trun: the size */
    MP4_SAMPLE_PICTURE = 8,                   /* size and offset of presentation */
    MP4_FIRST_FLAGS = 4,                      /* of a trun of pictures */
    MP4_SAMPLES_MOST = 1 << 28,               /* so that moov stays below 4 GiB */
};

/* Where a part begins; it ends where the next one does. Of text, what is its place among all text; of others, the row. */
struct mp4_piece {
    uint64_t at;
    uint32_t number;
    uint8_t source, track;
};

struct mp4_in {
    bool video;
    uint32_t timescale, duration; /* of a sample */
    uint32_t size[2];             /* as tkhd has them */
    struct bytes stsd, table;
    uint32_t rows;
    uint64_t samples;
};

struct mp4 {
    struct mp4_in in[MP4_TRACKS];
    size_t in_n;
    struct buf text;
    struct mp4_piece *pieces;
    size_t pieces_n, pieces_room;
    uint64_t made; /* bytes that are no text */
};

void mp4_put_row(struct buf *table, const struct mp4_fragment *fragment)
{
    buf_put_u32(table, fragment->segment);
    buf_put_u32(table, fragment->offset);
    buf_put_u32(table, fragment->bytes);
    buf_put_u32(table, fragment->samples);
}

static struct mp4_fragment mp4_row(const struct mp4_in *in, uint32_t row)
{
    struct box_cursor c = box_cursor_of(
        bytes_of((const uint8_t *)in->table.data + (size_t)row * MP4_ROW, MP4_ROW));
    struct mp4_fragment fragment = { .segment = (uint32_t)box_take(&c, 4) };

    fragment.offset = (uint32_t)box_take(&c, 4);
    fragment.bytes = (uint32_t)box_take(&c, 4);
    fragment.samples = (uint32_t)box_take(&c, 4);
    return fragment;
}

static uint64_t mp4_head(const struct mp4_in *in, const struct mp4_fragment *fragment)
{
    return MP4_HEAD + (in->video ? MP4_FIRST_FLAGS : 0) +
           (uint64_t)fragment->samples * (in->video ? MP4_SAMPLE_PICTURE : MP4_SAMPLE_SOUND);
}

/* ---- what the inits and the tables say */

/* The box at the end of a way through others: "moov/trak/mdia/mdhd". */
static bool mp4_find(struct bytes init, const char *way, struct box *ret)
{
    struct box_cursor c = box_cursor_of(init);

    for (;; way += 5) {
        if (!box_find(c, way, ret))
            return false;
        c = ret->body;
        if (!way[4])
            return true;
    }
}

static bool mp4_read_init(struct bytes init, struct mp4_in *in)
{
    struct box tkhd, mdhd, hdlr, stsd, trex;

    if (!mp4_find(init, "moov/trak/tkhd", &tkhd) || !mp4_find(init, "moov/trak/mdia/mdhd", &mdhd) ||
        !mp4_find(init, "moov/trak/mdia/hdlr", &hdlr) || !mp4_find(init, "moov/mvex/trex", &trex) ||
        !mp4_find(init, "moov/trak/mdia/minf/stbl/stsd", &stsd))
        return false;
    box_skip(&tkhd.body, 76);
    in->size[0] = (uint32_t)box_take(&tkhd.body, 4);
    in->size[1] = (uint32_t)box_take(&tkhd.body, 4);
    box_expect(&mdhd.body, 4, 0);
    box_skip(&mdhd.body, 8);
    in->timescale = (uint32_t)box_take(&mdhd.body, 4);
    box_skip(&hdlr.body, 8);
    in->video = box_take(&hdlr.body, 4) == 0x76696465; /* "vide" */
    box_skip(&trex.body, 12);
    in->duration = (uint32_t)box_take(&trex.body, 4);
    in->stsd = bytes_of(stsd.start, (size_t)(stsd.body.end - stsd.start));
    return !tkhd.body.bad && !mdhd.body.bad && !hdlr.body.bad && !trex.body.bad && in->timescale && in->duration;
}

static bool mp4_read_table(struct bytes table, struct mp4_in *in)
{
    in->table = table;
    in->rows = (uint32_t)(table.len / MP4_ROW);
    for (uint32_t i = 0; i < in->rows; i++) {
        struct mp4_fragment fragment = mp4_row(in, i);

        if (!fragment.samples || fragment.bytes <= mp4_head(in, &fragment))
            return false;
        in->samples += fragment.samples;
    }
    return in->rows && table.len == (size_t)in->rows * MP4_ROW && in->samples <= MP4_SAMPLES_MOST;
}

/* ---- the file as a list of parts */

static void mp4_piece(struct mp4 *m, enum mp4_source source, size_t track, uint32_t number)
{
    if (m->pieces_n == m->pieces_room) {
        m->pieces_room = m->pieces_room ? 2 * m->pieces_room : 256;
        m->pieces = realloc(m->pieces, m->pieces_room * sizeof(*m->pieces));
        if (!m->pieces)
            abort();
    }
    m->pieces[m->pieces_n++] = (struct mp4_piece) { m->text.len + m->made, number, (uint8_t)source,
                                                    (uint8_t)track };
}

/* Text follows what was made. */
static void mp4_text(struct mp4 *m)
{
    mp4_piece(m, MP4_TEXT, 0, (uint32_t)m->text.len);
}

/* A stretch for each fragment, each so many bytes a sample. */
static void mp4_stretches(struct mp4 *m, size_t track, enum mp4_source source, unsigned bytes)
{
    const struct mp4_in *in = &m->in[track];

    for (uint32_t i = 0; i < in->rows; i++) {
        mp4_piece(m, source, track, i);
        m->made += (uint64_t)mp4_row(in, i).samples * bytes;
    }
    mp4_text(m);
}

/* ---- boxes: their sizes count what lies between their text, too */

struct mp4_box {
    size_t text;
    uint64_t at;
};

static struct mp4_box mp4_begin(struct mp4 *m, const char *type)
{
    struct mp4_box box = { m->text.len, m->text.len + m->made };

    buf_put_u32(&m->text, 0);
    buf_put(&m->text, type, 4);
    return box;
}

static struct mp4_box mp4_begin_full(struct mp4 *m, const char *type, uint32_t version_flags)
{
    struct mp4_box box = mp4_begin(m, type);

    buf_put_u32(&m->text, version_flags);
    return box;
}

static void mp4_set(struct mp4 *m, size_t text, uint64_t value, unsigned bytes)
{
    while (bytes--) {
        m->text.data[text + bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static void mp4_end(struct mp4 *m, struct mp4_box box)
{
    mp4_set(m, box.text, m->text.len + m->made - box.at, 4);
}

static void mp4_zeros(struct mp4 *m, size_t n)
{
    memset(buf_room(&m->text, n), 0, n);
    m->text.len += n;
}

static void mp4_matrix(struct mp4 *m)
{
    static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

    for (size_t i = 0; i < 9; i++)
        buf_put_u32(&m->text, unity[i]);
}

/* ---- moov */

static uint64_t mp4_ticks(const struct mp4_in *in)
{
    return in->samples * in->duration;
}

static uint64_t mp4_movie_ticks(const struct mp4_in *in)
{
    return mp4_ticks(in) * MP4_MOVIE_SCALE / in->timescale;
}

static void mp4_mvhd(struct mp4 *m)
{
    struct mp4_box box = mp4_begin_full(m, "mvhd", 1u << 24);
    uint64_t longest = 0;

    for (size_t i = 0; i < m->in_n; i++)
        longest = mp4_movie_ticks(&m->in[i]) > longest ? mp4_movie_ticks(&m->in[i]) : longest;
    mp4_zeros(m, 16);
    buf_put_u32(&m->text, MP4_MOVIE_SCALE);
    buf_put_u64(&m->text, longest);
    buf_put_u32(&m->text, 0x10000);
    buf_put_u16(&m->text, 0x100);
    mp4_zeros(m, 10);
    mp4_matrix(m);
    mp4_zeros(m, 24);
    buf_put_u32(&m->text, (uint32_t)m->in_n + 1);
    mp4_end(m, box);
}

static void mp4_tkhd(struct mp4 *m, size_t track)
{
    const struct mp4_in *in = &m->in[track];
    struct mp4_box box = mp4_begin_full(m, "tkhd", 1u << 24 | 3 /* enabled, in movie */);

    mp4_zeros(m, 16);
    buf_put_u32(&m->text, (uint32_t)track + 1);
    mp4_zeros(m, 4);
    buf_put_u64(&m->text, mp4_movie_ticks(in));
    mp4_zeros(m, 12);
    buf_put_u16(&m->text, in->video ? 0 : 0x100);
    mp4_zeros(m, 2);
    mp4_matrix(m);
    buf_put_u32(&m->text, in->size[0]);
    buf_put_u32(&m->text, in->size[1]);
    mp4_end(m, box);
}

static void mp4_mdhd_hdlr(struct mp4 *m, const struct mp4_in *in)
{
    struct mp4_box box = mp4_begin_full(m, "mdhd", 1u << 24);

    mp4_zeros(m, 16);
    buf_put_u32(&m->text, in->timescale);
    buf_put_u64(&m->text, mp4_ticks(in));
    buf_put_u16(&m->text, 0x55c4); /* und */
    mp4_zeros(m, 2);
    mp4_end(m, box);
    box = mp4_begin_full(m, "hdlr", 0);
    mp4_zeros(m, 4);
    buf_put(&m->text, in->video ? "vide" : "soun", 4);
    mp4_zeros(m, 13);
    mp4_end(m, box);
}

static void mp4_stts(struct mp4 *m, const struct mp4_in *in)
{
    struct mp4_box box = mp4_begin_full(m, "stts", 0);

    buf_put_u32(&m->text, 1);
    buf_put_u32(&m->text, (uint32_t)in->samples);
    buf_put_u32(&m->text, in->duration);
    mp4_end(m, box);
}

static void mp4_ctts(struct mp4 *m, size_t track)
{
    struct mp4_box box = mp4_begin_full(m, "ctts", 1u << 24);

    buf_put_u32(&m->text, (uint32_t)m->in[track].samples);
    mp4_stretches(m, track, MP4_OFFSETS, 8);
    mp4_end(m, box);
}

/* A fragment of pictures begins with one that depends on no other. */
static void mp4_stss(struct mp4 *m, const struct mp4_in *in)
{
    struct mp4_box box = mp4_begin_full(m, "stss", 0);
    uint32_t sample = 1;

    buf_put_u32(&m->text, in->rows);
    for (uint32_t i = 0; i < in->rows; i++) {
        buf_put_u32(&m->text, sample);
        sample += mp4_row(in, i).samples;
    }
    mp4_end(m, box);
}

/* A chunk for each fragment; a row where their length changes. */
static void mp4_stsc(struct mp4 *m, const struct mp4_in *in)
{
    struct mp4_box box = mp4_begin_full(m, "stsc", 0);
    size_t count = m->text.len;
    uint32_t rows = 0, before = 0;

    buf_put_u32(&m->text, 0);
    for (uint32_t i = 0; i < in->rows; i++) {
        uint32_t samples = mp4_row(in, i).samples;

        if (samples == before)
            continue;
        buf_put_u32(&m->text, i + 1);
        buf_put_u32(&m->text, samples);
        buf_put_u32(&m->text, 1);
        before = samples;
        rows++;
    }
    mp4_set(m, count, rows, 4);
    mp4_end(m, box);
}

/* Where the chunks' offsets come, once it is known where the media begin. */
static size_t mp4_stbl(struct mp4 *m, size_t track)
{
    const struct mp4_in *in = &m->in[track];
    struct mp4_box stbl = mp4_begin(m, "stbl"), box;
    size_t offsets;

    buf_put(&m->text, in->stsd.data, in->stsd.len);
    mp4_stts(m, in);
    if (in->video) {
        mp4_ctts(m, track);
        mp4_stss(m, in);
    }
    mp4_stsc(m, in);
    box = mp4_begin_full(m, "stsz", 0);
    buf_put_u32(&m->text, 0);
    buf_put_u32(&m->text, (uint32_t)in->samples);
    mp4_stretches(m, track, MP4_SIZES, 4);
    mp4_end(m, box);
    box = mp4_begin_full(m, "co64", 0);
    buf_put_u32(&m->text, in->rows);
    offsets = m->text.len;
    mp4_zeros(m, (size_t)in->rows * 8);
    mp4_end(m, box);
    mp4_end(m, stbl);
    return offsets;
}

static size_t mp4_trak(struct mp4 *m, size_t track)
{
    const struct mp4_in *in = &m->in[track];
    struct mp4_box trak = mp4_begin(m, "trak"), mdia, minf, dinf, dref, box;
    size_t offsets;

    mp4_tkhd(m, track);
    mdia = mp4_begin(m, "mdia");
    mp4_mdhd_hdlr(m, in);
    minf = mp4_begin(m, "minf");
    box = mp4_begin_full(m, in->video ? "vmhd" : "smhd", in->video ? 1 : 0);
    mp4_zeros(m, in->video ? 8 : 4);
    mp4_end(m, box);
    dinf = mp4_begin(m, "dinf");
    dref = mp4_begin_full(m, "dref", 0);
    buf_put_u32(&m->text, 1);
    box = mp4_begin_full(m, "url ", 1 /* in this file */);
    mp4_end(m, box);
    mp4_end(m, dref);
    mp4_end(m, dinf);
    offsets = mp4_stbl(m, track);
    mp4_end(m, minf);
    mp4_end(m, mdia);
    mp4_end(m, trak);
    return offsets;
}

/* ---- mdat */

/* Of the tracks that have fragments left, the one whose next begins first; pictures where both begin together. */
static size_t mp4_next(const struct mp4 *m, const uint32_t row[], const uint64_t sample[])
{
    size_t best = m->in_n;

    for (size_t i = 0; i < m->in_n; i++) {
        if (row[i] == m->in[i].rows)
            continue;
        if (best == m->in_n || (double)sample[i] * m->in[i].duration / m->in[i].timescale <
                                   (double)sample[best] * m->in[best].duration / m->in[best].timescale)
            best = i;
    }
    return best;
}

static void mp4_mdat(struct mp4 *m, const size_t offsets[])
{
    uint64_t sample[MP4_TRACKS] = { 0 }, begins = m->text.len + m->made;
    uint32_t row[MP4_TRACKS] = { 0 };
    size_t size, i;

    buf_put_u32(&m->text, 1); /* a size of 64 bits follows */
    buf_put(&m->text, "mdat", 4);
    size = m->text.len;
    buf_put_u64(&m->text, 0);
    while ((i = mp4_next(m, row, sample)) < m->in_n) {
        struct mp4_fragment fragment = mp4_row(&m->in[i], row[i]);

        mp4_set(m, offsets[i] + (size_t)row[i] * 8, m->text.len + m->made, 8);
        mp4_piece(m, MP4_MEDIA, i, row[i]++);
        m->made += fragment.bytes - mp4_head(&m->in[i], &fragment);
        sample[i] += fragment.samples;
    }
    mp4_set(m, size, m->text.len + m->made - begins, 8);
}

struct mp4 *mp4_open(const struct mp4_track tracks[], size_t n, const char **why)
{
    struct mp4 *m = calloc(1, sizeof(*m));
    size_t offsets[MP4_TRACKS] = { 0 };
    struct mp4_box moov;

    if (!m)
        abort();
    m->in_n = n <= MP4_TRACKS ? n : 0;
    *why = m->in_n ? NULL : "no track, or too many";
    for (size_t i = 0; i < m->in_n && !*why; i++)
        if (!mp4_read_init(tracks[i].init, &m->in[i]))
            *why = "an init is not one of ours";
        else if (!mp4_read_table(tracks[i].table, &m->in[i]))
            *why = "a table of fragments makes no sense";
    if (*why) {
        mp4_close(&m);
        return NULL;
    }
    mp4_text(m);
    buf_put(&m->text,
            "\0\0\0\x1c"
            "ftypiso4\0\0\0\0iso4isommp41",
            28);
    moov = mp4_begin(m, "moov");
    mp4_mvhd(m);
    for (size_t i = 0; i < n; i++)
        offsets[i] = mp4_trak(m, i);
    mp4_end(m, moov);
    mp4_mdat(m, offsets);
    return m;
}

void mp4_close(struct mp4 **mp4)
{
    if (*mp4) {
        buf_free(&(*mp4)->text);
        free((*mp4)->pieces);
        free(*mp4);
    }
    *mp4 = NULL;
}

uint64_t mp4_size(const struct mp4 *mp4)
{
    return mp4->text.len + mp4->made;
}

/* ---- parts */

struct mp4_part mp4_part_at(const struct mp4 *m, uint64_t at)
{
    size_t low = 0, high = m->pieces_n;

    while (high - low > 1) { /* the last piece that begins no later, among those of no length too */
        size_t mid = low + (high - low) / 2;

        if (m->pieces[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    const struct mp4_piece *piece = &m->pieces[low];
    struct mp4_part part = { .source = piece->source, .at = piece->at, .track = piece->track };

    part.len = (low + 1 < m->pieces_n ? m->pieces[low + 1].at : mp4_size(m)) - part.at;
    if (part.source == MP4_TEXT) {
        part.text = m->text.data + piece->number;
        return part;
    }
    part.fragment = mp4_row(&m->in[part.track], piece->number);
    part.from = part.fragment.offset + mp4_head(&m->in[part.track], &part.fragment);
    return part;
}

size_t mp4_head_size(const struct mp4 *mp4, const struct mp4_part *part)
{
    return (size_t)mp4_head(&mp4->in[part->track], &part->fragment);
}

bool mp4_entries(const struct mp4 *mp4, const struct mp4_part *part, struct bytes head, uint8_t *to)
{
    const struct mp4_in *in = &mp4->in[part->track];
    struct box_cursor c = box_cursor_of(head), moof = box_enter(&c, "moof"), traf, trun;

    box_enter(&moof, "mfhd");
    traf = box_enter(&moof, "traf");
    box_enter(&traf, "tfhd");
    box_enter(&traf, "tfdt");
    trun = box_enter(&traf, "trun");
    box_expect(&trun, 4, 1u << 24 | (in->video ? 0xa05u : 0x201u));
    box_expect(&trun, 4, part->fragment.samples);
    box_skip(&trun, in->video ? 8 : 4);
    for (uint32_t i = 0; i < part->fragment.samples && !trun.bad; i++) {
        uint64_t size = box_take(&trun, 4), offset = in->video ? box_take(&trun, 4) : 0;
        uint64_t entry = part->source == MP4_SIZES ? size : 1ull << 32 | offset; /* one sample with that offset */

        for (unsigned k = part->source == MP4_SIZES ? 4 : 8; k--; entry >>= 8)
            to[k] = (uint8_t)entry;
        to += part->source == MP4_SIZES ? 4 : 8;
    }
    return box_done(&trun) && box_done(&traf) && box_done(&moof);
}
