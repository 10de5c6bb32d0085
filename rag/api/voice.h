/*
 * voice: what a chat says, in whichever form its client asked for. Pure: appends to a text.
 */
#ifndef RAG_API_VOICE_H
#define RAG_API_VOICE_H

#include "rag/api/openai.h"

struct voice {
	enum chat_form form;
	struct openai_head head;
	const char *request_id; /* borrowed, like those of the head */
	bool usage_wanted, include_content, include_references;
};

static inline bool voice_streams(const struct voice *voice)
{
	return chat_form_streams(voice->form);
}

/* Notices have no place in these forms' text; what may not be missed goes into the answer. */
static inline bool voice_hides_notices(const struct voice *voice)
{
	return voice->form == CHAT_OPENAI_STREAM || voice->form == CHAT_OPENAI ||
	       voice->form == CHAT_LIGHTRAG;
}

void voice_start(struct text *out, const struct voice *voice, uint64_t generation);
void voice_status(struct text *out, const struct voice *voice, const char *stage);
/* `comment`: as a comment line where the form has such. */
void voice_heartbeat(struct text *out, const struct voice *voice, uint64_t elapsed_ms,
		     const char *stage, bool comment);
void voice_references(struct text *out, const struct voice *voice, const struct answer *answer);
void voice_notice(struct text *out, const struct voice *voice, const struct event_notice *notice);
void voice_words(struct text *out, const struct voice *voice, struct bytes words, unsigned cite);
void voice_done(struct text *out, const struct voice *voice, const struct event_done *done);
void voice_error(struct text *out, const struct voice *voice, const struct fault *fault);
void voice_whole(struct text *out, const struct voice *voice, const struct whole_answer *whole);

#endif
