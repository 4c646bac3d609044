/* cookie - reading one cookie, and writing one. They last a year: auth knows when a session is over.
 *
 * The session cookie is `__Host-s`, Secure; where the platform is reached by http:// it is `s`, as browsers
 * would drop the other. Always HttpOnly, SameSite=Lax, for the whole site, without a domain. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define COOKIE_VALUE_MAX 128

/* The value of the cookie `name` in a Cookie header (NULL: none). False: absent, there twice, or too long. */
bool cookie_read(const char *header, const char *name, char to[static COOKIE_VALUE_MAX + 1]);

/* A Set-Cookie line's value; an empty value clears the cookie. False: the value holds what no cookie may. */
bool cookie_write(const char *name, bool secure, const char *value, char *to, size_t room);
