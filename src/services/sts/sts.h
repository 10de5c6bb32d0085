/*
 * sts: who one is, and temporary keys. Holds nothing: who makes sessions is given by the app.
 * The control thread.
 */
#ifndef SERVICES_STS_STS_H
#define SERVICES_STS_STS_H

#include "api/api.h"

/* Both read call->input and fill call->output, and are borrowed for good. */
struct sts_sessions {
	err_t (*assume_role)(void *owner, struct api_call *call);
	err_t (*session_token)(void *owner, struct api_call *call);
	void *owner;
};

struct sts;

err_t sts_create(struct api *api, const struct sts_sessions *sessions, struct sts **ret_sts);
void sts_destroy(struct sts *sts); /* NULL is welcome */

#endif
