/* rules 5, 6, 15 and 16: how objects are served, and what may change. */
#include <string.h>
#include <strings.h>

#include "ops/validate/rules.h"
#include "ops/validate/url.h"

static bool type_is(const char *type, const char *const *allowed)
{
    size_t len = strcspn(type, "; ");

    for (; *allowed; allowed++)
        if (strlen(*allowed) == len && strncasecmp(type, *allowed, len) == 0)
            return true;
    return false;
}

static const char *const *object_types(const struct package *p, const struct object *x)
{
    static const char *const playlist[] = { "application/vnd.apple.mpegurl", "audio/mpegurl", NULL };
    static const char *const mpd[] = { "application/dash+xml", NULL };
    static const char *const media[] = { "video/mp4",  "audio/mp4", "video/iso.segment", "application/mp4",
                                         "video/mp2t", "audio/aac", "audio/x-aac",       NULL };
    static const char *const text[] = { "text/vtt", NULL };

    switch (x->kind) {
    case OBJECT_TEXT: return x == p->mpd_object ? mpd : playlist;
    case OBJECT_VTT: return text;
    case OBJECT_OPAQUE: return NULL;
    default: return media;
    }
}

static bool object_came(const struct object *x)
{
    return x->status == 200 || x->status == 206;
}

void check_served(struct check *c)
{
    for (size_t i = 0; i < c->p->objects_n && c->p->over_http; i++) {
        const struct object *x = c->p->objects[i];
        const char *const *types = object_types(c->p, x);

        if (!object_came(x))
            continue;
        if (types)
            CHECK(c, type_is(x->type, types), x->shown, 0, NULL, "Content-Type is \"%s\", not %s", x->type,
                  types[0]);
        if (x->kind == OBJECT_TEXT)
            CHECK(c, x->gzip, x->shown, 0, NULL, "not compressed, though the request accepts gzip");
    }
}

void check_tls(struct check *c)
{
    if (c->p->over_http)
        CHECK(c, strncasecmp(c->p->url, "https", 5) == 0, c->p->url, 0, NULL, "served in the clear");
}

void check_resolves(struct check *c)
{
    for (size_t i = 0; i < c->p->objects_n; i++) {
        const struct object *x = c->p->objects[i];

        check_looked(c);
        if (x->status == 0)
            check_broken(c, x->shown, 0, NULL, "no answer: %s", x->error);
        else if (!object_came(x))
            check_broken(c, x->shown, 0, NULL, "answered %lld%s%s", (long long)x->status, *x->error ? ": " : "",
                         x->error);
        else if (x->size == 0)
            check_broken(c, x->shown, 0, NULL, "no bytes");
        else if (x->redirected && x != c->p->first)
            check_broken(c, x->shown, 0, NULL, "redirected to %s", x->answered);
        else if (!x->range_exact)
            check_broken(c, x->shown, 0, NULL, "bytes %llu@%llu were answered %lld with %llu bytes",
                         (unsigned long long)x->range.len, (unsigned long long)x->range.from, (long long)x->status,
                         (unsigned long long)x->size);
    }
}

void check_event_grows(struct check *c)
{
    EACH_STREAM(s, c->p)
    {
        struct bytes old = s->playlist.text, new = s->later.text;

        if (!s->has_later || strcmp(s->playlist.type, "EVENT") != 0)
            continue;
        CHECK(c, new.len >= old.len &&memcmp(old.data, new.data, old.len) == 0, s->shown, 0, NULL,
              "what was served first is not the beginning of what was served %.1f s later", s->later_after);
        CHECK(c, s->playlist.ended || new.len > old.len, s->shown, 0, NULL, "it did not grow in %.1f s",
              s->later_after);
    }
}

void check_vod_stays(struct check *c)
{
    EACH_STREAM(s, c->p)
    {
        if (s->representation)
            continue;
        if (s->has_later && stream_is_vod(s))
            CHECK(c, bytes_equal(s->playlist.text, s->later.text), s->shown, 0, NULL,
                  "other bytes were served %.1f s later", s->later_after);
        EACH_PART(part, s)
        if (part->object)
            CHECK(c, object_came(part->object), s->shown, part->line, NULL, "%s cannot be fetched",
                  part->object->shown);
    }
}
