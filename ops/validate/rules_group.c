/* rules 28 and 34 to 38: renditions, their groups, and what a variant says of them. */
#include <string.h>
#include <strings.h>

#include "ops/validate/rules.h"

#define EACH_RENDITION(tag, c) EACH_TAG(tag, &(c)->p->master) if ((tag)->kind == TAG_MEDIA)

static const char *const group_types[] = { "AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS" };
enum { GROUP_TYPES = sizeof(group_types) / sizeof(*group_types) };

static const char *master_file(const struct check *c)
{
    return c->p->first->shown;
}

/* ---- CODECS */

/* The next name of a list, of len bytes; NULL at its end. */
static const char *codec_next(const char **list, size_t *ret_len)
{
    const char *at = *list + strspn(*list, ", ");

    *ret_len = strcspn(at, ", ");
    *list = at + *ret_len;
    return *ret_len ? at : NULL;
}

/* The optional tail of AV1's and VP9's names may be left out. */
static bool codec_is(const char *listed, size_t len, const char *name)
{
    size_t own = strlen(name);
    bool tail = strncmp(name, "av01", 4) == 0 || strncmp(name, "vp09", 4) == 0;

    return (len == own || (tail && len > own && listed[own] == '.')) && strncasecmp(listed, name, own) == 0;
}

static bool codec_in(const char *list, const char *name)
{
    const char *at;
    size_t len;

    while ((at = codec_next(&list, &len)))
        if (codec_is(at, len, name))
            return true;
    return false;
}

/* What a variant may play: its own stream, or one of a rendition that it names. */
static bool variant_plays(const struct check *c, const struct tag *variant, const struct stream *s)
{
    const char *own = variant->kind == TAG_STREAM_INF ? variant->uri : tag_attribute(variant, "URI");

    if (s == package_stream(c->p, own))
        return true;
    EACH_RENDITION(tag, c)
    {
        const char *group = tag_attribute(variant, tag_text(tag, "TYPE"));

        if (group && tag_is(tag, "GROUP-ID", group) && s == package_stream(c->p, tag_attribute(tag, "URI")))
            return true;
    }
    return false;
}

static void check_codecs_of(struct check *c, const struct tag *variant, const char *list)
{
    const char *rest = list, *name;
    bool all = true; /* every format of the variant is known */
    size_t len;

    EACH_STREAM(s, c->p)
    {
        if (s->representation || s->kind == STREAM_TEXT || !variant_plays(c, variant, s))
            continue;
        all &= s->track && s->track->name[0];
        if (s->track && s->track->name[0])
            CHECK(c, codec_in(list, s->track->name), master_file(c), variant->line, NULL,
                  "CODECS=\"%s\" lacks %s, which %s is", list, s->track->name, s->shown);
    }
    while ((name = codec_next(&rest, &len))) {
        bool found = !all || strncmp(name, "wvtt", 4) == 0 || strncmp(name, "stpp", 4) == 0;

        EACH_STREAM(s, c->p)
        found |= s->track && codec_is(name, len, s->track->name) && variant_plays(c, variant, s);
        CHECK(c, found, master_file(c), variant->line, NULL,
              "CODECS names %.*s, and nothing of the variant is that", (int)len, name);
    }
}

void check_codecs(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        const char *list = tag_attribute(tag, "CODECS");

        if (list && (tag->kind == TAG_STREAM_INF || tag->kind == TAG_IFRAME_STREAM_INF))
            check_codecs_of(c, tag, list);
    }
}

/* ---- groups */

static bool group_exists(const struct check *c, const char *type, const char *group)
{
    EACH_RENDITION(tag, c)
    if (tag_is(tag, "TYPE", type) && tag_is(tag, "GROUP-ID", group))
        return true;
    return false;
}

void check_groups_there(struct check *c)
{
    EACH_VARIANT(tag, c)
    for (size_t i = 0; i < GROUP_TYPES; i++) {
        const char *group = tag_attribute(tag, group_types[i]);

        if (group && !(i == 3 && strcmp(group, "NONE") == 0))
            CHECK(c, group_exists(c, group_types[i], group), master_file(c), tag->line, NULL,
                  "%s=\"%s\", and there is no such group", group_types[i], group);
    }
}

static bool tags_equal(const struct tag *a, const struct tag *b, const char *attribute)
{
    return strcmp(tag_text(a, attribute), tag_text(b, attribute)) == 0;
}

static bool tags_in_group(const struct tag *a, const struct tag *b)
{
    return tags_equal(a, b, "TYPE") && tags_equal(a, b, "GROUP-ID");
}

/* The member of another group of the same type with the same name and language. */
static bool group_has_like(const struct check *c, const struct tag *tag, const char *group)
{
    EACH_RENDITION(other, c)
    if (tags_equal(tag, other, "TYPE") && tag_is(other, "GROUP-ID", group) && tags_equal(tag, other, "NAME") &&
        tags_equal(tag, other, "LANGUAGE"))
        return true;
    return false;
}

void check_renditions(struct check *c)
{
    EACH_RENDITION(tag, c)
    {
        CHECK(c, tag_attribute(tag, "TYPE") && tag_attribute(tag, "GROUP-ID") && tag_attribute(tag, "NAME"),
              master_file(c), tag->line, NULL, "TYPE, GROUP-ID or NAME is missing");
        EACH_RENDITION(other, c)
        {
            if (other < tag && tags_in_group(tag, other)) {
                CHECK(c, !tags_equal(tag, other, "NAME"), master_file(c), tag->line, NULL,
                      "the NAME of line %u stands again in the group", other->line);
                CHECK(c, !tag_is(tag, "DEFAULT", "YES") || !tag_is(other, "DEFAULT", "YES"), master_file(c),
                      tag->line, NULL, "line %u is DEFAULT=YES already", other->line);
            } else if (tags_equal(tag, other, "TYPE") && !tags_in_group(tag, other)) {
                CHECK(c, group_has_like(c, tag, tag_text(other, "GROUP-ID")), master_file(c), tag->line, NULL,
                      "the group \"%s\" has no \"%s\"", tag_text(other, "GROUP-ID"), tag_text(tag, "NAME"));
            }
        }
    }
}

static bool tag_is_automatic(const struct tag *tag)
{
    return tag_is(tag, "AUTOSELECT", "YES");
}

void check_renditions_differ(struct check *c)
{
    EACH_RENDITION(tag, c)
    EACH_RENDITION(other, c)
    if (other < tag && tags_in_group(tag, other) && tag_is_automatic(tag) && tag_is_automatic(other))
        CHECK(c,
              !tags_equal(tag, other, "LANGUAGE") || !tags_equal(tag, other, "ASSOC-LANGUAGE") ||
                  !tags_equal(tag, other, "FORCED") || !tags_equal(tag, other, "CHARACTERISTICS"),
              master_file(c), tag->line, NULL, "a player cannot choose between this and line %u", other->line);
}

void check_rendition_attributes(struct check *c)
{
    EACH_RENDITION(tag, c)
    {
        CHECK(c, tag_is(tag, "TYPE", "VIDEO") || tag_attribute(tag, "LANGUAGE"), master_file(c), tag->line, NULL,
              "LANGUAGE is missing");
        if (tag_is(tag, "TYPE", "SUBTITLES"))
            CHECK(c, tag_attribute(tag, "URI"), master_file(c), tag->line, NULL, "URI is missing");
    }
}

void check_rendition_channels(struct check *c)
{
    EACH_RENDITION(tag, c)
    if (tag_is(tag, "TYPE", "AUDIO"))
        CHECK(c, tag_attribute(tag, "CHANNELS"), master_file(c), tag->line, NULL, "CHANNELS is missing");
}

void check_captions_and_data(struct check *c)
{
    const struct tag *first = NULL;

    EACH_VARIANT(tag, c)
    {
        first = first ? first : tag;
        CHECK(c, tag_is(tag, "CLOSED-CAPTIONS", "NONE") == tag_is(first, "CLOSED-CAPTIONS", "NONE"),
              master_file(c), tag->line, NULL, "CLOSED-CAPTIONS=NONE is not as in line %u", first->line);
    }
    EACH_TAG(tag, &c->p->master)
    {
        if (tag->kind != TAG_SESSION_DATA)
            continue;
        CHECK(c, tag_attribute(tag, "DATA-ID") && !tag_attribute(tag, "VALUE") != !tag_attribute(tag, "URI"),
              master_file(c), tag->line, NULL, "not DATA-ID with either VALUE or URI");
        EACH_TAG(other, &c->p->master)
        if (other < tag && other->kind == TAG_SESSION_DATA)
            CHECK(c, !tags_equal(tag, other, "DATA-ID") || !tags_equal(tag, other, "LANGUAGE"), master_file(c),
                  tag->line, NULL, "the same DATA-ID and LANGUAGE as in line %u", other->line);
    }
}

/* A stream of pictures whose CODECS name sound, though no group does, carries that sound itself. */
static bool variant_has_own_sound(const struct check *c, const struct tag *variant)
{
    const struct stream *s = package_stream(c->p, variant->uri);
    const char *codecs = tag_text(variant, "CODECS");

    if (s && s->track && s->track->tracks > 1)
        return true;
    return tag_is_video(c->p, variant) && !tag_attribute(variant, "AUDIO") &&
           (strstr(codecs, "mp4a") || strstr(codecs, "ac-3") || strstr(codecs, "ec-3"));
}

void check_sound_apart(struct check *c)
{
    EACH_VARIANT(tag, c)
    CHECK(c, !variant_has_own_sound(c, tag), master_file(c), tag->line, NULL,
          "pictures and sound in the same segments");
}

void check_sound_apart_needed(struct check *c)
{
    const struct tag *first = NULL;

    EACH_VARIANT(tag, c)
    {
        size_t sounds = 0;

        first = first ? first : tag;
        CHECK(c, !tag_attribute(tag, "SCORE") == !tag_attribute(first, "SCORE"), master_file(c), tag->line, NULL,
              "SCORE is not as in line %u", first->line);
        EACH_RENDITION(other, c)
        sounds += tag_is(other, "TYPE", "AUDIO");
        CHECK(c, sounds < 2 || !variant_has_own_sound(c, tag), master_file(c), tag->line, NULL,
              "pictures and sound in the same segments, though there are %zu renditions of sound", sounds);
    }
}
