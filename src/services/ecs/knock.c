/*
 * knock: whether a task's programs take connections and answer what the load balancer will ask
 * them. A target that is registered before it is ready fails its first health check, and the next
 * one comes a whole interval later: so nothing is registered before a knock was answered well, or
 * was for so long answered badly or not at all that the health checks may say what is wrong.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	KNOCK_MS = 10, /* first; then a quarter of the time it took so far */
	KNOCK_MAX_MS = 500,
	SILENT_MS = 60 * 1000, /* how long nobody may listen */
	WRONG_MS = 10 * 1000,  /* how long what listens may answer wrongly */
};

static json_t *target_of(const json_t *task, unsigned index)
{
	const char *name = text_of(json_array_get(json_object_get(task, "containers"), index),
				   "name");

	return find_in(json_object_get(task, "_targets"), "container", name);
}

/* How the group asks; only plain HTTP on the traffic port can be asked the same here. */
static void read_check(struct run_container *container, const json_t *target)
{
	json_t *output = NULL, *group;
	struct api_fault fault;

	container->knock_read = true;
	if (ecs_house_ask(container->run->ecs, "elasticloadbalancing", "DescribeTargetGroups",
			  json_pack("{s:[s]}", "TargetGroupArns", text_of(target, "group")),
			  &output, &fault))
		return;
	group = json_array_get(json_object_get(output, "TargetGroups"), 0);
	if (is_text(group, "HealthCheckProtocol", "HTTP") &&
	    is_text(group, "HealthCheckPort", "traffic-port") &&
	    !is_text(group, "ProtocolVersion", "HTTP2") &&
	    !is_text(group, "ProtocolVersion", "GRPC")) {
		const json_t *matcher = json_object_get(group, "Matcher");

		container->knock_path = bytes_dup(bytes_of(text_of(group, "HealthCheckPath")));
		container->knock_matcher = bytes_dup(bytes_of(text_of(matcher, "HttpCode")));
	}
	json_decref(output);
}

static void finish(struct run_container *container, bool good)
{
	struct run *run = container->run;

	socket_close(container->knock);
	container->knock = NULL;
	if (good)
		run->knocked |= 1u << container->index;
	run_look_in(run, good ? 0 : KNOCK_MS);
}

static void on_connected(void *owner, err_t err)
{
	struct run_container *container = owner;
	struct text request = TEXT_INIT(4096);
	struct bytes whole;
	size_t taken = 0;

	if (err || !container->knock_path || !container->knock_matcher) {
		finish(container, !err);
		return;
	}
	text_printf(&request,
		    "GET %s HTTP/1.1\r\nHost: task\r\nUser-Agent: ELB-HealthChecker/2.0\r\n"
		    "Connection: close\r\n\r\n",
		    container->knock_path[0] ? container->knock_path : "/");
	whole = text_bytes(&request);
	container->knock_len = 0;
	socket_receive(container->knock);
	err = text_err(&request)
		      ? text_err(&request)
		      : socket_send(container->knock, (struct slices){ &whole, 1 }, false, &taken);
	text_fini(&request);
	/* A fresh connection takes so little at once, or is no good. */
	if (err || taken != whole.len)
		finish(container, false);
}

/* "HTTP/1.1 200 OK": the status is all that counts. */
static void on_received(void *owner, struct bytes data)
{
	struct run_container *container = owner;
	size_t room = sizeof container->knock_reply - container->knock_len;
	uint64_t status;

	data = bytes_upto(data, room);
	memcpy(container->knock_reply + container->knock_len, data.at, data.len);
	container->knock_len += data.len;
	if (container->knock_len < sizeof container->knock_reply)
		return;
	container->knock_answered = true;
	finish(container,
	       memcmp(container->knock_reply, "HTTP/1.", 7) == 0 &&
		       !bytes_to_u64(bytes_make(container->knock_reply + 9, 3), 999, &status) &&
		       matcher_matches(bytes_of(container->knock_matcher), (uint16_t)status));
}

static void on_ended(void *owner, err_t why)
{
	struct run_container *container = owner;

	(void)why;
	if (container->knock)
		finish(container, false);
}

static void knock_on(struct run *run, const json_t *task, unsigned index)
{
	static const struct socket_events events = { .on_connected = on_connected,
						     .on_received = on_received,
						     .on_ended = on_ended };
	struct run_container *container = &run->containers[index];
	json_t *target = target_of(task, index), *container_record, *ports;
	struct address at;

	if (container->knock)
		return;
	if (!container->knock_read)
		read_check(container, target);
	container_record = json_array_get(json_object_get(task, "containers"), index);
	ports = json_array_get(place_ports_of(container_record), 0);
	if (address_parse_ip(bytes_of(text_of(task, "_address")),
			     (uint16_t)number_of(target, "port", number_of(ports, "hostPort", 0)),
			     &at) ||
	    socket_connect(run->ecs->options.loop, &at, NULL, &events, container,
			   &container->knock))
		container->knock = NULL;
}

bool knock(struct run *run, const json_t *task)
{
	uint64_t now = loop_now_ms(run->ecs->options.loop), waited;
	bool all = true, answered = true;

	if (!run->knock_since_ms)
		run->knock_since_ms = now;
	waited = now - run->knock_since_ms;
	for (unsigned i = 0; i < run->container_count; i++) {
		if (!target_of(task, i) || run->knocked & 1u << i)
			continue;
		all = false;
		answered = answered && run->containers[i].knock_answered;
		knock_on(run, task, i);
	}
	if (all || waited >= (answered ? WRONG_MS : SILENT_MS))
		return true;
	run_look_in(run, waited / 4 < KNOCK_MAX_MS ? waited / 4 + KNOCK_MS : KNOCK_MAX_MS);
	return false;
}

void knock_end(struct run_container *container)
{
	socket_close(container->knock);
	container->knock = NULL;
	free(container->knock_path);
	free(container->knock_matcher);
	container->knock_path = container->knock_matcher = NULL;
}
