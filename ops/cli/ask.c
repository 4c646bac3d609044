#include "ops/cli/ask.h"

#include <string.h>

#include "broker/client/mp.h"
#include "gen/errors.h"
#include "ops/cli/show.h"

enum { DEADLINE_MS = 10000 };

void ask_pack(const json_t *value, struct buf *out)
{
    const char *name;
    const json_t *member;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        mp_put_map(out, (uint32_t)json_object_size(value));
        json_object_foreach((json_t *)value, name, member)
        {
            mp_put_str(out, name);
            ask_pack(member, out);
        }
        break;
    case JSON_ARRAY:
        mp_put_array(out, (uint32_t)json_array_size(value));
        json_array_foreach(value, i, member) ask_pack(member, out);
        break;
    case JSON_STRING: mp_put_str(out, json_string_value(value)); break;
    case JSON_INTEGER: mp_put_int(out, json_integer_value(value)); break;
    case JSON_TRUE: mp_put_bool(out, true); break;
    case JSON_FALSE: mp_put_bool(out, false); break;
    default: mp_put_str(out, NULL);
    }
}

int ask_link(struct link *link, const char *name, json_t *request, json_t **ret)
{
    struct buf body = { 0 }, reply = { 0 };
    *ret = NULL;
    if (request)
        ask_pack(request, &body);
    json_decref(request);
    int r = link_call(link, name, buf_bytes(&body), DEADLINE_MS, &reply);
    if (r == 0)
        *ret = show_body(NULL, buf_bytes(&reply));
    int code = r == 0                  ? EXIT_DONE
               : r == ERR_TIMEOUT      ? cli_fail(EXIT_NOT_RUNNING, "%s: the broker did not answer", name)
               : r == ERR_INTERRUPTED  ? EXIT_FAILED
               : r == ERR_FORBIDDEN    ? cli_fail(EXIT_FAILED, "%s: the role cli may not", name)
               : r == ERR_NOT_FOUND    ? cli_fail(EXIT_FAILED, "%s: there is no such name or job", name)
               : r == ERR_UNKNOWN_NAME ? cli_fail(EXIT_FAILED, "%s: the broker that runs does not know it", name)
                                       : show_problem(name, r, buf_bytes(&reply));
    buf_free(&body);
    buf_free(&reply);
    return code;
}

int ask_once(const struct cli *cli, const char *name, json_t *request, json_t **ret)
{
    struct link *link;
    int code = link_open(cli, &link);
    *ret = NULL;
    if (code != EXIT_DONE) {
        json_decref(request);
        return code;
    }
    code = ask_link(link, name, request, ret);
    link_close(&link);
    return code;
}

json_t *ask_find(const json_t *rows, const char *member, const char *text)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(ask_text(row, member), text) == 0)
            return row;
    }
    return NULL;
}

void ask_sort(json_t *rows, const char *member)
{
    size_t n = json_array_size(rows);
    for (size_t i = 1; i < n; i++) {
        json_t *row = json_incref(json_array_get(rows, i));
        size_t to = 0;
        while (to < i && strcmp(ask_text(json_array_get(rows, to), member), ask_text(row, member)) <= 0)
            to++;
        json_array_remove(rows, i);
        json_array_insert_new(rows, to, row);
    }
}
