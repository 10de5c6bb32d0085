#include "rag/store/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"

enum {
	SIDES = 2,
	PRUNE_ROWS = 2000,
	CHANGE_ARENA_MAX = 512 * 1024 * 1024, /* the passages that go, of one change */
};

/* One passage that comes or goes, to be told once the library has committed. */
struct saying {
	struct saying *next;
	uint64_t generation;
	bool comes;
	struct passage passage; /* its id alone when it goes */
};

struct catalog {
	struct library *library;
	struct {
		struct feed_listener table;
		bool failed;
	} listeners[CATALOG_LISTENERS_MAX];
	unsigned listener_count;
	pthread_mutex_t changing;
	/* of the change in progress */
	struct arena arena;
	struct saying *sayings, **sayings_tail;
	bool touched[SIDES];
	int64_t documents_more, passages_more;
	uint64_t oldest;     /* change that an index, as it is on disk, is of */
	_Atomic bool unsure; /* a commit failed; it may have happened all the same */
	_Atomic uint64_t generation, building, change, documents, passages;
};

/* ---- Listeners ---- */

static void listener_failed(struct catalog *c, unsigned i, err_t err)
{
	struct feed_listener *l = &c->listeners[i].table;

	log_error("rag", "the index '%s' failed (%s): it is fed anew at the next start", l->name,
		  err_words(err));
	c->listeners[i].failed = true;
	l->drop(l->owner, atomic_load(&c->generation));
}

/* Calls `expr` on each listener `l` that still takes part. */
#define TELL(c, expr)                                                      \
	for (unsigned i_ = 0; i_ < (c)->listener_count; i_++) {            \
		const struct feed_listener *l = &(c)->listeners[i_].table; \
		err_t told_ = (c)->listeners[i_].failed ? ERR_OK : (expr); \
		if (told_)                                                 \
			listener_failed((c), i_, told_);                   \
	}

struct feeding {
	const struct feed_listener *listener;
	struct library *library;
	uint64_t generation, documents;
	err_t failed; /* of the listener, not of the library */
};

static err_t feed_one(void *owner, const struct passage *passage)
{
	struct feeding *f = owner;

	f->failed = f->listener->add(f->listener->owner, f->generation, passage);
	return f->failed;
}

static err_t feed_generation(struct catalog *c, const struct feed_listener *l, uint64_t generation)
{
	struct feeding f = { l, c->library, generation, 0, ERR_OK };

	TRY(l->begin(l->owner, generation));
	return library_passages(c->library, generation, 0, feed_one, &f);
}

/* A document that changed while nobody told the listener. */
static err_t feed_changed(void *owner, struct bytes document_id, uint64_t row)
{
	struct feeding *f = owner;

	f->failed = f->listener->forget(f->listener->owner, f->generation, document_id);
	TRY(f->failed);
	f->documents++;
	return row ? library_passages(f->library, f->generation, row, feed_one, f) : ERR_OK;
}

/* What the listener lacks of a generation: nothing, some documents, or everything. */
static err_t feed_lacking(struct catalog *c, const struct feed_listener *l, uint64_t generation)
{
	struct feeding f = { l, c->library, generation, 0, ERR_OK };
	uint64_t at = l->position(l->owner, generation);
	bool anew = at == 0 || at > c->change;

	if (!anew && at < c->oldest)
		c->oldest = at;
	if (at == c->change)
		return ERR_OK;
	if (anew && at)
		l->drop(l->owner, generation);
	if (anew)
		TRY(feed_generation(c, l, generation));
	else
		TRY(library_shelved_since(c->library, generation, at, feed_changed, &f));
	if (!anew)
		log_info("rag", "the index '%s' is told of %llu documents that changed", l->name,
			 (unsigned long long)f.documents);
	return l->commit(l->owner, generation, c->change);
}

static err_t feed_listener_all(struct catalog *c, const struct feed_listener *l)
{
	TRY(feed_lacking(c, l, c->generation));
	TRY(l->publish(l->owner, c->generation, c->change));
	return c->building ? feed_lacking(c, l, c->building) : ERR_OK;
}

static err_t read_state(struct catalog *c)
{
	struct library_counts counts;

	TRY(library_count(c->library, &counts));
	c->generation = library_setting(c->library, "generation");
	c->building = library_setting(c->library, "building");
	c->change = library_setting(c->library, "change");
	c->documents = counts.documents[LIBRARY_INDEXED];
	c->passages = counts.passages;
	return c->generation ? ERR_OK : ERR_STORE;
}

err_t catalog_open(struct library *library, const struct feed_listener *listeners, unsigned count,
		   struct catalog **ret_catalog)
{
	struct catalog *c = calloc(1, sizeof *c);
	err_t err;

	assert(count <= CATALOG_LISTENERS_MAX);
	if (!c)
		return ERR_NOMEM;
	c->library = library;
	c->listener_count = count;
	for (unsigned i = 0; i < count; i++)
		c->listeners[i].table = listeners[i];
	pthread_mutex_init(&c->changing, NULL);
	arena_init(&c->arena, CHANGE_ARENA_MAX);
	c->sayings_tail = &c->sayings;
	err = read_state(c);
	c->oldest = c->change;
	for (unsigned i = 0; i < count && !err; i++)
		err = feed_listener_all(c, &c->listeners[i].table);
	if (err) {
		catalog_close(c);
		return err;
	}
	*ret_catalog = c;
	return ERR_OK;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->changing);
	arena_fini(&c->arena);
	free(c);
}

void catalog_state(struct catalog *c, struct catalog_state *ret_state)
{
	*ret_state = (struct catalog_state){
		.generation = atomic_load(&c->generation),
		.building = atomic_load(&c->building),
		.change = atomic_load(&c->change),
		.documents = atomic_load(&c->documents),
		.passages = atomic_load(&c->passages),
	};
}

/* ---- Changing ---- */

static void change_clear(struct catalog *c)
{
	arena_fini(&c->arena);
	c->sayings = NULL;
	c->sayings_tail = &c->sayings;
	c->touched[0] = c->touched[1] = false;
	c->documents_more = c->passages_more = 0;
}

static void tell_published(void *owner)
{
	struct catalog *c = owner;
	uint64_t old = c->generation;
	struct library_counts counts;

	atomic_store(&c->generation, c->building);
	atomic_store(&c->building, 0);
	atomic_fetch_add(&c->change, 1);
	TELL(c, l->publish(l->owner, c->generation, c->change))
	TELL(c, (l->drop(l->owner, old), ERR_OK))
	if (library_count(c->library, &counts) == ERR_OK)
		atomic_store(&c->passages, counts.passages);
}

/* ---- A commit of which nobody knows whether it happened ---- */

/* Also of what it was told already: forgetting first makes that the same. */
static err_t feed_missed(struct catalog *c, unsigned i, uint64_t generation, uint64_t change)
{
	const struct feed_listener *l = &c->listeners[i].table;
	struct feeding f = { l, c->library, generation, 0, ERR_OK };
	err_t err = library_shelved_since(c->library, generation, c->change, feed_changed, &f);

	if (err && !f.failed) {
		l->discard(l->owner, generation);
		return err;
	}
	if (!f.failed)
		f.failed = l->commit(l->owner, generation, change);
	if (f.failed)
		listener_failed(c, i, f.failed);
	log_info("rag", "the index '%s' is told of %llu documents whose commit was in doubt",
		 l->name, (unsigned long long)f.documents);
	return ERR_OK;
}

static err_t feed_all_missed(struct catalog *c, uint64_t change)
{
	const uint64_t generations[SIDES] = { c->generation, c->building };

	for (unsigned side = 0; side < SIDES; side++)
		for (unsigned i = 0; i < c->listener_count && generations[side]; i++)
			if (!c->listeners[i].failed)
				TRY(feed_missed(c, i, generations[side], change));
	return ERR_OK;
}

/* A reindex that began, was published or was given up after all. */
static void take_builds(struct catalog *c, uint64_t generation, uint64_t building)
{
	uint64_t was = c->building;

	if (was && generation == was) {
		tell_published(c);
	} else if (was && !building) {
		atomic_store(&c->building, 0);
		TELL(c, (l->drop(l->owner, was), ERR_OK))
	} else if (!was && building) {
		atomic_store(&c->building, building);
		TELL(c, l->begin(l->owner, building))
	}
}

/* Within a transaction: what the library says is what happened. */
static err_t catch_up(struct catalog *c)
{
	uint64_t generation = library_setting(c->library, "generation");
	uint64_t building = library_setting(c->library, "building");
	uint64_t change = library_setting(c->library, "change");
	struct library_counts counts;

	TRY(library_count(c->library, &counts));
	TRY(library_ping(c->library)); /* else what was read of it may be nothing */
	take_builds(c, generation, building);
	if (change != c->change)
		TRY(feed_all_missed(c, change));
	atomic_store(&c->change, change);
	atomic_store(&c->documents, counts.documents[LIBRARY_INDEXED]);
	atomic_store(&c->passages, counts.passages);
	atomic_store(&c->unsure, false);
	return ERR_OK;
}

err_t catalog_begin(struct catalog *c)
{
	err_t err;

	pthread_mutex_lock(&c->changing);
	change_clear(c);
	err = library_begin(c->library);
	if (!err && c->unsure) {
		err = catch_up(c);
		if (err)
			library_rollback(c->library);
	}
	if (err)
		pthread_mutex_unlock(&c->changing);
	return err;
}

void catalog_catch_up(struct catalog *c)
{
	if (atomic_load(&c->unsure) && catalog_begin(c) == ERR_OK)
		catalog_rollback(c);
}

static err_t say(struct catalog *c, uint64_t generation, bool comes, const struct passage *passage)
{
	struct saying *saying = arena_new(&c->arena, struct saying);

	if (!saying)
		return ERR_NOMEM;
	saying->generation = generation;
	saying->comes = comes;
	saying->passage = *passage;
	*c->sayings_tail = saying;
	c->sayings_tail = &saying->next;
	return ERR_OK;
}

/* The old passages of a document, by id: those that stay as they are are not spoken of. */
struct old_side {
	struct catalog *catalog;
	struct map by_id; /* struct passage, in the arena */
};

static err_t copy_old(void *owner, const struct passage *passage)
{
	struct old_side *old = owner;
	struct passage *copy = arena_new(&old->catalog->arena, struct passage);
	struct bytes *const texts[] = { &copy->id,	 &copy->title,	 &copy->file,
					&copy->section,	 &copy->code,	 &copy->source,
					&copy->category, &copy->subject, &copy->metadata,
					&copy->item };

	if (!copy)
		return ERR_NOMEM;
	*copy = *passage;
	for (size_t i = 0; i < COUNT(texts); i++)
		TRY(arena_copy(&old->catalog->arena, *texts[i], texts[i]));
	return map_put(&old->by_id, copy->id, copy, NULL);
}

/* The body is part of the id, so it need not be compared. */
static bool same_record(const struct passage *a, const struct passage *b)
{
	return bytes_eq(a->title, b->title) && bytes_eq(a->file, b->file) &&
	       bytes_eq(a->section, b->section) && bytes_eq(a->code, b->code) &&
	       bytes_eq(a->source, b->source) && bytes_eq(a->category, b->category) &&
	       bytes_eq(a->subject, b->subject) && bytes_eq(a->metadata, b->metadata) &&
	       bytes_eq(a->item, b->item) && a->kind == b->kind && a->ordinal == b->ordinal &&
	       a->page_from == b->page_from && a->page_to == b->page_to &&
	       a->char_from == b->char_from && a->char_to == b->char_to;
}

static err_t say_differences(struct catalog *c, struct old_side *old, uint64_t generation,
			     const struct passage *passages, size_t count)
{
	bool *stays = arena_array(&c->arena, count + 1, sizeof *stays);

	if (!stays)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct passage *was = map_get(&old->by_id, passages[i].id);

		stays[i] = was && same_record(was, &passages[i]);
		if (stays[i])
			map_remove(&old->by_id, passages[i].id);
	}
	map_for_each (&old->by_id, slot)
		TRY(say(c, generation, false, slot->value));
	for (size_t i = 0; i < count; i++)
		if (!stays[i])
			TRY(say(c, generation, true, &passages[i]));
	return ERR_OK;
}

static err_t shelve_in(struct catalog *c, uint64_t generation,
		       const struct library_document *document, uint64_t version,
		       const struct passage *passages, size_t count)
{
	struct old_side old = { c, MAP_INIT };
	bool had = library_shelved(c->library, generation, document->row) > 0;
	int64_t before = 0;
	err_t err = ERR_OK;

	if (had)
		err = library_passages(c->library, generation, document->row, copy_old, &old);
	before = (int64_t)old.by_id.count;
	if (!err)
		err = library_shelve(c->library, generation, document, version, passages, count);
	if (!err)
		err = say_differences(c, &old, generation, passages, count);
	map_fini(&old.by_id);
	if (!err && generation == c->generation) {
		c->documents_more += (version > 0) - had;
		c->passages_more += (int64_t)count - before;
	}
	return err;
}

err_t catalog_shelve(struct catalog *c, enum catalog_side side,
		     const struct library_document *document, uint64_t version,
		     const struct passage *passages, size_t count)
{
	if (side == CATALOG_BOTH) {
		c->touched[0] = true;
		TRY(shelve_in(c, c->generation, document, version, passages, count));
	}
	if (!c->building)
		return ERR_OK;
	c->touched[1] = true;
	return shelve_in(c, c->building, document, version, passages, count);
}

static void tell_sayings(struct catalog *c)
{
	for (const struct saying *s = c->sayings; s; s = s->next) {
		if (s->comes)
			TELL(c, l->add(l->owner, s->generation, &s->passage))
		else
			TELL(c, l->remove(l->owner, s->generation, s->passage.id))
	}
}

static void tell_discard(struct catalog *c)
{
	const uint64_t generations[SIDES] = { c->generation, c->building };

	for (unsigned side = 0; side < SIDES; side++)
		if (c->touched[side])
			TELL(c, (l->discard(l->owner, generations[side]), ERR_OK))
}

/* After the library's commit, and before anybody sees it. */
static void tell_commit(void *owner)
{
	struct catalog *c = owner;
	const uint64_t generations[SIDES] = { c->generation, c->building };

	if (!c->touched[0] && !c->touched[1])
		return;
	atomic_fetch_add(&c->change, 1);
	atomic_fetch_add(&c->documents, (uint64_t)c->documents_more);
	atomic_fetch_add(&c->passages, (uint64_t)c->passages_more);
	for (unsigned side = 0; side < SIDES; side++)
		if (c->touched[side])
			TELL(c, l->commit(l->owner, generations[side], c->change))
}

err_t catalog_commit(struct catalog *c)
{
	bool changed = c->touched[0] || c->touched[1];
	err_t err = ERR_OK;

	if (changed)
		err = library_setting_put(c->library, "change", c->change + 1);
	if (err) {
		catalog_rollback(c);
		return err;
	}
	tell_sayings(c);
	err = library_commit_then(c->library, tell_commit, c);
	if (err) {
		tell_discard(c);
		atomic_store(&c->unsure, true);
	}
	pthread_mutex_unlock(&c->changing);
	return err;
}

void catalog_rollback(struct catalog *c)
{
	library_rollback(c->library);
	pthread_mutex_unlock(&c->changing);
}

/* ---- Generations ---- */

err_t catalog_build_begin(struct catalog *c, uint64_t *ret_generation)
{
	uint64_t next;
	err_t err;

	TRY(catalog_begin(c));
	if (c->building) { /* fed already: at the start, or when it was in doubt */
		*ret_generation = c->building;
		catalog_rollback(c);
		return ERR_OK;
	}
	next = c->generation + 1;
	err = library_setting_put(c->library, "building", next);
	if (err) {
		catalog_rollback(c);
		return err;
	}
	err = library_commit(c->library);
	if (err) {
		atomic_store(&c->unsure, true);
	} else {
		atomic_store(&c->building, next);
		TELL(c, l->begin(l->owner, next))
		*ret_generation = next;
	}
	pthread_mutex_unlock(&c->changing);
	return err;
}

/* In the transaction that makes `generation` the one that is read, or (0) forgets the build. */
static err_t build_settle(struct catalog *c, uint64_t generation)
{
	TRY(library_setting_put(c->library, "building", 0));
	if (!generation)
		return ERR_OK;
	TRY(library_setting_put(c->library, "generation", generation));
	return library_setting_put(c->library, "change", c->change + 1);
}

err_t catalog_build_publish(struct catalog *c, err_t (*with)(void *owner), void *owner)
{
	err_t err;

	TRY(catalog_begin(c));
	if (!c->building) { /* an earlier try had been committed after all */
		catalog_rollback(c);
		return ERR_OK;
	}
	err = build_settle(c, c->building);
	if (!err)
		err = with(owner);
	if (err) {
		catalog_rollback(c);
		return err;
	}
	err = library_commit_then(c->library, tell_published, c);
	if (err)
		atomic_store(&c->unsure, true);
	pthread_mutex_unlock(&c->changing);
	return err;
}

void catalog_build_drop(struct catalog *c)
{
	uint64_t building;

	if (catalog_begin(c))
		return;
	building = c->building;
	if (!building || build_settle(c, 0)) {
		catalog_rollback(c);
		return;
	}
	if (library_commit(c->library) == ERR_OK) {
		atomic_store(&c->building, 0);
		TELL(c, (l->drop(l->owner, building), ERR_OK))
	} else {
		atomic_store(&c->unsure, true);
	}
	pthread_mutex_unlock(&c->changing);
}

err_t catalog_prune(struct catalog *c, bool *ret_more)
{
	err_t err;

	TRY(catalog_begin(c));
	err = library_passages_prune(c->library, c->generation, c->building ? c->building : 0,
				     PRUNE_ROWS, ret_more);
	if (!err && !*ret_more)
		err = library_shelved_forget(c->library, c->oldest);
	if (!err && !*ret_more)
		err = library_blobs_sweep(c->library, 200);
	if (err) {
		catalog_rollback(c);
		return err;
	}
	return catalog_commit(c);
}
