/*
 * store: what the API acknowledged, on disk. Typed resources in transactions, and a change feed.
 *
 * A resource is (kind, id): a JSON body, an optional parent (kind and id), a version that rises
 * with every change, and tags of the caller's inside the body. Kinds are the services' words:
 * "elbv2.listener". The embedded engine is SQLite (WAL, synchronous=FULL); PostgreSQL comes
 * behind the same door.
 *
 * One thread at a time (the control thread). A committed transaction is on disk when
 * store_commit returns; then the feed's listeners hear what changed, still before it returns.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>

#include "base/bytes.h"

struct store;
struct store_txn;

/*
 * Opens or creates `directory`/weir.db (mode 0600, directory 0700), locks the directory against
 * a second process (ERR_IN_USE), and brings the schema up to date. ERR_STORE, ERR_DENIED.
 * `ret_why`, if wanted, gets a sentence for the user on failure, else NULL; free it.
 */
err_t store_open(const char *directory, struct store **ret_store, char **ret_why);
void store_close(struct store *store);

/*
 * One at a time; reading happens in one too. Not nested (asserted). Expected failures below
 * (ERR_EXISTS, ERR_NOT_FOUND, ERR_CONFLICT) leave it usable; after ERR_STORE or ERR_NOMEM of the
 * engine it can only fail: the commit rolls back and says ERR_STORE.
 */
err_t store_begin(struct store *store, struct store_txn **ret_txn);
err_t store_commit(struct store_txn *txn);  /* ends it, whatever it returns */
void store_rollback(struct store_txn *txn); /* NULL is welcome */

struct store_resource {
	const char *kind, *id;
	const char *parent; /* id of the parent, or "" */
	json_t *body;	    /* an object */
	uint64_t version;   /* set by the store */
};

/*
 * Rides on the next commit: written, new or in place of what was, in that transaction or not at
 * all. For who notes what another does. Borrowed until then; NULL takes it back.
 */
void store_attach(struct store *store, const struct store_resource *resource);

/* Adds; ERR_EXISTS, ERR_TOO_LARGE (4 MiB of JSON). The body is borrowed. */
err_t store_insert(struct store_txn *txn, const struct store_resource *resource);
/* Replaces body and parent; ERR_NOT_FOUND; ERR_CONFLICT when `version` is set and not current. */
err_t store_update(struct store_txn *txn, const struct store_resource *resource);
err_t store_delete(struct store_txn *txn, const char *kind, const char *id); /* ERR_NOT_FOUND */

/*
 * *ret_body is a new reference the caller decrefs; either output may be NULL. ERR_NOT_FOUND;
 * ERR_STORE when the body is damaged.
 */
err_t store_get(struct store_txn *txn, const char *kind, const char *id, json_t **ret_body,
		uint64_t *ret_version);

/*
 * Calls `each` for resources of a kind, of one parent if `parent` is not NULL, ordered by
 * creation; after `after_id` if that is not NULL (ERR_NOT_FOUND when it is gone). `each` returns
 * false to stop. It may read, not write.
 */
typedef bool (*store_each_fn)(void *owner, const struct store_resource *resource);
err_t store_each(struct store_txn *txn, const char *kind, const char *parent, const char *after_id,
		 store_each_fn each, void *owner);
/* The same by id, in the order of bytes, from `from_id` on, be that there or not. */
err_t store_scan(struct store_txn *txn, const char *kind, const char *from_id, store_each_fn each,
		 void *owner);
err_t store_count(struct store_txn *txn, const char *kind, const char *parent, uint64_t *ret_count);

/*
 * A unique secondary name: "elbv2.load_balancer/name/mindr-alb" → id. Set inside the transaction
 * that makes the resource, and deleted by hand in the one that deletes it. ERR_EXISTS; get and
 * delete ERR_NOT_FOUND. *ret_id is the caller's to free.
 */
err_t store_name_put(struct store_txn *txn, const char *kind, const char *name, const char *id);
err_t store_name_get(struct store_txn *txn, const char *kind, const char *name, char **ret_id);
err_t store_name_delete(struct store_txn *txn, const char *kind, const char *name);

/* Small settings of the installation itself: keys, counters. ERR_NOT_FOUND; free *ret_value. */
err_t store_setting_get(struct store_txn *txn, const char *key, char **ret_value);
err_t store_setting_put(struct store_txn *txn, const char *key, const char *value);

/* ---- Change feed ---- */

struct store_change {
	const char *kind, *id;
	enum { STORE_INSERTED, STORE_UPDATED, STORE_DELETED } what;
};

/*
 * After each commit, once, with all that it changed; each resource at most once, in the order of
 * first change. A listener may begin a transaction. It is the caller's memory, and outlives the
 * store.
 */
struct store_listener {
	void (*on_changes)(struct store_listener *listener, const struct store_change *changes,
			   size_t count);
	struct store_listener *next; /* the store's */
};
void store_listen(struct store *store, struct store_listener *listener);

/* Deletes every resource and name, for `weir reset`; settings stay. */
err_t store_reset(struct store_txn *txn);

#endif
