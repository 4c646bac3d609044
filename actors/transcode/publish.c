#include "actors/transcode/publish.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/media/control.h"
#include "actors/transcode/media/vtt.h"
#include "gen/errors.h"

#define OBJECT_MOST      (256u << 20)
#define UNCAPPED_KBPS    60000 /* what a rendition without a cap is allowed */
#define AAC_FRAME        1024
#define TEXT_BYTES_PER_S (16u << 20) /* walked by a text run, at least */

static int bad(struct publish *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct publish *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(p->why, sizeof(p->why), format, args);
    va_end(args);
    return -1;
}

static int not_stored(struct publish *p, const char *name, int error)
{
    p->error = error;
    return bad(p, "storing %s: %s", name, err_name(error));
}

static bool is_images(const struct encode_run *run)
{
    return run->kind == RUN_KIND_POSTER || run->kind == RUN_KIND_BOARD;
}

static uint64_t divisor(const struct run_rendition *r)
{
    return r->fps_div ? r->fps_div : 1;
}

uint64_t publish_frames_planned(const struct encode_run *run)
{
    uint64_t n = 0;

    for (size_t i = 0; i < run->segments_n; i++)
        n += run->segments[i].frames;
    return n;
}

static double seconds(const struct encode_run *run)
{
    double frames = (double)publish_frames_planned(run);

    if (run->kind == RUN_KIND_AUDIO)
        return run->rate ? frames * AAC_FRAME / (double)run->rate : 0;
    return run->fps_num ? frames * (double)run->fps_den / (double)run->fps_num : 0;
}

uint64_t publish_bytes_allowed(const struct encode_run *run)
{
    double kbits = 0;

    if (run->kind == RUN_KIND_TEXT)
        return (uint64_t)run->renditions_n * (VTT_MOST + 4) + CONTROL_REPORT_MAX;
    if (run->kind == RUN_KIND_AUDIO)
        kbits = 1000 * seconds(run);
    for (size_t i = 0; run->kind == RUN_KIND_VIDEO && i < run->renditions_n; i++) {
        uint64_t cap = run->renditions[i].maxrate_kbps;

        kbits += (double)(cap ? cap : UNCAPPED_KBPS) * (2 * seconds(run) + 4);
    }
    return (uint64_t)(kbits * 125) + (16u << 20);
}

unsigned publish_cpu_allowed(const struct encode_run *run)
{
    double pixels = 0, frames = (double)publish_frames_planned(run);

    if (run->kind == RUN_KIND_TEXT) /* it walks the whole file */
        return 120 + (unsigned)(run->length / TEXT_BYTES_PER_S);

    for (size_t i = 0; run->kind == RUN_KIND_VIDEO && i < run->renditions_n; i++)
        pixels += frames * (double)(run->renditions[i].width * run->renditions[i].height) /
                  (double)divisor(&run->renditions[i]);
    return 120 + (unsigned)(run->kind == RUN_KIND_AUDIO ? 180 + seconds(run) : frames / 2 + pixels / 2e6);
}

static int plan_rendition(struct publish *p, size_t i)
{
    const struct encode_run *run = p->run;
    const struct run_rendition *r = &run->renditions[i];
    struct publish_rendition *to = &p->renditions[i];

    if (run->kind == RUN_KIND_AUDIO) {
        to->track = (struct cmaf_track) { .timescale = (uint32_t)run->rate,
                                          .sample_duration = AAC_FRAME,
                                          .channels = (unsigned)run->channels };
        to->gop = UINT32_MAX;
        to->next = run->first;
        return 0;
    }
    if (!run->gop || run->gop % divisor(r) || run->first % run->gop || run->fps_num > UINT32_MAX ||
        !run->fps_num || run->fps_den > UINT32_MAX / divisor(r) || !run->fps_den)
        return bad(p, "rendition %s does not fit the run's grid", r->dir);
    to->track = (struct cmaf_track) { .video = true,
                                      .codec = r->codec,
                                      .timescale = (uint32_t)run->fps_num,
                                      .sample_duration = (uint32_t)(run->fps_den * divisor(r)),
                                      .width = (unsigned)r->width,
                                      .height = (unsigned)r->height };
    if (r->copy_gop && (divisor(r) != 1 || run->gop % r->copy_gop || run->renditions_n != 1))
        return bad(p, "copied rendition %s does not fit the run", r->dir);
    to->gop = (uint32_t)(r->copy_gop ? r->copy_gop : run->gop / divisor(r));
    to->next = run->first / divisor(r);
    return 0;
}

int publish_open(struct publish *p, struct blobs *blobs, const struct encode_run *run, struct arena *arena,
                 struct run_done *done)
{
    *p = (struct publish) { .blobs = blobs, .run = run, .arena = arena, .done = done };
    *done = (struct run_done) {
        .video_id = run->video_id, .version = run->version, .run = run->run, .kind = run->kind, .first = run->first
    };
    if (is_images(run)) {
        done->images = arena_alloc_n(arena, run->images_n, sizeof(*done->images));
        return run->images_n ? 0 : bad(p, "the run names no image");
    }
    if (run->kind == RUN_KIND_TEXT) {
        done->texts = arena_alloc_n(arena, run->renditions_n + 1, sizeof(*done->texts));
        for (size_t i = 0; i < run->renditions_n; i++)
            if (!run->renditions[i].dir)
                return bad(p, "a text has no folder");
        return run->renditions_n ? 0 : bad(p, "a text run names no track");
    }
    if (!run->renditions_n || run->renditions_n > PUBLISH_RENDITIONS || !run->segments_n)
        return bad(p, "the run names no rendition or no segment");
    done->renditions = arena_alloc_n(arena, run->renditions_n, sizeof(*done->renditions));
    done->renditions_n = run->renditions_n;
    for (size_t i = 0; i < run->renditions_n; i++) {
        struct made_rendition *made = &done->renditions[i];

        if (!run->renditions[i].dir || plan_rendition(p, i) < 0)
            return p->why[0] ? -1 : bad(p, "a rendition has no folder");
        made->dir = arena_strdup(arena, run->renditions[i].dir);
        made->timescale = p->renditions[i].track.timescale;
        made->width = p->renditions[i].track.width;
        made->height = p->renditions[i].track.height;
        made->segments = arena_alloc_n(arena, run->segments_n, sizeof(*made->segments));
    }
    return 0;
}

static void fill_object(struct publish *p, struct made_object *to, const char *name, const struct blob_info *info)
{
    to->name = name;
    to->size = info->size;
    to->hash = arena_bytes(p->arena, bytes_of(info->hash, info->hashed ? BLOB_HASH_SIZE : 0));
}

/* Where only its size is wanted, nothing is stored. */
static int store(struct publish *p, const char *name, struct bytes object, struct blob_info *info)
{
    if (p->run->sample) {
        *info = (struct blob_info) { .size = object.len };
        return 0;
    }
    return blob_put_new(p->blobs, name, object, info);
}

/* All of an object that lies in the store; the caller frees. NULL with why. */
static uint8_t *read_all(struct publish *p, const char *name, uint64_t size)
{
    uint8_t *data = size && size <= OBJECT_MOST ? malloc(size) : NULL;
    uint64_t at = 0;

    while (data && at < size) {
        size_t got = 0;
        int r = blob_read(p->blobs, name, at, data + at, size - at, &got);

        if (r < 0) {
            free(data);
            data = NULL;
            bad(p, "reading %s, which was there first: %s", name, err_name(r));
        }
        at += got;
    }
    if (!data && !p->why[0])
        bad(p, "%s, which was there first, has %" PRIu64 " bytes", name, size);
    return data;
}

int publish_init(struct publish *p, unsigned slot, struct bytes init)
{
    struct made_rendition *made;
    struct publish_rendition *r;
    const char *name, *why = NULL;
    struct blob_info info;
    char codec[CODEC_NAME_MOST];
    int e;

    if (slot >= p->done->renditions_n || p->renditions[slot].has_init)
        return bad(p, "an init for rendition %u came twice, or there is no such rendition", slot);
    made = &p->done->renditions[slot];
    r = &p->renditions[slot];
    if (boxes_check_init(init, &r->track, codec, &why) < 0 ||
        (p->run->renditions[slot].copy_gop && boxes_check_copied(init, &r->track, &why) < 0))
        return bad(p, "%s: %s", made->dir, why);
    name = arena_printf(p->arena, "%s/%s/init.mp4", p->run->prefix, made->dir);
    e = store(p, name, init, &info);
    if (e == ERR_EXISTS) {
        uint8_t *there = read_all(p, name, info.size);
        bool equal = there && bytes_equal(bytes_of(there, info.size), init);

        free(there);
        if (!equal)
            return bad(p, "%s differs from what an earlier run made: the encoder or its settings changed", name);
    } else if (e < 0) {
        return not_stored(p, name, e);
    }
    fill_object(p, &made->init, name, &info);
    made->codec = arena_strdup(p->arena, codec);
    r->has_init = true;
    p->bytes += init.len;
    return 0;
}

static void fill_segment(struct publish *p, struct made_segment *to, uint32_t number,
                         const struct boxes_segment *is, const struct publish_rendition *r,
                         const struct blob_info *info)
{
    *to = (struct made_segment) { .number = number,
                                  .size = info->size,
                                  .frames = is->samples,
                                  .start = is->start,
                                  .duration = is->samples * r->track.sample_duration };
    to->hash = arena_bytes(p->arena, bytes_of(info->hash, info->hashed ? BLOB_HASH_SIZE : 0));
    if (!r->track.video)
        return;
    to->gops = arena_alloc_n(p->arena, is->n, sizeof(*to->gops));
    to->gops_n = is->n;
    for (unsigned i = 0; i < is->n; i++)
        to->gops[i] = (struct made_gop) { is->gops[i].offset, is->gops[i].iframe_bytes, is->gops[i].samples };
}

/* Samples that the plan gives a segment of the rendition; at the source's end there may be fewer. */
static uint64_t planned_samples(const struct publish *p, unsigned slot, size_t segment)
{
    uint64_t div = p->run->kind == RUN_KIND_AUDIO ? 1 : divisor(&p->run->renditions[slot]);

    return (p->run->segments[segment].frames + div - 1) / div;
}

/* Stores the segment, or reads what is there first and describes that. */
static int store_segment(struct publish *p, const char *name, struct bytes segment,
                         const struct publish_rendition *r, uint64_t start, struct boxes_segment *is,
                         struct blob_info *info)
{
    const char *why = NULL;
    uint8_t *there;
    int e = store(p, name, segment, info);

    if (e < 0 && e != ERR_EXISTS)
        return not_stored(p, name, e);
    if (e == 0)
        return 0;
    there = read_all(p, name, info->size);
    if (!there)
        return -1;
    e = boxes_check_segment(bytes_of(there, info->size), &r->track, start, r->gop, is, &why);
    free(there);
    return e < 0 ? bad(p, "%s, which was there first: %s", name, why) : 0;
}

int publish_segment(struct publish *p, unsigned slot, uint32_t number, struct bytes segment)
{
    struct publish_rendition *r;
    struct made_rendition *made;
    struct boxes_segment is;
    struct blob_info info;
    const char *name, *why = NULL;
    uint64_t start, planned;

    r = slot < p->done->renditions_n ? &p->renditions[slot] : NULL;
    if (!r || !r->has_init || r->segment == p->run->segments_n || number != p->run->segments[r->segment].number)
        return bad(p, "segment %u of rendition %u is not the one that is due", number, slot);
    made = &p->done->renditions[slot];
    start = r->next * r->track.sample_duration;
    planned = planned_samples(p, slot, r->segment);
    if (boxes_check_segment(segment, &r->track, start, r->gop, &is, &why) < 0 || is.samples > planned)
        return bad(p, "%s segment %u: %s", made->dir, number, why ? why : "more frames than planned");
    name = arena_printf(p->arena, "%s/%s/%06u.m4s", p->run->prefix, made->dir, number);
    if (store_segment(p, name, segment, r, start, &is, &info) < 0)
        return -1;
    fill_segment(p, &made->segments[made->segments_n++], number, &is, r, &info);
    r->next += is.samples;
    r->segment++;
    p->bytes += segment.len;
    p->frames += r->track.video ? is.samples : 0;
    return 0;
}

int publish_text(struct publish *p, unsigned slot, uint32_t cues, struct bytes file)
{
    struct made_text *made;
    struct blob_info info;
    const char *name, *dir, *why = NULL;
    uint32_t found;
    int e;

    if (p->run->kind != RUN_KIND_TEXT || slot >= p->run->renditions_n || slot < p->text)
        return bad(p, "text %u is not one that is due", slot);
    dir = p->run->renditions[slot].dir;
    if (vtt_check(file, &found, &why) < 0 || !found || found != cues)
        return bad(p, "%s: %s", dir, why ? why : "it has no cue, or another number of them than was told");
    name = arena_printf(p->arena, "%s/%s/full.vtt", p->run->prefix, dir);
    e = blob_put_new(p->blobs, name, file, &info);
    if (e < 0 && e != ERR_EXISTS)
        return not_stored(p, name, e);
    made = &p->done->texts[p->done->texts_n++];
    made->dir = arena_strdup(p->arena, dir);
    made->cues = cues;
    fill_object(p, &made->object, name, &info);
    p->text = slot + 1;
    p->bytes += file.len;
    return 0;
}

int publish_image(struct publish *p, unsigned slot, unsigned width, unsigned height, struct bytes image)
{
    const struct run_image *box;
    struct made_image *made;
    struct blob_info info;
    const char *name, *why = NULL;
    int e;

    if (!is_images(p->run) || slot >= p->run->images_n || slot != p->done->images_n)
        return bad(p, "image %u is not the one that is due", slot);
    box = &p->run->images[slot];
    if (!width || !height || width > box->max_width || height > box->max_height ||
        (p->run->kind == RUN_KIND_BOARD && (width != box->max_width || height != box->max_height)) ||
        boxes_check_jpeg(image, width, height, &why) < 0)
        return bad(p, "%s: %s", box->name, why ? why : "an image does not fit its box");
    name = arena_printf(p->arena, "%s/img/%s", p->run->prefix, box->name);
    e = blob_put_new(p->blobs, name, image, &info);
    if (e < 0 && e != ERR_EXISTS)
        return not_stored(p, name, e);
    made = &p->done->images[p->done->images_n++];
    made->width = width;
    made->height = height;
    fill_object(p, &made->object, name, &info);
    p->bytes += image.len;
    return 0;
}

int publish_complete(struct publish *p, bool has_end, uint64_t end)
{
    const struct encode_run *run = p->run;
    uint64_t last = run->first + publish_frames_planned(run);

    if (is_images(run))
        return p->done->images_n == run->images_n
                   ? 0
                   : bad(p, "only %zu of %zu images came", p->done->images_n, run->images_n);
    if (run->kind == RUN_KIND_TEXT) /* tracks without a cue are not sent */
        return 0;
    if (has_end && end < last)
        last = end > run->first ? end : run->first;
    for (unsigned i = 0; i < p->done->renditions_n; i++) {
        uint64_t div = run->kind == RUN_KIND_AUDIO ? 1 : divisor(&run->renditions[i]);
        uint64_t due = (last + div - 1) / div;

        if (!p->renditions[i].has_init || p->renditions[i].next != due)
            return bad(p, "%s ends at frame %" PRIu64 " where %" PRIu64 " was due", p->done->renditions[i].dir,
                       p->renditions[i].next, due);
    }
    return 0;
}
