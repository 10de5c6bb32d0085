/*
 * up_stack: the stack of `weir up`: infrastructure/main.yml with this machine's parameters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/stack_reason.h"
#include "app/up.h"
#include "base/log.h"

enum { PACKAGE_BYTES_MAX = 64 * 1024 * 1024 };

json_t *up_call(struct up *up, const char *service, const char *operation, json_t *input,
		struct api_fault *ret_fault)
{
	json_t *output = NULL;
	err_t err = input ? api_call(up->weir->api, &up->weir->root, service, operation, input,
				     &output, ret_fault)
			  : ERR_NOMEM;

	if (!input)
		*ret_fault = (struct api_fault){ .code = "InternalFailure" };
	json_decref(input);
	return err ? NULL : output;
}

static err_t complain(const char *what, const struct api_fault *fault)
{
	fprintf(stderr, "weir: %s: %s\n", what, fault->message);
	return ERR_INVALID;
}

/* ---- What there is to read ---- */

/* In a build tree beside rag/, installed under share/weir. */
static err_t find_documents(const struct up *up, char out[PATH_MAX])
{
	static const char *const places[] = { "../rag/samples", "../share/weir/samples" };
	char path[PATH_MAX];

	for (size_t i = 0; i < COUNT(places); i++)
		if (snprintf(path, PATH_MAX, "%s/%s", up->folder, places[i]) < PATH_MAX &&
		    access(path, R_OK) == 0 && realpath(path, out))
			return ERR_OK;
	fprintf(stderr,
		"weir: the sample documents are neither in %s/../rag/samples nor in "
		"%s/../share/weir/samples\n",
		up->folder, up->folder);
	return ERR_NOT_FOUND;
}

/* ---- The functions' packages ---- */

static const char *const packages[] = { "rag_query_alb.zip", "rag_query_multimodal_alb.zip",
					"document_processor_alb.zip" };

/* The same size is the same package: each build of one has its own. */
static bool has_object(struct up *up, const char *bucket, const char *key, long size)
{
	struct api_fault fault;
	json_t *output = up_call(up, "s3", "HeadObject",
				 json_pack("{s:s, s:s}", "Bucket", bucket, "Key", key), &fault);
	bool has = json_integer_value(json_object_get(output, "ContentLength")) == size;

	json_decref(output);
	return has;
}

static err_t put_package(struct up *up, const char *bucket, const char *name, FILE *file)
{
	struct text body = TEXT_INIT(PACKAGE_BYTES_MAX);
	char key[128], piece[65536];
	size_t got;
	err_t err = fseek(file, 0, SEEK_END) ? ERR_SYSTEM : ERR_OK;
	long size = ftell(file);

	rewind(file);
	snprintf(key, sizeof key, "lambda-packages/%s", name);
	if (err || has_object(up, bucket, key, size))
		return err;
	while ((got = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&body, bytes_make(piece, got));
	err = text_err(&body);
	if (!err)
		err = s3_put(up->weir->s3, bucket, key, "application/zip", text_bytes(&body));
	text_fini(&body);
	return err;
}

/* Whether all of them lie beside our programs, and now in the bucket. */
static bool put_packages(struct up *up, const char *bucket)
{
	char path[PATH_MAX];
	err_t err = ERR_OK;

	for (size_t i = 0; i < COUNT(packages) && !err; i++) {
		FILE *file;

		if (snprintf(path, PATH_MAX, "%s/lambda-packages/%s", up->folder, packages[i]) >=
		    PATH_MAX)
			return false;
		file = fopen(path, "re");
		if (!file)
			return false;
		err = put_package(up, bucket, packages[i], file);
		fclose(file);
	}
	if (err)
		log_warn("app", "the functions' packages cannot be kept: %s", err_words(err));
	return !err;
}

static err_t make_bucket(struct up *up, const char *bucket)
{
	struct api_fault fault;
	json_t *output = up_call(up, "s3", "CreateBucket", json_pack("{s:s}", "Bucket", bucket),
				 &fault);
	bool good = output || strcmp(fault.code, "BucketAlreadyOwnedByYou") == 0;

	json_decref(output);
	return good ? ERR_OK : complain("the bucket for functions and documents", &fault);
}

/* ---- Parameters ---- */

/* What ragd's own environment says goes to its task. */
static const struct {
	const char *parameter, *variable;
} passed_on[] = {
	{ "OpenAIApiKey", "OPENAI_API_KEY" },  { "OpenAIBaseUrl", "OPENAI_BASE_URL" },
	{ "OpenAIModel", "OPENAI_MODEL" },     { "EmbeddingModel", "EMBEDDING_MODEL" },
	{ "Neo4jUri", "NEO4J_URI" },	       { "Neo4jUsername", "NEO4J_USERNAME" },
	{ "Neo4jPassword", "NEO4J_PASSWORD" },
};

static void add(json_t *parameters, const char *key, const char *value)
{
	if (value && value[0])
		json_array_append_new(parameters, json_pack("{s:s, s:s}", "ParameterKey", key,
							    "ParameterValue", value));
}

static json_t *parameters_of(struct up *up)
{
	const struct settings *settings = up->weir->settings;
	unsigned offset = (unsigned)setting_number(settings, SETTING_PORT_OFFSET);
	char documents[PATH_MAX], data[PATH_MAX], rag[PATH_MAX], bucket[64], port[16] = "";
	json_t *list;

	if (find_documents(up, documents) ||
	    !realpath(setting_text(settings, SETTING_DATA), data) ||
	    snprintf(rag, PATH_MAX, "%s/rag", data) >= PATH_MAX)
		return NULL;
	snprintf(bucket, sizeof bucket, "%s-%.20s", UP_STACK,
		 setting_text(settings, SETTING_ACCOUNT));
	if (make_bucket(up, bucket))
		return NULL;
	if (offset)
		snprintf(port, sizeof port, ":%u", 80 + offset);
	list = json_array();
	add(list, "Environment", "local");
	add(list, "RaganythingImageUri", "weir/ragd");
	add(list, "PageImageUri", "weir/webd");
	add(list, "S3Bucket", bucket);
	add(list, "Functions", put_packages(up, bucket) ? "true" : "false");
	/* Two servers cannot share one folder: functions ask the one that runs. */
	add(list, "FunctionsStartTasks", "false");
	add(list, "RagDocuments", documents);
	add(list, "RagData", rag);
	add(list, "EndpointPort", port);
	add(list, "IdleTimeout", "180");
	for (size_t i = 0; i < COUNT(passed_on); i++)
		add(list, passed_on[i].parameter, getenv(passed_on[i].variable));
	return list;
}

/* ---- The stack ---- */

static json_t *describe(struct up *up)
{
	struct api_fault fault;

	return up_call(up, "cloudformation", "DescribeStacks",
		       json_pack("{s:s}", "StackName", up->stack_id ? up->stack_id : UP_STACK),
		       &fault);
}

void up_stack_status(struct up *up, char out[64])
{
	json_t *output = describe(up);
	const json_t *stack = json_array_get(json_object_get(output, "Stacks"), 0);
	const char *status = json_string_value(json_object_get(stack, "StackStatus"));

	snprintf(out, 64, "%s", status ? status : "");
	json_decref(output);
}

static json_t *whole_input(struct up *up)
{
	json_t *parameters = parameters_of(up);

	return parameters ? json_pack("{s:s, s:s, s:[s], s:o}", "StackName", UP_STACK,
				      "TemplateBody", up_template, "Capabilities", "CAPABILITY_IAM",
				      "Parameters", parameters)
			  : NULL;
}

static void keep_id(struct up *up, const json_t *output)
{
	free(up->stack_id);
	up->stack_id = bytes_dup(bytes_of(json_string_value(json_object_get(output, "StackId"))));
}

/* A creation that fails takes what it made away again. */
err_t up_stack_create(struct up *up)
{
	json_t *input = whole_input(up), *output;
	struct api_fault fault;

	if (!input)
		return ERR_INVALID;
	json_object_set_new(input, "OnFailure", json_string("DELETE"));
	output = up_call(up, "cloudformation", "CreateStack", input, &fault);
	if (!output)
		return complain("the stack " UP_STACK " cannot be made", &fault);
	keep_id(up, output);
	json_decref(output);
	return ERR_OK;
}

err_t up_stack_update(struct up *up, bool *ret_changes)
{
	json_t *input = whole_input(up), *output;
	struct api_fault fault;

	if (!input)
		return ERR_INVALID;
	output = up_call(up, "cloudformation", "UpdateStack", input, &fault);
	*ret_changes = output != NULL;
	if (output)
		keep_id(up, output);
	else if (!strstr(fault.message, "No updates"))
		return complain("the stack " UP_STACK " cannot be changed", &fault);
	json_decref(output);
	return ERR_OK;
}

err_t up_stack_delete(struct up *up)
{
	struct api_fault fault;
	json_t *output = up_call(up, "cloudformation", "DeleteStack",
				 json_pack("{s:s}", "StackName", UP_STACK), &fault);

	if (!output)
		return complain("what an earlier try left cannot be deleted", &fault);
	json_decref(output);
	return ERR_OK;
}

static char *output_named(const json_t *outputs, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)outputs, i, one) {
		const char *key = json_string_value(json_object_get(one, "OutputKey"));

		if (key && strcmp(key, name) == 0)
			return bytes_dup(
				bytes_of(json_string_value(json_object_get(one, "OutputValue"))));
	}
	return NULL;
}

err_t up_stack_outputs(struct up *up)
{
	json_t *output = describe(up);
	const json_t *stack = json_array_get(json_object_get(output, "Stacks"), 0);
	const json_t *outputs = json_object_get(stack, "Outputs");

	up->dns_name = output_named(outputs, "AlbEndpoint");
	up->rag_group = output_named(outputs, "RagTargetGroup");
	up->page_group = output_named(outputs, "PageTargetGroup");
	json_decref(output);
	return up->dns_name && up->rag_group && up->page_group ? ERR_OK : ERR_INVALID;
}

/* Events come newest first: the last failure among them was the first of this try. */
void up_stack_complain(struct up *up)
{
	struct api_fault fault;
	json_t *output = up_call(
		       up, "cloudformation", "DescribeStackEvents",
		       json_pack("{s:s}", "StackName", up->stack_id ? up->stack_id : UP_STACK),
		       &fault),
	       *event;
	const char *who = UP_STACK, *why = "see `weir call cloudformation DescribeStackEvents`";
	size_t i;

	json_array_foreach (json_object_get(output, "StackEvents"), i, event) {
		const char *status = json_string_value(json_object_get(event, "ResourceStatus"));
		const char *kind = json_string_value(json_object_get(event, "ResourceType"));
		const char *reason = json_string_value(
			json_object_get(event, "ResourceStatusReason"));

		if (status && reason && strstr(status, "_FAILED")) {
			who = json_string_value(json_object_get(event, "LogicalResourceId"));
			why = reason;
		}
		/* Where this try began. */
		if (status && kind && strcmp(kind, "AWS::CloudFormation::Stack") == 0 &&
		    (strcmp(status, "CREATE_IN_PROGRESS") == 0 ||
		     strcmp(status, "UPDATE_IN_PROGRESS") == 0))
			break;
	}
	fprintf(stderr, "weir: the stack " UP_STACK " failed at %s: %.*s\n", who ? who : "",
		BYTES_ARG(stack_reason_words(why)));
	json_decref(output);
}
