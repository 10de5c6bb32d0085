/*
 * secretsmanager: Secrets Manager (API 2017-10-17): secrets with versions and stages.
 *
 * Values lie in the store sealed with the installation's key. Nothing rotates. The control thread
 * only.
 */
#ifndef SERVICES_SECRETSMANAGER_SECRETSMANAGER_H
#define SERVICES_SECRETSMANAGER_SECRETSMANAGER_H

#include "api/api.h"
#include "crypto/seal.h"
#include "store/store.h"

struct secretsmanager;

struct secretsmanager_options {
	struct api *api; /* the service registers itself here; borrowed, as store and loop */
	struct store *store;
	struct loop *loop;
	const char *account, *region; /* copied */
	uint8_t seal_key[SEAL_KEY_BYTES];
};

err_t secretsmanager_create(const struct secretsmanager_options *options,
			    struct secretsmanager **ret_secretsmanager);
void secretsmanager_destroy(struct secretsmanager *secretsmanager); /* NULL is welcome */

#endif
