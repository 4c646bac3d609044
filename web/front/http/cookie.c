/* cookie - see cookie.h */
#include "web/front/http/cookie.h"

#include <stdio.h>
#include <string.h>

static const char cookie_safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

bool cookie_read(const char *header, const char *name, char to[static COOKIE_VALUE_MAX + 1])
{
    size_t name_len = strlen(name);
    unsigned found = 0;

    for (const char *p = header; p && *p;) {
        size_t len;

        p += strspn(p, "; ");
        len = strcspn(p, ";");
        if (len > name_len && p[name_len] == '=' && memcmp(p, name, name_len) == 0) {
            if (++found > 1 || len - name_len - 1 > COOKIE_VALUE_MAX)
                return false;
            memcpy(to, p + name_len + 1, len - name_len - 1);
            to[len - name_len - 1] = '\0';
        }
        p += len;
    }
    return found == 1 && *to && strspn(to, cookie_safe) == strlen(to);
}

bool cookie_write(const char *name, bool secure, const char *value, char *to, size_t room)
{
    size_t len = strlen(value);
    int n;

    if (strspn(value, cookie_safe) != len || len > COOKIE_VALUE_MAX)
        return false;
    n = snprintf(to, room, "%s%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s", secure ? "__Host-" : "", name, value,
                 secure ? "; Secure" : "", len == 0 ? "; Max-Age=0" : "; Max-Age=31536000");
    return n > 0 && (size_t)n < room;
}
