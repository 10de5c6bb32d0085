/*
 * store_engine: what keeps the rows. store.c knows resources, JSON and the feed; an engine knows
 * its driver and nothing else. SQLite is one; PostgreSQL slots in as another such table.
 *
 * One thread. Rows handed to a callback are gone when it returns. Every call but open, close and
 * begin happens inside a transaction. ERR_STORE means that the driver failed and logged why; the
 * transaction is then only good for a rollback.
 */
#ifndef STORE_STORE_ENGINE_H
#define STORE_STORE_ENGINE_H

#include "base/text.h"

struct store_db; /* the engine's own */

struct store_row {
	const char *kind, *id, *parent; /* parent "" for none */
	struct bytes body;
	uint64_t version; /* for update: the one expected, 0 for any */
};

typedef bool (*store_row_fn)(void *owner, const struct store_row *row); /* false stops */

struct store_engine {
	const char *name;

	/* On failure `why` holds a sentence for the user. */
	err_t (*open)(const char *directory, struct store_db **ret_db, struct text *why);
	void (*close)(struct store_db *db); /* NULL is welcome */

	err_t (*begin)(struct store_db *db);
	err_t (*commit)(struct store_db *db); /* durable on ERR_OK, rolled back otherwise */
	void (*rollback)(struct store_db *db);

	err_t (*insert)(struct store_db *db, const struct store_row *row); /* ERR_EXISTS */
	err_t (*update)(struct store_db *db,
			const struct store_row *row); /* ERR_NOT_FOUND, _CONFLICT */
	err_t (*remove)(struct store_db *db, const char *kind, const char *id); /* ERR_NOT_FOUND */
	err_t (*get)(struct store_db *db, const char *kind, const char *id, store_row_fn found,
		     void *owner); /* ERR_NOT_FOUND */
	/* By creation. A NULL kind, parent or after_id restricts nothing; ERR_NOT_FOUND: after_id.
	 */
	err_t (*each)(struct store_db *db, const char *kind, const char *parent,
		      const char *after_id, store_row_fn each, void *owner);
	/* By id, in the order of bytes, from `from_id` on. */
	err_t (*scan)(struct store_db *db, const char *kind, const char *from_id, store_row_fn each,
		      void *owner);
	err_t (*count)(struct store_db *db, const char *kind, const char *parent,
		       uint64_t *ret_count);

	err_t (*name_put)(struct store_db *db, const char *kind, const char *name,
			  const char *id); /* ERR_EXISTS */
	err_t (*name_get)(struct store_db *db, const char *kind, const char *name, char **ret_id);
	err_t (*name_delete)(struct store_db *db, const char *kind, const char *name);

	err_t (*setting_get)(struct store_db *db, const char *key, char **ret_value);
	err_t (*setting_put)(struct store_db *db, const char *key, const char *value);

	err_t (*clear)(struct store_db *db); /* every resource and name */
};

extern const struct store_engine store_sqlite;

#endif
