/* mime - see mime.h */
#include "web/front/http/mime.h"

#include <stddef.h>
#include <string.h>

static const struct mime table[] = {
    { ".m3u8", "application/vnd.apple.mpegurl", true },
    { ".mpd", "application/dash+xml", true },
    { ".m4s", "video/iso.segment", false },
    { ".mp4", "video/mp4", false },
    { ".m4a", "audio/mp4", false },
    { ".aac", "audio/aac", false },
    { ".ts", "video/mp2t", false },
    { ".vtt", "text/vtt; charset=utf-8", true },
    { ".jpg", "image/jpeg", false },
    { ".png", "image/png", false },
    { ".webp", "image/webp", false },
    { ".avif", "image/avif", false },
    { ".svg", "image/svg+xml", true },
    { ".ico", "image/x-icon", false },
    { ".html", "text/html; charset=utf-8", true },
    { ".css", "text/css; charset=utf-8", true },
    { ".js", "text/javascript; charset=utf-8", true },
    { ".mjs", "text/javascript; charset=utf-8", true },
    { ".json", "application/json", true },
    { ".map", "application/json", true },
    { ".webmanifest", "application/manifest+json", true },
    { ".txt", "text/plain; charset=utf-8", true },
    { ".xml", "application/xml", true },
    { ".wasm", "application/wasm", false },
    { ".woff2", "font/woff2", false },
};
static const struct mime unknown = { "", "application/octet-stream", false };

const struct mime *mime_of(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        size_t end = strlen(table[i].end);

        if (len > end && memcmp(name + len - end, table[i].end, end) == 0)
            return &table[i];
    }
    return &unknown;
}
