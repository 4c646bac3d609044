/* problem - see problem.h */
#include "web/front/http/problem.h"

#include <stdlib.h>

#include <jansson.h>

#include "gen/errors.h"
#include "schemas/wire/time.h"

/* What is not UTF-8 is left out. */
static void problem_text(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(object, key, json_string(text));
}

static void problem_time(json_t *object, const char *key, bool has, int64_t ms)
{
    char text[TIME_TEXT_SIZE];

    if (has)
        problem_text(object, key, time_format(ms, text));
}

static void problem_refusals(json_t *object, const struct problem *body)
{
    json_t *refusals = json_array();

    for (size_t i = 0; i < body->refusals_n; i++) {
        const struct refusal *from = &body->refusals[i];
        json_t *one = json_object();

        problem_text(one, "rule", from->rule);
        problem_text(one, "sentence", from->sentence);
        problem_time(one, "from", from->has_from, from->from);
        problem_time(one, "until", from->has_until, from->until);
        json_array_append_new(refusals, one);
    }
    json_object_set_new(object, "refusals", refusals);
}

static void problem_body(json_t *object, const struct problem *body)
{
    json_t *errors = body->errors_n > 0 ? json_array() : NULL;

    problem_text(object, "detail", body->detail);
    for (size_t i = 0; i < body->errors_n; i++) {
        json_t *error = json_object();

        problem_text(error, "field", body->errors[i].field);
        problem_text(error, "message", body->errors[i].message);
        json_array_append_new(errors, error);
    }
    if (errors)
        json_object_set_new(object, "errors", errors);
    if (body->refusals_n > 0)
        problem_refusals(object, body);
}

void problem_write(const struct problem_doc *doc, struct buf *out)
{
    json_t *object = json_pack("{s:o, s:s, s:i, s:s}", "type",
                               json_sprintf("urn:kinobus:problem:%s", err_slug(doc->err)), "title",
                               err_title(doc->err), "status", err_http(doc->err), "code", err_slug(doc->err));
    char *text;

    if (!object)
        abort();
    problem_text(object, "refused_by", doc->by);
    if (doc->body)
        problem_body(object, doc->body);
    problem_text(object, "instance", doc->instance);
    problem_text(object, "request_id", doc->request_id);
    json_object_set_new(object, "retryable", json_boolean(err_retryable(doc->err)));
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!text)
        abort();
    buf_put_text(out, text);
    free(text);
}
