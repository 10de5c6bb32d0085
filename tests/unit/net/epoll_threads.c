/* The loop and other threads: posts, stops, blocking work; foreign descriptors and signals. */
#include "tests/unit/net/epoll_house.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/blocking.h"
#include "net/clock.h"

/* ---- Threads ---- */

enum { SENDERS = 4, POSTS_EACH = 5000 };

struct numbered {
	struct loop_job job;
	unsigned sender, number;
};

static unsigned next_number[SENDERS], posts_run;

static void on_numbered(struct loop_job *job)
{
	struct numbered *numbered = container_of(job, struct numbered, job);

	CHECK_EQ(numbered->number, next_number[numbered->sender], "sender %u", numbered->sender);
	next_number[numbered->sender]++;
	free(numbered);
	if (++posts_run == SENDERS * POSTS_EACH)
		loop_stop(loop);
}

static void *post_many(void *arg)
{
	for (unsigned i = 0; i < POSTS_EACH; i++) {
		struct numbered *numbered = malloc(sizeof *numbered);

		*numbered =
			(struct numbered){ { .run = on_numbered }, (unsigned)(uintptr_t)arg, i };
		loop_post(loop, &numbered->job);
	}
	return NULL;
}

TEST(posts_of_several_threads_all_run_each_senders_in_order)
{
	pthread_t threads[SENDERS];

	open_loop();
	memset(next_number, 0, sizeof next_number);
	posts_run = 0;
	for (uintptr_t i = 0; i < SENDERS; i++)
		CHECK(pthread_create(&threads[i], NULL, post_many, (void *)i) == 0);
	CHECK(run_at_most(20 * 1000));
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(posts_run, SENDERS * POSTS_EACH);
	close_loop();
}

static atomic_uint late_posts;

static void on_late_post(struct loop_job *job)
{
	(void)job;
	if (atomic_fetch_add(&late_posts, 1) == 99)
		loop_stop(loop);
}

/* Each post finds the loop asleep, so each must wake it. */
static void *post_slowly(void *arg)
{
	static struct loop_job job = { .run = on_late_post };
	struct timespec pause = { .tv_nsec = 500 * 1000 };

	(void)arg;
	for (unsigned i = 0; i < 100; i++) {
		loop_post(loop, &job);
		while (atomic_load(&late_posts) == i)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

TEST(a_post_wakes_a_sleeping_loop_every_time)
{
	pthread_t thread;

	open_loop();
	atomic_store(&late_posts, 0);
	CHECK(pthread_create(&thread, NULL, post_slowly, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	close_loop();
}

static void *stop_soon(void *arg)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	(void)arg;
	nanosleep(&pause, NULL);
	loop_stop(loop);
	return NULL;
}

TEST(another_thread_stops_the_loop)
{
	pthread_t thread;

	open_loop();
	CHECK(pthread_create(&thread, NULL, stop_soon, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	close_loop();
}

/* ---- Two loops that pass work to and fro, as workers and the control loop do ---- */

static struct loop *other_loop;
static struct loop_job shuttle;
static unsigned crossings;

static void cross_back(struct loop_job *job);

static void cross_over(struct loop_job *job)
{
	job->run = cross_back;
	loop_post(loop, job);
}

static void cross_back(struct loop_job *job)
{
	if (++crossings == 2000) {
		loop_stop(other_loop);
		loop_stop(loop);
		return;
	}
	job->run = cross_over;
	loop_post(other_loop, job);
}

static void *run_other(void *arg)
{
	(void)arg;
	loop_run(other_loop);
	return NULL;
}

TEST(a_job_shuttles_between_two_loops)
{
	pthread_t thread;

	open_loop();
	CHECK_OK(loop_create(&other_loop));
	crossings = 0;
	shuttle.run = cross_back;
	loop_post(loop, &shuttle);
	CHECK(pthread_create(&thread, NULL, run_other, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	CHECK_EQ(crossings, 2000);
	loop_destroy(other_loop);
	close_loop();
}

/* ---- Blocking work ---- */

enum { WORKS = 50 };

struct work {
	struct blocking_job job;
	uint64_t in, out;
	pthread_t thread;
};

static unsigned works_done;

static void square(struct blocking_job *job)
{
	struct work *work = container_of(job, struct work, job);

	work->out = work->in * work->in;
	work->thread = pthread_self();
}

static void on_squared(struct blocking_job *job)
{
	struct work *work = container_of(job, struct work, job);

	CHECK_EQ(work->out, work->in * work->in);
	CHECK(!pthread_equal(work->thread, pthread_self()));
	if (++works_done == WORKS)
		loop_stop(loop);
}

TEST(blocking_work_runs_on_other_threads_and_is_done_on_the_loop)
{
	struct work works[WORKS];
	struct blocking_pool *pool;

	open_loop();
	works_done = 0;
	CHECK_OK(blocking_pool_create(3, &pool));
	for (unsigned i = 0; i < WORKS; i++) {
		works[i] = (struct work){
			.job = { .work = square, .done = on_squared, .loop = loop }, .in = i
		};
		blocking_submit(pool, &works[i].job);
	}
	CHECK(run_at_most(PATIENCE_MS));
	blocking_pool_destroy(pool);
	close_loop();
}

TEST(a_pool_that_ends_finishes_what_it_was_given)
{
	struct work works[WORKS];
	struct blocking_pool *pool;

	open_loop();
	works_done = 0;
	CHECK_OK(blocking_pool_create(1, &pool));
	for (unsigned i = 0; i < WORKS; i++) {
		works[i] = (struct work){
			.job = { .work = square, .done = on_squared, .loop = loop }, .in = i
		};
		blocking_submit(pool, &works[i].job);
	}
	blocking_pool_destroy(pool);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(works_done, WORKS);
	close_loop();
}

static void on_resolved(struct resolve_job *resolve)
{
	(void)resolve;
	loop_stop(loop);
}

TEST(names_resolve_off_the_loop)
{
	static const struct {
		const char *name;
		err_t err;
	} cases[] = {
		{ "localhost", ERR_OK },
		{ "127.0.0.9", ERR_OK },
		{ "::1", ERR_OK },
		{ "no spaces in names", ERR_NOT_FOUND },
	};
	struct blocking_pool *pool;

	open_loop();
	CHECK_OK(blocking_pool_create(1, &pool));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct resolve_job job = { .port = 80, .on_resolved = on_resolved };

		strcpy(job.name, cases[i].name);
		resolve(pool, loop, &job);
		CHECK(run_at_most(20 * 1000), "%s", cases[i].name);
		CHECK_EQ(job.err, cases[i].err, "%s", cases[i].name);
		for (unsigned k = 0; k < job.count; k++) {
			CHECK(address_is_loopback(&job.addresses[k]));
			CHECK_EQ(job.addresses[k].port, 80);
		}
		CHECK_EQ(job.count > 0, cases[i].err == ERR_OK);
	}
	blocking_pool_destroy(pool);
	close_loop();
}

/* ---- Foreign descriptors and signals ---- */

static unsigned ready_count;
static bool was_readable, was_writable;
static struct watch *watched;

static void on_ready(void *owner, bool readable, bool writable)
{
	char byte;

	ready_count++;
	was_readable = readable;
	was_writable = writable;
	if (readable)
		CHECK(read(*(int *)owner, &byte, 1) >= 0);
	loop_stop(loop);
}

static const struct watch_events watch_events = { on_ready };

TEST(a_watch_tells_what_was_asked_of_a_foreign_descriptor)
{
	int ends_of_pipe[2];

	open_loop();
	ready_count = 0;
	CHECK(pipe(ends_of_pipe) == 0);
	CHECK_OK(watch_open(loop, ends_of_pipe[0], true, false, &watch_events, &ends_of_pipe[0],
			    &watched));
	check_sleeps("nothing to read");
	CHECK_EQ(ready_count, 0);
	CHECK(write(ends_of_pipe[1], "ab", 2) == 2);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK(was_readable && !was_writable);
	CHECK(run_at_most(PATIENCE_MS), "a level: the second byte is told too");
	CHECK_EQ(ready_count, 2);
	CHECK(write(ends_of_pipe[1], "c", 1) == 1);
	watch_change(watched, false, false);
	check_sleeps("nothing asked for");
	CHECK_EQ(ready_count, 2);
	watch_close(watched);
	close(ends_of_pipe[0]);
	close(ends_of_pipe[1]);
	close_loop();
}

static int signal_seen;

static void on_signal(void *owner, int number)
{
	(void)owner;
	signal_seen = number;
	loop_stop(loop);
}

TEST(a_signal_is_a_callback)
{
	open_loop();
	CHECK_OK(loop_on_signal(loop, SIGUSR1, on_signal, NULL));
	CHECK_OK(loop_on_signal(loop, SIGUSR2, on_signal, NULL));
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(signal_seen, SIGUSR2);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(signal_seen, SIGUSR1);
	close_loop();
}
