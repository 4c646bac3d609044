#include "actors/catalog/media/hls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { START_BPS = 2000000 }; /* the variant nearest to it is listed first: players begin with that one */

size_t hls_codec_run(const struct hls_set *set, size_t from)
{
    size_t n = from;
    while (n < set->video_n && strncmp(set->video[n].codec, set->video[from].codec, 4) == 0)
        n++;
    return n - from;
}

/* A quoted string may hold anything but quotes and line ends; names come from uploads. */
static const char *hls_quotable(const char *text, char *to, size_t size)
{
    size_t used = 0;
    for (; text && *text && used + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        to[used++] = c < 0x20 || c == 0x7f ? ' ' : c == '"' ? '\'' : (char)c;
    }
    while (used && ((unsigned char)to[used - 1] & 0xc0) == 0x80 && used + 1 == size)
        used--; /* not half a character at the cut */
    to[used] = '\0';
    return to;
}

struct hls_rate hls_measure_list(const struct hls_segment *segments, size_t n, uint32_t timescale, unsigned target)
{
    const double least = 0.5 * target, most = 1.5 * target + 0.5;
    uint64_t bytes = 0, ticks = 0;
    double peak = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += segments[i].size;
        ticks += segments[i].duration;
        uint64_t run_bytes = 0, run_ticks = 0;
        for (size_t j = i; j < n; j++) {
            run_bytes += segments[j].size;
            run_ticks += segments[j].duration;
            double seconds = (double)run_ticks / timescale;
            if (seconds > most)
                break;
            double rate = seconds > 0 ? (double)run_bytes * 8 / seconds : 0;
            if (seconds >= least && rate > peak)
                peak = rate;
        }
    }
    double seconds = ticks ? (double)ticks / timescale : 1;
    double average = (double)bytes * 8 / seconds;
    if (peak < average) /* shorter than half a target duration in all */
        peak = average;
    return (struct hls_rate) { (uint64_t)(peak + 0.5), (uint64_t)(average + 0.5) };
}

struct hls_rate hls_measure(const struct hls_rendition *rendition)
{
    return hls_measure_list(rendition->segments, rendition->segments_n, rendition->timescale, HLS_TARGET_S);
}

void hls_media(struct buf *out, const struct hls_rendition *rendition, bool final, bool ended)
{
    buf_printf(out, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n#EXT-X-PLAYLIST-TYPE:%s\n", HLS_TARGET_S,
               final ? "VOD" : "EVENT");
    buf_printf(out, "#EXT-X-MEDIA-SEQUENCE:%u\n#EXT-X-MAP:URI=\"%s\"\n",
               rendition->segments_n ? rendition->segments[0].number : 1,
               rendition->init ? rendition->init : "init.mp4");
    for (size_t i = 0; i < rendition->segments_n; i++) {
        const struct hls_segment *segment = &rendition->segments[i];
        buf_printf(out, "#EXTINF:%.5f,\n%06u.m4s\n", (double)segment->duration / rendition->timescale,
                   segment->number);
    }
    if (final || ended)
        buf_printf(out, "#EXT-X-ENDLIST\n");
}

double hls_seconds(const struct hls_set *set)
{
    const struct hls_rendition *r = set->video_n ? &set->video[0] : &set->audio[0];
    uint64_t ticks = 0;
    for (size_t i = 0; i < r->segments_n; i++)
        ticks += r->segments[i].duration;
    return r->timescale ? (double)ticks / r->timescale : 0;
}

void hls_text_media(struct buf *out, const struct hls_set *set)
{
    double seconds = hls_seconds(set);
    buf_printf(out,
               "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%u\n#EXT-X-PLAYLIST-TYPE:VOD\n"
               "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:%.5f,\nfull.vtt\n#EXT-X-ENDLIST\n",
               (unsigned)seconds + 1, seconds);
}

uint64_t hls_text_rate(const struct hls_set *set, const struct hls_text *text)
{
    double seconds = hls_seconds(set);
    return seconds > 0 ? (uint64_t)((double)text->size * 8 / seconds + 1) : 0;
}

/* What a preview declares: one instance of a capped encoder may spend its cap and nine tenths of its buffer in the
 * first target duration, which is 1.15 times the cap. */
static struct hls_rate hls_declared(const struct hls_rendition *rendition, bool final)
{
    if (final)
        return hls_measure(rendition);
    uint64_t cap = (uint64_t)(rendition->cap_kbps ? rendition->cap_kbps : 192) * 1000;
    return (struct hls_rate) { cap * 115 / 100, cap * 85 / 100 };
}

/* The groups of sounds: everybody's, in one or two channels; and one of more channels, with the sounds that have no more as
 * they are, since all groups must have the same names. */
enum hls_group { HLS_STEREO, HLS_SURROUND, HLS_GROUPS };

static const char *const hls_groups[] = { "aac", "aac-6" };

static const struct hls_rendition *hls_surround(const struct hls_set *set, const char *name)
{
    for (size_t i = 0; i < set->audio_n; i++)
        if (set->audio[i].surround && strcmp(set->audio[i].name, name) == 0)
            return &set->audio[i];
    return NULL;
}

static bool hls_has_group(const struct hls_set *set, enum hls_group group)
{
    bool any = false;
    for (size_t i = 0; i < set->audio_n; i++)
        any |= set->audio[i].surround == (group == HLS_SURROUND);
    return any;
}

/* The n-th sound as the group has it; NULL: it is another one's place. */
static const struct hls_rendition *hls_member(const struct hls_set *set, enum hls_group group, size_t n)
{
    const struct hls_rendition *audio = &set->audio[n],
                               *more = group == HLS_SURROUND ? hls_surround(set, audio->name) : NULL;
    return audio->surround ? NULL : more ? more : audio;
}

static void hls_audio_group(struct buf *out, const struct hls_set *set, enum hls_group group, const char *leaf)
{
    char name[256], language[64];
    for (size_t i = 0; i < set->audio_n; i++) {
        const struct hls_rendition *audio = hls_member(set, group, i);
        if (!audio)
            continue;
        buf_printf(out,
                   "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"%s\",LANGUAGE=\"%s\",DEFAULT=%s,AUTOSELECT=YES,"
                   "CHANNELS=\"%u\",URI=\"%s/%s\"\n",
                   hls_groups[group], hls_quotable(audio->name, name, sizeof(name)),
                   hls_quotable(audio->language, language, sizeof(language)), audio->is_default ? "YES" : "NO",
                   audio->channels, audio->dir, leaf);
    }
}

static void hls_text_group(struct buf *out, const struct hls_set *set)
{
    char name[256], language[64];
    for (size_t i = 0; i < set->texts_n; i++) {
        const struct hls_text *text = &set->texts[i];
        buf_printf(out, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"%s\",LANGUAGE=\"%s\",DEFAULT=%s,",
                   hls_quotable(text->name, name, sizeof(name)),
                   hls_quotable(text->language, language, sizeof(language)), text->is_default ? "YES" : "NO");
        buf_printf(out, "AUTOSELECT=%s,FORCED=%s,%sURI=\"%s/index.m3u8\"\n", text->auto_select ? "YES" : "NO",
                   text->forced ? "YES" : "NO",
                   text->for_deaf ? "CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,"
                                    "public.accessibility.describes-music-and-sound\","
                                  : "",
                   text->dir);
    }
}

/* The largest text counts for every variant, as the largest sound does. */
static uint64_t hls_most_text(const struct hls_set *set)
{
    uint64_t most = 0;
    for (size_t i = 0; i < set->texts_n; i++) {
        uint64_t rate = hls_text_rate(set, &set->texts[i]);
        most = rate > most ? rate : most;
    }
    return most;
}

/* The largest sound of the group counts for every variant, and the largest text: any of them may play with it. */
static struct hls_rate hls_largest(const struct hls_set *set, enum hls_group group, bool final)
{
    struct hls_rate most = { 0, 0 };
    for (size_t i = 0; i < set->audio_n; i++) {
        const struct hls_rendition *audio = hls_member(set, group, i);
        struct hls_rate rate = audio ? hls_declared(audio, final) : most;
        most.peak = rate.peak > most.peak ? rate.peak : most.peak;
        most.average = rate.average > most.average ? rate.average : most.average;
    }
    most.peak += hls_most_text(set);
    most.average += hls_most_text(set);
    return most;
}

static void hls_variant(struct buf *out, const struct hls_rendition *video, const struct hls_set *set,
                        enum hls_group group, bool final, const char *leaf)
{
    struct hls_rate rate = hls_declared(video, final), sound = hls_largest(set, group, final);
    buf_printf(out,
               "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64 ",AVERAGE-BANDWIDTH=%" PRIu64
               ",CODECS=\"%s%s%s\",RESOLUTION=%ux%u,",
               rate.peak + sound.peak, rate.average + sound.average, video->codec, set->audio_n ? "," : "",
               set->audio_n ? set->audio[0].codec : "", video->width, video->height);
    buf_printf(out, "FRAME-RATE=%.3f,", (double)video->fps_num / video->fps_den);
    if (set->audio_n)
        buf_printf(out, "AUDIO=\"%s\",", hls_groups[group]);
    buf_printf(out, "%sCLOSED-CAPTIONS=NONE\n%s/%s\n", set->texts_n ? "SUBTITLES=\"text\"," : "", video->dir,
               leaf);
}

static void hls_sound_alone(struct buf *out, const struct hls_set *set, enum hls_group group, bool final,
                            const char *leaf)
{
    struct hls_rate rate = hls_largest(set, group, final);
    if (!hls_has_group(set, group))
        return;
    buf_printf(out,
               "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64 ",AVERAGE-BANDWIDTH=%" PRIu64
               ",CODECS=\"%s\",AUDIO=\"%s\"%s\n%s/%s\n",
               rate.peak, rate.average, set->audio[0].codec, hls_groups[group],
               set->texts_n ? ",SUBTITLES=\"text\"" : "", hls_member(set, group, 0)->dir, leaf);
}

/* The variant that players start with: the one nearest to 2 Mb/s, in the codec that all of them know. */
static size_t hls_start(const struct hls_set *set, bool final)
{
    size_t best = 0;
    uint64_t distance = UINT64_MAX;
    for (size_t i = 0, n = hls_codec_run(set, 0); i < n; i++) {
        uint64_t rate = hls_declared(&set->video[i], final).average;
        uint64_t off = rate > START_BPS ? rate - START_BPS : START_BPS - rate;
        if (off < distance) {
            distance = off;
            best = i;
        }
    }
    return best;
}

/* All pictures with the sounds of a group: the one to start with, then the others from the smallest on; codec by codec. */
static void hls_variants(struct buf *out, const struct hls_set *set, enum hls_group group, bool final,
                         const char *leaf)
{
    size_t start = hls_start(set, final);
    hls_variant(out, &set->video[start], set, group, final, leaf);
    for (size_t from = 0, n; from < set->video_n; from += n) {
        n = hls_codec_run(set, from);
        for (size_t i = from + n; i-- > from;) {
            if (i != start)
                hls_variant(out, &set->video[i], set, group, final, leaf);
        }
    }
}

void hls_master(struct buf *out, const struct hls_set *set, bool final, const char *leaf)
{
    buf_printf(out, "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if (set->has_chapters)
        buf_printf(out, "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n");
    for (enum hls_group group = HLS_STEREO; group < HLS_GROUPS; group++)
        if (hls_has_group(set, group))
            hls_audio_group(out, set, group, leaf);
    hls_text_group(out, set);
    for (enum hls_group group = HLS_STEREO; group < HLS_GROUPS; group++) {
        if (!set->video_n)
            hls_sound_alone(out, set, group, final, leaf);
        else if (group == HLS_STEREO || hls_has_group(set, group))
            hls_variants(out, set, group, final, leaf);
    }
}
