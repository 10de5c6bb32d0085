/*
 * Which operation a method and a path mean, and what the request says outside its body.
 */
#include "api/rest.h"

#include "api/api_internal.h"
#include "api/json.h"
#include "api/xml_body.h"
#include "base/encode.h"
#include "base/when.h"
#include "http/uri.h"

enum { VALUE_BYTES_MAX = 64 * 1024, LITERAL_WEIGHT = 16 };

bool rest_is(enum api_protocol protocol)
{
	return protocol == API_REST_JSON || protocol == API_REST_XML;
}

/* ---- Templates ---- */

static struct bytes without_slash(struct bytes path)
{
	return path.len && path.at[path.len - 1] == '/' ? bytes_upto(path, path.len - 1) : path;
}

/* "{Name}", "{Name+}"; false for a segment that stands for itself. */
static bool is_label(struct bytes segment, struct bytes *ret_name, bool *ret_greedy)
{
	if (segment.len < 3 || segment.at[0] != '{')
		return false;
	assert(segment.at[segment.len - 1] == '}');
	*ret_name = bytes_make(segment.at + 1, segment.len - 2);
	*ret_greedy = ret_name->at[ret_name->len - 1] == '+';
	if (*ret_greedy)
		ret_name->len--;
	return true;
}

static void add_label(struct rest_match *match, struct bytes name, struct bytes value)
{
	assert(match->label_count < REST_LABELS_MAX);
	match->labels[match->label_count++] = (struct rest_label){ name, value };
}

static bool path_fits(struct bytes template, struct bytes path, struct rest_match *match,
		      unsigned *closeness)
{
	struct bytes wanted_rest = without_slash(template), rest = path, wanted, segment, name;
	bool greedy, more = true;

	if (!bytes_cut(&wanted_rest, '/', &wanted) || !bytes_cut(&rest, '/', &segment) ||
	    segment.len)
		return false;
	while (bytes_cut(&wanted_rest, '/', &wanted)) {
		bool labelled = is_label(wanted, &name, &greedy);

		if (!rest.len)
			return false;
		if (labelled && greedy) {
			add_label(match, name, rest);
			return true;
		}
		more = bytes_cut(&rest, '/', &segment);
		if (!more || !segment.len || (!labelled && !bytes_eq(wanted, segment)))
			return false;
		if (labelled)
			add_label(match, name, segment);
		else
			*closeness += LITERAL_WEIGHT;
	}
	return !rest.len; /* "/a/" is as good as "/a" */
}

static bool has_param(struct bytes query, struct bytes wanted, struct bytes wanted_value)
{
	struct bytes rest = query, name, value;

	while (uri_query_cut(&rest, &name, &value))
		if (bytes_eq(name, wanted) && (!wanted_value.at || bytes_eq(value, wanted_value)))
			return true;
	return false;
}

static bool query_fits(struct bytes wanted, struct bytes query, unsigned *closeness)
{
	struct bytes rest = wanted, name, value;

	while (uri_query_cut(&rest, &name, &value)) {
		if (!has_param(query, name, value))
			return false;
		*closeness += 1;
	}
	return true;
}

bool rest_fits(const struct api_rest *row, const struct rest_request *request,
	       struct rest_match *ret_match, unsigned *ret_closeness)
{
	struct bytes query = bytes_of(row->uri), template;
	unsigned closeness = row->field != NULL;

	ret_match->label_count = 0;
	bytes_cut(&query, '?', &template);
	if (!bytes_eq_str(request->head->method, row->method) ||
	    (row->field && !http_find(request->head, bytes_of(row->field))) ||
	    !path_fits(template, request->path, ret_match, &closeness) ||
	    !query_fits(query, request->query, &closeness))
		return false;
	*ret_closeness = closeness;
	return true;
}

static bool find_in(const struct api_service *service, const struct rest_request *request,
		    struct rest_match *ret_match)
{
	struct rest_match match;
	unsigned closeness, best = 0;
	bool found = false;

	for (size_t i = 0; i < service->operation_count; i++) {
		const struct api_operation *operation = &service->operations[i];

		if (!operation->rest.uri ||
		    !rest_fits(&operation->rest, request, &match, &closeness) ||
		    (found && closeness <= best))
			continue;
		match.service = service;
		match.operation = operation;
		*ret_match = match;
		best = closeness;
		found = true;
	}
	return found;
}

err_t rest_find(const struct api *api, const struct api_service *service,
		const struct rest_request *request, struct rest_match *ret_match)
{
	static const enum api_protocol order[] = { API_REST_JSON, API_REST_XML };

	if (service)
		return find_in(service, request, ret_match) ? ERR_OK : ERR_NOT_FOUND;
	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = 0; (service = api_service_at(api, j)); j++)
			if (service->protocol == order[i] && find_in(service, request, ret_match))
				return ERR_OK;
	return ERR_NOT_FOUND;
}

/* ---- Members outside the body ---- */

struct decoder {
	const struct rest_match *match;
	const struct rest_request *request;
	json_t *input;
	struct api_fault *fault;
};

static err_t bad_value(struct decoder *d, const char *name)
{
	fault_set(d->fault,
		  d->match->service->protocol == API_REST_XML ? "InvalidArgument"
							      : "InvalidParameterValueException",
		  "The value of %s cannot be read", name);
	return ERR_SYNTAX;
}

/* Text that a handler can use: UTF-8 without a NUL in it. */
static err_t add_text(struct decoder *d, const struct api_member *m, struct bytes value,
		      json_t *list)
{
	json_t *text = NULL;

	if (bytes_index(value, '\0') == SIZE_MAX && utf8_valid(value))
		text = json_stringn(value.at ? value.at : "", value.len);
	if (!text)
		return bad_value(d, m->name);
	if (list ? json_array_append_new(list, text) : json_object_set_new(d->input, m->name, text))
		return ERR_NOMEM;
	return ERR_OK;
}

static err_t add_decoded(struct decoder *d, const struct api_member *m, struct bytes wire,
			 bool plus_is_space, json_t *list)
{
	struct text plain = TEXT_INIT(VALUE_BYTES_MAX);
	err_t err = decode_percent(&plain, wire, plus_is_space);

	if (err == ERR_OK)
		err = text_err(&plain);
	if (err && err != ERR_NOMEM)
		err = bad_value(d, m->name);
	if (!err)
		err = add_text(d, m, text_bytes(&plain), list);
	text_fini(&plain);
	return err;
}

static err_t add_label_value(struct decoder *d, const struct api_member *m)
{
	for (unsigned i = 0; i < d->match->label_count; i++)
		if (bytes_eq_str(d->match->labels[i].name, m->name))
			return add_decoded(d, m, d->match->labels[i].value, false, NULL);
	return ERR_OK;
}

/* A new, empty array that stands in the input under the member's name. */
static err_t add_list(struct decoder *d, const struct api_member *m, json_t **ret_list)
{
	*ret_list = json_array();
	return json_object_set_new(d->input, m->name, *ret_list) ? ERR_NOMEM : ERR_OK;
}

static err_t add_params(struct decoder *d, const struct api_member *m, struct bytes wanted)
{
	struct bytes rest = d->request->query, name, value;
	json_t *list = NULL;

	while (uri_query_cut(&rest, &name, &value)) {
		if (!bytes_eq(name, wanted))
			continue;
		if (m->shape->kind == API_LIST && !list)
			TRY(add_list(d, m, &list));
		if (list && json_array_size(list) == WIRE_LIST_MAX)
			return bad_value(d, m->name);
		TRY(add_decoded(d, m, value, true, list));
		if (!list)
			return ERR_OK;
	}
	return ERR_OK;
}

static err_t add_field(struct decoder *d, const struct api_member *m, struct bytes wanted)
{
	const struct http_field *field = http_find(d->request->head, wanted);
	struct bytes rest, item;
	json_t *list = NULL;
	uint64_t unix_ms;

	if (!field)
		return ERR_OK;
	if (m->shape->kind == API_TIMESTAMP && when_parse_http(field->value, &unix_ms) == ERR_OK)
		return json_object_set_new(d->input, m->name, json_integer((json_int_t)unix_ms))
			       ? ERR_NOMEM
			       : ERR_OK;
	if (m->shape->kind != API_LIST)
		return add_text(d, m, field->value, NULL);
	TRY(add_list(d, m, &list));
	for (rest = field->value; bytes_cut(&rest, ',', &item);)
		TRY(add_text(d, m, bytes_trim(item), list));
	return ERR_OK;
}

static err_t add_fields(struct decoder *d, const struct api_member *m, struct bytes prefix)
{
	struct decoder inner = *d;
	struct api_member entry = { .shape = m->shape->item };
	err_t err = ERR_OK;

	inner.input = json_object();
	for (unsigned i = 0; !err && i < d->request->head->field_count; i++) {
		const struct http_field *field = &d->request->head->fields[i];
		char name[WIRE_NAME_BYTES];
		size_t len = 0;

		if (field->name.len <= prefix.len || !bytes_starts_nocase(field->name, prefix))
			continue;
		if (field->name.len - prefix.len >= sizeof name)
			err = bad_value(d, m->name);
		for (size_t at = prefix.len; !err && at < field->name.len; at++)
			name[len++] = ascii_lower(field->name.at[at]);
		name[len] = '\0';
		entry.name = name;
		if (!err)
			err = add_text(&inner, &entry, field->value, NULL);
	}
	if (err || !json_object_size(inner.input)) {
		json_decref(inner.input);
		return err;
	}
	return json_object_set_new(d->input, m->name, inner.input) ? ERR_NOMEM : ERR_OK;
}

static err_t add_member(struct decoder *d, const struct api_member *m)
{
	struct bytes name = bytes_of(m->location), kind;

	bytes_cut(&name, ':', &kind);
	if (bytes_eq_str(kind, "uri"))
		return add_label_value(d, m);
	if (bytes_eq_str(kind, "query"))
		return add_params(d, m, name);
	if (bytes_eq_str(kind, "header"))
		return add_field(d, m, name);
	if (bytes_eq_str(kind, "headers"))
		return add_fields(d, m, name);
	return ERR_OK; /* the payload was taken before, a status is of answers */
}

/* ---- The body ---- */

static err_t decode_document(const struct rest_match *match, const struct api_shape *shape,
			     struct bytes body, json_t **ret_value, struct api_fault *fault)
{
	if (match->service->protocol == API_REST_XML)
		return xml_decode(shape, body, ret_value, fault);
	TRY(wire_json_decode(body, ret_value, fault));
	wire_json_times_in(shape, *ret_value);
	return ERR_OK;
}

static err_t add_blob(struct decoder *d, const struct api_member *m, struct bytes body)
{
	struct text base64 = TEXT_INIT(WIRE_BODY_BYTES_MAX / 3 * 4 + 4);
	err_t err;

	encode_base64(&base64, body);
	err = text_err(&base64) ? text_err(&base64) : add_text(d, m, text_bytes(&base64), NULL);
	text_fini(&base64);
	return err;
}

static err_t add_payload(struct decoder *d, const struct api_member *m, struct bytes body)
{
	json_t *value;

	if (!body.len)
		return ERR_OK;
	if (m->shape->kind == API_BLOB)
		return add_blob(d, m, body);
	if (m->shape->kind == API_STRING)
		return add_text(d, m, body, NULL);
	TRY(decode_document(d->match, m->shape, body, &value, d->fault));
	return json_object_set_new(d->input, m->name, value) ? ERR_NOMEM : ERR_OK;
}

err_t rest_decode(const struct rest_match *match, const struct rest_request *request,
		  struct bytes body, json_t **ret_input, struct api_fault *fault)
{
	const struct api_shape *shape = match->operation->input;
	const struct api_member *payload = api_payload_member(shape);
	struct decoder d = { .match = match, .request = request, .fault = fault };
	err_t err;

	if (payload)
		d.input = json_object();
	else
		TRY(decode_document(match, shape, body, &d.input, fault));
	err = !d.input ? ERR_NOMEM : payload ? add_payload(&d, payload, body) : ERR_OK;
	for (const struct api_member *m = shape->members; !err && m && m->name; m++) {
		if (!m->location)
			continue;
		if (m != payload)
			json_object_del(d.input, m->name); /* it has one place only */
		err = add_member(&d, m);
	}
	if (err) {
		json_decref(d.input);
		return err;
	}
	*ret_input = d.input;
	return ERR_OK;
}
