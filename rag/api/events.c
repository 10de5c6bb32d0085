#include "rag/api/events.h"

#include "base/encode.h"

static void string(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, "\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

/* Both ends of an SSE event; the members between them are the caller's. */
static void sse_begin(struct text *out, const char *type)
{
	text_printf(out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void sse_end(struct text *out)
{
	text_add_str(out, "}\n\n");
}

static void start_members(struct text *out, const struct event_start *start)
{
	string(out, "id", bytes_of(start->id));
	text_add_char(out, ',');
	string(out, "request_id", bytes_of(start->request_id));
	text_add_char(out, ',');
	string(out, "model", bytes_of(start->model));
	text_printf(out, ",\"generation\":%llu", (unsigned long long)start->generation);
}

void event_start(struct text *out, enum chat_form form, const struct event_start *start)
{
	if (form != CHAT_SSE)
		return;
	sse_begin(out, "start");
	text_add_char(out, ',');
	start_members(out, start);
	sse_end(out);
}

void event_status(struct text *out, enum chat_form form, const char *stage)
{
	if (form != CHAT_SSE)
		return;
	sse_begin(out, "status");
	text_add_char(out, ',');
	string(out, "stage", bytes_of(stage));
	sse_end(out);
}

void event_heartbeat(struct text *out, enum chat_form form, uint64_t elapsed_ms, const char *stage)
{
	if (form == CHAT_SSE)
		sse_begin(out, "heartbeat");
	else
		text_add_str(out, "{\"type\":\"heartbeat\"");
	text_printf(out, ",\"elapsed_ms\":%llu,", (unsigned long long)elapsed_ms);
	string(out, "stage", bytes_of(stage));
	text_add_str(out, form == CHAT_SSE ? "}\n\n" : "}\n");
}

void event_heartbeat_comment(struct text *out)
{
	text_add_str(out, ": hb\n");
}

static void reference_object(struct text *out, const struct answer_reference *r, unsigned number)
{
	const struct passage *p = r->passage;

	text_printf(out, "{\"id\":\"%u\",", number);
	string(out, "document_id", p->document);
	text_add_char(out, ',');
	string(out, "title", p->title);
	text_add_char(out, ',');
	string(out, "file", p->file);
	text_add_char(out, ',');
	string(out, "section", p->section);
	text_add_char(out, ',');
	string(out, "source", p->source);
	text_add_char(out, ',');
	string(out, "chunk_id", p->id);
	text_add_char(out, ',');
	string(out, "quote", r->quote);
	text_printf(out, ",\"score\":%.2f,\"span\":[%llu,%llu]}", p->score,
		    (unsigned long long)r->char_from, (unsigned long long)r->char_to);
}

static void references_member(struct text *out, const struct answer *answer)
{
	text_add_str(out, "\"references\":[");
	for (unsigned i = 0; i < answer->reference_count; i++) {
		text_add_str(out, i ? "," : "");
		reference_object(out, &answer->references[i], i + 1);
	}
	text_add_char(out, ']');
}

void event_references(struct text *out, enum chat_form form, const struct answer *answer)
{
	if (form == CHAT_SSE) {
		sse_begin(out, "references");
		text_add_char(out, ',');
		references_member(out, answer);
		text_add_str(out, ",\"attachments\":[]");
		sse_end(out);
	} else {
		text_add_char(out, '{');
		references_member(out, answer);
		text_add_str(out, "}\n");
	}
}

void event_delta(struct text *out, enum chat_form form, struct bytes words, unsigned cite)
{
	if (form == CHAT_SSE) {
		sse_begin(out, "delta");
		text_add_char(out, ',');
		string(out, "text", words);
		if (cite)
			text_printf(out, ",\"cites\":[\"%u\"]", cite);
		sse_end(out);
	} else {
		text_add_char(out, '{');
		string(out, "response", words);
		text_add_str(out, "}\n");
	}
}

static void notice_members(struct text *out, const struct event_notice *notice)
{
	string(out, "code", bytes_of(notice->code));
	text_add_char(out, ',');
	string(out, "severity", bytes_of(notice->severity));
	text_add_char(out, ',');
	string(out, "message", bytes_of(notice->message));
}

void notice_object(struct text *out, const struct event_notice *notice)
{
	text_add_char(out, '{');
	notice_members(out, notice);
	text_add_char(out, '}');
}

void event_notice(struct text *out, enum chat_form form, const struct event_notice *notice)
{
	if (form == CHAT_SSE) {
		sse_begin(out, "notice");
		text_add_char(out, ',');
		notice_members(out, notice);
		sse_end(out);
	} else {
		text_add_str(out, "{\"notice\":");
		notice_object(out, notice);
		text_add_str(out, "}\n");
	}
}

/*
 * Times stand in a column of six, which JSON allows: so all answers to one question are equally
 * long, and ab, which counts every other length as a failure, counts none.
 */
static void done_members(struct text *out, const struct event_done *done)
{
	string(out, "finish_reason", bytes_of(done->finish_reason));
	text_printf(out,
		    ",\"usage\":{\"prompt_tokens\":%llu,\"completion_tokens\":%llu}"
		    ",\"timings_ms\":{\"retrieve\":%6llu,\"first_token\":%6llu,\"total\":%6llu}"
		    ",\"grounded\":%s",
		    (unsigned long long)done->prompt_tokens,
		    (unsigned long long)done->completion_tokens,
		    (unsigned long long)done->retrieve_ms, (unsigned long long)done->first_token_ms,
		    (unsigned long long)done->total_ms, done->grounded ? "true" : "false");
}

void event_done(struct text *out, enum chat_form form, const struct event_done *done)
{
	if (form != CHAT_SSE)
		return;
	sse_begin(out, "done");
	text_add_char(out, ',');
	done_members(out, done);
	sse_end(out);
}

void event_error(struct text *out, enum chat_form form, const struct fault *fault,
		 struct bytes request_id)
{
	if (form == CHAT_SSE) {
		sse_begin(out, "error");
		text_add_str(out, ",\"error\":{");
		fault_members(out, fault, request_id);
		text_add_char(out, '}');
		sse_end(out);
	} else {
		text_add_str(out, "{\"error\":{");
		fault_members(out, fault, request_id);
		text_add_str(out, "}}\n");
	}
}

void whole_answer(struct text *out, const struct whole_answer *whole)
{
	text_add_char(out, '{');
	start_members(out, &whole->start);
	text_add_char(out, ',');
	string(out, "answer", whole->words);
	if (whole->answer) {
		text_add_char(out, ',');
		references_member(out, whole->answer);
	}
	text_add_str(out, ",\"notices\":[");
	text_add(out, whole->notices);
	text_add_str(out, "],");
	done_members(out, &whole->done);
	text_add_str(out, "}\n");
}
