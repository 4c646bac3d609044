/* identity - who sends a request, and whether a browser was made to send it by another site.
 *
 * A Bearer token is verified here and travels on as it is; its owner verifies it again. A session cookie is
 * exchanged at auth for an access token. Both at once: the Bearer token counts. A token that does not verify
 * is an error even where nobody need say who he is; a session that has ended counts as none there. */
#pragma once

#include "web/front/exchange.h"

/* What kind of request takes from which bucket. */
enum identity_rate { RATE_NONE, RATE_API, RATE_LOGIN, RATE_REGISTER, RATE_SEARCH, RATE_UPLOAD, RATE_POSTER };

/* Fills x->who, and takes a token from the bucket of whoever it is: the account's, else the address's, so
 * that wrong credentials are counted as well. needed: nobody is not enough. On an error the problem has been
 * answered. */
int identity_admit(struct exchange *x, bool needed, enum identity_rate kind);

/* Whether x->who still stands, for what goes on for long: not expired, not revoked. Asks auth for a session.
 * */
bool identity_holds(struct exchange *x);

/* TRUST 4.4: an unsafe request must come from our own pages when a cookie speaks for it, and must not come
 * from a foreign one in any case. On an error the problem has been answered. */
int identity_same_site(struct exchange *x);

/* Whose request it is, to count by and not to let in: of an access token that verifies, or of a cookie that was exchanged here
 * before. Nobody is asked. */
bool identity_whose(const struct exchange *x, struct id *ret_user);

/* What a bucket of the client's belongs to: an IPv4 address, or the /64 of an IPv6 one; answers its length. */
size_t identity_network(const char *client, uint8_t to[static 16]);

/* A request from this host, where those are not counted (front.trust_loopback). */
bool identity_is_trusted(const struct exchange *x);

/* The client's address: the edge's word for it when it proves to be the edge, else the peer's. */
void identity_client(struct exchange *x);
