/*
 * libcbor reads one head at a time and tells it by a callback; the nesting is walked here, since
 * its own tree would believe a length that the body only claims.
 */
#include "api/cbor.h"

#include <cbor.h>
#include <math.h>

#include "base/encode.h"

/* ---- Reading ---- */

enum head_kind {
	HEAD_INTEGER,
	HEAD_TOO_LARGE, /* an integer that JSON's 64 bits do not hold */
	HEAD_REAL,
	HEAD_TEXT,
	HEAD_BYTES,
	HEAD_TEXT_PIECES,
	HEAD_BYTES_PIECES,
	HEAD_LIST,
	HEAD_MAP,
	HEAD_TAG,
	HEAD_BOOLEAN,
	HEAD_NULL,
	HEAD_BREAK,
};

struct head {
	enum head_kind kind;
	int64_t integer; /* also a boolean */
	double real;
	struct bytes text;
	uint64_t count; /* of a list or map; SIZE_MAX until a break */
};

struct reader {
	struct bytes rest;
	struct head head; /* the latest */
	const char *why;  /* what is wrong with the body */
};

static void on_u64(void *to, uint64_t value)
{
	struct head *head = to;

	head->kind = value > INT64_MAX ? HEAD_TOO_LARGE : HEAD_INTEGER;
	head->integer = (int64_t)value;
}

static void on_u8(void *to, uint8_t value)
{
	on_u64(to, value);
}

static void on_u16(void *to, uint16_t value)
{
	on_u64(to, value);
}

static void on_u32(void *to, uint32_t value)
{
	on_u64(to, value);
}

static void on_n64(void *to, uint64_t value)
{
	on_u64(to, value);
	((struct head *)to)->integer = -1 - (int64_t)(value & INT64_MAX);
}

static void on_n8(void *to, uint8_t value)
{
	on_n64(to, value);
}

static void on_n16(void *to, uint16_t value)
{
	on_n64(to, value);
}

static void on_n32(void *to, uint32_t value)
{
	on_n64(to, value);
}

static void on_double(void *to, double value)
{
	*(struct head *)to = (struct head){ .kind = HEAD_REAL, .real = value };
}

static void on_float(void *to, float value)
{
	on_double(to, (double)value);
}

static void on_text(void *to, cbor_data at, size_t len)
{
	*(struct head *)to = (struct head){ .kind = HEAD_TEXT, .text = bytes_make(at, len) };
}

static void on_bytes(void *to, cbor_data at, size_t len)
{
	*(struct head *)to = (struct head){ .kind = HEAD_BYTES, .text = bytes_make(at, len) };
}

static void on_text_pieces(void *to)
{
	((struct head *)to)->kind = HEAD_TEXT_PIECES;
}

static void on_bytes_pieces(void *to)
{
	((struct head *)to)->kind = HEAD_BYTES_PIECES;
}

static void on_list(void *to, size_t count)
{
	*(struct head *)to = (struct head){ .kind = HEAD_LIST, .count = count };
}

static void on_open_list(void *to)
{
	on_list(to, SIZE_MAX);
}

static void on_map(void *to, size_t count)
{
	*(struct head *)to = (struct head){ .kind = HEAD_MAP, .count = count };
}

static void on_open_map(void *to)
{
	on_map(to, SIZE_MAX);
}

static void on_tag(void *to, uint64_t number)
{
	(void)number; /* the shape says what is a time; nothing else is tagged */
	((struct head *)to)->kind = HEAD_TAG;
}

static void on_boolean(void *to, bool value)
{
	*(struct head *)to = (struct head){ .kind = HEAD_BOOLEAN, .integer = value };
}

static void on_null(void *to)
{
	((struct head *)to)->kind = HEAD_NULL;
}

static void on_break(void *to)
{
	((struct head *)to)->kind = HEAD_BREAK;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_u8,
	.uint16 = on_u16,
	.uint32 = on_u32,
	.uint64 = on_u64,
	.negint8 = on_n8,
	.negint16 = on_n16,
	.negint32 = on_n32,
	.negint64 = on_n64,
	.byte_string_start = on_bytes_pieces,
	.byte_string = on_bytes,
	.string = on_text,
	.string_start = on_text_pieces,
	.indef_array_start = on_open_list,
	.array_start = on_list,
	.indef_map_start = on_open_map,
	.map_start = on_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_null,
	.null = on_null,
	.boolean = on_boolean,
	.indef_break = on_break,
};

static err_t wrong(struct reader *reader, const char *why)
{
	reader->why = why;
	return ERR_SYNTAX;
}

static err_t read_head(struct reader *reader)
{
	struct cbor_decoder_result result;

	if (reader->rest.len == 0)
		return wrong(reader, "it ends early");
	result = cbor_stream_decode((cbor_data)reader->rest.at, reader->rest.len, &callbacks,
				    &reader->head);
	if (result.status == CBOR_DECODER_NEDATA)
		return wrong(reader, "it ends early");
	if (result.status != CBOR_DECODER_FINISHED)
		return wrong(reader, "it is malformed");
	reader->rest = bytes_from(reader->rest, result.read);
	return ERR_OK;
}

static err_t make(json_t *made, json_t **ret_value)
{
	*ret_value = made;
	return made ? ERR_OK : ERR_NOMEM;
}

static err_t make_text(struct reader *reader, struct bytes text, json_t **ret_value)
{
	if (!utf8_valid(text) || bytes_index(text, '\0') != SIZE_MAX)
		return wrong(reader, "a text is not UTF-8");
	return make(json_stringn(text.at ? text.at : "", text.len), ret_value);
}

static err_t make_blob(struct bytes bytes, json_t **ret_value)
{
	struct text base64 = TEXT_INIT(2 * WIRE_BODY_BYTES_MAX);
	err_t err;

	encode_base64(&base64, bytes);
	err = text_err(&base64);
	if (!err)
		err = make(json_stringn(text_str(&base64), base64.len), ret_value);
	text_fini(&base64);
	return err;
}

/* A string in pieces, each with a length of its own. */
static err_t read_pieces(struct reader *reader, enum head_kind kind, json_t **ret_value)
{
	struct text whole = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	err_t err;

	while (!(err = read_head(reader)) && reader->head.kind == kind)
		text_add(&whole, reader->head.text);
	if (!err && reader->head.kind != HEAD_BREAK)
		err = wrong(reader, "a string has pieces of another kind");
	if (!err)
		err = text_err(&whole);
	if (!err)
		err = kind == HEAD_TEXT ? make_text(reader, text_bytes(&whole), ret_value)
					: make_blob(text_bytes(&whole), ret_value);
	text_fini(&whole);
	return err;
}

static err_t read_value(struct reader *reader, unsigned depth, json_t **ret_value);

/* The next value of an open or counted list; ERR_NOT_FOUND after the last. */
static err_t next_value(struct reader *reader, uint64_t *left, unsigned depth, json_t **ret_value)
{
	if (*left == 0)
		return ERR_NOT_FOUND;
	if (*left != SIZE_MAX)
		--*left;
	TRY(read_head(reader));
	if (reader->head.kind == HEAD_BREAK)
		return *left == SIZE_MAX ? ERR_NOT_FOUND : wrong(reader, "a break is misplaced");
	return read_value(reader, depth + 1, ret_value);
}

static err_t read_list(struct reader *reader, unsigned depth, json_t **ret_value)
{
	uint64_t left = reader->head.count;
	json_t *list = json_array(), *item;
	err_t err = list ? ERR_OK : ERR_NOMEM;

	while (!err && !(err = next_value(reader, &left, depth, &item)))
		err = json_array_append_new(list, item) ? ERR_NOMEM : ERR_OK;
	if (err == ERR_NOT_FOUND) {
		*ret_value = list;
		return ERR_OK;
	}
	json_decref(list);
	return err;
}

static err_t read_member(struct reader *reader, json_t *key, json_t *map, unsigned depth)
{
	json_t *value = NULL;

	if (!json_is_string(key))
		return wrong(reader, "the key of a map is not a text");
	TRY(read_head(reader));
	TRY(read_value(reader, depth + 1, &value));
	return json_object_setn_new(map, json_string_value(key), json_string_length(key), value)
		       ? ERR_NOMEM
		       : ERR_OK;
}

static err_t read_map(struct reader *reader, unsigned depth, json_t **ret_value)
{
	uint64_t left = reader->head.count;
	json_t *map = json_object(), *key;
	err_t err = map ? ERR_OK : ERR_NOMEM;

	while (!err && !(err = next_value(reader, &left, depth, &key))) {
		err = read_member(reader, key, map, depth);
		json_decref(key);
	}
	if (err == ERR_NOT_FOUND) {
		*ret_value = map;
		return ERR_OK;
	}
	json_decref(map);
	return err;
}

/* The value whose head was just read. */
static err_t read_value(struct reader *reader, unsigned depth, json_t **ret_value)
{
	const struct head *head = &reader->head;

	if (depth > WIRE_DEPTH_MAX)
		return wrong(reader, "it is nested too deeply");
	switch (head->kind) {
	case HEAD_INTEGER: return make(json_integer(head->integer), ret_value);
	case HEAD_TOO_LARGE: return wrong(reader, "an integer is too large");
	case HEAD_REAL:
		if (!isfinite(head->real))
			return wrong(reader, "a number is not finite");
		return make(json_real(head->real), ret_value);
	case HEAD_TEXT: return make_text(reader, head->text, ret_value);
	case HEAD_BYTES: return make_blob(head->text, ret_value);
	case HEAD_TEXT_PIECES: return read_pieces(reader, HEAD_TEXT, ret_value);
	case HEAD_BYTES_PIECES: return read_pieces(reader, HEAD_BYTES, ret_value);
	case HEAD_LIST: return read_list(reader, depth, ret_value);
	case HEAD_MAP: return read_map(reader, depth, ret_value);
	case HEAD_TAG: TRY(read_head(reader)); return read_value(reader, depth + 1, ret_value);
	case HEAD_BOOLEAN: return make(json_boolean(head->integer != 0), ret_value);
	case HEAD_NULL: return make(json_null(), ret_value);
	case HEAD_BREAK: break;
	}
	return wrong(reader, "a break is misplaced");
}

err_t wire_cbor_decode(struct bytes body, json_t **ret_input, struct api_fault *fault)
{
	struct reader reader = { .rest = body };
	json_t *input = NULL;
	err_t err;

	if (body.len == 0)
		return make(json_object(), ret_input);
	err = read_head(&reader);
	if (!err)
		err = read_value(&reader, 0, &input);
	if (!err && (!json_is_object(input) || reader.rest.len))
		err = wrong(&reader, reader.rest.len ? "bytes follow it" : "it is not a map");
	if (err) {
		json_decref(input);
		if (reader.why)
			fault_set(fault, "SerializationException",
				  "The body cannot be read as CBOR: %s", reader.why);
		return err;
	}
	*ret_input = input;
	return ERR_OK;
}

/* ---- Writing ---- */

enum { HEAD_BYTES_MAX = 9 };

static void add_head(struct text *out, size_t (*encode)(uint64_t, unsigned char *, size_t),
		     uint64_t value)
{
	unsigned char head[HEAD_BYTES_MAX];

	text_add(out, bytes_make(head, encode(value, head, sizeof head)));
}

static size_t encode_count_map(uint64_t count, unsigned char *at, size_t size)
{
	return cbor_encode_map_start((size_t)count, at, size);
}

static size_t encode_count_list(uint64_t count, unsigned char *at, size_t size)
{
	return cbor_encode_array_start((size_t)count, at, size);
}

static size_t encode_length_text(uint64_t length, unsigned char *at, size_t size)
{
	return cbor_encode_string_start((size_t)length, at, size);
}

static size_t encode_length_bytes(uint64_t length, unsigned char *at, size_t size)
{
	return cbor_encode_bytestring_start((size_t)length, at, size);
}

static void add_text(struct text *out, struct bytes value)
{
	add_head(out, encode_length_text, value.len);
	text_add(out, value);
}

static void add_double(struct text *out, double value)
{
	unsigned char head[HEAD_BYTES_MAX];

	text_add(out, bytes_make(head, cbor_encode_double(value, head, sizeof head)));
}

static err_t write_blob(json_t *value, struct text *out)
{
	struct text plain = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	err_t err = decode_base64(&plain,
				  bytes_make(json_string_value(value), json_string_length(value)));

	if (!err) {
		add_head(out, encode_length_bytes, plain.len);
		text_add(out, text_bytes(&plain));
	}
	text_fini(&plain);
	return err ? ERR_INVALID : ERR_OK;
}

static err_t write_leaf(const struct api_shape *shape, json_t *value, struct text *out)
{
	json_int_t integer = json_integer_value(value);
	bool fits = false;

	switch (shape->kind) {
	case API_STRING:
		add_text(out, bytes_make(json_string_value(value), json_string_length(value)));
		fits = json_is_string(value);
		break;
	case API_BLOB: return json_is_string(value) ? write_blob(value, out) : ERR_INVALID;
	case API_INTEGER:
		add_head(out, integer < 0 ? cbor_encode_negint : cbor_encode_uint,
			 integer < 0 ? (uint64_t)(-1 - integer) : (uint64_t)integer);
		fits = json_is_integer(value);
		break;
	case API_DOUBLE:
		add_double(out, json_number_value(value));
		fits = json_is_number(value);
		break;
	case API_BOOLEAN: {
		unsigned char head[HEAD_BYTES_MAX];

		text_add(out, bytes_make(head,
					 cbor_encode_bool(json_is_true(value), head, sizeof head)));
		fits = json_is_boolean(value);
		break;
	}
	case API_TIMESTAMP:
		add_head(out, cbor_encode_tag, 1);
		add_double(out, (double)integer / 1000);
		fits = json_is_integer(value);
		break;
	default: break;
	}
	return fits ? ERR_OK : ERR_INVALID;
}

static err_t write_value(const struct api_shape *shape, json_t *value, unsigned depth,
			 struct text *out);

static err_t write_members(const struct api_shape *shape, json_t *value, unsigned depth,
			   struct text *out)
{
	uint64_t count = 0;

	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *member = json_object_get(value, m->name);

		count += member && !json_is_null(member);
	}
	add_head(out, encode_count_map, count);
	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *member = json_object_get(value, m->name);

		if (!member || json_is_null(member))
			continue;
		add_text(out, bytes_of(m->name));
		TRY(write_value(m->shape, member, depth + 1, out));
	}
	return ERR_OK;
}

static err_t write_value(const struct api_shape *shape, json_t *value, unsigned depth,
			 struct text *out)
{
	const char *key;
	json_t *item;
	size_t i;

	if (depth > WIRE_DEPTH_MAX)
		return ERR_INVALID;
	switch (shape->kind) {
	case API_STRUCTURE:
		return json_is_object(value) ? write_members(shape, value, depth, out)
					     : ERR_INVALID;
	case API_LIST:
		if (!json_is_array(value))
			return ERR_INVALID;
		add_head(out, encode_count_list, json_array_size(value));
		json_array_foreach (value, i, item)
			TRY(write_value(shape->item, item, depth + 1, out));
		return ERR_OK;
	case API_MAP:
		if (!json_is_object(value))
			return ERR_INVALID;
		add_head(out, encode_count_map, json_object_size(value));
		json_object_foreach (value, key, item) {
			add_text(out, bytes_of(key));
			TRY(write_value(shape->item, item, depth + 1, out));
		}
		return ERR_OK;
	default: return write_leaf(shape, value, out);
	}
}

err_t wire_cbor_encode(const struct api_shape *shape, json_t *output, struct text *out)
{
	TRY(write_value(shape, output, 0, out));
	return text_err(out);
}

void wire_cbor_fault(const struct api_fault *fault, const char *name, struct text *out)
{
	add_head(out, encode_count_map, 2);
	add_text(out, BYTES("__type"));
	add_text(out, bytes_of(name));
	add_text(out, BYTES("message"));
	add_text(out, bytes_of(fault->message));
}
