/* Generated from schemas/shelf.toml by schemas/compile. Change the schema, not this file. */
#include "gen/shelf.h"

