/* index - finds videos by what people type.
 *
 * Serves     search, suggest, rebuild, index_status                      (schemas/index.toml)
 * Follows    the catalog's videos: created, changed, playable, ready, failed, published, deleted
 * Asks       catalog.scan, a page at a time, when it is rebuilt
 * Keeps      words, postings, documents and suggestions in $state/index, all of them by generation; nothing
 * that
 *            the catalog could not tell again
 * Shows      to anyone what is public, published and can be watched; to an owner all of his own
 * Rebuilds   when it is new, when the rules for words changed, when events were lost, and when it is told
 * to: a new
 *            generation grows beside the one that serves, hears the same events, and takes its place when the
 *            catalog has been read to its end; a restart goes on where it was
 * When busy  a search reads index.search_rows rows at most, the newest videos first, and then answers with
 * what it has Weak spot  a page of results may repeat or miss a video when scores shift between two pages */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def index_actor;
