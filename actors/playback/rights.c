/* rights - see rights.h */
#include "actors/playback/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/playback/country.h"
#include "actors/playback/known.h"
#include "actors/playback/views.h"
#include "actors/playback/window.h"
#include "gen/auth.h"
#include "gen/errors.h"
#include "schemas/wire/arena.h"

enum { RIGHTS_COUNTRIES_TOLD = 20 };

/* Somebody before a video; or, where nobody is said, anybody. */
struct rights_case {
    struct turn *t;
    const struct video *video;
    const struct playback_settings *settings;
    const struct subject *who; /* NULL: what would others meet? */
    const char *country;       /* "": not known */
    const char *birthday;      /* "": not known */
    unsigned streams;          /* of the account that are on; 0 where they do not count */
    int64_t now;
};

static struct arena *rights_arena(const struct rights_case *c)
{
    return turn_arena(c->t);
}

static bool rights_known(const struct rights_case *c)
{
    return c->who && c->who->known;
}

static const char *rights_moment(const struct rights_case *c, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];

    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%-d %B %Y, %H:%M UTC", &tm);
    return arena_strdup(rights_arena(c), text);
}

/* ---- the rules: true, and why, where the rule refuses */

static bool rights_visibility(const struct rights_case *c, struct refusal *ret)
{
    const struct video *v = c->video;

    ret->sentence = v->life != LIFE_STATE_LIVE              ? "It is in the trash."
                    : v->visibility == VISIBILITY_PRIVATE   ? "It is private."
                    : v->release == RELEASE_STATE_SCHEDULED ? "It is not published yet."
                    : v->release != RELEASE_STATE_PUBLISHED ? "It is not published."
                                                            : NULL;
    return ret->sentence != NULL;
}

/* Roles are counted from 1; the audience has one more before them. */
static bool rights_role(const struct rights_case *c, struct refusal *ret)
{
    enum audience least = c->settings->audience;

    if (least <= AUDIENCE_ANYONE || (rights_known(c) && (int)c->who->role + 1 >= (int)least))
        return false;
    ret->sentence = least == AUDIENCE_VIEWER
                        ? "Only people with an account may watch here: sign in."
                        : arena_printf(rights_arena(c), "Only accounts of the role %s and above may watch here.",
                                       wire_enum_name(&audience_names, (int)least));
    return true;
}

static bool rights_window(const struct rights_case *c, struct refusal *ret)
{
    const struct watch_window *w = &c->video->window;

    if (window_is_open(c->video, c->now))
        return false;
    if (w->has_from && c->now < w->from) {
        ret->has_from = true;
        ret->from = w->from;
        ret->sentence = arena_printf(rights_arena(c), "It can be watched from %s on.", rights_moment(c, w->from));
    } else {
        ret->has_until = true;
        ret->until = w->until;
        ret->sentence = arena_printf(rights_arena(c), "It could be watched until %s.", rights_moment(c, w->until));
    }
    return true;
}

static bool rights_lists(const struct watch_regions *regions, const char *country)
{
    for (size_t i = 0; i < regions->countries_n; i++)
        if (strcmp(regions->countries[i], country) == 0)
            return true;
    return false;
}

static const char *rights_countries(const struct rights_case *c)
{
    const struct watch_regions *regions = &c->video->regions;
    const char *text = "";
    size_t told = regions->countries_n < RIGHTS_COUNTRIES_TOLD ? regions->countries_n : RIGHTS_COUNTRIES_TOLD;

    for (size_t i = 0; i < told; i++)
        text = arena_printf(rights_arena(c), "%s%s%s", text, i ? ", " : "", regions->countries[i]);
    return told == regions->countries_n
               ? text
               : arena_printf(rights_arena(c), "%s and %zu more", text, regions->countries_n - told);
}

static bool rights_region(const struct rights_case *c, struct refusal *ret)
{
    const struct watch_regions *regions = &c->video->regions;
    bool only = regions->rule == REGION_RULE_ONLY;
    bool unknown_pass = c->settings->unknown_country == UNKNOWN_COUNTRY_ALLOWED;

    if (!c->video->has_regions)
        return false;
    if (!c->who) {
        ret->sentence = arena_printf(
            rights_arena(c), "It may %sbe watched in %s%s. Where the country is not known, it may%s.",
            only ? "" : "not ", rights_countries(c), only ? " alone" : "", unknown_pass ? "" : " not");
        return true;
    }
    if (!*c->country) {
        ret->sentence = "It may be watched in some countries only, and which one you are in is not known.";
        return !unknown_pass;
    }
    ret->sentence = arena_printf(rights_arena(c),
                                 "It may not be watched in the country where you seem to be (%s).", c->country);
    return rights_lists(regions, c->country) != only;
}

/* Whole years between two days, as "1990-12-31"; UTC. */
static unsigned rights_years(const char *birthday, int64_t now)
{
    time_t s = (time_t)(now / 1000);
    struct tm tm;
    char today[16];
    int years;

    gmtime_r(&s, &tm);
    strftime(today, sizeof(today), "%Y-%m-%d", &tm);
    years = tm.tm_year + 1900 - (int)strtol(birthday, NULL, 10) - (strcmp(today + 4, birthday + 4) < 0);
    return years > 0 ? (unsigned)years : 0;
}

static bool rights_age(const struct rights_case *c, struct refusal *ret)
{
    unsigned least = (unsigned)c->video->minimum_age;
    const char *more = "";

    if (least == 0 || (rights_known(c) && *c->birthday && rights_years(c->birthday, c->now) >= least))
        return false;
    if (c->who && !c->who->known)
        more = " Sign in, so that your age is known.";
    else if (c->who && !*c->birthday)
        more = " Tell your birthday in the settings of your account.";
    ret->sentence = arena_printf(rights_arena(c), "It is for people of %u years and above.%s", least, more);
    return true;
}

static bool rights_streams(const struct rights_case *c, struct refusal *ret)
{
    if (c->settings->streams_max == 0 || c->streams < c->settings->streams_max)
        return false;
    ret->sentence = arena_printf(
        rights_arena(c),
        "%u playback%s of this account %s on, as many as it may have at a time: stop one, and try again.",
        c->streams, c->streams == 1 ? "" : "s", c->streams == 1 ? "is" : "are");
    return true;
}

static const struct rights_rule {
    const char *name;
    bool (*refuses)(const struct rights_case *c, struct refusal *ret);
    int err, stranger; /* what is answered, and to who is not signed in */
    bool everybody;    /* its owner and moderators do not pass either */
    unsigned counter;
} rights_rules[] = {
    { "visibility", rights_visibility, ERR_NOT_FOUND, ERR_NOT_FOUND, false, PLAYBACK_SESSIONS_UNENTITLED },
    { "role", rights_role, ERR_FORBIDDEN, ERR_UNAUTHENTICATED, false, PLAYBACK_SESSIONS_UNENTITLED },
    { "window", rights_window, ERR_FORBIDDEN, ERR_FORBIDDEN, false, PLAYBACK_SESSIONS_UNENTITLED },
    { "region", rights_region, ERR_FORBIDDEN, ERR_FORBIDDEN, false, PLAYBACK_SESSIONS_UNENTITLED },
    { "age", rights_age, ERR_FORBIDDEN, ERR_UNAUTHENTICATED, false, PLAYBACK_SESSIONS_UNENTITLED },
    { "streams", rights_streams, ERR_QUOTA_EXCEEDED, ERR_QUOTA_EXCEEDED, true, PLAYBACK_SESSIONS_REFUSED },
};

enum { RIGHTS_RULES = sizeof(rights_rules) / sizeof(*rights_rules) };

/* Those that refuse, in order; all: also those that some pass. Answers the first, NULL when none does. */
static const struct rights_rule *rights_look(const struct rights_case *c, bool everybody, bool some,
                                             struct refusal **ret, size_t *ret_n)
{
    const struct rights_rule *first = NULL;

    *ret = arena_alloc_n(rights_arena(c), RIGHTS_RULES, sizeof(**ret));
    *ret_n = 0;
    for (size_t i = 0; i < RIGHTS_RULES; i++) {
        const struct rights_rule *rule = &rights_rules[i];
        struct refusal refusal = { .rule = rule->name };

        if (!(rule->everybody ? everybody : some) || !rule->refuses(c, &refusal))
            continue;
        (*ret)[(*ret_n)++] = refusal;
        first = first ? first : rule;
    }
    return first;
}

/* ---- asking */

void rights_address(struct rights_asking *ask, const char *address)
{
    snprintf(ask->address, sizeof(ask->address), "%s", address ? address : "");
}

int rights_ask(struct turn *t, const struct rights_asking *ask)
{
    int r = ask_get_playable(t, &(struct get_playable) { .id = ask->video }, ask->then, ask, sizeof(*ask));

    return r < 0 ? r : TURN_LATER;
}

static int rights_person(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    struct rights_asking ask = *(const struct rights_asking *)ctx;
    const struct user *user = answer;

    if (err < 0)
        return turn_fail(t, err, NULL, "the viewer's age could not be looked up");
    ask.person_asked = true;
    snprintf(ask.birthday, sizeof(ask.birthday), "%s", user->birthday ? user->birthday : "");
    return rights_ask(t, &ask);
}

static void rights_country(struct playback *self, struct turn *t, const char *address, char to[static 3])
{
    const struct playback_settings *settings = turn_settings(t);
    const char *path = settings->country_database ? settings->country_database : "", *why = NULL;
    int r = country_open(&self->countries, path, turn_now(t), &why);

    if (r < 0)
        turn_log(t, "countries", "result=%s path=%s detail=\"%s\"", err_name(r), path, why);
    if (!country_of(self->countries, address, to))
        to[0] = '\0';
}

/* To whom the media is handed out: whoever may watch it as others may has the address that all of them share. */
static struct keys_right rights_right(const struct rights_case *c)
{
    const struct video *v = c->video;

    if (!known_is_open(v) || !window_is_open(v, c->now))
        return (struct keys_right) { .policy = "owner" };
    return (struct keys_right) { .policy = window_is_limited(v) ? "some" : "open",
                                 .until = v->has_window && v->window.has_until ? v->window.until : 0 };
}

int rights_decide(struct playback *self, struct turn *t, const struct playable *playable,
                  const struct rights_asking *ask, struct rights *ret)
{
    struct rights_case c = { .t = t,
                             .video = &playable->video,
                             .settings = turn_settings(t),
                             .who = turn_subject(t),
                             .birthday = ask->birthday,
                             .now = turn_now(t) };
    bool passes = turn_may_manage(t, c.video->owner_id);
    const struct rights_rule *by;
    struct refusal *refusals;
    char country[3] = "";
    size_t n;
    int r = 0;

    if (c.video->minimum_age && !passes && c.who->known && !ask->person_asked) {
        r = ask_get_me(t, &(struct get_me) { 0 }, rights_person, ask, sizeof(*ask));
        return r < 0 ? r : TURN_LATER;
    }
    if (c.video->has_regions && !passes)
        rights_country(self, t, ask->address, country);
    c.country = country;
    if (ask->streams)
        r = views_on(t, ask->play, c.video->id, &c.streams);
    if (r < 0)
        return r;
    by = rights_look(&c, true, !passes, &refusals, &n);
    if (by) {
        turn_count(t, by->counter, 1);
        return turn_refuse(t, c.who->known ? by->err : by->stranger, refusals, n);
    }
    *ret = (struct rights) { .right = rights_right(&c) };
    c.who = NULL;
    if (passes)
        rights_look(&c, false, true, &ret->others, &ret->others_n);
    return 0;
}
