/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#pragma once

/* The file `policy` of this build, for the broker that is given no other. */
extern const char policy_text[];

/* Everybody who counts: the values metrics.NAME. */
extern const char *const policy_actors[];
extern const unsigned policy_actors_n;
