/*
 * What retrieval reads from others: a filter, a question's text, what comes with it, a model's
 * words, engines' answers. The first byte chooses which.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rag/answer/ground.h"
#include "rag/api/openai.h"
#include "rag/engines/engine.h"
#include "rag/engines/neo4j_wire.h"
#include "rag/graph/extract.h"
#include "rag/model/link_filter.h"
#include "rag/retrieve/filter.h"
#include "rag/retrieve/items.h"
#include "rag/retrieve/postings.h"
#include "rag/retrieve/vector.h"
#include "rag/text/command.h"
#include "rag/text/whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_picture(void *owner, const json_t *item, struct text *out)
{
	(void)owner;
	(void)item;
	(void)out;
}

static void json(struct bytes in)
{
	static const struct passage passage = { .document = { "doc_1", 5 } };
	json_t *root = json_loadb(in.at, in.len, 0, NULL);
	struct text why = TEXT_INIT(4096), out = TEXT_INIT(1 << 20);
	double scores[8];
	char field[80], code[80];
	unsigned dimensions;
	float *values;

	if (filter_check(root, field, &why) == ERR_OK)
		(void)filter_passes(root, &passage, root);
	if (items_check(root, field, &why) == ERR_OK)
		items_words(root, no_picture, NULL, &out);
	if (embed_read(root, 2, &values, &dimensions) == ERR_OK)
		free(values);
	(void)rerank_read(root, 8, scores);
	(void)neo4j_outcome(202, root, code);
	(void)neo4j_number(root);
	for (size_t column = 0; column < NEO4J_COLUMNS; column++)
		(void)neo4j_value(root, NEO4J_COLUMNS, 1, column);
	text_fini(&why);
	text_fini(&out);
	json_decref(root);
}

static void completions(struct bytes in)
{
	const struct chat_request_parts parts = { .body = in,
						  .content_type = BYTES("application/json") };
	struct chat_request read;
	struct fault fault;

	if (completions_request_read(&parts, &read, &fault) == ERR_OK) {
		if (read.message.len == 0)
			abort();
		chat_request_fini(&read);
	}
	if (multimodal_request_read(&parts, &read, &fault) == ERR_OK)
		chat_request_fini(&read);
}

/* Added and taken out again, nothing is left; the pieces lie in the text. */
static void text(struct bytes in)
{
	const struct passage passage = { .id = BYTES("chk_1"), .body = in };
	const struct postings_text fields = { .field = { [FIELD_BODY] = in } };
	struct vector_table *table = calloc(1, sizeof *table);
	struct vector *vector = malloc(sizeof *vector);
	struct text out = TEXT_INIT(1 << 22);
	struct postings_words *words;
	struct postings *postings;
	struct extract *extract;
	struct whole whole;
	struct graph *graph;
	uint32_t slot;
	bool any;

	for (size_t at = 0; whole_next(in, &at, &whole);)
		if (whole.from >= whole.to || whole.to > in.len || at < whole.to)
			abort();
	(void)command_in(in);
	command_disarm(&out, in);
	(void)neo4j_base(&out, in, &any);
	if (vector_count(table, in))
		abort();
	vector_table_ready(table);
	if (vector_make(table, in, vector))
		abort();
	if (postings_create(&postings_tuning_default, &postings) || graph_create(&graph))
		abort();
	if (postings_read(&fields, &words) || extract_passage(&passage, &extract))
		abort();
	if (postings_add(postings, words, &slot) || graph_add(graph, extract, slot))
		abort();
	if (in.len % 2)
		postings_remove(postings, slot, words);
	else
		postings_remove_text(postings, slot, &fields);
	free(words);
	free(extract);
	graph_remove(graph, slot);
	if (postings_live(postings) || graph_entities(graph) || graph_relations(graph))
		abort();
	postings_destroy(postings);
	graph_destroy(graph);
	text_fini(&out);
	free(table);
	free(vector);
}

static void count(void *owner, const struct ground_verdict *verdict)
{
	*(unsigned *)owner += 1 + verdict->cites % 2;
}

/* However a model's words are cut, what passes and what is found of it stays the same. */
static void words(struct bytes in, size_t step)
{
	static const struct passage passage = { .body = { "The dose is 5 mg.", 17 } };
	static const struct answer answer = { .references = { { .passage = &passage } },
					      .reference_count = 1 };
	struct text whole = TEXT_INIT(1 << 22), cut = TEXT_INIT(1 << 22);
	struct link_filter a = { .bang = false }, b = { .bang = false };
	unsigned found_a = 0, found_b = 0;
	struct ground ga, gb;

	ground_init(&ga, &answer);
	ground_init(&gb, &answer);
	link_filter_feed(&a, in, &whole);
	link_filter_end(&a, &whole);
	ground_feed(&ga, in, count, &found_a);
	for (size_t at = 0; at < in.len; at += step) {
		struct bytes piece = bytes_make(in.at + at, size_min(step, in.len - at));

		link_filter_feed(&b, piece, &cut);
		ground_feed(&gb, piece, count, &found_b);
	}
	link_filter_end(&b, &cut);
	ground_end(&ga, count, &found_a);
	ground_end(&gb, count, &found_b);
	if (!bytes_eq(text_bytes(&whole), text_bytes(&cut)) || found_a != found_b)
		abort();
	ground_fini(&ga);
	ground_fini(&gb);
	text_fini(&whole);
	text_fini(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size < 2)
		return 0;
	in = bytes_make(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: json(in); break;
	case 1: completions(in); break;
	case 2: text(in); break;
	default: words(in, 1 + data[0] / 4 % 13u); break;
	}
	return 0;
}
