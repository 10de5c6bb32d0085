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
							     &iam_group, &iam_role, &iam_user };
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

/* ---- Services whose inputs name their resources ---- */

/*
 * A member of the input (a text or a list of texts) and what it names. `form` is what follows
 * "arn:aws:", with %R for Region, %A for account, %N for the name (%P: without a first slash), %G
 * for the log group, %C for the cluster; an ARN stands for itself.
 * An OTHERWISE row counts when no row before it has found anything.
 */
static const struct naming {
	const char *service, *member, *form;
	enum { ALSO, OTHERWISE } when;
} namings[] = {
	{ "logs", "logStreamName", "logs:%R:%A:log-group:%G:log-stream:%N", ALSO },
	{ "logs", "logGroupName", "logs:%R:%A:log-group:%N:log-stream:", OTHERWISE },
	{ "logs", "logGroupIdentifier", "logs:%R:%A:log-group:%N:log-stream:", OTHERWISE },
	{ "logs", "resourceArn", NULL, OTHERWISE },
	{ "monitoring", "AlarmName", "cloudwatch:%R:%A:alarm:%N", ALSO },
	{ "monitoring", "AlarmNames", "cloudwatch:%R:%A:alarm:%N", ALSO },
	{ "monitoring", "DashboardName", "cloudwatch::%A:dashboard/%N", ALSO },
	{ "monitoring", "DashboardNames", "cloudwatch::%A:dashboard/%N", ALSO },
	{ "monitoring", "ResourceARN", NULL, ALSO },
	{ "ec2", "GroupId", "ec2:%R:%A:security-group/%N", ALSO },
	{ "ec2", "SubnetId", "ec2:%R:%A:subnet/%N", ALSO },
	{ "ec2", "RouteTableId", "ec2:%R:%A:route-table/%N", ALSO },
	{ "ec2", "InternetGatewayId", "ec2:%R:%A:internet-gateway/%N", ALSO },
	{ "ec2", "VpcId", "ec2:%R:%A:vpc/%N", ALSO },
	{ "ec2", "InstanceId", "ec2:%R:%A:instance/%N", ALSO },
	{ "ec2", "PrefixListId", "ec2:%R:%A:prefix-list/%N", ALSO },
	{ "ec2", "NetworkInterfaceId", "ec2:%R:%A:network-interface/%N", ALSO },
	{ "lambda", "FunctionName", "lambda:%R:%A:function:%N", ALSO },
	{ "lambda", "Resource", NULL, OTHERWISE },
	{ "acm", "CertificateArn", NULL, ALSO },
	{ "ecs", "service", "ecs:%R:%A:service/%C/%N", ALSO },
	{ "ecs", "services", "ecs:%R:%A:service/%C/%N", ALSO },
	{ "ecs", "serviceName", "ecs:%R:%A:service/%C/%N", ALSO },
	{ "ecs", "task", "ecs:%R:%A:task/%C/%N", OTHERWISE },
	{ "ecs", "tasks", "ecs:%R:%A:task/%C/%N", OTHERWISE },
	{ "ecs", "taskDefinition", "ecs:%R:%A:task-definition/%N", OTHERWISE },
	{ "ecs", "family", "ecs:%R:%A:task-definition/%N:*", OTHERWISE },
	{ "ecs", "resourceArn", NULL, OTHERWISE },
	{ "ecs", "cluster", "ecs:%R:%A:cluster/%N", OTHERWISE },
	{ "ecs", "clusterName", "ecs:%R:%A:cluster/%N", OTHERWISE },
	{ "ecs", "clusters", "ecs:%R:%A:cluster/%N", OTHERWISE },
	{ "ssm", "Name", "ssm:%R:%A:parameter/%P", ALSO },
	{ "ssm", "Names", "ssm:%R:%A:parameter/%P", ALSO },
	{ "ssm", "Path", "ssm:%R:%A:parameter/%P", ALSO },
	{ "secretsmanager", "SecretId", "secretsmanager:%R:%A:secret:%N", ALSO },
	{ "secretsmanager", "Name", "secretsmanager:%R:%A:secret:%N", OTHERWISE },
	{ "cloudformation", "StackName", "cloudformation:%R:%A:stack/%N/*", ALSO },
};

/* "name" of "arn:…:cluster/name", and of "name". */
static struct bytes short_name(const char *text)
{
	struct bytes name = bytes_of(text);

	for (size_t i = name.len; bytes_starts(name, BYTES("arn:")) && i > 0; i--)
		if (name.at[i - 1] == '/')
			return bytes_from(name, i);
	return name;
}

static void fill_in(struct text *out, struct api_call *call, char what, const char *name)
{
	const char *cluster = iam_text(call->input, "cluster");
	const char *group = iam_text(call->input, "logGroupName");

	if (!group)
		group = iam_text(call->input, "logGroupIdentifier");
	switch (what) {
	case 'R': text_add_str(out, call->caller->region); break;
	case 'A': text_add_str(out, call->caller->account); break;
	case 'C': text_add(out, short_name(cluster ? cluster : "default")); break;
	case 'G': text_add_str(out, group ? group : ""); break;
	case 'P': text_add_str(out, name[0] == '/' ? name + 1 : name); break;
	default: text_add_str(out, name); break;
	}
}

static err_t add_named(struct api_call *call, const char *form, const char *name, json_t *arns)
{
	struct text arn = TEXT_INIT(4096);
	err_t err;

	if (!form || bytes_starts(bytes_of(name), BYTES("arn:")))
		return add(arns, name);
	text_add_str(&arn, "arn:aws:");
	for (; *form; form++) {
		if (*form == '%')
			fill_in(&arn, call, *++form, name);
		else
			text_add_char(&arn, *form);
	}
	/* A name too long for any resource names none: the check of the input will say so. */
	err = text_err(&arn) == ERR_NOMEM ? ERR_NOMEM : add(arns, text_str(&arn));
	text_fini(&arn);
	return err;
}

static err_t add_member(struct api_call *call, const struct naming *row, json_t *arns)
{
	const json_t *value = json_object_get(call->input, row->member), *one;

	if (json_is_string(value))
		return add_named(call, row->form, json_string_value(value), arns);
	for (size_t i = 0; i < json_array_size(value); i++) {
		one = json_array_get(value, i);
		if (json_is_string(one))
			TRY(add_named(call, row->form, json_string_value(one), arns));
	}
	return ERR_OK;
}

/* What only lists is asked on "*", as at AWS. */
static bool names_none(const struct api_call *call)
{
	const char *service = call->service->name, *operation = call->operation->name;

	return (strcmp(service, "ec2") == 0 && call->operation->effect == API_READS) ||
	       (strcmp(service, "ecs") == 0 && bytes_starts(bytes_of(operation), BYTES("List")));
}

/* EC2's ids say what they are. */
static const struct {
	const char *prefix, *word;
} ec2_ids[] = {
	{ "sg-", "security-group" },
	{ "subnet-", "subnet" },
	{ "rtb-", "route-table" },
	{ "igw-", "internet-gateway" },
	{ "vpc-", "vpc" },
	{ "i-", "instance" },
	{ "eni-", "network-interface" },
	{ "pl-", "prefix-list" },
	{ "sgr-", "security-group-rule" },
};

static err_t add_tagged(struct api_call *call, const char *id, json_t *arns)
{
	for (size_t i = 0; id && i < COUNT(ec2_ids); i++)
		if (bytes_starts(bytes_of(id), bytes_of(ec2_ids[i].prefix)))
			return add(arns, arena_printf(call->arena, "arn:aws:ec2:%s:%s:%s/%s",
						      call->caller->region, call->caller->account,
						      ec2_ids[i].word, id));
	return ERR_OK;
}

/* What a Create of EC2 makes has no id yet. */
static err_t of_ec2(struct api_call *call, json_t *arns)
{
	static const struct {
		const char *operation, *word;
	} made[] = {
		{ "CreateSecurityGroup", "security-group" },
		{ "CreateSubnet", "subnet" },
		{ "CreateRouteTable", "route-table" },
		{ "CreateInternetGateway", "internet-gateway" },
		{ "CreateVpc", "vpc" },
		{ "CreateManagedPrefixList", "prefix-list" },
	};
	const json_t *tagged = json_object_get(call->input, "Resources");

	for (size_t i = 0; i < COUNT(made); i++)
		if (strcmp(made[i].operation, call->operation->name) == 0)
			TRY(add(arns, arena_printf(call->arena, "arn:aws:ec2:%s:%s:%s/*",
						   call->caller->region, call->caller->account,
						   made[i].word)));
	for (size_t i = 0; i < json_array_size(tagged); i++)
		TRY(add_tagged(call, json_string_value(json_array_get(tagged, i)), arns));
	return ERR_OK;
}

static err_t of_named(struct api_call *call, json_t *arns)
{
	if (names_none(call))
		return ERR_OK;
	if (strcmp(call->service->name, "ec2") == 0)
		TRY(of_ec2(call, arns));
	for (size_t i = 0; i < COUNT(namings); i++)
		if (strcmp(namings[i].service, call->service->name) == 0 &&
		    (namings[i].when == ALSO || json_array_size(arns) == 0))
			TRY(add_member(call, &namings[i], arns));
	/* Who lists log groups needs a policy for any. */
	if (strcmp(call->service->name, "logs") == 0 && json_array_size(arns) == 0)
		return add_named(call, "logs:%R:%A:log-group:%N:log-stream:", "", arns);
	return ERR_OK;
}

/* ---- Roles that a call hands to a service ---- */

static const struct passing {
	const char *service, *member,
		*to; /* the input's member, or one of it; the service that will use it */
} passings[] = {
	{ "ecs", "taskRoleArn", "ecs-tasks.amazonaws.com" },
	{ "ecs", "executionRoleArn", "ecs-tasks.amazonaws.com" },
	{ "ecs", "overrides.taskRoleArn", "ecs-tasks.amazonaws.com" },
	{ "ecs", "overrides.executionRoleArn", "ecs-tasks.amazonaws.com" },
	{ "lambda", "Role", "lambda.amazonaws.com" },
	{ "cloudformation", "RoleARN", "cloudformation.amazonaws.com" },
	{ "application-autoscaling", "RoleARN", "application-autoscaling.amazonaws.com" },
};

/* A member, or one of a member: "a.b". */
static const char *text_at(const json_t *input, const char *path)
{
	const char *dot = strchr(path, '.');

	if (!dot)
		return iam_text(input, path);
	return iam_text(json_object_getn(input, path, (size_t)(dot - path)), dot + 1);
}

bool iam_passed_role(const struct api_call *call, size_t *at, const char **ret_role,
		     const char **ret_service)
{
	while (*at < COUNT(passings)) {
		const struct passing *row = &passings[(*at)++];
		const char *role = text_at(call->input, row->member);

		if (role && strcmp(row->service, call->service->name) == 0) {
			*ret_role = role;
			*ret_service = row->to;
			return true;
		}
	}
	return false;
}

/* An object where a key is named, else the bucket; ListBuckets is about none. */
static err_t of_s3(struct api_call *call, json_t *arns)
{
	const char *bucket = iam_text(call->input, "Bucket"), *key = iam_text(call->input, "Key");
	json_t *order = json_object_get(call->input, "Delete"), *one;
	size_t i;

	if (!bucket)
		return ERR_OK;
	if (key)
		return add(arns, arena_printf(call->arena, "arn:aws:s3:::%s/%s", bucket, key));
	json_array_foreach (json_object_get(order, "Objects"), i, one) {
		key = iam_text(one, "Key");
		TRY(add(arns,
			arena_printf(call->arena, "arn:aws:s3:::%s/%s", bucket, key ? key : "")));
	}
	if (json_array_size(arns))
		return ERR_OK;
	return add(arns, arena_printf(call->arena, "arn:aws:s3:::%s", bucket));
}

err_t iam_own_tags(struct api_call *call, const char *arn, json_t **ret_tags)
{
	static const struct iam_entity *const entities[] = { &iam_user, &iam_role, &iam_profile };
	struct bytes rest = bytes_of(arn), part = BYTES_NONE;
	const char *name = strrchr(arn, '/'), *id;
	json_t *body = NULL;
	err_t err;

	*ret_tags = NULL;
	for (int i = 0; i < 6; i++)
		bytes_cut(&rest, i < 5 ? ':' : '/', &part);
	for (size_t i = 0; name && i < COUNT(entities); i++) {
		if (!bytes_eq_str(part, entities[i]->arn))
			continue;
		id = iam_id_of_name(call->arena, name + 1);
		err = id ? store_get(iam_of(call)->txn, entities[i]->kind, id, &body, NULL)
			 : ERR_NOMEM;
		if (err)
			return err == ERR_NOT_FOUND ? ERR_OK : err;
		*ret_tags = json_object_get(body, "Tags");
		return iam_hold(call, body) ? ERR_OK : ERR_NOMEM;
	}
	return ERR_OK;
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
	else if (strcmp(service, "s3") == 0)
		TRY(of_s3(call, arns));
	else if (strcmp(service, "sts") == 0)
		TRY(add(arns, iam_text(call->input, "RoleArn")));
	else
		TRY(of_named(call, arns));
	if (json_array_size(arns) == 0)
		TRY(add(arns, "*"));
	*ret_arns = arns;
	return ERR_OK;
}
