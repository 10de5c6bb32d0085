/*
 * archive: the parts of a zip file, read by name into memory. Nothing is ever written out, so no
 * name in it can lead anywhere; what is bounded is how many parts there are, and how large they
 * get.
 */
#ifndef RAG_DOC_ARCHIVE_H
#define RAG_DOC_ARCHIVE_H

#include "rag/doc/builder.h"
#include "rag/doc/parse.h"
#include "rag/doc/xml.h"

enum {
	ARCHIVE_PARTS_MAX = 10000,
	ARCHIVE_RATIO_MAX = 200, /* of inflated to packed, for parts of a megabyte and more */
};

struct archive;

/* `data` is borrowed. ERR_SYNTAX with the reason; ERR_NOMEM. */
err_t archive_open(struct bytes data, struct archive **ret_archive, struct parse_why *why);
void archive_close(struct archive *archive); /* NULL is welcome */

/*
 * A part's bytes, malloc'ed. ERR_NOT_FOUND; ERR_SYNTAX with the reason (damaged, encrypted, or
 * larger than all parts together may be: 512 MiB).
 */
err_t archive_read(struct archive *archive, const char *name, struct bytes *ret_data,
		   struct parse_why *why);

/* The same as a tree. */
err_t archive_xml(struct archive *archive, const char *name, xmlDoc **ret_tree,
		  struct parse_why *why);

/* The n-th part's name, NULL after the last. */
const char *archive_name(struct archive *archive, unsigned n);

/*
 * What a relationship of an office document points to: `part` is whose it is ("word/document.xml"),
 * `id` its r:id. The name in *ret_name (arena); ERR_NOT_FOUND, also for what is outside.
 */
err_t archive_related(struct archive *archive, const char *part, struct bytes id,
		      struct arena *arena, char **ret_name);

/* An image among the parts, as an asset of the document; NULL when it is none. */
struct document_asset *archive_image(struct archive *archive, struct builder *builder,
				     const char *name);

/* "../media/a.png" seen from "ppt/slides/slide1.xml"; in the arena, NULL when it leaves the top. */
char *archive_resolve(struct arena *arena, const char *from, struct bytes to);

#endif
