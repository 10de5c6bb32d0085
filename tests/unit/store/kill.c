/*
 * What was acknowledged survives a kill at any instant. A child commits in a loop and reports
 * every acknowledged number over a pipe; the parent kills it and looks.
 */
#include "tests/unit/store/place.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "crypto/random.h"

enum { ROUNDS = 30, KILL_AFTER_US_MAX = 20000 };

/* Each commit adds a resource and moves the counter: both or neither must be there. */
static void write_forever(const struct place *place, int pipe_fd)
{
	struct store *store;
	struct store_txn *txn;
	int number;

	if (store_open(place->directory, &store, NULL) || store_begin(store, &txn))
		_exit(1);
	number = number_of(txn, "counter", "c");
	if (number < 0 && insert(txn, "counter", "c", "", number = 0))
		_exit(2);
	if (store_commit(txn))
		_exit(3);
	for (;;) {
		char id[32];

		number++;
		snprintf(id, sizeof id, "r%d", number);
		if (store_begin(store, &txn) || insert(txn, "k", id, "", number) ||
		    update(txn, "counter", "c", "", number, 0) || store_commit(txn))
			_exit(4);
		if (write(pipe_fd, &number, sizeof number) != sizeof number)
			_exit(5);
	}
}

/* The highest number the child reported before it died. */
static int kill_a_writer(const struct place *place)
{
	int fds[2], number, last = 0, status = 0;
	bool told = false;
	pid_t child;

	CHECK_EQ(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		write_forever(place, fds[1]);
	}
	CHECK(child > 0);
	close(fds[1]);
	while (read(fds[0], &number, sizeof number) == sizeof number) {
		last = number;
		if (told)
			continue;
		told = true;
		usleep((useconds_t)(random_u64() % KILL_AFTER_US_MAX));
		kill(child, SIGKILL);
	}
	close(fds[0]);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer failed: %d",
	      WEXITSTATUS(status));
	return last;
}

TEST(a_kill_at_any_instant_loses_nothing_that_was_acknowledged)
{
	struct place place = place_make();

	for (int round = 0; round < ROUNDS; round++) {
		int acknowledged = kill_a_writer(&place);
		struct store *store = place_open(&place);
		struct store_txn *txn = begin(store);
		int counter = number_of(txn, "counter", "c");
		uint64_t count;

		CHECK(acknowledged > 0);
		CHECK(counter >= acknowledged, "round %d: %d was acknowledged, %d is there", round,
		      acknowledged, counter);
		CHECK_OK(store_count(txn, "k", NULL, &count));
		CHECK_EQ(count, counter, "round %d: half a transaction", round);
		for (int i = 1; i <= counter; i++) {
			char id[32];

			snprintf(id, sizeof id, "r%d", i);
			CHECK_EQ(number_of(txn, "k", id), i, "round %d", round);
		}
		store_rollback(txn);
		store_close(store);
	}
	place_remove(&place);
}
