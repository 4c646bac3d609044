/* curve - who may come from another host: key pairs, the table of known public keys, and the file a process joins with.
 *
 * Keys are those of CURVE (Curve25519), as text in Z85: 40 characters. What lies on the disk is small text:
 *     STATE/keys/bus/broker.key   the broker's secret key, 0600; the broker makes it when it first listens
 *     STATE/keys/bus/broker.pub   its public key
 *     STATE/keys/bus/peers        the table: who is known by which public key
 *     anywhere                    a join file, 0600: endpoint, broker's public key, own secret key, role, name
 * Files are replaced in one step, never written in place. Sentences in `error` say what is wrong, and where.
 * Errors     ERR_NOT_FOUND no such file; ERR_INVALID it is not what it should be; ERR_FORBIDDEN others may read it;
 *            ERR_CONFLICT it is there already; ERR_IO the system's own */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/client/bus.h"

enum { CURVE_KEY = 40, CURVE_NAME_MAX = 64, CURVE_ENDPOINT_MAX = 300, CURVE_ROWS = 4096 };

struct curve_pair {
    char public_key[CURVE_KEY + 1], secret_key[CURVE_KEY + 1];
};

int curve_make(struct curve_pair *ret);
/* The public key of a secret one; ERR_INVALID when it is no key. */
int curve_public(const char *secret_key, char ret[static CURVE_KEY + 1]);

struct curve_row {
    char role[BUS_NAME_MAX + 1], name[CURVE_NAME_MAX + 1], key[CURVE_KEY + 1];
    int64_t made_ms; /* UTC */
};

/* A table, sorted by key. Zeroed: empty. */
struct curve_table {
    struct curve_row *rows;
    size_t n;
};

int curve_table_read(const char *path, struct curve_table *ret, char error[static 256]);
int curve_table_write(const char *path, const struct curve_table *table, char error[static 256]);
void curve_table_free(struct curve_table *table);
const struct curve_row *curve_table_find(const struct curve_table *table, const char *key);
/* Letters, digits, `_`, `-` and `.`; 1 to 64 of them. */
bool curve_name_ok(const char *name);

/* What a process needs to join from another host. */
struct curve_join {
    char endpoint[CURVE_ENDPOINT_MAX + 1], role[BUS_NAME_MAX + 1], name[CURVE_NAME_MAX + 1];
    char broker[CURVE_KEY + 1], secret[CURVE_KEY + 1];
};

/* Refuses a file that others than its owner may read, or that is neither ours nor root's. */
int curve_join_read(const char *path, struct curve_join *ret, char error[static 256]);
/* The text of one, NUL-terminated. */
void curve_join_text(const struct curve_join *join, char *to, size_t size);

bool curve_key_ok(const char *key);

/* The whole of a small text file, NUL-terminated; the caller wipes and frees it. `secret`: refused when it belongs to
 * another user than us and root, or when others may read it. */
int curve_read_file(const char *path, bool secret, char **ret, char error[static 256]);
/* Writes a small file in one step, synced; `fresh`: ERR_CONFLICT when the name is taken. */
int curve_write_file(const char *path, const char *text, unsigned mode, bool fresh, char error[static 256]);
/* A key alone in its file. */
int curve_read_key(const char *path, bool secret, char ret[static CURVE_KEY + 1], char error[static 256]);
