/*
 * logs: the bucket that access logs go to. AWS's log delivery is a caller of its own, which the
 * bucket's policy has to let in; nothing else does.
 */
#include <stdio.h>

#include "base/encode.h"
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

/* What is made so far; of the others AWS's refusal stays. */
static const struct test_file {
	const char *kind, *name, *words;
} test_files[] = {
	{ "access_logs", "ELBAccessLogTestFile", "Enable AccessLog for ELB: %s at %s" },
};

static const struct test_file *test_file_of(const char *kind)
{
	for (size_t i = 0; i < COUNT(test_files); i++)
		if (strcmp(test_files[i].kind, kind) == 0)
			return &test_files[i];
	return NULL;
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
			const struct test_file *file, const char *bucket, json_t **ret_input)
{
	const char *arn = resource_arn(RESOURCE_LOAD_BALANCER, load_balancer), *prefix;
	struct text words = TEXT_INIT(1024), base64 = TEXT_INIT(2048);
	char prefix_key[64];

	snprintf(prefix_key, sizeof prefix_key, "%s.s3.prefix", file->kind);
	prefix = attribute_value(RESOURCE_LOAD_BALANCER, load_balancer, prefix_key);
	text_printf(&words, file->words, arn, call->caller->region);
	encode_base64(&base64, text_bytes(&words));
	*ret_input = json_pack("{s:s,s:o,s:s,s:s}", "Bucket", bucket, "Key",
			       json_sprintf("%s%sAWSLogs/%s/%s", prefix, prefix[0] ? "/" : "",
					    call->caller->account, file->name),
			       "ACL", "bucket-owner-full-control", "Body", text_str(&base64));
	text_fini(&words);
	text_fini(&base64);
	return *ret_input ? ERR_OK : ERR_NOMEM;
}

err_t log_bucket_check(struct api_call *call, const json_t *load_balancer, const char *kind,
		       const char *bucket)
{
	const struct test_file *file = test_file_of(kind);
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

	if (!file || !api_service(call->api, BYTES("s3")))
		return refuse(call, bucket);
	TRY(test_input(call, load_balancer, file, bucket, &input));
	call_leave_store(call);
	err = api_may(call->api, &delivery, "s3", "PutObject", input, &fault);
	if (!err)
		err = api_call(call->api, &delivery, "s3", "PutObject", input, &output, &fault);
	json_decref(input);
	json_decref(output);
	return err == ERR_NOMEM ? err : err ? refuse(call, bucket) : ERR_OK;
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
	struct elbv2_log_target target = {
		.bucket = attribute_value(RESOURCE_LOAD_BALANCER, resource->body,
					  "access_logs.s3.bucket"),
		.prefix = attribute_value(RESOURCE_LOAD_BALANCER, resource->body,
					  "access_logs.s3.prefix"),
	};

	if (!id ||
	    !attribute_true(RESOURCE_LOAD_BALANCER, resource->body, "access_logs.s3.enabled"))
		return true;
	target.load_balancer_id = id + strlen(":loadbalancer/");
	telling->each(telling->owner, &target);
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
