#include "rag/api/retrieval.h"

#include <stdlib.h>

#include "net/clock.h"

enum { ARENA_MAX_BYTES = 8 * 1024 * 1024 };

struct running {
	struct retrieval result; /* what the outside sees */
	struct blocking_job job;
	struct arena arena;
	struct corpus *corpus;
	struct bytes message, previous;
	json_t *filter;
	enum retrieve_mode mode;
	struct question question;
	struct evidence evidence;
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

static err_t find(struct running *r)
{
	struct answer *answer = &r->result.answer;

	const struct retrieve_options options = {
		.mode = r->mode,
		.top = r->top,
		.filter = r->filter,
		.text = r->message,
		.previous = r->previous,
		.score_min = r->score_min,
		.no_rerank = r->no_rerank,
	};
	uint64_t began_us = clock_mono_us();

	question_read(r->message, r->previous, &r->question);
	TRY(retrieve(r->corpus, &r->question, &options, &r->arena, &r->evidence));
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
