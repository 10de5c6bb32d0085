#include "tests/unit/store/place.h"

struct ear {
	struct store_listener listener;
	char heard[512]; /* "+a ~b -c |" a commit */
	unsigned commits;
	struct store *store; /* to write back from inside, once */
};

static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct ear *ear = container_of(listener, struct ear, listener);

	CHECK(count > 0);
	ear->commits++;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(ear->heard);

		snprintf(ear->heard + len, sizeof ear->heard - len, "%c%s.%s ",
			 "+~-"[changes[i].what], changes[i].kind, changes[i].id);
	}
	strcat(ear->heard, "|");
	if (ear->store) {
		struct store *store = ear->store;
		struct store_txn *txn = begin(store);

		ear->store = NULL;
		CHECK_OK(insert(txn, "k", "reaction", "", 1));
		CHECK_OK(store_commit(txn));
	}
}

TEST(the_feed_tells_what_a_commit_changed)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct ear ear = { .listener.on_changes = on_changes };
	struct store_txn *txn;

	store_listen(store, &ear.listener);
	txn = begin(store);
	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(insert(txn, "k", "b", "", 1));
	CHECK_STR(ear.heard, "", "before the commit");
	CHECK_OK(store_commit(txn));
	CHECK_STR(ear.heard, "+k.a +k.b |");
	txn = begin(store);
	CHECK_OK(store_delete(txn, "k", "a"));
	CHECK_OK(update(txn, "k", "b", "", 2, 0));
	CHECK_OK(insert(txn, "k2", "b", "", 2));
	CHECK_OK(store_commit(txn));
	CHECK_STR(ear.heard, "+k.a +k.b |-k.a ~k.b +k2.b |");
	store_close(store);
	place_remove(&place);
}

TEST(a_commit_that_changed_nothing_is_silent)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct ear ear = { .listener.on_changes = on_changes };
	struct store_txn *txn;

	store_listen(store, &ear.listener);
	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "a"), -1);
	CHECK_ERR(store_delete(txn, "k", "a"), ERR_NOT_FOUND);
	CHECK_OK(store_setting_put(txn, "key", "no resource"));
	CHECK_OK(store_commit(txn));
	txn = begin(store);
	CHECK_OK(insert(txn, "k", "a", "", 1));
	store_rollback(txn);
	CHECK_EQ(ear.commits, 0);
	store_close(store);
	place_remove(&place);
}

/* Steps on one resource inside one transaction: i insert, u update, d delete. */
static const struct {
	const char *name, *steps, *heard;
	bool exists;
} folds[] = {
	{ "made and changed is made", "iu", "+k.a |", false },
	{ "made and deleted never was", "iud", "", false },
	{ "made, deleted and made is made", "idi", "+k.a |", false },
	{ "changed twice is changed", "uu", "~k.a |", true },
	{ "changed and deleted is deleted", "ud", "-k.a |", true },
	{ "deleted and made is changed", "di", "~k.a |", true },
	{ "deleted, made and deleted is deleted", "did", "-k.a |", true },
};

TEST(changes_of_one_resource_in_one_commit_are_one)
{
	for (size_t i = 0; i < COUNT(folds); i++) {
		struct place place = place_make();
		struct store *store = place_open(&place);
		struct ear ear = { .listener.on_changes = on_changes };
		struct store_txn *txn = begin(store);

		if (folds[i].exists)
			CHECK_OK(insert(txn, "k", "a", "", 1));
		CHECK_OK(store_commit(txn));
		store_listen(store, &ear.listener);
		txn = begin(store);
		for (const char *step = folds[i].steps; *step; step++) {
			if (*step == 'i')
				CHECK_OK(insert(txn, "k", "a", "", 1));
			else if (*step == 'u')
				CHECK_OK(update(txn, "k", "a", "", 2, 0));
			else
				CHECK_OK(store_delete(txn, "k", "a"));
		}
		CHECK_OK(store_commit(txn));
		CHECK_STR(ear.heard, folds[i].heard, "%s", folds[i].name);
		store_close(store);
		place_remove(&place);
	}
}

TEST(every_listener_hears_and_may_write)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct ear first = { .listener.on_changes = on_changes, .store = store };
	struct ear second = { .listener.on_changes = on_changes };
	struct store_txn *txn;

	store_listen(store, &first.listener);
	store_listen(store, &second.listener);
	txn = begin(store);
	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(store_commit(txn));
	CHECK_STR(first.heard, "+k.a |+k.reaction |");
	CHECK_STR(second.heard, "+k.reaction |+k.a |");
	store_close(store);
	place_remove(&place);
}

TEST(a_reset_announces_every_deletion)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct ear ear = { .listener.on_changes = on_changes };
	struct store_txn *txn = begin(store);

	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(insert(txn, "k2", "b", "", 1));
	CHECK_OK(store_commit(txn));
	store_listen(store, &ear.listener);
	txn = begin(store);
	CHECK_OK(store_reset(txn));
	CHECK_OK(store_commit(txn));
	CHECK_STR(ear.heard, "-k.a -k2.b |");
	store_close(store);
	place_remove(&place);
}
