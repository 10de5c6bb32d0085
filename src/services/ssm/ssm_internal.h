/*
 * ssm_internal: what the files of this folder share. In the store: "ssm.parameter", id NAME:
 * Name, Type, Description, Version, LastModifiedDate, … as DescribeParameters answers them, the
 * tags, and "_sealed": the value, sealed, in base64.
 */
#ifndef SERVICES_SSM_SSM_INTERNAL_H
#define SERVICES_SSM_SSM_INTERNAL_H

#include "base/arena.h"
#include "services/ssm/ssm.h"

#define KIND_PARAMETER "ssm.parameter"

struct ssm {
	struct ssm_options options;
	struct arena arena;
	struct api_service service;
};

static inline struct ssm *ssm_of(const struct api_call *call)
{
	return call->service->state;
}

extern const struct api_operation ssm_operations[];
extern const size_t ssm_operation_count;

#define HANDLER(name) err_t ssm_##name(struct api_call *call)
HANDLER(put_parameter);
HANDLER(get_parameter);
HANDLER(get_parameters);
HANDLER(get_parameters_by_path);
HANDLER(describe_parameters);
HANDLER(delete_parameter);
HANDLER(delete_parameters);
HANDLER(add_tags_to_resource);
HANDLER(remove_tags_from_resource);
HANDLER(list_tags_for_resource);
#undef HANDLER

#endif
