/*
 * chat_internal: one chat as its files see it. For chat.c, chat_model.c and chat_told.c alone.
 */
#ifndef RAG_API_CHAT_INTERNAL_H
#define RAG_API_CHAT_INTERNAL_H

#include "rag/answer/ground.h"
#include "rag/answer/speech.h"
#include "rag/api/chat.h"
#include "rag/api/retrieval.h"
#include "rag/api/voice.h"
#include "rag/model/link_filter.h"

struct chat {
	struct list_node link; /* service.chats */
	struct service *service;
	struct reply_to *to; /* NULL: its client has gone, and others hear it */
	void (*on_over)(void *owner);
	void *owner;
	struct chat_request request;
	char id[CHAT_ID_BYTES], request_id[REQUEST_ID_BYTES], traceparent[TRACEPARENT_BYTES];

	const char *stage;
	struct retrieval *retrieval; /* from the start to the end: the answer lies in it */
	struct model_run *run;	     /* while the model speaks */
	unsigned model_tries;
	struct cite_filter filter;
	struct link_filter links;
	struct ground ground; /* of a model's words */
	struct voice voice;
	struct answered_name kept_as;
	bool keeps;
	struct speech speech;
	bool speaking, full;
	struct telling *told; /* what it makes, or hears; NULL: nobody else's business */
	bool hears;
	size_t heard;		     /* how much of it was said here */
	struct chat *hears_of;	     /* the one that makes it, while it does */
	struct list_node hears_link; /* its heard_by */
	struct list_node heard_by;

	struct timer pace, beat, deadline, stall, again;
	uint64_t began_ms, sent_ms, retrieved_ms, first_ms;
	uint64_t began_us, stage_us; /* the same, finer; and when the answer's words were begun */
	bool said_something, fell_back;
	bool degraded; /* an engine did not help with searching */
	bool lost;     /* no memory for something that had to be said: the end must say so */
	uint64_t prompt_tokens, completion_tokens;
	const char *finish;

	struct text out;	    /* the event being written */
	struct text piece;	    /* the words being sent */
	struct text whole, notices; /* for one JSON object */
};

/* ---- chat.c ---- */

uint64_t chat_now_ms(const struct chat *chat);
const struct answer *chat_answer(const struct chat *chat); /* once it was looked for */

/* Sends what is in chat->out, if anything; nothing may be sent after `end`. */
void chat_send(struct chat *chat, bool end);
void chat_say_notice(struct chat *chat, const struct event_notice *notice);
void chat_say_words(struct chat *chat, struct bytes words, unsigned cite);
void chat_say_stage(struct chat *chat, const char *stage);
void chat_say_references(struct chat *chat);

bool chat_is_by_model(const struct chat *chat); /* its words are a model's */
struct event_done chat_done(const struct chat *chat, const char *finish);

/* The extractive answer from where it is, and the end after it. */
void chat_speak(struct chat *chat);
void chat_finish(struct chat *chat, const char *reason);		    /* frees the chat */
void chat_fail(struct chat *chat, enum fault_kind kind, const char *words); /* the same */
void chat_free(struct chat *chat);

/* ---- chat_model.c ---- */

void chat_ask_model(struct chat *chat); /* or what stands in for it when it cannot be asked */
void chat_on_again(struct timer *timer);

/* ---- chat_told.c ---- */

/* At its start: whether it hears another's answer, or tells its own. */
void chat_look_for_told(struct chat *chat, unsigned role);
void chat_told_fini(struct chat *chat);
bool chat_is_heard(const struct chat *chat); /* by others, of what it still makes */

/* For whom it may concern; nothing happens in a chat that nobody else may hear. */
void chat_tell(struct chat *chat, const struct said *said);
void chat_tell_references(struct chat *chat);
void chat_tell_quotes(struct chat *chat); /* all words of `speech` that are left, and the end */
void chat_tell_end(struct chat *chat, const struct event_done *done);
void chat_tell_failed(struct chat *chat, enum fault_kind kind, const char *words);
void chat_go_on_alone(struct chat *chat);

void chat_hear(struct chat *chat); /* says what there is by now; may free the chat */

#endif
