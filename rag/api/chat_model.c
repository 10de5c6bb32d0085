/*
 * The model's part of a chat: asked, listened to, checked while it speaks, and done without.
 */
#include <stdio.h>

#include "crypto/random.h"
#include "rag/api/chat_internal.h"

enum {
	TRIES = 2, /* while it has said nothing yet */
	AGAIN_MS = 300,
};

static void fall_back(struct chat *chat)
{
	static const struct event_notice broke_off = {
		"fallback_extractive", "info",
		"The model broke off. What follows is quoted from the documents."
	};
	static const struct event_notice unreachable = {
		"fallback_extractive", "info",
		"The model cannot be reached. The answer is quoted from the documents."
	};

	chat->fell_back = true;
	chat_say_notice(chat, chat->said_something ? &broke_off : &unreachable);
	if (chat->said_something)
		chat_say_words(chat, BYTES("\n\n"), 0);
	chat_speak(chat);
}

/* What a sentence rests on is told once it closes; what was sent is never changed. */
static void on_verdict(void *owner, const struct ground_verdict *verdict)
{
	struct chat *chat = owner;

	if (verdict->weak)
		counts_one(&chat->service->counts.ungrounded);
	if (verdict->is_chatter && !verdict->cites)
		return;
	chat_tell(chat, &(struct said){ .kind = SAID_VERDICT,
					.cites = verdict->cites,
					.weak = verdict->weak });
	event_verdict(&chat->out, chat->request.form, verdict->cites, verdict->weak);
	chat_send(chat, false);
	if (verdict->wrong_number[0]) {
		char words[120];

		snprintf(words, sizeof words, "None of the documents cited has \"%s\".",
			 verdict->wrong_number);
		chat_say_notice(chat, &(struct event_notice){ "unverified_number", "info", words });
	}
}

static void say_checked(struct chat *chat)
{
	chat->lost |= text_err(&chat->piece) != ERR_OK;
	if (chat->piece.len == 0)
		return;
	chat_say_words(chat, text_bytes(&chat->piece), 0);
	ground_feed(&chat->ground, text_bytes(&chat->piece), on_verdict, chat);
}

static void on_words(void *owner, struct bytes words)
{
	struct chat *chat = owner;
	struct text cited = TEXT_INIT(EVENT_MAX_BYTES);

	cite_filter_feed(&chat->filter, words, &cited);
	text_clear(&chat->piece);
	link_filter_feed(&chat->links, text_bytes(&cited), &chat->piece);
	chat->lost |= text_err(&cited) != ERR_OK;
	text_fini(&cited);
	say_checked(chat);
}

/* What the filters still hold goes out, and the last sentence is judged. */
static void end_words(struct chat *chat)
{
	struct text cited = TEXT_INIT(EVENT_MAX_BYTES);

	cite_filter_end(&chat->filter, &cited);
	text_clear(&chat->piece);
	link_filter_feed(&chat->links, text_bytes(&cited), &chat->piece);
	link_filter_end(&chat->links, &chat->piece);
	text_fini(&cited);
	say_checked(chat);
	ground_end(&chat->ground, on_verdict, chat);
}

void chat_on_again(struct timer *timer)
{
	chat_ask_model(container_of(timer, struct chat, again));
}

static bool is_worth_another_try(const struct chat *chat, enum model_end end, unsigned status)
{
	return end == MODEL_REFUSED && !chat->said_something && chat->model_tries < TRIES &&
	       (status == 0 || status == 429 || status >= 500);
}

static void count_mishap(struct chat *chat, enum model_end end, unsigned status)
{
	struct mishaps *mishaps = &chat->service->counts.model;

	if (end == MODEL_REFUSED)
		mishap_count(mishaps, mishap_of(ERR_OK, (long)status));
	else if (end == MODEL_STALLED)
		mishap_count(mishaps, MISHAP_timeout);
	else if (end == MODEL_TRUNCATED)
		mishap_count(mishaps, chat->said_something ? MISHAP_cut : MISHAP_invalid);
}

static void on_ended(void *owner, enum model_end end, unsigned status)
{
	struct chat *chat = owner;

	count_mishap(chat, end, status);
	model_usage(chat->run, &chat->prompt_tokens, &chat->completion_tokens);
	chat->run = NULL;
	breaker_tell(&chat->service->model_breaker, end == MODEL_STOP || end == MODEL_LENGTH,
		     chat_now_ms(chat));
	if (is_worth_another_try(chat, end, status)) {
		timer_set(chat->service->loop, &chat->again, chat_now_ms(chat) + AGAIN_MS);
		return;
	}
	end_words(chat);
	if ((end == MODEL_STOP || end == MODEL_LENGTH) && !chat->said_something)
		mishap_count(&chat->service->counts.model, MISHAP_invalid);
	if ((end != MODEL_STOP && end != MODEL_LENGTH) || !chat->said_something) {
		fall_back(chat);
		return;
	}
	chat_finish(chat, end == MODEL_STOP ? "stop" : "length");
}

static const struct model_events model_table = { .on_words = on_words, .on_ended = on_ended };

void chat_ask_model(struct chat *chat)
{
	char boundary[COMPLETION_BOUNDARY_DIGITS + 1];
	struct text body = TEXT_INIT(COMPLETION_REQUEST_MAX * 2);
	struct completion_request request = {
		.model = chat->service->settings->openai_model,
		.message = chat->request.message,
		.history = chat->request.history,
		.answer = chat_answer(chat),
		.boundary = boundary,
	};
	err_t err;

	if (!breaker_allows(&chat->service->model_breaker, chat_now_ms(chat))) {
		text_fini(&body);
		fall_back(chat);
		return;
	}
	random_hex(boundary, COMPLETION_BOUNDARY_DIGITS);
	chat->model_tries++;
	chat->filter = (struct cite_filter){ .references = chat_answer(chat)->reference_count };
	chat->links = (struct link_filter){ .bang = false };
	ground_fini(&chat->ground);
	ground_init(&chat->ground, chat_answer(chat));
	err = completion_request(&body, &request);
	if (!err)
		err = model_start(chat->service->model,
				  &(struct model_question){ text_bytes(&body), chat->request_id,
							    chat->traceparent },
				  &model_table, chat, &chat->run);
	text_fini(&body);
	if (err)
		fall_back(chat);
}
