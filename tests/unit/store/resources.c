#include "tests/unit/store/place.h"

#include <sqlite3.h>

TEST(a_resource_comes_back_as_it_was_given)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	json_t *body = json_pack("{s:s, s:[i,i], s:{s:b}}", "name", "gr\xc3\xb6\xc3\x9f \"q\"",
				 "ports", 80, 443, "deep", "yes", 1);
	struct store_resource resource = { "elbv2.listener", "arn:1", "arn:lb", body, 0 };
	json_t *got;
	uint64_t version;

	CHECK_OK(store_insert(txn, &resource));
	CHECK_OK(store_get(txn, "elbv2.listener", "arn:1", &got, &version));
	CHECK(json_equal(got, body));
	CHECK_EQ(version, 1);
	json_decref(got);
	CHECK_ERR(store_get(txn, "elbv2.rule", "arn:1", &got, NULL), ERR_NOT_FOUND);
	CHECK_ERR(store_get(txn, "elbv2.listener", "arn:2", &got, NULL), ERR_NOT_FOUND);
	json_decref(body);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(what_was_committed_is_there_after_reopening)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	char *value;

	CHECK_OK(insert(txn, "k", "a", "", 7));
	CHECK_OK(store_setting_put(txn, "cookie.key", "secret"));
	CHECK_OK(store_name_put(txn, "k", "first", "a"));
	CHECK_OK(store_commit(txn));
	store_close(store);

	store = place_open(&place);
	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "a"), 7);
	CHECK_OK(store_setting_get(txn, "cookie.key", &value));
	CHECK_STR(value, "secret");
	free(value);
	CHECK_OK(store_name_get(txn, "k", "first", &value));
	CHECK_STR(value, "a");
	free(value);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(a_rollback_leaves_no_trace)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	char *value;

	CHECK_OK(insert(txn, "k", "stays", "", 1));
	CHECK_OK(store_commit(txn));
	txn = begin(store);
	CHECK_OK(insert(txn, "k", "goes", "", 2));
	CHECK_OK(update(txn, "k", "stays", "", 3, 0));
	CHECK_OK(store_name_put(txn, "k", "n", "goes"));
	CHECK_OK(store_setting_put(txn, "s", "v"));
	store_rollback(txn);
	store_rollback(NULL);

	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "goes"), -1);
	CHECK_EQ(number_of(txn, "k", "stays"), 1);
	CHECK_ERR(store_name_get(txn, "k", "n", &value), ERR_NOT_FOUND);
	CHECK_ERR(store_setting_get(txn, "s", &value), ERR_NOT_FOUND);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(what_is_attached_rides_on_the_next_commit_or_not_at_all)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	json_t *body = json_pack("{s:i}", "n", 7);
	const struct store_resource rider = { .kind = "k", .id = "rider", .body = body };

	CHECK_OK(insert(txn, "k", "other", "", 1));
	store_attach(store, &rider);
	store_rollback(txn);
	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "rider"), -1);
	CHECK_OK(insert(txn, "k", "other", "", 1));
	CHECK_OK(store_commit(txn), "it waits for a commit");
	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "rider"), 7);
	CHECK_OK(update(txn, "k", "rider", "", 8, 0));
	CHECK_OK(store_commit(txn), "it rode once");
	store_attach(store, &rider);
	store_attach(store, NULL);
	txn = begin(store);
	CHECK_OK(update(txn, "k", "other", "", 2, 0));
	CHECK_OK(store_commit(txn), "it was taken back");
	txn = begin(store);
	CHECK_EQ(number_of(txn, "k", "rider"), 8);
	store_rollback(txn);
	json_decref(body);
	store_close(store);
	place_remove(&place);
}

TEST(an_id_is_taken_once_within_its_kind)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);

	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_ERR(insert(txn, "k", "a", "", 2), ERR_EXISTS);
	CHECK_OK(insert(txn, "other", "a", "", 3));
	CHECK_EQ(number_of(txn, "k", "a"), 1);
	CHECK_OK(store_commit(txn), "a refused insert does not spoil the transaction");
	store_close(store);
	place_remove(&place);
}

TEST(a_version_rises_and_guards_an_update)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	uint64_t version;

	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(update(txn, "k", "a", "", 2, 1));
	CHECK_ERR(update(txn, "k", "a", "", 3, 1), ERR_CONFLICT);
	CHECK_OK(store_get(txn, "k", "a", NULL, &version));
	CHECK_EQ(version, 2);
	CHECK_OK(update(txn, "k", "a", "", 4, 0), "no version asks for none");
	CHECK_OK(store_get(txn, "k", "a", NULL, &version));
	CHECK_EQ(version, 3);
	CHECK_EQ(number_of(txn, "k", "a"), 4);
	CHECK_ERR(update(txn, "k", "b", "", 1, 0), ERR_NOT_FOUND);
	CHECK_ERR(update(txn, "k", "b", "", 1, 1), ERR_NOT_FOUND);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(what_is_deleted_is_gone_once)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);

	CHECK_OK(insert(txn, "k", "a", "", 1));
	CHECK_OK(store_delete(txn, "k", "a"));
	CHECK_ERR(store_delete(txn, "k", "a"), ERR_NOT_FOUND);
	CHECK_EQ(number_of(txn, "k", "a"), -1);
	CHECK_OK(insert(txn, "k", "a", "", 2), "the id is free again");
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

/* ---- Listing ---- */

struct seen {
	char ids[256];	     /* "a b c " */
	unsigned stop_after; /* 0: never */
	unsigned count;
	struct store_txn *inner; /* lists children of each as well */
};

static bool on_child(void *owner, const struct store_resource *resource)
{
	struct seen *seen = owner;

	strcat(strcat(seen->ids, resource->id), ",");
	return true;
}

static bool on_each(void *owner, const struct store_resource *resource)
{
	struct seen *seen = owner;

	strcat(strcat(seen->ids, resource->id), " ");
	CHECK(json_is_object(resource->body));
	if (seen->inner)
		CHECK_OK(store_each(seen->inner, "k", resource->id, NULL, on_child, seen));
	return ++seen->count != seen->stop_after;
}

static const char *list(struct store_txn *txn, const char *kind, const char *parent,
			const char *after, unsigned stop_after)
{
	static struct seen seen;

	seen = (struct seen){ .stop_after = stop_after };
	CHECK_OK(store_each(txn, kind, parent, after, on_each, &seen));
	return seen.ids;
}

static void fill(struct store_txn *txn)
{
	CHECK_OK(insert(txn, "k", "m", "", 1));
	CHECK_OK(insert(txn, "k", "a", "m", 2));
	CHECK_OK(insert(txn, "other", "x", "m", 3));
	CHECK_OK(insert(txn, "k", "z", "", 4));
	CHECK_OK(insert(txn, "k", "b", "m", 5));
}

TEST(a_listing_is_in_the_order_of_creation)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	uint64_t count;

	fill(txn);
	CHECK_STR(list(txn, "k", NULL, NULL, 0), "m a z b ");
	CHECK_STR(list(txn, "k", "m", NULL, 0), "a b ");
	CHECK_STR(list(txn, "k", "", NULL, 0), "m z ", "an empty parent is a parent too");
	CHECK_STR(list(txn, "nothing", NULL, NULL, 0), "");
	CHECK_OK(update(txn, "k", "m", "", 9, 0));
	CHECK_STR(list(txn, "k", NULL, NULL, 0), "m a z b ", "an update changes no order");
	CHECK_OK(store_count(txn, "k", NULL, &count));
	CHECK_EQ(count, 4);
	CHECK_OK(store_count(txn, "k", "m", &count));
	CHECK_EQ(count, 2);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(pages_go_on_after_the_last_id)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	struct seen seen = { .count = 0 };

	fill(txn);
	CHECK_STR(list(txn, "k", NULL, NULL, 2), "m a ");
	CHECK_STR(list(txn, "k", NULL, "a", 2), "z b ");
	CHECK_STR(list(txn, "k", NULL, "b", 2), "");
	CHECK_STR(list(txn, "k", "m", "a", 2), "b ");
	CHECK_ERR(store_each(txn, "k", NULL, "gone", on_each, &seen), ERR_NOT_FOUND);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(a_listing_may_read_while_it_runs)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	struct seen seen = { .inner = txn };

	fill(txn);
	CHECK_OK(store_each(txn, "k", NULL, NULL, on_each, &seen));
	CHECK_STR(seen.ids, "m a,b,a z b ");
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(a_moved_resource_is_listed_under_its_new_parent)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);

	fill(txn);
	CHECK_OK(update(txn, "k", "z", "m", 4, 0));
	CHECK_STR(list(txn, "k", "m", NULL, 0), "a z b ");
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

/* ---- Names, settings, reset ---- */

TEST(a_name_is_unique_within_its_kind)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	char *id;

	CHECK_OK(store_name_put(txn, "lb", "mindr-alb", "arn:1"));
	CHECK_ERR(store_name_put(txn, "lb", "mindr-alb", "arn:2"), ERR_EXISTS);
	CHECK_OK(store_name_put(txn, "tg", "mindr-alb", "arn:3"));
	CHECK_OK(store_name_get(txn, "lb", "mindr-alb", &id));
	CHECK_STR(id, "arn:1");
	free(id);
	CHECK_ERR(store_name_get(txn, "lb", "Mindr-ALB", &id), ERR_NOT_FOUND);
	CHECK_OK(store_name_delete(txn, "lb", "mindr-alb"));
	CHECK_ERR(store_name_delete(txn, "lb", "mindr-alb"), ERR_NOT_FOUND);
	CHECK_OK(store_name_put(txn, "lb", "mindr-alb", "arn:2"));
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(a_setting_is_replaced)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	char *value;

	CHECK_ERR(store_setting_get(txn, "counter", &value), ERR_NOT_FOUND);
	CHECK_OK(store_setting_put(txn, "counter", "1"));
	CHECK_OK(store_setting_put(txn, "counter", "2"));
	CHECK_OK(store_setting_get(txn, "counter", &value));
	CHECK_STR(value, "2");
	free(value);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

TEST(a_reset_keeps_the_settings_alone)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	uint64_t count;
	char *value;

	fill(txn);
	CHECK_OK(store_name_put(txn, "k", "n", "m"));
	CHECK_OK(store_setting_put(txn, "key", "kept"));
	CHECK_OK(store_commit(txn));
	txn = begin(store);
	CHECK_OK(store_reset(txn));
	CHECK_OK(store_commit(txn));
	txn = begin(store);
	CHECK_OK(store_count(txn, "k", NULL, &count));
	CHECK_EQ(count, 0);
	CHECK_ERR(store_name_get(txn, "k", "n", &value), ERR_NOT_FOUND);
	CHECK_OK(store_setting_get(txn, "key", &value));
	CHECK_STR(value, "kept");
	free(value);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}

/* ---- Damage ---- */

static void write_sql(const struct place *place, const char *statement)
{
	sqlite3 *db;

	CHECK_EQ(sqlite3_open(place_file(place, "weir.db"), &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK, "%s",
		 sqlite3_errmsg(db));
	sqlite3_close(db);
}

TEST(a_damaged_body_is_an_error_and_no_crash)
{
	static const char *const damages[] = {
		"UPDATE resource SET body = '{\"n\": ' WHERE id = 'z'",
		"UPDATE resource SET body = '' WHERE id = 'z'",
		"UPDATE resource SET body = '[1, 2]' WHERE id = 'z'",
		"UPDATE resource SET body = x'00ff' WHERE id = 'z'",
		"UPDATE resource SET body = 17 WHERE id = 'z'",
	};

	for (size_t i = 0; i < COUNT(damages); i++) {
		struct place place = place_make();
		struct store *store = place_open(&place);
		struct store_txn *txn = begin(store);
		struct seen seen = { .count = 0 };
		json_t *body;

		fill(txn);
		CHECK_OK(store_commit(txn));
		store_close(store);
		write_sql(&place, damages[i]);

		store = place_open(&place);
		txn = begin(store);
		CHECK_ERR(store_get(txn, "k", "z", &body, NULL), ERR_STORE, "%s", damages[i]);
		CHECK_ERR(store_each(txn, "k", NULL, NULL, on_each, &seen), ERR_STORE, "%s",
			  damages[i]);
		CHECK_EQ(number_of(txn, "k", "a"), 2, "the others can be read");
		CHECK_OK(store_delete(txn, "k", "z"), "and it can be deleted");
		CHECK_OK(store_commit(txn));
		store_close(store);
		place_remove(&place);
	}
}

TEST(a_body_has_a_largest_size)
{
	struct place place = place_make();
	struct store *store = place_open(&place);
	struct store_txn *txn = begin(store);
	size_t size = 5 * 1024 * 1024;
	char *big = malloc(size + 1);
	json_t *body = json_object();
	struct store_resource resource = { "k", "big", "", body, 0 };

	CHECK(big != NULL);
	memset(big, 'x', size);
	big[size] = '\0';
	json_object_set_new(body, "x", json_string(big));
	CHECK_ERR(store_insert(txn, &resource), ERR_TOO_LARGE);
	CHECK_EQ(number_of(txn, "k", "big"), -1);
	json_decref(body);
	free(big);
	store_rollback(txn);
	store_close(store);
	place_remove(&place);
}
