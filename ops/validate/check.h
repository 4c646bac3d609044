/* check - what a rule's function gets, and what it tells.
 *
 * A function looks at every subject of its rule, tells of each with check_looked, and of each that breaks the rule with
 * check_broken. A rule that met no subject was not tested, and is reported so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ops/validate/package.h"

enum level { MUST, SHOULD };

struct check;

struct rule {
    unsigned number; /* of the conformance checklist; a number may have several rows */
    enum level level;
    const char *says;   /* what must or should be */
    const char *remedy; /* what to do where it is not */
    void (*check)(struct check *c);
};

struct finding {
    const char *place; /* file, file:line, or file and box path */
    const char *what;
};

struct check {
    const struct package *p;
    const struct rule *rule;
    unsigned long looked, broken;
    struct finding *findings; /* the first FINDINGS_SHOWN */
    size_t findings_n;
};

extern const struct rule rules[];
extern const size_t rules_n;

/* Runs them all; checks has room for rules_n. What they hold lies in the package's arena. */
void check_all(const struct package *p, struct check *checks);

void check_looked(struct check *c);
/* line 0: of the whole file. box: the path of a box, or NULL. */
void check_broken(struct check *c, const char *file, unsigned line, const char *box, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* check_looked, and check_broken unless it holds. */
#define CHECK(c, holds, ...)              \
    do {                                  \
        check_looked(c);                  \
        if (!(holds))                     \
            check_broken(c, __VA_ARGS__); \
    } while (0)

/* Walks: the name of the pointer, and what it walks over. */
/* NOLINTBEGIN(bugprone-macro-parentheses): what is declared cannot stand in parentheses */
#define EACH_STREAM(it, package) \
    for (const struct stream *it = (package)->streams; it < (package)->streams + (package)->streams_n; it++)
#define EACH_PART(it, of) for (const struct part *it = (of)->parts; it < (of)->parts + (of)->parts_n; it++)
#define EACH_LIST(it, package) \
    for (const struct listed *it = (package)->lists; it < (package)->lists + (package)->lists_n; it++)
#define EACH_TAG(it, list)  for (const struct tag *it = (list)->tags; it < (list)->tags + (list)->tags_n; it++)
/* NOLINTEND(bugprone-macro-parentheses) */
#define EACH_VARIANT(it, c) EACH_TAG(it, &(c)->p->master) if ((it)->kind == TAG_STREAM_INF)

/* Facts that several rules ask for. */
double stream_frame(const struct stream *s);                 /* seconds a sample lasts; 0 unknown */
double package_frame(const struct package *p);               /* of the pictures; 0 unknown */
const struct stream *package_video(const struct package *p); /* the first stream of pictures, or NULL */
bool part_is_read(const struct part *part);                  /* its segment's boxes were read */
bool tag_is_video(const struct package *p, const struct tag *variant);
bool stream_is_live(const struct stream *s); /* neither type nor end */
