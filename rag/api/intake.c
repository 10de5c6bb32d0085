#include "rag/api/intake.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "http/uri.h"
#include "rag/api/documents.h"
#include "rag/api/multipart.h"
#include "rag/api/request.h"
#include "rag/doc/builder.h"
#include "rag/ingest/remote.h"

enum {
	TEXTS_MAX = 10000,
	TAGS_MAX = 64,
	METADATA_MAX = 64,
	WAIT_MS_MAX = 60000,
	WAITING_MAX = 3, /* threads of the pool that may wait for documents to be read */
	CONTENT_ITEMS_MAX = 50000,
};

/* What one request brings. */
struct intake {
	struct task *task;
	struct ingest_item *items;
	size_t count, cap;
	uint32_t wait_ms;
	enum ingest_if_exists if_exists;
};

static _Atomic unsigned waiting;

static struct bytes json_bytes(const json_t *string)
{
	return json_is_string(string)
		       ? bytes_make(json_string_value(string), json_string_length(string))
		       : BYTES_NONE;
}

/* ---- Options: the same members at every door ---- */

static bool choice(struct task *task, const json_t *root, const char *name, const char *field,
		   const char *const *values)
{
	const json_t *value = json_object_get(root, name);
	struct text list = TEXT_INIT(256);

	if (!value || json_is_null(value))
		return true;
	for (size_t i = 0; values[i]; i++) {
		if (json_is_string(value) && strcmp(json_string_value(value), values[i]) == 0) {
			text_fini(&list);
			return true;
		}
		text_printf(&list, "%s%s", i ? ", " : "", values[i]);
	}
	task_refuse(task, FAULT_INVALID, field, "%s must be one of: %s.", name, text_str(&list));
	text_fini(&list);
	return false;
}

static bool check_tags(struct task *task, const json_t *root)
{
	json_t *tags = json_object_get(root, "tags"), *tag;
	size_t i;

	if (!tags)
		return true;
	if (!json_is_array(tags) || json_array_size(tags) > TAGS_MAX) {
		task_refuse(task, FAULT_INVALID, "/tags", "tags must be an array of at most %d.",
			    TAGS_MAX);
		return false;
	}
	json_array_foreach (tags, i, tag) {
		if (!json_is_string(tag) || json_string_length(tag) == 0 ||
		    json_string_length(tag) > 128) {
			task_refuse(task, FAULT_INVALID, "/tags",
				    "A tag is a string of 1 to 128 bytes.");
			return false;
		}
	}
	return true;
}

static bool check_metadata(struct task *task, const json_t *root)
{
	json_t *metadata = json_object_get(root, "metadata"), *value;
	const char *key;

	if (!metadata)
		return true;
	if (!json_is_object(metadata) || json_object_size(metadata) > METADATA_MAX) {
		task_refuse(task, FAULT_INVALID, "/metadata",
			    "metadata must be an object of at most %d members.", METADATA_MAX);
		return false;
	}
	json_object_foreach (metadata, key, value) {
		if (json_is_object(value) || strlen(key) > 128 ||
		    (json_is_string(value) && json_string_length(value) > 4096)) {
			task_refuse(task, FAULT_INVALID, "/metadata",
				    "A value of metadata is a string, number, boolean or array.");
			return false;
		}
	}
	return true;
}

static bool check_string(struct task *task, const json_t *root, const char *name, size_t max)
{
	const json_t *value = json_object_get(root, name);
	char field[64];

	if (!value || (json_is_string(value) && json_string_length(value) <= max))
		return true;
	field[0] = '/';
	strncpy(field + 1, name, sizeof field - 2);
	field[sizeof field - 1] = '\0';
	task_refuse(task, FAULT_INVALID, field, "%s must be a string of at most %zu bytes.", name,
		    max);
	return false;
}

/* Checks the members that say how to read a document; gives those that change what is made. */
static bool read_options(struct task *task, const json_t *root, struct bytes *ret_options)
{
	static const char *const kept[] = { "title",  "tags",	 "metadata",
					    "parser", "chunker", "graph" };
	static const char *const parsers[] = { "auto", "text", "ocr", NULL };
	static const char *const chunkers[] = { "auto", "section", "fixed", NULL };
	static const char *const graphs[] = { "rules", NULL };
	json_t *options;
	char *dumped = NULL;
	err_t err = ERR_OK;

	if (!check_string(task, root, "title", 1000) || !check_tags(task, root) ||
	    !check_metadata(task, root) || !choice(task, root, "parser", "/parser", parsers) ||
	    !choice(task, root, "chunker", "/chunker", chunkers) ||
	    !choice(task, root, "graph", "/graph", graphs))
		return false;
	options = json_object();
	for (size_t i = 0; i < COUNT(kept); i++)
		if (json_object_get(root, kept[i]))
			json_object_set(options, kept[i], json_object_get(root, kept[i]));
	*ret_options = BYTES_NONE;
	if (json_object_size(options)) {
		dumped = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
		err = dumped ? arena_copy(&task->arena, bytes_of(dumped), ret_options) : ERR_NOMEM;
	}
	free(dumped);
	json_decref(options);
	if (err)
		task_failed(task, err);
	return !err;
}

static bool read_wait(struct intake *in, const json_t *root)
{
	static const char *const values[] = { "replace", "skip", "error", NULL };
	const json_t *wait = json_object_get(root, "wait_ms");
	struct bytes exists = json_bytes(json_object_get(root, "if_exists"));

	if (!choice(in->task, root, "if_exists", "/if_exists", values))
		return false;
	in->if_exists = bytes_eq_str(exists, "skip")	? INGEST_SKIP
			: bytes_eq_str(exists, "error") ? INGEST_REFUSE
							: INGEST_REPLACE;
	if (wait && (!json_is_integer(wait) || json_integer_value(wait) < 0 ||
		     json_integer_value(wait) > WAIT_MS_MAX)) {
		task_refuse(in->task, FAULT_INVALID, "/wait_ms",
			    "wait_ms must be a number from 0 to %d.", WAIT_MS_MAX);
		return false;
	}
	in->wait_ms = wait ? (uint32_t)json_integer_value(wait) : 0;
	return true;
}

/* A name as a key: clean text, of some length. What it says is never a path of ours. */
static bool make_key(struct task *task, struct bytes name, struct bytes otherwise,
		     struct bytes *ret_key)
{
	struct text clean = TEXT_INIT(64 * 1024);
	err_t err;

	clean_text(&clean, name, false);
	if (clean.len == 0)
		clean_text(&clean, otherwise, false);
	err = text_err(&clean);
	if (!err && clean.len > INGEST_KEY_MAX) {
		task_refuse(task, FAULT_INVALID, "/document_id",
			    "A document's key or file name has at most %d bytes.", INGEST_KEY_MAX);
		text_fini(&clean);
		return false;
	}
	if (!err)
		err = arena_copy(&task->arena, text_bytes(&clean), ret_key);
	text_fini(&clean);
	if (err)
		task_failed(task, err);
	return !err;
}

static struct ingest_item *item_add(struct intake *in)
{
	if (in->count == in->cap) {
		size_t cap = in->cap ? in->cap * 2 : 16;
		struct ingest_item *more = arena_array(&in->task->arena, cap, sizeof *more);

		if (!more) {
			task_failed(in->task, ERR_NOMEM);
			return NULL;
		}
		if (in->count)
			memcpy(more, in->items, in->count * sizeof *more);
		in->items = more;
		in->cap = cap;
	}
	return &in->items[in->count++];
}

/* ---- What every door answers ---- */

static const char *const what_names[] = {
	[INGEST_ACCEPTED] = "accepted",
	[INGEST_UNCHANGED] = "unchanged",
	[INGEST_ALIAS] = "alias",
	[INGEST_EXISTS] = "exists",
};

static void write_outcome(struct task *task, const struct ingest_outcome *outcome, bool whole)
{
	struct library_document d;
	struct catalog_state state;
	struct arena arena;

	text_printf(&task->out, "{\"id\":\"%s\",\"outcome\":\"%s\"", outcome->id,
		    what_names[outcome->what]);
	arena_init(&arena, 1 << 20);
	if (whole && library_document_get(task->service->library, bytes_of(outcome->id), &arena,
					  &d) == ERR_OK) {
		catalog_state(task->service->catalog, &state);
		text_add_str(&task->out, ",\"document\":");
		document_write(&task->out, task->service->ingest, &d, state.generation);
	}
	arena_fini(&arena);
	text_add_char(&task->out, '}');
}

static bool wait_for(struct intake *in, struct bytes job)
{
	bool over = false;

	if (in->wait_ms == 0 || job.len == 0)
		return false;
	if (atomic_fetch_add(&waiting, 1) < WAITING_MAX)
		over = ingest_wait(in->task->service->ingest, job, in->wait_ms);
	atomic_fetch_sub(&waiting, 1);
	return over;
}

static void answer(struct intake *in, const struct ingest_outcome *outcomes, const char *job)
{
	struct task *task = in->task;
	bool any = false, over;

	for (size_t i = 0; i < in->count; i++)
		any |= outcomes[i].what == INGEST_ACCEPTED;
	over = !any || wait_for(in, bytes_of(job));
	if (in->count == 1) {
		text_add_str(&task->out, "{\"result\":");
		write_outcome(task, &outcomes[0], true);
	} else {
		text_add_str(&task->out, "{\"results\":[");
		for (size_t i = 0; i < in->count; i++) {
			text_add_str(&task->out, i ? "," : "");
			write_outcome(task, &outcomes[i], false);
		}
		text_add_char(&task->out, ']');
	}
	text_add_str(&task->out, ",\"job\":");
	if (job_write(&task->out, task->service, bytes_of(job), over))
		text_add_str(&task->out, "null");
	text_add_str(&task->out, "}\n");
	task->status = over ? 200 : 202;
}

static void take_in(struct intake *in)
{
	struct task *task = in->task;
	struct ingest_outcome *outcomes;
	char job[INGEST_JOB_ID_BYTES];
	err_t err;

	if (task->fault.kind)
		return;
	if (task->service->draining) {
		task_refuse(task, FAULT_DRAINING, "", "This server is about to stop.");
		return;
	}
	outcomes = arena_array(&task->arena, in->count, sizeof *outcomes);
	if (!outcomes) {
		task_failed(task, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < in->count; i++)
		in->items[i].if_exists = in->if_exists;
	err = ingest_accept(task->service->ingest, in->items, in->count, outcomes, job);
	if (err == ERR_EXISTS)
		task_refuse(task, FAULT_CONFLICT, "",
			    "A document of that key is there already, and if_exists is \"error\".");
	else if (err)
		task_failed(task, err);
	else
		answer(in, outcomes, job);
}

/* ---- POST /documents/upload ---- */

static void field_put(json_t *root, const struct multipart_part *part)
{
	char *name = bytes_dup(part->name);
	json_t *value = NULL;

	if (!name)
		return;
	if (part->data.len && strchr("[{0123456789", part->data.at[0]) &&
	    strcmp(name, "title") != 0 && strcmp(name, "document_id") != 0)
		value = json_loadb(part->data.at, part->data.len, JSON_DECODE_ANY, NULL);
	if (!value && strcmp(name, "tags") == 0) { /* a, b */
		struct bytes rest = part->data, tag;

		value = json_array();
		while (bytes_cut(&rest, ',', &tag))
			if (bytes_trim(tag).len)
				json_array_append_new(value, json_stringn(bytes_trim(tag).at,
									  bytes_trim(tag).len));
	}
	if (!value)
		value = json_stringn(part->data.at ? part->data.at : "", part->data.len);
	if (value)
		json_object_set_new(root, name, value);
	free(name);
}

static void add_file(struct intake *in, const struct multipart_part *part, struct bytes key_given)
{
	struct ingest_item *item = item_add(in);
	struct bytes type = part->media_type;

	if (!item)
		return;
	if (bytes_starts_nocase(type, BYTES("application/octet-stream")))
		type = BYTES_NONE;
	*item = (struct ingest_item){
		.media_type = bytes_upto(type, 200),
		.data = part->data,
		.origin = BYTES("{\"kind\":\"upload\"}"),
	};
	if (part->data.len == 0)
		task_refuse(in->task, FAULT_INVALID, "/file", "The file %.*s is empty.",
			    BYTES_ARG(utf8_clip(part->filename, 100)));
	else if (part->data.len > in->task->service->settings->document_bytes)
		task_refuse(in->task, FAULT_TOO_LARGE, "/file",
			    "A document has at most %llu bytes.",
			    (unsigned long long)in->task->service->settings->document_bytes);
	else
		(void)make_key(in->task, key_given.len ? key_given : part->filename,
			       BYTES("unnamed"), &item->key);
}

static void read_parts(struct intake *in, json_t *root)
{
	struct task *task = in->task;
	struct multipart m;
	struct multipart_part part;
	struct bytes options, key;
	size_t files = 0;
	err_t err = multipart_begin(&m, task->content_type, text_bytes(&task->body));

	while (!err && !(err = multipart_next(&m, &part))) {
		if (part.is_file)
			files++;
		else
			field_put(root, &part);
	}
	if (err != ERR_NOT_FOUND) {
		task_refuse(task, FAULT_BAD_REQUEST, "",
			    "The body is no multipart/form-data that can be read.");
		return;
	}
	key = json_bytes(json_object_get(root, "document_id"));
	if (files == 0 || (files > 1 && key.len)) {
		task_refuse(task, FAULT_INVALID, "/file",
			    files ? "document_id is for one file at a time."
				  : "There is no file in it: send it as a part with a filename.");
		return;
	}
	if (!read_options(task, root, &options) || !read_wait(in, root))
		return;
	(void)multipart_begin(&m, task->content_type, text_bytes(&task->body));
	while (!task->fault.kind && multipart_next(&m, &part) == ERR_OK)
		if (part.is_file)
			add_file(in, &part, key);
	for (size_t i = 0; i < in->count; i++)
		in->items[i].options = options;
}

void intake_upload(struct task *task)
{
	struct intake in = { .task = task };
	json_t *root = json_object();

	if (bytes_starts_nocase(task->content_type, BYTES("multipart/form-data")))
		read_parts(&in, root);
	else
		task_refuse(task, FAULT_MEDIA, "",
			    "Send files as multipart/form-data, as `curl -F file=@name` does.");
	take_in(&in);
	json_decref(root);
}

/* ---- POST /documents/text, /texts ---- */

static bool add_text(struct intake *in, const json_t *object, size_t number)
{
	struct task *task = in->task;
	struct bytes words = json_bytes(json_object_get(object, "text"));
	struct bytes key = json_bytes(json_object_get(object, "document_id"));
	struct ingest_item *item;
	char digest[SHA256_HEX_BYTES + 1];

	if (!json_is_object(object) || words.len == 0) {
		task_refuse(task, FAULT_INVALID, "/text",
			    "Text %zu has no \"text\", a string that is not empty.", number);
		return false;
	}
	if (!check_string(task, object, "document_id", INGEST_KEY_MAX) ||
	    !check_string(task, object, "media_type", 200))
		return false;
	item = item_add(in);
	if (!item)
		return false;
	sha256_hex(words, digest);
	*item = (struct ingest_item){
		.media_type = json_bytes(json_object_get(object, "media_type")),
		.data = words,
		.origin = BYTES("{\"kind\":\"text\"}"),
	};
	if (!item->media_type.len)
		item->media_type = BYTES("text/markdown");
	return make_key(task, key.len ? key : json_bytes(json_object_get(object, "file_source")),
			bytes_of(arena_printf(&task->arena, "text-%.16s", digest)), &item->key) &&
	       read_options(task, object, &item->options);
}

void intake_text(struct task *task)
{
	struct intake in = { .task = task };
	json_t *root;

	if (request_read_json(text_bytes(&task->body), task->content_type, &root, &task->fault))
		return;
	if (add_text(&in, root, 0) && read_wait(&in, root))
		take_in(&in);
	json_decref(root);
}

void intake_texts(struct task *task)
{
	struct intake in = { .task = task };
	json_t *root, *list, *value;
	bool fine;
	size_t i;

	if (request_read_json(text_bytes(&task->body), task->content_type, &root, &task->fault))
		return;
	list = json_object_get(root, "texts");
	fine = json_is_array(list) && json_array_size(list) > 0 &&
	       json_array_size(list) <= TEXTS_MAX;
	if (!fine)
		task_refuse(task, FAULT_INVALID, "/texts",
			    "texts must be an array of 1 to %d objects.", TEXTS_MAX);
	json_array_foreach (list, i, value)
		if (fine)
			fine = add_text(&in, value, i);
	if (fine && read_wait(&in, root))
		take_in(&in);
	json_decref(root);
}

/* ---- POST /documents/content_list ---- */

void intake_content_list(struct task *task)
{
	struct intake in = { .task = task };
	struct ingest_item *item = item_add(&in);
	json_t *root, *list;
	char *dumped;

	if (!item ||
	    request_read_json(text_bytes(&task->body), task->content_type, &root, &task->fault))
		return;
	*item = (struct ingest_item){
		.media_type = BYTES("application/vnd.raganything.content-list+json"),
		.origin = BYTES("{\"kind\":\"content_list\"}"),
	};
	list = json_object_get(root, "content_list");
	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > CONTENT_ITEMS_MAX)
		task_refuse(task, FAULT_INVALID, "/content_list",
			    "content_list must be an array of 1 to %d items.", CONTENT_ITEMS_MAX);
	dumped = task->fault.kind ? NULL : json_dumps(list, JSON_COMPACT);
	item->data = bytes_of(dumped);
	if (dumped && check_string(task, root, "document_id", INGEST_KEY_MAX) &&
	    check_string(task, root, "file_path", INGEST_KEY_MAX) &&
	    make_key(task,
		     json_object_get(root, "document_id")
			     ? json_bytes(json_object_get(root, "document_id"))
			     : json_bytes(json_object_get(root, "file_path")),
		     BYTES("content-list"), &item->key) &&
	    read_options(task, root, &item->options) && read_wait(&in, root))
		take_in(&in);
	free(dumped);
	json_decref(root);
}

/* ---- POST /documents/process ---- */

/* {"kind":"s3","bucket":…} of the request's {"s3":{…}}, if such a source may be asked. */
static bool read_source(struct task *task, const json_t *root, struct ingest_item *item,
			struct bytes *ret_name)
{
	const json_t *source = json_object_get(root, "source");
	const json_t *s3 = json_object_get(source, "s3"), *url = json_object_get(source, "url");
	json_t *origin;
	char words[200], *dumped;
	err_t err;

	origin = s3    ? origin_of_s3(s3, task->service->settings, words, sizeof words)
		 : url ? origin_of_url(url, task->service->settings, words, sizeof words)
		       : NULL;
	if (!s3 && !url)
		task_refuse(task, FAULT_INVALID, "/source",
			    "source must have \"s3\": {\"bucket\", \"key\"} or \"url\".");
	else if (!origin)
		task_refuse(task, FAULT_INVALID, s3 ? "/source/s3" : "/source/url", "%s", words);
	if (!origin)
		return false;
	*ret_name = s3 ? json_bytes(json_object_get(s3, "key")) : json_bytes(url);
	dumped = json_dumps(origin, JSON_COMPACT | JSON_SORT_KEYS);
	err = dumped ? arena_copy(&task->arena, bytes_of(dumped), &item->origin) : ERR_NOMEM;
	free(dumped);
	json_decref(origin);
	if (err)
		task_failed(task, err);
	return !err;
}

void intake_process(struct task *task)
{
	struct intake in = { .task = task };
	struct ingest_item *item = item_add(&in);
	struct bytes name;
	json_t *root;

	if (!item ||
	    request_read_json(text_bytes(&task->body), task->content_type, &root, &task->fault))
		return;
	*item = (struct ingest_item){ .media_type = BYTES_NONE };
	if (read_source(task, root, item, &name) &&
	    check_string(task, root, "document_id", INGEST_KEY_MAX) &&
	    make_key(task,
		     json_object_get(root, "document_id")
			     ? json_bytes(json_object_get(root, "document_id"))
			     : name,
		     BYTES("unnamed"), &item->key) &&
	    read_options(task, root, &item->options) && read_wait(&in, root))
		take_in(&in);
	json_decref(root);
}
