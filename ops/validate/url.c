#include "ops/validate/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ops/validate/limits.h"

static const char *const schemes[] = { "http://", "https://", "dir://" };

/* The length of scheme://, or 0 where there is none that is looked at. */
static size_t url_scheme(const char *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return strlen(schemes[i]);
    return 0;
}

bool url_is_http(const char *url)
{
    return strncasecmp(url, "http", 4) == 0;
}

static bool url_has_scheme(const char *text)
{
    size_t i = 0;

    if (!isalpha((unsigned char)*text))
        return false;
    while (isalnum((unsigned char)text[i]) || (text[i] && strchr("+-.", text[i])))
        i++;
    return text[i] == ':';
}

/* Takes . and .. out of a path that begins with a slash; up to a query. */
static void url_tidy(char *path)
{
    char *to = path, *at = path;

    while (*at == '/') {
        size_t len = 1 + strcspn(at + 1, "/?");
        bool last = at[len] != '/';

        if (len == 2 && at[1] == '.') {
            if (last)
                *to++ = '/';
        } else if (len == 3 && at[1] == '.' && at[2] == '.') {
            while (to > path && *--to != '/')
                ;
            if (last)
                *to++ = '/';
        } else {
            memmove(to, at, len);
            to += len;
        }
        at += len;
    }
    memmove(to, at, strlen(at) + 1);
}

const char *url_resolve(struct arena *arena, const char *base, const char *reference)
{
    size_t scheme = url_scheme(base), host, folder;
    char *url;

    reference = arena_strndup(arena, reference, strcspn(reference, "#"));
    if (strlen(base) + strlen(reference) >= URL_MOST)
        return NULL;
    host = scheme + strcspn(base + scheme, "/?");
    if (url_has_scheme(reference)) {
        scheme = url_scheme(reference);
        if (!scheme)
            return NULL;
        url = arena_strdup(arena, reference);
        host = scheme + strcspn(url + scheme, "/?");
    } else if (strncmp(reference, "//", 2) == 0) {
        url = arena_printf(arena, "%.*s%s", (int)scheme, base, reference + 2);
        host = scheme + strcspn(url + scheme, "/?");
    } else if (*reference == '/') {
        url = arena_printf(arena, "%.*s%s", (int)host, base, reference);
    } else {
        folder = host + strcspn(base + host, "?");
        if (*reference == '?') {
            url = arena_printf(arena, "%.*s%s", (int)folder, base, reference);
        } else {
            while (folder > host && base[folder - 1] != '/')
                folder--;
            url = arena_printf(arena, "%.*s%s%s", (int)folder, base, folder == host ? "/" : "", reference);
        }
    }
    if (url[host] == '/')
        url_tidy(url + host);
    return url;
}

const char *url_shown(const char *base, const char *url)
{
    size_t folder = strcspn(base, "?");

    while (folder && base[folder - 1] != '/')
        folder--;
    return strncmp(base, url, folder) == 0 && url[folder] ? url + folder : url;
}
