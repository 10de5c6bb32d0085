#include "rag/api/openai.h"

#include "base/encode.h"
#include "rag/api/request_internal.h"

/* ---- The request ---- */

/* Content is a string, or parts of which the texts count. NULL and a refusal for anything else. */
static json_t *text_of(const json_t *content, struct fault *fault)
{
	struct text words = TEXT_INIT(HISTORY_MAX_BYTES + MESSAGE_MAX_CHARS * 4);
	const json_t *part;
	json_t *joined;
	size_t i;

	if (json_is_string(content))
		return json_incref((json_t *)content);
	json_array_foreach (content, i, part) {
		const json_t *type = json_object_get(part, "type");
		const json_t *text = json_object_get(part, "text");

		if (!json_is_string(type) || strcmp(json_string_value(type), "text") != 0 ||
		    !json_is_string(text)) {
			request_refuse(
				fault, "/messages",
				"Only parts of the type \"text\" are read here; images go to "
				"/query/multimodal.");
			text_fini(&words);
			return NULL;
		}
		text_add_str(&words, words.len ? "\n" : "");
		text_add(&words, request_bytes(text));
	}
	joined = json_stringn(text_str(&words), words.len);
	text_fini(&words);
	return joined;
}

static bool is_role(const json_t *message, const char *role)
{
	const char *value = json_string_value(json_object_get(message, "role"));

	return value && strcmp(value, role) == 0;
}

/* What was said becomes history in our own form; the last word must be the user's. */
static err_t take_messages(json_t *root, const json_t *messages, struct fault *fault)
{
	json_t *history = json_array();
	const json_t *message;
	err_t err = ERR_OK;
	size_t i, last;

	json_object_set_new(root, "history", history);
	json_array_foreach (messages, i, message) {
		bool is_user = is_role(message, "user");
		json_t *content;

		if (!json_is_object(message))
			return request_refuse(fault, "/messages", "Each message is an object.");
		if (!is_user && !is_role(message, "assistant"))
			continue;
		content = text_of(json_object_get(message, "content"), fault);
		if (!content)
			return ERR_INVALID;
		json_array_append_new(history, json_pack("{s:s, s:o}", "role",
							 is_user ? "user" : "assistant", "content",
							 content));
	}
	last = json_array_size(history);
	if (last == 0 || !is_role(json_array_get(history, last - 1), "user"))
		return request_refuse(fault, "/messages", "The last message must be the user's.");
	json_object_set(root, "message",
			json_object_get(json_array_get(history, last - 1), "content"));
	json_array_remove(history, last - 1);
	return err;
}

static err_t read_completions(const struct chat_request_parts *parts, struct chat_request *request,
			      struct fault *fault)
{
	const json_t *messages = json_object_get(request->root, "messages");
	const json_t *options = json_object_get(request->root, "stream_options");
	bool stream = false;

	(void)parts;
	if (!json_is_array(messages) || json_array_size(messages) == 0)
		return request_refuse(fault, "/messages", "messages must be a list of messages.");
	if (json_array_size(messages) > HISTORY_MAX_TURNS * 2)
		return request_refuse(fault, "/messages", "These are more than 100 messages.");
	TRY(take_messages(request->root, messages, fault));
	/* Long conversations are the rule here: the oldest turns go, not the question. */
	while (json_array_size(json_object_get(request->root, "history")) > HISTORY_MAX_TURNS)
		json_array_remove(json_object_get(request->root, "history"), 0);
	TRY(request_read_common(request, "message", "history", fault));
	TRY(request_read_bool(request->root, "stream", &stream, fault));
	request->form = stream ? CHAT_OPENAI_STREAM : CHAT_OPENAI;
	request->usage_wanted = json_is_true(json_object_get(options, "include_usage"));
	return ERR_OK;
}

err_t completions_request_read(const struct chat_request_parts *parts,
			       struct chat_request *ret_request, struct fault *ret_fault)
{
	return request_read(parts, read_completions, ret_request, ret_fault);
}

/* ---- The answer ---- */

static void string(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, "\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

static void head_members(struct text *out, const struct openai_head *head, const char *object)
{
	text_printf(out, "\"id\":\"chatcmpl-%s\",\"object\":\"%s\",\"created\":%llu,", head->id,
		    object, (unsigned long long)head->created_s);
	string(out, "model", bytes_of(head->model));
}

static void chunk_begin(struct text *out, const struct openai_head *head)
{
	text_add_str(out, "data: {");
	head_members(out, head, "chat.completion.chunk");
	text_add_str(out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void chunk_end(struct text *out, const char *finish)
{
	if (finish)
		text_printf(out, "},\"finish_reason\":\"%s\"}]}\n\n", finish);
	else
		text_add_str(out, "},\"finish_reason\":null}]}\n\n");
}

void openai_role(struct text *out, const struct openai_head *head)
{
	chunk_begin(out, head);
	text_add_str(out, "\"role\":\"assistant\",\"content\":\"\"");
	chunk_end(out, NULL);
}

void openai_words(struct text *out, const struct openai_head *head, struct bytes words)
{
	chunk_begin(out, head);
	string(out, "content", words);
	chunk_end(out, NULL);
}

/* Beside an empty delta, since clients expect a choice in every chunk. */
static void extra_begin(struct text *out, const struct openai_head *head)
{
	chunk_begin(out, head);
	text_add_str(out, "},\"finish_reason\":null}],");
}

void openai_references(struct text *out, const struct openai_head *head,
		       const struct answer *answer)
{
	extra_begin(out, head);
	text_add_str(out, "\"x_references\":[");
	reference_list(out, answer, false);
	text_add_str(out, "]}\n\n");
}

void openai_notice(struct text *out, const struct openai_head *head,
		   const struct event_notice *notice)
{
	extra_begin(out, head);
	text_add_str(out, "\"x_notice\":");
	notice_object(out, notice);
	text_add_str(out, "}\n\n");
}

static const char *finish_of(const struct event_done *done)
{
	return strcmp(done->finish_reason, "length") == 0 ? "length" : "stop";
}

static void usage_member(struct text *out, const struct event_done *done)
{
	text_printf(out,
		    "\"usage\":{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,"
		    "\"total_tokens\":%llu}",
		    (unsigned long long)done->prompt_tokens,
		    (unsigned long long)done->completion_tokens,
		    (unsigned long long)(done->prompt_tokens + done->completion_tokens));
}

void openai_done(struct text *out, const struct openai_head *head, const struct event_done *done,
		 bool usage)
{
	chunk_begin(out, head);
	text_printf(out, "},\"finish_reason\":\"%s\"}],\"x_finish\":\"%s\",\"x_grounded\":%s}\n\n",
		    finish_of(done), done->finish_reason, done->grounded ? "true" : "false");
	if (usage) {
		text_add_str(out, "data: {");
		head_members(out, head, "chat.completion.chunk");
		text_add_str(out, ",\"choices\":[],");
		usage_member(out, done);
		text_add_str(out, "}\n\n");
	}
	text_add_str(out, "data: [DONE]\n\n");
}

void openai_error(struct text *out, const struct fault *fault)
{
	text_add_str(out, "data: {\"error\":{");
	string(out, "message", bytes_of(fault->message));
	text_printf(out, ",\"type\":\"server_error\",\"code\":\"%s\"}}\n\n",
		    fault_code(fault->kind));
}

void openai_whole(struct text *out, const struct openai_head *head,
		  const struct whole_answer *whole)
{
	text_add_char(out, '{');
	head_members(out, head, "chat.completion");
	text_add_str(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",");
	string(out, "content", whole->words);
	text_printf(out, "},\"finish_reason\":\"%s\"}],", finish_of(&whole->done));
	usage_member(out, &whole->done);
	text_printf(out, ",\"x_finish\":\"%s\",\"x_grounded\":%s,\"x_notices\":[",
		    whole->done.finish_reason, whole->done.grounded ? "true" : "false");
	text_add(out, whole->notices);
	text_add_str(out, "],\"x_references\":[");
	if (whole->answer)
		reference_list(out, whole->answer, false);
	text_add_str(out, "]}\n");
}

void openai_models(struct text *out, const char *model, uint64_t created_s)
{
	text_add_str(out, "{\"object\":\"list\",\"data\":[{");
	string(out, "id", bytes_of(model));
	text_printf(out, ",\"object\":\"model\",\"created\":%llu,\"owned_by\":\"ragd\"}]}\n",
		    (unsigned long long)created_s);
}
