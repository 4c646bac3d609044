/* secret - one secret per role, made once, kept in STATE/keys/ROLE (0600), handed to a child on a descriptor. */
#pragma once

enum { SECRET_LEN = 64 }; /* hexadecimal characters: 32 random bytes */

/* Makes the role's secret when there is none yet. `keys` is a descriptor of STATE/keys. 0, or -1 with errno. */
int secret_make(int keys, const char *role);

/* A descriptor that reads the role's secret from its beginning; not close-on-exec. Close it once the child has it.
 * -1 with errno when there is none. */
int secret_open(int keys, const char *role);
