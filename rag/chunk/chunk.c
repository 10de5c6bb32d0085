#include "rag/chunk/chunk.h"

#include "base/encode.h"
#include "rag/text/sentence.h"
#include "rag/text/words.h"

enum { ITEM_MAX_BYTES = 4 * 1024 * 1024 };

struct cutter {
	const struct document *document;
	chunk_each_fn each;
	void *owner;
	uint32_t ordinal;
	/* characters are counted once, as passages come in order */
	size_t counted_to, counted_chars;
};

/* Some blocks that make one passage, or are cut into several: first … last of the list. */
struct run {
	const struct block *first, *last;
	struct bytes path; /* what their paths have in common */
	enum passage_kind kind;
	size_t from, to;
	unsigned words;
};

static size_t characters_at(struct cutter *c, size_t at)
{
	struct bytes text = c->document->text;

	if (at < c->counted_to) /* an overlap begins before what was counted */
		return c->counted_chars -
		       characters_before(bytes_from(text, at), c->counted_to - at);
	c->counted_chars += characters_before(bytes_from(text, c->counted_to), at - c->counted_to);
	c->counted_to = at;
	return c->counted_chars;
}

static err_t emit(struct cutter *c, struct passage *chunk, size_t from, size_t to)
{
	chunk->ordinal = c->ordinal;
	chunk->words = words_count(chunk->body);
	chunk->char_from = characters_at(c, from);
	chunk->char_to = chunk->char_from +
			 characters_before(bytes_from(c->document->text, from), to - from);
	if (chunk->words == 0)
		return ERR_OK;
	c->ordinal++;
	return c->each(c->owner, chunk);
}

static size_t end_of(const struct block *block)
{
	return block->from + block->text.len;
}

/* The passage of from … to of the text, which lie in the run. */
static err_t emit_range(struct cutter *c, const struct run *run, size_t from, size_t to)
{
	struct passage chunk = {
		.section = run->path,
		.code = run->first->code,
		.kind = run->kind,
		.body = bytes_make(c->document->text.at + from, to - from),
		.page_from = run->first->page,
		.page_to = run->last->page,
	};

	for (const struct block *b = run->first;; b = b->next) {
		if (b->from <= from)
			chunk.page_from = b->page;
		if (b->from < to)
			chunk.page_to = b->page;
		if (b == run->last)
			break;
	}
	return emit(c, &chunk, from, to);
}

/* ---- Running text ---- */

struct limits {
	unsigned target, max, overlap;
};

static err_t cut_run(struct cutter *c, const struct run *run, struct limits limits)
{
	struct bytes body = bytes_make(c->document->text.at + run->from, run->to - run->from);
	size_t from = 0, at = 0, end = 0; /* the passage being gathered: from … end */
	struct span sentence, last = { 0, 0 };
	unsigned words = 0, last_words = 0;

	if (run->words <= limits.max)
		return emit_range(c, run, run->from, run->to);
	while (sentence_next(body, &at, &sentence)) {
		unsigned n;

		if (body.at[sentence.to - 1] == ':') { /* a list stays with what leads to it */
			size_t list = sentence_list_end(body, sentence.to);

			if (words_count(bytes_make(body.at + sentence.from,
						   list - sentence.from)) <= limits.target)
				at = sentence.to = list;
		}
		n = words_count(bytes_make(body.at + sentence.from, sentence.to - sentence.from));
		while (n > limits.max) { /* a "sentence" without an end: cut it between words */
			size_t cut = sentence.from;

			for (unsigned i = 0; i < limits.target; i++) {
				struct word word;

				if (!words_next(body, &cut, &word))
					break;
			}
			if (end > from)
				TRY(emit_range(c, run, run->from + from, run->from + end));
			TRY(emit_range(c, run, run->from + sentence.from, run->from + cut));
			from = end = sentence.from = cut;
			words = last_words = 0;
			n = words_count(bytes_make(body.at + cut, sentence.to - cut));
		}
		if (words > 0 && words + n > limits.target) {
			TRY(emit_range(c, run, run->from + from, run->from + end));
			from = last_words <= limits.overlap ? last.from : sentence.from;
			words = last_words <= limits.overlap ? last_words : 0;
		}
		end = sentence.to;
		words += n;
		last = sentence;
		last_words = n;
	}
	return end > from ? emit_range(c, run, run->from + from, run->from + end) : ERR_OK;
}

/* How much of the two paths is the same, in whole headings; *ret_levels says how many. */
static size_t common_path(struct bytes a, struct bytes b, unsigned *ret_levels)
{
	const struct bytes mark = BYTES(" \xE2\x80\xBA ");
	size_t same = 0, at = 0;
	unsigned levels = 0;

	while (at <= a.len && at <= b.len) {
		size_t left = bytes_find(bytes_from(a, at), mark);
		size_t right = bytes_find(bytes_from(b, at), mark);
		struct bytes part_a = bytes_upto(bytes_from(a, at), left);
		struct bytes part_b = bytes_upto(bytes_from(b, at), right);

		if (!bytes_eq(part_a, part_b) || part_a.len == 0)
			break;
		same = at + part_a.len;
		levels++;
		if (left == SIZE_MAX || right == SIZE_MAX)
			break;
		at = same + mark.len;
	}
	*ret_levels = levels;
	return same;
}

static enum passage_kind kind_of(enum block_kind kind)
{
	return kind == BLOCK_BOXED  ? PASSAGE_BOXED
	       : kind == BLOCK_CODE ? PASSAGE_CODE
				    : PASSAGE_TEXT;
}

static bool is_running(const struct block *block)
{
	return block->kind == BLOCK_TEXT || block->kind == BLOCK_BOXED ||
	       block->kind == BLOCK_CODE || block->kind == BLOCK_OTHER;
}

static struct run run_of(const struct block *block)
{
	return (struct run){
		.first = block,
		.last = block,
		.path = block->path,
		.kind = kind_of(block->kind),
		.from = block->from,
		.to = end_of(block),
		.words = words_count(block->text),
	};
}

/* Whether the next block belongs to the run: the same section, or a small one deep below. */
static bool run_takes(struct run *run, const struct block *next, unsigned words)
{
	unsigned levels;
	size_t same;

	if (!is_running(next) || kind_of(next->kind) != run->kind)
		return false;
	if (bytes_eq(next->path, run->last->path) && bytes_eq(next->path, run->path))
		return true;
	same = common_path(run->path, next->path, &levels);
	if (levels < 2 || run->words + words > CHUNK_WORDS_TARGET)
		return false;
	run->path = bytes_upto(run->path, same);
	return true;
}

static err_t cut_sections(struct cutter *c, const struct block *block,
			  const struct block **ret_next)
{
	const struct limits usual = { CHUNK_WORDS_TARGET, CHUNK_WORDS_MAX, CHUNK_WORDS_OVERLAP };
	const struct limits boxed = { CHUNK_BOXED_WORDS, CHUNK_BOXED_WORDS, CHUNK_WORDS_OVERLAP };
	struct run run = run_of(block);
	const struct block *next = block->next;

	for (; next; next = next->next) {
		unsigned words = words_count(next->text);

		if (!run_takes(&run, next, words))
			break;
		run.last = next;
		run.to = end_of(next);
		run.words += words;
	}
	*ret_next = next;
	return cut_run(c, &run, run.kind == PASSAGE_BOXED ? boxed : usual);
}

/* ---- Items ---- */

static void member(struct text *out, const char *name, struct bytes value)
{
	if (value.len == 0)
		return;
	text_printf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

static void row_json(struct text *out, const struct table_row *row)
{
	text_add_char(out, '[');
	for (unsigned i = 0; i < row->count; i++) {
		text_add_str(out, i ? ",\"" : "\"");
		encode_json(out, row->cells[i]);
		text_add_char(out, '"');
	}
	text_add_char(out, ']');
}

static void item_begin(struct text *out, const struct block *block)
{
	text_add_char(out, '{');
	member(out, "caption", block->caption);
	member(out, "footnote", block->footnote);
	member(out, "latex", block->latex);
}

/* "Dose: 20 mg; Frequency: daily" */
static void row_words(struct text *out, const struct table_row *header, const struct table_row *row)
{
	bool first = true;

	for (unsigned i = 0; i < row->count; i++) {
		if (row->cells[i].len == 0)
			continue;
		text_add_str(out, first ? "" : "; ");
		first = false;
		if (row != header && i < header->count && header->cells[i].len &&
		    !bytes_eq(header->cells[i], row->cells[i])) {
			text_add(out, header->cells[i]);
			text_add_str(out, ": ");
		}
		text_add(out, row->cells[i]);
	}
	text_add_char(out, '\n');
}

static err_t emit_item(struct cutter *c, const struct block *block, enum passage_kind kind,
		       const struct text *body, struct text *item)
{
	struct passage chunk = {
		.section = block->path,
		.code = block->code,
		.kind = kind,
		.body = text_bytes(body),
		.item = text_bytes(item),
		.page_from = block->page,
		.page_to = block->page,
	};

	if (text_err(body))
		return text_err(body);
	if (text_err(item)) /* too much to show; what is searched is there all the same */
		chunk.item = BYTES_NONE;
	return emit(c, &chunk, block->from, end_of(block));
}

static err_t cut_table(struct cutter *c, const struct block *block)
{
	const struct table_row *header = block->rows, *row = header;
	struct text body = TEXT_INIT(DOCUMENT_MAX_BYTES), item = TEXT_INIT(ITEM_MAX_BYTES);
	err_t err = ERR_OK;

	if (header && header->next)
		row = header->next;
	while (row && !err) {
		unsigned rows = 0, words = 0;

		text_clear(&body);
		text_clear(&item);
		if (block->caption.len) {
			text_add(&body, block->caption);
			text_add_char(&body, '\n');
		}
		item_begin(&item, block);
		text_add_str(&item, item.len > 1 ? ",\"rows\":[" : "\"rows\":[");
		row_json(&item, header);
		for (; row && rows < CHUNK_TABLE_ROWS && words < CHUNK_WORDS_MAX; row = row->next) {
			size_t began = body.len;

			row_words(&body, header, row);
			words += words_count(bytes_make(body.at + began, body.len - began));
			rows++;
			if (row == header)
				continue;
			text_add_char(&item, ',');
			row_json(&item, row);
		}
		text_add_str(&item, "]}");
		if (!row && block->footnote.len)
			text_add(&body, block->footnote);
		err = emit_item(c, block, PASSAGE_TABLE, &body, &item);
	}
	text_fini(&body);
	text_fini(&item);
	return err;
}

/* The last or first words of a neighbouring block, between sentences where that is possible. */
static void context(struct text *out, const struct block *item, const struct block *near,
		    bool before)
{
	struct bytes text = near ? near->text : BYTES_NONE;
	struct span sentence, kept = { SIZE_MAX, 0 };
	unsigned words = 0, all;

	if (!near || !is_running(near) || !bytes_eq(near->path, item->path) ||
	    near->page > item->page + 1 || item->page > near->page + 1)
		return;
	all = words_count(text);
	for (size_t at = 0; sentence_next(text, &at, &sentence);) {
		unsigned n = words_count(
			bytes_make(text.at + sentence.from, sentence.to - sentence.from));

		if (before ? all - words <= CHUNK_CONTEXT_WORDS
			   : words + n <= CHUNK_CONTEXT_WORDS) {
			kept.from = size_min(kept.from, sentence.from);
			kept.to = sentence.to;
		}
		words += n;
	}
	if (kept.to) {
		text_add_str(out, out->len ? "\n" : "");
		text_add(out, bytes_make(text.at + kept.from, kept.to - kept.from));
	}
}

static err_t cut_item(struct cutter *c, const struct block *before, const struct block *block)
{
	struct text body = TEXT_INIT(DOCUMENT_MAX_BYTES), item = TEXT_INIT(ITEM_MAX_BYTES);
	enum passage_kind kind = block->kind == BLOCK_IMAGE ? PASSAGE_IMAGE : PASSAGE_EQUATION;
	err_t err;

	text_add(&body, block->text);
	context(&body, block, before, true);
	context(&body, block, block->next, false);
	item_begin(&item, block);
	if (block->asset)
		member(&item, "asset_id", block->asset->id);
	text_add_char(&item, '}');
	err = emit_item(c, block, kind, &body, &item);
	text_fini(&body);
	text_fini(&item);
	return err;
}

/* ---- The whole ---- */

static err_t cut_fixed(struct cutter *c)
{
	const struct limits fixed = { CHUNK_FIXED_WORDS, CHUNK_FIXED_WORDS, CHUNK_FIXED_OVERLAP };
	struct run run;

	if (!c->document->blocks)
		return ERR_OK;
	run = run_of(c->document->blocks);
	for (const struct block *b = run.first->next; b; b = b->next) {
		run.last = b;
		run.words += words_count(b->text);
	}
	run.to = end_of(run.last);
	return cut_run(c, &run, fixed);
}

err_t chunk_document(const struct document *document, enum chunk_strategy strategy,
		     chunk_each_fn each, void *owner)
{
	struct cutter c = { .document = document, .each = each, .owner = owner };
	const struct block *before = NULL, *next;

	if (strategy == CHUNK_FIXED)
		return cut_fixed(&c);
	for (const struct block *b = document->blocks; b; b = next) {
		next = b->next;
		if (is_running(b))
			TRY(cut_sections(&c, b, &next));
		else if (b->kind == BLOCK_TABLE && b->rows)
			TRY(cut_table(&c, b));
		else
			TRY(cut_item(&c, before, b));
		before = b;
	}
	return ERR_OK;
}
