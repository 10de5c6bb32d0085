#include "api/elsewhere.h"

#include "api/canonical.h"
#include "base/encode.h"
#include "http/uri.h"

enum { PATH_BYTES_MAX = 8 * 1024, QUERY_BYTES_MAX = 64 * 1024 };

/* ---- Whether, and who ---- */

static const struct api_elsewhere *place_of(const struct rest_match *match)
{
	if (!match->service->elsewhere || !match->label_count)
		return NULL;
	return match->service->elsewhere(match->service, match->labels[0].value);
}

/* What a policy is asked of it: the resource that its path names. */
static err_t may(const struct front *front, const struct api_caller *caller, const char *service,
		 const char *operation, struct bytes bucket, struct bytes key,
		 struct api_fault *fault)
{
	json_t *input = json_pack("{s:s%}", "Bucket", bucket.at, bucket.len);
	err_t err = input ? ERR_OK : ERR_NOMEM;

	if (!err && key.at && json_object_set_new(input, "Key", json_stringn(key.at, key.len)))
		err = ERR_NOMEM;
	if (!err)
		err = api_may(front->api, caller, service, operation, input, fault);
	json_decref(input);
	return err;
}

static err_t decoded(struct bytes in, struct arena *arena, struct bytes *ret_out)
{
	struct text plain = TEXT_INIT(PATH_BYTES_MAX);
	err_t err = decode_percent(&plain, in, false);

	if (!err)
		err = text_err(&plain);
	if (!err &&
	    (!utf8_valid(text_bytes(&plain)) || bytes_index(text_bytes(&plain), 0) != SIZE_MAX))
		err = ERR_SYNTAX;
	if (!err)
		err = arena_copy(arena, text_bytes(&plain), ret_out);
	text_fini(&plain);
	return err;
}

/* A copy inside the bucket goes on under the name it has there; from elsewhere none is possible. */
static err_t copy_source(const struct front *front, const struct front_request *request,
			 const struct api_caller *caller, struct bytes bucket, struct bytes source,
			 struct bytes *ret_key, struct api_fault *fault)
{
	struct bytes rest = source, path, name = BYTES_NONE, key;

	bytes_cut(&rest, '?', &path);
	if (bytes_starts(path, BYTES("/")))
		path = bytes_from(path, 1);
	else if (bytes_starts_nocase(path, BYTES("%2F")))
		path = bytes_from(path, 3);
	key = path;
	if (!bytes_cut(&key, '/', &name) || !bytes_eq(name, bucket) || !key.len) {
		fault_set(fault, "NotImplemented",
			  "This bucket lies at another endpoint: only copies inside of it are "
			  "possible. Get the object, and put it here.");
		return ERR_INVALID;
	}
	*ret_key = bytes_from(source, (size_t)(key.at - source.at));
	TRY(decoded(key, request->arena, &key));
	return may(front, caller, "s3", "GetObject", bucket, key, fault);
}

/* What would change the bucket itself is for whoever owns it there. */
static err_t check_operation(const struct question *q, const struct api_caller *caller,
			     struct api_fault *fault)
{
	const char *name = q->operation->name;

	if (strcmp(name, "CreateBucket") == 0) {
		fault_set(fault, "BucketAlreadyOwnedByYou",
			  "The settings of this server say that the bucket lies at another "
			  "endpoint");
		fault->status = 409;
		return ERR_EXISTS;
	}
	if (strcmp(name, "DeleteBucket") == 0) {
		fault_set(fault, "AccessDenied",
			  "The bucket lies at another endpoint. Take it out of the settings of "
			  "this server, and delete it there.");
		fault->status = 403;
		return ERR_DENIED;
	}
	/* Its keys are in its body, which nobody here reads. */
	if (strcmp(name, "DeleteObjects") == 0 && !caller->is_root) {
		fault_set(fault, "AccessDenied",
			  "In a bucket at another endpoint only the root deletes several objects "
			  "at once: delete them one by one");
		fault->status = 403;
		return ERR_DENIED;
	}
	return ERR_OK;
}

/* ---- The request, spelled for there ---- */

/* Fields of the way from the caller to here, and of the caller's signature. */
static const char *const left_out[] = {
	"Authorization",
	"Connection",
	"Content-Length",
	"Expect",
	"Host",
	"Keep-Alive",
	"Proxy-Connection",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"X-Amz-Content-Sha256",
	"X-Amz-Copy-Source",
	"X-Amz-Date",
	"X-Amz-Security-Token",
};

static const char *const left_out_params[] = {
	"AWSAccessKeyId",
	"Expires",
	"Signature",
	"X-Amz-Algorithm",
	"X-Amz-Credential",
	"X-Amz-Date",
	"X-Amz-Expires",
	"X-Amz-Security-Token",
	"X-Amz-Signature",
	"X-Amz-SignedHeaders",
	"x-amz-security-token",
};

static bool listed(const char *const *list, size_t count, struct bytes name)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_eq_nocase(name, bytes_of(list[i])))
			return true;
	return false;
}

struct spelling {
	const struct front_request *request;
	struct elsewhere_request *there;
	struct text path, query, line;
	struct http_field extra[SIGV4_EXTRA_MAX]; /* X-Amz-: to be signed */
	unsigned extra_count, field_count;
	char length[32];
	struct bytes host, payload;
};

static err_t add_line(struct spelling *s, struct bytes name, struct bytes value)
{
	const char *line = arena_printf(s->request->arena, "%.*s%s%.*s", BYTES_ARG(name),
					value.len ? ": " : ";", BYTES_ARG(value));

	if (!line)
		return ERR_NOMEM;
	s->there->fields[s->field_count++] = line;
	return ERR_OK;
}

static err_t add_extra(struct spelling *s, struct bytes name, struct bytes value)
{
	for (unsigned i = 0; i < s->extra_count; i++)
		if (bytes_eq_nocase(s->extra[i].name, name))
			return ERR_SYNTAX; /* twice: nobody means that */
	if (s->extra_count == SIGV4_EXTRA_MAX)
		return ERR_LIMIT;
	s->extra[s->extra_count++] = (struct http_field){ name, value };
	return add_line(s, name, value);
}

static bool goes_on(const struct spelling *s, struct bytes name)
{
	if (listed(left_out, COUNT(left_out), name))
		return false;
	return s->there->body == ELSEWHERE_AS_IS ||
	       !bytes_eq_nocase(name, BYTES("X-Amz-Decoded-Content-Length"));
}

/* "aws-chunked,gzip" → "gzip" */
static struct bytes without_chunks(struct bytes coding)
{
	struct bytes rest = coding, first;

	if (bytes_cut(&rest, ',', &first) &&
	    bytes_eq_nocase(bytes_trim(first), BYTES("aws-chunked")))
		return bytes_trim(rest);
	return coding;
}

static err_t add_fields(struct spelling *s, struct bytes copied_key)
{
	const struct http_head *head = s->request->head;

	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes name = head->fields[i].name, value = head->fields[i].value;

		if (!goes_on(s, name))
			continue;
		if (s->there->body == ELSEWHERE_UNPACKED &&
		    bytes_eq_nocase(name, BYTES("Content-Encoding")))
			value = without_chunks(value);
		if (bytes_starts_nocase(name, BYTES("x-amz-")))
			TRY(add_extra(s, name, value));
		else if (value.len || !bytes_eq_nocase(name, BYTES("Content-Encoding")))
			TRY(add_line(s, name, value));
	}
	if (copied_key.at) {
		char *value = arena_printf(s->request->arena, "/%s/%.*s", s->there->place->name,
					   BYTES_ARG(copied_key));

		if (!value)
			return ERR_NOMEM;
		TRY(add_extra(s, BYTES("X-Amz-Copy-Source"), bytes_of(value)));
	}
	return ERR_OK;
}

/* Path style, in the one spelling that is signed. */
static err_t spell_target(struct spelling *s, struct bytes key)
{
	struct bytes rest = s->request->query, name, value;
	struct text kept = TEXT_INIT(QUERY_BYTES_MAX);
	err_t err;

	text_printf(&s->path, "/%s", s->there->place->name);
	if (key.len) {
		text_add_char(&s->path, '/');
		encode_percent(&s->path, key, true);
	}
	while (uri_query_cut(&rest, &name, &value)) {
		if (listed(left_out_params, COUNT(left_out_params), name))
			continue;
		text_printf(&kept, "%s%.*s=%.*s", kept.len ? "&" : "", BYTES_ARG(name),
			    BYTES_ARG(value));
	}
	err = text_err(&kept);
	if (!err)
		err = canonical_query(&s->query, text_bytes(&kept), s->request->arena);
	text_fini(&kept);
	if (!err)
		err = text_err(&s->path) ? text_err(&s->path) : text_err(&s->query);
	return err;
}

static err_t spell_url(struct spelling *s)
{
	s->there->url = arena_printf(s->request->arena, "%s%s%s%s", s->there->place->endpoint,
				     text_str(&s->path), s->query.len ? "?" : "",
				     text_str(&s->query));
	return s->there->url ? ERR_OK : ERR_NOMEM;
}

static err_t sign(struct spelling *s)
{
	const struct api_elsewhere *place = s->there->place;
	struct bytes authorization, date, payload;
	struct uri uri;

	TRY(uri_parse(bytes_of(place->endpoint), &uri));
	TRY(sigv4_sign(
		&(struct sigv4_request){
			.method = s->request->head->method,
			.path = text_bytes(&s->path),
			.query = text_bytes(&s->query),
			.host = uri.authority,
			.service = BYTES("s3"),
			.region = bytes_of(place->region),
			.access_key = bytes_of(place->access_key),
			.secret = bytes_of(place->secret),
			.token = place->token ? bytes_of(place->token) : BYTES_NONE,
			.payload = s->payload,
			.extra = s->extra,
			.extra_count = s->extra_count,
			.now_unix_ms = s->request->now_unix_ms,
		},
		s->request->arena, &authorization, &date, &payload));
	TRY(add_line(s, BYTES("Authorization"), authorization));
	TRY(add_line(s, BYTES("X-Amz-Date"), date));
	TRY(add_line(s, BYTES("X-Amz-Content-Sha256"), payload));
	if (place->token)
		TRY(add_line(s, BYTES("X-Amz-Security-Token"), bytes_of(place->token)));
	return ERR_OK;
}

/* How long the body is that goes on, and what vouches for it there. */
static err_t weigh_body(struct spelling *s, struct api_fault *fault)
{
	const struct http_head *head = s->request->head;
	struct bytes stated = http_value(head, BYTES("X-Amz-Decoded-Content-Length"));
	const struct sigv4_seed *seed = &s->there->seed;

	s->payload = seed->kind == SIGV4_CHUNKS_UNSIGNED
			     ? BYTES("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
			     : BYTES("UNSIGNED-PAYLOAD");
	if (seed->kind == SIGV4_HASH)
		s->payload = bytes_of(seed->hash);
	s->there->body_bytes = UINT64_MAX;
	if (head->framing == HTTP_BODY_NONE)
		return ERR_OK;
	if (seed->kind == SIGV4_CHUNKS_TRAILER) {
		fault_set(fault, "NotImplemented",
			  "This bucket lies at another endpoint, where the signatures of trailers "
			  "mean nothing: send the checksum in a header");
		return ERR_INVALID;
	}
	s->there->body_bytes = head->length;
	if (head->framing != HTTP_BODY_LENGTH ||
	    (seed->kind == SIGV4_CHUNKS &&
	     bytes_to_u64(stated, INT64_MAX, &s->there->body_bytes))) {
		fault_set(fault, "MissingContentLength",
			  "You must provide the Content-Length HTTP header.");
		fault->status = 411;
		return ERR_INVALID;
	}
	if (seed->kind == SIGV4_CHUNKS)
		s->there->body = ELSEWHERE_UNPACKED;
	return ERR_OK;
}

static err_t spell(struct spelling *s, struct bytes key, struct bytes copied_key,
		   struct api_fault *fault)
{
	size_t room = s->request->head->field_count + 10;

	TRY(weigh_body(s, fault));
	s->there->fields = arena_array(s->request->arena, room, sizeof *s->there->fields);
	if (!s->there->fields)
		return ERR_NOMEM;
	memset(s->there->fields, 0, room * sizeof *s->there->fields);
	TRY(add_fields(s, copied_key));
	TRY(spell_target(s, key));
	TRY(spell_url(s));
	if (s->there->body_bytes == UINT64_MAX && !bytes_eq_str(s->request->head->method, "GET") &&
	    !bytes_eq_str(s->request->head->method, "HEAD"))
		TRY(add_line(s, BYTES("Content-Length"), BYTES("0")));
	return sign(s);
}

/* ---- The door ---- */

static err_t ask(const struct front *front, const struct front_request *request,
		 struct api_caller *caller, struct elsewhere_request *there,
		 struct api_fault *fault)
{
	struct bytes source = http_value(request->head, BYTES("X-Amz-Copy-Source"));
	struct bytes bucket = there->q.rest.labels[0].value, key = BYTES_NONE, copied = BYTES_NONE;
	struct spelling s = { .request = request, .there = there };
	err_t err;

	TRY(front_head_caller(front, request, caller, &there->seed, fault));
	if (there->q.rest.label_count > 1)
		TRY(decoded(there->q.rest.labels[1].value, request->arena, &key));
	TRY(may(front, caller, "s3", there->q.operation->name, bucket, key, fault));
	TRY(check_operation(&there->q, caller, fault));
	if (source.len)
		TRY(copy_source(front, request, caller, bucket, source, &copied, fault));
	text_init(&s.path, 3 * PATH_BYTES_MAX);
	text_init(&s.query, 3 * QUERY_BYTES_MAX);
	err = spell(&s, key, copied, fault);
	text_fini(&s.path);
	text_fini(&s.query);
	return err;
}

void elsewhere_refuse(const struct elsewhere_request *there, const struct front_request *request,
		      const struct api_fault *fault, struct front_reply *reply)
{
	front_write_fault(&there->q, request, fault, reply);
}

err_t elsewhere_ask(const struct front *front, const struct front_request *request,
		    struct api_caller *caller, struct elsewhere_request *ret_request,
		    struct front_reply *reply)
{
	struct rest_request rest = front_rest_request(request);
	struct elsewhere_request there = { .place = NULL };
	struct api_fault fault = { .status = 0 };
	const struct api_service *service;
	err_t err;

	if (!front_ask_rest(front, &rest, &service) ||
	    rest_find(front->api, service, &rest, &there.q.rest))
		return ERR_NOT_FOUND;
	there.place = place_of(&there.q.rest);
	if (!there.place)
		return ERR_NOT_FOUND;
	there.q.service = there.q.rest.service;
	there.q.operation = there.q.rest.operation;
	there.q.protocol = there.q.service->protocol;
	err = ask(front, request, caller, &there, &fault);
	if (!err) {
		*ret_request = there;
		return ERR_OK;
	}
	if (!fault.code[0])
		fault_set(&fault, err == ERR_NOMEM ? "InternalError" : "InvalidRequest",
			  "The request cannot be passed on to the bucket's endpoint: %s",
			  err_words(err));
	elsewhere_refuse(&there, request, &fault, reply);
	return err == ERR_NOT_FOUND ? ERR_INVALID : err;
}

/* ---- The answer's head ---- */

/* The way's own, and what the front says itself. */
static const char *const not_passed_back[] = {
	"Connection", "Content-Length", "Content-Type",	     "Date",	   "Keep-Alive",
	"Server",     "Trailer",	"Transfer-Encoding", "x-amz-id-2", "x-amz-request-id",
};

static err_t note_field(struct front_reply *reply, struct http_field *fields, struct bytes name,
			struct bytes value, struct arena *arena, uint64_t *length)
{
	if (bytes_eq_nocase(name, BYTES("Content-Length")))
		return bytes_to_u64(value, INT64_MAX, length);
	if (bytes_eq_nocase(name, BYTES("Content-Type"))) {
		reply->content_type = arena_string(arena, value);
		return reply->content_type ? ERR_OK : ERR_NOMEM;
	}
	if (listed(not_passed_back, COUNT(not_passed_back), name))
		return ERR_OK;
	if (reply->field_count == REST_FIELDS_MAX)
		return ERR_LIMIT;
	TRY(arena_copy(arena, name, &fields[reply->field_count].name));
	TRY(arena_copy(arena, value, &fields[reply->field_count].value));
	reply->field_count++;
	return ERR_OK;
}

err_t elsewhere_head(unsigned status, struct bytes lines, struct arena *arena,
		     struct front_reply *reply, uint64_t *ret_length)
{
	struct http_field *fields = arena_array(arena, REST_FIELDS_MAX, sizeof *fields);
	struct bytes rest = lines, line;

	if (!fields)
		return ERR_NOMEM;
	*ret_length = UINT64_MAX;
	reply->status = status;
	reply->bare = true;
	reply->fields = fields;
	while (bytes_cut(&rest, '\n', &line)) {
		size_t colon = bytes_index(line, ':');

		if (colon == SIZE_MAX || !http_is_token(bytes_upto(line, colon)))
			continue;
		TRY(note_field(reply, fields, bytes_upto(line, colon),
			       bytes_trim(bytes_from(line, colon + 1)), arena, ret_length));
	}
	return ERR_OK;
}
