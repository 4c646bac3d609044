/* rules 1 to 4: what is written in playlists. */
#include <string.h>

#include "ops/validate/rules.h"

void check_grammar(struct check *c)
{
    EACH_LIST(l, c->p)
    {
        check_looked(c);
        for (size_t i = 0; i < l->playlist->faults_n; i++)
            check_broken(c, l->file, l->playlist->faults[i].line, NULL, "%s", l->playlist->faults[i].what);
    }
}

/* The version that a playlist needs (8216bis, section 8), and the line that needs it. */
static unsigned version_needed(const struct playlist *p, unsigned *ret_line)
{
    unsigned needed = 1;

    *ret_line = 0;
    EACH_TAG(tag, p)
    {
        unsigned own = 1;

        switch (tag->kind) {
        case TAG_EXTINF: own = memchr(tag->value, '.', strcspn(tag->value, ",")) ? 3 : 1; break;
        case TAG_BYTERANGE:
        case TAG_IFRAMES_ONLY: own = 4; break;
        case TAG_MAP: own = p->iframes_only ? 5 : 6; break;
        case TAG_KEY: own = tag_attribute(tag, "KEYFORMAT") ? 5 : tag_attribute(tag, "IV") ? 2 : 1; break;
        case TAG_DEFINE: own = tag_attribute(tag, "QUERYPARAM") ? 11 : 8; break;
        case TAG_SKIP: own = 9; break;
        case TAG_MEDIA: own = strncmp(tag_text(tag, "INSTREAM-ID"), "SERVICE", 7) == 0 ? 7 : 1; break;
        default: break;
        }
        if (own > needed) {
            needed = own;
            *ret_line = tag->line;
        }
    }
    return needed;
}

void check_version_enough(struct check *c)
{
    EACH_LIST(l, c->p)
    {
        unsigned line, needed = version_needed(l->playlist, &line);
        const struct tag *tag = playlist_find(l->playlist, TAG_VERSION);

        CHECK(c, playlist_count(l->playlist, TAG_VERSION) <= 1, l->file, tag->line, NULL,
              "EXT-X-VERSION stands %zu times", playlist_count(l->playlist, TAG_VERSION));
        CHECK(c, (tag ? l->playlist->version : 1) >= needed, l->file, line, NULL,
              "this needs version %u, and EXT-X-VERSION is %u", needed, tag ? l->playlist->version : 1);
    }
}

/* A multivariant playlist may name what its media playlists need. */
void check_version_least(struct check *c)
{
    unsigned most = 1;

    for (size_t i = c->p->lists_n; i-- > 0;) {
        const struct listed *l = &c->p->lists[i];
        const struct tag *tag = playlist_find(l->playlist, TAG_VERSION);
        unsigned line, needed = version_needed(l->playlist, &line);

        most = needed > most ? needed : most;
        if (tag)
            CHECK(c, l->playlist->version <= (l->stream ? needed : most), l->file, tag->line, NULL,
                  "version %u where %u is enough", l->playlist->version, l->stream ? needed : most);
    }
}

void check_tags_mixed(struct check *c)
{
    EACH_LIST(l, c->p)
    {
        bool master = !l->stream || (l->playlist->multivariant && !l->playlist->media);

        check_looked(c);
        EACH_TAG(tag, l->playlist)
        {
            if (master ? tag->scope == SCOPE_MEDIA || tag->scope == SCOPE_SEGMENT : tag->scope == SCOPE_MASTER)
                check_broken(c, l->file, tag->line, NULL, "%s in a %s playlist", tag->name,
                             master ? "multivariant" : "media");
            if (tag->scope != SCOPE_MEDIA)
                continue;
            for (const struct tag *before = l->playlist->tags; before < tag;
                 before++) /* few: the scope is small */
                if (before->kind == tag->kind)
                    check_broken(c, l->file, tag->line, NULL, "%s stands twice", tag->name);
        }
    }
}

void check_tags_of_both_once(struct check *c)
{
    EACH_LIST(l, c->p)
    {
        CHECK(c, playlist_count(l->playlist, TAG_INDEPENDENT) <= 1, l->file, 0, NULL,
              "EXT-X-INDEPENDENT-SEGMENTS stands more than once");
        CHECK(c, playlist_count(l->playlist, TAG_START) <= 1, l->file, 0, NULL,
              "EXT-X-START stands more than once");
    }
}

void check_tags_of_both(struct check *c)
{
    static const enum tag_kind kinds[] = { TAG_INDEPENDENT, TAG_START };

    for (size_t i = 0; i < 2; i++) {
        if (!c->p->has_master || !playlist_find(&c->p->master, kinds[i]))
            continue;
        EACH_LIST(l, c->p)
        {
            const struct tag *tag = playlist_find(l->playlist, kinds[i]);

            if (l->stream)
                CHECK(c, !tag, l->file, tag->line, NULL, "%s, which the multivariant playlist says already",
                      tag->name);
        }
    }
}
