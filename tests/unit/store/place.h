/*
 * place: a data directory of a test's own, gone afterwards, and the few calls every test makes.
 */
#ifndef TESTS_UNIT_STORE_PLACE_H
#define TESTS_UNIT_STORE_PLACE_H

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

#include "base/log.h"
#include "store/store.h"

struct place {
	char directory[64];
};

static inline struct place place_make(void)
{
	struct place place;

	log_to(-1); /* damaged bodies are logged, and meant to be here */
	strcpy(place.directory, "/tmp/weir-store-XXXXXX");
	CHECK(mkdtemp(place.directory) != NULL);
	return place;
}

static inline const char *place_file(const struct place *place, const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", place->directory, name);
	return path;
}

static inline void place_remove(const struct place *place)
{
	static const char *const files[] = { "weir.db", "weir.db-wal", "weir.db-shm", "weir.lock" };

	for (size_t i = 0; i < COUNT(files); i++)
		unlink(place_file(place, files[i]));
	CHECK_EQ(rmdir(place->directory), 0, "something else was left in %s", place->directory);
}

static inline struct store *place_open(const struct place *place)
{
	struct store *store = NULL;
	char *why = NULL;
	err_t err = store_open(place->directory, &store, &why);

	CHECK_EQ(err, ERR_OK, "%s", why ? why : "");
	return store;
}

static inline struct store_txn *begin(struct store *store)
{
	struct store_txn *txn = NULL;

	CHECK_OK(store_begin(store, &txn));
	return txn;
}

/* Inserts {"n": number}. */
static inline err_t insert(struct store_txn *txn, const char *kind, const char *id,
			   const char *parent, int number)
{
	json_t *body = json_pack("{s:i}", "n", number);
	struct store_resource resource = { kind, id, parent, body, 0 };
	err_t err = store_insert(txn, &resource);

	json_decref(body);
	return err;
}

static inline err_t update(struct store_txn *txn, const char *kind, const char *id,
			   const char *parent, int number, uint64_t version)
{
	json_t *body = json_pack("{s:i}", "n", number);
	struct store_resource resource = { kind, id, parent, body, version };
	err_t err = store_update(txn, &resource);

	json_decref(body);
	return err;
}

/* The "n" of a resource, -1 when it is not there. */
static inline int number_of(struct store_txn *txn, const char *kind, const char *id)
{
	json_t *body;
	int number;

	if (store_get(txn, kind, id, &body, NULL))
		return -1;
	number = (int)json_integer_value(json_object_get(body, "n"));
	json_decref(body);
	return number;
}

#endif
