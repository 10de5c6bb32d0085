#include "app/services.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/fronts.h"
#include "app/functions.h"
#include "base/log.h"
#include "engine/program.h"

/* ---- Certificates: kept by ACM and IAM, used by listeners ---- */

static err_t find_identity(void *owner, const char *arn, struct identity **ret_identity)
{
	struct weir *weir = owner;

	if (bytes_starts(bytes_of(arn), BYTES("arn:aws:iam:")))
		return iam_identity(weir->iam, arn, ret_identity);
	return acm_identity(weir->acm, arn, ret_identity);
}

/* As a service of AWS reads for whoever called it: what the caller may not read, it does not. */
static err_t find_object(void *owner, const struct api_caller *caller, const char *bucket,
			 const char *key, const char *version, struct text *out)
{
	struct weir *weir = owner;
	json_t *input = json_pack("{s:s, s:s}", "Bucket", bucket, "Key", key);
	struct api_fault fault;
	err_t err = input ? api_may(weir->api, caller, "s3", "GetObject", input, &fault)
			  : ERR_NOMEM;

	json_decref(input);
	if (err)
		return err == ERR_NOMEM ? err : ERR_DENIED;
	return s3_get(weir->s3, bucket, key, version, out);
}

static json_t *find_users(void *owner, const char *arn)
{
	struct weir *weir = owner;

	return elbv2_certificate_users(weir->elbv2, arn);
}

static err_t make_acm(struct weir *weir, struct text *why)
{
	struct acm_options options = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.data = setting_text(weir->settings, SETTING_DATA),
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.users = find_users,
		.owner = weir,
	};
	err_t err;

	memcpy(options.seal_key, weir->keys.seal_key, sizeof options.seal_key);
	err = acm_create(&options, &weir->acm, why);
	explicit_bzero(options.seal_key, sizeof options.seal_key);
	return err;
}

static struct bytes find_cognito_secret(void *owner, struct bytes client_id)
{
	const struct weir *weir = owner;

	return cognito_client_secret(&weir->cognito_clients, client_id);
}

static err_t may_invoke(void *owner, const char *group_arn, const char *function_arn)
{
	struct weir *weir = owner;

	return lambda_may_invoke(weir->lambda, FUNCTION_PRINCIPAL, group_arn, function_arn);
}

static err_t make_elbv2(struct weir *weir)
{
	const struct settings *settings = weir->settings;
	struct elbv2_instance *instances = NULL;
	char endpoint[256];
	struct elbv2_options options = {
		.api = weir->api,
		.store = weir->store,
		.lb = weir->lb,
		.loop = weir->control,
		.account = setting_text(settings, SETTING_ACCOUNT),
		.region = setting_text(settings, SETTING_REGION),
		.port_offset = (uint16_t)setting_number(settings, SETTING_PORT_OFFSET),
		.endpoint = endpoint,
		.object = find_object,
		.identity = find_identity,
		.may_invoke = may_invoke,
		.owner = weir,
		.load_balancers_max = (uint32_t)setting_number(settings, SETTING_LOAD_BALANCERS),
		.cognito_secret = find_cognito_secret,
		.cognito_endpoint = setting_text(settings, SETTING_COGNITO_ENDPOINT),
	};
	size_t count = 0;
	err_t err = ERR_OK;

	snprintf(endpoint, sizeof endpoint, "http://%s", setting_text(settings, SETTING_API));

	list_for_each (&settings->instances, node) {
		count++;
	}
	instances = calloc(count + 2, sizeof *instances);
	if (!instances)
		return ERR_NOMEM;
	/* Tasks that share this machine's address are targets by its id. */
	instances[0].id = weir->instance;
	err = address_parse_ip(BYTES("127.0.0.1"), 0, &instances[0].address);
	count = 1;
	list_for_each (&settings->instances, node) {
		const struct instance_setting *from = container_of(node, struct instance_setting,
								   link);

		instances[count].id = from->id;
		err = err ? err
			  : address_parse_ip(bytes_of(from->address), 0, &instances[count].address);
		count++;
	}
	options.instances = instances;
	options.instance_count = count;
	memcpy(options.seal_key, weir->keys.seal_key, sizeof options.seal_key);
	if (!err)
		err = address_parse_ip(bytes_of(setting_text(settings, SETTING_BIND)), 0,
				       &options.bind);
	if (!err)
		err = address_parse_ip(bytes_of(setting_text(settings, SETTING_BIND_INTERNAL)), 0,
				       &options.bind_internal);
	if (!err)
		err = elbv2_create(&options, &weir->elbv2);
	free(instances);
	return err;
}

/* The address by which this machine itself reaches what is bound at a setting's. */
static void reached_at(const char *setting, char out[ADDRESS_TEXT_BYTES])
{
	static const struct address anywhere = { .family = 4 };
	struct address at = anywhere;

	if (address_parse(bytes_of(setting), &at))
		(void)address_parse_ip(bytes_of(setting), 0, &at);
	if (at.family == 4 && !address_eq_ip(&at, &anywhere))
		address_format_ip(&at, out);
	else
		snprintf(out, ADDRESS_TEXT_BYTES, "127.0.0.1");
}

static err_t make_ec2(struct weir *weir)
{
	const struct settings *settings = weir->settings;
	char api[ADDRESS_TEXT_BYTES], outer[ADDRESS_TEXT_BYTES], inner[ADDRESS_TEXT_BYTES];
	struct ec2_options options = {
		.api = weir->api,
		.store = weir->store,
		.account = setting_text(settings, SETTING_ACCOUNT),
		.region = setting_text(settings, SETTING_REGION),
		.api_address = api,
		.balancer_address = outer,
		.internal_address = inner,
	};
	struct ec2_instance *instances;
	err_t err;

	reached_at(setting_text(settings, SETTING_API), api);
	reached_at(setting_text(settings, SETTING_BIND), outer);
	reached_at(setting_text(settings, SETTING_BIND_INTERNAL), inner);
	list_for_each (&settings->instances, node) {
		options.instance_count++;
	}
	instances = calloc(options.instance_count + 2, sizeof *instances);
	if (!instances)
		return ERR_NOMEM;
	options.instances = instances;
	instances[0] = (struct ec2_instance){ .id = weir->instance, .address = "127.0.0.1" };
	options.instance_count = 1;
	list_for_each (&settings->instances, node) {
		const struct instance_setting *from = container_of(node, struct instance_setting,
								   link);

		instances[options.instance_count].id = from->id;
		instances[options.instance_count++].address = from->address;
	}
	err = ec2_create(&options, &weir->ec2);
	free(instances);
	return err;
}

static err_t make_cloudwatch(struct weir *weir)
{
	const struct cloudwatch_options options = {
		.api = weir->api,
		.store = weir->store,
		.lb = weir->lb,
		.loop = weir->control,
		.data = setting_text(weir->settings, SETTING_DATA),
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
	};

	return cloudwatch_create(&options, &weir->cloudwatch);
}

/* Parameters and secrets, sealed with the installation's key. */
static err_t make_secrets(struct weir *weir)
{
	struct ssm_options parameters = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
	};
	struct secretsmanager_options secrets = {
		.api = parameters.api,
		.store = parameters.store,
		.loop = parameters.loop,
		.account = parameters.account,
		.region = parameters.region,
	};

	memcpy(parameters.seal_key, weir->keys.seal_key, sizeof parameters.seal_key);
	memcpy(secrets.seal_key, weir->keys.seal_key, sizeof secrets.seal_key);
	TRY(ssm_create(&parameters, &weir->ssm));
	return secretsmanager_create(&secrets, &weir->secretsmanager);
}

static err_t make_autoscaling(struct weir *weir)
{
	const struct autoscaling_options options = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.caller = &weir->root,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
	};

	return autoscaling_create(&options, &weir->autoscaling);
}

static void on_task_metric(void *owner, const struct ecs_metric *metric)
{
	struct weir *weir = owner;
	const struct cloudwatch_dimension dimensions[] = { { "ClusterName", metric->cluster },
							   { "ServiceName", metric->service } };
	const struct cloudwatch_datum datum = {
		.name_space = "AWS/ECS",
		.name = metric->name,
		.unit = "Percent",
		.value = metric->percent,
		.time_ms = metric->time_ms,
		.dimensions = dimensions,
		.dimension_count = COUNT(dimensions),
	};

	if (weir->cloudwatch && cloudwatch_put(weir->cloudwatch, &datum))
		log_warn("app", "a data point of %s is lost", metric->name);
}

static const char *instance_at(void *owner, const char *address)
{
	const struct weir *weir = owner;

	list_for_each (&weir->settings->instances, node) {
		const struct instance_setting *one = container_of(node, struct instance_setting,
								  link);

		if (strcmp(one->address, address) == 0)
			return one->id;
	}
	return NULL;
}

/* Tasks' programs are looked for where ours is. */
static err_t make_ecs(struct weir *weir)
{
	const struct settings *settings = weir->settings;
	char programs[PATH_MAX];
	struct ecs_options options = {
		.api = weir->api,
		.store = weir->store,
		.lb = weir->lb,
		.loop = weir->control,
		.caller = &weir->root,
		.data = setting_text(settings, SETTING_DATA),
		.programs = programs,
		.instance = weir->instance,
		.on_metric = on_task_metric,
		.owner = weir,
		.account = setting_text(settings, SETTING_ACCOUNT),
		.region = setting_text(settings, SETTING_REGION),
		.engine = setting_text(settings, SETTING_ENGINE),
		.docker_socket = setting_text(settings, SETTING_DOCKER_SOCKET),
		.on_network = front_open_to_tasks,
		.instance_at = instance_at,
	};

	TRY(program_folder(programs));
	return ecs_create(&options, &weir->ecs);
}

/* What a metric filter found in a log event is a data point. */
static void on_metric(void *owner, const struct logs_metric *metric)
{
	struct weir *weir = owner;
	struct cloudwatch_dimension dimensions[LOGS_DIMENSIONS_MAX];
	const struct cloudwatch_datum datum = {
		.name_space = metric->name_space,
		.name = metric->name,
		.unit = metric->unit,
		.value = metric->value,
		.time_ms = metric->time_ms,
		.dimensions = dimensions,
		.dimension_count = size_min(metric->dimension_count, COUNT(dimensions)),
	};

	for (size_t i = 0; i < datum.dimension_count; i++) {
		dimensions[i].name = metric->dimensions[i].name;
		dimensions[i].value = metric->dimensions[i].value;
	}
	if (weir->cloudwatch && cloudwatch_put(weir->cloudwatch, &datum))
		log_warn("app", "a metric filter's data point of %s is lost", metric->name);
}

/* Services that tell functions may be there before Lambda is: their outboxes try again. */
static err_t may_tell_function(const struct weir *weir, const char *principal,
			       const char *source_arn, const char *function_arn)
{
	return weir->lambda ? lambda_may_invoke(weir->lambda, principal, source_arn, function_arn)
			    : ERR_AGAIN;
}

static err_t tell_function(const struct weir *weir, const char *principal, const char *source_arn,
			   const char *function_arn, const char *event)
{
	return weir->lambda
		       ? lambda_event_for(weir->lambda, principal, source_arn, function_arn, event)
		       : ERR_AGAIN;
}

static err_t may_subscribe(void *owner, const char *group_arn, const char *function_arn)
{
	return may_tell_function(owner, LOGS_PRINCIPAL, group_arn, function_arn);
}

static err_t send_events(void *owner, const char *group_arn, const char *function_arn,
			 const char *event)
{
	return tell_function(owner, LOGS_PRINCIPAL, group_arn, function_arn, event);
}

/* The load balancers' log groups, and what users put into groups of their own. */
static err_t make_logs(struct weir *weir, struct text *why)
{
	char folder[4096];

	snprintf(folder, sizeof folder, "%s/events", setting_text(weir->settings, SETTING_DATA));
	TRY(logs_create(
		&(struct logs_options){
			.api = weir->api,
			.store = weir->store,
			.loop = weir->control,
			.folder = folder,
			.bytes_max = setting_number(weir->settings, SETTING_EVENTS_MIB) << 20,
			.account = setting_text(weir->settings, SETTING_ACCOUNT),
			.region = setting_text(weir->settings, SETTING_REGION),
			.on_metric = on_metric,
			.deliver = send_events,
			.may_deliver = may_subscribe,
			.owner = weir,
		},
		&weir->logs, why));
	return access_events_create(weir->control, weir->logs, weir->store, &weir->access_events);
}

/* IAM says who may do what; STS makes its sessions through it. */
static err_t make_identities(struct weir *weir)
{
	struct iam_options options = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.users = find_users,
		.owner = weir,
	};
	struct sts_sessions sessions = { iam_assume_role, iam_session_token, NULL };

	memcpy(options.seal_key, weir->keys.seal_key, sizeof options.seal_key);
	TRY(iam_create(&options, &weir->iam));
	explicit_bzero(options.seal_key, sizeof options.seal_key);
	api_set_authorizer(weir->api, iam_authorize, weir->iam);
	sessions.owner = weir->iam;
	return sts_create(weir->api, &sessions, &weir->sts);
}

/* Functions' lines go where their log groups are. */
static void on_function_lines(void *owner, const char *group, const char *stream,
			      const struct output_line *lines, size_t count)
{
	struct weir *weir = owner;
	struct logs_line batch[64];

	while (count) {
		size_t n = size_min(count, COUNT(batch));

		for (size_t i = 0; i < n; i++)
			batch[i] = (struct logs_line){ lines[i].unix_ms, lines[i].text };
		if (logs_write(weir->logs, group, stream, batch, n))
			log_warn("app", "%zu lines for %s are lost", n, group);
		lines += n;
		count -= n;
	}
}

static void on_function_metric(void *owner, const char *name, const char *unit,
			       const char *function, double value)
{
	struct weir *weir = owner;
	const struct cloudwatch_dimension dimension = { "FunctionName", function };
	const struct cloudwatch_datum datum = {
		.name_space = "AWS/Lambda",
		.name = name,
		.unit = unit,
		.value = value,
		.time_ms = loop_unix_us(weir->control) / 1000,
		.dimensions = &dimension,
		.dimension_count = function ? 1 : 0,
	};

	if (weir->cloudwatch && cloudwatch_put(weir->cloudwatch, &datum))
		log_warn("app", "a data point of %s is lost", name);
}

static err_t make_lambda(struct weir *weir, struct text *why)
{
	char folder[4096];
	struct lambda_options options = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.folder = folder,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.root = &weir->root,
		.retry_ms = (uint32_t)setting_number(weir->settings, SETTING_LAMBDA_RETRY_SECONDS) *
			    1000,
		.write = on_function_lines,
		.measure = on_function_metric,
		.owner = weir,
	};
	char *data = realpath(setting_text(weir->settings, SETTING_DATA), NULL);

	/* Functions start elsewhere: their paths are whole. */
	snprintf(folder, sizeof folder, "%s/lambda",
		 data ? data : setting_text(weir->settings, SETTING_DATA));
	free(data);
	return lambda_create(&options, &weir->lambda, why);
}

/* After the load balancers: theirs are the logs. */
static err_t make_log_delivery(struct weir *weir, struct text *why)
{
	const struct log_delivery_options options = {
		.loop = weir->control,
		.store = weir->store,
		.s3 = weir->s3,
		.elbv2 = weir->elbv2,
		.data = setting_text(weir->settings, SETTING_DATA),
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.node_ip = setting_text(weir->settings, SETTING_BIND),
	};

	TRY(log_delivery_create(&options, &weir->log_delivery, why));
	access_events_deliver(weir->access_events, weir->log_delivery);
	return ERR_OK;
}

/* Those that lie elsewhere; the strings are the settings'. */
static err_t buckets_elsewhere(const struct settings *settings, struct s3_elsewhere **ret_buckets,
			       size_t *ret_count)
{
	struct s3_elsewhere *buckets;
	size_t count = 0;

	list_for_each (&settings->buckets, node)
		count++;
	buckets = calloc(count + 1, sizeof *buckets);
	if (!buckets)
		return ERR_NOMEM;
	count = 0;
	list_for_each (&settings->buckets, node) {
		const struct bucket_setting *from = container_of(node, struct bucket_setting, link);

		buckets[count++] = (struct s3_elsewhere){
			.bucket = from->bucket,
			.endpoint = from->values[BUCKET_ENDPOINT],
			.credentials = from->values[BUCKET_CREDENTIALS],
			.region = from->values[BUCKET_REGION],
			.name = from->values[BUCKET_NAME],
			.ca_file = from->values[BUCKET_CA_FILE],
		};
	}
	*ret_buckets = buckets;
	*ret_count = count;
	return ERR_OK;
}

static err_t may_notify(void *owner, const char *bucket_arn, const char *function_arn)
{
	return may_tell_function(owner, BUCKET_PRINCIPAL, bucket_arn, function_arn);
}

static err_t notify(void *owner, const char *bucket_arn, const char *function_arn,
		    const char *event)
{
	return tell_function(owner, BUCKET_PRINCIPAL, bucket_arn, function_arn, event);
}

static err_t make_s3(struct weir *weir, struct text *why)
{
	struct s3_elsewhere *elsewhere;
	char folder[4096];
	size_t count;
	err_t err;

	TRY(buckets_elsewhere(weir->settings, &elsewhere, &count));
	snprintf(folder, sizeof folder, "%s/s3", setting_text(weir->settings, SETTING_DATA));
	err = s3_create(
		&(struct s3_options){
			.api = weir->api,
			.store = weir->store,
			.loop = weir->control,
			.folder = folder,
			.may_notify = may_notify,
			.notify = notify,
			.owner = weir,
			.account = setting_text(weir->settings, SETTING_ACCOUNT),
			.region = setting_text(weir->settings, SETTING_REGION),
			.elsewhere = elsewhere,
			.elsewhere_count = count,
		},
		&weir->s3, why);
	free(elsewhere);
	return err;
}

/* Stacks are made as by the root: what a user may make is asked of it at the door. */
static err_t make_cloudformation(struct weir *weir)
{
	struct cloudformation_options options = {
		.api = weir->api,
		.store = weir->store,
		.loop = weir->control,
		.root = &weir->house,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
		.object = find_object,
		.owner = weir,
		.asks_for_roles = strcmp(setting_text(weir->settings, SETTING_STACK_ROLES),
					 "asked") == 0,
	};
	err_t err;

	memcpy(options.seal_key, weir->keys.seal_key, sizeof options.seal_key);
	err = cloudformation_create(&options, &weir->cloudformation);
	explicit_bzero(options.seal_key, sizeof options.seal_key);
	return err;
}

static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct weir *weir = container_of(listener, struct weir, changes);

	for (size_t i = 0; weir->api && i < count; i++)
		api_changed(weir->api, changes[i].kind);
}

err_t services_start(struct weir *weir, struct text *why)
{
	TRY(api_create(&weir->api));
	weir->changes.on_changes = on_changes; /* before those who ask the API when they hear it */
	store_listen(weir->store, &weir->changes);
	TRY(make_ec2(weir));
	TRY(make_identities(weir));
	TRY(make_logs(weir, why));
	TRY(make_acm(weir, why));
	TRY(make_s3(weir, why));
	TRY(make_elbv2(weir));
	TRY(make_log_delivery(weir, why));
	TRY(make_cloudwatch(weir));
	TRY(tagging_create(weir->api, &weir->tagging));
	TRY(make_secrets(weir));
	TRY(make_ecs(weir));
	TRY(make_autoscaling(weir));
	TRY(make_lambda(weir, why));
	return make_cloudformation(weir);
}

void services_stop(struct weir *weir)
{
	cloudformation_destroy(weir->cloudformation);
	ecs_destroy(weir->ecs);
	weir->ecs = NULL; /* health words find no one to tell */
	cloudwatch_destroy(weir->cloudwatch);
	weir->cloudwatch = NULL; /* late log events find no one to tell */
	elbv2_destroy(weir->elbv2);
	autoscaling_destroy(weir->autoscaling);
	secretsmanager_destroy(weir->secretsmanager);
	ssm_destroy(weir->ssm);
	acm_destroy(weir->acm);
	ec2_destroy(weir->ec2);
	tagging_destroy(weir->tagging);
	sts_destroy(weir->sts);
	iam_destroy(weir->iam);
	api_destroy(weir->api);
	weir->api = NULL;
}
