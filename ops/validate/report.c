#include "ops/validate/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const levels[] = { [MUST] = "must", [SHOULD] = "should" };

static void print_clean(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_row(const struct check *c)
{
    printf("rule %u %s: %s\n", c->rule->number, levels[c->rule->level], c->rule->says);
    for (size_t i = 0; i < c->findings_n; i++) {
        fputs("    ", stdout);
        print_clean(c->findings[i].place);
        fputs("  ", stdout);
        print_clean(c->findings[i].what);
        putchar('\n');
    }
    if (c->broken > c->findings_n)
        printf("    and %lu more\n", c->broken - (unsigned long)c->findings_n);
    printf("    -> %s\n", c->rule->remedy);
}

static json_t *json_row(const struct check *c)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < c->findings_n; i++) /* what is not UTF-8 is told without its text */
        json_array_append_new(
            findings,
            json_pack("{s:o, s:o}", "place",
                      json_string(c->findings[i].place) ? json_string(c->findings[i].place) : json_string("?"),
                      "what",
                      json_string(c->findings[i].what) ? json_string(c->findings[i].what) : json_string("?")));
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "rule", (int)c->rule->number, "level",
                     levels[c->rule->level], "says", c->rule->says, "do", c->rule->remedy, "state",
                     c->broken   ? "broken"
                     : c->looked ? "clean"
                                 : "untested",
                     "looked", (json_int_t)c->looked, "broken", (json_int_t)c->broken, "findings", findings);
}

static void print_json(const struct package *p, const struct check *checks, const unsigned *broken,
                       unsigned untested)
{
    json_t *rows = json_array(), *all;
    char *text;

    for (size_t i = 0; i < rules_n; i++)
        json_array_append_new(rows, json_row(&checks[i]));
    all = json_pack("{s:s, s:i, s:i, s:i, s:o}", "url", p->url, "musts_broken", (int)broken[MUST],
                    "shoulds_broken", (int)broken[SHOULD], "untested", (int)untested, "rules", rows);
    text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(all);
}

unsigned report_print(const struct package *p, const struct check *checks, bool json)
{
    unsigned broken[2] = { 0 }, untested = 0, clean = 0;

    for (size_t i = 0; i < rules_n; i++) {
        broken[checks[i].rule->level] += checks[i].broken > 0;
        untested += !checks[i].looked;
        clean += checks[i].looked && !checks[i].broken;
        if (!json && checks[i].broken)
            print_row(&checks[i]);
    }
    if (json) {
        print_json(p, checks, broken, untested);
        return broken[MUST];
    }
    printf("%u musts and %u shoulds broken, %u clean, %u with nothing to look at; %zu playlists, %zu objects\n",
           broken[MUST], broken[SHOULD], clean, untested, p->lists_n, p->objects_n);
    return broken[MUST];
}
