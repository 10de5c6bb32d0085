/* Events on their way to functions: kept with the change, delivered after it, told again, bounded.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "services/outbox.h"
#include "tests/check.h"

static struct {
	char directory[64];
	struct loop *loop;
	struct store *store;
	struct outbox outbox;
	struct text delivered;
	unsigned waited_for; /* deliveries until the loop stops */
	unsigned refusals;   /* of the next ones: "not now" */
} house;

static err_t deliver(void *owner, const char *source_arn, const char *function_arn,
		     const char *event)
{
	(void)owner;
	if (!--house.waited_for)
		loop_stop(house.loop);
	if (strcmp(function_arn, "gone") == 0)
		return ERR_NOT_FOUND;
	if (house.refusals) {
		house.refusals--;
		return ERR_LIMIT;
	}
	text_printf(&house.delivered, "%s>%s:%s;", source_arn, function_arn, event);
	return ERR_OK;
}

static void house_open(void)
{
	const struct outbox_options options = {
		.kind = "test.event", .service = "test", .max = 5, .deliver = deliver
	};
	struct outbox_options here = options;

	CHECK_OK(loop_create(&house.loop));
	CHECK_OK(store_open(house.directory, &house.store, NULL));
	here.loop = house.loop;
	here.store = house.store;
	house.outbox = (struct outbox){ .kept = 0 };
	outbox_open(&house.outbox, &here);
}

static void house_close(void)
{
	outbox_close(&house.outbox);
	store_close(house.store);
	loop_destroy(house.loop);
}

static void move_in(void)
{
	log_to(-1);
	snprintf(house.directory, sizeof house.directory, "/tmp/weir-outbox-XXXXXX");
	CHECK(mkdtemp(house.directory) != NULL);
	text_init(&house.delivered, 10000);
	house_open();
}

static void move_out(void)
{
	char command[128];

	house_close();
	text_fini(&house.delivered);
	snprintf(command, sizeof command, "rm -rf %s", house.directory);
	CHECK_EQ(system(command), 0);
}

static void put(struct store_txn *txn, const char *function, int number)
{
	json_t *event = json_pack("{s:i}", "n", number);

	CHECK_OK(outbox_put(&house.outbox, txn, "source", function, event));
	json_decref(event);
}

/* Events from..to, one transaction. */
static void put_some(const char *function, int from, int to)
{
	struct store_txn *txn;

	CHECK_OK(store_begin(house.store, &txn));
	for (int i = from; i <= to; i++)
		put(txn, function, i);
	CHECK_OK(store_commit(txn));
	outbox_commit(&house.outbox);
}

static uint64_t kept(void)
{
	struct store_txn *txn;
	uint64_t count;

	CHECK_OK(store_begin(house.store, &txn));
	CHECK_OK(store_count(txn, "test.event", NULL, &count));
	store_rollback(txn);
	return count;
}

static void run_until(unsigned deliveries, const char *want)
{
	house.waited_for = deliveries;
	loop_run(house.loop);
	CHECK_STR(text_str(&house.delivered), want);
	text_clear(&house.delivered);
}

TEST(what_was_committed_is_delivered_and_forgotten)
{
	struct store_txn *txn;

	move_in();
	CHECK_OK(store_begin(house.store, &txn));
	put(txn, "never", 0);
	store_rollback(txn);
	put_some("f", 1, 2);
	run_until(2, "source>f:{\"n\":1};source>f:{\"n\":2};");
	CHECK_EQ(kept(), 0);
	move_out();
}

TEST(what_cannot_be_delivered_now_is_told_later_and_after_a_restart)
{
	move_in();
	put_some("f", 1, 1);
	house.refusals = 1;
	run_until(2, "source>f:{\"n\":1};");
	put_some("f", 2, 3);
	house_close();
	house_open();
	run_until(2, "source>f:{\"n\":2};source>f:{\"n\":3};");
	CHECK_EQ(kept(), 0);
	move_out();
}

TEST(what_nobody_takes_and_what_is_too_much_is_dropped)
{
	move_in();
	put_some("gone", 1, 1);
	put_some("f", 2, 9);
	CHECK_EQ(kept(), 5);
	run_until(5, "source>f:{\"n\":2};source>f:{\"n\":3};source>f:{\"n\":4};"
		     "source>f:{\"n\":5};");
	CHECK_EQ(kept(), 0);
	move_out();
}
