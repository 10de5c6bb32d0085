#include "rag/retrieve/postings_internal.h"

#include <math.h>
#include <stdlib.h>

#include "rag/text/whole.h"
#include "rag/text/words.h"

enum {
	TF_MAX = 255,
	LENGTH_MAX = 65535,
	PACKED_MAX = 1 << 30,
};

const struct postings_tuning postings_tuning_default = {
	.k1 = 1.2f,
	.b = 0.75f,
	.weight = { 2, 2, 2, 1 },
};

err_t postings_create(const struct postings_tuning *tuning, struct postings **ret_postings)
{
	struct postings *p = calloc(1, sizeof *p);

	if (!p)
		return ERR_NOMEM;
	p->tuning = *tuning;
	*ret_postings = p;
	return ERR_OK;
}

void postings_destroy(struct postings *p)
{
	if (!p)
		return;
	map_for_each (&p->stems, slot) {
		struct stem *stem = slot->value;

		if (stem->cap)
			free(stem->at);
		if (!p->taken || stem < p->taken || stem >= p->taken + p->taken_count)
			free(stem);
	}
	map_fini(&p->stems);
	free(p->taken);
	free(p->lengths);
	free(p->live);
	free(p);
}

/* ---- Room ---- */

err_t postings_grow(struct postings *p)
{
	uint32_t cap = p->cap ? p->cap * 2 : 256;
	struct lengths *lengths;
	uint64_t *live;

	if (p->slots < p->cap)
		return ERR_OK;
	lengths = realloc(p->lengths, cap * sizeof *lengths);
	if (!lengths)
		return ERR_NOMEM;
	p->lengths = lengths;
	live = realloc(p->live, cap / 64 * sizeof *live);
	if (!live)
		return ERR_NOMEM;
	memset(live + p->cap / 64, 0, (cap - p->cap) / 64 * sizeof *live);
	p->live = live;
	p->cap = cap;
	return ERR_OK;
}

static struct stem *stem_get(struct postings *p, struct bytes text)
{
	struct stem *stem = map_get(&p->stems, text);

	if (stem)
		return stem;
	stem = calloc(1, sizeof *stem);
	if (!stem || map_put(&p->stems, text, stem, NULL)) {
		free(stem);
		return NULL;
	}
	return stem;
}

/* Room for one more; rows that lie in an image move out of it. */
static err_t stem_grow(struct stem *stem)
{
	uint32_t cap = stem->count < 2 ? 2 : stem->count * 2;
	struct posting *more;

	if (stem->count < stem->cap)
		return ERR_OK;
	more = realloc(stem->cap ? stem->at : NULL, cap * sizeof *more);
	if (!more)
		return ERR_NOMEM;
	if (!stem->cap && stem->count)
		memcpy(more, stem->at, stem->count * sizeof *more);
	stem->at = more;
	stem->cap = cap;
	return ERR_OK;
}

/* ---- What the index keeps of a text ---- */

/* `bytes` of field, length and letters, word by word; words that come again are there again. */
struct postings_words {
	uint16_t lengths[FIELD_COUNT];
	size_t bytes;
	char at[];
};

typedef void (*word_fn)(void *owner, unsigned field, struct bytes text);

/* Calls `each` for what the index keeps of a field; returns how many words that field has. */
static uint16_t each_word(unsigned field, struct bytes text, word_fn each, void *owner)
{
	unsigned count = 0;
	struct whole whole;
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);) {
		if (word.is_stop || word.stem_len == 0)
			continue;
		count++;
		each(owner, field, word_stem(&word));
	}
	for (size_t at = 0; whole_next(text, &at, &whole);)
		each(owner, field, bytes_of(whole.text));
	return (uint16_t)(count < LENGTH_MAX ? count : LENGTH_MAX);
}

static void pack_word(void *owner, unsigned field, struct bytes text)
{
	struct text *out = owner;

	text_add_char(out, (char)field);
	text_add_char(out, (char)text.len);
	text_add(out, text);
}

_Static_assert(WORD_STEM_MAX <= UINT8_MAX && WHOLE_MAX <= UINT8_MAX, "a byte tells its length");

err_t postings_read(const struct postings_text *text, struct postings_words **ret_words)
{
	struct text packed = TEXT_INIT(PACKED_MAX);
	uint16_t lengths[FIELD_COUNT];
	struct postings_words *words;
	err_t err;

	for (unsigned f = 0; f < FIELD_COUNT; f++)
		lengths[f] = each_word(f, text->field[f], pack_word, &packed);
	err = text_err(&packed);
	words = err ? NULL : malloc(sizeof *words + packed.len);
	if (words) {
		memcpy(words->lengths, lengths, sizeof lengths);
		words->bytes = packed.len;
		memcpy(words->at, text_str(&packed), packed.len);
		*ret_words = words;
	}
	text_fini(&packed);
	return words ? ERR_OK : ERR_NOMEM;
}

/* False after the last. */
static bool next_word(const struct postings_words *words, size_t *at, unsigned *ret_field,
		      struct bytes *ret_text)
{
	const char *here = words->at + *at;

	if (*at == words->bytes)
		return false;
	*ret_field = (uint8_t)here[0];
	*ret_text = bytes_make(here + 2, (uint8_t)here[1]);
	*at += 2 + ret_text->len;
	return true;
}

/* ---- Adding and removing words ---- */

static err_t count_word(struct postings *p, uint32_t slot, unsigned field, struct bytes text)
{
	struct stem *stem = stem_get(p, text);
	struct posting *last;

	if (!stem)
		return ERR_NOMEM;
	if (stem->count == 0 || stem->at[stem->count - 1].slot != slot) {
		TRY(stem_grow(stem));
		stem->at[stem->count++] = (struct posting){ .slot = slot };
		stem->live++;
	}
	last = &stem->at[stem->count - 1];
	last->tf[field] = (uint8_t)(last->tf[field] < TF_MAX ? last->tf[field] + 1 : TF_MAX);
	return ERR_OK;
}

static int by_slot(const void *key, const void *at)
{
	uint32_t slot = *(const uint32_t *)key, other = ((const struct posting *)at)->slot;

	return slot < other ? -1 : slot > other;
}

/* Each stem is taken back once, however often the text has it: its counts are zeroed. */
static void uncount_word(struct postings *p, uint32_t slot, struct bytes text)
{
	struct stem *stem = map_get(&p->stems, text);
	struct posting *at;

	if (!stem || stem->count == 0)
		return;
	at = bsearch(&slot, stem->at, stem->count, sizeof *stem->at, by_slot);
	if (!at || memcmp(at->tf, (uint8_t[FIELD_COUNT]){ 0 }, sizeof at->tf) == 0)
		return;
	memset(at->tf, 0, sizeof at->tf);
	stem->live--;
}

static void slot_begins(struct postings *p, const uint16_t lengths[FIELD_COUNT])
{
	for (unsigned f = 0; f < FIELD_COUNT; f++) {
		p->lengths[p->slots].of[f] = lengths[f];
		p->total[f] += lengths[f];
	}
	bit_set(p->live, p->slots++);
	p->live_count++;
}

static void slot_ends(struct postings *p, uint32_t slot)
{
	assert(postings_is_live(p, slot));
	p->live[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
	p->live_count--;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		p->total[f] -= p->lengths[slot].of[f];
}

err_t postings_add(struct postings *p, const struct postings_words *words, uint32_t *ret_slot)
{
	uint32_t slot = p->slots;
	struct bytes text;
	unsigned field;

	TRY(postings_grow(p));
	slot_begins(p, words->lengths);
	for (size_t at = 0; next_word(words, &at, &field, &text);) {
		err_t err = count_word(p, slot, field, text);

		if (err) { /* the slot stays dead; what was counted of it is taken back */
			postings_remove(p, slot, words);
			return err;
		}
	}
	*ret_slot = slot;
	return ERR_OK;
}

void postings_remove(struct postings *p, uint32_t slot, const struct postings_words *words)
{
	struct bytes text;
	unsigned field;

	slot_ends(p, slot);
	for (size_t at = 0; next_word(words, &at, &field, &text);)
		uncount_word(p, slot, text);
}

struct uncounting {
	struct postings *postings;
	uint32_t slot;
};

static void uncount(void *owner, unsigned field, struct bytes text)
{
	struct uncounting *u = owner;

	(void)field;
	uncount_word(u->postings, u->slot, text);
}

void postings_remove_text(struct postings *p, uint32_t slot, const struct postings_text *text)
{
	struct uncounting u = { p, slot };

	slot_ends(p, slot);
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		(void)each_word(f, text->field[f], uncount, &u);
}

/* ---- Reading ---- */

uint32_t postings_slots(const struct postings *p)
{
	return p->slots;
}

uint32_t postings_live(const struct postings *p)
{
	return p->live_count;
}

bool postings_is_live(const struct postings *p, uint32_t slot)
{
	return slot < p->slots && bit_is_set(p->live, slot);
}

uint32_t postings_frequency(const struct postings *p, struct bytes stem)
{
	const struct stem *found = stem.len ? map_get(&p->stems, stem) : NULL;

	return found ? found->live : 0;
}

void postings_stems(const struct postings *p, char first, postings_stem_fn each, void *owner)
{
	map_for_each (&p->stems, slot) {
		const struct stem *stem = slot->value;

		if (slot->key[0] != first || stem->live == 0)
			continue;
		if (!each(owner, bytes_make(slot->key, slot->key_len), stem->live))
			return;
	}
}

/* ---- Searching ---- */

struct search {
	const struct postings *p;
	const uint64_t *allowed;
	float average[FIELD_COUNT];
	float *score, *wish;  /* per slot */
	uint32_t *touched;    /* slots with a score, in no order */
	uint32_t *wish_slots; /* slots the present wish has met */
	uint32_t touched_count, wish_count;
};

static float frequency_in(const struct search *s, const struct posting *at)
{
	const struct postings_tuning *t = &s->p->tuning;
	const struct lengths *lengths = &s->p->lengths[at->slot];
	float tf = 0;

	for (unsigned f = 0; f < FIELD_COUNT; f++)
		if (at->tf[f])
			tf += t->weight[f] * (float)at->tf[f] /
			      (1 - t->b + t->b * (float)lengths->of[f] / s->average[f]);
	return tf;
}

static uint32_t meet_form(struct search *s, const struct postings_form *form)
{
	const struct stem *stem = form->stem.len ? map_get(&s->p->stems, form->stem) : NULL;

	if (!stem)
		return 0;
	for (uint32_t i = 0; i < stem->count; i++) {
		const struct posting *at = &stem->at[i];

		if (!bit_is_set(s->p->live, at->slot) ||
		    (s->allowed && !bit_is_set(s->allowed, at->slot)))
			continue;
		if (s->wish[at->slot] == 0)
			s->wish_slots[s->wish_count++] = at->slot;
		s->wish[at->slot] += form->weight * frequency_in(s, at);
	}
	return stem->live;
}

/* All forms of one wish together are one word to BM25, as common as the commonest of them. */
static void meet_wish(struct search *s, const struct postings_wish *wish)
{
	float total = (float)s->p->live_count, idf;
	uint32_t most = 0;

	s->wish_count = 0;
	for (unsigned f = 0; f < wish->form_count; f++) {
		uint32_t n = meet_form(s, &wish->forms[f]);

		most = n > most ? n : most;
	}
	idf = logf(1 + (total - (float)most + 0.5f) / ((float)most + 0.5f));
	for (uint32_t i = 0; i < s->wish_count; i++) {
		uint32_t slot = s->wish_slots[i];
		float tf = s->wish[slot];

		if (s->score[slot] == 0)
			s->touched[s->touched_count++] = slot;
		s->score[slot] += wish->weight * idf * tf * (s->p->tuning.k1 + 1) /
				  (tf + s->p->tuning.k1);
		s->wish[slot] = 0;
	}
}

static bool is_worse(const struct postings_hit *a, const struct postings_hit *b)
{
	return a->score != b->score ? a->score < b->score : a->slot > b->slot;
}

/* A heap whose root is the worst that is kept. */
static void sink(struct postings_hit *heap, unsigned count, unsigned at)
{
	for (;;) {
		unsigned child = 2 * at + 1;
		struct postings_hit held = heap[at];

		if (child >= count)
			return;
		if (child + 1 < count && is_worse(&heap[child + 1], &heap[child]))
			child++;
		if (!is_worse(&heap[child], &held))
			return;
		heap[at] = heap[child];
		heap[child] = held;
		at = child;
	}
}

static int best_first(const void *a, const void *b)
{
	return is_worse(a, b) ? 1 : -1;
}

static unsigned keep_best(const struct search *s, struct postings_hit *hits, unsigned limit)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < s->touched_count; i++) {
		struct postings_hit hit = { s->touched[i], s->score[s->touched[i]] };

		if (count < limit) {
			hits[count++] = hit;
			if (count == limit)
				for (unsigned k = limit / 2; k-- > 0;)
					sink(hits, limit, k);
		} else if (is_worse(&hits[0], &hit)) {
			hits[0] = hit;
			sink(hits, limit, 0);
		}
	}
	qsort(hits, count, sizeof *hits, best_first);
	return count;
}

static err_t search_init(struct search *s)
{
	uint32_t n = s->p->slots ? s->p->slots : 1;

	for (unsigned f = 0; f < FIELD_COUNT; f++) {
		s->average[f] = s->p->live_count ? (float)s->p->total[f] / (float)s->p->live_count
						 : 1;
		s->average[f] = s->average[f] > 0.5f ? s->average[f] : 0.5f;
	}
	s->score = calloc(n, sizeof *s->score);
	s->wish = calloc(n, sizeof *s->wish);
	s->touched = malloc(n * sizeof *s->touched);
	s->wish_slots = malloc(n * sizeof *s->wish_slots);
	return s->score && s->wish && s->touched && s->wish_slots ? ERR_OK : ERR_NOMEM;
}

err_t postings_search(const struct postings *p, const struct postings_wish *wishes, unsigned count,
		      const uint64_t *allowed, struct postings_hit *hits, unsigned limit,
		      unsigned *ret_count)
{
	struct search s = { .p = p, .allowed = allowed };
	err_t err = search_init(&s);

	if (!err) {
		for (unsigned i = 0; i < count; i++)
			meet_wish(&s, &wishes[i]);
		*ret_count = limit ? keep_best(&s, hits, limit) : 0;
	}
	free(s.score);
	free(s.wish);
	free(s.touched);
	free(s.wish_slots);
	return err;
}
