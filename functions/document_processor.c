/*
 * document_processor: objects that came into a bucket, for the RAG server to read. Takes S3's
 * events, or {"bucket", "key"} in a request. Each object is one POST /documents/process, with a key
 * that is the same however often S3 or Lambda tells of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "functions/answer.h"
#include "functions/server.h"

enum { WAIT_MS = 20000, OBJECTS_MAX = 100 };

struct object {
	const char *bucket, *version, *sequencer; /* the last two may be NULL */
	struct text key;			  /* as it is, not as in a URL */
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* False for what is no new object: those that were removed, test messages. */
static bool read_record(const json_t *record, struct object *object)
{
	const json_t *s3 = json_object_get(record, "s3"), *file = json_object_get(s3, "object");
	const char *name = text_of(record, "eventName"), *key = text_of(file, "key");

	object->bucket = text_of(json_object_get(s3, "bucket"), "name");
	object->version = text_of(file, "versionId");
	object->sequencer = text_of(file, "sequencer");
	if (!name || strncmp(name, "ObjectCreated:", 14) != 0 || !object->bucket || !key)
		return false;
	return decode_percent(&object->key, bytes_of(key), true) == ERR_OK && object->key.len;
}

/* The same object in the same version is the same request. */
static void idempotency_key(const struct object *object, char hex[SHA256_HEX_BYTES + 1])
{
	struct text text = TEXT_INIT(4096);

	text_printf(&text, "%s\n%s\n%s", object->bucket, text_str(&object->key),
		    object->version	? object->version
		    : object->sequencer ? object->sequencer
					: "");
	sha256_hex(text_bytes(&text), hex);
	text_fini(&text);
}

/* ERR_INVALID: the server does not want this object, now or later; else worth another try. */
static err_t process(const struct server *server, const struct object *object, json_t *results,
		     struct text *why)
{
	char hex[SHA256_HEX_BYTES + 1];
	struct http_told told;
	json_t *body = json_pack("{s:{s:{s:s, s:s, s:s*}}, s:i}", "source", "s3", "bucket",
				 object->bucket, "key", text_str(&object->key), "version_id",
				 object->version, "wait_ms", WAIT_MS);
	json_t *answer;
	err_t err;

	http_told_init(&told);
	idempotency_key(object, hex);
	err = body ? server_post(server, "/documents/process", hex, body, &told, why) : ERR_NOMEM;
	answer = err ? NULL : json_loadb(told.body.at, told.body.len, 0, NULL);
	if (!err)
		json_array_append_new(results,
				      json_pack("{s:s, s:s, s:i, s:o*}", "bucket", object->bucket,
						"key", text_str(&object->key), "status",
						(int)told.status, "answer", answer));
	if (!err && (told.status >= 500 || told.status == 429 || told.status == 408)) {
		text_printf(why, "%s/%s: the server answered %ld", object->bucket,
			    text_str(&object->key), told.status);
		err = ERR_SYSTEM;
	}
	json_decref(body);
	http_told_fini(&told);
	return err;
}

static err_t process_all(const struct server *server, const json_t *records, json_t *results,
			 struct text *why)
{
	const json_t *record;
	size_t i;
	err_t err = ERR_OK;

	json_array_foreach ((json_t *)records, i, record) {
		struct object object = { .key = TEXT_INIT(2048) };

		if (i < OBJECTS_MAX && read_record(record, &object)) {
			err_t one = process(server, &object, results, why);

			err = err ? err : one; /* the others are processed all the same */
		}
		text_fini(&object.key);
	}
	return err;
}

/* A request that names one object, in the form of an event. */
static json_t *records_of(const json_t *event, struct text *why)
{
	json_t *records = json_object_get(event, "Records"), *request;

	if (json_is_array(records))
		return json_incref(records);
	request = answer_request(event, why);
	records = NULL;
	if (text_of(request, "bucket") && text_of(request, "key")) {
		struct text key = TEXT_INIT(4096);

		encode_percent(&key, bytes_of(text_of(request, "key")), true);
		records = json_pack("[{s:s, s:{s:{s:s}, s:{s:s, s:s*}}}]", "eventName",
				    "ObjectCreated:Put", "s3", "bucket", "name",
				    text_of(request, "bucket"), "object", "key", text_str(&key),
				    "versionId", text_of(request, "version_id"));
		text_fini(&key);
	} else if (request) {
		text_add_str(why, "the request names no \"bucket\" and \"key\"");
	}
	json_decref(request);
	return records;
}

static bool has_work(const json_t *records)
{
	const json_t *record;
	size_t i;
	bool found = false;

	json_array_foreach ((json_t *)records, i, record) {
		struct object object = { .key = TEXT_INIT(2048) };

		found = found || read_record(record, &object);
		text_fini(&object.key);
	}
	return found;
}

static json_t *told(json_t *results)
{
	json_t *value = json_pack("{s:O}", "results", results);
	char *dumped = value ? json_dumps(value, JSON_COMPACT) : NULL;
	json_t *answer = dumped ? json_pack("{s:i, s:{s:s}, s:s}", "statusCode", 200, "headers",
					    "Content-Type", "application/json", "body", dumped)
				: NULL;

	free(dumped);
	json_decref(value);
	return answer;
}

/* S3 and queues do not wait: a failure is raised, and Lambda tries again. */
static json_t *handle(const struct invocation *invocation, const char **ret_type, struct text *why)
{
	json_t *records = records_of(invocation->event, why), *results = json_array();
	json_t *answer = NULL;
	struct server server;
	err_t err = ERR_OK;

	if (!records) {
		answer = answer_error(400, "invalid_request", text_str(why));
	} else {
		if (has_work(records)) {
			err = server_start(&server, invocation, why);
			if (!err) {
				err = process_all(&server, records, results, why);
				server_stop(&server);
			}
		}
		answer = err ? NULL : told(results);
		*ret_type = err == ERR_EXPIRED ? "Server.Late" : "Server.Unavailable";
	}
	json_decref(records);
	json_decref(results);
	return answer;
}

int main(void)
{
	return runtime_serve(handle);
}
