/*
 * A chat and others that ask the same: what it tells is recorded while somebody may want to hear
 * it, and a chat that hears says what another told, in its own form and at its own client's pace.
 *
 * The one that makes an answer goes on without its client while others hear it; the last of them
 * that leaves ends it. What is quoted from documents is all known once it was looked for, so that
 * those who hear it do not wait for the first one's pace.
 */
#include "base/log.h"
#include "rag/api/chat_internal.h"

/* ---- Telling ---- */

bool chat_is_heard(const struct chat *chat)
{
	return !list_empty(&chat->heard_by);
}

static bool tells(const struct chat *chat)
{
	return chat->told && !chat->hears && !chat->told->over;
}

static void wake(struct chat *listener)
{
	if (!listener->full && !timer_armed(&listener->pace))
		timer_set(listener->service->loop, &listener->pace, chat_now_ms(listener));
}

static void wake_all(struct chat *chat)
{
	list_for_each (&chat->heard_by, node)
		wake(container_of(node, struct chat, hears_link));
}

void chat_tell(struct chat *chat, const struct said *said)
{
	if (!tells(chat))
		return;
	if (said->kind == SAID_WORDS)
		chat->told->by_model = chat_is_by_model(chat);
	telling_say(chat->told, said);
	wake_all(chat);
}

void chat_tell_references(struct chat *chat)
{
	if (!tells(chat))
		return;
	if (telling_refer(chat->told, chat_answer(chat), chat->retrieval->generation))
		chat_tell_failed(chat, FAULT_INTERNAL, "The answer could not be sent whole.");
	wake_all(chat);
}

/* Nothing more comes: those that hear it need nobody but the record. */
static void told_all(struct chat *chat)
{
	chat->told->over = true;
	wake_all(chat);
	list_for_each_safe (&chat->heard_by, node) {
		container_of(node, struct chat, hears_link)->hears_of = NULL;
		list_remove(node);
	}
}

static bool is_worth_keeping(const struct chat *chat, const char *finish)
{
	return !chat->degraded && !chat->fell_back && !text_err(&chat->told->said) &&
	       (strcmp(finish, "stop") == 0 || strcmp(finish, "no_context") == 0);
}

void chat_tell_end(struct chat *chat, const struct event_done *done)
{
	if (!tells(chat) || strcmp(done->finish_reason, "cancelled") == 0)
		return;
	chat->told->done = *done;
	chat->told->by_model = chat_is_by_model(chat);
	told_all(chat);
	if (is_worth_keeping(chat, done->finish_reason))
		tellings_put(&chat->service->tellings, chat->told, chat_now_ms(chat));
}

void chat_tell_failed(struct chat *chat, enum fault_kind kind, const char *words)
{
	if (!tells(chat))
		return;
	chat->told->failed = kind;
	chat->told->why = words;
	told_all(chat);
}

void chat_tell_quotes(struct chat *chat)
{
	bool nothing = chat_answer(chat)->no_context;
	struct speech speech = chat->speech;
	struct text piece = TEXT_INIT(EVENT_MAX_BYTES);
	struct event_done done;
	unsigned cite;

	if (!tells(chat))
		return;
	while (speech_next(&speech, &piece, &cite))
		telling_say(chat->told, &(struct said){ .kind = SAID_WORDS,
							.words = text_bytes(&piece),
							.cites = cite });
	text_fini(&piece);
	done = chat_done(chat, nothing ? "no_context" : "stop");
	done.grounded = !nothing;
	chat_tell_end(chat, &done);
}

/* Its client has gone, and others still hear it. */
void chat_go_on_alone(struct chat *chat)
{
	chat->to = NULL;
	chat->full = false;
	timer_cancel(&chat->beat);
	timer_cancel(&chat->stall);
	if (chat->run)
		model_pause(chat->run, false);
}

/* ---- Hearing ---- */

static void hear_one(struct chat *chat, const struct said *said)
{
	switch (said->kind) {
	case SAID_REFERENCES:
		chat->retrieved_ms = chat_now_ms(chat) - chat->began_ms;
		chat_say_references(chat);
		break;
	case SAID_NOTICE: chat_say_notice(chat, &said->notice); break;
	case SAID_GENERATING: chat_say_stage(chat, "generating"); break;
	case SAID_WORDS: chat_say_words(chat, said->words, said->cites); break;
	case SAID_VERDICT:
		event_verdict(&chat->out, chat->request.form, said->cites, said->weak);
		chat_send(chat, false);
		break;
	}
}

static void end_hearing(struct chat *chat)
{
	const struct telling *told = chat->told;

	if (told->failed)
		chat_fail(chat, told->failed, told->why);
	else if (text_err(&told->said))
		chat_fail(chat, FAULT_INTERNAL, "The answer could not be sent whole.");
	else
		chat_finish(chat, told->done.finish_reason);
}

void chat_hear(struct chat *chat)
{
	bool streams = voice_streams(&chat->voice);
	uint64_t pace_ms = chat->service->settings->pace_ms;
	struct said said;

	while (!chat->full) {
		if (!telling_next(chat->told, &chat->heard, &said)) {
			if (chat->told->over)
				end_hearing(chat);
			return;
		}
		hear_one(chat, &said);
		if (said.kind == SAID_WORDS && streams && pace_ms && !chat->told->by_model) {
			timer_set(chat->service->loop, &chat->pace, chat_now_ms(chat) + pace_ms);
			return;
		}
	}
}

/* ---- The beginning, and a chat that goes ---- */

static bool may_be_shared(const struct chat *chat)
{
	const struct service *s = chat->service;

	/* What others write into a graph elsewhere, and vectors still to come, change no name. */
	return s->tellings.kept_ms && telling_fits(&chat->request) &&
	       !(s->neo4j && s->settings->graph_from_neo4j) &&
	       !(s->embedder && embedder_pending(s->embedder));
}

static struct chat *teller_of(const struct service *service, const struct telling_name *name)
{
	list_for_each (&service->chats, node) {
		struct chat *chat = container_of(node, struct chat, link);

		if (tells(chat) && !text_err(&chat->told->said) &&
		    memcmp(chat->told->name.at, name->at, sizeof name->at) == 0)
			return chat;
	}
	return NULL;
}

static void join(struct chat *chat, struct chat *teller)
{
	chat->told = telling_hold(teller->told);
	chat->hears_of = teller;
	list_append(&teller->heard_by, &chat->hears_link);
	if (teller->full && teller->run)
		model_pause(teller->run, false);
}

void chat_look_for_told(struct chat *chat, unsigned role)
{
	struct service *s = chat->service;
	const struct telling_question question = {
		.request = &chat->request,
		.generation = s->index.generation,
		.changes = corpus_changes(s->corpus),
		.role = role,
		.model = s->model ? s->settings->openai_model : "",
	};
	struct telling_name name;
	struct telling *kept;
	struct chat *teller;

	if (!may_be_shared(chat) || !telling_name(&question, &name))
		return;
	kept = tellings_find(&s->tellings, &name, chat_now_ms(chat));
	teller = kept ? NULL : teller_of(s, &name);
	chat->hears = kept || teller;
	counts_one(chat->hears ? &s->counts.answers.hits : &s->counts.answers.misses);
	if (kept)
		chat->told = telling_hold(kept);
	else if (teller)
		join(chat, teller);
	else
		chat->told = telling_new(&name); /* without memory nobody hears it */
}

/* What it made, or was hearing, when it is freed. */
void chat_told_fini(struct chat *chat)
{
	struct chat *teller = chat->hears_of;

	assert(!chat_is_heard(chat));
	telling_release(chat->told);
	if (!teller)
		return;
	list_remove(&chat->hears_link);
	if (chat_is_heard(teller))
		return;
	if (!teller->to) {
		log_info("rag", "%s %s: nobody hears it any more", teller->request_id, teller->id);
		chat_free(teller);
	} else if (teller->full && teller->run) {
		model_pause(teller->run, true);
	}
}
