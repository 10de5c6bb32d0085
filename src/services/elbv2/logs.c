/*
 * logs: the buckets that logs go to. AWS's log delivery is a caller of its own, which the
 * bucket's policy has to let in; nothing else does.
 */
#include <stdio.h>

#include "base/encode.h"
#include "base/when.h"
#include "services/elbv2/attributes.h"

static const char delivery_service[] = "logdelivery.elasticloadbalancing.amazonaws.com";

/* Policies that are older than the service name say the account that delivers in their Region. */
static const struct {
	const char *region, *account;
} delivery_accounts[] = {
	{ "us-east-1", "127311923021" },      { "us-east-2", "033677994240" },
	{ "us-west-1", "027434742980" },      { "us-west-2", "797873946194" },
	{ "eu-west-1", "156460612806" },      { "eu-central-1", "054676820928" },
	{ "ap-northeast-1", "582318560864" },
};

static const struct log_kind {
	const char *attribute; /* the beginning of its attributes' keys */
	const char *test_file, *noun;
} kinds[ELBV2_LOGS] = {
	[ELBV2_ACCESS_LOG] = { "access_logs", "ELBAccessLogTestFile", "AccessLog" },
	[ELBV2_CONNECTION_LOG] = { "connection_logs", "ELBConnectionLogTestFile", "ConnectionLog" },
	[ELBV2_HEALTH_CHECK_LOG] = { "health_check_logs", "ELBHealthCheckLogTestFile",
				     "HealthCheckLog" },
};

/* The attribute KIND.s3.MEMBER of a load balancer. */
static const char *log_value(const json_t *load_balancer, const struct log_kind *kind,
			     const char *member)
{
	char key[64];

	snprintf(key, sizeof key, "%s.s3.%s", kind->attribute, member);
	return attribute_value(RESOURCE_LOAD_BALANCER, load_balancer, key);
}

static bool log_enabled(const json_t *load_balancer, const struct log_kind *kind)
{
	return strcmp(log_value(load_balancer, kind, "enabled"), "true") == 0;
}

static err_t refuse(struct api_call *call, const char *bucket)
{
	return api_fault(call, "InvalidConfigurationRequest",
			 "Access Denied for bucket: %s. Please check S3bucket permission", bucket);
}

static const char *delivery_arn(struct api_call *call)
{
	const char *account = "";

	for (size_t i = 0; i < COUNT(delivery_accounts); i++)
		if (strcmp(delivery_accounts[i].region, call->caller->region) == 0)
			account = delivery_accounts[i].account;
	return arena_printf(call->arena, "arn:aws:iam::%s:root", account);
}

static err_t test_input(struct api_call *call, const json_t *load_balancer,
			const struct log_kind *kind, const char *bucket, json_t **ret_input)
{
	const char *prefix = log_value(load_balancer, kind, "prefix");
	struct text words = TEXT_INIT(1024), base64 = TEXT_INIT(2048);
	char now[WHEN_ISO_BYTES + 1];

	when_iso_ms(elbv2_now_ms(elbv2_of(call)), now);
	text_printf(&words, "Enable %s for ELB: %s at %s", kind->noun,
		    get_string(api_part(load_balancer), "LoadBalancerName"), now);
	encode_base64(&base64, text_bytes(&words));
	*ret_input = json_pack("{s:s,s:o,s:s,s:s}", "Bucket", bucket, "Key",
			       json_sprintf("%s%sAWSLogs/%s/%s", prefix, prefix[0] ? "/" : "",
					    call->caller->account, kind->test_file),
			       "ACL", "bucket-owner-full-control", "Body", text_str(&base64));
	text_fini(&words);
	text_fini(&base64);
	return *ret_input ? ERR_OK : ERR_NOMEM;
}

/*
 * Whether the log delivery may write to the bucket, asked of S3 with the bucket's own policy;
 * leaves AWS's test file there. Leaves the transaction.
 */
static err_t bucket_check(struct api_call *call, const json_t *load_balancer,
			  const struct log_kind *kind, const char *bucket)
{
	const struct api_caller delivery = {
		.account = call->caller->account,
		.region = call->caller->region,
		.arn = delivery_arn(call),
		.service = delivery_service,
		.source_arn = resource_arn(RESOURCE_LOAD_BALANCER, load_balancer),
	};
	json_t *input, *output = NULL;
	struct api_fault fault;
	err_t err;

	if (!api_service(call->api, BYTES("s3")))
		return refuse(call, bucket);
	TRY(test_input(call, load_balancer, kind, bucket, &input));
	call_leave_store(call);
	err = api_may(call->api, &delivery, "s3", "PutObject", input, &fault);
	if (!err)
		err = api_call(call->api, &delivery, "s3", "PutObject", input, &output, &fault);
	json_decref(input);
	json_decref(output);
	return err == ERR_NOMEM ? err : err ? refuse(call, bucket) : ERR_OK;
}

static err_t kind_check(struct api_call *call, const json_t *load_balancer,
			const struct log_kind *kind)
{
	const char *bucket = log_value(load_balancer, kind, "bucket");

	if (strstr(log_value(load_balancer, kind, "prefix"), "AWSLogs"))
		return api_fault(call, "InvalidConfigurationRequest",
				 "'%s.s3.prefix' value cannot contain 'AWSLogs'", kind->attribute);
	if (!log_enabled(load_balancer, kind))
		return ERR_OK;
	if (!bucket[0])
		return api_fault(call, "InvalidConfigurationRequest",
				 "'%s.s3.bucket' must be specified when '%s.s3.enabled' is 'true'",
				 kind->attribute, kind->attribute);
	return bucket_check(call, load_balancer, kind, bucket);
}

err_t load_balancer_rules(struct api_call *call, const json_t *load_balancer)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		TRY(kind_check(call, load_balancer, &kinds[i]));
	return ERR_OK;
}

/* ---- For whoever delivers ---- */

struct telling {
	void (*each)(void *owner, const struct elbv2_log_target *target);
	void *owner;
};

static bool tell(void *owner, const struct store_resource *resource)
{
	const struct telling *telling = owner;
	const char *id = strstr(resource->id, ":loadbalancer/");

	for (size_t i = 0; id && i < COUNT(kinds); i++) {
		const struct elbv2_log_target target = {
			.log = (enum elbv2_log)i,
			.load_balancer_id = id + strlen(":loadbalancer/"),
			.bucket = log_value(resource->body, &kinds[i], "bucket"),
			.prefix = log_value(resource->body, &kinds[i], "prefix"),
		};

		if (log_enabled(resource->body, &kinds[i]))
			telling->each(telling->owner, &target);
	}
	return true;
}

err_t elbv2_each_log_target(struct elbv2 *elbv2,
			    void (*each)(void *owner, const struct elbv2_log_target *target),
			    void *owner)
{
	struct telling telling = { each, owner };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(elbv2->options.store, &txn));
	err = store_each(txn, KIND_LOAD_BALANCER, NULL, NULL, tell, &telling);
	store_rollback(txn);
	return err;
}
