/* country - which country an address is in, as a database in MaxMind's format says (MaxMind DB File Format Specification 2.0:
 * `country`, `iso_code` of its records). It is mapped, not read: what is looked up is paged in, and nothing is before the first
 * look. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct country_db; /* NULL: none is open */

/* The database at `path` from now on, "": none. Looks once a minute whether it is another file by now. An error is of the file as it is
 * at the moment, its sentence in *ret_why; a database that was open before stays. */
int country_open(struct country_db **db, const char *path, int64_t now_ms, const char **ret_why);
void country_close(struct country_db **db);

/* ISO 3166-1 alpha-2. False: nobody knows. address: as text, of IPv4 or IPv6. */
bool country_of(const struct country_db *db, const char *address, char to[static 3]);
