/*
 * openai: an answer in the words of OpenAI's chat completions, so that clients made for those can
 * talk to this server. Pure.
 *
 * The last message of the user is the question, what was said before is the history; system
 * messages are left alone, since the rules here are the server's own. What the form has no member
 * for comes under names that begin with "x_": x_references, x_notice, x_grounded.
 */
#ifndef RAG_API_OPENAI_H
#define RAG_API_OPENAI_H

#include "rag/api/events.h"

struct openai_head {
	const char *id, *model;
	uint64_t created_s; /* Unix time */
};

/* {"model", "messages", "stream", "stream_options", …} and our mode, filter, top_k beside them. */
err_t completions_request_read(const struct chat_request_parts *parts,
			       struct chat_request *ret_request, struct fault *ret_fault);

/* Events of the stream; the first says the role. */
void openai_role(struct text *out, const struct openai_head *head);
void openai_words(struct text *out, const struct openai_head *head, struct bytes words);
void openai_references(struct text *out, const struct openai_head *head,
		       const struct answer *answer);
void openai_notice(struct text *out, const struct openai_head *head,
		   const struct event_notice *notice);
/* The closing pieces: the reason, the usage when it was asked for, and [DONE]. */
void openai_done(struct text *out, const struct openai_head *head, const struct event_done *done,
		 bool usage);
void openai_error(struct text *out, const struct fault *fault);

/* The one object of an answer that does not stream. */
void openai_whole(struct text *out, const struct openai_head *head,
		  const struct whole_answer *whole);

void openai_models(struct text *out, const char *model, uint64_t created_s);

#endif
