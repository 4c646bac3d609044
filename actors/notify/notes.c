/* notes - see notes.h */
#include "actors/notify/notes.h"

#include "actors/runtime/page/page.h"
#include "data/store/table.h"
#include "gen/errors.h"

static struct notification notes_show(const struct note *note)
{
    return (struct notification) { .id = note->id,
                                   .user_id = note->user_id,
                                   .kind = note->kind,
                                   .title = note->title,
                                   .body = note->body,
                                   .video_id = note->video_id,
                                   .created_at = note->created_at,
                                   .read = id_is_zero(note->unread_by) };
}

static int notes_reader(struct turn *t, struct id user, struct note_reader *ret)
{
    int r = note_reader_get(turn_txn(t), turn_arena(t), user, ret);

    if (r == ERR_NOT_FOUND)
        *ret = (struct note_reader) { .user_id = user };
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int notes_drop_oldest(struct turn *t, struct note_reader *reader)
{
    struct note oldest;
    int r = table_find(turn_txn(t), &note_table, NOTE_BY_USER, &(struct note) { .user_id = reader->user_id }, 1,
                       turn_arena(t), &oldest);

    if (r == 0)
        r = note_del(turn_txn(t), oldest.id);
    if (r < 0)
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    reader->notes--;
    reader->unread -= !id_is_zero(oldest.unread_by);
    return 0;
}

int notes_tell(struct turn *t, struct note *note)
{
    const struct notify_settings *settings = turn_settings(t);
    struct note_reader reader;
    int r = notes_reader(t, note->user_id, &reader);

    note->unread_by = note->user_id;
    note->created_at = turn_now(t);
    if (r == 0)
        r = note_put_new(turn_txn(t), note);
    reader.notes++;
    reader.unread++;
    while (r == 0 && reader.notes > settings->notes_per_user)
        r = notes_drop_oldest(t, &reader);
    if (r == 0)
        r = note_reader_put(turn_txn(t), &reader);
    if (r < 0)
        return r;
    turn_count(t, NOTIFY_TOLD, 1);
    return emit_notified(t, &(struct notified) { .user_id = note->user_id, .notification = notes_show(note) });
}

/* ---- reading */

/* Fills the page; one more says that there is another page. */
static int notes_walk(struct turn *t, struct table_walk *walk, size_t limit,
                      struct list_notifications_reply *reply)
{
    struct bytes at = { 0 };
    struct note note;
    int r;

    while ((r = table_walk_next(walk, turn_arena(t), &note)) > 0) {
        if (reply->items_n == limit) {
            reply->next = page_cursor_text(turn_arena(t), at);
            return 0;
        }
        reply->items[reply->items_n++] = notes_show(&note);
        at = arena_bytes(turn_arena(t), table_walk_at(walk));
    }
    return r;
}

int notify_on_list(struct notify *self, struct turn *t, const struct list_notifications *ask,
                   struct list_notifications_reply *reply)
{
    struct note mine = { .user_id = turn_subject(t)->user_id };
    struct note_reader reader;
    struct table_walk walk;
    struct bytes after;
    int r;

    if (!turn_subject(t)->known)
        return turn_fail(t, ERR_UNAUTHENTICATED, NULL, "notifications are for people");
    r = notes_reader(t, mine.user_id, &reader);
    if (r < 0)
        return r;
    r = page_cursor_read(turn_arena(t), ask->cursor, &after);
    if (r == 0)
        r = table_walk_start(&walk, turn_txn(t), &note_table, NOTE_BY_USER, &mine, 1, TABLE_DOWN, after);
    if (r < 0)
        return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is not one that this list answered") : r;
    reply->unread = reader.unread;
    reply->items = arena_alloc_n(turn_arena(t), ask->limit + 1, sizeof(*reply->items));
    r = notes_walk(t, &walk, ask->limit, reply);
    table_walk_end(&walk);
    return r;
}

/* ---- marking */

static bool notes_is_behind(const struct note *note, const struct note *last)
{
    if (note->created_at != last->created_at)
        return note->created_at > last->created_at;
    return id_compare(note->id, last->id) > 0;
}

/* Marks what is unread, from the oldest up to `last` (NULL: all). There are never more than are kept. */
static int notes_mark(struct turn *t, struct note_reader *reader, const struct note *last)
{
    struct note note = { .unread_by = reader->user_id };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &note_table, NOTE_BY_UNREAD, &note, 1, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &note)) > 0) {
        if (last && notes_is_behind(&note, last)) {
            r = 0;
            break;
        }
        note.unread_by = ID_NONE;
        r = note_put(turn_txn(t), &note);
        reader->unread--;
    }
    table_walk_end(&walk);
    return r;
}

int notify_on_mark_read(struct notify *self, struct turn *t, const struct mark_read *ask)
{
    const struct subject *who = turn_subject(t);
    struct note_reader reader;
    struct note last = { .created_at = 0 };
    int r = 0;

    if (!who->known)
        return turn_fail(t, ERR_UNAUTHENTICATED, NULL, "notifications are for people");
    if (!id_is_zero(ask->up_to)) {
        r = note_get(turn_txn(t), turn_arena(t), ask->up_to, &last);
        if (r == ERR_NOT_FOUND || (r == 0 && !id_equal(last.user_id, who->user_id)))
            return turn_fail(t, ERR_NOT_FOUND, "up_to", "is none of your notifications");
    }
    if (r == 0)
        r = notes_reader(t, who->user_id, &reader);
    if (r == 0 && reader.unread)
        r = notes_mark(t, &reader, id_is_zero(ask->up_to) ? NULL : &last);
    else
        return r;
    return r < 0 ? r : note_reader_put(turn_txn(t), &reader);
}
