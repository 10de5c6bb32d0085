/*
 * document: a text or Markdown file as blocks under headings. Pure: bytes in, slices of the same
 * bytes out.
 *
 * A document may say who it is, in lines "Name: value" between its title and its first
 * paragraph, or in a block between two lines "---" at its very top:
 *
 *     # Sleep hygiene
 *     Source: Example Health Service, "How to sleep better"
 *     Category: lifestyle
 *
 * Title, Source (may be repeated) and Category are known; others are kept out of the text.
 */
#ifndef RAG_DOC_DOCUMENT_H
#define RAG_DOC_DOCUMENT_H

#include "base/arena.h"

enum {
	DOCUMENT_MAX_BYTES = 4 * 1024 * 1024,
	DOCUMENT_SECTION_DEPTH = 6,
	DOCUMENT_SOURCES_MAX = 8,
};

/* What stands between two headings; a section without text has no entry. */
struct document_section {
	struct document_section *next;
	struct bytes path; /* "Dose › Children", in the arena; "" before the first heading */
	struct bytes body; /* a slice of the document's text, trimmed */
};

struct document {
	struct bytes file;  /* path relative to the folder: the document's stable key */
	struct bytes text;  /* borrowed: the file's bytes, UTF-8 */
	struct bytes title; /* of the front lines, else the first heading, else the file's name */
	struct bytes sources[DOCUMENT_SOURCES_MAX];
	unsigned source_count;
	struct bytes category; /* may be empty */
	struct document_section *sections;
};

/* Whether a file of that name is read at all: .txt, .text, .md, .markdown. */
bool document_wants(struct bytes file);

/*
 * `file` and `text` are borrowed for the document's life. ERR_TOO_LARGE; ERR_SYNTAX for what is
 * no UTF-8 text, or holds nothing but white space; ERR_NOMEM.
 */
err_t document_parse(struct arena *arena, struct bytes file, struct bytes text,
		     struct document *ret_document);

#endif
