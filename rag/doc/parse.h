/*
 * parse: bytes of any known format to a document. May run a child (pdftotext, tesseract, catdoc):
 * never on a loop. Anything may be in the bytes: what is wrong with them is an answer, not a crash.
 */
#ifndef RAG_DOC_PARSE_H
#define RAG_DOC_PARSE_H

#include <stdatomic.h>

#include "rag/doc/document.h"

enum {
	PARSE_ARENA_MAX_BYTES = 512 * 1024 * 1024, /* of one document, its text and blocks */
};

/* Rows of formats.def. */
enum format {
#define FORMAT(name, media_type, endings, parse) FORMAT_##name,
#include "rag/doc/formats.def"
#undef FORMAT
	FORMATS,
};

struct parse_input {
	struct bytes file;	 /* the key; its ending is a hint */
	struct bytes media_type; /* as the giver said, or "" */
	struct bytes data;
	bool ocr;		       /* read pages as images even when they have text */
	const _Atomic bool *cancelled; /* or NULL; children end when it is set */
};

/* Why there is no document, as a client is told. */
struct parse_why {
	const char *code; /* "unsupported_media", "malformed", "too_large", "needs_ocr", … */
	char words[240];
};

/* What the bytes are: by their beginning first, then by name and media type. */
enum format format_sniff(const struct parse_input *input); /* FORMATS: none we know */
const char *format_name(enum format format);
const char *format_media_type(enum format format);

/* Whether a file of that name is one we read at all, by its ending. */
bool format_wants(struct bytes file);

/*
 * Everything lies in the arena or in input->data. On failure *ret_why is filled; ERR_NOMEM and
 * ERR_CANCELLED are not the document's fault.
 */
err_t parse_document(const struct parse_input *input, struct arena *arena,
		     struct document *ret_document, struct parse_why *ret_why);

/* ---- For the parsers ---- */

typedef err_t (*parse_fn)(const struct parse_input *input, struct arena *arena,
			  struct document *ret_document, struct parse_why *ret_why);

/* Fills *why and returns ERR_SYNTAX. */
err_t parse_refuse(struct parse_why *why, const char *code, const char *format, ...)
	PRINTF_LIKE(3, 4);

#define FORMAT(name, media_type, endings, parse)                          \
	err_t parse(const struct parse_input *input, struct arena *arena, \
		    struct document *ret_document, struct parse_why *ret_why);
#include "rag/doc/formats.def"
#undef FORMAT

#endif
