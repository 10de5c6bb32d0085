/*
 * document: what every format becomes: one text, and blocks that are slices of it, under headings.
 *
 * The text is what citations count characters in. For text and Markdown it is the file's own
 * (decoded to UTF-8); for the others it is built, block after block (see builder.h).
 *
 * Everything lies in the arena it was parsed into, or is borrowed from the input.
 */
#ifndef RAG_DOC_DOCUMENT_H
#define RAG_DOC_DOCUMENT_H

#include "base/arena.h"
#include "base/text.h"

enum {
	DOCUMENT_MAX_BYTES = 32 * 1024 * 1024, /* of text */
	DOCUMENT_BLOCKS_MAX = 200000,
	DOCUMENT_SECTION_DEPTH = 6,
	DOCUMENT_HEADING_IN_PATH_BYTES = 1000, /* of each heading, in the path of a section */
	DOCUMENT_SOURCES_MAX = 8,
	DOCUMENT_FACTS_MAX = 200,
	DOCUMENT_WARNINGS_MAX = 20,
	DOCUMENT_ASSETS_MAX = 500,
};

enum block_kind {
	BLOCK_TEXT, /* paragraphs and lists */
	BLOCK_BOXED,
	BLOCK_CODE,
	BLOCK_TABLE,
	BLOCK_IMAGE,
	BLOCK_EQUATION,
	BLOCK_OTHER, /* an item of a content list that is none of these */
};

struct table_row {
	struct table_row *next;
	struct bytes *cells;
	unsigned count;
};

struct document_asset {
	struct document_asset *next;
	struct bytes id;   /* "ast_…", of the document's key and the data */
	struct bytes data; /* the bytes of an image */
	const char *media_type;
	struct bytes caption;
	uint32_t page;
};

struct block {
	struct block *next;
	enum block_kind kind;
	uint32_t page;	   /* from 1; 0: the format has none */
	unsigned depth;	   /* of headings above it */
	struct bytes path; /* "Dose › Children"; "" before the first heading */
	struct bytes code; /* of the nearest coded section, or "" */
	struct bytes text; /* a slice of the document's text, trimmed, not empty */
	size_t from;	   /* where it begins there, in bytes */
	/* Of a table, an image and an equation; empty where there is none. */
	struct bytes caption, footnote, latex;
	struct table_row *rows;	      /* the first is the header */
	struct document_asset *asset; /* or NULL */
};

struct document_fact {
	struct document_fact *next;
	struct bytes name, value;
	bool is_list; /* one of several values of that name */
};

struct document {
	struct bytes file;  /* the document's stable key; its ending is a hint of its format */
	struct bytes text;  /* UTF-8 */
	struct bytes title; /* of the document, else the first heading, else the file's name */
	struct bytes sources[DOCUMENT_SOURCES_MAX];
	unsigned source_count;
	struct bytes category; /* may be empty */
	struct bytes subject;  /* what it is about, if it says so: a drug's name */
	struct document_fact *facts;
	unsigned fact_count;
	const char *warnings[DOCUMENT_WARNINGS_MAX];
	unsigned warning_count;
	struct document_asset *assets;
	unsigned asset_count;
	uint32_t pages; /* 0: the format has none */
	struct block *blocks;
};

/* "tips/sleep-well.md" is called "sleep well" for want of a better name. ERR_NOMEM. */
err_t document_title_of_file(struct arena *arena, struct bytes file, struct bytes *ret_title);

/* Both keep at most their maximum, and copy into the arena. ERR_NOMEM. */
err_t document_fact(struct arena *arena, struct document *document, const char *name,
		    struct bytes value, bool is_list);
err_t document_warn(struct arena *arena, struct document *document, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Appends {"name":"value","names":["value",…],…}. */
void document_facts_json(struct text *out, const struct document *document);

#endif
