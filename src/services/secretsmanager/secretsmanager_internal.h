/*
 * secretsmanager_internal: what the files of this folder share. In the store: "secrets.secret", id
 * NAME: what DescribeSecret answers, and "_versions": { id: { "created", "stages", "sealed",
 * "binary" } }, the newest VERSIONS_MAX of them.
 */
#ifndef SERVICES_SECRETSMANAGER_SECRETSMANAGER_INTERNAL_H
#define SERVICES_SECRETSMANAGER_SECRETSMANAGER_INTERNAL_H

#include "base/arena.h"
#include "services/secretsmanager/secretsmanager.h"

#define KIND_SECRET "secrets.secret"

struct secretsmanager {
	struct secretsmanager_options options;
	struct arena arena;
	struct api_service service;
};

static inline struct secretsmanager *secrets_of(const struct api_call *call)
{
	return call->service->state;
}

extern const struct api_operation secrets_operations[];
extern const size_t secrets_operation_count;

#define HANDLER(name) err_t secrets_##name(struct api_call *call)
HANDLER(create_secret);
HANDLER(get_secret_value);
HANDLER(put_secret_value);
HANDLER(update_secret);
HANDLER(delete_secret);
HANDLER(restore_secret);
HANDLER(describe_secret);
HANDLER(list_secrets);
HANDLER(tag_resource);
HANDLER(untag_resource);
HANDLER(get_random_password);
#undef HANDLER

#endif
