#include "ops/validate/xml.h"

#include <expat.h>
#include <string.h>

#include "ops/validate/limits.h"

struct xml_reading {
    struct arena *arena;
    XML_Parser parser;
    struct xml_element *root, *open;
    unsigned depth, elements;
    const char *why;
};

static void xml_stop(struct xml_reading *r, const char *why)
{
    r->why = why;
    XML_StopParser(r->parser, XML_FALSE);
}

/* expat tells a name as space|local. */
static const char *xml_local(const char *name)
{
    const char *bar = strrchr(name, '|');

    return bar ? bar + 1 : name;
}

static void xml_start(void *ctx, const char *name, const char **attributes)
{
    struct xml_reading *r = ctx;
    struct xml_element *e = arena_alloc(r->arena, sizeof(*e));
    const char *local = xml_local(name);
    size_t n = 0;

    if (++r->elements > ELEMENTS_MOST || ++r->depth > DEPTH_MOST)
        return xml_stop(r, "more elements, or deeper ones, than are looked at");
    while (attributes[n])
        n++;
    if (n > 2 * ATTRIBUTES_MOST)
        return xml_stop(r, "more attributes than are looked at");
    e->name = arena_strdup(r->arena, local);
    e->space = local > name ? arena_strndup(r->arena, name, (size_t)(local - name - 1)) : "";
    e->attributes = arena_alloc_n(r->arena, n + 1, sizeof(*e->attributes));
    for (size_t i = 0; i < n; i++)
        e->attributes[i] = arena_strdup(r->arena, i % 2 ? attributes[i] : xml_local(attributes[i]));
    e->text = "";
    e->line = (unsigned)XML_GetCurrentLineNumber(r->parser);
    e->parent = r->open;
    if (!r->open)
        r->root = e;
    else if (r->open->last)
        r->open->last->next = e;
    else
        r->open->first = e;
    if (r->open)
        r->open->last = e;
    r->open = e;
}

static void xml_end(void *ctx, const char *name)
{
    struct xml_reading *r = ctx;

    (void)name;
    r->depth--;
    r->open = r->open->parent;
}

static void xml_text(void *ctx, const char *text, int len)
{
    struct xml_reading *r = ctx;
    struct xml_element *e = r->open;

    if (len <= 0 || !e || strlen(e->text) > 4096 || strspn(text, " \t\r\n") >= (size_t)len)
        return;
    e->text = arena_printf(r->arena, "%s%.*s", e->text, len, text);
}

static void xml_doctype(void *ctx, const char *name, const char *system, const char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    xml_stop(ctx, "a DOCTYPE, which no MPD needs");
}

struct xml_element *xml_parse(struct arena *arena, struct bytes text, const char **ret_why, unsigned *ret_line)
{
    struct xml_reading r = { .arena = arena, .parser = XML_ParserCreateNS(NULL, '|') };
    enum XML_Status status;

    if (!r.parser || text.len > TEXT_MOST) {
        *ret_why = "it is too large";
        *ret_line = 0;
        return NULL;
    }
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, xml_start, xml_end);
    XML_SetCharacterDataHandler(r.parser, xml_text);
    XML_SetStartDoctypeDeclHandler(r.parser, xml_doctype);
    XML_SetHashSalt(r.parser,
                    1); /* fixed: expat then asks nobody for random bytes; the number of names is bounded */
    status = XML_Parse(r.parser, text.len ? text.data : "", (int)text.len, XML_TRUE);
    if (status != XML_STATUS_OK) {
        const char *why = r.why ? r.why : XML_ErrorString(XML_GetErrorCode(r.parser));

        *ret_why = arena_strdup(arena, why);
        *ret_line = (unsigned)XML_GetCurrentLineNumber(r.parser);
        r.root = NULL;
    }
    XML_ParserFree(r.parser);
    return r.root;
}

const char *xml_attribute(const struct xml_element *element, const char *name)
{
    for (const char **at = element->attributes; *at; at += 2)
        if (strcmp(at[0], name) == 0)
            return at[1];
    return NULL;
}

struct xml_element *xml_child(const struct xml_element *element, const char *name, const struct xml_element *after)
{
    for (struct xml_element *e = after ? after->next : element->first; e; e = e->next)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}
