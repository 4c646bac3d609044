/* xml - a document as a tree of elements, by expat: no file and no network is ever opened for it, a DOCTYPE (and with it
 * every entity but the five of XML) is refused. Names are kept without their prefix. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "schemas/wire/arena.h"

struct xml_element {
    const char *name;
    const char *space;       /* the namespace, "" for none */
    const char **attributes; /* name, value, name, value, NULL */
    const char *text;        /* what stands in it beside elements; "" */
    unsigned line;
    struct xml_element *parent, *first, *last, *next;
};

/* NULL when it is no well-formed document or too large a one; then why and line say where it went wrong. */
struct xml_element *xml_parse(struct arena *arena, struct bytes text, const char **ret_why, unsigned *ret_line);

const char *xml_attribute(const struct xml_element *element, const char *name); /* NULL when it is not there */
/* The first child of that name, or the one behind `after`. */
struct xml_element *xml_child(const struct xml_element *element, const char *name,
                              const struct xml_element *after);
