/*
 * postings: which words stand in which text, and how well texts fit a search: BM25F over fields.
 * Memory only. Not thread-safe: the corpus above has the lock.
 *
 * It can be put in a file and taken from it again: then its rows lie in the file's memory until
 * they grow.
 *
 * Texts are numbered by slots that only grow. A removed text's postings stay until the index is
 * built anew, and its frequencies are taken back at once, so that scores are those of an index
 * that never had it.
 */
#ifndef RAG_RETRIEVE_POSTINGS_H
#define RAG_RETRIEVE_POSTINGS_H

#include "base/text.h"
#include "rag/store/image.h"

enum postings_field {
	FIELD_TITLE,
	FIELD_SECTION,
	FIELD_CONTEXT, /* what the document says of itself: subject, names, tags */
	FIELD_BODY,
	FIELD_COUNT,
};

/* BM25F (Robertson, Zaragoza, Taylor 2004): k1 and b as published, fields weighed 2/2/2/1. */
struct postings_tuning {
	float k1, b, weight[FIELD_COUNT];
};
extern const struct postings_tuning postings_tuning_default;

struct postings;

struct postings_text {
	struct bytes field[FIELD_COUNT];
};

struct postings_hit {
	uint32_t slot;
	float score;
};

/* One wish of a search: any of the forms fulfils it, each in its own measure. */
struct postings_form {
	struct bytes stem;
	float weight;
};
struct postings_wish {
	const struct postings_form *forms;
	unsigned form_count;
	float weight; /* times what BM25 gives it */
};

err_t postings_create(const struct postings_tuning *tuning, struct postings **ret_postings);
void postings_destroy(struct postings *postings); /* NULL is welcome */

void postings_put(const struct postings *postings, struct image_writer *writer);
/* What postings_put put. The image outlives it. ERR_SYNTAX: that is not there, or cannot be. */
err_t postings_take(const struct postings_tuning *tuning, struct image_cursor *cursor,
		    struct postings **ret_postings);

/*
 * What the index keeps of a text: reading it is most of the work, needs no index and no lock.
 * malloc'ed. ERR_NOMEM.
 */
struct postings_words;
err_t postings_read(const struct postings_text *text, struct postings_words **ret_words);

/* The text gets the next slot. On ERR_NOMEM the index is as before, but for its memory. */
err_t postings_add(struct postings *postings, const struct postings_words *words,
		   uint32_t *ret_slot);
/* The same text that was added there; its slot is dead from here on. */
void postings_remove(struct postings *postings, uint32_t slot, const struct postings_words *words);
/* The same where nothing may fail: reads the text as it goes. */
void postings_remove_text(struct postings *postings, uint32_t slot,
			  const struct postings_text *text);

uint32_t postings_slots(const struct postings *postings); /* dead ones too */
uint32_t postings_live(const struct postings *postings);
bool postings_is_live(const struct postings *postings, uint32_t slot);

/* In how many live texts the stem occurs. */
uint32_t postings_frequency(const struct postings *postings, struct bytes stem);

/* The stems that begin with this byte and occur, in no order; false from `each` ends it. */
typedef bool (*postings_stem_fn)(void *owner, struct bytes stem, uint32_t texts);
void postings_stems(const struct postings *postings, char first, postings_stem_fn each,
		    void *owner);

/*
 * The best `limit` live texts that hold any of the wishes, best first (equal scores: lower slot
 * first). `allowed` is a bit set over slots, or NULL for all. `hits` has room for `limit`.
 */
err_t postings_search(const struct postings *postings, const struct postings_wish *wishes,
		      unsigned count, const uint64_t *allowed, struct postings_hit *hits,
		      unsigned limit, unsigned *ret_count);

static inline bool bit_is_set(const uint64_t *bits, uint32_t at)
{
	return bits[at / 64] >> (at % 64) & 1;
}

static inline void bit_set(uint64_t *bits, uint32_t at)
{
	bits[at / 64] |= UINT64_C(1) << (at % 64);
}

#endif
