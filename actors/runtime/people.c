/* people - who asks: access tokens, verified with the keys that auth publishes, and what they allow.
 *
 * A token that was verified is remembered for 30 s by its hash; that a session or all of a user's tokens ended early
 * is looked up each time. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "actors/runtime/token/token.h"
#include "gen/errors.h"

#define PEOPLE_KEYS    8
#define PEOPLE_BUCKETS 1024
#define PEOPLE_ENDED   65536 /* of twelve minutes */
#define OPERATOR       "cli" /* the role of the operator's program: its secret lies in the state directory */

struct remembered {
    uint8_t hash[16];
    int64_t until; /* mono ms; 0: an empty place */
    struct token_claims claims;
};

/* A session, or the tokens of a user below an epoch, by the TypeID that is the key of the value. */
struct ended {
    struct ended *next;
    char key[ID_TEXT_SIZE];
    struct revoked what;
};

struct people {
    struct token_key keys[PEOPLE_KEYS];
    size_t keys_n;
    bool known; /* the keys have come */
    struct remembered cache[PEOPLE_CACHE];
    struct ended *ended[PEOPLE_BUCKETS];
    size_t ended_n;
};

struct people *people_new(void)
{
    struct people *people = calloc(1, sizeof(*people));

    if (!people)
        abort();
    return people;
}

void people_free(struct people **ret)
{
    struct people *people = *ret;

    *ret = NULL;
    for (size_t i = 0; people && i < PEOPLE_BUCKETS; i++) {
        for (struct ended *e = people->ended[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(people);
}

static void people_keys(struct people *people, struct bytes body, struct arena *arena)
{
    struct keys keys;
    struct wire_error err;

    if (!body.data || keys_unpack(body, arena, &keys, &err) < 0) {
        log_line(LOG_AT_ERROR, "keys", "result=ERR_INVALID detail=%s", body.data ? err.sentence : "gone");
        return; /* better the old keys than none: their tokens expire by themselves */
    }
    people->keys_n = 0;
    for (size_t i = 0; i < keys.keys_n && people->keys_n < PEOPLE_KEYS; i++) {
        struct token_key *to = &people->keys[people->keys_n];

        if (strlen(keys.keys[i].kid) != TOKEN_KID_SIZE - 1 ||
            keys.keys[i].public_key.len != sizeof(to->public_key))
            continue;
        memcpy(to->kid, keys.keys[i].kid, TOKEN_KID_SIZE);
        memcpy(to->public_key, keys.keys[i].public_key.data, sizeof(to->public_key));
        people->keys_n++;
    }
    people->known = true;
    memset(people->cache, 0, sizeof(people->cache));
}

/* Where the entry of this key is linked, or would be. */
static struct ended **people_place(struct people *people, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a: the keys are our own ids, chosen by nobody */
    struct ended **at;

    for (const char *c = key; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
    at = &people->ended[hash % PEOPLE_BUCKETS];
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static void people_revoked(struct people *people, const char *key, struct bytes body, struct arena *arena)
{
    struct ended **place = people_place(people, key), *entry = *place;
    struct revoked what;

    if (!body.data && entry) {
        *place = entry->next;
        people->ended_n--;
        free(entry);
    }
    if (!body.data || strlen(key) >= sizeof(entry->key) || revoked_unpack(body, arena, &what, NULL) < 0)
        return;
    if (!entry && people->ended_n == PEOPLE_ENDED) {
        log_line(LOG_AT_ERROR, "revoked",
                 "result=ERR_TOO_LARGE detail=\"too many sessions ended in a short while\"");
        return;
    }
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            abort();
        strcpy(entry->key, key);
        *place = entry;
        people->ended_n++;
    }
    entry->what = what;
}

void people_value(struct actor *actor, const char *name, const char *key, struct bytes body)
{
    struct arena *arena;

    if (!actor->people || strncmp(name, "auth.", 5) != 0)
        return;
    arena = arena_new();
    if (strcmp(name, "auth.keys") == 0)
        people_keys(actor->people, body, arena);
    else if (strcmp(name, "auth.revoked") == 0)
        people_revoked(actor->people, key ? key : "", body, arena);
    arena_free(&arena);
}

static bool people_over(struct people *people, const struct token_claims *claims)
{
    char key[ID_TEXT_SIZE];
    const struct ended *session = *people_place(people, id_format("session", claims->session, key));
    const struct ended *user = *people_place(people, id_format("user", claims->user, key));

    return (session && id_equal(session->what.session_id, claims->session)) ||
           (user && id_equal(user->what.user_id, claims->user) && claims->epoch < user->what.epoch);
}

static int people_verify(struct actor *actor, const char *token, struct token_claims *ret)
{
    struct people *people = actor->people;
    uint8_t hash[16];
    struct remembered *place;
    int64_t now = actor_now(actor), mono = actor_mono(actor);
    int r;

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)token, strlen(token), NULL, 0);
    place = &people->cache[hash[0] % PEOPLE_CACHE];
    if (place->until > mono && sodium_memcmp(place->hash, hash, sizeof(hash)) == 0 &&
        place->claims.expires_ms > now) {
        *ret = place->claims;
        return 0;
    }
    count(actor, COUNTERS_TOKEN_CHECKS, 1);
    if (!people->known)
        return ERR_UNAVAILABLE;
    r = token_verify(people->keys, people->keys_n, token, now, ret);
    if (r < 0)
        return r;
    memcpy(place->hash, hash, sizeof(hash));
    place->until = mono + PEOPLE_FRESH_MS;
    place->claims = *ret;
    return 0;
}

int people_check(struct actor *actor, const struct head *head, struct subject *ret)
{
    struct token_claims claims;
    int r;

    *ret = (struct subject) { .from = head->from, .is_operator = strcmp(head->from, OPERATOR) == 0 };
    if (!head->subject || !*head->subject)
        return 0;
    if (!actor->people)
        return ERR_UNAUTHENTICATED;
    r = people_verify(actor, head->subject, &claims);
    if (r == 0 && people_over(actor->people, &claims))
        r = ERR_UNAUTHENTICATED;
    if (r < 0) {
        count(actor, COUNTERS_TOKEN_REFUSALS, 1);
        return r;
    }
    ret->known = true;
    ret->user_id = claims.user;
    ret->session_id = claims.session;
    ret->role = (enum role)claims.role;
    ret->epoch = claims.epoch;
    ret->expires_at = claims.expires_ms;
    return 0;
}

bool people_has_role(const struct subject *subject, enum role least)
{
    return subject->is_operator || (subject->known && subject->role >= least);
}

/* Bit n of `allow` is the role n + 1; a role includes those below it. */
static bool people_role_allows(unsigned allow, const struct subject *subject)
{
    for (enum role role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
        if (allow & (1u << (role - 1)))
            return people_has_role(subject, role);
    return false;
}

int people_allow(const struct call_def *call, const struct subject *subject)
{
    bool for_person = call->front && strcmp(subject->from, call->front) == 0;

    if (subject->is_operator || (call->allow & ALLOW_ANYONE) || people_role_allows(call->allow, subject))
        return 0;
    if ((call->allow & ALLOW_OWNER) && subject->known)
        return 0; /* the handler looks whose it is */
    /* An actor that calls for itself. What the front passes on from HTTP is a person's, known or not. */
    if ((call->allow & ALLOW_ACTORS) && !for_person)
        return 0;
    return subject->known ? ERR_FORBIDDEN : ERR_UNAUTHENTICATED;
}
