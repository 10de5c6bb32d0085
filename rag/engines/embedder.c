#include "rag/engines/embedder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/map.h"
#include "crypto/digest.h"

enum {
	BATCH = EMBED_TEXTS_MAX,
	TEXT_MAX_BYTES = 24 * 1024, /* of one passage: engines refuse what is too long */
	RECORD_MAX_BYTES = sizeof(struct dense) + EMBED_DIMENSIONS_MAX,
};

/* In the file: the digest, then the vector as it is in memory. */
struct record {
	unsigned char digest[SHA256_BYTES];
	uint32_t dimensions;
	float scale;
};

struct embedder {
	struct engine *engine;
	struct library *library; /* keeps them, or NULL: the file does */
	int fd;
	off_t end;
	struct map known; /* digest to struct dense; owned */
	_Atomic uint64_t pending;
};

static size_t dense_bytes(uint32_t dimensions)
{
	return sizeof(struct dense) + dimensions;
}

static err_t remember(struct embedder *e, const unsigned char digest[SHA256_BYTES],
		      struct dense *dense)
{
	void *old = NULL;

	TRY(map_put(&e->known, bytes_make(digest, SHA256_BYTES), dense, &old));
	free(old);
	return ERR_OK;
}

static bool read_all(int fd, void *at, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)at + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Reads what whole records there are; e->end is behind the last of them. */
static err_t load(struct embedder *e)
{
	struct record record;

	while (read_all(e->fd, &record, sizeof record)) {
		struct dense *dense;

		if (record.dimensions == 0 || record.dimensions > EMBED_DIMENSIONS_MAX)
			break;
		dense = malloc(dense_bytes(record.dimensions));
		if (!dense)
			return ERR_NOMEM;
		dense->dimensions = record.dimensions;
		dense->scale = record.scale;
		if (!read_all(e->fd, dense->at, record.dimensions)) {
			free(dense);
			break;
		}
		TRY(remember(e, record.digest, dense));
		e->end += (off_t)(sizeof record + record.dimensions);
	}
	if (ftruncate(e->fd, e->end) != 0 || lseek(e->fd, e->end, SEEK_SET) < 0)
		return ERR_SYSTEM;
	return ERR_OK;
}

static int hex_digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static err_t on_kept(void *owner, const struct library_vector *v)
{
	struct embedder *e = owner;
	unsigned char digest[SHA256_BYTES];
	struct dense *dense;

	if (v->digest.len != SHA256_HEX_BYTES || v->dimensions > EMBED_DIMENSIONS_MAX)
		return ERR_OK;
	for (size_t i = 0; i < sizeof digest; i++)
		digest[i] = (unsigned char)(hex_digit(v->digest.at[2 * i]) << 4 |
					    hex_digit(v->digest.at[2 * i + 1]));
	dense = malloc(dense_bytes(v->dimensions));
	if (!dense)
		return ERR_NOMEM;
	dense->dimensions = v->dimensions;
	dense->scale = v->scale;
	memcpy(dense->at, v->data.at, v->dimensions);
	return remember(e, digest, dense);
}

static err_t open_kept(struct embedder *e, const char *path)
{
	if (e->library)
		return library_vectors(e->library, bytes_of(engine_model(e->engine)), on_kept, e);
	e->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return e->fd < 0 ? ERR_SYSTEM : load(e);
}

err_t embedder_open(struct engine *engine, const char *path, struct library *library,
		    struct embedder **ret_embedder)
{
	struct embedder *e = calloc(1, sizeof *e);
	err_t err;

	if (!e)
		return ERR_NOMEM;
	e->engine = engine;
	e->fd = -1;
	e->library = library_keeps_vectors(library) ? library : NULL;
	err = open_kept(e, path);
	if (err) {
		embedder_close(e);
		return err;
	}
	*ret_embedder = e;
	return ERR_OK;
}

void embedder_close(struct embedder *e)
{
	if (!e)
		return;
	map_for_each (&e->known, slot)
		free(slot->value);
	map_fini(&e->known);
	if (e->fd >= 0)
		close(e->fd);
	free(e);
}

uint64_t embedder_pending(const struct embedder *e)
{
	return atomic_load(&e->pending);
}

/* ---- One batch ---- */

struct batch {
	struct embedder *embedder;
	unsigned count;
	char *ids[BATCH]; /* of the passages; owned */
	struct text texts[BATCH];
	unsigned char digests[BATCH][SHA256_BYTES];
	struct dense *dense[BATCH]; /* owned */
};

static void digest_of(const struct embedder *e, struct bytes text,
		      unsigned char digest[SHA256_BYTES])
{
	struct text key = TEXT_INIT(TEXT_MAX_BYTES + 32 * 1024);

	text_add_str(&key, engine_model(e->engine));
	text_add_char(&key, '\0');
	text_add(&key, text);
	sha256(text_bytes(&key), digest);
	text_fini(&key);
}

static void text_of(const struct corpus_entry *entry, struct text *out)
{
	text_add(out, entry->passage.title);
	text_add_str(out, entry->passage.section.len ? " \xE2\x80\xBA " : "");
	text_add(out, entry->passage.section);
	text_add_char(out, '\n');
	text_add(out, utf8_clip(entry->passage.body, TEXT_MAX_BYTES));
}

static struct dense *dense_copy(const struct dense *from)
{
	struct dense *copy = malloc(dense_bytes(from->dimensions));

	if (copy)
		memcpy(copy, from, dense_bytes(from->dimensions));
	return copy;
}

/* What is known already is given at once; the rest joins the batch. */
static bool take_entry(void *owner, struct corpus_entry *entry)
{
	struct batch *b = owner;
	struct dense *known;
	unsigned i = b->count;

	if (entry_dense(entry))
		return true;
	text_init(&b->texts[i], TEXT_MAX_BYTES + 16 * 1024);
	text_of(entry, &b->texts[i]);
	digest_of(b->embedder, text_bytes(&b->texts[i]), b->digests[i]);
	known = map_get(&b->embedder->known, bytes_make(b->digests[i], SHA256_BYTES));
	known = known ? dense_copy(known) : NULL;
	if (known) {
		entry_set_dense(entry, known);
	} else {
		b->ids[i] = bytes_dup(entry->passage.id);
		if (b->ids[i] && !text_err(&b->texts[i]))
			b->count++;
		else
			free(b->ids[i]);
	}
	if (b->count == i)
		text_fini(&b->texts[i]);
	return b->count < BATCH;
}

static struct dense *dense_of(const float *values, unsigned dimensions)
{
	struct dense *dense = malloc(dense_bytes(dimensions));
	float most = 0;

	if (!dense)
		return NULL;
	for (unsigned i = 0; i < dimensions; i++) {
		float size = values[i] < 0 ? -values[i] : values[i];

		most = size > most ? size : most;
	}
	dense->dimensions = dimensions;
	dense->scale = most / 127;
	for (unsigned i = 0; i < dimensions; i++)
		dense->at[i] = (int8_t)(most > 0 ? values[i] / most * 127 +
							   (values[i] < 0 ? -0.5f : 0.5f)
						 : 0);
	return dense;
}

static err_t write_record(struct embedder *e, const unsigned char digest[SHA256_BYTES],
			  const struct dense *dense)
{
	char buffer[sizeof(struct record) + EMBED_DIMENSIONS_MAX];
	struct record record = { .dimensions = dense->dimensions, .scale = dense->scale };
	size_t len = sizeof record + dense->dimensions;

	memcpy(record.digest, digest, SHA256_BYTES);
	memcpy(buffer, &record, sizeof record);
	memcpy(buffer + sizeof record, dense->at, dense->dimensions);
	if (pwrite(e->fd, buffer, len, e->end) != (ssize_t)len)
		return ERR_SYSTEM;
	e->end += (off_t)len;
	return ERR_OK;
}

static struct library_vector row_of(const struct dense *dense)
{
	return (struct library_vector){ .dimensions = dense->dimensions,
					.scale = dense->scale,
					.data = bytes_make((const char *)dense->at,
							   dense->dimensions) };
}

static err_t put_rows(const struct batch *b)
{
	struct library *library = b->embedder->library;
	struct bytes model = bytes_of(engine_model(b->embedder->engine));
	char hex[SHA256_HEX_BYTES + 1];
	err_t err;

	TRY(library_begin(library));
	err = library_vectors_prune(library);
	for (unsigned i = 0; !err && i < b->count; i++) {
		struct library_vector row = row_of(b->dense[i]);

		sha256_to_hex(b->digests[i], hex);
		row.id = bytes_of(b->ids[i]);
		row.digest = bytes_of(hex);
		err = library_vector_put(library, model, &row);
	}
	if (!err)
		return library_commit(library);
	library_rollback(library);
	return err;
}

/* What cannot be kept is asked for again after a restart, no worse. */
static err_t keep(struct batch *b)
{
	err_t err = ERR_OK;

	for (unsigned i = 0; i < b->count; i++) {
		struct dense *copy = dense_copy(b->dense[i]);

		if (!copy)
			return ERR_NOMEM;
		TRY(remember(b->embedder, b->digests[i], copy));
		if (!err && !b->embedder->library)
			err = write_record(b->embedder, b->digests[i], b->dense[i]);
	}
	if (b->embedder->library)
		err = put_rows(b);
	if (err)
		log_warn("rag", "vectors cannot be kept: %s", err_words(err));
	return ERR_OK;
}

/* Kept first: nobody who writes to the library may wait for a reader of the corpus. */
static err_t give(struct batch *b, struct corpus *corpus, const float *values, unsigned dimensions)
{
	struct generation *g;

	for (unsigned i = 0; i < b->count; i++) {
		b->dense[i] = dense_of(values + (size_t)i * dimensions, dimensions);
		if (!b->dense[i])
			return ERR_NOMEM;
	}
	TRY(keep(b));
	g = corpus_read(corpus);
	if (!g)
		return ERR_NOT_FOUND;
	for (unsigned i = 0; i < b->count; i++) {
		struct corpus_entry *entry = generation_find(g, bytes_of(b->ids[i]));

		if (!entry)
			continue;
		entry_set_dense(entry, b->dense[i]);
		b->dense[i] = NULL;
	}
	corpus_read_end(corpus, g);
	return ERR_OK;
}

static err_t fill_batch(struct embedder *e, struct corpus *corpus, unsigned *ret_count)
{
	struct batch *b = calloc(1, sizeof *b);
	struct generation *g = b ? corpus_read(corpus) : NULL;
	struct bytes texts[BATCH];
	unsigned dimensions;
	float *values;
	err_t err = b ? ERR_OK : ERR_NOMEM;

	if (g) {
		b->embedder = e;
		generation_each(g, take_entry, b);
		corpus_read_end(corpus, g);
	}
	*ret_count = b ? b->count : 0;
	for (unsigned i = 0; b && i < b->count; i++)
		texts[i] = text_bytes(&b->texts[i]);
	if (b && b->count) {
		err = engine_embed(e->engine, texts, b->count, &values, &dimensions);
		if (!err) {
			err = give(b, corpus, values, dimensions);
			free(values);
		}
	}
	for (unsigned i = 0; b && i < b->count; i++) {
		text_fini(&b->texts[i]);
		free(b->ids[i]);
		free(b->dense[i]);
	}
	free(b);
	return err;
}

static bool count_missing(void *owner, struct corpus_entry *entry)
{
	*(uint64_t *)owner += entry_dense(entry) == NULL;
	return true;
}

static void note_pending(struct embedder *e, struct corpus *corpus)
{
	struct generation *g = corpus_read(corpus);
	uint64_t missing = 0;

	if (!g)
		return;
	generation_each(g, count_missing, &missing);
	corpus_read_end(corpus, g);
	atomic_store(&e->pending, missing);
}

err_t embedder_fill(struct embedder *e, struct corpus *corpus, const _Atomic bool *stop)
{
	err_t err = ERR_OK;

	while (!err && !atomic_load(stop)) {
		unsigned count;

		err = fill_batch(e, corpus, &count);
		note_pending(e, corpus);
		if (count == 0)
			break;
	}
	return err;
}

err_t embedder_question(struct embedder *e, struct engine *engine, struct bytes text,
			struct dense **ret_dense)
{
	unsigned dimensions;
	float *values;

	(void)e;
	TRY(engine_embed(engine, &text, 1, &values, &dimensions));
	*ret_dense = dense_of(values, dimensions);
	free(values);
	return *ret_dense ? ERR_OK : ERR_NOMEM;
}

struct nearest {
	struct arena *arena;
	struct retrieve_hint *at;
	unsigned count;
	err_t err;
};

static bool on_near(void *owner, struct bytes id, double cosine)
{
	struct nearest *n = owner;

	n->err = arena_copy(n->arena, id, &n->at[n->count].id);
	if (n->err)
		return false;
	n->at[n->count++].score = (float)cosine;
	return true;
}

err_t embedder_near(struct embedder *e, const struct dense *question, unsigned limit,
		    struct arena *arena, struct retrieve_hint **ret_near, unsigned *ret_count)
{
	struct nearest n = { .arena = arena };
	struct library_vector row;

	if (!e->library || !library_finds_vectors(e->library))
		return ERR_NOT_FOUND;
	n.at = arena_array(arena, limit, sizeof *n.at);
	if (!n.at)
		return ERR_NOMEM;
	row = row_of(question);
	TRY(library_vectors_near(e->library, bytes_of(engine_model(e->engine)), &row, limit,
				 on_near, &n));
	*ret_near = n.at;
	*ret_count = n.count;
	return n.err;
}
