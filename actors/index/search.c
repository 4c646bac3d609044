/* search - searches and suggestions, on a snapshot. */
#include "actors/index/actor.h"
#include "actors/index/finder.h"
#include "actors/index/suggestions.h"
#include "actors/runtime/page/page.h"
#include "gen/errors.h"

static int search_place(struct turn *t, const char *cursor, struct rank_hit *place, const struct rank_hit **ret)
{
    struct bytes at;
    int r = page_cursor_read(turn_arena(t), cursor, &at);

    *ret = NULL;
    if (r == 0 && at.len == 0)
        return 0;
    if (r < 0 || !rank_place_read(at.data, at.len, place))
        return turn_fail(t, ERR_INVALID, "cursor", "is not one that a search answered");
    *ret = place;
    return 0;
}

static int search_hit(struct turn *t, uint64_t generation, const struct rank_hit *found, struct hit *ret)
{
    struct index_document doc;
    int r = index_document_get(turn_txn(t), turn_arena(t), generation, found->id, &doc);

    if (r < 0)
        return r;
    *ret = (struct hit) {
        .video_id = doc.video_id,
        .title = doc.title,
        .description = doc.beginning,
        .owner_name = doc.owner_name,
        .duration_ms = doc.duration_ms,
        .created_at = doc.created_at,
        .score = found->score,
        .state = doc.state,
    };
    return 0;
}

static int search_answer(struct turn *t, uint64_t generation, const struct finder_result *found,
                         struct search_reply *reply)
{
    const struct ranking *ranking = &found->ranking;
    uint8_t place[RANK_PLACE_SIZE];
    int r = 0;

    reply->items = arena_alloc_n(turn_arena(t), ranking->n + 1, sizeof(*reply->items));
    for (size_t i = 0; r == 0 && i < ranking->n; i++)
        r = search_hit(t, generation, &ranking->best[i], &reply->items[i]);
    reply->items_n = ranking->n;
    reply->total = found->total;
    if (ranking->more && ranking->n) {
        rank_place_write(&ranking->best[ranking->n - 1], place);
        reply->next = page_cursor_text(turn_arena(t), bytes_of(place, sizeof(place)));
    }
    return r;
}

int index_on_search(struct index *self, struct turn *t, const struct search *ask, struct search_reply *reply)
{
    const struct index_settings *settings = turn_settings(t);
    const struct subject *who = turn_subject(t);
    struct finder_options options = { .txn = turn_txn(t),
                                      .arena = turn_arena(t),
                                      .stems = self->stems,
                                      .viewer = who->known ? who->user_id : ID_NONE,
                                      .rows = settings->search_rows,
                                      .most = ask->limit };
    struct finder_result found;
    struct generations all = { .serving.number = 0 };
    struct rank_hit place;
    struct query query;
    int r = search_place(t, ask->cursor, &place, &options.place);

    if (r == 0)
        r = query_read(options.arena, ask->q, &query);
    if (r == 0)
        r = generations_read(options.txn, options.arena, &all);
    options.generation = generations_answering(&all);
    if (r < 0 || !options.generation)
        return r;
    r = finder_run(&options, &query, &found);
    if (r < 0)
        return r;
    turn_count(t, INDEX_SEARCHES, 1);
    turn_count(t, INDEX_SEARCHES_CUT, found.cut);
    turn_count(t, INDEX_ROWS_READ, found.rows);
    return search_answer(t, options.generation->number, &found, reply);
}

int index_on_suggest(struct index *self, struct turn *t, const struct suggest *ask, struct suggest_reply *reply)
{
    const struct index_generation *generation;
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    generation = generations_answering(&all);
    if (r < 0 || !generation)
        return r;
    return suggestions_find(turn_txn(t), turn_arena(t), generation->number, ask->q, ask->limit, &reply->items,
                            &reply->items_n);
}
