/* Generated from schemas/shelf.toml by schemas/compile. Change the schema, not this file. */
#include "gen/shelf.h"

int ask_put_back(struct turn *t, const struct put_back *ask, turn_then *then, const void *ctx, size_t ctx_len)
{
    return turn_ask(t, &put_back_call, ask, then, ctx, ctx_len);
}
