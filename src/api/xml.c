#include "api/xml.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/when.h"

struct writer {
	struct text *out;
	bool ec2;
	bool rest;	       /* wire names as they are; locations count */
	const char *operation; /* for the log */
	err_t err;	       /* the first mistake */
};

static void write_value(struct writer *w, const struct api_shape *shape, json_t *value,
			const char *name, unsigned depth);

static void open_tag(struct writer *w, const char *name)
{
	text_add_char(w->out, '<');
	text_add_str(w->out, name);
	text_add_char(w->out, '>');
}

static void close_tag(struct writer *w, const char *name)
{
	text_add_str(w->out, "</");
	text_add_str(w->out, name);
	text_add_char(w->out, '>');
}

static void empty_tag(struct writer *w, const char *name)
{
	text_add_char(w->out, '<');
	text_add_str(w->out, name);
	text_add_str(w->out, "/>");
}

/* <Grantee xmlns:xsi="…" xsi:type="CanonicalUser"> */
static void open_structure(struct writer *w, const struct api_shape *shape, json_t *value,
			   const char *name)
{
	text_add_char(w->out, '<');
	text_add_str(w->out, name);
	for (const struct api_member *m = shape->members; w->rest && m && m->name; m++) {
		json_t *member = json_object_get(value, m->name);

		if (!m->location || strncmp(m->location, "attr:", 5) != 0 || !member)
			continue;
		if (strncmp(m->location, "attr:xsi:", 9) == 0)
			text_add_str(w->out, " xmlns:xsi=\"http://www.w3.org/2001/"
					     "XMLSchema-instance\"");
		text_printf(w->out, " %s=\"", m->location + 5);
		encode_xml(w->out, bytes_of(json_string_value(member)));
		text_add_char(w->out, '"');
	}
	text_add_char(w->out, '>');
}

static void misfit(struct writer *w, const char *name)
{
	if (!w->err)
		log_error("api", "%s answered %s in a wrong type", w->operation, name);
	w->err = ERR_INVALID;
}

static void write_members(struct writer *w, const struct api_shape *shape, json_t *value,
			  unsigned depth)
{
	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *member = json_object_get(value, m->name);
		char name[WIRE_NAME_BYTES];

		if (!member || json_is_null(member) || (w->rest && m->location))
			continue;
		if (w->ec2)
			wire_ec2_name(m, false, name);
		write_value(w, m->shape, member,
			    w->ec2		 ? name
			    : w->rest && m->wire ? m->wire
						 : m->name,
			    depth + 1);
	}
}

static void write_list(struct writer *w, const struct api_shape *shape, json_t *value,
		       const char *name, unsigned depth)
{
	const char *item_name = shape->item_name ? shape->item_name : w->ec2 ? "item" : "member";
	size_t count = json_array_size(value);

	if (shape->flattened) {
		for (size_t i = 0; i < count; i++)
			write_value(w, shape->item, json_array_get(value, i),
				    shape->item_name ? shape->item_name : name, depth + 1);
		return;
	}
	if (count == 0) {
		empty_tag(w, name);
		return;
	}
	open_tag(w, name);
	for (size_t i = 0; i < count; i++)
		write_value(w, shape->item, json_array_get(value, i), item_name, depth + 1);
	close_tag(w, name);
}

static void write_map(struct writer *w, const struct api_shape *shape, json_t *value,
		      const char *name, unsigned depth)
{
	const char *entry = shape->flattened ? name : "entry", *key;
	json_t *item;

	if (!shape->flattened)
		open_tag(w, name);
	json_object_foreach (value, key, item) {
		open_tag(w, entry);
		open_tag(w, "key");
		encode_xml(w->out, bytes_of(key));
		close_tag(w, "key");
		write_value(w, shape->item, item, "value", depth + 1);
		close_tag(w, entry);
	}
	if (!shape->flattened)
		close_tag(w, name);
}

/* False when the value is not what the shape says. */
static bool write_leaf(struct writer *w, const struct api_shape *shape, json_t *value)
{
	char iso[WHEN_ISO_BYTES + 1];

	switch (shape->kind) {
	case API_STRING:
	case API_BLOB:
		encode_xml(w->out, bytes_make(json_string_value(value), json_string_length(value)));
		return json_is_string(value);
	case API_INTEGER:
		text_printf(w->out, "%lld", (long long)json_integer_value(value));
		return json_is_integer(value);
	case API_DOUBLE:
		text_printf(w->out, "%.17g", json_number_value(value));
		return json_is_number(value);
	case API_BOOLEAN:
		text_add_str(w->out, json_is_true(value) ? "true" : "false");
		return json_is_boolean(value);
	case API_TIMESTAMP:
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return false;
		when_iso_ms((uint64_t)json_integer_value(value), iso);
		text_add_str(w->out, iso);
		return true;
	default: return false;
	}
}

static void write_value(struct writer *w, const struct api_shape *shape, json_t *value,
			const char *name, unsigned depth)
{
	bool is_list = shape->kind == API_LIST, is_map = shape->kind == API_MAP;

	if (depth > WIRE_DEPTH_MAX || (is_list && !json_is_array(value)) ||
	    ((is_map || shape->kind == API_STRUCTURE) && !json_is_object(value))) {
		misfit(w, name);
		return;
	}
	if (is_list) {
		write_list(w, shape, value, name, depth);
		return;
	}
	if (is_map) {
		write_map(w, shape, value, name, depth);
		return;
	}
	if (shape->kind == API_STRUCTURE) {
		open_structure(w, shape, value, name);
		write_members(w, shape, value, depth);
	} else {
		open_tag(w, name);
		if (!write_leaf(w, shape, value))
			misfit(w, name);
	}
	close_tag(w, name);
}

err_t xml_encode_rest(const char *operation, const char *root, const char *xml_namespace,
		      const struct api_shape *shape, json_t *value, struct text *out)
{
	struct writer w = { .out = out, .rest = true, .operation = operation };

	text_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">", root,
		    xml_namespace);
	if (shape->kind == API_STRUCTURE)
		write_members(&w, shape, value, 0);
	else if (!write_leaf(&w, shape, value))
		misfit(&w, root);
	close_tag(&w, root);
	return w.err ? w.err : text_err(out);
}

err_t xml_encode(const struct api_service *service, const struct api_operation *operation,
		 json_t *output, const char *request_id, struct text *out)
{
	struct writer w = {
		.out = out,
		.ec2 = service->protocol == API_EC2,
		.operation = operation->name,
	};

	if (w.ec2)
		text_printf(out,
			    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"%s\">"
			    "<requestId>%s</requestId>",
			    operation->name, service->xml_namespace, request_id);
	else
		text_printf(out, "<%sResponse xmlns=\"%s\"><%sResult>", operation->name,
			    service->xml_namespace, operation->name);
	write_members(&w, operation->output, output, 0);
	if (!w.ec2)
		text_printf(out,
			    "</%sResult><ResponseMetadata><RequestId>%s</RequestId>"
			    "</ResponseMetadata>",
			    operation->name, request_id);
	text_printf(out, "</%sResponse>\n", operation->name);
	return w.err ? w.err : text_err(out);
}

static void add_element(struct text *out, const char *name, const char *value)
{
	text_printf(out, "<%s>", name);
	encode_xml(out, bytes_of(value));
	text_printf(out, "</%s>", name);
}

void xml_encode_fault(enum api_protocol protocol, const char *xml_namespace,
		      const struct api_fault *fault, const char *request_id, struct text *out)
{
	if (protocol == API_EC2) {
		text_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				  "<Response><Errors><Error>");
		add_element(out, "Code", fault->code);
		add_element(out, "Message", fault->message);
		text_add_str(out, "</Error></Errors>");
		add_element(out, "RequestID", request_id);
		text_add_str(out, "</Response>\n");
		return;
	}
	text_printf(out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>",
		    xml_namespace ? xml_namespace : "",
		    fault->status >= 500 ? "Receiver" : "Sender");
	add_element(out, "Code", fault->code);
	add_element(out, "Message", fault->message);
	text_add_str(out, "</Error>");
	add_element(out, "RequestId", request_id);
	text_add_str(out, "</ErrorResponse>\n");
}

void xml_encode_rest_fault(const struct api_fault *fault, struct bytes resource,
			   const char *request_id, struct text *out)
{
	struct text plain = TEXT_INIT(8192);

	text_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	add_element(out, "Code", fault->code);
	add_element(out, "Message", fault->message);
	if (decode_percent(&plain, utf8_clip(resource, 4096), false) == ERR_OK &&
	    utf8_valid(text_bytes(&plain)) && bytes_index(text_bytes(&plain), '\0') == SIZE_MAX)
		add_element(out, "Resource", text_str(&plain));
	add_element(out, "RequestId", request_id);
	add_element(out, "HostId", request_id);
	text_add_str(out, "</Error>");
	text_fini(&plain);
}
