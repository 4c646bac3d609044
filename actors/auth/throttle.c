/* throttle - see throttle.h */
#include "actors/auth/throttle.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>

#include "data/store/table.h"
#include "gen/errors.h"

enum { SWEEP_ROWS = 16, DOUBLINGS = 12 };
static const int64_t FORGET_MS = 3600 * 1000;

/* An IPv4 address, or the /64 of an IPv6 one: who has one of its addresses has them all. */
static void throttle_network(const char *address, char to[static INET6_ADDRSTRLEN])
{
    struct in6_addr six;
    size_t len = strlen(address);

    if (inet_pton(AF_INET6, address, &six) != 1) {
        memcpy(to, address, len < INET6_ADDRSTRLEN ? len + 1 : INET6_ADDRSTRLEN);
        to[INET6_ADDRSTRLEN - 1] = '\0';
        return;
    }
    memset(six.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &six, to, INET6_ADDRSTRLEN);
}

static void throttle_key(char to[static THROTTLE_KEY], const char *kind, const void *who, size_t len,
                         const char *more)
{
    uint8_t hash[(THROTTLE_KEY - 1) / 2];
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, (const uint8_t *)kind, strlen(kind) + 1);
    crypto_generichash_update(&state, (const uint8_t *)more, strlen(more) + 1);
    crypto_generichash_update(&state, who, len);
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(to, THROTTLE_KEY, hash, sizeof(hash));
}

static void tries_add(struct tries *tries, const char *kind, const void *who, size_t len, const char *more,
                      uint64_t free)
{
    struct tries_count *count = &tries->counts[tries->n++];

    throttle_key(count->who, kind, who, len, more);
    count->free = free;
}

struct tries tries_at_account(struct turn *t, const char *email_key, const char *address, struct id device)
{
    const struct auth_settings *settings = turn_settings(t);
    char network[INET6_ADDRSTRLEN] = "";
    struct tries tries = { .n = 0 };

    if (!id_is_zero(device)) {
        tries_add(&tries, "device", device.b, sizeof(device.b), "", settings->tries_free);
        return tries;
    }
    if (address)
        throttle_network(address, network);
    tries_add(&tries, "pair", email_key, strlen(email_key), network, settings->tries_free);
    tries_add(&tries, "account", email_key, strlen(email_key), "", settings->tries_account);
    if (*network)
        tries_add(&tries, "network", network, strlen(network), "", settings->tries_address);
    return tries;
}

struct tries tries_of_address(struct turn *t, const char *address)
{
    const struct auth_settings *settings = turn_settings(t);
    char network[INET6_ADDRSTRLEN] = "";
    struct tries tries = { .n = 0 };

    if (!address)
        return tries;
    throttle_network(address, network);
    tries_add(&tries, "network", network, strlen(network), "", settings->tries_address);
    return tries;
}

int tries_admit(struct turn *t, const struct tries *tries)
{
    struct throttle row;
    int64_t until = 0;

    for (size_t i = 0; i < tries->n; i++)
        if (throttle_get(turn_txn(t), turn_arena(t), tries->counts[i].who, &row) == 0 && row.not_before > until)
            until = row.not_before;
    if (until <= turn_now(t))
        return 0;
    turn_count(t, AUTH_LOGINS_THROTTLED, 1);
    turn_fail(
        t, ERR_RATE_LIMITED, NULL,
        "there were too many wrong tries; wait %lld s, or use a browser in which you signed in to the account "
        "before",
        (long long)(until - turn_now(t) + 999) / 1000);
    return turn_retry_after(t, ERR_RATE_LIMITED, (uint32_t)(until - turn_now(t)));
}

/* Rows that nobody needs any more go a few at a time, whenever one is written. */
static int throttle_sweep(struct turn *t)
{
    struct table_walk walk;
    struct throttle row;
    int r = table_walk_start(&walk, turn_txn(t), &throttle_table, THROTTLE_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    for (unsigned n = 0; r == 0 && n < SWEEP_ROWS; n++) {
        r = table_walk_next(&walk, turn_arena(t), &row);
        if (r <= 0 || row.forget_at > turn_now(t))
            break;
        r = throttle_del(turn_txn(t), row.who);
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* What was counted so far; nothing when it is to be forgotten. */
static int throttle_load(struct turn *t, const char *who, struct throttle *ret)
{
    int r = throttle_get(turn_txn(t), turn_arena(t), who, ret);

    if (r == ERR_NOT_FOUND || (r == 0 && ret->forget_at < turn_now(t)))
        *ret = (struct throttle) { .who = who };
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int throttle_failed(struct turn *t, const struct tries_count *count)
{
    const struct auth_settings *settings = turn_settings(t);
    struct throttle row;
    int r = throttle_load(t, count->who, &row);

    if (r < 0)
        return r;
    row.failures++;
    row.forget_at = turn_now(t) + FORGET_MS;
    if (row.failures > count->free) {
        uint64_t doublings = row.failures - count->free;
        uint64_t seconds = doublings > DOUBLINGS ? settings->slowest_try_s : UINT64_C(1) << doublings;

        if (seconds > settings->slowest_try_s)
            seconds = settings->slowest_try_s;
        row.not_before = turn_now(t) + (int64_t)seconds * 1000;
    }
    return throttle_put(turn_txn(t), &row);
}

int tries_failed(struct turn *t, const struct tries *tries)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tries->n; i++)
        r = throttle_failed(t, &tries->counts[i]);
    return r < 0 ? r : throttle_sweep(t);
}

static int throttle_forget(struct turn *t, const char *who)
{
    int r = throttle_del(turn_txn(t), who);

    return r == ERR_NOT_FOUND ? 0 : r;
}

int tries_right(struct turn *t, const struct tries *tries)
{
    return tries->n ? throttle_forget(t, tries->counts[0].who) : 0;
}

int tries_clear_account(struct turn *t, const char *email_key)
{
    char who[THROTTLE_KEY];

    throttle_key(who, "account", email_key, strlen(email_key), "");
    return throttle_forget(t, who);
}

int tries_mail(struct turn *t, const char *email_key)
{
    const struct auth_settings *settings = turn_settings(t);
    char who[THROTTLE_KEY];
    struct throttle row;
    int r;

    throttle_key(who, "mail", email_key, strlen(email_key), "");
    r = throttle_load(t, who, &row);
    if (r < 0 || row.failures >= settings->mails_per_hour)
        return r;
    row.failures++;
    row.forget_at = row.failures == 1 ? turn_now(t) + FORGET_MS : row.forget_at;
    r = throttle_put(turn_txn(t), &row);
    return r < 0 ? r : 1;
}
