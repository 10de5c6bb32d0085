#include "rag/chunk/chunk.h"

#include "rag/text/sentence.h"
#include "rag/text/words.h"

struct cutter {
	const struct document *document;
	chunk_each_fn each;
	void *owner;
	size_t counted_to,
		counted_chars; /* characters are counted once, as passages come in order */
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

static err_t emit(struct cutter *c, const struct document_section *section, size_t from, size_t to)
{
	struct bytes body = bytes_make(section->body.at + from, to - from);
	struct chunk chunk = {
		.section = section,
		.body = body,
		.from = (size_t)(body.at - c->document->text.at),
		.words = words_count(body),
	};

	chunk.char_from = characters_at(c, chunk.from);
	return chunk.words ? c->each(c->owner, &chunk) : ERR_OK;
}

static err_t cut_section(struct cutter *c, const struct document_section *section)
{
	struct bytes body = section->body;
	size_t from = 0, at = 0, end = 0; /* the passage being gathered: from … end */
	unsigned words = 0;
	struct span sentence, last = { 0, 0 };
	unsigned last_words = 0;

	if (words_count(body) <= CHUNK_WORDS_MAX)
		return emit(c, section, 0, body.len);

	while (sentence_next(body, &at, &sentence)) {
		unsigned n = words_count(
			bytes_make(body.at + sentence.from, sentence.to - sentence.from));

		if (words > 0 && words + n > CHUNK_WORDS_TARGET) {
			TRY(emit(c, section, from, end));
			from = last_words <= CHUNK_WORDS_OVERLAP ? last.from : sentence.from;
			words = last_words <= CHUNK_WORDS_OVERLAP ? last_words : 0;
		}
		end = sentence.to;
		words += n;
		last = sentence;
		last_words = n;
	}
	return end > from ? emit(c, section, from, end) : ERR_OK;
}

err_t chunk_document(const struct document *document, chunk_each_fn each, void *owner)
{
	struct cutter c = { .document = document, .each = each, .owner = owner };

	for (const struct document_section *s = document->sections; s; s = s->next)
		TRY(cut_section(&c, s));
	return ERR_OK;
}
