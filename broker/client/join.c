/* join - the one file with which a process joins from another host. Lines of `name = value`, `#` begins a comment. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client/curve.h"
#include "broker/client/frame.h"
#include "gen/errors.h"

static int join_fail(char error[static 256], int err, const char *path, const char *why)
{
    snprintf(error, 256, "%.140s: %.110s", path, why);
    return err;
}

static char *join_trim(char *text)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
    return text;
}

/* False: no such name, given twice, or too long. */
static bool join_set(struct curve_join *join, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } fields[] = { { "endpoint", join->endpoint, sizeof join->endpoint },
                   { "role", join->role, sizeof join->role },
                   { "name", join->name, sizeof join->name },
                   { "broker", join->broker, sizeof join->broker },
                   { "secret", join->secret, sizeof join->secret } };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (*fields[i].to || strlen(value) >= fields[i].size)
            return false;
        memcpy(fields[i].to, value, strlen(value) + 1);
        return true;
    }
    return false;
}

static int join_check(const struct curve_join *join, const char *path, char error[static 256])
{
    char public_key[CURVE_KEY + 1];

    if (strncmp(join->endpoint, "tcp://", 6) != 0)
        return join_fail(error, ERR_INVALID, path, "`endpoint` is not tcp://HOST:PORT");
    if (!frame_name_ok(bytes_of_text(join->role)))
        return join_fail(error, ERR_INVALID, path, "`role` is missing, or no role");
    if (!curve_name_ok(join->name))
        return join_fail(error, ERR_INVALID, path,
                         "`name` is missing, or has other characters than letters, digits and -_.");
    if (!curve_key_ok(join->broker))
        return join_fail(error, ERR_INVALID, path, "`broker` is missing, or no public key");
    if (curve_public(join->secret, public_key) < 0)
        return join_fail(error, ERR_INVALID, path, "`secret` is missing, or no secret key");
    return 0;
}

int curve_join_read(const char *path, struct curve_join *ret, char error[static 256])
{
    char *text = NULL, *rest, why[64];
    struct curve_join join = { 0 };
    int r = curve_read_file(path, true, &text, error);
    size_t len;

    if (r < 0)
        return r;
    len = strlen(text);
    rest = text;
    for (int n = 1; r == 0 && rest; n++) {
        char *line = join_trim(strsep(&rest, "\n")), *equals = strchr(line, '=');

        if (!*line || *line == '#')
            continue;
        if (equals)
            *equals = 0;
        snprintf(why, sizeof why, "line %d is not understood", n);
        if (!equals || !join_set(&join, join_trim(line), join_trim(equals + 1)))
            r = join_fail(error, ERR_INVALID, path, why);
    }
    explicit_bzero(text, len); /* strsep has cut it into pieces */
    free(text);
    if (r == 0)
        r = join_check(&join, path, error);
    if (r == 0)
        *ret = join;
    explicit_bzero(&join, sizeof join);
    return r;
}

void curve_join_text(const struct curve_join *join, char *to, size_t size)
{
    snprintf(to, size,
             "# Whoever holds this file is %s/%s on this platform's bus: keep it to the program (0600).\n"
             "endpoint = %s\nrole     = %s\nname     = %s\nbroker   = %s\nsecret   = %s\n",
             join->role, join->name, join->endpoint, join->role, join->name, join->broker, join->secret);
}
