/*
 * Resources, JSON and the feed, over an engine. A transaction remembers what it changed; a commit
 * that reached the disk tells the listeners, a rollback forgets.
 */
#include "store/store.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "store/lock.h"
#include "store/store_engine.h"

enum {
	BODY_BYTES_MAX = 4 * 1024 * 1024, /* of one resource, as JSON */
	WHY_BYTES_MAX = 8 * 1024,	  /* of a sentence for the user; a path fits */
};

struct store {
	const struct store_engine *engine;
	struct store_db *db;
	int lock_fd;
	struct store_txn *running; /* NULL between transactions */
	struct store_listener *listeners;
	const struct store_resource *attached; /* NULL: nothing rides on the next commit */
};

struct change {
	char *kind, *id;
	int what;	/* of enum in struct store_change */
	bool forgotten; /* made and deleted again: nobody needs to know */
};

struct store_txn {
	struct store *store;
	bool broken; /* the engine failed: only a rollback is left */
	struct change *changes;
	size_t change_count, change_cap;
	struct map by_resource; /* "kind\0id" → index + 1 */
};

/* ---- Opening ---- */

static err_t open_all(const char *directory, struct store *store, struct text *why)
{
	TRY(lock_take(directory, &store->lock_fd, why));
	return store->engine->open(directory, &store->db, why);
}

err_t store_open(const char *directory, struct store **ret_store, char **ret_why)
{
	struct store *store = calloc(1, sizeof *store);
	struct text why = TEXT_INIT(WHY_BYTES_MAX);
	err_t err;

	if (ret_why)
		*ret_why = NULL;
	if (!store)
		return ERR_NOMEM;
	store->engine = &store_sqlite;
	store->lock_fd = -1;
	err = open_all(directory, store, &why);
	if (err && why.len == 0)
		text_printf(&why, "The data directory %s cannot be opened: %s.", directory,
			    err_words(err));
	if (ret_why && why.len)
		*ret_why = text_take(&why);
	text_fini(&why);
	if (err) {
		store_close(store);
		return err;
	}
	*ret_store = store;
	return ERR_OK;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	assert(!store->running);
	store->engine->close(store->db);
	lock_release(store->lock_fd);
	free(store);
}

void store_listen(struct store *store, struct store_listener *listener)
{
	struct store_listener **at = &store->listeners;

	while (*at)
		at = &(*at)->next;
	listener->next = NULL;
	*at = listener;
}

/* ---- Transactions ---- */

static void free_changes(struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(changes[i].kind);
		free(changes[i].id);
	}
	free(changes);
}

static void end_transaction(struct store_txn *txn)
{
	txn->store->running = NULL;
	free_changes(txn->changes, txn->change_count);
	map_fini(&txn->by_resource);
	free(txn);
}

err_t store_begin(struct store *store, struct store_txn **ret_txn)
{
	struct store_txn *txn;
	err_t err;

	assert(!store->running);
	txn = calloc(1, sizeof *txn);
	if (!txn)
		return ERR_NOMEM;
	txn->store = store;
	err = store->engine->begin(store->db);
	if (err) {
		free(txn);
		return err;
	}
	store->running = txn;
	*ret_txn = txn;
	return ERR_OK;
}

/* Listeners may begin transactions of their own: by now this one is over. */
static void tell(struct store *store, const struct change *changes, size_t count)
{
	struct store_change *told = calloc(count + 1, sizeof *told);
	size_t n = 0;

	if (!told) {
		/* What is on disk stays true; reconcilers that missed this look again later. */
		log_error("store", "no memory to announce %zu changes", count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (changes[i].forgotten)
			continue;
		told[n].kind = changes[i].kind;
		told[n].id = changes[i].id;
		told[n].what = changes[i].what;
		n++;
	}
	for (struct store_listener *l = store->listeners; l && n; l = l->next)
		l->on_changes(l, told, n);
	free(told);
}

void store_attach(struct store *store, const struct store_resource *resource)
{
	store->attached = resource;
}

static err_t write_attached(struct store_txn *txn)
{
	const struct store_resource *attached = txn->store->attached;
	err_t err;

	if (!attached)
		return ERR_OK;
	txn->store->attached = NULL;
	err = store_update(txn, attached);
	return err == ERR_NOT_FOUND ? store_insert(txn, attached) : err;
}

err_t store_commit(struct store_txn *txn)
{
	struct store *store = txn->store;
	struct change *changes;
	size_t count;
	err_t err = txn->broken ? ERR_STORE : write_attached(txn);

	if (err) {
		store_rollback(txn);
		return ERR_STORE;
	}
	err = store->engine->commit(store->db);
	if (err) {
		end_transaction(txn);
		return err;
	}
	changes = txn->changes;
	count = txn->change_count;
	txn->changes = NULL;
	txn->change_count = 0;
	end_transaction(txn);
	tell(store, changes, count);
	free_changes(changes, count);
	return ERR_OK;
}

void store_rollback(struct store_txn *txn)
{
	if (!txn)
		return;
	txn->store->engine->rollback(txn->store->db);
	end_transaction(txn);
}

/* Passes an engine's verdict on; after a failure of the driver the transaction may not commit. */
static err_t note(struct store_txn *txn, err_t err)
{
	if (err == ERR_STORE || err == ERR_NOMEM)
		txn->broken = true;
	return err;
}

/* ---- The feed ---- */

/* Two changes of one resource in one transaction are one: rows what was, columns what comes. */
static const struct {
	int what;
	bool forgotten;
} merged[3][3] = {
	[STORE_INSERTED] = {
		[STORE_UPDATED] = { STORE_INSERTED, false },
		[STORE_DELETED] = { STORE_DELETED, true },
	},
	[STORE_UPDATED] = {
		[STORE_UPDATED] = { STORE_UPDATED, false },
		[STORE_DELETED] = { STORE_DELETED, false },
	},
	[STORE_DELETED] = {
		[STORE_INSERTED] = { STORE_UPDATED, false },
	},
};

static err_t grow_changes(struct store_txn *txn)
{
	size_t cap = txn->change_cap ? txn->change_cap * 2 : 8;
	struct change *changes;

	if (txn->change_count < txn->change_cap)
		return ERR_OK;
	changes = realloc(txn->changes, cap * sizeof *changes);
	if (!changes)
		return ERR_NOMEM;
	txn->changes = changes;
	txn->change_cap = cap;
	return ERR_OK;
}

static err_t add_change(struct store_txn *txn, struct bytes key, const char *kind, const char *id,
			int what)
{
	struct change change = { .what = what };
	err_t err;

	TRY(grow_changes(txn));
	change.kind = bytes_dup(bytes_of(kind));
	change.id = bytes_dup(bytes_of(id));
	err = change.kind && change.id ? ERR_OK : ERR_NOMEM;
	if (!err)
		err = map_put(&txn->by_resource, key, (void *)(uintptr_t)(txn->change_count + 1),
			      NULL);
	if (err) {
		free(change.kind);
		free(change.id);
		return err;
	}
	txn->changes[txn->change_count++] = change;
	return ERR_OK;
}

static err_t remember(struct store_txn *txn, const char *kind, const char *id, int what)
{
	struct text key = TEXT_INIT(BODY_BYTES_MAX);
	uintptr_t found;
	err_t err;

	text_add(&key, bytes_make(kind, strlen(kind) + 1)); /* with its NUL, which no id holds */
	text_add_str(&key, id);
	err = text_err(&key);
	if (!err) {
		found = (uintptr_t)map_get(&txn->by_resource, text_bytes(&key));
		if (!found) {
			err = add_change(txn, text_bytes(&key), kind, id, what);
		} else {
			struct change *change = &txn->changes[found - 1];

			if (change->forgotten) { /* made, deleted, and made again */
				change->what = what;
				change->forgotten = false;
			} else {
				change->forgotten = merged[change->what][what].forgotten;
				change->what = merged[change->what][what].what;
			}
		}
	}
	text_fini(&key);
	return note(txn, err);
}

/* ---- Resources ---- */

static err_t make_row(const struct store_resource *resource, struct store_row *ret_row,
		      char **ret_body)
{
	char *body;

	assert(json_is_object(resource->body));
	body = json_dumps(resource->body, JSON_COMPACT);
	if (!body)
		return ERR_NOMEM;
	*ret_row = (struct store_row){
		.kind = resource->kind,
		.id = resource->id,
		.parent = resource->parent ? resource->parent : "",
		.body = bytes_of(body),
		.version = resource->version,
	};
	*ret_body = body;
	if (ret_row->body.len <= BODY_BYTES_MAX)
		return ERR_OK;
	free(body);
	return ERR_TOO_LARGE;
}

static err_t write_row(struct store_txn *txn, const struct store_resource *resource,
		       err_t (*write)(struct store_db *, const struct store_row *), int what)
{
	struct store_row row;
	char *body;
	err_t err;

	TRY(make_row(resource, &row, &body));
	err = note(txn, write(txn->store->db, &row));
	free(body);
	if (err)
		return err;
	return remember(txn, resource->kind, resource->id, what);
}

err_t store_insert(struct store_txn *txn, const struct store_resource *resource)
{
	return write_row(txn, resource, txn->store->engine->insert, STORE_INSERTED);
}

err_t store_update(struct store_txn *txn, const struct store_resource *resource)
{
	return write_row(txn, resource, txn->store->engine->update, STORE_UPDATED);
}

err_t store_delete(struct store_txn *txn, const char *kind, const char *id)
{
	TRY(note(txn, txn->store->engine->remove(txn->store->db, kind, id)));
	return remember(txn, kind, id, STORE_DELETED);
}

/* NULL, and a log line, when the row does not hold what we once wrote. */
static json_t *parse_body(const struct store_row *row)
{
	json_error_t error;
	json_t *body = json_loadb(row->body.at, row->body.len, 0, &error);

	if (!json_is_object(body)) {
		log_error("store", "%s %s does not hold a JSON object: %s", row->kind, row->id,
			  body ? "another value" : error.text);
		json_decref(body);
		return NULL;
	}
	return body;
}

struct got {
	json_t *body;
	uint64_t version;
};

static bool on_got(void *owner, const struct store_row *row)
{
	struct got *got = owner;

	got->body = parse_body(row);
	got->version = row->version;
	return false;
}

err_t store_get(struct store_txn *txn, const char *kind, const char *id, json_t **ret_body,
		uint64_t *ret_version)
{
	struct got got = { NULL, 0 };

	TRY(note(txn, txn->store->engine->get(txn->store->db, kind, id, on_got, &got)));
	if (!got.body)
		return ERR_STORE;
	if (ret_body)
		*ret_body = got.body;
	else
		json_decref(got.body);
	if (ret_version)
		*ret_version = got.version;
	return ERR_OK;
}

struct listing {
	store_each_fn each;
	void *owner;
	bool unreadable;
};

static bool on_row(void *owner, const struct store_row *row)
{
	struct listing *listing = owner;
	struct store_resource resource = {
		.kind = row->kind,
		.id = row->id,
		.parent = row->parent,
		.version = row->version,
		.body = parse_body(row),
	};
	bool more;

	if (!resource.body) {
		listing->unreadable = true;
		return false;
	}
	more = listing->each(listing->owner, &resource);
	json_decref(resource.body);
	return more;
}

err_t store_each(struct store_txn *txn, const char *kind, const char *parent, const char *after_id,
		 store_each_fn each, void *owner)
{
	struct listing listing = { each, owner, false };

	TRY(note(txn, txn->store->engine->each(txn->store->db, kind, parent, after_id, on_row,
					       &listing)));
	return listing.unreadable ? ERR_STORE : ERR_OK;
}

err_t store_scan(struct store_txn *txn, const char *kind, const char *from_id, store_each_fn each,
		 void *owner)
{
	struct listing listing = { each, owner, false };

	TRY(note(txn, txn->store->engine->scan(txn->store->db, kind, from_id, on_row, &listing)));
	return listing.unreadable ? ERR_STORE : ERR_OK;
}

err_t store_count(struct store_txn *txn, const char *kind, const char *parent, uint64_t *ret_count)
{
	return note(txn, txn->store->engine->count(txn->store->db, kind, parent, ret_count));
}

/* ---- Names and settings ---- */

err_t store_name_put(struct store_txn *txn, const char *kind, const char *name, const char *id)
{
	return note(txn, txn->store->engine->name_put(txn->store->db, kind, name, id));
}

err_t store_name_get(struct store_txn *txn, const char *kind, const char *name, char **ret_id)
{
	return note(txn, txn->store->engine->name_get(txn->store->db, kind, name, ret_id));
}

err_t store_name_delete(struct store_txn *txn, const char *kind, const char *name)
{
	return note(txn, txn->store->engine->name_delete(txn->store->db, kind, name));
}

err_t store_setting_get(struct store_txn *txn, const char *key, char **ret_value)
{
	return note(txn, txn->store->engine->setting_get(txn->store->db, key, ret_value));
}

err_t store_setting_put(struct store_txn *txn, const char *key, const char *value)
{
	return note(txn, txn->store->engine->setting_put(txn->store->db, key, value));
}

/* ---- Reset ---- */

struct resetting {
	struct store_txn *txn;
	err_t err;
};

static bool on_reset(void *owner, const struct store_row *row)
{
	struct resetting *resetting = owner;

	resetting->err = remember(resetting->txn, row->kind, row->id, STORE_DELETED);
	return resetting->err == ERR_OK;
}

err_t store_reset(struct store_txn *txn)
{
	struct resetting resetting = { txn, ERR_OK };

	TRY(note(txn,
		 txn->store->engine->each(txn->store->db, NULL, NULL, NULL, on_reset, &resetting)));
	TRY(resetting.err);
	return note(txn, txn->store->engine->clear(txn->store->db));
}
