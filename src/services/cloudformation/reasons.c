/*
 * reasons: a service's refusal in the words in which a stack's events tell it.
 *
 *   WORDS (Service: logs, Status Code: 400, Code: X)
 *     ─► Resource handler returned message: "WORDS (Service: CloudWatchLogs, Status Code: 400,
 *        Code: X)" (RequestToken: UUID, HandlerErrorCode: AlreadyExists)
 */
#include "services/cloudformation/reasons.h"

#include <stdio.h>
#include <string.h>

/* As AWS's events name them. */
static const struct service_name {
	const char *ours, *told;
} services[] = {
	{ "acm", "Acm" },
	{ "application-autoscaling", "ApplicationAutoScaling" },
	{ "cloudformation", "CloudFormation" },
	{ "cloudwatch", "CloudWatch" },
	{ "ec2", "Ec2" },
	{ "ecs", "Ecs" },
	{ "elasticloadbalancing", "ElasticLoadBalancingV2" },
	{ "elbv2", "ElasticLoadBalancingV2" },
	{ "iam", "Iam" },
	{ "lambda", "Lambda" },
	{ "logs", "CloudWatchLogs" },
	{ "s3", "S3" },
	{ "secretsmanager", "SecretsManager" },
	{ "ssm", "Ssm" },
};

/* A service's code and the handler's; the first whose word is in the code counts. */
static const struct handler_code {
	const char *word, *code;
} codes[] = {
	{ "AlreadyExists", "AlreadyExists" },
	{ "AlreadyOwnedByYou", "AlreadyExists" },
	{ "Duplicate", "AlreadyExists" },
	{ "NotFound", "NotFound" },
	{ "NoSuch", "NotFound" },
	{ "AccessDenied", "AccessDenied" },
	{ "Unauthorized", "AccessDenied" },
	{ "LimitExceeded", "ServiceLimitExceeded" },
	{ "TooMany", "ServiceLimitExceeded" },
	{ "Throttl", "Throttling" },
	{ "Conflict", "ResourceConflict" },
	{ "InUse", "ResourceConflict" },
	{ "NotEmpty", "GeneralServiceException" },
	{ "Internal", "ServiceInternalError" },
	{ "ServiceFailure", "ServiceInternalError" },
};

static const char *handler_code_of(const char *code)
{
	for (size_t i = 0; i < COUNT(codes); i++)
		if (strstr(code, codes[i].word))
			return codes[i].code;
	return "InvalidRequest";
}

bool reason_says_there_already(const char *code)
{
	return strcmp(handler_code_of(code), "AlreadyExists") == 0;
}

static const char *name_of(struct bytes service)
{
	for (size_t i = 0; i < COUNT(services); i++)
		if (bytes_eq_str(service, services[i].ours))
			return services[i].told;
	return NULL;
}

/* A service may quote another one: the last says whose words they are. */
static size_t last_of(struct bytes words, struct bytes mark)
{
	size_t last = SIZE_MAX, from = 0, at;

	while ((at = bytes_find(bytes_from(words, from), mark)) != SIZE_MAX) {
		last = from + at;
		from = last + mark.len;
	}
	return last;
}

bool reason_parse(struct bytes words, struct reason *ret_reason)
{
	static const struct bytes begin = { " (Service: ", 11 }, next = { ", Status Code: ", 15 },
				  code = { ", Code: ", 8 };
	size_t at = last_of(words, begin), end;
	struct bytes rest;

	if (at == SIZE_MAX || !bytes_ends(words, BYTES(")")))
		return false;
	ret_reason->words = bytes_upto(words, at);
	rest = bytes_from(words, at + begin.len);
	end = bytes_find(rest, next);
	if (end == SIZE_MAX)
		return false;
	ret_reason->service = bytes_upto(rest, end);
	rest = bytes_from(rest, end + next.len);
	end = bytes_find(rest, code);
	if (end == SIZE_MAX)
		return false;
	ret_reason->status = bytes_upto(rest, end);
	ret_reason->code = bytes_upto(bytes_from(rest, end + code.len),
				      rest.len - end - code.len - 1);
	return bytes_index(ret_reason->code, ')') == SIZE_MAX;
}

void reason_of_handler(struct text *why, const char *token)
{
	struct text told = TEXT_INIT(16 * 1024);
	struct reason reason;
	const char *service;
	char code[128];

	if (!reason_parse(text_bytes(why), &reason) || reason.code.len >= sizeof code)
		return;
	snprintf(code, sizeof code, "%.*s", BYTES_ARG(reason.code));
	service = name_of(reason.service);
	text_printf(
		&told,
		"Resource handler returned message: \"%.*s (Service: %.*s, Status Code: %.*s, Code: "
		"%s)\" (RequestToken: %s, HandlerErrorCode: %s)",
		BYTES_ARG(reason.words), BYTES_ARG(service ? bytes_of(service) : reason.service),
		BYTES_ARG(reason.status), code, token, handler_code_of(code));
	text_clear(why);
	text_add(why, text_bytes(&told));
	text_fini(&told);
}
