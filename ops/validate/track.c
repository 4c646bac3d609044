#include "ops/validate/track.h"

#include <stdio.h>
#include <string.h>

#include "data/isobmff/nal.h"
#include "ops/validate/config.h"

static void track_fault(struct track *t, const char *box, const char *why)
{
    if (!t->fault) {
        t->fault = why;
        t->fault_box = box;
    }
}

/* The version and flags of a full box; answers the version. */
static unsigned full_box(struct box_cursor *c, uint32_t *ret_flags)
{
    uint32_t word = (uint32_t)box_take(c, 4);

    if (ret_flags)
        *ret_flags = word & 0xffffff;
    return word >> 24;
}

static void track_ftyp(struct track *t, struct box_cursor c)
{
    size_t used = 0;

    for (unsigned i = 0; box_left(&c) >= 4; i++) {
        const uint8_t *brand = box_skip(&c, 4);

        if (i != 1 && used + 6 < sizeof(t->brands)) {
            for (unsigned k = 0; k < 4; k++)
                t->brands[used++] = (char)(brand[k] > 0x20 && brand[k] < 0x7f ? brand[k] : '?');
            t->brands[used++] = ' ';
        }
    }
}

static void track_tkhd(struct track *t, struct box_cursor c)
{
    static const uint32_t identity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };
    unsigned wide = full_box(&c, NULL) == 1 ? 8 : 4;

    box_skip(&c, 2ull * wide);
    t->id = (uint32_t)box_take(&c, 4);
    box_skip(&c, 4);
    t->track_duration = box_take(&c, wide);
    box_skip(&c, 8 + 8);
    for (unsigned i = 0; i < 9; i++)
        t->turned |= box_take(&c, 4) != identity[i];
    if (c.bad)
        track_fault(t, "moov/trak/tkhd", "the box is too short");
}

static void track_edits(struct track *t, struct box_cursor c)
{
    struct box elst;

    if (box_find(c, "elst", &elst)) {
        full_box(&elst.body, NULL);
        t->has_edits = box_take(&elst.body, 4) > 0;
    }
}

static void track_media_head(struct track *t, struct box_cursor c)
{
    unsigned wide = full_box(&c, NULL) == 1 ? 8 : 4;

    box_skip(&c, 2ull * wide);
    t->timescale = (uint32_t)box_take(&c, 4);
    if (c.bad || t->timescale == 0)
        track_fault(t, "moov/trak/mdia/mdhd", "no timescale");
}

static void track_handler(struct track *t, struct box_cursor c)
{
    const uint8_t *type;

    box_skip(&c, 8);
    type = box_skip(&c, 4);
    if (!type)
        return track_fault(t, "moov/trak/mdia/hdlr", "the box is too short");
    t->kind = memcmp(type, "vide", 4) == 0 ? TRACK_VIDEO : memcmp(type, "soun", 4) == 0 ? TRACK_AUDIO : TRACK_TEXT;
}

/* A reference with the flag 1 means: in this same file. */
static void track_references(struct track *t, struct box_cursor c)
{
    struct box dref, entry;
    uint32_t flags;

    if (!box_find(c, "dref", &dref))
        return;
    box_skip(&dref.body, 8);
    while (box_next(&dref.body, &entry)) {
        full_box(&entry.body, &flags);
        t->outside |= !(flags & 1);
    }
}

static void track_protection(struct track *t, struct box_cursor c)
{
    struct box box, tenc;

    t->encrypted = true;
    for (struct box_cursor at = c; box_next(&at, &box);) {
        const uint8_t *word;

        if (box_is(&box, "frma") && (word = box_skip(&box.body, 4)))
            memcpy(t->entry, word, 4);
        else if (box_is(&box, "schm") && box_skip(&box.body, 4) && (word = box_skip(&box.body, 4)))
            memcpy(t->scheme, word, 4);
        else if (box_is(&box, "schi") && box_find(box.body, "tenc", &tenc)) {
            box_skip(&tenc.body, 5);
            unsigned pattern = (unsigned)box_take(&tenc.body, 1);

            t->crypt_blocks = pattern >> 4;
            t->skip_blocks = pattern & 15;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        if (t->entry[i] < 0x20 || t->entry[i] > 0x7e)
            t->entry[i] = '?';
        if (t->scheme[i] && (t->scheme[i] < 0x20 || t->scheme[i] > 0x7e))
            t->scheme[i] = '?';
    }
}

static void track_colour(struct track *t, struct box_cursor c)
{
    const uint8_t *type = box_skip(&c, 4);

    t->has_colour_box = true;
    if (!type || (memcmp(type, "nclx", 4) != 0 && memcmp(type, "nclc", 4) != 0))
        return;
    t->colour = (struct colour) { true, (unsigned)box_take(&c, 2), 0, 0, false };
    t->colour.transfer = (unsigned)box_take(&c, 2);
    t->colour.matrix = (unsigned)box_take(&c, 2);
    if (memcmp(type, "nclx", 4) == 0)
        t->colour.full = box_take(&c, 1) >> 7;
    t->colour.told = !c.bad;
}

static void track_configuration(struct track *t, struct box *box)
{
    if (box_is(box, "avcC"))
        config_avc(t, box->body);
    else if (box_is(box, "hvcC"))
        config_hevc(t, box->body);
    else if (box_is(box, "av1C"))
        config_av1(t, box->body);
    else if (box_is(box, "vpcC"))
        config_vp9(t, box->body);
    else if (box_is(box, "esds"))
        config_aac(t, box->body);
    else if (box_is(box, "sinf"))
        track_protection(t, box->body);
    else if (box_is(box, "colr"))
        track_colour(t, box->body);
    else if (box_is(box, "pasp")) {
        t->has_aspect = true;
        t->aspect_h = (uint32_t)box_take(&box->body, 4);
        t->aspect_v = (uint32_t)box_take(&box->body, 4);
    }
}

static void track_entry(struct track *t, struct box_cursor c)
{
    struct box entry, box;

    full_box(&c, NULL);
    if (box_take(&c, 4) != 1 || !box_next(&c, &entry))
        return track_fault(t, "moov/trak/mdia/minf/stbl/stsd", "not exactly one sample entry");
    memcpy(t->entry, entry.type, 5);
    c = entry.body;
    box_skip(&c, 8);
    if (t->kind == TRACK_VIDEO) {
        box_skip(&c, 16);
        t->width = (unsigned)box_take(&c, 2);
        t->height = (unsigned)box_take(&c, 2);
        box_skip(&c, 50);
    } else if (t->kind == TRACK_AUDIO) {
        box_skip(&c, 8);
        t->channels = (unsigned)box_take(&c, 2);
        box_skip(&c, 6);
        t->rate = (unsigned)box_take(&c, 4) >> 16;
    }
    if (c.bad)
        return track_fault(t, "moov/trak/mdia/minf/stbl/stsd", "the sample entry is too short");
    if (t->kind == TRACK_TEXT)
        return;
    while (box_next(&c, &box)) /* the protection's own format name comes last and replaces encv, enca */
        track_configuration(t, &box);
    if (!t->name[0] && t->codec == CODEC_OTHER && t->kind == TRACK_AUDIO &&
        (strcmp(t->entry, "ac-3") == 0 || strcmp(t->entry, "ec-3") == 0 || strcmp(t->entry, "Opus") == 0 ||
         strcmp(t->entry, "fLaC") == 0))
        snprintf(t->name, sizeof(t->name), "%s", t->entry);
}

static void track_samples(struct track *t, struct box_cursor c)
{
    struct box box;

    while (box_next(&c, &box)) {
        if (box_is(&box, "stsd"))
            track_entry(t, box.body);
        else if (box_is(&box, "stts") || box_is(&box, "stsc") || box_is(&box, "stco") || box_is(&box, "co64")) {
            full_box(&box.body, NULL);
            t->has_samples |= box_take(&box.body, 4) > 0;
        } else if (box_is(&box, "stsz") || box_is(&box, "stz2")) {
            box_skip(&box.body, 8);
            t->has_samples |= box_take(&box.body, 4) > 0;
        }
    }
}

static void track_media_information(struct track *t, struct box_cursor c)
{
    struct box box;

    while (box_next(&c, &box)) {
        if (box_is(&box, "dinf"))
            track_references(t, box.body);
        else if (box_is(&box, "stbl"))
            track_samples(t, box.body);
    }
    if (!t->entry[0])
        track_fault(t, "moov/trak/mdia/minf/stbl/stsd", "missing");
}

/* The handler says what kind of sample entry to expect: it comes before the entry, whatever order the boxes have. */
static void track_media(struct track *t, struct box_cursor c)
{
    struct box mdhd, hdlr, minf;

    if (!box_find(c, "mdhd", &mdhd) || !box_find(c, "hdlr", &hdlr) || !box_find(c, "minf", &minf))
        return track_fault(t, "moov/trak/mdia", "lacks mdhd, hdlr or minf");
    track_media_head(t, mdhd.body);
    track_handler(t, hdlr.body);
    track_media_information(t, minf.body);
}

static void track_trak(struct track *t, struct box_cursor c)
{
    struct box box, ludt;

    if (t->tracks++)
        return; /* one more than is looked at; a rule counts them */
    while (box_next(&c, &box)) {
        if (box_is(&box, "tkhd"))
            track_tkhd(t, box.body);
        else if (box_is(&box, "edts"))
            track_edits(t, box.body);
        else if (box_is(&box, "mdia"))
            track_media(t, box.body);
        else if (box_is(&box, "udta"))
            t->has_loudness |= box_find(box.body, "ludt", &ludt);
    }
    if (c.bad)
        track_fault(t, "moov/trak", "its boxes do not fill it");
    if (t->kind == TRACK_NONE)
        track_fault(t, "moov/trak/mdia", "missing");
}

static void track_extends(struct track *t, struct box_cursor c)
{
    struct box box;

    while (box_next(&c, &box)) {
        if (!box_is(&box, "trex"))
            continue;
        if (t->extends++)
            continue;
        box_skip(&box.body, 12);
        t->default_duration = (uint32_t)box_take(&box.body, 4);
        t->default_size = (uint32_t)box_take(&box.body, 4);
        t->default_flags = (uint32_t)box_take(&box.body, 4);
    }
}

static void track_moov(struct track *t, struct box_cursor c)
{
    struct box box;

    while (box_next(&c, &box)) {
        if (box_is(&box, "mvhd")) {
            unsigned wide = full_box(&box.body, NULL) == 1 ? 8 : 4;

            box_skip(&box.body, 2ull * wide + 4);
            t->movie_duration = box_take(&box.body, wide);
        } else if (box_is(&box, "trak")) {
            track_trak(t, box.body);
        } else if (box_is(&box, "mvex")) {
            track_extends(t, box.body);
        }
    }
    if (c.bad)
        track_fault(t, "moov", "its boxes do not fill it");
}

void track_parse(struct bytes init, struct track *ret)
{
    struct box_cursor c = box_cursor_of(init);
    struct box box;
    bool found = false;

    *ret = (struct track) { 0 };
    while (box_next(&c, &box)) {
        if (box_is(&box, "ftyp"))
            track_ftyp(ret, box.body);
        else if (box_is(&box, "moov") && !found) {
            found = true;
            track_moov(ret, box.body);
        }
    }
    if (c.bad)
        track_fault(ret, "", "the boxes do not fill the file");
    if (!found)
        track_fault(ret, "moov", "missing");
    else if (!ret->tracks)
        track_fault(ret, "moov/trak", "missing");
}

bool track_has_brand(const struct track *track, const char *brand)
{
    for (const char *at = track->brands; *at; at += 5)
        if (strncmp(at, brand, 4) == 0)
            return true;
    return false;
}
