/*
 * events: what a chat says to its client, in the three forms it can ask for. Pure.
 *
 * SSE: `event: NAME`, and a `data:` object that carries the name again as "type" for clients that
 * ignore the event line. NDJSON: LightRAG's lines {"references"}, {"response"}, {"error"}, and
 * {"notice"}, {"type":"heartbeat"}; what has no line there is left out. JSON has no events: its
 * one object is whole_answer.
 */
#ifndef RAG_API_EVENTS_H
#define RAG_API_EVENTS_H

#include "rag/answer/answer.h"
#include "rag/api/fault.h"
#include "rag/api/request.h"

/* Of one event: the maximum of a text to write it into. A model's piece may be large, and escapes
 * make it six times as long. */
enum { EVENT_MAX_BYTES = 2 * 1024 * 1024 };

struct event_done {
	const char *finish_reason; /* "stop", "length", "cancelled", "no_context" */
	uint64_t prompt_tokens, completion_tokens;
	uint64_t retrieve_ms, first_token_ms, total_ms;
	bool grounded;
	unsigned weak_sentences;
};

struct event_start {
	const char *id, *request_id, *model;
	uint64_t generation;
};

struct event_notice {
	const char *code;     /* "safety", "spelling", "fallback_extractive" */
	const char *severity; /* "info", "urgent" */
	const char *message;
};

void event_start(struct text *out, enum chat_form form, const struct event_start *start);
void event_status(struct text *out, enum chat_form form, const char *stage);
void event_heartbeat(struct text *out, enum chat_form form, uint64_t elapsed_ms, const char *stage);
/*
 * The objects of the references, comma-separated. LightRAG's clients find theirs by reference_id
 * and file_path; `content` adds the passages' own words to those.
 */
void reference_list(struct text *out, const struct answer *answer, bool content);
void event_references(struct text *out, enum chat_form form, const struct answer *answer,
		      bool content);
/* One line, with no blank line after it: clients differ in what they make of that. */
void event_heartbeat_comment(struct text *out);
/* `cite` is the number of the reference that closes with this text, or 0. */
void event_delta(struct text *out, enum chat_form form, struct bytes words, unsigned cite);
/* What is found about a model's sentence once it closes; SSE alone has it. */
void event_verdict(struct text *out, enum chat_form form, uint32_t cites, bool weak);
void event_notice(struct text *out, enum chat_form form, const struct event_notice *notice);
void event_done(struct text *out, enum chat_form form, const struct event_done *done);
void event_error(struct text *out, enum chat_form form, const struct fault *fault,
		 struct bytes request_id);

struct whole_answer {
	struct event_start start;
	struct bytes words;
	const struct answer *answer; /* for its references; NULL leaves them out */
	struct bytes notices;	     /* event objects, comma-separated; see notice_object */
	struct event_done done;
};
void whole_answer(struct text *out, const struct whole_answer *whole);

/* {"response", "references"} */
void lightrag_answer(struct text *out, const struct whole_answer *whole, bool content);

void notice_object(struct text *out, const struct event_notice *notice);

#endif
