/*
 * client: how commands talk to a running Weir: its API, signed with the keys of the data directory.
 * Blocking; one thread.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "cli/settings.h"

struct client {
	char *address;		   /* "127.0.0.1:4566" */
	char *access_key, *secret; /* "" when the data directory has none: unsigned requests */
	char *region;
	const char *data; /* the settings' */
};

/*
 * Finds the running Weir: --api when given, else the address the daemon noted in DATA/api.
 * ERR_NOT_FOUND when there is neither; `why` gets a sentence.
 */
err_t client_open(struct client *client, const struct settings *settings, struct text *why);
void client_close(struct client *client);

/*
 * One operation. *ret_output is a new reference, also on ERR_INVALID: then it is the fault,
 * {"code", "message"}, and `why` says it. ERR_REFUSED when nothing listens there.
 */
err_t client_call(const struct client *client, const char *service, const char *operation,
		  json_t *input, json_t **ret_output, struct text *why);

/* A path of the house's own (/_weir/…) that answers with a JSON object; as client_call. */
err_t client_ask(const struct client *client, const char *method, const char *path,
		 json_t **ret_output, struct text *why);

/* Reads DATA/credentials, the form of AWS's shared credentials file. ERR_NOT_FOUND. */
err_t credentials_read(const char *data, char **ret_access_key, char **ret_secret);

#endif
