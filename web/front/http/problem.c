/* problem - see problem.h */
#include "web/front/http/problem.h"

#include <stdlib.h>

#include <jansson.h>

#include "gen/errors.h"

static void problem_text(json_t *doc, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(doc, key, json_string(text)); /* what is not UTF-8 is left out */
}

void problem_write(const struct problem *problem, struct buf *out)
{
    json_t *doc = json_pack(
        "{s:o, s:s, s:i, s:s}", "type", json_sprintf("urn:kinobus:problem:%s", err_slug(problem->err)), "title",
        err_title(problem->err), "status", err_http(problem->err), "code", err_slug(problem->err));
    char *text;

    if (!doc)
        abort();
    problem_text(doc, "detail", problem->detail);
    problem_text(doc, "instance", problem->instance);
    problem_text(doc, "request_id", problem->request_id);
    json_object_set_new(doc, "retryable", json_boolean(err_retryable(problem->err)));
    if (problem->field && *problem->field)
        json_object_set_new(doc, "errors",
                            json_pack("[{s:s, s:s}]", "field", problem->field, "detail",
                                      problem->detail ? problem->detail : err_title(problem->err)));
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (!text)
        abort();
    buf_put_text(out, text);
    free(text);
}
