/* upload_form - see upload_form.h */
#include "web/front/upload_form.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/json.h"
#include "web/front/call.h"
#include "web/front/http/multipart.h"
#include "web/front/identity.h"
#include "web/front/upload.h"

#define FORM_VALUE_MAX 40000 /* bytes; the schema bounds characters */

struct form {
    struct exchange *x;
    struct multipart *reader;
    struct create_upload ask;
    struct upload upload;
    struct upload_sink sink;
    bool opened;  /* the file has begun: sink is ours to close */
    bool ended;   /* and ended */
    bool in_file; /* the part that passes now */
    char name[MULTIPART_NAME + 1];
    struct buf value; /* of a field that passes now */
};

static int form_begin_file(struct form *form, const struct multipart_part *part)
{
    struct exchange *x = form->x;
    int r;

    if (form->opened)
        return exchange_problem(x, ERR_INVALID, "The form holds more than one file.");
    form->ask.filename = *part->filename ? upload_name(x, arena_strdup(x->arena, part->filename)) : NULL;
    r = call_ask(x, &create_upload_call, NULL, &form->ask, &form->upload);
    if (r < 0)
        return call_problem(x, r);
    r = upload_open(x, &form->upload, &form->sink);
    form->opened = r == 0;
    return r;
}

static int form_begin(void *ctx, const struct multipart_part *part)
{
    struct form *form = ctx;

    form->in_file = part->is_file;
    strcpy(form->name, part->name);
    buf_reset(&form->value);
    if (part->is_file)
        return form_begin_file(form, part);
    if (form->opened)
        return exchange_problem(form->x, ERR_INVALID, "Fields must come before the file: %s does not.",
                                part->name);
    return 0;
}

static int form_data(void *ctx, const void *data, size_t len)
{
    struct form *form = ctx;

    if (form->in_file)
        return upload_append(&form->sink, data, len);
    if (form->value.len + len > FORM_VALUE_MAX)
        return exchange_problem(form->x, ERR_TOO_LARGE, "The field %s is too long.", form->name);
    buf_put(&form->value, data, len);
    return 0;
}

static int form_field(struct form *form, const char *value)
{
    struct exchange *x = form->x;

    if (strcmp(form->name, "title") == 0) {
        form->ask.title = *value ? value : NULL;
    } else if (strcmp(form->name, "description") == 0) {
        form->ask.description = *value ? value : NULL;
    } else if (strcmp(form->name, "visibility") == 0) {
        form->ask.visibility = wire_enum_value(&visibility_names, value, strlen(value));
        form->ask.has_visibility = true;
        if (!form->ask.visibility)
            return exchange_problem_field(x, ERR_INVALID, "visibility", "must be private, unlisted or public");
    } else {
        return exchange_problem_field(x, ERR_INVALID, arena_strdup(x->arena, form->name),
                                      "is not a field of this form");
    }
    return 0;
}

static int form_end(void *ctx)
{
    struct form *form = ctx;
    size_t chars;

    if (form->in_file) {
        form->ended = true;
        return 0;
    }
    if (!wire_utf8((const char *)form->value.data, form->value.len, &chars))
        return exchange_problem(form->x, ERR_INVALID, "The field %s is not UTF-8.", form->name);
    return form_field(form, arena_strndup(form->x->arena, (const char *)form->value.data, form->value.len));
}

static const struct multipart_events form_events = { form_begin, form_data, form_end };

static int form_piece(void *ctx, const void *data, size_t len)
{
    return multipart_feed(((struct form *)ctx)->reader, data, len);
}

/* The whole body through the reader. On an error it may have been answered. */
static int form_read(struct form *form)
{
    int r = exchange_each(form->x, form_piece, form);

    return r == 0 ? multipart_finish(form->reader) : r;
}

static void form_answer(struct form *form, const struct video *video)
{
    struct exchange *x = form->x;
    json_t *json = wire_to_json(&video_type, video);
    char *text = json_dumps(json, JSON_COMPACT), id[ID_TEXT_SIZE];

    exchange_header(x, "Location", "/api/v1/videos/%s", id_format("video", video->id, id));
    exchange_send(x, 202, "application/json", bytes_of_text(text));
    free(text);
    json_decref(json);
}

/* A form that broke leaves nothing behind: there is no way to go on with it. */
static void form_drop(struct form *form)
{
    struct drop_upload ask = { .id = form->upload.id };
    const struct problem *trouble = form->x->trouble;

    call_ask(form->x, &drop_upload_call, &(struct call_extra) { .again_ms = CALL_AGAIN_MS }, &ask, NULL);
    form->x->trouble = trouble;
}

static void form_run(struct form *form)
{
    struct exchange *x = form->x;
    struct video video = { 0 };
    int r = form_read(form);

    if (r == 0 && !form->ended)
        r = exchange_problem(x, ERR_INVALID, "The form holds no file.");
    if (r == 0)
        r = upload_step(&form->sink);
    if (r == 0)
        r = upload_finish(&form->sink, &video);
    if (form->opened)
        upload_close(&form->sink);
    if (r == 0) {
        form_answer(form, &video);
        return;
    }
    if (form->opened)
        form_drop(form);
    if (!x->status && r == ERR_MALFORMED && *multipart_reason(form->reader))
        exchange_problem(x, r, "%s", multipart_reason(form->reader));
    else if (!x->status)
        upload_problem(x, r);
}

void upload_form_serve(struct exchange *x, const struct router_path *path)
{
    struct form *form;

    x->what = "upload";
    if (identity_admit(x, true, RATE_UPLOAD) < 0 || identity_same_site(x) < 0)
        return;
    if (x->facts.length < 0) {
        exchange_problem(x, ERR_LENGTH_REQUIRED, "Send Content-Length.");
        return;
    }
    form = arena_alloc(x->arena, sizeof(*form));
    form->x = x;
    form->reader = multipart_new(gate_header(x->request, "Content-Type"), &form_events, form);
    if (!form->reader) {
        exchange_problem(x, ERR_UNSUPPORTED_MEDIA, "Content-Type must be multipart/form-data with a boundary.");
        return;
    }
    form_run(form);
    buf_free(&form->value);
    multipart_free(&form->reader);
}
