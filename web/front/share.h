/* share - how many media files each client is being sent at the moment, so that none takes all connections.
 *
 * A client is its address, as far as it is believed. Any thread. */
#pragma once

#include <stdbool.h>

struct share;

struct share *share_new(unsigned clients_max); /* as many as there can be at a time: connections */
void share_free(struct share **share);

/* False: this client has `most` of them already. */
bool share_take(struct share *share, const char *client, unsigned most);
void share_give_back(struct share *share, const char *client);
