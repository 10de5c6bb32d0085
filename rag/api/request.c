#include "rag/api/request_internal.h"

#include <stdio.h>

#include "http/uri.h"
#include "rag/retrieve/filter.h"
#include "rag/retrieve/items.h"
#include "rag/text/words.h"

/* jansson recurses, so the depth is counted before it sees the text. */
static bool depth_is_fine(struct bytes body)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.at[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > REQUEST_MAX_DEPTH)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

static struct bytes media_type(struct bytes content_type)
{
	size_t semicolon = bytes_index(content_type, ';');

	return bytes_trim(bytes_upto(content_type, semicolon));
}

/* curl -d says it sends a form, and older clients say nothing or text/plain; JSON it is. */
static bool media_is_fine(struct bytes content_type, struct bytes body)
{
	struct bytes type = media_type(content_type);

	if (type.len == 0 || bytes_eq_nocase(type, BYTES("application/json")) ||
	    bytes_eq_nocase(type, BYTES("text/plain")) || bytes_eq_nocase(type, BYTES("text/json")))
		return true;
	if (bytes_starts_nocase(type, BYTES("application/")) && type.len > 5 &&
	    bytes_eq_nocase(bytes_from(type, type.len - 5), BYTES("+json")))
		return true;
	return bytes_eq_nocase(type, BYTES("application/x-www-form-urlencoded")) && body.len &&
	       (body.at[0] == '{' || body.at[0] == ' ' || body.at[0] == '\n');
}

err_t request_read_json(struct bytes body, struct bytes content_type, json_t **ret_root,
			struct fault *fault)
{
	json_error_t error;
	json_t *root;

	if (!media_is_fine(content_type, body)) {
		fault_set(fault, FAULT_MEDIA, "", "Send JSON: Content-Type: application/json.");
		return ERR_INVALID;
	}
	if (!depth_is_fine(body)) {
		fault_set(fault, FAULT_BAD_JSON, "", "The JSON is nested deeper than %d levels.",
			  REQUEST_MAX_DEPTH);
		return ERR_INVALID;
	}
	root = json_loadb(body.at ? body.at : "", body.len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		fault_set(fault, FAULT_BAD_JSON, "",
			  "The body is no JSON: %s (line %d, column %d).", error.text, error.line,
			  error.column);
		return ERR_INVALID;
	}
	if (!json_is_object(root)) {
		fault_set(fault, FAULT_INVALID, "", "The body must be a JSON object.");
		json_decref(root);
		return ERR_INVALID;
	}
	*ret_root = root;
	return ERR_OK;
}

err_t request_refuse(struct fault *fault, const char *field, const char *words)
{
	fault_set(fault, FAULT_INVALID, field, "%s", words);
	return ERR_INVALID;
}

struct bytes request_bytes(const json_t *string)
{
	return bytes_make(json_string_value(string), json_string_length(string));
}

static struct bytes trim_space(struct bytes b)
{
	while (b.len && strchr(" \t\r\n", b.at[0]))
		b = bytes_from(b, 1);
	while (b.len && strchr(" \t\r\n", b.at[b.len - 1]))
		b.len--;
	return b;
}

static err_t refuse_member(struct fault *fault, const char *name, const char *words)
{
	char field[80];

	snprintf(field, sizeof field, "/%s", name);
	fault_set(fault, FAULT_INVALID, field, "%s %s", name, words);
	return ERR_INVALID;
}

static err_t read_message(const json_t *root, const char *name, struct chat_request *request,
			  struct fault *fault)
{
	const json_t *value = json_object_get(root, name);

	if (!value)
		return refuse_member(fault, name, "is missing: say what you want to know.");
	if (!json_is_string(value))
		return refuse_member(fault, name, "must be a string.");
	request->message = trim_space(request_bytes(value));
	if (request->message.len == 0)
		return refuse_member(fault, name, "is empty.");
	if (characters_before(request->message, request->message.len) > MESSAGE_MAX_CHARS)
		return refuse_member(fault, name, "is longer than 8000 characters.");
	return ERR_OK;
}

static err_t read_turn(const json_t *turn, const char *name, size_t index,
		       struct chat_request *request, size_t *total_bytes, struct fault *fault)
{
	const json_t *role = json_object_get(turn, "role");
	const json_t *content = json_object_get(turn, "content");
	bool is_user = json_is_string(role) && strcmp(json_string_value(role), "user") == 0;
	char field[80];

	snprintf(field, sizeof field, "/%s/%zu", name, index);
	if (!json_is_object(turn) || !json_is_string(content))
		return request_refuse(fault, field,
				      "Each turn is an object with role and content.");
	if (!is_user &&
	    (!json_is_string(role) || strcmp(json_string_value(role), "assistant") != 0))
		return request_refuse(fault, field, "role must be \"user\" or \"assistant\".");
	*total_bytes += json_string_length(content);
	if (*total_bytes > HISTORY_MAX_BYTES)
		return refuse_member(fault, name, "is longer than 64 KiB.");
	if (is_user)
		request->previous = request_bytes(content);
	return ERR_OK;
}

static err_t read_history(const json_t *root, const char *name, struct chat_request *request,
			  struct fault *fault)
{
	json_t *history = json_object_get(root, name), *turn;
	size_t index, total_bytes = 0;

	if (!history || json_is_null(history))
		return ERR_OK;
	if (!json_is_array(history))
		return refuse_member(fault, name, "must be an array.");
	if (json_array_size(history) > HISTORY_MAX_TURNS)
		return refuse_member(fault, name, "is longer than 50 turns.");
	json_array_foreach (history, index, turn)
		TRY(read_turn(turn, name, index, request, &total_bytes, fault));
	request->history = history;
	return ERR_OK;
}

err_t request_read_bool(const json_t *root, const char *name, bool *value, struct fault *fault)
{
	const json_t *member = json_object_get(root, name);
	char field[80];

	if (!member || json_is_null(member))
		return ERR_OK;
	if (!json_is_boolean(member)) {
		snprintf(field, sizeof field, "/%s", name);
		return request_refuse(fault, field, "This must be true or false.");
	}
	*value = json_is_true(member);
	return ERR_OK;
}

/* Members that one day choose something: a choice that would not act is refused, not swallowed. */
static err_t check_choices(const json_t *root, struct fault *fault)
{
	static const struct {
		const char *name, *field, *values[3], *words;
	} choices[] = {
		{ "language",
		  "/language",
		  { "auto", "en" },
		  "language must be \"auto\" or \"en\"." },
	};
	const json_t *session = json_object_get(root, "session_id");

	for (size_t i = 0; i < COUNT(choices); i++) {
		const json_t *value = json_object_get(root, choices[i].name);
		bool known = !value || json_is_null(value);

		for (size_t k = 0; choices[i].values[k] && json_is_string(value); k++)
			known |= strcmp(json_string_value(value), choices[i].values[k]) == 0;
		if (!known)
			return request_refuse(fault, choices[i].field, choices[i].words);
	}
	if (session && !json_is_null(session) &&
	    (!json_is_string(session) || json_string_length(session) > SESSION_ID_MAX_CHARS))
		return request_refuse(fault, "/session_id",
				      "session_id must be a string of at most 128 bytes.");
	return ERR_OK;
}

static err_t read_mode(const json_t *root, struct chat_request *request, struct fault *fault)
{
	const json_t *value = json_object_get(root, "mode");

	request->mode = MODE_MIX;
	if (!value || json_is_null(value))
		return ERR_OK;
	for (unsigned i = 0; json_is_string(value) && i < MODE_COUNT; i++)
		if (strcmp(json_string_value(value), retrieve_mode_names[i]) == 0) {
			request->mode = (enum retrieve_mode)i;
			return ERR_OK;
		}
	return request_refuse(fault, "/mode",
			      "mode must be mix, lexical, naive, local, global, hybrid or bypass.");
}

static err_t read_filter(const json_t *root, struct chat_request *request, struct fault *fault)
{
	const json_t *filter = json_object_get(root, "filter");
	struct text why = TEXT_INIT(256);
	char field[80];
	err_t err = ERR_OK;

	if (!filter || json_is_null(filter))
		return ERR_OK;
	if (filter_check(filter, field, &why))
		err = request_refuse(fault, field, text_str(&why));
	text_fini(&why);
	request->filter = filter;
	return err;
}

static err_t read_count(const json_t *root, const char *name, unsigned *value, struct fault *fault)
{
	const json_t *member = json_object_get(root, name);

	if (!member || json_is_null(member))
		return ERR_OK;
	if (!json_is_integer(member) || json_integer_value(member) < 1 ||
	    json_integer_value(member) > RETRIEVE_TOP_MAX)
		return refuse_member(fault, name, "must be a whole number from 1 to 50.");
	*value = (unsigned)json_integer_value(member);
	return ERR_OK;
}

static bool accepts(struct bytes accept, const char *type)
{
	struct bytes part;

	while (bytes_cut(&accept, ',', &part))
		if (bytes_eq_nocase(media_type(part), bytes_of(type)))
			return true;
	return false;
}

/* The body's "stream" decides over Accept, as it is the more deliberate of the two. */
static err_t read_form(const json_t *root, const struct chat_request_parts *parts,
		       struct chat_request *request, struct fault *fault)
{
	struct bytes query = parts->query, key, value;
	bool stream = !accepts(parts->accept, "application/json") ||
		      accepts(parts->accept, "text/event-stream");

	if (accepts(parts->accept, "application/x-ndjson"))
		stream = true;
	TRY(request_read_bool(root, "stream", &stream, fault));
	request->form = !stream						 ? CHAT_JSON
			: accepts(parts->accept, "application/x-ndjson") ? CHAT_NDJSON
									 : CHAT_SSE;
	while (uri_query_cut(&query, &key, &value))
		if (bytes_eq_str(key, "heartbeat") && bytes_eq_str(value, "1"))
			request->ndjson_heartbeat = true;
	return ERR_OK;
}

err_t request_read_common(struct chat_request *request, const char *message, const char *history,
			  struct fault *fault)
{
	request->include_references = true;
	request->top_k = TOP_K_DEFAULT;
	TRY(read_message(request->root, message, request, fault));
	TRY(read_history(request->root, history, request, fault));
	TRY(read_mode(request->root, request, fault));
	TRY(read_filter(request->root, request, fault));
	TRY(read_count(request->root, "top_k", &request->top_k, fault));
	return request_read_bool(request->root, "include_references", &request->include_references,
				 fault);
}

static err_t read_members(const struct chat_request_parts *parts, struct chat_request *request,
			  struct fault *fault)
{
	TRY(request_read_common(request, "message", "history", fault));
	TRY(check_choices(request->root, fault));
	return read_form(request->root, parts, request, fault);
}

static err_t read_score_min(const json_t *root, struct chat_request *request, struct fault *fault)
{
	const json_t *value = json_object_get(root, "min_score");

	if (!value || json_is_null(value))
		return ERR_OK;
	if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1)
		return refuse_member(fault, "min_score", "must be a number from 0 to 1.");
	request->score_min = json_number_value(value);
	return ERR_OK;
}

/* LightRAG's members that shape a prompt or a budget of a kind we have not are left alone. */
static err_t read_query(const struct chat_request_parts *parts, struct chat_request *request,
			struct fault *fault)
{
	const json_t *root = request->root;
	bool rerank = true;

	(void)parts;
	request->form = CHAT_LIGHTRAG;
	TRY(request_read_common(request, "query", "conversation_history", fault));
	if (!json_object_get(root, "top_k"))
		request->top_k = QUERY_TOP_K_DEFAULT;
	/* top_k is LightRAG's number of entities; chunk_top_k that of passages, and it decides. */
	TRY(read_count(root, "chunk_top_k", &request->top_k, fault));
	TRY(read_score_min(root, request, fault));
	TRY(request_read_bool(root, "include_chunk_content", &request->include_content, fault));
	TRY(request_read_bool(root, "only_need_context", &request->context_only, fault));
	TRY(request_read_bool(root, "enable_rerank", &rerank, fault));
	request->no_rerank = !rerank;
	if (json_is_true(json_object_get(root, "only_need_prompt")))
		return request_refuse(
			fault, "/only_need_prompt",
			"The prompt is not shown; only_need_context shows what goes into it.");
	return ERR_OK;
}

err_t request_read(const struct chat_request_parts *parts, members_fn members,
		   struct chat_request *ret_request, struct fault *ret_fault)
{
	struct chat_request request = { .root = NULL };
	err_t err;

	TRY(request_read_json(parts->body, parts->content_type, &request.root, ret_fault));
	err = members(parts, &request, ret_fault);
	if (err) {
		json_decref(request.root);
		return err;
	}
	*ret_request = request;
	return ERR_OK;
}

err_t chat_request_read(const struct chat_request_parts *parts, struct chat_request *ret_request,
			struct fault *ret_fault)
{
	return request_read(parts, read_members, ret_request, ret_fault);
}

/* A question and what came with it. */
static err_t read_multimodal(const struct chat_request_parts *parts, struct chat_request *request,
			     struct fault *fault)
{
	const json_t *items = json_object_get(request->root, "multimodal_content");
	struct text why = TEXT_INIT(256);
	char field[80];
	err_t err = ERR_OK;

	TRY(read_query(parts, request, fault));
	if (items && items_check(items, field, &why))
		err = request_refuse(fault, field, text_str(&why));
	text_fini(&why);
	request->items = items;
	return err;
}

err_t multimodal_request_read(const struct chat_request_parts *parts,
			      struct chat_request *ret_request, struct fault *ret_fault)
{
	return request_read(parts, read_multimodal, ret_request, ret_fault);
}

err_t query_request_read(const struct chat_request_parts *parts, struct chat_request *ret_request,
			 struct fault *ret_fault)
{
	return request_read(parts, read_query, ret_request, ret_fault);
}

void chat_request_fini(struct chat_request *request)
{
	json_decref(request->root);
	*request = (struct chat_request){ .root = NULL };
}

/* Which stages are to run again: without parse and chunk, the passages stay as they are. */
static err_t read_stages(const json_t *root, struct reindex_request *request, struct fault *fault)
{
	static const char *const names[] = { "parse", "chunk", "embed", "graph" };
	json_t *stages = json_object_get(root, "stages"), *stage;
	size_t i;

	if (!stages)
		return ERR_OK;
	if (!json_is_array(stages) || json_array_size(stages) == 0)
		return request_refuse(fault, "/stages", "stages must be an array of names.");
	request->keep_passages = true;
	json_array_foreach (stages, i, stage) {
		size_t k = 0;

		while (k < COUNT(names) && json_is_string(stage) &&
		       strcmp(json_string_value(stage), names[k]) != 0)
			k++;
		if (k == COUNT(names) || !json_is_string(stage))
			return request_refuse(fault, "/stages",
					      "A stage is parse, chunk, embed or graph.");
		request->keep_passages &= k >= 2;
	}
	return ERR_OK;
}

static err_t read_scope(const json_t *root, struct reindex_request *request, struct fault *fault)
{
	static const char *const names[] = { "all", "failed", "documents" };
	const json_t *scope = json_object_get(root, "scope");
	json_t *id;
	size_t i, k = 0;

	while (scope && k < COUNT(names) &&
	       (!json_is_string(scope) || strcmp(json_string_value(scope), names[k]) != 0))
		k++;
	if (k == COUNT(names))
		return request_refuse(fault, "/scope", "scope must be all, failed or documents.");
	request->scope = (enum ingest_scope)k;
	if (request->scope != INGEST_SOME)
		return ERR_OK;
	request->ids = json_object_get(root, "document_ids");
	if (!json_is_array(request->ids) || json_array_size(request->ids) == 0 ||
	    json_array_size(request->ids) > REINDEX_IDS_MAX)
		return request_refuse(fault, "/document_ids",
				      "document_ids must be an array of ids.");
	json_array_foreach (request->ids, i, id)
		if (!json_is_string(id))
			return request_refuse(fault, "/document_ids", "An id is a string.");
	return ERR_OK;
}

err_t reindex_request_read(struct bytes body, struct bytes content_type,
			   struct reindex_request *ret_request, struct fault *ret_fault)
{
	struct reindex_request request = { .scope = INGEST_ALL };
	err_t err;

	if (trim_space(body).len == 0) {
		*ret_request = request;
		return ERR_OK;
	}
	TRY(request_read_json(body, content_type, &request.root, ret_fault));
	err = read_scope(request.root, &request, ret_fault);
	if (!err)
		err = read_stages(request.root, &request, ret_fault);
	if (!err)
		err = request_read_bool(request.root, "dry_run", &request.dry_run, ret_fault);
	if (err) {
		json_decref(request.root);
		return err;
	}
	*ret_request = request;
	return ERR_OK;
}
