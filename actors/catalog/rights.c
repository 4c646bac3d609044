/* rights - see rights.h */
#include "actors/catalog/rights.h"

#include <string.h>

/* ISO 3166-1 alpha-2, as officially assigned. */
static const char rights_codes[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
    "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE "
    "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
    "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC "
    "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
    "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

static bool rights_is_country(const char *code)
{
    const char *at = strlen(code) == 2 && code[0] != ' ' && code[1] != ' ' ? strstr(rights_codes, code) : NULL;

    return at && (at - rights_codes) % 3 == 0;
}

static int rights_set_window(struct turn *t, struct video_row *row, const struct watch_window *ask)
{
    if (ask->has_from && ask->has_until && ask->until <= ask->from)
        return turn_fail(t, ERR_INVALID, "window.until", "is not after window.from");
    row->window = *ask;
    row->has_window = ask->has_from || ask->has_until;
    return 0;
}

static int rights_set_regions(struct turn *t, struct video_row *row, const struct watch_regions *ask)
{
    for (size_t i = 0; i < ask->countries_n; i++)
        if (!rights_is_country(ask->countries[i]))
            return turn_fail(t, ERR_INVALID, "regions.countries",
                             "%s is no country's code: two letters of ISO 3166-1 in upper case, like DE or GB",
                             ask->countries[i]);
    if (ask->countries_n && !ask->rule)
        return turn_fail(t, ERR_INVALID, "regions.rule", "is missing: only there, or everywhere except there?");
    if (ask->rule && !ask->countries_n)
        return turn_fail(t, ERR_INVALID, "regions.countries", "names no country");
    row->regions = *ask;
    row->has_regions = ask->countries_n > 0;
    return 0;
}

int rights_set(struct turn *t, struct video_row *row, const struct update_video *ask)
{
    int r = 0;

    if (ask->has_window)
        r = rights_set_window(t, row, &ask->window);
    if (r == 0 && ask->has_regions)
        r = rights_set_regions(t, row, &ask->regions);
    if (ask->has_minimum_age)
        row->minimum_age = ask->minimum_age;
    return r;
}

bool rights_are_open(const struct video_row *row, int64_t now)
{
    const struct watch_window *w = &row->window;

    return !row->has_window || ((!w->has_from || now >= w->from) && (!w->has_until || now < w->until));
}

void rights_hide(struct video *video)
{
    video->has_regions = false;
    video->regions = (struct watch_regions) { 0 };
}
