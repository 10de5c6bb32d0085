#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "store/library_internal.h"

enum { ID_DIGITS = 16, ROW_ARENA_MAX = 8 * 1024 * 1024 };

const char *const library_state_names[LIBRARY_STATES] = { "pending", "indexed", "failed" };

void library_document_id(struct bytes key, char out[LIBRARY_ID_BYTES])
{
	char hex[SHA256_HEX_BYTES + 1];

	sha256_hex(key, hex);
	snprintf(out, LIBRARY_ID_BYTES, "doc_%.*s", ID_DIGITS, hex);
}

err_t library_document_put(struct library *library, const struct library_document *d)
{
	return sql_later(library_writing(library), LIBRARY_DOCUMENT_PUT,
			 "sssssssssssssssssssuuuuuuuu", d->id, d->key, d->title, d->media_type,
			 d->sha256, d->origin, d->options, d->source, d->category, d->subject,
			 d->metadata, d->error_code, d->error_stage, d->error, d->warnings,
			 d->stage_ms, d->job, d->alias_of, d->near_of, (uint64_t)d->state, d->bytes,
			 d->version, d->pages, d->passages, d->near_percent, d->created_ms,
			 d->updated_ms);
}

static void row_read(struct sql_stmt *stmt, struct library_document *ret)
{
	struct bytes *const texts[] = {
		&ret->id,	   &ret->key,	   &ret->title,	   &ret->media_type,
		&ret->sha256,	   &ret->origin,   &ret->options,  &ret->source,
		&ret->category,	   &ret->subject,  &ret->metadata, &ret->error_code,
		&ret->error_stage, &ret->error,	   &ret->warnings, &ret->stage_ms,
		&ret->job,	   &ret->alias_of, &ret->near_of,
	};
	int at = 0;

	ret->row = sql_number(stmt, at++);
	for (size_t i = 0; i < COUNT(texts); i++)
		*texts[i] = sql_text(stmt, at++);
	ret->state = (enum library_state)sql_number(stmt, at++);
	ret->bytes = sql_number(stmt, at++);
	ret->version = sql_number(stmt, at++);
	ret->pages = sql_number(stmt, at++);
	ret->passages = sql_number(stmt, at++);
	ret->near_percent = sql_number(stmt, at++);
	ret->created_ms = sql_number(stmt, at++);
	ret->updated_ms = sql_number(stmt, at);
}

/* The slices of a row live until its statement moves on: these are the arena's. */
static err_t document_copy(struct arena *arena, struct library_document *d)
{
	struct bytes *const texts[] = {
		&d->id,	      &d->key,	      &d->title,       &d->media_type, &d->sha256,
		&d->origin,   &d->options,    &d->source,      &d->category,   &d->subject,
		&d->metadata, &d->error_code, &d->error_stage, &d->error,      &d->warnings,
		&d->stage_ms, &d->job,	      &d->alias_of,    &d->near_of,
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		TRY(arena_copy(arena, *texts[i], texts[i]));
	return ERR_OK;
}

err_t library_document_get(struct library *library, struct bytes id, struct arena *arena,
			   struct library_document *ret_document)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_DOCUMENT_GET, "s", id);
	struct library_document document;
	err_t err = stmt ? ERR_NOT_FOUND : ERR_STORE;

	if (sql_row(stmt)) {
		row_read(stmt, &document);
		err = document_copy(arena, &document);
	}
	if (!err)
		*ret_document = document;
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	return err;
}

err_t library_document_remove(struct library *library, struct bytes id)
{
	struct sql *sql = library_writing(library);
	struct library_document document;
	struct arena arena;
	err_t err;

	arena_init(&arena, ROW_ARENA_MAX);
	err = library_document_get(library, id, &arena, &document);
	arena_fini(&arena);
	TRY(err);
	TRY(sql_later(sql, LIBRARY_ASSETS_REMOVE, "u", document.row));
	TRY(sql_later(sql, LIBRARY_SKETCH_REMOVE, "u", document.row));
	return sql_later(sql, LIBRARY_DOCUMENT_REMOVE, "s", id);
}

static struct sql_stmt *bind_query(struct sql *sql, const struct library_query *q, struct text *tag)
{
	uint64_t limit = q->limit;

	if (q->pending_order)
		return sql_bind(sql, LIBRARY_DOCUMENTS_PENDING, "uu", q->after_row, limit);
	if (q->sha256.len)
		return sql_bind(sql, LIBRARY_DOCUMENTS_SAME, "su", q->sha256, limit);
	if (q->alias_of.len)
		return sql_bind(sql, LIBRARY_DOCUMENTS_ALIASES, "su", q->alias_of, limit);
	if (q->tag.len) /* as it stands in {"tags":["…"]} */
		text_printf(tag, "\"%.*s\"", BYTES_ARG(q->tag));
	return sql_bind(sql, LIBRARY_DOCUMENTS, "uussssu", q->after_row,
			(uint64_t)(int64_t)q->state, q->job, text_bytes(tag), q->prefix,
			q->contains, limit);
}

err_t library_documents(struct library *library, const struct library_query *query,
			library_document_fn each, void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct text tag = TEXT_INIT(1024);
	struct sql_stmt *stmt = bind_query(sql, query, &tag);
	err_t err;

	while (sql_row(stmt)) {
		struct library_document document;

		row_read(stmt, &document);
		if (!each(owner, &document))
			break;
	}
	err = sql_done(sql, stmt);
	text_fini(&tag);
	library_read_end(library, sql);
	return err;
}

err_t library_count(struct library *library, struct library_counts *ret_counts)
{
	struct sql *sql = library_read_begin(library);
	struct library_counts counts = { .aliases = 0 };
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_COUNT_STATES, "");
	err_t err;

	while (sql_row(stmt)) {
		uint64_t state = sql_number(stmt, 0);

		if (state < LIBRARY_STATES)
			counts.documents[state] = sql_number(stmt, 1);
		counts.aliases += sql_number(stmt, 2);
	}
	err = sql_done(sql, stmt);
	stmt = sql_bind(sql, LIBRARY_COUNT_PASSAGES, "");
	if (sql_row(stmt))
		counts.passages = sql_number(stmt, 0);
	(void)sql_done(sql, stmt);
	stmt = sql_bind(sql, LIBRARY_COUNT_BLOBS, "");
	if (sql_row(stmt))
		counts.blob_bytes = sql_number(stmt, 0);
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	if (!err)
		*ret_counts = counts;
	return err;
}

/* ---- Passages ---- */

static err_t passage_add(struct sql *sql, uint64_t generation, uint64_t row,
			 const struct passage *p)
{
	return sql_later(sql, LIBRARY_PASSAGE_ADD, "uuusssssuuuuuu", generation, row,
			 (uint64_t)p->ordinal, p->id, p->section, p->code, p->item, p->body,
			 (uint64_t)p->kind, (uint64_t)p->words, (uint64_t)p->page_from,
			 (uint64_t)p->page_to, p->char_from, p->char_to);
}

err_t library_shelve(struct library *library, uint64_t generation,
		     const struct library_document *document, uint64_t version,
		     const struct passage *passages, size_t count)
{
	struct sql *sql = library_writing(library);

	TRY(sql_later(sql, LIBRARY_PASSAGES_REMOVE, "uu", generation, document->row));
	TRY(sql_later(sql, LIBRARY_SHELVED_PUT, "usu", generation, document->id,
		      version ? document->row : 0));
	if (version == 0)
		return sql_later(sql, LIBRARY_SHELF_REMOVE, "uu", generation, document->row);
	for (size_t i = 0; i < count; i++)
		TRY(passage_add(sql, generation, document->row, &passages[i]));
	return sql_later(sql, LIBRARY_SHELF_PUT, "uuuu", generation, document->row, version,
			 (uint64_t)count);
}

uint64_t library_shelved(struct library *library, uint64_t generation, uint64_t row)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_SHELF_GET, "uu", generation, row);
	uint64_t version = sql_row(stmt) ? sql_number(stmt, 0) : 0;

	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	return version;
}

static void passage_read(struct sql_stmt *stmt, struct passage *ret)
{
	struct bytes *const texts[] = {
		&ret->id,      &ret->document, &ret->title,  &ret->file,
		&ret->section, &ret->code,     &ret->source, &ret->category,
		&ret->subject, &ret->metadata, &ret->item,   &ret->body,
	};
	int at = 0;

	for (size_t i = 0; i < COUNT(texts); i++)
		*texts[i] = sql_text(stmt, at++);
	ret->kind = (enum passage_kind)sql_number(stmt, at++);
	ret->ordinal = (uint32_t)sql_number(stmt, at++);
	ret->words = (uint32_t)sql_number(stmt, at++);
	ret->page_from = (uint32_t)sql_number(stmt, at++);
	ret->page_to = (uint32_t)sql_number(stmt, at++);
	ret->char_from = sql_number(stmt, at++);
	ret->char_to = sql_number(stmt, at);
	ret->score = 0;
}

err_t library_passages(struct library *library, uint64_t generation, uint64_t document_row,
		       library_passage_fn each, void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = document_row ? sql_bind(sql, LIBRARY_PASSAGES_OF, "uu", generation,
							document_row)
					     : sql_bind(sql, LIBRARY_PASSAGES, "u", generation);
	err_t err = ERR_OK, end;

	while (!err && sql_row(stmt)) {
		struct passage passage;

		passage_read(stmt, &passage);
		err = each(owner, &passage);
	}
	end = sql_done(sql, stmt);
	library_read_end(library, sql);
	return err ? err : end;
}

err_t library_passages_prune(struct library *library, uint64_t keep, uint64_t keep_too,
			     unsigned limit, bool *ret_more)
{
	struct sql *sql = library_writing(library);

	TRY(sql_do(sql, LIBRARY_PASSAGES_PRUNE, "uuu", keep, keep_too, (uint64_t)limit));
	*ret_more = sql_changes(sql) > 0;
	if (*ret_more)
		return ERR_OK;
	TRY(sql_do(sql, LIBRARY_SHELVED_PRUNE, "uu", keep, keep_too));
	return sql_do(sql, LIBRARY_SHELF_PRUNE, "uu", keep, keep_too);
}

err_t library_shelved_since(struct library *library, uint64_t generation, uint64_t change,
			    library_shelved_fn each, void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_SHELVED_SINCE, "uu", generation, change);
	err_t err = ERR_OK, end;

	while (!err && sql_row(stmt))
		err = each(owner, sql_text(stmt, 0), sql_number(stmt, 1));
	end = sql_done(sql, stmt);
	library_read_end(library, sql);
	return err ? err : end;
}

err_t library_shelved_forget(struct library *library, uint64_t change)
{
	return sql_do(library_writing(library), LIBRARY_SHELVED_FORGET, "u", change);
}

/* ---- Nearly the same words ---- */

enum { NEAR_CANDIDATES = 32 };

struct candidates {
	struct {
		uint64_t row;
		unsigned shared;
	} at[NEAR_CANDIDATES];
	unsigned count;
};

static void candidate_count(struct candidates *c, uint64_t row)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (c->at[i].row == row) {
			c->at[i].shared++;
			return;
		}
	}
	if (c->count < NEAR_CANDIDATES) {
		c->at[c->count].row = row;
		c->at[c->count++].shared = 1;
	}
}

/* The bands as ?1 to ?16, and the document's row. */
#define SKETCH(call, sql, which, b, row)                                                           \
	call((sql), (which), "uuuuuuuuuuuuuuuuu", (b)[0], (b)[1], (b)[2], (b)[3], (b)[4], (b)[5],  \
	     (b)[6], (b)[7], (b)[8], (b)[9], (b)[10], (b)[11], (b)[12], (b)[13], (b)[14], (b)[15], \
	     (row))
_Static_assert(LIBRARY_SKETCH_BANDS == 16, "the statements name each band");

err_t library_sketch(struct library *library, uint64_t row,
		     const uint64_t bands[LIBRARY_SKETCH_BANDS], struct arena *arena,
		     struct bytes *ret_id, unsigned *ret_shared)
{
	struct sql *sql = library_writing(library);
	struct candidates c = { .count = 0 };
	uint64_t best = 0;
	struct sql_stmt *stmt;
	err_t err = ERR_OK;

	*ret_shared = 0;
	*ret_id = BYTES_NONE;
	TRY(sql_later(sql, LIBRARY_SKETCH_REMOVE, "u", row));
	stmt = SKETCH(sql_bind, sql, LIBRARY_SKETCH_NEAR, bands, row);
	while (sql_row(stmt))
		candidate_count(&c, sql_number(stmt, 0));
	TRY(sql_done(sql, stmt));
	TRY(SKETCH(sql_later, sql, LIBRARY_SKETCH_PUT, bands, row));
	for (unsigned i = 0; i < c.count; i++) {
		if (c.at[i].shared > *ret_shared) {
			*ret_shared = c.at[i].shared;
			best = c.at[i].row;
		}
	}
	if (!best)
		return ERR_OK;
	stmt = sql_bind(sql, LIBRARY_DOCUMENT_ID_OF, "u", best);
	if (sql_row(stmt))
		*ret_id = sql_copy(stmt, 0, arena, &err);
	TRY(sql_done(sql, stmt));
	return err;
}

/* ---- Assets ---- */

err_t library_assets_put(struct library *library, uint64_t row, const struct library_asset *assets,
			 size_t count)
{
	struct sql *sql = library_writing(library);

	TRY(sql_later(sql, LIBRARY_ASSETS_REMOVE, "u", row));
	for (size_t i = 0; i < count; i++)
		TRY(sql_later(sql, LIBRARY_ASSET_PUT, "sussssu", assets[i].id, row, assets[i].kind,
			      assets[i].media_type, assets[i].sha256, assets[i].caption,
			      assets[i].page));
	return ERR_OK;
}

err_t library_asset_get(struct library *library, struct bytes id, struct arena *arena,
			struct library_asset *ret_asset)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_ASSET_GET, "s", id);
	struct library_asset asset;
	err_t err = ERR_NOT_FOUND;

	if (sql_row(stmt)) {
		err = ERR_OK;
		asset.id = sql_copy(stmt, 0, arena, &err);
		asset.kind = sql_copy(stmt, 1, arena, &err);
		asset.media_type = sql_copy(stmt, 2, arena, &err);
		asset.sha256 = sql_copy(stmt, 3, arena, &err);
		asset.caption = sql_copy(stmt, 4, arena, &err);
		asset.page = sql_number(stmt, 5);
	}
	(void)sql_done(sql, stmt);
	library_read_end(library, sql);
	if (!err)
		*ret_asset = asset;
	return err;
}
