/* account - reading accounts, opening new ones, proving an address. */
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "actors/auth/throttle.h"
#include "actors/runtime/page/page.h"
#include "data/store/table.h"
#include "gen/errors.h"

struct user account_user(const struct account *account)
{
    return (struct user) { .id = account->id,
                           .rev = account->rev,
                           .email = account->email,
                           .name = account->name,
                           .role = account->role,
                           .verified = account->verified,
                           .disabled = account->disabled,
                           .created_at = account->created_at,
                           .birthday = account->birthday };
}

int account_tell(struct turn *t, const struct account *account)
{
    return emit_user_changed(
        t, &(struct user_changed) { .user_id = account->id, .rev = account->rev, .name = account->name });
}

int account_save(struct turn *t, struct account *account)
{
    int r = account_put(turn_txn(t), account);

    return r < 0 ? r : account_tell(t, account);
}

const char *account_email_key(struct turn *t, const char *email)
{
    char *key = arena_strdup(turn_arena(t), email);
    for (char *c = key; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return key;
}

int account_find(struct turn *t, const char *email, struct account *ret)
{
    struct account like = { .email_key = account_email_key(t, email) };
    return table_find(turn_txn(t), &account_table, ACCOUNT_BY_EMAIL, &like, 1, turn_arena(t), ret);
}

/* One @ with something on both sides, no spaces, no control characters: the mail that is sent there is the real check. */
static bool account_email_fine(const char *email)
{
    const char *at = strchr(email, '@');
    if (!at || at == email || !at[1] || strchr(at + 1, '@') || email[0] == '-')
        return false;
    for (const char *c = email; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>()[],;:\\\"", *c))
            return false;
    }
    return true;
}

struct registering {
    struct password_job job;
    char email[256], name[512];
};

/* The hash is made: look again whether the address is free, for somebody may have taken it meanwhile. */
static int account_register_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct registering *asked = ctx;
    const struct auth_settings *settings = turn_settings(t);
    struct account account = { 0 };
    if (err < 0 || asked->job.failed)
        return err < 0 ? err : ERR_BUSY;
    if (account_find(t, asked->email, &account) == 0)
        return turn_fail(t, ERR_CONFLICT, "email", "an account with this address exists; sign in instead");
    account = (struct account) { .id = turn_id(t),
                                 .email = asked->email,
                                 .email_key = account_email_key(t, asked->email),
                                 .name = asked->name,
                                 .role = settings->default_role,
                                 .created_at = turn_now(t),
                                 .password_hash = asked->job.made,
                                 .verified = !settings->verify_mail };
    struct user_created event = { .user_id = account.id, .email = account.email, .name = account.name };
    if (settings->verify_mail) {
        event.verify_token = link_verify_token(t, &account);
        account.role = ROLE_VIEWER; /* until the address is proved */
    }
    int r = account_put_new(turn_txn(t), &account);
    if (r < 0)
        return r;
    event.rev = account.rev;
    r = emit_user_created(t, &event);
    if (r == 0)
        r = account_tell(t, &account);
    if (r < 0)
        return r;
    struct user user = account_user(&account);
    return reply_register_user(t, &user);
}

int auth_on_register_user(struct auth *self, struct turn *t, const struct register_user *ask, struct user *reply)
{
    struct registering work = { 0 };
    struct tries tries = tries_of_address(t, ask->address);
    struct account taken;
    const char *objection = password_objection(ask->password), *name = ask->name;
    int r = tries_admit(t, &tries);
    if (r < 0)
        return r;
    if (!account_email_fine(ask->email))
        return turn_fail(t, ERR_INVALID, "email", "is not an e-mail address");
    if (objection)
        return turn_fail(t, ERR_INVALID, "password", "%s", objection);
    if (account_find(t, ask->email, &taken) == 0)
        return turn_fail(t, ERR_CONFLICT, "email", "an account with this address exists; sign in instead");
    if (!name)
        name = arena_strndup(turn_arena(t), ask->email, strcspn(ask->email, "@"));
    auth_password_job(self, t, &work.job, ask->password);
    strncpy(work.email, ask->email, sizeof(work.email) - 1);
    strncpy(work.name, name, sizeof(work.name) - 1);
    r = turn_pool(t, password_work, account_register_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}

int auth_on_get_me(struct auth *self, struct turn *t, const struct get_me *ask, struct user *reply)
{
    struct account account;
    int r = account_get(turn_txn(t), turn_arena(t), turn_subject(t)->user_id, &account);
    if (r < 0)
        return r;
    *reply = account_user(&account);
    return 0;
}

/* Others see a name; the address and the state of an account are its owner's and the administrators'. */
int auth_on_get_user(struct auth *self, struct turn *t, const struct get_user *ask, struct user *reply)
{
    struct account account;
    int r = account_get(turn_txn(t), turn_arena(t), ask->id, &account);
    if (r < 0)
        return r;
    bool own = id_equal(turn_subject(t)->user_id, account.id) || turn_has_role(t, ROLE_ADMIN);
    *reply = own ? account_user(&account) : (struct user) { .id = account.id, .name = account.name };
    return 0;
}

int auth_on_contact(struct auth *self, struct turn *t, const struct contact *ask, struct user *reply)
{
    struct account account;
    int r = account_get(turn_txn(t), turn_arena(t), ask->id, &account);
    if (r < 0)
        return r;
    *reply = account_user(&account);
    reply->birthday = NULL; /* no letter needs it */
    return 0;
}

int auth_on_list_users(struct auth *self, struct turn *t, const struct list_users *ask,
                       struct list_users_reply *reply)
{
    struct table_walk walk;
    struct account account;
    struct bytes after;
    if (page_cursor_read(turn_arena(t), ask->cursor, &after) < 0)
        return turn_fail(t, ERR_INVALID, "cursor", "is not one of ours; begin without it");
    reply->items = arena_alloc(turn_arena(t), ask->limit * sizeof(*reply->items));
    int r = table_walk_start(&walk, turn_txn(t), &account_table, ACCOUNT_BY_AGE, NULL, 0, TABLE_DOWN, after);
    while (r == 0 && reply->items_n < ask->limit && (r = table_walk_next(&walk, turn_arena(t), &account)) > 0) {
        reply->items[reply->items_n++] = account_user(&account);
        r = 0;
    }
    if (r == 0 && reply->items_n == ask->limit)
        reply->next = page_cursor_text(turn_arena(t), table_walk_at(&walk));
    table_walk_end(&walk);
    return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is not one of ours; begin without it") : r;
}
