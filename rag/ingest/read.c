#include "rag/ingest/read.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/map.h"
#include "crypto/digest.h"
#include "net/clock.h"
#include "rag/chunk/chunk.h"
#include "rag/ingest/sketch.h"

enum { ID_HEX_DIGITS = 16, METADATA_MAX_BYTES = 256 * 1024 };

struct reading {
	struct arena *arena;
	struct read_result *result;
	json_t *options; /* NULL: none */
	size_t cap;
	struct map ids; /* the same words twice under one heading: once is enough */
};

static err_t keep(struct arena *arena, const struct text *text, struct bytes *ret)
{
	TRY(text_err(text));
	return arena_copy(arena, text_bytes(text), ret);
}

/* A passage keeps its id as long as its document's key, its section and its words stay. */
static err_t passage_id(struct reading *r, const struct passage *passage, struct bytes *ret_id)
{
	char hex[SHA256_HEX_BYTES + 1];
	struct text key = TEXT_INIT(DOCUMENT_MAX_BYTES + 64 * 1024);
	err_t err;
	char *id;

	text_add(&key, r->result->document.key);
	text_add_char(&key, '\0');
	text_add(&key, passage->section);
	text_add_char(&key, '\0');
	text_add(&key, passage->body);
	err = text_err(&key);
	if (!err)
		sha256_hex(text_bytes(&key), hex);
	text_fini(&key);
	TRY(err);
	id = arena_printf(r->arena, "chk_%.*s", ID_HEX_DIGITS, hex);
	*ret_id = bytes_of(id);
	return id ? ERR_OK : ERR_NOMEM;
}

static err_t passages_grow(struct reading *r)
{
	size_t cap = r->cap ? r->cap * 2 : 32;
	struct passage *more;

	if (r->result->count < r->cap)
		return ERR_OK;
	if (cap > READ_PASSAGES_MAX * 2)
		return ERR_TOO_LARGE;
	more = arena_array(r->arena, cap, sizeof *more);
	if (!more)
		return ERR_NOMEM;
	if (r->result->count)
		memcpy(more, r->result->passages, r->result->count * sizeof *more);
	r->result->passages = more;
	r->cap = cap;
	return ERR_OK;
}

static err_t on_chunk(void *owner, const struct passage *chunk)
{
	struct reading *r = owner;
	struct passage passage = *chunk;
	bool verbatim = chunk->kind == PASSAGE_TEXT || chunk->kind == PASSAGE_BOXED ||
			chunk->kind == PASSAGE_CODE;

	TRY(passage_id(r, chunk, &passage.id));
	if (map_get(&r->ids, passage.id))
		return ERR_OK;
	TRY(map_put(&r->ids, passage.id, r, NULL));
	TRY(passages_grow(r));
	TRY(arena_copy(r->arena, chunk->section, &passage.section));
	if (!verbatim) /* else a slice of the document's text */
		TRY(arena_copy(r->arena, chunk->body, &passage.body));
	TRY(arena_copy(r->arena, chunk->item, &passage.item));
	passage.ordinal = (uint32_t)r->result->count;
	r->result->passages[r->result->count++] = passage;
	return ERR_OK;
}

/* ---- What a document says of itself, and what its giver said of it ---- */

static err_t join_sources(struct reading *r, const struct document *document)
{
	struct text sources = TEXT_INIT(8192);
	err_t err;

	for (unsigned i = 0; i < document->source_count; i++) {
		text_add_str(&sources, i ? "; " : "");
		text_add(&sources, document->sources[i]);
	}
	err = keep(r->arena, &sources, &r->result->document.source);
	text_fini(&sources);
	return err;
}

/* {"tags":[…],"metadata":{…}}: what the giver says wins over what was found. */
static err_t make_metadata(struct reading *r, const struct document *document)
{
	struct text found = TEXT_INIT(METADATA_MAX_BYTES);
	json_t *all = json_object(), *metadata;
	json_t *tags = json_object_get(r->options, "tags");
	char *dumped = NULL;
	err_t err;

	document_facts_json(&found, document);
	err = text_err(&found);
	metadata = err ? NULL : json_loadb(text_str(&found), found.len, 0, NULL);
	text_fini(&found);
	if (metadata) {
		json_object_update(metadata, json_object_get(r->options, "metadata"));
		if (document->subject.len && !json_object_get(metadata, "subject"))
			json_object_set_new(
				metadata, "subject",
				json_stringn(document->subject.at, document->subject.len));
		if (json_is_array(tags))
			json_object_set(all, "tags", tags);
		if (json_object_size(metadata))
			json_object_set(all, "metadata", metadata);
		dumped = json_object_size(all) ? json_dumps(all, JSON_COMPACT) : strdup("");
	}
	err = dumped ? arena_copy(r->arena, bytes_of(dumped), &r->result->document.metadata)
		     : ERR_NOMEM;
	free(dumped);
	json_decref(metadata);
	json_decref(all);
	return err;
}

static struct bytes option(const struct reading *r, const char *name)
{
	const json_t *value = json_object_get(r->options, name);

	return json_is_string(value)
		       ? bytes_make(json_string_value(value), json_string_length(value))
		       : BYTES_NONE;
}

static err_t take_front(struct reading *r, const struct document *document)
{
	struct library_document *d = &r->result->document;
	struct text warnings = TEXT_INIT(16384);
	struct bytes given = option(r, "title");
	const json_t *subject = json_object_get(json_object_get(r->options, "metadata"), "subject");
	err_t err;

	TRY(arena_copy(r->arena, given.len ? given : document->title, &d->title));
	TRY(arena_copy(r->arena, document->category, &d->category));
	d->subject = document->subject;
	if (json_is_string(subject))
		TRY(arena_copy(r->arena, bytes_of(json_string_value(subject)), &d->subject));
	d->pages = document->pages;
	TRY(join_sources(r, document));
	TRY(make_metadata(r, document));
	for (unsigned i = 0; i < document->warning_count; i++) {
		text_add_str(&warnings, i ? ",\"" : "[\"");
		encode_json(&warnings, bytes_of(document->warnings[i]));
		text_add_char(&warnings, '"');
	}
	text_add_str(&warnings, document->warning_count ? "]" : "");
	err = keep(r->arena, &warnings, &d->warnings);
	text_fini(&warnings);
	return err;
}

static err_t take_assets(struct reading *r, const struct document *document)
{
	struct read_result *result = r->result;

	if (!document->asset_count)
		return ERR_OK;
	result->assets = arena_array(r->arena, document->asset_count, sizeof *result->assets);
	result->asset_data = arena_array(r->arena, document->asset_count, sizeof(struct bytes));
	if (!result->assets || !result->asset_data)
		return ERR_NOMEM;
	for (const struct document_asset *a = document->assets; a; a = a->next) {
		char hex[SHA256_HEX_BYTES + 1];
		struct library_asset *asset = &result->assets[result->asset_count];

		sha256_hex(a->data, hex);
		*asset = (struct library_asset){
			.id = a->id,
			.kind = BYTES("image"),
			.media_type = bytes_of(a->media_type),
			.caption = a->caption,
			.page = a->page,
		};
		TRY(arena_copy(r->arena, bytes_of(hex), &asset->sha256));
		result->asset_data[result->asset_count++] = a->data;
	}
	return ERR_OK;
}

/* The members of a passage that are its document's. */
static void finish_passages(struct read_result *result)
{
	const struct library_document *d = &result->document;

	for (size_t i = 0; i < result->count; i++) {
		struct passage *p = &result->passages[i];

		p->document = d->id;
		p->title = d->title;
		p->file = d->key;
		p->source = d->source;
		p->category = d->category;
		p->subject = d->subject;
		p->metadata = d->metadata;
	}
}

static err_t fail(struct reading *r, const char *stage, const char *code, const char *words)
{
	struct library_document *d = &r->result->document;

	d->state = LIBRARY_FAILED;
	d->error_stage = bytes_of(stage);
	TRY(arena_copy(r->arena, bytes_of(code), &d->error_code));
	return arena_copy(r->arena, bytes_of(words), &d->error);
}

static err_t read_all(struct reading *r, struct bytes data, const _Atomic bool *cancelled)
{
	struct read_result *result = r->result;
	struct bytes parser = option(r, "parser"), chunker = option(r, "chunker");
	const struct parse_input input = {
		.file = result->document.key,
		.media_type = bytes_eq_str(parser, "text") ? BYTES("text/plain")
							   : result->document.media_type,
		.data = data,
		.ocr = bytes_eq_str(parser, "ocr"),
		.cancelled = cancelled,
	};
	uint64_t began_us = clock_mono_us();
	struct document document;
	struct parse_why why;
	err_t err;

	err = parse_document(&input, r->arena, &document, &why);
	result->parse_us = clock_mono_us() - began_us;
	if (err == ERR_SYNTAX)
		return fail(r, "parsing", why.code, why.words);
	TRY(err);
	began_us = clock_mono_us();
	TRY(take_front(r, &document));
	TRY(take_assets(r, &document));
	err = chunk_document(&document,
			     bytes_eq_str(chunker, "fixed") ? CHUNK_FIXED : CHUNK_SECTIONS,
			     on_chunk, r);
	if (err == ERR_TOO_LARGE)
		return fail(r, "chunking", "too_large", "It is cut into too many passages.");
	TRY(err);
	finish_passages(result);
	result->has_bands = sketch_text(document.text, result->bands);
	result->chunk_us = clock_mono_us() - began_us;
	result->document.state = LIBRARY_INDEXED;
	result->document.passages = result->count;
	return ERR_OK;
}

err_t read_document(const struct library_document *document, struct bytes data,
		    const _Atomic bool *cancelled, struct arena *arena,
		    struct read_result *ret_result)
{
	struct reading r = { .arena = arena, .result = ret_result };
	struct library_document *d;
	err_t err;

	*ret_result = (struct read_result){ .document = *document };
	d = &ret_result->document;
	d->error = d->error_code = d->error_stage = d->warnings = d->near_of = BYTES_NONE;
	d->near_percent = d->passages = d->pages = 0;
	if (d->options.len)
		r.options = json_loadb(d->options.at, d->options.len, 0, NULL);
	err = read_all(&r, data, cancelled);
	if (!err && d->state == LIBRARY_INDEXED && ret_result->count == 0)
		err = fail(&r, "chunking", "empty", "There are no words in it.");
	if (d->state == LIBRARY_FAILED) { /* what was read of it before stays */
		d->passages = document->passages;
		ret_result->count = ret_result->asset_count = 0;
	}
	map_fini(&r.ids);
	json_decref(r.options);
	return err;
}
