/*
 * passage: one piece of a document that is ranked, quoted and cited. What is cut from documents,
 * kept by the library, told to indexes and found by them is this one record.
 *
 * Slices are borrowed: valid as long as whoever handed the record out says.
 */
#ifndef STORE_PASSAGE_H
#define STORE_PASSAGE_H

#include "base/bytes.h"

/* Stored as numbers: rows are only ever appended to. */
enum passage_kind {
	PASSAGE_TEXT,
	PASSAGE_TABLE,	  /* body: "header: value; …" lines; item has the rows */
	PASSAGE_IMAGE,	  /* body: caption, text read in it, and what stands around it */
	PASSAGE_EQUATION, /* body: the equation in words or LaTeX, and what stands around it */
	PASSAGE_CODE,
	PASSAGE_BOXED, /* a boxed warning: never cut, whatever its length up to 1 200 words */
	PASSAGE_KINDS,
};

struct passage {
	/*
	 * "chk_…", unique in a generation. Made of the document's key, the section's path and the
	 * words, so it stays the same over replacements and reindexing as long as these do, and
	 * names the same words wherever it is seen.
	 */
	struct bytes id;
	struct bytes document; /* "doc_…" */
	struct bytes title;    /* of the document */
	struct bytes file;     /* its key: path below the folder, name it was uploaded under, … */
	struct bytes section;  /* "Dose › Children"; "" before the first heading */
	struct bytes code;     /* LOINC code of the nearest coded section ("34084-4"), or "" */
	struct bytes source;   /* where the document says it is from, for people; may be "" */
	struct bytes category; /* may be "" */
	struct bytes subject;  /* the drug or thing it is about ("atorvastatin calcium"), or "" */
	/*
	 * Of the document: {"tags":["…"],"metadata":{"key":value,…}}, or "". What filters look at.
	 * For labels metadata has set_id, version, labeler, ndc, ingredients, effective, ….
	 */
	struct bytes metadata;
	/*
	 * Of a table, image or equation, else "": {"caption":"…","footnote":"…","asset_id":"ast_…",
	 * "rows":[["header",…],["cell",…],…],"latex":"…"}; members that do not apply are left out.
	 */
	struct bytes item;
	struct bytes body; /* UTF-8. Of PASSAGE_TEXT, _BOXED and _CODE: verbatim from the document's
			      text, char_from … char_to */
	enum passage_kind kind;
	uint32_t ordinal;	     /* its place among the passages of its document, from 0 */
	uint32_t words;		     /* in body */
	uint32_t page_from, page_to; /* from 1; 0 when the format has no pages */
	uint64_t char_from, char_to; /* in the document's text, in characters (code points) */
	double score; /* of a search, else 0: higher is better; above 0 but for very common words */
};

#endif
