/*
 * cognito: secrets of Cognito's clients, from the file that --cognito-clients names. AWS reads them
 * from Cognito itself; here nobody but the operator knows them.
 *
 * A line is a client's id and its secret, with a blank between; empty lines and those that begin
 * with "#" are passed over. The file is read once, at start, and must be its owner's alone.
 */
#ifndef APP_COGNITO_H
#define APP_COGNITO_H

#include "base/map.h"
#include "base/text.h"

struct cognito_clients {
	struct map secrets; /* by client id; malloc'ed strings */
};

/* `path` "": none. On failure `why` gets a sentence. */
err_t cognito_clients_load(struct cognito_clients *clients, const char *path, struct text *why);
void cognito_clients_fini(struct cognito_clients *clients);

/* at == NULL: the client has none. */
struct bytes cognito_client_secret(const struct cognito_clients *clients, struct bytes client_id);

#endif
