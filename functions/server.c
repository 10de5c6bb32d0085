#include "functions/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "functions/aws.h"

enum {
	STOP_MS = 5000,	    /* kept back of the invocation's time, for stopping */
	POLL_MS_MIN = 100,  /* between two looks, */
	POLL_MS_MAX = 2000, /* growing to this */
	TOKENS_MAX = 3,	    /* tasks tried for one invocation, when those before have stopped */
	FORGOTTEN_MS = 20 * 60 * 1000, /* older than any invocation can be */
	KNOCK_MS = 1000,	       /* who is not reached in this time is in another network */
};

#define ECS "AmazonEC2ContainerServiceV20141113."

static const char *variable(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && value[0] ? value : otherwise;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* False when the time is over. */
static bool wait_a_little(const struct server *server, uint64_t *ms)
{
	uint64_t now = http_now_ms();
	struct timespec pause;

	if (now >= server->deadline_ms)
		return false;
	*ms = size_min(*ms * 2, POLL_MS_MAX);
	if (*ms > server->deadline_ms - now)
		*ms = server->deadline_ms - now;
	pause = (struct timespec){ (time_t)(*ms / 1000), (long)(*ms % 1000) * 1000000 };
	nanosleep(&pause, NULL);
	return true;
}

/* ---- Tasks ---- */

static json_t *list_of(const char *comma_separated)
{
	struct bytes rest = bytes_of(comma_separated), part;
	json_t *list = json_array();

	while (bytes_cut(&rest, ',', &part)) {
		part = bytes_trim(part);
		if (part.len)
			json_array_append_new(list, json_stringn(part.at, part.len));
	}
	return list;
}

static json_t *run_task_input(const struct server *server, unsigned attempt)
{
	char token[64];

	/* The same for the same invocation: tried again, it finds its own task. */
	snprintf(token, sizeof token, "%.36s-%u", server->request_id, attempt);
	return json_pack(
		"{s:s, s:s, s:s, s:i, s:s, s:s, s:{s:{s:o, s:o, s:s}}}", "cluster",
		variable("ECS_CLUSTER", ""), "taskDefinition", variable("ECS_TASK_DEFINITION", ""),
		"launchType", "FARGATE", "count", 1, "clientToken", token, "startedBy",
		variable("AWS_LAMBDA_FUNCTION_NAME", "rag-function"), "networkConfiguration",
		"awsvpcConfiguration", "subnets", list_of(variable("ECS_SUBNETS", "")),
		"securityGroups", list_of(variable("ECS_SECURITY_GROUPS", "")), "assignPublicIp",
		variable("ECS_ASSIGN_PUBLIC_IP", "DISABLED"));
}

/* ERR_AGAIN: an earlier try of this invocation had this task, and has stopped it. */
static err_t run_task(struct server *server, unsigned attempt, struct text *why)
{
	json_t *input = run_task_input(server, attempt), *output = NULL;
	err_t err = aws_json("ecs", ECS "RunTask", input, server->deadline_ms, &output, why);
	const json_t *task = err ? NULL : json_array_get(json_object_get(output, "tasks"), 0);
	const json_t *failure = json_array_get(json_object_get(output, "failures"), 0);
	const char *arn = text_of(task, "taskArn"), *wanted = text_of(task, "desiredStatus");

	json_decref(input);
	if (!err && !arn) {
		text_printf(why, "RunTask started nothing: %s",
			    failure ? text_of(failure, "reason") : "no task");
		err = ERR_INVALID;
	} else if (!err && wanted && strcmp(wanted, "STOPPED") == 0) {
		err = ERR_AGAIN;
	} else if (!err) {
		snprintf(server->task, sizeof server->task, "%s", arn);
	}
	json_decref(output);
	return err;
}

/* The private address among the attachments; of bridge tasks there is none. */
static void note_address(struct server *server, const json_t *task)
{
	json_t *attachment, *detail;
	size_t i, j;

	json_array_foreach (json_object_get(task, "attachments"), i, attachment) {
		json_array_foreach (json_object_get(attachment, "details"), j, detail) {
			const char *name = text_of(detail, "name");

			if (name && strcmp(name, "privateIPv4Address") == 0)
				snprintf(server->address, sizeof server->address, "%s",
					 text_of(detail, "value"));
		}
	}
}

static err_t look_at_task(struct server *server, struct text *why)
{
	json_t *input = json_pack("{s:s, s:[s]}", "cluster", variable("ECS_CLUSTER", ""), "tasks",
				  server->task);
	json_t *output = NULL;
	err_t err = aws_json("ecs", ECS "DescribeTasks", input, server->deadline_ms, &output, why);
	const json_t *task = err ? NULL : json_array_get(json_object_get(output, "tasks"), 0);
	const char *status = text_of(task, "lastStatus"), *reason = text_of(task, "stoppedReason");

	json_decref(input);
	if (!err && status && strcmp(status, "RUNNING") == 0) {
		note_address(server, task);
	} else if (!err && (!status || strcmp(status, "STOPPED") == 0)) {
		text_printf(why, "the task stopped before it ran: %s", reason ? reason : "unknown");
		err = ERR_INVALID;
	} else if (!err) {
		err = ERR_AGAIN;
	}
	json_decref(output);
	return err;
}

static err_t wait_until_running(struct server *server, struct text *why)
{
	uint64_t pause_ms = POLL_MS_MIN;
	err_t err;

	while ((err = look_at_task(server, why)) == ERR_AGAIN)
		if (!wait_a_little(server, &pause_ms)) {
			text_add_str(why, "the task did not run in time");
			return ERR_EXPIRED;
		}
	return err;
}

static void stop_task(const char *arn, const char *reason, uint64_t deadline_ms)
{
	json_t *input = json_pack("{s:s, s:s, s:s}", "cluster", variable("ECS_CLUSTER", ""), "task",
				  arn, "reason", reason);
	struct text why = TEXT_INIT(2048);
	json_t *output = NULL;

	if (aws_json("ecs", ECS "StopTask", input, deadline_ms, &output, &why))
		fprintf(stderr, "the task %s was not stopped: %s\n", arn, text_str(&why));
	json_decref(input);
	json_decref(output);
	text_fini(&why);
}

/* Tasks of invocations that crashed: no invocation lives as long as these have. */
static void stop_forgotten(const struct server *server, const json_t *arns)
{
	json_t *input = json_pack("{s:s, s:O}", "cluster", variable("ECS_CLUSTER", ""), "tasks",
				  (json_t *)arns);
	struct text why = TEXT_INIT(2048);
	json_t *output = NULL, *task;
	size_t i;

	if (!aws_json("ecs", ECS "DescribeTasks", input, server->deadline_ms, &output, &why))
		json_array_foreach (json_object_get(output, "tasks"), i, task) {
			double created = json_number_value(json_object_get(task, "createdAt"));

			if (created * 1000 + FORGOTTEN_MS < (double)http_now_ms())
				stop_task(text_of(task, "taskArn"), "left behind by an invocation",
					  server->deadline_ms);
		}
	json_decref(input);
	json_decref(output);
	text_fini(&why);
}

static void mend(const struct server *server)
{
	json_t *input = json_pack("{s:s, s:s}", "cluster", variable("ECS_CLUSTER", ""), "startedBy",
				  variable("AWS_LAMBDA_FUNCTION_NAME", "rag-function"));
	struct text why = TEXT_INIT(2048);
	json_t *output = NULL;

	if (!aws_json("ecs", ECS "ListTasks", input, server->deadline_ms, &output, &why) &&
	    json_array_size(json_object_get(output, "taskArns")))
		stop_forgotten(server, json_object_get(output, "taskArns"));
	json_decref(input);
	json_decref(output);
	text_fini(&why);
}

/* ---- The target group ---- */

static err_t ask_group(const struct server *server, const char *action, uint64_t deadline_ms,
		       struct text *xml, struct text *why)
{
	struct text form = TEXT_INIT(2048);
	err_t err;

	text_printf(&form, "Action=%s&Version=2015-12-01&TargetGroupArn=", action);
	encode_percent(&form, bytes_of(variable("ALB_TARGET_GROUP_ARN", "")), false);
	text_printf(&form, "&Targets.member.1.Id=%s&Targets.member.1.Port=%s", server->address,
		    variable("RAG_PORT", "8000"));
	err = aws_form("elasticloadbalancing", text_bytes(&form), deadline_ms, xml, why);
	text_fini(&form);
	return err;
}

static err_t enter_group(struct server *server, struct text *why)
{
	struct text xml = TEXT_INIT(64 * 1024);
	err_t err = ask_group(server, "RegisterTargets", server->deadline_ms, &xml, why);

	server->registered = !err;
	text_fini(&xml);
	return err;
}

/*
 * A target that is registered before it listens fails its first health check, and the next one
 * comes an interval later: so the task is asked itself before. A function outside of its network
 * cannot, and registers it as it is.
 */
static void wait_until_listening(const struct server *server)
{
	uint64_t pause_ms = POLL_MS_MIN;
	bool well = false, reached = true;

	while (!well && reached) {
		uint64_t deadline_ms = http_now_ms() + KNOCK_MS;
		struct text url = TEXT_INIT(512), why = TEXT_INIT(512);
		struct http_told told;
		err_t err;

		if (deadline_ms > server->deadline_ms)
			deadline_ms = server->deadline_ms;
		http_told_init(&told);
		text_printf(&url, "http://%s:%s%s", server->address, variable("RAG_PORT", "8000"),
			    variable("RAG_HEALTH_PATH", "/health"));
		err = http_ask(
			&(struct http_ask){ "GET", text_str(&url), NULL, BYTES_NONE, deadline_ms },
			&told, &why);
		well = !err && told.status == 200;
		reached = !err || err == ERR_REFUSED;
		http_told_fini(&told);
		text_fini(&url);
		text_fini(&why);
		if (!well && reached && !wait_a_little(server, &pause_ms))
			return;
	}
}

static err_t look_at_target(struct server *server, struct text *why)
{
	struct text xml = TEXT_INIT(64 * 1024);
	err_t err = ask_group(server, "DescribeTargetHealth", server->deadline_ms, &xml, why);

	if (!err && bytes_find(text_bytes(&xml), BYTES("<State>healthy</State>")) == SIZE_MAX)
		err = ERR_AGAIN;
	text_fini(&xml);
	return err;
}

static err_t look_at_health(struct server *server, struct text *why)
{
	struct text url = TEXT_INIT(512);
	struct http_told told;
	err_t err;

	http_told_init(&told);
	text_printf(&url, "%s%s", server->base, variable("RAG_HEALTH_PATH", "/health"));
	err = http_ask(
		&(struct http_ask){ "GET", text_str(&url), NULL, BYTES_NONE, server->deadline_ms },
		&told, why);
	if (err == ERR_REFUSED || (!err && told.status != 200))
		err = ERR_AGAIN;
	http_told_fini(&told);
	text_fini(&url);
	return err;
}

/* No sleep of 30 seconds: as soon as the health check passes. */
static err_t wait_until_healthy(struct server *server, struct text *why)
{
	uint64_t pause_ms = POLL_MS_MIN;
	struct text last = TEXT_INIT(1024);
	err_t err;

	for (;;) {
		text_clear(&last);
		err = server->registered ? look_at_target(server, &last) : ERR_OK;
		if (!err)
			err = look_at_health(server, &last);
		if (err != ERR_AGAIN || !wait_a_little(server, &pause_ms))
			break;
	}
	if (err == ERR_AGAIN || err == ERR_EXPIRED)
		text_printf(why, "the server at %s was not healthy in time %s", server->base,
			    text_str(&last));
	else if (err)
		text_add_str(why, text_str(&last));
	text_fini(&last);
	return err == ERR_AGAIN ? ERR_EXPIRED : err;
}

/* ---- The door ---- */

static err_t start_task(struct server *server, struct text *why)
{
	err_t err = ERR_AGAIN;

	mend(server);
	for (unsigned attempt = 1; err == ERR_AGAIN && attempt <= TOKENS_MAX; attempt++)
		err = run_task(server, attempt, why);
	if (!err)
		err = wait_until_running(server, why);
	if (!err && !server->address[0]) {
		text_add_str(why, "the task has no address of its own: its network mode must be "
				  "awsvpc");
		err = ERR_INVALID;
	}
	if (err || !variable("ALB_TARGET_GROUP_ARN", "")[0])
		return err;
	wait_until_listening(server);
	return enter_group(server, why);
}

static err_t find_base(struct server *server, struct text *why)
{
	const char *endpoint = variable("ALB_ENDPOINT", "");
	size_t len;

	if (endpoint[0])
		snprintf(server->base, sizeof server->base, "%s%s",
			 strstr(endpoint, "://") ? "" : "http://", endpoint);
	else if (server->address[0])
		snprintf(server->base, sizeof server->base, "http://%s:%s", server->address,
			 variable("RAG_PORT", "8000"));
	len = strlen(server->base);
	if (len && server->base[len - 1] == '/')
		server->base[len - 1] = 0;
	if (len)
		return ERR_OK;
	text_add_str(why, "neither ALB_ENDPOINT nor ECS_CLUSTER is set: there is nobody to ask");
	return ERR_INVALID;
}

err_t server_start(struct server *server, const struct invocation *invocation, struct text *why)
{
	err_t err = ERR_OK;

	*server = (struct server){ .request_id = invocation->request_id };
	server->deadline_ms = invocation->deadline_ms > STOP_MS ? invocation->deadline_ms - STOP_MS
								: 0;
	if (variable("ECS_CLUSTER", "")[0])
		err = start_task(server, why);
	if (!err)
		err = find_base(server, why);
	if (!err)
		err = wait_until_healthy(server, why);
	if (err)
		server_stop(server);
	return err;
}

err_t server_post(const struct server *server, const char *path, const char *idempotency_key,
		  const json_t *body, struct http_told *told, struct text *why)
{
	char *dumped = json_dumps(body, JSON_COMPACT);
	struct text url = TEXT_INIT(512), key = TEXT_INIT(256);
	const char *fields[] = { "Content-Type: application/json", "Accept: application/json", NULL,
				 NULL };
	err_t err = dumped ? ERR_OK : ERR_NOMEM;

	text_printf(&url, "%s%s", server->base, path);
	if (idempotency_key) {
		text_printf(&key, "Idempotency-Key: %s", idempotency_key);
		fields[2] = text_str(&key);
	}
	if (!err)
		err = http_ask(&(struct http_ask){ "POST", text_str(&url), fields, bytes_of(dumped),
						   server->deadline_ms },
			       told, why);
	free(dumped);
	text_fini(&url);
	text_fini(&key);
	return err;
}

void server_stop(struct server *server)
{
	struct text xml = TEXT_INIT(64 * 1024), why = TEXT_INIT(2048);
	uint64_t deadline_ms = http_now_ms() + STOP_MS;

	if (server->registered && ask_group(server, "DeregisterTargets", deadline_ms, &xml, &why))
		fprintf(stderr, "the target was not deregistered: %s\n", text_str(&why));
	server->registered = false;
	if (server->task[0])
		stop_task(server->task, "the invocation is over", deadline_ms);
	server->task[0] = 0;
	text_fini(&xml);
	text_fini(&why);
}
