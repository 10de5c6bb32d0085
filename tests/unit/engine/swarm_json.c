#include "engine/swarm_json.h"

#include <stdio.h>

#include "tests/check.h"

/* A service "a" whose task is as `status` says, on `node`; "" for none. */
static bool look(const char *status, const char *desired, const char *node, const char *nodes,
		 struct swarm_view *ret_view)
{
	static const char services[] =
		"[{\"ID\":\"s1\",\"Version\":{\"Index\":7},\"Spec\":{\"Name\":\"a\","
		"\"Labels\":{\"l\":\"x\"},\"TaskTemplate\":{}}}]";
	struct swarm_lists *lists = swarm_lists_new();
	char tasks[2048];
	bool found;

	snprintf(
		tasks, sizeof tasks,
		"[{\"ServiceID\":\"s1\",\"CreatedAt\":\"2026-02\",\"Status\":{\"State\":\"running\"}},"
		"{\"ServiceID\":\"s1\",\"CreatedAt\":\"2026-01\",\"NodeID\":\"%s\",\"DesiredState\":\"%s\","
		"\"Status\":%s}]",
		node, desired, status);
	CHECK_EQ(swarm_lists_read(lists, SWARM_SERVICES, bytes_of(services)), ERR_OK);
	CHECK_EQ(swarm_lists_read(lists, SWARM_TASKS, bytes_of(tasks)), ERR_OK);
	CHECK_EQ(swarm_lists_read(lists, SWARM_NODES, bytes_of(nodes)), ERR_OK);
	found = swarm_view_of(lists, "a", ret_view);
	swarm_lists_free(lists);
	return found;
}

#define READY "[{\"ID\":\"n1\",\"Status\":{\"State\":\"ready\",\"Addr\":\"10.0.0.5\"}}]"
#define RAN   "\"ContainerStatus\":{\"ContainerID\":\"c\",\"ExitCode\":3}"

TEST(each_state_of_a_task_is_one_of_ours)
{
	static const struct {
		const char *status, *desired, *node;
		enum swarm_state state;
		enum workload_how how;
	} cases[] = {
		{ "{\"State\":\"new\"}", "running", "", SWARM_PENDING, 0 },
		{ "{\"State\":\"pending\"}", "shutdown", "", SWARM_ENDED, WORKLOAD_NOT_STARTED },
		{ "{\"State\":\"preparing\"}", "running", "n1", SWARM_COMING, 0 },
		{ "{\"State\":\"starting\"," RAN "}", "running", "n1", SWARM_COMING, 0 },
		{ "{\"State\":\"running\"," RAN "}", "running", "n1", SWARM_RUNNING, 0 },
		{ "{\"State\":\"running\"," RAN "}", "shutdown", "n1", SWARM_RUNNING, 0 },
		{ "{\"State\":\"complete\"," RAN "}", "shutdown", "n1", SWARM_ENDED,
		  WORKLOAD_EXITED },
		{ "{\"State\":\"failed\"," RAN "}", "shutdown", "n1", SWARM_ENDED,
		  WORKLOAD_EXITED },
		{ "{\"State\":\"shutdown\"," RAN "}", "shutdown", "n1", SWARM_ENDED,
		  WORKLOAD_EXITED },
		{ "{\"State\":\"shutdown\"}", "shutdown", "n1", SWARM_ENDED, WORKLOAD_NOT_STARTED },
		{ "{\"State\":\"failed\",\"Err\":\"starting container failed: x\"," RAN "}",
		  "shutdown", "n1", SWARM_ENDED, WORKLOAD_NOT_STARTED },
		{ "{\"State\":\"rejected\",\"Err\":\"No such image: x\"}", "shutdown", "n1",
		  SWARM_ENDED, WORKLOAD_NO_IMAGE },
		{ "{\"State\":\"rejected\",\"Err\":\"x\"}", "shutdown", "n1", SWARM_ENDED,
		  WORKLOAD_NOT_CREATED },
		{ "{\"State\":\"orphaned\"," RAN "}", "shutdown", "n1", SWARM_ENDED,
		  WORKLOAD_LOST },
		{ "{\"State\":\"running\"," RAN "}", "running", "n2", SWARM_ENDED,
		  WORKLOAD_HOST_LOST },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct swarm_view view;

		CHECK(look(cases[i].status, cases[i].desired, cases[i].node, READY, &view));
		CHECK_EQ(view.state, cases[i].state, "case %zu", i);
		if (view.state == SWARM_ENDED)
			CHECK_EQ(view.end.how, cases[i].how, "case %zu", i);
		if (view.state == SWARM_ENDED && view.end.how == WORKLOAD_EXITED)
			CHECK_EQ(view.end.code, 3, "case %zu", i);
	}
}

TEST(a_node_is_reached_at_its_own_address_and_a_manager_at_that_of_its_managers)
{
	static const struct {
		const char *nodes, *address;
	} cases[] = {
		{ READY, "10.0.0.5" },
		{ "[{\"ID\":\"n1\",\"Status\":{\"State\":\"ready\",\"Addr\":\"0.0.0.0\"},"
		  "\"ManagerStatus\":{\"Addr\":\"10.0.0.6:2377\"}}]",
		  "10.0.0.6" },
		{ "[{\"ID\":\"n1\",\"Status\":{\"State\":\"ready\",\"Addr\":\"127.0.0.1\"},"
		  "\"ManagerStatus\":{\"Addr\":\"10.0.0.7:2377\"}}]",
		  "10.0.0.7" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct swarm_view view;

		CHECK(look(
			"{\"State\":\"running\"," RAN
			",\"PortStatus\":{\"Ports\":[{\"TargetPort\":80,\"PublishedPort\":32768},"
			"{\"TargetPort\":80,\"PublishedPort\":32768},{\"TargetPort\":70000}]}}",
			"running", "n1", cases[i].nodes, &view));
		CHECK_STR(view.place.address, cases[i].address);
		CHECK_EQ(view.place.port_count, 1);
		CHECK_EQ(view.place.ports[0].outside, 32768);
	}
}

TEST(what_is_down_says_which_machine_it_was)
{
	struct swarm_view view;

	CHECK(look(
		"{\"State\":\"running\"}", "running", "n1",
		"[{\"ID\":\"n1\",\"Description\":{\"Hostname\":\"big\"},\"Status\":{\"State\":\"down\"}}]",
		&view));
	CHECK_EQ(view.end.how, WORKLOAD_HOST_LOST);
	CHECK_STR(view.end.why, "Host (node big of the Swarm) is down");
}

TEST(a_stop_moves_the_service_to_nowhere_and_is_asked_for_once)
{
	struct swarm_lists *lists = swarm_lists_new();
	struct text path = TEXT_INIT(256), body = TEXT_INIT(4096), list = TEXT_INIT(4096);

	CHECK_EQ(swarm_stop_body(lists, "a", &path, &body), ERR_NOT_FOUND);
	CHECK_EQ(swarm_lists_read(
			 lists, SWARM_SERVICES,
			 BYTES("[{\"ID\":\"s1\",\"Version\":{\"Index\":7},\"Spec\":{\"Name\":\"a\","
			       "\"TaskTemplate\":{\"Runtime\":\"container\"}}}]")),
		 ERR_OK);
	CHECK_EQ(swarm_stop_body(lists, "a", &path, &body), ERR_OK);
	CHECK_STR(text_str(&path), "/services/s1/update?version=7");
	CHECK(strstr(text_str(&body), "\"Constraints\":[\"node.id==stopped\"]"));
	CHECK(strstr(text_str(&body), "\"Runtime\":\"container\""));
	text_printf(&list, "[{\"ID\":\"s1\",\"Spec\":%s}]", text_str(&body));
	CHECK_EQ(swarm_lists_read(lists, SWARM_SERVICES, text_bytes(&list)), ERR_OK);
	CHECK_EQ(swarm_stop_body(lists, "a", &path, &body), ERR_EXISTS);
	CHECK_EQ(swarm_lists_read(lists, SWARM_SERVICES, BYTES("{}")), ERR_SYNTAX);
	swarm_lists_free(lists);
	text_fini(&path);
	text_fini(&body);
	text_fini(&list);
}
