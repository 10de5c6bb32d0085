#include "api/json.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/when.h"

err_t wire_json_decode(struct bytes body, json_t **ret_input, struct api_fault *fault)
{
	json_error_t error;
	json_t *input;

	if (bytes_trim(body).len == 0) {
		*ret_input = json_object();
		return *ret_input ? ERR_OK : ERR_NOMEM;
	}
	input = json_loadb(body.at, body.len, 0, &error);
	if (!json_is_object(input)) {
		fault_set(fault, "SerializationException", "The body is not a JSON object%s%s",
			  input ? "" : ": ", input ? "" : error.text);
		json_decref(input);
		return ERR_SYNTAX;
	}
	*ret_input = input;
	return ERR_OK;
}

/* ---- Points in time ---- */

typedef json_t *(*retime_fn)(json_t *time); /* a new value, or NULL to leave it */

static void retime(const struct api_shape *shape, json_t *value, retime_fn change, unsigned depth);

/* `value` when it is no time; else what stands for it now. New reference. */
static json_t *changed(const struct api_shape *shape, json_t *value, retime_fn change)
{
	return shape->kind == API_TIMESTAMP ? change(value) : NULL;
}

static void retime_structure(const struct api_shape *shape, json_t *value, retime_fn change,
			     unsigned depth)
{
	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *member = json_object_get(value, m->name), *time;

		if (!member)
			continue;
		time = changed(m->shape, member, change);
		if (time)
			json_object_set_new(value, m->name, time);
		else
			retime(m->shape, member, change, depth + 1);
	}
}

static void retime(const struct api_shape *shape, json_t *value, retime_fn change, unsigned depth)
{
	const char *key;
	json_t *item, *time;
	void *next;
	size_t i;

	if (depth > WIRE_DEPTH_MAX)
		return;
	if (shape->kind == API_STRUCTURE && json_is_object(value)) {
		retime_structure(shape, value, change, depth);
	} else if (shape->kind == API_LIST && json_is_array(value)) {
		json_array_foreach (value, i, item) {
			time = changed(shape->item, item, change);
			if (time)
				json_array_set_new(value, i, time);
			else
				retime(shape->item, item, change, depth + 1);
		}
	} else if (shape->kind == API_MAP && json_is_object(value)) {
		json_object_foreach_safe(value, next, key, item)
		{
			time = changed(shape->item, item, change);
			if (time)
				json_object_set_new(value, key, time);
			else
				retime(shape->item, item, change, depth + 1);
		}
	}
}

static json_t *from_seconds(json_t *time)
{
	double seconds = json_number_value(time);

	if (!json_is_number(time) || seconds < 0 || seconds > 9e12)
		return NULL;
	return json_integer((json_int_t)(seconds * 1000 + 0.5));
}

static json_t *to_seconds(json_t *time)
{
	json_int_t ms = json_integer_value(time);

	if (!json_is_integer(time))
		return NULL;
	return ms % 1000 ? json_real((double)ms / 1000) : json_integer(ms / 1000);
}

static json_t *to_iso(json_t *time)
{
	char iso[WHEN_ISO_BYTES + 1];

	if (!json_is_integer(time) || json_integer_value(time) < 0)
		return NULL;
	when_iso_ms((uint64_t)json_integer_value(time), iso);
	return json_string(iso);
}

void wire_json_times_in(const struct api_shape *shape, json_t *input)
{
	retime(shape, input, from_seconds, 0);
}

/* ---- Answers ---- */

static int add_piece(const char *piece, size_t len, void *out)
{
	text_add(out, bytes_make(piece, len));
	return text_err(out) ? -1 : 0;
}

err_t wire_json_encode(const struct api_shape *shape, json_t *output, bool iso, struct text *out)
{
	json_t *copy = json_deep_copy(output); /* the caller's own may be kept by a handler */

	if (!copy)
		return ERR_NOMEM;
	retime(shape, copy, iso ? to_iso : to_seconds, 0);
	if (json_dump_callback(copy, add_piece, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) &&
	    !text_err(out))
		out->err = ERR_NOMEM;
	json_decref(copy);
	return text_err(out);
}

void wire_json_fault(const struct api_fault *fault, bool house, struct text *out)
{
	text_add_str(out, house ? "{\"code\":\"" : "{\"__type\":\"");
	encode_json(out, bytes_of(fault->code));
	text_add_str(out, "\",\"message\":\"");
	encode_json(out, bytes_of(fault->message));
	text_add_str(out, "\"}");
}
