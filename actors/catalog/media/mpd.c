#include "actors/catalog/media/mpd.h"

#include "actors/catalog/media/board.h"

#include <stdio.h>
#include <string.h>

/* Text for an attribute or an element: what XML gives a meaning is written as an entity, control characters as a space. */
static void mpd_escaped(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case '&': buf_printf(out, "&amp;"); break;
        case '<': buf_printf(out, "&lt;"); break;
        case '>': buf_printf(out, "&gt;"); break;
        case '"': buf_printf(out, "&quot;"); break;
        default: buf_printf(out, "%c", (unsigned char)*text < 0x20 ? ' ' : *text);
        }
    }
}

static const char *mpd_leaf(const struct hls_rendition *rendition)
{
    const char *slash = strrchr(rendition->dir, '/');
    return slash ? slash + 1 : rendition->dir;
}

/* Segments of the same length are one row: r counts its repetitions. */
static void mpd_timeline(struct buf *out, const struct hls_rendition *rendition)
{
    buf_printf(out, "        <SegmentTimeline>\n");
    for (size_t i = 0, same; i < rendition->segments_n; i += same) {
        uint64_t duration = rendition->segments[i].duration;
        for (same = 1; i + same < rendition->segments_n && rendition->segments[i + same].duration == duration;)
            same++;
        buf_printf(out, "          <S%s d=\"%llu\"", i ? "" : " t=\"0\"", (unsigned long long)duration);
        if (same > 1)
            buf_printf(out, " r=\"%zu\"", same - 1);
        buf_printf(out, "/>\n");
    }
    buf_printf(out, "        </SegmentTimeline>\n");
}

static void mpd_template(struct buf *out, const struct hls_rendition *rendition)
{
    int prefix = (int)(mpd_leaf(rendition) - rendition->dir);
    buf_printf(
        out,
        "      <SegmentTemplate timescale=\"%u\" startNumber=\"%u\" "
        "initialization=\"%.*s$RepresentationID$/%s\" media=\"%.*s$RepresentationID$/$Number%%06d$.m4s\">\n",
        rendition->timescale, rendition->segments_n ? rendition->segments[0].number : 1, prefix, rendition->dir,
        rendition->init ? rendition->init : "init.mp4", prefix, rendition->dir);
    mpd_timeline(out, rendition);
    buf_printf(out, "      </SegmentTemplate>\n");
}

/* A set for each codec. Players that have a choice take what was encoded later: it needs fewer bits. */
static void mpd_video(struct buf *out, const struct hls_set *set, size_t from, size_t n, unsigned id)
{
    buf_printf(
        out,
        "    <AdaptationSet id=\"%u\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" "
        "startWithSAP=\"1\"",
        id);
    if (set->video_n > hls_codec_run(set, 0))
        buf_printf(out, " selectionPriority=\"%u\"", from ? 2 : 1);
    buf_printf(out, ">\n");
    for (size_t i = from + n; i-- > from;) {
        const struct hls_rendition *video = &set->video[i];
        buf_printf(out,
                   "     <Representation id=\"%s\" codecs=\"%s\" bandwidth=\"%llu\" width=\"%u\" height=\"%u\" "
                   "frameRate=\"%u/%u\" sar=\"1:1\">\n",
                   mpd_leaf(video), video->codec, (unsigned long long)hls_measure(video).peak, video->width,
                   video->height, video->fps_num, video->fps_den);
        mpd_template(out, video);
        buf_printf(out, "     </Representation>\n");
    }
    buf_printf(out, "    </AdaptationSet>\n");
}

/* The schema wants Label before Role. Players begin with what all of them can play: not with more channels. */
static void mpd_audio(struct buf *out, const struct hls_rendition *audio, unsigned id)
{
    buf_printf(
        out,
        "    <AdaptationSet id=\"%u\" contentType=\"audio\" mimeType=\"audio/mp4\" segmentAlignment=\"true\" "
        "startWithSAP=\"1\" selectionPriority=\"%d\" lang=\"",
        id, audio->surround ? 1 : 2);
    mpd_escaped(out, audio->language);
    buf_printf(out, "\">\n     <Label>");
    mpd_escaped(out, audio->name);
    buf_printf(
        out,
        "</Label>\n     <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"%s\"/>\n"
        "     <Representation id=\"%s\" codecs=\"%s\" bandwidth=\"%llu\" audioSamplingRate=\"%u\">\n"
        "      <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" "
        "value=\"%u\"/>\n",
        audio->is_default && !audio->surround ? "main" : "alternate", mpd_leaf(audio), audio->codec,
        (unsigned long long)hls_measure(audio).peak, audio->timescale, audio->channels);
    mpd_template(out, audio);
    buf_printf(out, "     </Representation>\n    </AdaptationSet>\n");
}

/* One file, as it is: players of DASH take it whole. */
static void mpd_text(struct buf *out, const struct hls_set *set, const struct hls_text *text, unsigned id)
{
    const char *slash = strrchr(text->dir, '/');
    buf_printf(out, "    <AdaptationSet id=\"%u\" contentType=\"text\" mimeType=\"text/vtt\" lang=\"", id);
    mpd_escaped(out, text->language);
    buf_printf(out, "\">\n     <Label>");
    mpd_escaped(out, text->name);
    buf_printf(out, "</Label>\n");
    if (text->for_deaf)
        buf_printf(out,
                   "     <Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"2\"/>\n");
    if (text->is_default)
        buf_printf(out, "     <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>\n");
    buf_printf(out,
               "     <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"%s\"/>\n"
               "     <Representation id=\"text-%s\" bandwidth=\"%llu\">\n"
               "      <BaseURL>%s/full.vtt</BaseURL>\n     </Representation>\n    </AdaptationSet>\n",
               text->forced     ? "forced-subtitle"
               : text->for_deaf ? "caption"
                                : "subtitle",
               slash ? slash + 1 : text->dir, (unsigned long long)hls_text_rate(set, text), text->dir);
}

/* Images of tiles, as DASH-IF's interoperability points have them: each as many tiles, the last filled up. */
static void mpd_board(struct buf *out, const struct hls_set *set, unsigned id)
{
    const struct board *board = set->board;
    const struct hls_rendition *video = &set->video[0];
    uint64_t page = (uint64_t)board->columns * board->rows * board->interval * video->fps_den;
    unsigned long long rate = set->board_bytes * 8 / board->images * video->fps_num / page + 1; /* of an image */
    buf_printf(out,
               "    <AdaptationSet id=\"%u\" contentType=\"image\" mimeType=\"image/jpeg\">\n"
               "     <SegmentTemplate media=\"img/sb-$Number%%03d$.jpg\" timescale=\"%u\" duration=\"%llu\" "
               "startNumber=\"0\"/>\n",
               id, video->fps_num, (unsigned long long)page);
    buf_printf(
        out,
        "     <Representation id=\"storyboard\" bandwidth=\"%llu\" width=\"%u\" height=\"%u\">\n"
        "      <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"%ux%u\"/>\n"
        "     </Representation>\n    </AdaptationSet>\n",
        rate, board->columns * board->width, board->rows * board->height, board->columns, board->rows);
}

static double mpd_seconds(const struct hls_rendition *rendition)
{
    uint64_t ticks = 0;
    for (size_t i = 0; i < rendition->segments_n; i++)
        ticks += rendition->segments[i].duration;
    return rendition->timescale ? (double)ticks / rendition->timescale : 0;
}

void mpd_write(struct buf *out, const struct hls_set *set)
{
    double longest = 0;
    for (size_t i = 0; i < set->video_n + set->audio_n; i++) {
        double seconds = mpd_seconds(i < set->video_n ? &set->video[i] : &set->audio[i - set->video_n]);
        longest = seconds > longest ? seconds : longest;
    }
    buf_printf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
        "profiles=\"urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019\" type=\"static\" ");
    buf_printf(out,
               "mediaPresentationDuration=\"PT%.3fS\" minBufferTime=\"PT%dS\" maxSegmentDuration=\"PT%dS\">\n"
               "  <Period id=\"0\" start=\"PT0S\">\n",
               longest, HLS_TARGET_S, HLS_TARGET_S + 1);
    unsigned more = (unsigned)(2 + set->audio_n + set->texts_n);
    for (size_t from = 0, n; from < set->video_n; from += n) {
        n = hls_codec_run(set, from);
        mpd_video(out, set, from, n, from ? more++ : 0);
    }
    for (size_t i = 0; i < set->audio_n; i++)
        mpd_audio(out, &set->audio[i], (unsigned)i + 1);
    for (size_t i = 0; i < set->texts_n; i++)
        mpd_text(out, set, &set->texts[i], (unsigned)(1 + set->audio_n + i));
    if (set->board && set->video_n)
        mpd_board(out, set, (unsigned)(1 + set->audio_n + set->texts_n));
    buf_printf(out, "  </Period>\n</MPD>\n");
}
