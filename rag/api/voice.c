#include "rag/api/voice.h"

static bool is_openai(const struct voice *voice)
{
	return voice->form == CHAT_OPENAI_STREAM;
}

void voice_start(struct text *out, const struct voice *voice, uint64_t generation)
{
	if (is_openai(voice))
		openai_role(out, &voice->head);
	else
		event_start(out, voice->form,
			    &(struct event_start){ voice->head.id, voice->request_id,
						   voice->head.model, generation });
}

void voice_status(struct text *out, const struct voice *voice, const char *stage)
{
	event_status(out, voice->form, stage);
}

void voice_heartbeat(struct text *out, const struct voice *voice, uint64_t elapsed_ms,
		     const char *stage, bool comment)
{
	if (is_openai(voice) || (comment && voice->form == CHAT_SSE))
		event_heartbeat_comment(out);
	else
		event_heartbeat(out, voice->form, elapsed_ms, stage);
}

void voice_references(struct text *out, const struct voice *voice, const struct answer *answer)
{
	if (is_openai(voice))
		openai_references(out, &voice->head, answer);
	else
		event_references(out, voice->form, answer, voice->include_content);
}

void voice_notice(struct text *out, const struct voice *voice, const struct event_notice *notice)
{
	if (is_openai(voice))
		openai_notice(out, &voice->head, notice);
	else
		event_notice(out, voice->form, notice);
}

void voice_words(struct text *out, const struct voice *voice, struct bytes words, unsigned cite)
{
	if (is_openai(voice))
		openai_words(out, &voice->head, words);
	else
		event_delta(out, voice->form, words, cite);
}

void voice_done(struct text *out, const struct voice *voice, const struct event_done *done)
{
	if (is_openai(voice))
		openai_done(out, &voice->head, done, voice->usage_wanted);
	else
		event_done(out, voice->form, done);
}

void voice_error(struct text *out, const struct voice *voice, const struct fault *fault)
{
	if (is_openai(voice))
		openai_error(out, fault);
	else
		event_error(out, voice->form, fault, bytes_of(voice->request_id));
}

void voice_whole(struct text *out, const struct voice *voice, const struct whole_answer *whole)
{
	if (voice->form == CHAT_OPENAI)
		openai_whole(out, &voice->head, whole);
	else if (voice->form == CHAT_LIGHTRAG)
		lightrag_answer(out, whole, voice->include_content);
	else
		whole_answer(out, whole);
}
