#include "rag/api/events.h"

#include <stdlib.h>

#include "base/encode.h"
#include "rag/api/found.h"

enum {
	ATTACHMENT_ROWS_MAX = 30,
	ATTACHMENT_ROWS_BYTES_MAX = 32 * 1024, /* of all tables of one answer */
};

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

static void reference_object(struct text *out, const struct answer_reference *r, unsigned number,
			     bool content)
{
	const struct passage *p = r->passage;

	text_printf(out, "{\"id\":\"%u\",\"reference_id\":\"%u\",", number, number);
	string(out, "file_path", p->file);
	text_add_char(out, ',');
	found_place(out, p);
	text_add_char(out, ',');
	string(out, "quote", r->quote);
	text_printf(out, ",\"score\":%.2f,\"span\":[%llu,%llu]", p->score,
		    (unsigned long long)r->char_from, (unsigned long long)r->char_to);
	if (content) {
		text_add_str(out, ",\"content\":[\"");
		encode_json(out, p->body);
		text_add_str(out, "\"]");
	}
	text_add_char(out, '}');
}

void reference_list(struct text *out, const struct answer *answer, bool content)
{
	for (unsigned i = 0; i < answer->reference_count; i++) {
		text_add_str(out, i ? "," : "");
		reference_object(out, &answer->references[i], i + 1, content);
	}
}

static void references_member(struct text *out, const struct answer *answer)
{
	text_add_str(out, "\"references\":[");
	reference_list(out, answer, false);
	text_add_char(out, ']');
}

/* A table's first rows, as far as they fit; without them its caption has to do. */
static void rows_member(struct text *out, const json_t *item, size_t *room)
{
	json_t *rows = json_object_get(item, "rows"), *some, *row;
	char *dumped;
	size_t i;

	if (!json_is_array(rows))
		return;
	some = json_array();
	json_array_foreach (rows, i, row)
		if (i < ATTACHMENT_ROWS_MAX)
			json_array_append(some, row);
	dumped = json_dumps(some, JSON_COMPACT);
	json_decref(some);
	if (dumped && strlen(dumped) <= *room) {
		*room -= strlen(dumped);
		text_printf(out, ",\"rows\":%s", dumped);
	}
	free(dumped);
}

/* Tables and pictures among what is cited, for a page to show. */
static void attachments_member(struct text *out, const struct answer *answer)
{
	static const char *const kinds[PASSAGE_KINDS] = {
		[PASSAGE_TABLE] = "table",
		[PASSAGE_IMAGE] = "image",
		[PASSAGE_EQUATION] = "equation",
	};
	size_t room = ATTACHMENT_ROWS_BYTES_MAX;
	bool first = true;

	text_add_str(out, "\"attachments\":[");
	for (unsigned i = 0; i < answer->reference_count; i++) {
		const struct passage *p = answer->references[i].passage;
		json_t *item = p->item.len ? json_loadb(p->item.at, p->item.len, 0, NULL) : NULL;
		const char *asset = json_string_value(json_object_get(item, "asset_id"));
		const char *caption = json_string_value(json_object_get(item, "caption"));

		if (kinds[p->kind] && (asset || caption || json_object_get(item, "rows"))) {
			text_printf(out, "%s{\"kind\":\"%s\",\"reference\":\"%u\",",
				    first ? "" : ",", kinds[p->kind], i + 1);
			first = false;
			if (asset) {
				string(out, "asset_id", bytes_of(asset));
				text_add_char(out, ',');
			}
			string(out, "caption", bytes_of(caption));
			rows_member(out, item, &room);
			text_add_char(out, '}');
		}
		json_decref(item);
	}
	text_add_char(out, ']');
}

void event_references(struct text *out, enum chat_form form, const struct answer *answer,
		      bool content)
{
	if (form == CHAT_SSE) {
		sse_begin(out, "references");
		text_add_char(out, ',');
		references_member(out, answer);
		text_add_char(out, ',');
		attachments_member(out, answer);
		sse_end(out);
	} else {
		text_add_str(out, "{\"references\":[");
		reference_list(out, answer, content);
		text_add_str(out, "]}\n");
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

void event_verdict(struct text *out, enum chat_form form, uint32_t cites, bool weak)
{
	bool first = true;

	if (form != CHAT_SSE)
		return;
	sse_begin(out, "delta");
	text_add_str(out, ",\"text\":\"\",\"cites\":[");
	for (unsigned i = 0; i < 32; i++)
		if (cites & 1u << i) {
			text_printf(out, "%s\"%u\"", first ? "" : ",", i + 1);
			first = false;
		}
	text_printf(out, "],\"weak\":%s", weak ? "true" : "false");
	sse_end(out);
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
		    ",\"grounded\":%s,\"weak_sentences\":%u",
		    (unsigned long long)done->prompt_tokens,
		    (unsigned long long)done->completion_tokens,
		    (unsigned long long)done->retrieve_ms, (unsigned long long)done->first_token_ms,
		    (unsigned long long)done->total_ms, done->grounded ? "true" : "false",
		    done->weak_sentences);
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

void lightrag_answer(struct text *out, const struct whole_answer *whole, bool content)
{
	text_add_char(out, '{');
	string(out, "response", whole->words);
	if (whole->answer) {
		text_add_str(out, ",\"references\":[");
		reference_list(out, whole->answer, content);
		text_add_char(out, ']');
	}
	text_add_str(out, ",\"notices\":[");
	text_add(out, whole->notices);
	text_add_str(out, "],");
	done_members(out, &whole->done);
	text_add_str(out, "}\n");
}
