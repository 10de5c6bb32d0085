#include "rag/api/retrieval.h"

#include <stdlib.h>

#include "base/encode.h"
#include "net/clock.h"
#include "rag/engines/embedder.h"
#include "rag/engines/neo4j.h"
#include "rag/retrieve/items.h"
#include "rag/retrieve/told.h"

enum {
	ARENA_MAX_BYTES = 8 * 1024 * 1024,
	NEAR_MAX = 200, /* that a database proposes */
};

struct running {
	struct retrieval result; /* what the outside sees */
	struct blocking_job job;
	struct arena arena;
	struct corpus *corpus;
	struct embedder *embedder;
	struct neo4j *neo4j;
	struct engine *embed_questions, *rerank, *vlm;
	json_t *items;
	struct text wanted;  /* the question and the words of what came with it */
	struct dense *dense; /* of the question */
	struct bytes message, previous;
	json_t *filter;
	enum retrieve_mode mode;
	struct question question;
	struct evidence evidence;
	struct retrieve_told told_named, told_touched;
	unsigned top;
	double score_min;
	bool no_rerank, for_model, over;
	void (*on_done)(void *owner, struct retrieval *done); /* NULL once nobody waits */
	void *owner;
};

/* No sentence for a reader who gets no answer: what was taken for what did not help. */
static void tell_spelling(struct running *r)
{
	struct text words = TEXT_INIT(sizeof r->result.spelling);

	for (unsigned i = 0; i < r->evidence.repair_count; i++)
		text_printf(&words, "%sNo document has \"%.*s\"; this is about \"%.*s\".",
			    i ? " " : "", BYTES_ARG(r->evidence.repairs[i].typed),
			    BYTES_ARG(r->evidence.repairs[i].taken));
	if (!text_err(&words) && words.len < sizeof r->result.spelling)
		memcpy(r->result.spelling, text_str(&words), words.len + 1);
	text_fini(&words);
}

struct asset_search {
	struct bytes id;
	struct text *out;
};

/* A passage that shows the asset says what it is. */
static bool on_asset(void *owner, struct corpus_entry *entry)
{
	struct asset_search *search = owner;

	if (entry->passage.item.len == 0 || bytes_find(entry->passage.item, search->id) == SIZE_MAX)
		return true;
	text_add(search->out, utf8_clip(entry->passage.body, 1000));
	text_add_str(search->out, ". ");
	return false;
}

static void on_picture(void *owner, const json_t *item, struct text *out)
{
	struct running *r = owner;
	const json_t *asset = json_object_get(item, "asset_id"),
		     *data = json_object_get(item, "data");
	const json_t *type = json_object_get(item, "media_type");
	struct generation *g = asset ? corpus_read(r->corpus) : NULL;
	char *words;

	if (g) {
		struct asset_search search = {
			bytes_make(json_string_value(asset), json_string_length(asset)), out
		};

		if (search.id.len)
			generation_each(g, on_asset, &search);
		corpus_read_end(r->corpus, g);
	}
	if (!data || !r->vlm)
		return;
	if (engine_describe(r->vlm, r->message,
			    bytes_make(json_string_value(type), json_string_length(type)),
			    bytes_make(json_string_value(data), json_string_length(data)),
			    &words)) {
		r->result.vlm_failed = true;
		return;
	}
	text_add_str(out, words);
	text_add_str(out, ". ");
	free(words);
}

/* What is looked for: the question, and the words of what came with it. */
static struct bytes wanted_of(struct running *r)
{
	if (!r->items)
		return r->message;
	text_add(&r->wanted, r->message);
	text_add_str(&r->wanted, "\n");
	items_words(r->items, on_picture, r, &r->wanted);
	return text_err(&r->wanted) ? r->message : text_bytes(&r->wanted);
}

/* Without an engine's vector the hashed one stands in. */
static void embed(struct running *r, struct bytes wanted)
{
	if (!r->embedder || r->mode == MODE_LEXICAL || r->mode == MODE_BYPASS)
		return;
	r->result.embeddings_failed = embedder_question(r->embedder, r->embed_questions, wanted,
							&r->dense) != ERR_OK;
}

/*
 * Where the database compares vectors itself it says which are nearest. A filter's documents are
 * compared here: the nearest of all might be none of them.
 */
static void find_near(struct running *r, struct retrieve_options *options)
{
	struct retrieve_hint *near;
	unsigned count;

	if (!r->dense || r->filter ||
	    embedder_near(r->embedder, r->dense, NEAR_MAX, &r->arena, &near, &count))
		return;
	options->near = near;
	options->near_count = count;
}

/* Strongest relations of the kinds asked about, or, when it says nothing of those, of any. */
static err_t read_touched(struct running *r, const struct told_keys *keys,
			  struct retrieve_told *told)
{
	const unsigned last = 1u << RELATION_RELATED;
	struct neo4j_question question = { .keys = keys->touched,
					   .count = keys->touched_count,
					   .by_kind = true,
					   .kinds = links_kinds(r->question.intent) };

	/* A filter may leave nothing of the kinds asked about: then the others are needed too. */
	if (question.kinds && r->filter)
		question.kinds |= last;
	if (question.kinds)
		TRY(neo4j_read(r->neo4j, &question, &r->arena, told));
	if (told->count)
		return ERR_OK;
	question.kinds = last;
	return neo4j_read(r->neo4j, &question, &r->arena, told);
}

/* Where the graph is read elsewhere: what is said there, or our own when nobody answers. */
static err_t find_told(struct running *r, struct retrieve_options *options)
{
	struct told_keys *keys;
	bool local, global;

	retrieve_reads_graph(r->mode, &local, &global);
	if (!r->neo4j || (!local && !global))
		return ERR_OK;
	keys = arena_new(&r->arena, struct told_keys);
	if (!keys)
		return ERR_NOMEM;
	TRY(told_keys_find(r->corpus, &r->question, options, &r->arena, keys));
	if (keys->named_count) {
		const struct neo4j_question named = { .keys = keys->named,
						      .count = keys->named_count };

		if (neo4j_read(r->neo4j, &named, &r->arena, &r->told_named))
			r->result.graph_failed = true;
		else
			options->told_named = &r->told_named;
	}
	if (keys->touched_count) {
		if (read_touched(r, keys, &r->told_touched))
			r->result.graph_failed = true;
		else
			options->told_touched = &r->told_touched;
	}
	return ERR_OK;
}

/* Without the reranker our own order stays. */
static void rerank(struct running *r)
{
	struct bytes texts[RETRIEVE_TOP_MAX];
	double scores[RETRIEVE_TOP_MAX];
	unsigned count = r->evidence.ranked_count;
	uint64_t began_us = clock_mono_us();

	if (!r->rerank || r->no_rerank || count < 2)
		return;
	for (unsigned i = 0; i < count; i++)
		texts[i] = r->evidence.ranked[i].passage.body;
	if (engine_rerank(r->rerank, r->message, texts, count, scores) == ERR_OK)
		evidence_reorder(&r->evidence, scores, r->items != NULL);
	else
		r->result.rerank_failed = true;
	r->result.rerank_us = clock_mono_us() - began_us;
}

static err_t find(struct running *r)
{
	struct answer *answer = &r->result.answer;

	struct retrieve_options options = {
		.mode = r->mode,
		.top = r->top,
		.filter = r->filter,
		.text = r->message,
		.previous = r->previous,
		.score_min = r->score_min,
		.no_rerank = r->no_rerank,
		.loose = r->items != NULL,
	};
	uint64_t began_us = clock_mono_us();

	options.text = wanted_of(r);
	embed(r, options.text);
	options.dense = r->dense;
	find_near(r, &options);
	question_read(options.text, r->previous, &r->question);
	TRY(find_told(r, &options));
	TRY(retrieve(r->corpus, &r->question, &options, &r->arena, &r->evidence));
	rerank(r);
	r->result.took_us = clock_mono_us() - began_us;
	r->result.generation = r->evidence.generation;
	TRY(answer_extract(&r->question, &r->evidence, &r->arena, answer));
	for (unsigned i = 0; i < answer->reference_count; i++)
		r->result.cites_medicine |= bytes_eq_nocase(answer->references[i].passage->category,
							    BYTES("medicine"));
	if (!answer->no_context)
		tell_spelling(r);
	if (r->for_model && !answer->no_context)
		TRY(answer_add_context(&r->question, &r->evidence, &r->arena, answer));
	return ERR_OK;
}

static void work(struct blocking_job *job)
{
	struct running *r = container_of(job, struct running, job);

	r->result.err = find(r);
}

static void running_free(struct running *r)
{
	arena_fini(&r->arena);
	json_decref(r->filter);
	json_decref(r->items);
	text_fini(&r->wanted);
	free(r->dense);
	free(r);
}

static void done(struct blocking_job *job)
{
	struct running *r = container_of(job, struct running, job);

	r->over = true;
	if (r->on_done)
		r->on_done(r->owner, &r->result);
	else
		running_free(r);
}

err_t retrieval_start(const struct retrieval_options *options, struct retrieval **ret_retrieval)
{
	struct running *r = calloc(1, sizeof *r);
	err_t err;

	if (!r)
		return ERR_NOMEM;
	arena_init(&r->arena, ARENA_MAX_BYTES);
	r->corpus = options->corpus;
	r->embedder = options->embedder;
	r->neo4j = options->neo4j;
	r->embed_questions = options->embed_questions;
	r->rerank = options->rerank;
	r->vlm = options->vlm;
	r->items = json_incref((json_t *)options->items);
	text_init(&r->wanted, ITEMS_WORDS_MAX_BYTES + 256 * 1024);
	r->mode = options->mode;
	r->filter = json_incref((json_t *)options->filter);
	r->top = options->top;
	r->for_model = options->for_model;
	r->score_min = options->score_min;
	r->no_rerank = options->no_rerank;
	r->result.question = &r->question;
	r->result.evidence = &r->evidence;
	r->on_done = options->on_done;
	r->owner = options->owner;
	err = arena_copy(&r->arena, options->message, &r->message);
	if (!err)
		err = arena_copy(&r->arena, options->previous, &r->previous);
	if (err) {
		running_free(r);
		return err;
	}
	r->job = (struct blocking_job){ .work = work, .done = done, .loop = options->loop };
	blocking_submit(options->pool, &r->job);
	*ret_retrieval = &r->result;
	return ERR_OK;
}

void retrieval_count(const struct retrieval *done, struct counts *counts)
{
	if (done->err)
		return;
	histogram_observe(&counts->stages[ASK_STAGE_retrieving], done->took_us - done->rerank_us);
	if (done->rerank_us)
		histogram_observe(&counts->stages[ASK_STAGE_reranking], done->rerank_us);
	if (done->answer.no_context)
		counts_one(&counts->no_context);
}

void retrieval_end(struct retrieval *retrieval)
{
	struct running *r;

	if (!retrieval)
		return;
	r = container_of(retrieval, struct running, result);
	r->on_done = NULL;
	if (r->over)
		running_free(r);
}
