/* postings - see postings.h */
#include "actors/index/postings.h"

#include <string.h>

#include "actors/index/suggestions.h"
#include "gen/catalog.h"
#include "gen/errors.h"

/* A document with all that it is made of; absent: no words. */
struct posted {
    struct index_document row;
    struct index_text text;
    struct document_words words;
    bool there;
};

bool postings_found(const struct video *video)
{
    return video->visibility == VISIBILITY_PUBLIC && video->release == RELEASE_STATE_PUBLISHED &&
           video->life == LIFE_STATE_LIVE &&
           (video->state == VIDEO_STATE_PLAYABLE || video->state == VIDEO_STATE_READY);
}

static int postings_read(struct store_txn *txn, struct arena *arena, struct stems *stems, uint64_t generation,
                         struct id video, struct posted *ret)
{
    int r = index_document_get(txn, arena, generation, video, &ret->row);

    *ret = (struct posted) { .row = ret->row };
    if (r == ERR_NOT_FOUND) {
        ret->row = (struct index_document) { .generation = generation, .video_id = video };
        return 0;
    }
    if (r == 0)
        r = index_text_get(txn, arena, generation, video, &ret->text);
    if (r == 0)
        r = document_words(arena, stems, ret->row.title, &ret->text, &ret->words);
    ret->there = true;
    return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

/* What is to be stored of a video. Its strings are the video's. */
static int postings_make(struct arena *arena, struct stems *stems, uint64_t generation, const struct video *v,
                         struct posted *ret)
{
    const char **people = arena_alloc_n(arena, v->people_n + 1, sizeof(*people));
    int r;

    for (size_t i = 0; i < v->people_n; i++)
        people[i] = v->people[i].name;
    *ret = (struct posted) { .there = true };
    ret->text = (struct index_text) {
        .generation = generation,
        .video_id = v->id,
        .description = v->description,
        .tags = v->tags,
        .tags_n = v->tags_n,
        .people = people,
        .people_n = v->people_n,
        .language = v->language,
    };
    r = document_words(arena, stems, v->title, &ret->text, &ret->words);
    if (r < 0)
        return r;
    ret->row = (struct index_document) {
        .generation = generation,
        .video_id = v->id,
        .video_rev = v->rev,
        .owner_id = v->owner_id,
        .found = postings_found(v),
        .owner_name = v->owner_name,
        .title = v->title,
        .beginning = document_beginning(arena, v->description, 300),
        .duration_ms = v->duration_ms,
        .created_at = v->created_at,
        .state = v->state,
        .title_words = ret->words.lengths[RANK_TITLE],
        .tag_words = ret->words.lengths[RANK_TAGS],
        .people_words = ret->words.lengths[RANK_PEOPLE],
        .description_words = ret->words.lengths[RANK_DESCRIPTION],
    };
    return 0;
}

/* One document more or less holds a word. */
static int postings_count(struct store_txn *txn, struct arena *arena, uint64_t generation, const char *word,
                          int more)
{
    struct index_word row = { .generation = generation, .word = word };
    int r = index_word_get(txn, arena, generation, word, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == ERR_NOT_FOUND)
        row = (struct index_word) { .generation = generation, .word = word };
    if (more < 0 && row.documents <= 1)
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : index_word_del(txn, generation, word);
    row.documents += (uint64_t)(int64_t)more;
    return index_word_put(txn, &row);
}

static int postings_add_word(struct store_txn *txn, const struct posted *doc, const struct document_word *word)
{
    return index_posting_put(txn, &(struct index_posting) {
                                      .generation = doc->row.generation,
                                      .word = word->word,
                                      .video_id = doc->row.video_id,
                                      .title = word->counts[RANK_TITLE],
                                      .tags = word->counts[RANK_TAGS],
                                      .people = word->counts[RANK_PEOPLE],
                                      .description = word->counts[RANK_DESCRIPTION],
                                  });
}

static int postings_more(struct store_txn *txn, struct arena *arena, const struct posted *doc,
                         const struct document_word *word)
{
    int r = postings_add_word(txn, doc, word);

    return r < 0 ? r : postings_count(txn, arena, doc->row.generation, word->word, 1);
}

static int postings_fewer(struct store_txn *txn, struct arena *arena, const struct posted *doc,
                          const struct document_word *word)
{
    int r = index_posting_del(txn, doc->row.generation, word->word, doc->row.video_id);

    if (r == ERR_NOT_FOUND)
        return ERR_CORRUPT;
    return r < 0 ? r : postings_count(txn, arena, doc->row.generation, word->word, -1);
}

/* Both lists are sorted: one walk over the two tells what came, went and changed. */
static int postings_words(struct store_txn *txn, struct arena *arena, const struct posted *old,
                          const struct posted *new)
{
    const struct document_word *a = old->words.list, *b = new->words.list;
    size_t i = 0, j = 0;
    int r = 0;

    while (r == 0 && (i < old->words.n || j < new->words.n)) {
        int order = i == old->words.n ? 1 : j == new->words.n ? -1 : strcmp(a[i].word, b[j].word);

        if (order < 0)
            r = postings_fewer(txn, arena, old, &a[i++]);
        else if (order > 0)
            r = postings_more(txn, arena, new, &b[j++]);
        else if (memcmp(a[i++].counts, b[j].counts, sizeof(b->counts)) == 0)
            j++;
        else
            r = postings_add_word(txn, new, &b[j++]);
    }
    return r;
}

static int postings_language(struct store_txn *txn, struct arena *arena, uint64_t generation, const char *language,
                             int more)
{
    struct index_language row;
    int r;

    if (!*language)
        return 0;
    r = index_language_get(txn, arena, generation, language, &row);
    if (r == ERR_NOT_FOUND)
        row = (struct index_language) { .generation = generation, .language = language };
    else if (r < 0)
        return r;
    if (more < 0 && row.documents <= 1)
        return index_language_del(txn, generation, language);
    row.documents += (uint64_t)(int64_t)more;
    return index_language_put(txn, &row);
}

static int postings_languages(struct store_txn *txn, struct arena *arena, const struct posted *old,
                              const struct posted *new)
{
    const char *from = old->words.language ? old->words.language : "";
    const char *to = new->words.language ? new->words.language : "";
    int r;

    if (strcmp(from, to) == 0)
        return 0;
    r = postings_language(txn, arena, old->row.generation, from, -1);
    return r < 0 ? r : postings_language(txn, arena, old->row.generation, to, 1);
}

static int postings_totals(struct store_txn *txn, struct index_generation *g, const struct posted *old,
                           const struct posted *new)
{
    g->documents += (uint64_t) new->there - (uint64_t)old->there;
    g->title_words += new->row.title_words - old->row.title_words;
    g->tag_words += new->row.tag_words - old->row.tag_words;
    g->people_words += new->row.people_words - old->row.people_words;
    g->description_words += new->row.description_words - old->row.description_words;
    return index_generation_put(txn, g);
}

static int postings_rows(struct store_txn *txn, struct posted *old, struct posted *new)
{
    int r;

    if (new->there) {
        r = index_document_put(txn, &new->row);
        return r < 0 ? r : index_text_put(txn, &new->text);
    }
    if (!old->there)
        return 0;
    r = index_document_del(txn, old->row.generation, old->row.video_id);
    return r < 0 ? r : index_text_del(txn, old->row.generation, old->row.video_id);
}

static int postings_replace(struct store_txn *txn, struct arena *arena, struct index_generation *g,
                            struct posted *old, struct posted *new)
{
    int r = postings_words(txn, arena, old, new);

    if (r == 0)
        r = postings_languages(txn, arena, old, new);
    if (r == 0)
        r = suggestions_change(txn, arena, old->there && old->row.found ? &old->row : NULL, &old->text,
                               new->there &&new->row.found ? &new->row : NULL, &new->text);
    if (r == 0)
        r = postings_rows(txn, old, new);
    return r < 0 ? r : postings_totals(txn, g, old, new);
}

/* 1: what is stored is as new as this rev, or it was deleted later. */
static int postings_older(struct store_txn *txn, struct arena *arena, const struct posted *old, uint64_t rev)
{
    struct index_tombstone grave;
    int r;

    if (old->there)
        return old->row.video_rev >= rev;
    r = index_tombstone_get(txn, arena, old->row.generation, old->row.video_id, &grave);
    if (r == ERR_NOT_FOUND)
        return 0;
    return r < 0 ? r : grave.video_rev >= rev;
}

int postings_put(struct store_txn *txn, struct arena *arena, struct stems *stems,
                 struct index_generation *generation, const struct video *video)
{
    struct posted old, new;
    int r;

    if (video->life != LIFE_STATE_LIVE)
        return postings_del(txn, arena, stems, generation, video->id, video->rev);
    r = postings_read(txn, arena, stems, generation->number, video->id, &old);
    if (r == 0)
        r = postings_older(txn, arena, &old, video->rev);
    if (r != 0)
        return r < 0 ? r : 0;
    r = postings_make(arena, stems, generation->number, video, &new);
    if (r == 0)
        r = postings_replace(txn, arena, generation, &old, &new);
    return r < 0 ? r : 1;
}

int postings_del(struct store_txn *txn, struct arena *arena, struct stems *stems,
                 struct index_generation *generation, struct id video, uint64_t rev)
{
    struct posted old, none = { .there = false };
    int r = postings_read(txn, arena, stems, generation->number, video, &old);

    if (r < 0)
        return r;
    if (old.there && old.row.video_rev > rev)
        return 0;
    if (generation->state == GENERATION_STATE_BUILDING)
        r = index_tombstone_put(txn, &(struct index_tombstone) {
                                         .generation = generation->number, .video_id = video, .video_rev = rev });
    if (r == 0 && old.there)
        r = postings_replace(txn, arena, generation, &old, &none);
    return r < 0 ? r : 1;
}
