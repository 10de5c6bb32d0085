/*
 * up: `weir up`: the daemon, and the first chat behind it, in one command.
 *
 *   start ragd and webd ─► load balancer, groups, listener, rules (by api_call, as any client)
 *        ─► wait until both targets are healthy ─► print the addresses and one curl
 *
 * Every step may be done already: a second `weir up` finds what the first one made.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/weir.h"
#include "base/log.h"
#include "engine/process.h"

enum {
	BACKEND_PORT = 8000, /* wished for: another free one when it is taken */
	FRONTEND_PORT = 8001,
	TICK_MS = 100,
	PATIENCE_TICKS = 300, /* half a minute */
	RESTARTS_MAX = 5,
	STOP_GRACE_MS = 5000,
};

struct child {
	const char *name, *health_path;
	struct process process;
	unsigned restarts;
	uint16_t port;
	char port_text[8];
	struct socket *knock; /* a question under way, to see whether it is well */
	bool listening;	      /* and well */
	char program[PATH_MAX], log_path[PATH_MAX];
	char *arguments[12];
};

struct up {
	struct weir *weir;
	struct child backend, frontend;
	struct timer tick;
	unsigned ticks;
	bool deployed, announced;
	char *backend_arn, *frontend_arn, *balancer_arn, *dns_name;
	char folder[PATH_MAX], documents[PATH_MAX], rag_data[PATH_MAX];
};

/* ---- Children ---- */

static err_t folder_of_ours(char out[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (len <= 0)
		return ERR_SYSTEM;
	out[len] = '\0';
	*strrchr(out, '/') = '\0';
	return ERR_OK;
}

/* In a build tree beside rag/, installed under share/weir. */
static err_t find_documents(struct up *up)
{
	static const char *const places[] = { "../rag/samples", "../share/weir/samples" };

	for (size_t i = 0; i < COUNT(places); i++)
		if (snprintf(up->documents, PATH_MAX, "%s/%s", up->folder, places[i]) < PATH_MAX &&
		    access(up->documents, R_OK) == 0)
			return ERR_OK;
	fprintf(stderr,
		"weir: the sample documents are neither in %s/../rag/samples nor in "
		"%s/../share/weir/samples\n",
		up->folder, up->folder);
	return ERR_NOT_FOUND;
}

/* The port wished for when nobody has it, else one that the kernel picks. */
static err_t pick_port(struct child *child, uint16_t wished)
{
	struct address at, bound;
	err_t err;
	int fd;

	TRY(address_parse_ip(BYTES("127.0.0.1"), wished, &at));
	err = acceptor_bind(&at, 1, &fd, &bound);
	if (err) {
		at.port = 0;
		err = acceptor_bind(&at, 1, &fd, &bound);
	}
	if (err)
		return err;
	acceptor_discard(fd);
	child->port = bound.port;
	snprintf(child->port_text, sizeof child->port_text, "%u", bound.port);
	return ERR_OK;
}

static err_t start_child(struct child *child)
{
	const struct process_options options = { .program = child->program,
						 .arguments = child->arguments,
						 .log_path = child->log_path };
	err_t err = process_start(&options, &child->process);

	if (err)
		fprintf(stderr, "weir: %s cannot be started: %s\n", child->program, err_words(err));
	return err;
}

static err_t prepare_child(struct up *up, struct child *child, const char *name, uint16_t wished)
{
	const char *data = setting_text(up->weir->settings, SETTING_DATA);

	child->name = name;
	if (snprintf(child->program, PATH_MAX, "%s/%s", up->folder, name) >= PATH_MAX ||
	    snprintf(child->log_path, PATH_MAX, "%s/logs/%s.log", data, name) >= PATH_MAX)
		return ERR_TOO_LARGE;
	child->arguments[0] = child->program;
	return pick_port(child, wished);
}

static err_t start_children(struct up *up)
{
	static char loopback[] = "127.0.0.1", host_flag[] = "--host", port_flag[] = "--port",
		    documents_flag[] = "--documents", data_flag[] = "--data";

	TRY(folder_of_ours(up->folder));
	TRY(find_documents(up));
	TRY(prepare_child(up, &up->backend, "ragd", BACKEND_PORT));
	TRY(prepare_child(up, &up->frontend, "webd", FRONTEND_PORT));
	up->backend.health_path = "/health";
	up->frontend.health_path = "/";
	snprintf(up->rag_data, PATH_MAX, "%s/rag", setting_text(up->weir->settings, SETTING_DATA));
	memcpy(up->backend.arguments + 1,
	       (char *[]){ host_flag, loopback, port_flag, up->backend.port_text, documents_flag,
			   up->documents, data_flag, up->rag_data },
	       8 * sizeof(char *));
	memcpy(up->frontend.arguments + 1,
	       (char *[]){ host_flag, loopback, port_flag, up->frontend.port_text },
	       4 * sizeof(char *));
	TRY(start_child(&up->backend));
	return start_child(&up->frontend);
}

/* False when it has ended too often. */
static bool watch_child(struct child *child)
{
	int code = 0;

	if (child->process.pid == 0 || process_running(&child->process, &code))
		return true;
	log_error("app", "%s ended with code %d; its words are in %s", child->name, code,
		  child->log_path);
	return child->restarts++ < RESTARTS_MAX && !start_child(child);
}

static void end_knock(struct child *child)
{
	socket_close(child->knock);
	child->knock = NULL;
}

static void on_knocked(void *owner, err_t err)
{
	struct child *child = owner;
	char text[128];
	struct bytes question;
	size_t taken = 0;

	question = bytes_make(text, (size_t)snprintf(text, sizeof text,
						     "GET %s HTTP/1.1\r\nHost: weir\r\n"
						     "Connection: close\r\n\r\n",
						     child->health_path));
	if (err || socket_send(child->knock, (struct slices){ &question, 1 }, false, &taken) ||
	    taken < question.len)
		end_knock(child);
	else
		socket_receive(child->knock);
}

/* The status line comes in one piece, or the next knock sees it so. */
static void on_knock_answered(void *owner, struct bytes data)
{
	struct child *child = owner;

	child->listening = bytes_starts(data, BYTES("HTTP/1.1 200"));
	end_knock(child);
}

static void on_knock_ended(void *owner, err_t why)
{
	(void)why;
	end_knock(owner);
}

/*
 * A target that is registered before it is ready fails its first health check, and the next one
 * comes half a minute later: so nothing is registered before its health is 200.
 */
static void knock(struct up *up, struct child *child)
{
	static const struct socket_events events = { .on_connected = on_knocked,
						     .on_received = on_knock_answered,
						     .on_ended = on_knock_ended };
	struct address at;

	if (child->listening || child->knock ||
	    address_parse_ip(BYTES("127.0.0.1"), child->port, &at))
		return;
	if (socket_connect(up->weir->control, &at, NULL, &events, child, &child->knock))
		child->knock = NULL;
}

/* ---- Resources ---- */

/* Calls as the root of this installation; takes `input`. NULL after saying what went wrong. */
static json_t *call(struct up *up, const char *service, const char *operation, json_t *input)
{
	struct api_fault fault;
	json_t *output = NULL;
	err_t err = input ? api_call(up->weir->api, &up->weir->root, service, operation, input,
				     &output, &fault)
			  : ERR_NOMEM;

	json_decref(input);
	if (!err)
		return output;
	if (input)
		fprintf(stderr, "weir: %s: %s: %s\n", operation, fault.code, fault.message);
	return NULL;
}

/* For a call whose answer says nothing new. */
static err_t finish(json_t *output)
{
	bool good = output != NULL;

	json_decref(output);
	return good ? ERR_OK : ERR_INVALID;
}

static const char *first_string(const json_t *output, const char *list, const char *name)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(output, list), 0), name));
}

static char *keep_string(const char *string)
{
	return string ? bytes_dup(bytes_of(string)) : NULL;
}

static json_t *default_subnets(struct up *up)
{
	json_t *output = call(up, "ec2", "DescribeSubnets", json_object()), *ids = json_array(),
	       *subnet;
	size_t i;

	json_array_foreach (json_object_get(output, "Subnets"), i, subnet)
		json_array_append(ids, json_object_get(subnet, "SubnetId"));
	json_decref(output);
	return ids;
}

static err_t set_attributes(struct up *up, const char *operation, const char *arn_name,
			    const char *arn, const char *key, const char *value)
{
	json_t *output = call(up, "elbv2", operation,
			      json_pack("{s:s, s:[{s:s, s:s}]}", arn_name, arn, "Attributes", "Key",
					key, "Value", value));

	return finish(output);
}

static err_t make_balancer(struct up *up)
{
	json_t *output = call(
		up, "elbv2", "CreateLoadBalancer",
		json_pack("{s:s, s:o}", "Name", "mindr-alb", "Subnets", default_subnets(up)));

	up->balancer_arn = keep_string(first_string(output, "LoadBalancers", "LoadBalancerArn"));
	up->dns_name = keep_string(first_string(output, "LoadBalancers", "DNSName"));
	json_decref(output);
	if (!up->balancer_arn || !up->dns_name)
		return ERR_INVALID;
	return set_attributes(up, "ModifyLoadBalancerAttributes", "LoadBalancerArn",
			      up->balancer_arn, "idle_timeout.timeout_seconds", "180");
}

struct group {
	const char *name, *path, *matcher, *delay, *heartbeat;
	int port;
	const struct child *child;
};

static char *vpc_of_balancer(struct up *up)
{
	json_t *output = call(up, "elbv2", "DescribeLoadBalancers",
			      json_pack("{s:[s]}", "LoadBalancerArns", up->balancer_arn));
	char *vpc = keep_string(first_string(output, "LoadBalancers", "VpcId"));

	json_decref(output);
	return vpc;
}

/*
 * Takes out what an earlier run registered, then registers the child. Also when it is the same
 * address: a target restored from the state was probed before the child listened, and would be
 * asked again half a minute later; a new one is probed at once.
 */
static err_t register_child(struct up *up, const char *group_arn, const struct child *child)
{
	json_t *output = call(up, "elbv2", "DescribeTargetHealth",
			      json_pack("{s:s}", "TargetGroupArn", group_arn)),
	       *row;
	size_t i;

	json_array_foreach (json_object_get(output, "TargetHealthDescriptions"), i, row)
		json_decref(call(up, "elbv2", "DeregisterTargets",
				 json_pack("{s:s, s:[O]}", "TargetGroupArn", group_arn, "Targets",
					   json_object_get(row, "Target"))));
	json_decref(output);
	output = call(up, "elbv2", "RegisterTargets",
		      json_pack("{s:s, s:[{s:s, s:i}]}", "TargetGroupArn", group_arn, "Targets",
				"Id", "127.0.0.1", "Port", (int)child->port));
	return finish(output);
}

static err_t make_group(struct up *up, const struct group *group, char **ret_arn)
{
	char *vpc = vpc_of_balancer(up);
	json_t *output = call(
		up, "elbv2", "CreateTargetGroup",
		json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:{s:s}}",
			  "Name", group->name, "Protocol", "HTTP", "Port", group->port, "VpcId",
			  vpc ? vpc : "", "TargetType", "ip", "HealthCheckPath", group->path,
			  "HealthCheckProtocol", "HTTP", "HealthCheckIntervalSeconds", 30,
			  "HealthCheckTimeoutSeconds", 5, "HealthyThresholdCount", 2,
			  "UnhealthyThresholdCount", 2, "Matcher", "HttpCode", group->matcher));

	free(vpc);
	*ret_arn = keep_string(first_string(output, "TargetGroups", "TargetGroupArn"));
	json_decref(output);
	if (!*ret_arn)
		return ERR_INVALID;
	TRY(set_attributes(up, "ModifyTargetGroupAttributes", "TargetGroupArn", *ret_arn,
			   "deregistration_delay.timeout_seconds", group->delay));
	TRY(set_attributes(up, "ModifyTargetGroupAttributes", "TargetGroupArn", *ret_arn,
			   "weir.stream.heartbeat.interval_seconds", group->heartbeat));
	return register_child(up, *ret_arn, group->child);
}

/* A rule for these paths at this priority, unless the listener has one there already. */
static err_t make_rule(struct up *up, const char *listener_arn, const json_t *rules, int priority,
		       json_t *paths, const char *group_arn)
{
	char wanted[16];
	json_t *rule, *output;
	size_t i;

	snprintf(wanted, sizeof wanted, "%d", priority);
	json_array_foreach (json_object_get(rules, "Rules"), i, rule) {
		const char *have = json_string_value(json_object_get(rule, "Priority"));

		if (have && strcmp(have, wanted) == 0) {
			json_decref(paths);
			return ERR_OK;
		}
	}
	output = call(up, "elbv2", "CreateRule",
		      json_pack("{s:s, s:i, s:[{s:s, s:o}], s:[{s:s, s:s}]}", "ListenerArn",
				listener_arn, "Priority", priority, "Conditions", "Field",
				"path-pattern", "Values", paths, "Actions", "Type", "forward",
				"TargetGroupArn", group_arn));
	return finish(output);
}

static err_t make_listener(struct up *up)
{
	json_t *output = call(up, "elbv2", "CreateListener",
			      json_pack("{s:s, s:s, s:i, s:[{s:s, s:s}]}", "LoadBalancerArn",
					up->balancer_arn, "Protocol", "HTTP", "Port", 80,
					"DefaultActions", "Type", "forward", "TargetGroupArn",
					up->frontend_arn));
	char *arn = keep_string(first_string(output, "Listeners", "ListenerArn"));
	json_t *rules;
	err_t err;

	json_decref(output);
	if (!arn)
		return ERR_INVALID;
	rules = call(up, "elbv2", "DescribeRules", json_pack("{s:s}", "ListenerArn", arn));
	err = make_rule(up, arn, rules, 100,
			json_pack("[s, s, s, s, s]", "/chat", "/chat/*", "/health", "/reindex",
				  "/assets/*"),
			up->backend_arn);
	if (!err)
		err = make_rule(up, arn, rules, 200, json_pack("[s]", "/*"), up->frontend_arn);
	json_decref(rules);
	free(arn);
	return err;
}

static err_t deploy(struct up *up)
{
	const struct group backend = {
		"mindr-backend-tg", up->backend.health_path, "200", "180", "10", BACKEND_PORT,
		&up->backend
	};
	const struct group frontend = {
		"mindr-frontend-tg", up->frontend.health_path, "200,404", "30", "0", 80,
		&up->frontend
	};

	TRY(make_balancer(up));
	TRY(make_group(up, &backend, &up->backend_arn));
	TRY(make_group(up, &frontend, &up->frontend_arn));
	return make_listener(up);
}

/* ---- Waiting, and telling ---- */

static bool healthy(struct up *up, const char *group_arn, const struct child *child)
{
	json_t *output = call(up, "elbv2", "DescribeTargetHealth",
			      json_pack("{s:s, s:[{s:s, s:i}]}", "TargetGroupArn", group_arn,
					"Targets", "Id", "127.0.0.1", "Port", (int)child->port));
	const char *state = json_string_value(json_object_get(
		json_object_get(
			json_array_get(json_object_get(output, "TargetHealthDescriptions"), 0),
			"TargetHealth"),
		"State"));
	bool yes = state && strcmp(state, "healthy") == 0;

	json_decref(output);
	return yes;
}

/* Our folder as the user would name it from here. */
static const char *folder_from_here(const struct up *up)
{
	char here[PATH_MAX];
	size_t len;

	if (!getcwd(here, sizeof here))
		return up->folder;
	len = strlen(here);
	return strncmp(up->folder, here, len) == 0 && up->folder[len] == '/' ? up->folder + len + 1
									     : up->folder;
}

/* Where a client on this machine reaches the listener: where it binds, or loopback if that is all.
 */
static void reached_at(const struct settings *settings, unsigned port, char out[ADDRESS_TEXT_BYTES])
{
	struct bytes bind = bytes_of(setting_text(settings, SETTING_BIND));
	struct address at = { .family = 4 };

	if (bytes_eq(bind, BYTES("0.0.0.0")))
		bind = BYTES("127.0.0.1");
	else if (bytes_eq(bind, BYTES("::")))
		bind = BYTES("::1");
	address_parse_ip(bind, (uint16_t)port, &at); /* it was bound, so it parses */
	address_format(&at, out);
}

static void announce(struct up *up)
{
	const struct settings *settings = up->weir->settings;
	unsigned port = 80 + (unsigned)setting_number(settings, SETTING_PORT_OFFSET);
	bool own_data = !setting_is_default(settings, SETTING_DATA);
	char api[ADDRESS_TEXT_BYTES], page[ADDRESS_TEXT_BYTES];

	address_format(&up->weir->api_address, api);
	reached_at(settings, port, page);
	printf("\nThe first chat is up, behind the load balancer mindr-alb.\n\n"
	       "  page   http://%s/\n"
	       "         http://%s:%u/\n"
	       "  API    http://%s   (eval \"$(%s/weir env%s%s)\", then use the aws CLI)\n\n"
	       "Ask it something; the answer streams in word by word:\n\n"
	       "  curl -N http://%s/chat -H 'Content-Type: application/json' \\\n"
	       "       -d '{\"message\": \"How can I sleep better?\"}'\n\n"
	       "Ctrl-C stops it; streams finish first.\n",
	       page, up->dns_name, port, api, folder_from_here(up), own_data ? " --data " : "",
	       own_data ? setting_text(settings, SETTING_DATA) : "", page);
	fflush(stdout);
}

static void give_up(struct up *up)
{
	up->weir->exit_code = 1;
	weir_drain(up->weir);
}

/* Each step of `weir up` that waits for something outside, a look at a time. */
static void on_tick(struct timer *timer)
{
	struct up *up = container_of(timer, struct up, tick);

	if (!watch_child(&up->backend) || !watch_child(&up->frontend)) {
		give_up(up);
		return;
	}
	if (!up->deployed) {
		knock(up, &up->backend);
		knock(up, &up->frontend);
		if (up->backend.listening && up->frontend.listening) {
			up->deployed = true;
			if (deploy(up)) {
				give_up(up);
				return;
			}
		}
	} else if (!up->announced && healthy(up, up->backend_arn, &up->backend) &&
		   healthy(up, up->frontend_arn, &up->frontend)) {
		up->announced = true;
		announce(up);
	}
	if (!up->announced && ++up->ticks == PATIENCE_TICKS)
		log_warn("app", "the chat is not ready yet; see `weir status`, %s and %s",
			 up->backend.log_path, up->frontend.log_path);
	timer_set(up->weir->control, &up->tick, loop_now_ms(up->weir->control) + TICK_MS);
}

static void on_ready(struct weir *weir, void *owner)
{
	struct up *up = owner;

	if (start_children(up)) {
		give_up(up);
		return;
	}
	up->tick.on_expired = on_tick;
	timer_set(weir->control, &up->tick, loop_now_ms(weir->control) + TICK_MS);
}

static void up_fini(struct up *up)
{
	timer_cancel(&up->tick);
	socket_close(up->backend.knock);
	socket_close(up->frontend.knock);
	process_stop(&up->frontend.process, STOP_GRACE_MS);
	process_stop(&up->backend.process, STOP_GRACE_MS);
	free(up->backend_arn);
	free(up->frontend_arn);
	free(up->balancer_arn);
	free(up->dns_name);
}

int command_up(const struct settings *settings)
{
	struct weir *weir = calloc(1, sizeof *weir);
	struct up up = { .weir = weir };
	struct text why = TEXT_INIT(4096);
	int code = 2;

	if (!weir)
		return code;
	weir->settings = settings;
	weir->on_ready = on_ready;
	weir->owner = &up;
	if (weir_start(weir, &why)) {
		fprintf(stderr, "weir: %s\n", why.len ? text_str(&why) : "cannot start");
	} else {
		weir_run(weir);
		code = weir->exit_code;
	}
	up_fini(&up);
	weir_stop(weir);
	free(weir);
	text_fini(&why);
	return code;
}
