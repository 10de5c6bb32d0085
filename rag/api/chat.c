#include "rag/api/chat.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/random.h"
#include "net/clock.h"
#include "rag/answer/safety.h"
#include "rag/api/chat_internal.h"
#include "rag/api/reply.h"

enum {
	WHOLE_MAX_BYTES = 1024 * 1024, /* of an answer kept for one JSON object */
	CLIENT_STALL_MS = 30000,       /* a client that reads nothing for so long is cut off */
};

uint64_t chat_now_ms(const struct chat *chat)
{
	return loop_now_ms(chat->service->loop);
}

const struct answer *chat_answer(const struct chat *chat)
{
	return chat->hears ? &chat->told->answer : &chat->retrieval->answer;
}

/* ---- The end ---- */

void chat_free(struct chat *chat)
{
	struct timer *const timers[] = { &chat->pace, &chat->beat, &chat->deadline, &chat->stall,
					 &chat->again };

	for (size_t i = 0; i < COUNT(timers); i++)
		timer_cancel(timers[i]);
	if (chat->run)
		model_cancel(chat->run);
	retrieval_end(chat->retrieval);
	chat_told_fini(chat);
	ground_fini(&chat->ground);
	chat_request_fini(&chat->request);
	text_fini(&chat->out);
	text_fini(&chat->piece);
	text_fini(&chat->whole);
	text_fini(&chat->notices);
	list_remove(&chat->link);
	chat->service->chat_count--;
	free(chat);
}

void chat_client_left(struct chat *chat)
{
	log_info("rag", "%s %s: the client left while %s", chat->request_id, chat->id, chat->stage);
	counts_end(&chat->service->counts, "client_left");
	if (chat_is_heard(chat))
		chat_go_on_alone(chat);
	else
		chat_free(chat);
}

static void over(struct chat *chat)
{
	void (*on_over)(void *owner) = chat->on_over;
	void *owner = chat->owner;

	exchange_close(chat->to->x);
	if (chat_is_heard(chat))
		chat_go_on_alone(chat);
	else
		chat_free(chat);
	on_over(owner);
}

/* ---- Sending ---- */

/* Sends what is in chat->out, if anything; nothing may be sent after `end`. */
void chat_send(struct chat *chat, bool end)
{
	if (text_err(&chat->out)) {
		chat->lost = true;
		text_clear(&chat->out);
	}
	if (!chat->to)
		text_clear(&chat->out);
	if (!chat->to || (chat->out.len == 0 && !end))
		return;
	chat->sent_ms = chat_now_ms(chat);
	if (exchange_send_data(chat->to->x, text_bytes(&chat->out), end) == CONN_FULL &&
	    !chat->full) {
		chat->full = true;
		timer_set(chat->service->loop, &chat->stall, chat->sent_ms + CLIENT_STALL_MS);
		if (chat->run && !chat_is_heard(chat))
			model_pause(chat->run, true);
	}
	text_clear(&chat->out);
}

static bool streams(const struct chat *chat)
{
	return voice_streams(&chat->voice);
}

void chat_say_stage(struct chat *chat, const char *stage)
{
	chat->stage = stage;
	if (!streams(chat))
		return;
	voice_status(&chat->out, &chat->voice, stage);
	chat_send(chat, false);
}

void chat_say_notice(struct chat *chat, const struct event_notice *notice)
{
	chat_tell(chat, &(struct said){ .kind = SAID_NOTICE, .notice = *notice });
	if (streams(chat)) {
		voice_notice(&chat->out, &chat->voice, notice);
		chat_send(chat, false);
	} else {
		text_add_str(&chat->notices, chat->notices.len ? "," : "");
		notice_object(&chat->notices, notice);
	}
}

bool chat_is_by_model(const struct chat *chat)
{
	if (chat->hears)
		return chat->told->by_model;
	return chat->model_tries > 0 && !chat->fell_back;
}

void chat_say_words(struct chat *chat, struct bytes words, unsigned cite)
{
	if (!chat->said_something) {
		chat->first_ms = chat_now_ms(chat) - chat->began_ms;
		histogram_observe(&chat->service->counts.first_token[chat_is_by_model(chat)
									     ? ANSWERER_MODEL
									     : ANSWERER_EXTRACTIVE],
				  clock_mono_us() - chat->began_us);
	}
	chat->said_something = true;
	chat_tell(chat, &(struct said){ .kind = SAID_WORDS, .words = words, .cites = cite });
	if (streams(chat)) {
		voice_words(&chat->out, &chat->voice, words, cite);
		chat_send(chat, false);
	} else {
		text_add(&chat->whole, words);
	}
}

static bool is_grounded(const struct chat *chat)
{
	if (chat->hears)
		return chat->told->done.grounded;
	if (chat_is_by_model(chat))
		return chat->filter.cited && chat->ground.weak == 0 &&
		       chat->ground.wrong_numbers == 0;
	return chat->retrieval && !chat_answer(chat)->no_context && chat->said_something;
}

struct event_done chat_done(const struct chat *chat, const char *finish)
{
	return (struct event_done){
		.finish_reason = finish,
		.prompt_tokens = chat->prompt_tokens,
		.completion_tokens = chat->completion_tokens,
		.retrieve_ms = chat->retrieved_ms,
		.first_token_ms = chat->first_ms,
		.total_ms = chat_now_ms(chat) - chat->began_ms,
		.grounded = is_grounded(chat),
		.weak_sentences = chat->hears ? chat->told->done.weak_sentences : chat->ground.weak,
	};
}

static const char *engine_of(const struct chat *chat)
{
	return chat->service->model ? chat->service->settings->openai_model : "extractive-1";
}

static void send_whole(struct chat *chat, const struct event_done *done)
{
	bool found = chat->hears || chat->retrieval;
	struct whole_answer whole = {
		.start = { chat->id, chat->request_id, engine_of(chat),
			   chat->hears	     ? chat->told->generation
			   : chat->retrieval ? chat->retrieval->generation
					     : 0 },
		.words = text_bytes(&chat->whole),
		.answer = chat->request.include_references && found ? chat_answer(chat) : NULL,
		.notices = text_bytes(&chat->notices),
		.done = *done,
	};
	struct text body = TEXT_INIT(WHOLE_MAX_BYTES * 8);

	voice_whole(&body, &chat->voice, &whole);
	reply_json(chat->to, 200, text_bytes(&body));
	if (chat->keeps && !text_err(&body) && strcmp(done->finish_reason, "cancelled") != 0)
		answered_put(&chat->service->answers, &chat->kept_as, text_bytes(&body),
			     chat_now_ms(chat));
	text_fini(&body);
}

void chat_finish(struct chat *chat, const char *reason)
{
	struct event_done done = chat_done(chat, reason);

	if (chat->lost || text_err(&chat->whole) || text_err(&chat->notices)) {
		chat_fail(chat, FAULT_INTERNAL, "The answer could not be sent whole.");
		return;
	}
	chat_tell_end(chat, &done);
	if (chat->stage_us)
		histogram_observe(&chat->service->counts.stages[ASK_STAGE_generating],
				  clock_mono_us() - chat->stage_us);
	if (!chat->to) {
		chat_free(chat); /* its client was counted when it left */
		return;
	}
	counts_end(&chat->service->counts, reason);
	if (streams(chat)) {
		voice_done(&chat->out, &chat->voice, &done);
		chat_send(chat, true);
	} else {
		send_whole(chat, &done);
	}
	log_info("rag", "%s %s: %s after %llu ms", chat->request_id, chat->id, reason,
		 (unsigned long long)done.total_ms);
	over(chat);
}

void chat_fail(struct chat *chat, enum fault_kind kind, const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, "", "%s", words);
	chat_tell_failed(chat, kind, words);
	log_warn("rag", "%s %s: %s", chat->request_id, chat->id, words);
	if (!chat->to) {
		chat_free(chat);
		return;
	}
	counts_end(&chat->service->counts, "error");
	if (streams(chat)) {
		voice_error(&chat->out, &chat->voice, &fault);
		chat_send(chat, true);
	} else {
		reply_fault(chat->to, &fault);
	}
	over(chat);
}

/* ---- The extractive answer, word by word ---- */

static void on_pace(struct timer *timer)
{
	struct chat *chat = container_of(timer, struct chat, pace);

	if (chat->hears)
		chat_hear(chat);
	else
		chat_speak(chat);
}

void chat_speak(struct chat *chat)
{
	uint64_t pace_ms = streams(chat) && chat->to ? chat->service->settings->pace_ms : 0;
	unsigned cite;

	chat->speaking = true;
	chat_tell_quotes(chat);
	while (!chat->full) {
		if (!speech_next(&chat->speech, &chat->piece, &cite)) {
			bool nothing = chat_answer(chat)->no_context;

			chat_finish(chat, nothing ? "no_context" : "stop");
			return;
		}
		chat_say_words(chat, text_bytes(&chat->piece), cite);
		if (pace_ms) {
			timer_set(chat->service->loop, &chat->pace, chat_now_ms(chat) + pace_ms);
			return;
		}
	}
}

void chat_drained(struct chat *chat)
{
	chat->full = false;
	timer_cancel(&chat->stall);
	if (chat->run)
		model_pause(chat->run, false);
	if (timer_armed(&chat->pace))
		return;
	if (chat->hears)
		chat_hear(chat);
	else if (chat->speaking)
		chat_speak(chat);
}

/* ---- Retrieval ---- */

void chat_say_references(struct chat *chat)
{
	chat_tell_references(chat);
	if (!streams(chat) || !chat->request.include_references)
		return;
	voice_references(&chat->out, &chat->voice, chat_answer(chat));
	chat_send(chat, false);
}

/* What may not wait comes first, and in the text itself where a form would hide a notice. */
static void say_safety(struct chat *chat, enum safety_kind safety)
{
	struct text *out = streams(chat) ? &chat->out : &chat->whole;
	struct text words = TEXT_INIT(1024);

	if (safety == SAFETY_NONE)
		return;
	chat_say_notice(chat, &(struct event_notice){ "safety",
						      safety == SAFETY_MEDICAL ? "info" : "urgent",
						      safety_words(safety) });
	if (safety == SAFETY_MEDICAL || !voice_hides_notices(&chat->voice))
		return;
	text_printf(&words, "%s\n\n", safety_words(safety));
	if (streams(chat))
		voice_words(out, &chat->voice, text_bytes(&words), 0);
	else
		text_add(out, text_bytes(&words));
	text_fini(&words);
	if (streams(chat))
		chat_send(chat, false);
}

/* The passages themselves, for a client that writes its own answer. */
static void say_context(struct chat *chat)
{
	const struct answer *answer = chat_answer(chat);
	struct text context = TEXT_INIT(WHOLE_MAX_BYTES);

	for (unsigned i = 0; i < answer->reference_count; i++) {
		const struct passage *p = answer->references[i].passage;

		text_printf(&context, "[%u] %.*s%s%.*s\n", i + 1, BYTES_ARG(p->title),
			    p->section.len ? " \xE2\x80\xBA " : "", BYTES_ARG(p->section));
		text_add(&context, p->body);
		text_add_str(&context, "\n\n");
	}
	chat->lost |= text_err(&context) != ERR_OK;
	if (context.len)
		chat_say_words(chat, text_bytes(&context), 0);
	text_fini(&context);
	chat_finish(chat, answer->no_context ? "no_context" : "stop");
}

static void on_retrieved(void *owner, struct retrieval *done)
{
	struct chat *chat = owner;

	chat->retrieved_ms = chat_now_ms(chat) - chat->began_ms;
	retrieval_count(done, &chat->service->counts);
	if (done->err) {
		chat_fail(chat, done->err == ERR_STORE ? FAULT_STORAGE : FAULT_INTERNAL,
			  done->err == ERR_STORE ? "The documents cannot be searched right now."
						 : "The answer could not be made.");
		return;
	}
	chat_say_references(chat);
	say_safety(chat, safety_of(chat->request.message, done->cites_medicine));
	if (done->spelling[0])
		chat_say_notice(chat, &(struct event_notice){ "spelling", "info", done->spelling });
	chat->degraded = done->embeddings_failed || done->rerank_failed || done->vlm_failed ||
			 done->graph_failed;
	if (chat->degraded)
		chat_say_notice(chat,
				&(struct event_notice){
					"degraded", "info",
					"An engine that helps with searching did not answer; the "
					"documents were searched without it." });
	if (chat->request.context_only) {
		say_context(chat);
		return;
	}
	chat->stage_us = clock_mono_us();
	chat_tell(chat, &(struct said){ .kind = SAID_GENERATING });
	chat_say_stage(chat, "generating");
	chat->speech = (struct speech){ .answer = &done->answer };
	if (chat->service->model && (!done->answer.no_context || chat->request.mode == MODE_BYPASS))
		chat_ask_model(chat);
	else
		chat_speak(chat);
}

/* ---- Clocks ---- */

static void on_beat(struct timer *timer)
{
	struct chat *chat = container_of(timer, struct chat, beat);
	uint64_t every_ms = chat->service->settings->heartbeat_ms;

	/* Nothing waits for a client that does not read, not even a heartbeat. */
	if (!chat->full && chat_now_ms(chat) - chat->sent_ms >= every_ms) {
		voice_heartbeat(&chat->out, &chat->voice, chat_now_ms(chat) - chat->began_ms,
				chat->stage,
				strcmp(chat->service->settings->heartbeat, "comment") == 0);
		chat_send(chat, false);
		counts_one(&chat->service->counts.heartbeats);
	}
	timer_set(chat->service->loop, &chat->beat,
		  chat->full ? chat_now_ms(chat) + every_ms : chat->sent_ms + every_ms);
}

static void on_deadline(struct timer *timer)
{
	chat_fail(container_of(timer, struct chat, deadline), FAULT_DEADLINE,
		  "The answer took longer than it may.");
}

/* Ends without a last chunk: a client that comes back to it sees that it was cut. */
static void on_stall(struct timer *timer)
{
	struct chat *chat = container_of(timer, struct chat, stall);

	log_info("rag", "%s %s: the client read nothing for too long", chat->request_id, chat->id);
	counts_end(&chat->service->counts, "client_too_slow");
	over(chat);
}

void chat_cancel(struct chat *chat)
{
	chat_finish(chat, "cancelled");
}

struct chat *chat_find(const struct service *service, struct bytes id)
{
	list_for_each (&service->chats, node) {
		struct chat *chat = container_of(node, struct chat, link);

		if (chat->to && bytes_eq_str(id, chat->id))
			return chat;
	}
	return NULL;
}

/* ---- The start ---- */

static err_t send_stream_head(struct chat *chat)
{
	TRY(reply_stream_head(chat->to, chat->request.form == CHAT_NDJSON
						? "application/x-ndjson"
						: "text/event-stream; charset=utf-8"));
	voice_start(&chat->out, &chat->voice, chat->service->index.generation);
	chat_send(chat, false);
	return ERR_OK;
}

static void clocks_start(struct chat *chat)
{
	const struct settings *settings = chat->service->settings;
	struct loop *loop = chat->service->loop;

	chat->pace.on_expired = on_pace;
	chat->beat.on_expired = on_beat;
	chat->deadline.on_expired = on_deadline;
	chat->stall.on_expired = on_stall;
	chat->again.on_expired = chat_on_again;
	timer_set(loop, &chat->deadline, chat->began_ms + settings->deadline_ms);
	if ((streams(chat) && chat->request.form != CHAT_NDJSON &&
	     strcmp(settings->heartbeat, "off") != 0) ||
	    (chat->request.form == CHAT_NDJSON && chat->request.ndjson_heartbeat))
		timer_set(loop, &chat->beat, chat->began_ms + settings->heartbeat_ms);
}

static err_t search(struct chat *chat)
{
	struct service *service = chat->service;
	const struct chat_request *request = &chat->request;
	const struct retrieval_options options = {
		.loop = service->loop,
		.pool = service->pool,
		.corpus = service->corpus,
		.embedder = service->embedder,
		.neo4j = service->settings->graph_from_neo4j ? service->neo4j : NULL,
		.embed_questions = service->embed_questions,
		.rerank = service->rerank,
		.vlm = service->vlm,
		.items = request->items,
		.filter = request->filter,
		.mode = request->mode,
		.score_min = request->score_min,
		.no_rerank = request->no_rerank,
		.message = request->message,
		.previous = request->previous,
		.top = request->top_k,
		.for_model = service->model != NULL || request->context_only,
		.on_done = on_retrieved,
		.owner = chat,
	};

	return retrieval_start(&options, &chat->retrieval);
}

/* Takes *request over. */
static struct chat *chat_new(const struct chat_options *options, struct chat_request *request)
{
	struct service *service = options->service;
	struct chat *chat = calloc(1, sizeof *chat);

	if (!chat) {
		chat_request_fini(request);
		return NULL;
	}
	chat->service = service;
	chat->to = options->to;
	chat->on_over = options->on_over;
	chat->owner = options->owner;
	chat->request = *request;
	chat->keeps = options->kept_as != NULL;
	if (options->kept_as)
		chat->kept_as = *options->kept_as;
	memcpy(chat->id, "msg_", 4);
	random_hex(chat->id + 4, CHAT_ID_BYTES - 5);
	strncpy(chat->request_id, options->to->request_id, sizeof chat->request_id - 1);
	strncpy(chat->traceparent, options->traceparent, sizeof chat->traceparent - 1);
	chat->voice = (struct voice){
		.form = request->form,
		.head = { chat->id, engine_of(chat), loop_unix_us(service->loop) / 1000000 },
		.request_id = chat->request_id,
		.usage_wanted = request->usage_wanted,
		.include_content = request->include_content,
		.include_references = request->include_references,
	};
	chat->stage = "retrieving";
	chat->began_ms = chat->sent_ms = loop_now_ms(service->loop);
	chat->began_us = clock_mono_us();
	text_init(&chat->out, EVENT_MAX_BYTES);
	text_init(&chat->piece, EVENT_MAX_BYTES);
	text_init(&chat->whole, WHOLE_MAX_BYTES);
	text_init(&chat->notices, EVENT_MAX_BYTES);
	list_init(&chat->heard_by);
	list_append(&service->chats, &chat->link);
	service->chat_count++;
	return chat;
}

err_t chat_start(const struct chat_options *options, struct chat_request *request,
		 struct chat **ret_chat)
{
	struct chat *chat = chat_new(options, request);
	err_t err = ERR_OK;

	if (!chat)
		return ERR_NOMEM;
	chat_look_for_told(chat, options->role);
	if (!chat->hears)
		err = search(chat);
	if (!err && streams(chat))
		err = send_stream_head(chat);
	if (err) {
		chat_free(chat);
		return err;
	}
	clocks_start(chat);
	chat_say_stage(chat, "retrieving");
	if (chat->hears)
		timer_set(chat->service->loop, &chat->pace, chat->began_ms);
	*ret_chat = chat;
	return ERR_OK;
}
