/*
 * autoscaling_internal: what the files of this folder share. In the store, bodies as Describe
 * answers them; members that begin with '_' are ours:
 *
 *   autoscaling.target    id RESOURCE ("service/c/web")   _activities, _scaled_ms, _tags
 *   autoscaling.policy    id RESOURCE/NAME                parent RESOURCE; _out_ms, _in_ms
 *   autoscaling.schedule  id RESOURCE/NAME                parent RESOURCE; _next_s
 */
#ifndef SERVICES_AUTOSCALING_AUTOSCALING_INTERNAL_H
#define SERVICES_AUTOSCALING_AUTOSCALING_INTERNAL_H

#include "base/arena.h"
#include "services/autoscaling/autoscaling.h"

#define KIND_TARGET   "autoscaling.target"
#define KIND_POLICY   "autoscaling.policy"
#define KIND_SCHEDULE "autoscaling.schedule"

struct autoscaling {
	struct autoscaling_options options;
	struct arena arena;
	struct api_service service;
	struct timer timer;
};

static inline struct autoscaling *autoscaling_of(const struct api_call *call)
{
	return call->service->state;
}

static inline uint64_t autoscaling_now_ms(const struct autoscaling *self)
{
	return loop_unix_us(self->options.loop) / 1000;
}

extern const struct api_operation autoscaling_operations[];
extern const size_t autoscaling_operation_count;

static inline const char *text_of(const json_t *object, const char *key) /* "": absent */
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline int64_t number_of(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* Takes over `value`; a NULL is ERR_NOMEM. */
static inline err_t put(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

/* Asks another service as the house; `input` is taken over, *ret_output is the caller's. */
err_t autoscaling_ask(struct autoscaling *self, const char *service, const char *operation,
		      json_t *input, json_t **ret_output, struct api_fault *ret_fault);

/* One look at all that scales (act.c). */
void autoscaling_look(struct autoscaling *self);

#define HANDLER(name) err_t autoscaling_##name(struct api_call *call)
HANDLER(register_scalable_target);
HANDLER(describe_scalable_targets);
HANDLER(deregister_scalable_target);
HANDLER(put_scaling_policy);
HANDLER(describe_scaling_policies);
HANDLER(delete_scaling_policy);
HANDLER(put_scheduled_action);
HANDLER(describe_scheduled_actions);
HANDLER(delete_scheduled_action);
HANDLER(describe_scaling_activities);
HANDLER(tag_resource);
HANDLER(untag_resource);
HANDLER(list_tags_for_resource);
#undef HANDLER

#endif
