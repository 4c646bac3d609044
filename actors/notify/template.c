/* template - see template.h */
#include "actors/notify/template.h"

#include <string.h>

#include "schemas/wire/buf.h"

const struct template template_video_playable = {
    .kind = "video_playable",
    .title = "{title} can be watched",
    .body = "The first seconds are there; the rest follows while you watch.",
};

const struct template template_video_ready = {
    .kind = "video_ready",
    .title = "{title} is ready",
    .body = "All of it can be watched now.",
    .subject = "{title} is ready",
    .mail = "Hello,\n\nyour video \"{title}\" is ready:\n\n{link}\n",
};

const struct template template_video_failed = {
    .kind = "video_failed",
    .title = "{title} could not be made",
    .body = "{reason}",
    .subject = "{title} could not be made",
    .mail = "Hello,\n\nyour video \"{title}\" could not be made:\n{reason}\n\nYou can try again here:\n\n{link}\n",
};

const struct template template_welcome = {
    .kind = "welcome",
    .title = "Welcome, {name}",
    .body = "Upload a video, and watch it while it is still uploading.",
};

const struct template template_verify = {
    .kind = "welcome",
    .title = "Welcome, {name}",
    .body = "We have sent you a mail: please open its link, so that we know that the address is yours.",
    .subject = "Is this your e-mail address?",
    .mail =
        "Hello {name},\n\nsomebody, most likely you, has opened an account with this address. If it was you, open "
        "this link:\n\n{link}\n\nIf it was not, there is nothing to do: without the link the account stays as it "
        "is.\n",
};

const struct template template_reset = {
    .subject = "A new password",
    .mail = "Hello {name},\n\nsomebody, most likely you, wants to set a new password for the account of this "
            "address. If it "
            "was you, open this link within twenty minutes:\n\n{link}\n\nIf it was not, there is nothing to do: "
            "the password "
            "stays as it is.\n",
};

/* The value that a text goes on with, and how long its name is with the braces; NULL: no name stands here. */
static const char *template_value(const char *at, const struct template_values *values, size_t *len)
{
    const struct {
        const char *name, *value;
    } known[] = {
        { "{title}", values->title },
        { "{reason}", values->reason },
        { "{name}", values->name },
        { "{link}", values->link },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        *len = strlen(known[i].name);
        if (strncmp(at, known[i].name, *len) == 0)
            return known[i].value ? known[i].value : "";
    }
    return NULL;
}

/* Without control characters, so that it stays one line. */
static void template_put(struct buf *out, const char *value)
{
    for (const char *p = value; *p; p++) {
        bool control = (unsigned char)*p < 0x20 || *p == 0x7f;

        buf_put(out, control ? " " : p, 1);
    }
}

static size_t template_cut(const char *text, size_t most)
{
    size_t chars = 0, len = 0;

    for (; text[len]; len++)
        if (((unsigned char)text[len] & 0xc0) != 0x80 && chars++ == most)
            break;
    return len;
}

const char *template_fill(struct arena *arena, const char *text, const struct template_values *values, size_t most)
{
    struct buf out = { 0 };
    const char *value, *filled;
    size_t len;

    while (*text) {
        value = template_value(text, values, &len);
        if (value)
            template_put(&out, value);
        else
            buf_put(&out, text, len = 1);
        text += len;
    }
    filled = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    if (!filled[template_cut(filled, most)])
        return filled;
    return arena_printf(arena, "%.*s\u2026", (int)template_cut(filled, most - 1), filled);
}
