/*
 * What a killed Weir leaves of its control groups. The test moves into a group of its own first:
 * groups of other Weirs beside are not its to sweep.
 */
#include "engine/cgroup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

enum { WAIT_MS = 10 * 1000, LOOK_MS = 50 };

static char outer[CGROUP_BYTES], inner[CGROUP_BYTES + 32];

static bool enter(const char *group, pid_t pid)
{
	char path[CGROUP_BYTES + 64];
	FILE *file;
	bool good;

	snprintf(path, sizeof path, "%s/cgroup.procs", group);
	file = fopen(path, "we");
	good = file && fprintf(file, "%d\n", (int)pid) > 0;
	if (file && fclose(file))
		good = false;
	return good;
}

/* Where the engine would make a group tells which one we are in. */
static void move_in(void)
{
	char probe[CGROUP_BYTES];

	if (!cgroup_make("/probe", 0, 0, 0, probe)) {
		SKIP("no control group may be made here: nothing to sweep");
	}
	cgroup_remove("/probe");
	snprintf(outer, sizeof outer, "%.*s", (int)(strrchr(probe, '/') - probe), probe);
	snprintf(inner, sizeof inner, "%s/test-sweep-%d", outer, (int)getpid());
	assert_int_equal(mkdir(inner, 0755), 0);
	if (enter(inner, getpid()))
		return;
	rmdir(inner);
	SKIP("this process may not move to another control group");
}

static void move_out(void)
{
	assert_true(enter(outer, getpid()));
	assert_int_equal(rmdir(inner), 0);
}

static bool is_there(const char *group)
{
	return access(group, F_OK) == 0;
}

static bool wait_gone(const char *group)
{
	for (int ms = 0; ms < WAIT_MS && is_there(group); ms += LOOK_MS) {
		usleep(LOOK_MS * 1000);
		cgroup_sweep(0);
	}
	return !is_there(group);
}

TEST(empty_groups_that_a_killed_weir_left_go_when_they_are_old_and_nothing_else_does)
{
	char left[CGROUP_BYTES], used[CGROUP_BYTES], other[CGROUP_BYTES + 64];
	pid_t child;

	move_in();
	assert_true(cgroup_make("/left", 0, 0, 0, left));
	assert_true(cgroup_make("/used", 0, 0, 0, used));
	CHECK(strncmp(left, inner, strlen(inner)) == 0, "%s is not inside of %s", left, inner);
	snprintf(other, sizeof other, "%s/weir-somebody-elses", inner);
	assert_int_equal(mkdir(other, 0755), 0);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	assert_true(enter(used, child));

	cgroup_sweep(CGROUP_OLD_SECONDS);
	CHECK(is_there(left), "a fresh one may be about to be filled");
	CHECK(wait_gone(left), "%s is empty and old", left);
	CHECK(is_there(used), "somebody runs in %s", used);
	CHECK(is_there(other), "%s has no name of ours", other);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK(wait_gone(used), "%s is empty now", used);
	assert_int_equal(rmdir(other), 0);
	move_out();
}
