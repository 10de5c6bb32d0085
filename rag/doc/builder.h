/*
 * builder: a document put together block by block, for formats whose file is not itself the text.
 * Pure. What comes in is made fit: white space is one blank, control and direction marks and
 * invalid UTF-8 go.
 *
 *     builder_heading(b, 1, BYTES("Dose"));
 *     builder_text(b, BLOCK_TEXT, words);
 *     builder_table_begin(b); builder_cell(b, …); builder_row_end(b); … builder_table_end(b, …);
 *     builder_finish(b, &document);
 *
 * The first failure sticks, and builder_finish returns it, so that parsers' callbacks need not.
 */
#ifndef RAG_DOC_BUILDER_H
#define RAG_DOC_BUILDER_H

#include "rag/doc/document.h"

enum {
	BUILDER_CELLS_MAX = 500,	  /* of one row */
	BUILDER_TABLE_CELLS_MAX = 500000, /* of one table */
};

struct builder_heading {
	struct bytes words;
	unsigned level;
	struct bytes code;
};

struct builder {
	struct arena *arena;
	struct document document;
	struct text text;
	struct block **tail;
	unsigned block_count;
	struct builder_heading stack[DOCUMENT_SECTION_DEPTH];
	unsigned depth;
	uint32_t page;
	bool boxed; /* text that comes is a boxed warning's */
	bool titled;
	struct bytes path; /* of the stack, made when first needed */
	bool path_stale;
	/* of the table that is open */
	struct table_row *rows, **rows_tail;
	struct bytes cells[BUILDER_CELLS_MAX];
	unsigned cell_count, table_cells;
	err_t err;
};

void builder_init(struct builder *b, struct arena *arena, struct bytes file);
void builder_fini(struct builder *b); /* before or after builder_finish, once */

/* level 1 … 6; words may be empty, with a code ("34084-4") or without (""). */
void builder_heading(struct builder *b, unsigned level, struct bytes words, struct bytes code);
void builder_title(struct builder *b, struct bytes words); /* the first counts */
void builder_page(struct builder *b, uint32_t page);

/* A paragraph, a list item ("- " is put before it by the caller), code (kept as it is). */
void builder_text(struct builder *b, enum block_kind kind, struct bytes words);

void builder_table_begin(struct builder *b);
void builder_cell(struct builder *b, struct bytes words);
void builder_row_end(struct builder *b); /* a row of nothing but empty cells is dropped */
void builder_table_end(struct builder *b, struct bytes caption, struct bytes footnote);

/* `words`: what is searched of it. Without words, caption or LaTeX there is no block. */
void builder_equation(struct builder *b, struct bytes latex, struct bytes words,
		      struct bytes caption);
void builder_image(struct builder *b, struct document_asset *asset, struct bytes words,
		   struct bytes caption, struct bytes footnote);

/* Makes an asset of borrowed bytes; NULL when there are too many, or no memory. */
struct document_asset *builder_asset(struct builder *b, struct bytes data, const char *media_type);

/* ERR_SYNTAX when there is no text at all; ERR_TOO_LARGE; ERR_NOMEM. */
err_t builder_finish(struct builder *b, struct document *ret_document);

/* Appends `in` as text of a document: see above. Line breaks stay if `keep_lines`. */
void clean_text(struct text *out, struct bytes in, bool keep_lines);

#endif
