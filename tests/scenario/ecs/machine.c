#include "tests/scenario/ecs/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "engine/docker.h"
#include "engine/workload_internal.h"
#include "lb/lb.h"

struct machine *machine;

void machine_open(void)
{
	machine = mmap(NULL, sizeof *machine, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert(machine != MAP_FAILED);
}

void machine_close(void)
{
	munmap(machine, sizeof *machine);
}

static void watch(void)
{
	unsigned good = machine_running("good");

	if (!machine->watched)
		return;
	if (good < machine->least)
		machine->least = good;
	if (machine_running("") > machine->most)
		machine->most = machine_running("");
}

void machine_step(uint64_t unix_ms)
{
	machine->unix_ms = unix_ms;
	machine->steps++;
	watch();
	if (machine->steps == machine->dies_at)
		_exit(DIED);
}

static bool is_of(const struct box *box, const char *image)
{
	return strncmp(box->image, image, strlen(image)) == 0;
}

unsigned machine_running(const char *image)
{
	unsigned count = 0;

	for (unsigned i = 0; i < machine->count; i++)
		count += machine->boxes[i].running && is_of(&machine->boxes[i], image);
	return count;
}

unsigned machine_left(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < machine->count; i++)
		count += !machine->boxes[i].removed;
	return count;
}

unsigned machine_made(const char *image)
{
	unsigned count = 0;

	for (unsigned i = 0; i < machine->count; i++)
		count += is_of(&machine->boxes[i], image);
	return count;
}

void machine_crash(const char *image)
{
	for (unsigned i = 0; i < machine->count; i++)
		if (machine->boxes[i].running && is_of(&machine->boxes[i], image)) {
			machine->boxes[i].ends_ms = 1;
			machine->crashed = true;
			return;
		}
	assert(false && "nothing of that image runs");
}

static struct box *find(const char *name)
{
	for (unsigned i = 0; i < machine->count; i++)
		if (!machine->boxes[i].removed && strcmp(machine->boxes[i].name, name) == 0)
			return &machine->boxes[i];
	return NULL;
}

/* ---- The engine's door ---- */

enum { LOOK_MS = 100 };

struct docker {
	struct loop *loop;
	struct list_node containers;
};

struct container {
	struct workload workload;
	struct docker *docker;
	struct list_node link;
	const struct workload_events *events;
	void *owner;
	struct timer timer;
	char name[96], image[32];
	bool adopted, told, stopping;
};

static struct container *container_of_workload(struct workload *workload)
{
	return container_of(workload, struct container, workload);
}

static uint64_t unix_ms(const struct docker *docker)
{
	return loop_unix_us(docker->loop) / 1000;
}

static void step(const struct container *container)
{
	machine_step(unix_ms(container->docker));
}

static void look_in(struct container *container, uint64_t ms)
{
	struct loop *loop = container->docker->loop;

	timer_set(loop, &container->timer, loop_now_ms(loop) + ms);
}

static void tell_end(struct container *container, enum workload_how how, int code, const char *why)
{
	struct workload_end end = { .how = how, .code = code };

	snprintf(end.why, sizeof end.why, "%s", why);
	container->events->on_ended(container->owner, &end);
}

static struct box *make(struct container *container)
{
	struct box *box;

	assert(machine->count < BOXES_MAX);
	step(container);
	box = &machine->boxes[machine->count];
	*box = (struct box){ .running = true, .started = 1 };
	snprintf(box->name, sizeof box->name, "%s", container->name);
	snprintf(box->image, sizeof box->image, "%s", container->image);
	if (is_of(box, "flap"))
		box->ends_ms = unix_ms(container->docker) + FLAP_MS;
	/* Removed or not: a name is one container's for ever. */
	for (unsigned i = 0; i < machine->count; i++)
		machine->doubled += strcmp(machine->boxes[i].name, box->name) == 0;
	machine->count++;
	step(container);
	return box;
}

static void end(struct container *container, struct box *box, int code)
{
	step(container);
	box->running = false;
	box->code = code;
	step(container);
}

/* The state of the box decides, whatever was asked for before. */
static void on_timer(struct timer *timer)
{
	struct container *container = container_of(timer, struct container, timer);
	struct box *box = find(container->name);

	if (!box && container->adopted) {
		tell_end(container, WORKLOAD_NEVER, 0, "");
		return;
	}
	if (!box && container->stopping) {
		tell_end(container, WORKLOAD_NOT_STARTED, 0, "it was stopped before it ran");
		return;
	}
	if (!box && strncmp(container->image, "none", 4) == 0) {
		tell_end(container, WORKLOAD_NO_IMAGE, 0, "there is no such image");
		return;
	}
	if (!box)
		box = make(container);
	if (box->running && container->stopping)
		end(container, box, 143);
	else if (box->running && box->ends_ms && unix_ms(container->docker) >= box->ends_ms)
		end(container, box, 1);
	if (!box->running) {
		tell_end(container, WORKLOAD_EXITED, box->code, "");
		return;
	}
	look_in(container, LOOK_MS);
	if (!container->told) {
		container->told = true;
		container->events->on_started(container->owner);
	}
}

static bool usage(struct workload *workload, struct workload_usage *ret_usage)
{
	(void)workload;
	(void)ret_usage;
	return false;
}

static void stop(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	container->stopping = true;
	look_in(container, STOP_MS);
}

static void release(struct workload *workload)
{
	struct container *container = container_of_workload(workload);

	timer_cancel(&container->timer);
	list_remove(&container->link);
	free(container);
}

static void forget(struct workload *workload)
{
	struct container *container = container_of_workload(workload);
	struct box *box = find(container->name);

	step(container);
	if (box)
		box->removed = true;
	step(container);
	release(workload);
}

static const struct workload_engine engine = {
	.usage = usage, .stop = stop, .kill = stop, .forget = forget, .release = release
};

static struct container *container_new(struct docker *docker, const char *name,
				       const struct workload_events *events, void *owner)
{
	struct container *container = calloc(1, sizeof *container);

	assert(container);
	*container = (struct container){ .workload.engine = &engine,
					 .docker = docker,
					 .events = events,
					 .owner = owner,
					 .timer.on_expired = on_timer };
	snprintf(container->name, sizeof container->name, "%s", name);
	list_append(&docker->containers, &container->link);
	return container;
}

err_t docker_start(struct docker *docker, const struct container_options *options,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	struct container *container = container_new(docker, options->name, events, owner);

	snprintf(container->image, sizeof container->image, "%s", options->image);
	look_in(container, START_MS);
	*ret_workload = &container->workload;
	return ERR_OK;
}

err_t docker_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	struct container *container = container_new(docker, name, events, owner);

	(void)folder;
	(void)stop_ms;
	container->adopted = true;
	look_in(container, 0);
	*ret_workload = &container->workload;
	return ERR_OK;
}

err_t docker_create(const struct docker_options *options, struct docker **ret_docker)
{
	struct docker *docker = calloc(1, sizeof *docker);

	assert(docker);
	docker->loop = options->loop;
	list_init(&docker->containers);
	*ret_docker = docker;
	return ERR_OK;
}

void docker_destroy(struct docker *docker)
{
	free(docker);
}

bool docker_is_there(const char *socket)
{
	(void)socket;
	return true;
}

void docker_end_sharing(struct docker *docker, const char *name)
{
	(void)docker;
	(void)name;
}

/* Its containers have no network here. */
void docker_open_network(struct docker *docker)
{
	(void)docker;
}

static bool is_at_hand(const struct docker *docker, const char *name)
{
	list_for_each (&docker->containers, node)
		if (strcmp(container_of(node, struct container, link)->name, name) == 0)
			return true;
	return false;
}

void docker_sweep(struct docker *docker, bool (*wanted)(void *owner, const char *name), void *owner)
{
	for (unsigned i = 0; i < machine->count; i++) {
		struct box *box = &machine->boxes[i];

		if (box->removed || is_at_hand(docker, box->name) || wanted(owner, box->name))
			continue;
		machine_step(unix_ms(docker));
		box->running = false;
		box->removed = true;
		machine_step(unix_ms(docker));
	}
}

/* ---- The balancer's door: no service here has targets ---- */

err_t lb_target_status(const struct lb *lb, struct bytes group_arn, struct bytes target_id,
		       uint16_t port, struct target_status *ret_status)
{
	(void)lb;
	(void)group_arn;
	(void)target_id;
	(void)port;
	(void)ret_status;
	return ERR_NOT_FOUND;
}

void lb_each_metrics(struct lb *lb,
		     void (*row)(void *owner, struct bytes load_balancer_id,
				 struct bytes target_group_id, const struct metrics *sum),
		     void *owner)
{
	(void)lb;
	(void)row;
	(void)owner;
}
