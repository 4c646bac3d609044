#include "actors/catalog/media/chapters.h"

#include <stdio.h>

size_t chapters_count(const struct probed_chapter *chapters, size_t n, double seconds)
{
    size_t count = 0;
    while (count < n && (double)chapters[count].start_ms / 1000 < seconds)
        count++;
    return count;
}

static double chapters_end(const struct probed_chapter *chapters, size_t n, size_t i, double seconds)
{
    return i + 1 < n ? (double)chapters[i + 1].start_ms / 1000 : seconds;
}

/* A title without controls: only what the format gives a meaning is escaped. */
static void chapters_title(struct buf *out, const struct probed_chapter *chapter, size_t i, bool json)
{
    const char *text = chapter->title;
    if (!text || !*text) {
        buf_printf(out, "Chapter %zu", i + 1);
        return;
    }
    for (; *text; text++) {
        switch (*text) {
        case '"':
        case '\\': buf_printf(out, json ? "\\%c" : "%c", *text); break;
        case '<': buf_put_text(out, json ? "<" : "&lt;"); break;
        case '>': buf_put_text(out, json ? ">" : "&gt;"); break;
        case '&': buf_put_text(out, json ? "&" : "&amp;"); break;
        default: buf_put(out, text, 1);
        }
    }
}

void chapters_json(struct buf *out, const struct probed_chapter *chapters, size_t n, double seconds)
{
    n = chapters_count(chapters, n, seconds);
    buf_put_text(out, "[");
    for (size_t i = 0; i < n; i++) {
        double start = (double)chapters[i].start_ms / 1000;
        buf_printf(out,
                   "%s\n  {\"chapter\": %zu, \"start-time\": %.3f, \"duration\": %.3f, \"titles\": "
                   "[{\"language\": \"und\", \"title\": \"",
                   i ? "," : "", i + 1, start, chapters_end(chapters, n, i, seconds) - start);
        chapters_title(out, &chapters[i], i, true);
        buf_put_text(out, "\"}]}");
    }
    buf_put_text(out, "\n]\n");
}

static void chapters_time(struct buf *out, double seconds)
{
    unsigned long long ms = (unsigned long long)(seconds * 1000 + 0.5);
    buf_printf(out, "%02llu:%02llu:%02llu.%03llu", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

void chapters_vtt(struct buf *out, const struct probed_chapter *chapters, size_t n, double seconds)
{
    n = chapters_count(chapters, n, seconds);
    buf_put_text(out, "WEBVTT\n");
    for (size_t i = 0; i < n; i++) {
        buf_put_text(out, "\n");
        chapters_time(out, (double)chapters[i].start_ms / 1000);
        buf_put_text(out, " --> ");
        chapters_time(out, chapters_end(chapters, n, i, seconds));
        buf_put_text(out, "\n");
        chapters_title(out, &chapters[i], i, false);
        buf_put_text(out, "\n");
    }
}
