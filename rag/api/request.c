#include "rag/api/request.h"

#include <stdio.h>

#include "http/uri.h"
#include "rag/retrieve/retrieve.h"
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

static err_t read_json(struct bytes body, struct bytes content_type, json_t **ret_root,
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

static err_t refuse(struct fault *fault, const char *field, const char *words)
{
	fault_set(fault, FAULT_INVALID, field, "%s", words);
	return ERR_INVALID;
}

static struct bytes json_bytes(const json_t *string)
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

static err_t read_message(const json_t *root, struct chat_request *request, struct fault *fault)
{
	const json_t *value = json_object_get(root, "message");

	if (!value)
		return refuse(fault, "/message", "message is missing: say what you want to know.");
	if (!json_is_string(value))
		return refuse(fault, "/message", "message must be a string.");
	request->message = trim_space(json_bytes(value));
	if (request->message.len == 0)
		return refuse(fault, "/message", "message is empty.");
	if (characters_before(request->message, request->message.len) > MESSAGE_MAX_CHARS) {
		fault_set(fault, FAULT_INVALID, "/message", "message is longer than %d characters.",
			  MESSAGE_MAX_CHARS);
		return ERR_INVALID;
	}
	return ERR_OK;
}

static err_t read_turn(const json_t *turn, size_t index, struct chat_request *request,
		       size_t *total_bytes, struct fault *fault)
{
	const json_t *role = json_object_get(turn, "role");
	const json_t *content = json_object_get(turn, "content");
	bool is_user = json_is_string(role) && strcmp(json_string_value(role), "user") == 0;
	char field[80];

	snprintf(field, sizeof field, "/history/%zu", index);
	if (!json_is_object(turn) || !json_is_string(content))
		return refuse(fault, field, "Each turn is an object with role and content.");
	if (!is_user &&
	    (!json_is_string(role) || strcmp(json_string_value(role), "assistant") != 0))
		return refuse(fault, field, "role must be \"user\" or \"assistant\".");
	*total_bytes += json_string_length(content);
	if (*total_bytes > HISTORY_MAX_BYTES)
		return refuse(fault, "/history", "The history is longer than 64 KiB.");
	if (is_user)
		request->previous = json_bytes(content);
	return ERR_OK;
}

static err_t read_history(const json_t *root, struct chat_request *request, struct fault *fault)
{
	json_t *history = json_object_get(root, "history"), *turn;
	size_t index, total_bytes = 0;

	if (!history || json_is_null(history))
		return ERR_OK;
	if (!json_is_array(history))
		return refuse(fault, "/history", "history must be an array.");
	if (json_array_size(history) > HISTORY_MAX_TURNS)
		return refuse(fault, "/history", "The history is longer than 50 turns.");
	json_array_foreach (history, index, turn)
		TRY(read_turn(turn, index, request, &total_bytes, fault));
	request->history = history;
	return ERR_OK;
}

static err_t read_bool(const json_t *root, const char *name, bool *value, struct fault *fault)
{
	const json_t *member = json_object_get(root, name);
	char field[80];

	if (!member || json_is_null(member))
		return ERR_OK;
	if (!json_is_boolean(member)) {
		snprintf(field, sizeof field, "/%s", name);
		return refuse(fault, field, "This must be true or false.");
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
		{ "mode", "/mode", { "mix", "lexical" }, "mode must be \"mix\" or \"lexical\"." },
		{ "language",
		  "/language",
		  { "auto", "en" },
		  "language must be \"auto\" or \"en\"." },
	};
	const json_t *session = json_object_get(root, "session_id");
	const json_t *filter = json_object_get(root, "filter");

	for (size_t i = 0; i < COUNT(choices); i++) {
		const json_t *value = json_object_get(root, choices[i].name);
		bool known = !value || json_is_null(value);

		for (size_t k = 0; choices[i].values[k] && json_is_string(value); k++)
			known |= strcmp(json_string_value(value), choices[i].values[k]) == 0;
		if (!known)
			return refuse(fault, choices[i].field, choices[i].words);
	}
	if (session && !json_is_null(session) &&
	    (!json_is_string(session) || json_string_length(session) > SESSION_ID_MAX_CHARS))
		return refuse(fault, "/session_id",
			      "session_id must be a string of at most 128 bytes.");
	if (filter && !json_is_null(filter) && json_object_size(filter) > 0)
		return refuse(fault, "/filter", "Filters are not supported yet.");
	if (filter && !json_is_null(filter) && !json_is_object(filter))
		return refuse(fault, "/filter", "filter must be an object.");
	return ERR_OK;
}

static err_t read_top_k(const json_t *root, struct chat_request *request, struct fault *fault)
{
	const json_t *value = json_object_get(root, "top_k");

	request->top_k = TOP_K_DEFAULT;
	if (!value || json_is_null(value))
		return ERR_OK;
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > RETRIEVE_TOP_MAX)
		return refuse(fault, "/top_k", "top_k must be a whole number from 1 to 50.");
	request->top_k = (unsigned)json_integer_value(value);
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
	TRY(read_bool(root, "stream", &stream, fault));
	request->form = !stream						 ? CHAT_JSON
			: accepts(parts->accept, "application/x-ndjson") ? CHAT_NDJSON
									 : CHAT_SSE;
	while (uri_query_cut(&query, &key, &value))
		if (bytes_eq_str(key, "heartbeat") && bytes_eq_str(value, "1"))
			request->ndjson_heartbeat = true;
	return ERR_OK;
}

static err_t read_members(const struct chat_request_parts *parts, struct chat_request *request,
			  struct fault *fault)
{
	request->include_references = true;
	TRY(read_message(request->root, request, fault));
	TRY(read_history(request->root, request, fault));
	TRY(check_choices(request->root, fault));
	TRY(read_top_k(request->root, request, fault));
	TRY(read_bool(request->root, "include_references", &request->include_references, fault));
	return read_form(request->root, parts, request, fault);
}

err_t chat_request_read(const struct chat_request_parts *parts, struct chat_request *ret_request,
			struct fault *ret_fault)
{
	struct chat_request request = { .root = NULL };
	err_t err;

	TRY(read_json(parts->body, parts->content_type, &request.root, ret_fault));
	err = read_members(parts, &request, ret_fault);
	if (err) {
		json_decref(request.root);
		return err;
	}
	*ret_request = request;
	return ERR_OK;
}

void chat_request_fini(struct chat_request *request)
{
	json_decref(request->root);
	*request = (struct chat_request){ .root = NULL };
}

err_t reindex_request_check(struct bytes body, struct bytes content_type, struct fault *ret_fault)
{
	const json_t *scope, *dry_run;
	json_t *root;
	err_t err = ERR_OK;

	if (trim_space(body).len == 0)
		return ERR_OK;
	TRY(read_json(body, content_type, &root, ret_fault));
	scope = json_object_get(root, "scope");
	dry_run = json_object_get(root, "dry_run");
	if (scope && (!json_is_string(scope) || strcmp(json_string_value(scope), "all") != 0))
		err = refuse(ret_fault, "/scope", "scope must be \"all\".");
	else if (dry_run && !json_is_false(dry_run))
		err = refuse(ret_fault, "/dry_run", "A dry run is not supported yet.");
	json_decref(root);
	return err;
}
