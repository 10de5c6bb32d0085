#include "rag/retrieve/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "rag/retrieve/generation.h"

enum {
	KEEP_MIN = 500,	  /* passages that changed: fewer are told at the next start, quickly */
	KEEP_PORTION = 8, /* and one of so many of all there are */
	WARM_CHANGES = 2, /* commits that come in while vectors are made, before that is left */
};

#define FILE_PREFIX "generation-"

struct corpus {
	pthread_mutex_t lock;
	struct list_node generations;
	struct generation *read; /* the published one */
	_Atomic uint64_t changes;
	_Atomic uint64_t entities, relations; /* of the published one */
	char *directory;		      /* NULL: nothing is kept */
	uint64_t library;
};

/* A change that was told and not committed yet. */
struct told {
	struct list_node link;
	struct corpus_entry *entry; /* to be added; NULL: a removal */
	char *id;		    /* of the passage or document to be removed */
	bool whole_document;
	bool is_read;
	struct entry_reading reading;	  /* of what comes, or of the entry that goes */
	const struct corpus_entry *going; /* that one: not looked into, it may be gone */
};

static void told_free(const struct generation *g, struct told *told)
{
	list_remove(&told->link);
	entry_free(g, told->entry);
	entry_reading_free(&told->reading);
	free(told->id);
	free(told);
}

static void told_clear(struct generation *g)
{
	list_for_each_safe (&g->told, node)
		told_free(g, container_of(node, struct told, link));
}

static void destroy(struct generation *g)
{
	told_clear(g);
	list_remove(&g->link);
	generation_free(g);
}

/* ---- Files ---- */

static char *path_of(const struct corpus *corpus, uint64_t number)
{
	char *path;

	if (!corpus->directory || asprintf(&path, "%s/" FILE_PREFIX "%llu", corpus->directory,
					   (unsigned long long)number) < 0)
		return NULL;
	return path;
}

static void file_remove(const struct corpus *corpus, uint64_t number)
{
	char *path = path_of(corpus, number);

	if (path)
		(void)unlink(path);
	free(path);
}

static struct generation *generation_get(struct corpus *corpus, uint64_t number)
{
	list_for_each (&corpus->generations, node) {
		struct generation *g = container_of(node, struct generation, link);

		if (g->number == number && !g->dropped)
			return g;
	}
	return NULL;
}

/* Files of generations that are no more, and what a crash left half-written. */
static void files_sweep(struct corpus *corpus)
{
	DIR *dir = corpus->directory ? opendir(corpus->directory) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct bytes name = bytes_of(entry->d_name);
		uint64_t number = 0;

		if (!bytes_starts(name, BYTES(FILE_PREFIX)))
			continue;
		name = bytes_from(name, sizeof FILE_PREFIX - 1);
		if (bytes_to_u64(name, UINT64_MAX, &number) || !generation_get(corpus, number))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

/* ---- The feed ---- */

static struct generation *find(struct corpus *corpus, uint64_t number)
{
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = generation_get(corpus, number);
	pthread_mutex_unlock(&corpus->lock);
	return g;
}

static uint64_t position(void *owner, uint64_t number)
{
	struct corpus *corpus = owner;
	char *path = path_of(corpus, number);
	struct generation *g;
	err_t err = path ? generation_take(path, corpus->library, number, &g) : ERR_NOT_FOUND;

	free(path);
	if (err)
		return 0;
	pthread_mutex_lock(&corpus->lock);
	list_append(&corpus->generations, &g->link);
	pthread_mutex_unlock(&corpus->lock);
	return g->change;
}

static void drop(void *owner, uint64_t number)
{
	struct corpus *corpus = owner;
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = generation_get(corpus, number);
	if (g) {
		g->dropped = true;
		if (corpus->read == g)
			corpus->read = NULL;
		if (g->readers == 0)
			destroy(g);
	}
	pthread_mutex_unlock(&corpus->lock);
	file_remove(corpus, number);
}

static err_t begin(void *owner, uint64_t number)
{
	struct corpus *corpus = owner;
	struct generation *g;

	drop(corpus, number);
	TRY(generation_new(corpus->library, number, &g));
	pthread_mutex_lock(&corpus->lock);
	list_append(&corpus->generations, &g->link);
	pthread_mutex_unlock(&corpus->lock);
	return ERR_OK;
}

static err_t add(void *owner, uint64_t number, const struct passage *passage)
{
	struct generation *g = find(owner, number);
	struct told *told = calloc(1, sizeof *told);

	assert(g);
	if (told)
		told->entry = entry_new(passage);
	if (!told || !told->entry) {
		free(told);
		return ERR_NOMEM;
	}
	list_append(&g->told, &told->link);
	if (!g->published) /* nobody would wait: and a whole library is not kept twice */
		return ERR_OK;
	told->is_read = true;
	return entry_read(told->entry, true, &told->reading);
}

static err_t to_go(struct generation *g, struct bytes id, bool whole_document)
{
	struct told *told = calloc(1, sizeof *told);

	assert(g);
	if (told)
		told->id = bytes_dup(id);
	if (!told || !told->id) {
		free(told);
		return ERR_NOMEM;
	}
	told->whole_document = whole_document;
	list_append(&g->told, &told->link);
	/* Nothing comes or goes but by this thread: what is there may be looked at. */
	if (g->published && !whole_document)
		told->going = map_get(&g->locked.ids, id);
	if (!told->going)
		return ERR_OK;
	told->is_read = true;
	return entry_read(told->going, false, &told->reading);
}

static err_t take_out(void *owner, uint64_t number, struct bytes id)
{
	return to_go(find(owner, number), id, false);
}

static err_t forget(void *owner, uint64_t number, struct bytes document_id)
{
	return to_go(find(owner, number), document_id, true);
}

static void discard(void *owner, uint64_t number)
{
	told_clear(find(owner, number));
}

/* Of the entry that has the id now: one told in the same breath may have taken its place. */
static const struct entry_reading *reading_of(const struct generation *g, const struct told *told)
{
	bool fits = told->is_read &&
		    (!told->going || map_get(&g->locked.ids, bytes_of(told->id)) == told->going);

	return fits ? &told->reading : NULL;
}

/* Under the lock for writing. */
static err_t apply(struct generation *g)
{
	err_t err = ERR_OK;

	list_for_each_safe (&g->told, node) {
		struct told *told = container_of(node, struct told, link);
		struct corpus_entry *entry = told->entry;

		if (!err && entry) {
			told->entry = NULL; /* whatever comes, it is not ours any more */
			err = generation_add(g, entry, reading_of(g, told));
		} else if (!err && told->whole_document) {
			generation_forget(g, bytes_of(told->id));
		} else if (!err) {
			generation_remove(g, bytes_of(told->id), reading_of(g, told));
		}
		told_free(g, told);
	}
	return err;
}

static err_t commit(void *owner, uint64_t number, uint64_t change)
{
	struct corpus *corpus = owner;
	struct generation *g = find(corpus, number);
	err_t err;

	assert(g);
	pthread_mutex_lock(&g->changing);
	pthread_rwlock_wrlock(&g->locked.lock);
	err = apply(g);
	g->change = change;
	pthread_rwlock_unlock(&g->locked.lock);
	if (g->published) {
		atomic_store(&corpus->entities, graph_entities(g->locked.graph));
		atomic_store(&corpus->relations, graph_relations(g->locked.graph));
	}
	if (!err)
		err = generation_tidy(g);
	if (!err && g->published)
		err = likeness_refresh(g);
	pthread_mutex_unlock(&g->changing);
	atomic_fetch_add(&corpus->changes, 1);
	return err;
}

static err_t publish(void *owner, uint64_t number, uint64_t change)
{
	struct corpus *corpus = owner;
	struct generation *g = find(corpus, number);

	assert(g);
	g->published = true; /* nobody reads it before it is the one */
	TRY(commit(owner, number, change));
	pthread_mutex_lock(&corpus->lock);
	corpus->read = g;
	files_sweep(corpus);
	pthread_mutex_unlock(&corpus->lock);
	atomic_fetch_add(&corpus->changes, 1);
	return ERR_OK;
}

struct feed_listener corpus_feed(struct corpus *corpus)
{
	return (struct feed_listener){
		.name = "corpus",
		.owner = corpus,
		.position = position,
		.begin = begin,
		.add = add,
		.remove = take_out,
		.forget = forget,
		.commit = commit,
		.discard = discard,
		.publish = publish,
		.drop = drop,
	};
}

/* ---- The process's one ---- */

err_t corpus_create(const char *directory, uint64_t library, struct corpus **ret_corpus)
{
	struct corpus *corpus = calloc(1, sizeof *corpus);
	err_t err = ERR_OK;

	if (!corpus)
		return ERR_NOMEM;
	pthread_mutex_init(&corpus->lock, NULL);
	list_init(&corpus->generations);
	corpus->library = library;
	if (!library)
		directory = NULL;
	if (directory) {
		corpus->directory = bytes_dup(bytes_of(directory));
		err = corpus->directory ? ERR_OK : ERR_NOMEM;
	}
	if (!err && directory && mkdir(directory, 0700) != 0 && errno != EEXIST)
		err = errno == EACCES ? ERR_DENIED : ERR_SYSTEM;
	if (err) {
		corpus_destroy(corpus);
		return err;
	}
	*ret_corpus = corpus;
	return ERR_OK;
}

void corpus_destroy(struct corpus *corpus)
{
	if (!corpus)
		return;
	list_for_each_safe (&corpus->generations, node) {
		struct generation *g = container_of(node, struct generation, link);

		assert(g->readers == 0);
		destroy(g);
	}
	pthread_mutex_destroy(&corpus->lock);
	free(corpus->directory);
	free(corpus);
}

struct generation *corpus_read(struct corpus *corpus)
{
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = corpus->read;
	if (g)
		g->readers++;
	pthread_mutex_unlock(&corpus->lock);
	if (g)
		pthread_rwlock_rdlock(&g->locked.lock);
	return g;
}

static void release(struct corpus *corpus, struct generation *g)
{
	pthread_mutex_lock(&corpus->lock);
	if (--g->readers == 0 && g->dropped)
		destroy(g);
	pthread_mutex_unlock(&corpus->lock);
}

void corpus_read_end(struct corpus *corpus, struct generation *g)
{
	pthread_rwlock_unlock(&g->locked.lock);
	release(corpus, g);
}

uint64_t corpus_changes(const struct corpus *corpus)
{
	return atomic_load(&corpus->changes);
}

void corpus_graph_counts(const struct corpus *corpus, uint64_t *ret_entities,
			 uint64_t *ret_relations)
{
	*ret_entities = atomic_load(&corpus->entities);
	*ret_relations = atomic_load(&corpus->relations);
}

uint64_t corpus_kept_bytes(struct corpus *corpus)
{
	struct generation *g = corpus_read(corpus);
	char *path = g ? path_of(corpus, g->number) : NULL;
	struct stat st;
	uint64_t bytes = path && stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;

	free(path);
	if (g)
		corpus_read_end(corpus, g);
	return bytes;
}

/* ---- Made ready, and kept ---- */

/* Gives up while much is coming in: what it makes then may soon be of an older table. */
static void warm_up(struct corpus *corpus, const _Atomic bool *stop)
{
	uint64_t changes = corpus_changes(corpus);

	for (uint32_t slot = 0; !atomic_load(stop); slot++) {
		struct generation *g = corpus_read(corpus);
		struct corpus_entry *entry;
		bool more;

		if (!g)
			return;
		if (corpus_changes(corpus) > changes + WARM_CHANGES) {
			corpus_read_end(corpus, g);
			return;
		}
		more = slot < postings_slots(g->locked.postings);
		entry = more ? g->locked.entries[slot] : NULL;
		if (entry) {
			(void)generation_vector(g, entry);
			(void)entry_words(entry);
		}
		corpus_read_end(corpus, g);
		if (!more)
			return;
	}
}

/* The next generation after `last`, held as a reader holds it (but not its lock), or NULL. */
static struct generation *hold_next(struct corpus *corpus, uint64_t last)
{
	struct generation *next = NULL;

	pthread_mutex_lock(&corpus->lock);
	list_for_each (&corpus->generations, node) {
		struct generation *g = container_of(node, struct generation, link);

		if (!g->dropped && g->number > last && (!next || g->number < next->number))
			next = g;
	}
	if (next)
		next->readers++;
	pthread_mutex_unlock(&corpus->lock);
	return next;
}

/* Changes wait for it, searches do not. */
static void keep_one(struct corpus *corpus, struct generation *g)
{
	char *path = path_of(corpus, g->number);
	struct image_writer *writer = NULL;
	struct image_name name;
	uint32_t live;

	pthread_mutex_lock(&g->changing);
	live = postings_live(g->locked.postings);
	if (path && g->change && g->unkept >= KEEP_MIN && g->unkept >= live / KEEP_PORTION)
		(void)generation_put(g, path, &writer, &name);
	pthread_mutex_unlock(&g->changing);
	if (writer && image_finish(writer, &name) == ERR_OK)
		log_info("rag", "the index of generation %llu is kept: %u passages",
			 (unsigned long long)g->number, live);
	free(path);
}

void corpus_warm(struct corpus *corpus, const _Atomic bool *stop)
{
	struct generation *g;
	uint64_t last = 0;

	warm_up(corpus, stop);
	while (!atomic_load(stop) && (g = hold_next(corpus, last))) {
		keep_one(corpus, g);
		last = g->number;
		release(corpus, g);
	}
}
