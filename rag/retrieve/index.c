#include "rag/retrieve/index.h"

#include "base/log.h"
#include "crypto/digest.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/folder.h"
#include "rag/text/words.h"

enum {
	ID_HEX_DIGITS = 16,
	DOCUMENT_ARENA_MAX = 16 * 1024 *
			     1024, /* headings and paths of one document, not its text */
	SOURCES_MAX_BYTES = 4096,
};

struct run {
	const struct feed_listener *listeners;
	unsigned listener_count;
	uint64_t generation;
	uint32_t ordinal;
	struct index_progress *progress;
	/* of the document being read */
	const struct document *document;
	char document_id[sizeof "doc_" + ID_HEX_DIGITS];
	struct bytes sources;
};

static void make_id(const char *prefix, struct bytes of, char *out)
{
	char hex[SHA256_HEX_BYTES + 1];
	size_t n = strlen(prefix);

	sha256_hex(of, hex);
	memcpy(out, prefix, n);
	memcpy(out + n, hex, ID_HEX_DIGITS);
	out[n + ID_HEX_DIGITS] = '\0';
}

/*
 * A passage keeps its id as long as its document, section and words stay: references in old
 * answers stay good.
 */
static err_t chunk_id(const struct run *run, const struct chunk *chunk,
		      char out[sizeof "chk_" + ID_HEX_DIGITS])
{
	struct text key = TEXT_INIT(DOCUMENT_MAX_BYTES + 64 * 1024);
	err_t err;

	text_add(&key, run->document->file);
	text_add_char(&key, '\0');
	text_add(&key, chunk->section->path);
	text_add_char(&key, '\0');
	text_add(&key, chunk->body);
	err = text_err(&key);
	if (!err)
		make_id("chk_", text_bytes(&key), out);
	text_fini(&key);
	return err;
}

static err_t on_chunk(void *owner, const struct chunk *chunk)
{
	struct run *run = owner;
	char id[sizeof "chk_" + ID_HEX_DIGITS];
	struct passage passage = {
		.document = bytes_of(run->document_id),
		.title = run->document->title,
		.file = run->document->file,
		.section = chunk->section->path,
		.source = run->sources,
		.category = run->document->category,
		.body = chunk->body,
		.ordinal = run->ordinal++,
		.words = chunk->words,
		.char_from = chunk->char_from,
		.char_to = chunk->char_from + characters_before(chunk->body, chunk->body.len),
	};
	err_t err;

	TRY(chunk_id(run, chunk, id));
	passage.id = bytes_of(id);
	for (unsigned i = 0; i < run->listener_count; i++) {
		const struct feed_listener *l = &run->listeners[i];

		err = l->add(l->owner, run->generation, &passage);
		if (err == ERR_EXISTS) /* the same words twice under one heading: once is enough */
			return ERR_OK;
		if (err)
			return err;
	}
	atomic_fetch_add(&run->progress->passages, 1);
	return ERR_OK;
}

static err_t index_document(struct run *run, struct bytes file, struct bytes text)
{
	struct arena arena;
	struct document document;
	struct text sources = TEXT_INIT(SOURCES_MAX_BYTES);
	err_t err;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	err = document_parse(&arena, file, text, &document);
	if (!err) {
		for (unsigned i = 0; i < document.source_count; i++) {
			text_add_str(&sources, i ? "; " : "");
			text_add(&sources, document.sources[i]);
		}
		run->document = &document;
		run->ordinal = 0;
		run->sources = text_bytes(&sources);
		make_id("doc_", file, run->document_id);
		err = chunk_document(&document, on_chunk, run);
	}
	text_fini(&sources);
	arena_fini(&arena);
	return err;
}

static err_t on_file(void *owner, struct bytes file, struct bytes text, err_t why)
{
	struct run *run = owner;
	err_t err = why;

	if (atomic_load(&run->progress->cancelled))
		return ERR_CANCELLED;
	if (!err)
		err = index_document(run, file, text);
	if (err == ERR_STORE || err == ERR_NOMEM)
		return err;
	if (err) {
		log_warn("rag", "%.*s is left out: %s", BYTES_ARG(file), err_words(err));
		atomic_fetch_add(&run->progress->documents_failed, 1);
	} else {
		atomic_fetch_add(&run->progress->documents_done, 1);
	}
	return ERR_OK;
}

static err_t begin_all(const struct run *run)
{
	for (unsigned i = 0; i < run->listener_count; i++) {
		const struct feed_listener *l = &run->listeners[i];

		TRY(l->begin(l->owner, run->generation));
	}
	return ERR_OK;
}

static err_t publish_all(const struct run *run, uint64_t change)
{
	for (unsigned i = 0; i < run->listener_count; i++) {
		const struct feed_listener *l = &run->listeners[i];

		TRY(l->publish(l->owner, run->generation, change));
	}
	return ERR_OK;
}

err_t index_folder(const struct feed_listener *listeners, unsigned count, const char *directory,
		   struct index_progress *progress, uint64_t *ret_generation)
{
	struct run run = { .listeners = listeners, .listener_count = count, .progress = progress };
	struct feed_position before;
	err_t err;

	listeners[0].position(listeners[0].owner, &before);
	run.generation = before.generation + 1;
	err = begin_all(&run);
	if (!err)
		err = folder_read(directory, on_file, &run);
	if (!err)
		err = publish_all(&run, before.change + 1);
	for (unsigned i = 0; i < count; i++)
		listeners[i].drop(listeners[i].owner, err ? run.generation : before.generation);
	if (!err)
		*ret_generation = run.generation;
	return err;
}
