#include "rag/retrieve/postings_internal.h"

#include <stdlib.h>

struct kept_postings {
	uint32_t slots, live_count, stems, keys;
	uint64_t rows, total[FIELD_COUNT];
};

struct kept_stem {
	uint32_t key_len, count, live, zero;
};

static bool is_kept(const struct stem *stem)
{
	return stem->live > 0;
}

void postings_put(const struct postings *p, struct image_writer *w)
{
	struct kept_postings head = { .slots = p->slots, .live_count = p->live_count };

	memcpy(head.total, p->total, sizeof head.total);
	map_for_each (&p->stems, slot) {
		const struct stem *stem = slot->value;

		if (!is_kept(stem))
			continue;
		head.stems++;
		head.rows += stem->count;
		head.keys += (uint32_t)slot->key_len;
	}
	image_put(w, &head, sizeof head, 1);
	image_put(w, p->lengths, sizeof *p->lengths, p->slots);
	image_put(w, p->live, sizeof *p->live, (p->slots + 63) / 64);
	image_put(w, NULL, sizeof(struct kept_stem), 0);
	map_for_each (&p->stems, slot) {
		const struct stem *stem = slot->value;
		struct kept_stem kept = { (uint32_t)slot->key_len, stem->count, stem->live, 0 };

		if (is_kept(stem))
			image_put_more(w, &kept, sizeof kept);
	}
	map_for_each (&p->stems, slot)
		if (is_kept(slot->value))
			image_put_more(w, slot->key, slot->key_len);
	image_put(w, NULL, sizeof(struct posting), 0);
	map_for_each (&p->stems, slot) {
		const struct stem *stem = slot->value;

		if (is_kept(stem))
			image_put_more(w, stem->at, stem->count * sizeof *stem->at);
	}
}

/* Rows by slot, each below the slots there are. */
static bool rows_are_sound(const struct posting *at, uint32_t count, uint32_t slots)
{
	for (uint32_t i = 0; i < count; i++)
		if (at[i].slot >= slots || (i && at[i].slot <= at[i - 1].slot))
			return false;
	return true;
}

static err_t take_stems(struct postings *p, const struct kept_postings *head,
			struct image_cursor *c)
{
	const struct kept_stem *kept = image_take(c, sizeof *kept, head->stems);
	struct bytes keys = bytes_make(image_take(c, 1, head->keys), head->keys);
	struct posting *rows = image_take(c, sizeof *rows, head->rows);
	uint64_t key_at = 0, row_at = 0;

	p->taken = calloc(head->stems + 1u, sizeof *p->taken);
	if (c->bad || !p->taken)
		return c->bad ? ERR_SYNTAX : ERR_NOMEM;
	p->taken_count = head->stems;
	for (uint32_t i = 0; i < head->stems; i++) {
		struct bytes key = image_range(c, keys, key_at, kept[i].key_len);
		struct stem *stem = &p->taken[i];

		if (c->bad || key.len == 0 || kept[i].count > head->rows - row_at ||
		    kept[i].live > kept[i].count ||
		    !rows_are_sound(rows + row_at, kept[i].count, p->slots))
			return ERR_SYNTAX;
		*stem = (struct stem){ rows + row_at, kept[i].count, 0, kept[i].live };
		TRY(map_put(&p->stems, key, stem, NULL));
		key_at += key.len;
		row_at += kept[i].count;
	}
	return p->stems.count == head->stems ? ERR_OK : ERR_SYNTAX;
}

static err_t take_slots(struct postings *p, const struct kept_postings *head,
			struct image_cursor *c)
{
	const struct lengths *lengths = image_take(c, sizeof *lengths, head->slots);
	const uint64_t *live = image_take(c, sizeof *live, (head->slots + (size_t)63) / 64);

	if (c->bad || head->live_count > head->slots)
		return ERR_SYNTAX;
	while (p->cap <= head->slots) {
		p->slots = p->cap;
		TRY(postings_grow(p));
	}
	p->slots = head->slots;
	p->live_count = head->live_count;
	memcpy(p->total, head->total, sizeof p->total);
	if (head->slots == 0)
		return ERR_OK;
	memcpy(p->lengths, lengths, head->slots * sizeof *lengths);
	memcpy(p->live, live, (head->slots + 63) / 64 * sizeof *live);
	return ERR_OK;
}

err_t postings_take(const struct postings_tuning *tuning, struct image_cursor *c,
		    struct postings **ret_postings)
{
	const struct kept_postings *head = image_take(c, sizeof *head, 1);
	struct postings *p;
	err_t err;

	if (!head)
		return ERR_SYNTAX;
	TRY(postings_create(tuning, &p));
	err = take_slots(p, head, c);
	if (!err)
		err = take_stems(p, head, c);
	if (err) {
		postings_destroy(p);
		return err;
	}
	*ret_postings = p;
	return ERR_OK;
}
