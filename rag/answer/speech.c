#include "rag/answer/speech.h"

static void next_sentence(struct speech *speech)
{
	speech->sentence++;
	speech->at = 0;
}

bool speech_next(struct speech *speech, struct text *out, unsigned *ret_cite)
{
	const struct answer_sentence *s;
	struct bytes rest;
	size_t end;

	text_clear(out);
	*ret_cite = 0;
	if (speech->sentence >= speech->answer->sentence_count)
		return false;
	s = &speech->answer->sentences[speech->sentence];

	if (speech->at > s->text.len) {
		text_printf(out, " [%u]", s->reference);
		*ret_cite = s->reference;
		next_sentence(speech);
		return true;
	}
	if (speech->at == 0 && speech->sentence > 0)
		text_add_str(out, s->new_paragraph ? "\n\n" : " ");
	rest = bytes_from(s->text, speech->at);
	end = rest.len ? bytes_index(bytes_from(rest, 1), ' ') : SIZE_MAX;
	end = end == SIZE_MAX ? rest.len : end + 1;
	text_add(out, bytes_upto(rest, end));
	speech->at += end;
	if (speech->at == s->text.len) {
		if (s->reference)
			speech->at++; /* the citation comes next */
		else
			next_sentence(speech);
	}
	return true;
}
