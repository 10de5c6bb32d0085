/*
 * resources: which ARNs a call is about. The input was not checked yet: anything may be missing.
 */
#include "services/iam/iam_internal.h"

static err_t add(json_t *arns, const char *arn)
{
	return arn && json_array_append_new(arns, json_string(arn)) ? ERR_NOMEM : ERR_OK;
}

/* What an operation that makes a thing is about: the thing by its name, its id still open. */
static const struct creation {
	const char *operation, *word;
} creations[] = {
	{ "CreateLoadBalancer", "loadbalancer/app/" },
	{ "CreateTargetGroup", "targetgroup/" },
};

static err_t add_creation(struct api_call *call, json_t *arns)
{
	const char *name = iam_text(call->input, "Name");

	for (size_t i = 0; name && i < COUNT(creations); i++)
		if (strcmp(creations[i].operation, call->operation->name) == 0)
			return add(arns, arena_printf(call->arena,
						      "arn:aws:elasticloadbalancing:%s:%s:%s%s/*",
						      call->caller->region, call->caller->account,
						      creations[i].word, name));
	return ERR_OK;
}

/* Operations that only describe know no single resources at AWS. */
static err_t of_balancing(struct api_call *call, json_t *arns)
{
	static const char *const members[] = { "LoadBalancerArn", "ListenerArn", "RuleArn",
					       "TargetGroupArn", "TrustStoreArn" };
	json_t *one;
	size_t i;

	if (call->operation->effect == API_READS)
		return ERR_OK;
	TRY(add_creation(call, arns));
	for (i = 0; i < COUNT(members); i++)
		TRY(add(arns, iam_text(call->input, members[i])));
	json_array_foreach (json_object_get(call->input, "ResourceArns"), i, one) {
		TRY(add(arns, json_string_value(one)));
	}
	json_array_foreach (json_object_get(call->input, "RulePriorities"), i, one) {
		TRY(add(arns, iam_text(one, "RuleArn")));
	}
	return ERR_OK;
}

/* The ARN of what is there, or would be. */
static err_t of_entity(struct api_call *call, const struct iam_entity *entity, const char *name,
		       json_t *arns)
{
	const char *path = iam_text(call->input, "Path"), *id = iam_id_of_name(call->arena, name);
	json_t *body = NULL;
	err_t err = id ? store_get(iam_of(call)->txn, entity->kind, id, &body, NULL) : ERR_NOMEM;

	if (!err && !iam_hold(call, body))
		return ERR_NOMEM;
	if (!err)
		return add(arns, iam_text(body, "Arn"));
	if (err != ERR_NOT_FOUND)
		return err;
	return add(arns, arena_printf(call->arena, "arn:aws:iam::%s:%s%s%s", call->caller->account,
				      entity->arn, path ? path : "/", name));
}

static err_t of_iam(struct api_call *call, json_t *arns)
{
	static const struct iam_entity *const entities[] = { &iam_profile, &iam_certificate,
							     &iam_role, &iam_user };
	const char *policy = iam_text(call->input, "PolicyName"), *name;
	const char *path = iam_text(call->input, "Path");

	for (size_t i = 0; i < COUNT(entities); i++) {
		name = iam_text(call->input, entities[i]->name);
		if (name)
			return of_entity(call, entities[i], name, arns);
	}
	TRY(add(arns, iam_text(call->input, "PolicyArn")));
	if (policy)
		return add(arns, arena_printf(call->arena, "arn:aws:iam::%s:policy%s%s",
					      call->caller->account, path ? path : "/", policy));
	/* About oneself, when nobody is named. */
	if (json_array_size(arns) == 0 && strstr(call->operation->name, "AccessKey"))
		return add(arns, call->caller->arn);
	return strcmp(call->operation->name, "GetUser") == 0 ? add(arns, call->caller->arn)
							     : ERR_OK;
}

err_t iam_resources(struct api_call *call, json_t **ret_arns)
{
	json_t *arns = iam_hold(call, json_array());
	const char *service = call->service->name;

	if (!arns)
		return ERR_NOMEM;
	if (strcmp(service, "elasticloadbalancing") == 0)
		TRY(of_balancing(call, arns));
	else if (strcmp(service, "iam") == 0)
		TRY(of_iam(call, arns));
	else if (strcmp(service, "acm") == 0)
		TRY(add(arns, iam_text(call->input, "CertificateArn")));
	else if (strcmp(service, "sts") == 0)
		TRY(add(arns, iam_text(call->input, "RoleArn")));
	if (json_array_size(arns) == 0)
		TRY(add(arns, "*"));
	*ret_arns = arns;
	return ERR_OK;
}
