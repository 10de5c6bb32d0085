/*
 * ssm: Systems Manager's Parameter Store (API 2014-11-06): names with values, for tasks and stacks.
 *
 * Every value lies in the store sealed with the installation's key; SecureString differs in who is
 * shown it: only who asks WithDecryption. The control thread only.
 */
#ifndef SERVICES_SSM_SSM_H
#define SERVICES_SSM_SSM_H

#include "api/api.h"
#include "crypto/seal.h"
#include "store/store.h"

struct ssm;

struct ssm_options {
	struct api *api; /* the service registers itself here; borrowed, as store and loop */
	struct store *store;
	struct loop *loop;
	const char *account, *region; /* copied */
	uint8_t seal_key[SEAL_KEY_BYTES];
};

err_t ssm_create(const struct ssm_options *options, struct ssm **ret_ssm);
void ssm_destroy(struct ssm *ssm); /* NULL is welcome */

#endif
