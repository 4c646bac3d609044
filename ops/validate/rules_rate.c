/* rules 25 to 27: what is declared, against what the segments weigh. */
#include <math.h>
#include <string.h>

#include "ops/validate/rules.h"

/* What may play with a variant: its own stream, and the largest rendition of each group that it names. */
struct combination {
    double peak, average;
    bool whole; /* every stream of it could be measured */
};

static const struct {
    const char *attribute, *type;
} groups[] = { { "AUDIO", "AUDIO" }, { "SUBTITLES", "SUBTITLES" }, { "VIDEO", "VIDEO" } };

static bool stream_is_measured(const struct stream *s)
{
    if (!s || !s->parts_n)
        return false;
    EACH_PART(part, s)
    if (!part->object || (part->object->status != 200 && part->object->status != 206))
        return false;
    return true;
}

static void combination_add(struct combination *sum, const struct check *c, const struct tag *variant,
                            size_t group)
{
    const char *name = tag_attribute(variant, groups[group].attribute);
    const struct stream *own = package_stream(c->p, variant->uri);
    double peak = 0, average = 0;

    EACH_TAG(tag, &c->p->master)
    {
        const struct stream *s;
        struct stream_rate rate;

        if (!name || tag->kind != TAG_MEDIA || !tag_is(tag, "TYPE", groups[group].type) ||
            !tag_is(tag, "GROUP-ID", name) || !tag_attribute(tag, "URI"))
            continue;
        s = package_stream(c->p, tag_attribute(tag, "URI"));
        if (s == own)
            continue;
        if (!stream_is_measured(s)) {
            sum->whole = false;
            continue;
        }
        rate = stream_measure(s);
        peak = fmax(peak, rate.peak);
        average = fmax(average, rate.average);
    }
    sum->peak += peak;
    sum->average += average;
}

static struct combination combination_of(const struct check *c, const struct tag *variant)
{
    const struct stream *s = package_stream(c->p, variant->kind == TAG_STREAM_INF ? variant->uri
                                                                                  : tag_attribute(variant, "URI"));
    struct combination sum = { .whole = stream_is_measured(s) };

    if (!sum.whole)
        return sum;
    struct stream_rate own = stream_measure(s);
    sum.peak = own.peak;
    sum.average = own.average;
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups) && variant->kind == TAG_STREAM_INF; i++)
        combination_add(&sum, c, variant, i);
    return sum;
}

static double declared(const struct tag *variant, const char *name)
{
    uint64_t number;

    return text_number(tag_text(variant, name), &number) ? (double)number : -1;
}

static bool is_variant(const struct tag *tag)
{
    return tag->kind == TAG_STREAM_INF || tag->kind == TAG_IFRAME_STREAM_INF;
}

static bool variant_is_vod(const struct check *c, const struct tag *tag)
{
    const struct stream *s = package_stream(c->p,
                                            tag->kind == TAG_STREAM_INF ? tag->uri : tag_attribute(tag, "URI"));

    return s && stream_is_vod(s);
}

static void check_rate(struct check *c, const struct tag *tag, const char *name, double is, double low,
                       double high)
{
    double told = declared(tag, name);

    if (told >= 0)
        CHECK(c, is >= told * low && is <= told * high, c->p->first->shown, tag->line, NULL,
              "%s=%.0f, and %.0f is measured", name, told, is);
}

void check_vod_rates(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        struct combination sum;

        if (!is_variant(tag) || !variant_is_vod(c, tag))
            continue;
        sum = combination_of(c, tag);
        if (!sum.whole)
            continue;
        check_rate(c, tag, "BANDWIDTH", sum.peak, 0.9, 1.1);
        check_rate(c, tag, "AVERAGE-BANDWIDTH", sum.average, 0.9, 1.1);
    }
}

/* One in a thousand is let pass: EXTINF is rounded. */
void check_largest_sum(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        struct combination sum;

        if (tag->kind != TAG_STREAM_INF || !variant_is_vod(c, tag))
            continue;
        sum = combination_of(c, tag);
        if (sum.whole && declared(tag, "BANDWIDTH") >= 0)
            CHECK(c, declared(tag, "BANDWIDTH") >= sum.peak * 0.999, c->p->first->shown, tag->line, NULL,
                  "BANDWIDTH=%.0f, and the peaks that may play together add up to %.0f",
                  declared(tag, "BANDWIDTH"), sum.peak);
    }
}

void check_live_rates(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        struct combination sum;

        if (!is_variant(tag) || variant_is_vod(c, tag))
            continue;
        sum = combination_of(c, tag);
        if (!sum.whole)
            continue;
        check_rate(c, tag, "BANDWIDTH", sum.peak, 0, 1.25);
        check_rate(c, tag, "AVERAGE-BANDWIDTH", sum.average, 0, 1.1);
    }
}

void check_peak_of_average(struct check *c)
{
    EACH_STREAM(s, c->p)
    if (s->kind == STREAM_VIDEO && !s->representation && stream_is_vod(s) && stream_is_measured(s))
        CHECK(c, stream_measure(s).peak <= 2 * stream_measure(s).average, s->shown, 0, NULL,
              "peak %.0f kb/s, average %.0f kb/s", stream_measure(s).peak / 1000,
              stream_measure(s).average / 1000);
}
