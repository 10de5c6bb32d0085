#include "rag/api/documents.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/when.h"
#include "http/uri.h"
#include "rag/api/request.h"

enum {
	LIST_DEFAULT = 50,
	LIST_MAX = 500,
	DELETE_MAX = 10000,
	ASSET_BYTES_MAX = 32 * 1024 * 1024,
};

/* ---- Writing ---- */

static void string(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, ",\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

static void optional(struct text *out, const char *name, struct bytes value)
{
	if (value.len)
		string(out, name, value);
}

static void number(struct text *out, const char *name, uint64_t value)
{
	text_printf(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void time_at(struct text *out, const char *name, uint64_t unix_ms)
{
	char when[WHEN_ISO_BYTES + 1];

	when_iso_ms(unix_ms, when);
	text_printf(out, ",\"%s\":\"%s\"", name, when);
}

/* Members that are JSON already. */
static void raw(struct text *out, const char *name, struct bytes value)
{
	if (value.len)
		text_printf(out, ",\"%s\":%.*s", name, BYTES_ARG(value));
}

static void error_write(struct text *out, const struct library_document *d)
{
	text_add_str(out, ",\"error\":{\"code\":\"");
	encode_json(out, d->error_code);
	text_add_char(out, '"');
	string(out, "stage", d->error_stage);
	string(out, "message", d->error);
	text_add_char(out, '}');
}

/* {"tags":…,"metadata":…} without its braces. */
static void metadata_write(struct text *out, struct bytes metadata)
{
	if (metadata.len > 2)
		text_printf(out, ",%.*s", (int)metadata.len - 2, metadata.at + 1);
}

void document_write(struct text *out, struct ingest *ingest, const struct library_document *d,
		    uint64_t generation)
{
	const char *stage = d->state == LIBRARY_PENDING ? ingest_stage(ingest, d->row) : NULL;

	text_add_str(out, "{\"id\":\"");
	encode_json(out, d->id);
	text_add_char(out, '"');
	string(out, "title", d->title);
	string(out, "file", d->key);
	string(out, "state", bytes_of(stage ? stage : library_state_names[d->state]));
	optional(out, "media_type", d->media_type);
	number(out, "bytes", d->bytes);
	optional(out, "sha256", d->sha256);
	number(out, "chunks", d->passages);
	if (d->pages)
		number(out, "pages", d->pages);
	number(out, "version", d->version);
	if (d->state == LIBRARY_INDEXED)
		number(out, "generation", generation);
	optional(out, "alias_of", d->alias_of);
	if (d->near_of.len) {
		string(out, "near_duplicate_of", d->near_of);
		number(out, "near_duplicate_percent", d->near_percent);
	}
	optional(out, "source", d->source);
	optional(out, "category", d->category);
	optional(out, "subject", d->subject);
	raw(out, "origin", d->origin);
	metadata_write(out, d->metadata);
	raw(out, "stage_ms", d->stage_ms);
	raw(out, "warnings", d->warnings);
	optional(out, "job", d->job);
	if (d->state == LIBRARY_FAILED)
		error_write(out, d);
	time_at(out, "created_at", d->created_ms);
	time_at(out, "updated_at", d->updated_ms);
	text_add_char(out, '}');
}

/* ---- GET /documents ---- */

struct listing {
	struct task *task;
	uint64_t generation, last_row;
	unsigned count, limit;
	bool more;
};

static bool on_listed(void *owner, const struct library_document *document)
{
	struct listing *l = owner;

	if (l->count == l->limit) {
		l->more = true;
		return false;
	}
	text_add_str(&l->task->out, l->count ? "," : "");
	document_write(&l->task->out, l->task->service->ingest, document, l->generation);
	l->last_row = document->row;
	l->count++;
	return true;
}

static err_t decode(struct arena *arena, struct bytes in, struct bytes *ret)
{
	struct text out = TEXT_INIT(in.len + 1);
	err_t err = decode_percent(&out, in, true);

	if (!err)
		err = arena_copy(arena, text_bytes(&out), ret);
	text_fini(&out);
	return err;
}

static int state_number(struct bytes name)
{
	for (int i = 0; i < LIBRARY_STATES; i++)
		if (bytes_eq_str(name, library_state_names[i]))
			return i;
	return -2;
}

/* One `key=value` of the query string; a fault is the task's. */
static void read_filter(struct task *task, struct bytes key, struct bytes value,
			struct library_query *query)
{
	uint64_t n = 0;

	if (bytes_eq_str(key, "limit")) {
		if (bytes_to_u64(value, LIST_MAX, &n) || n == 0)
			task_refuse(task, FAULT_INVALID, "/limit",
				    "limit must be a number from 1 to %d.", LIST_MAX);
		query->limit = (unsigned)n;
	} else if (bytes_eq_str(key, "cursor")) {
		if (bytes_to_u64(value, INT64_MAX, &query->after_row))
			task_refuse(task, FAULT_INVALID, "/cursor",
				    "cursor must be the next_cursor of an earlier answer.");
	} else if (bytes_eq_str(key, "state")) {
		query->state = state_number(value);
		if (query->state == -2)
			task_refuse(task, FAULT_INVALID, "/state",
				    "state must be pending, indexed or failed.");
	} else if (bytes_eq_str(key, "job")) {
		query->job = value;
	} else if (bytes_eq_str(key, "tag")) {
		query->tag = value;
	} else if (bytes_eq_str(key, "prefix")) {
		query->prefix = value;
	} else if (bytes_eq_str(key, "q")) {
		query->contains = value;
	} else {
		task_refuse(task, FAULT_INVALID, "",
			    "A list takes limit, cursor, state, job, tag, prefix and q.");
	}
}

void documents_list(struct task *task)
{
	struct library_query query = { .state = -1, .limit = LIST_DEFAULT };
	struct listing l = { .task = task };
	struct library_counts counts;
	struct catalog_state state;
	struct bytes rest = task->query, key, value;
	err_t err;

	while (uri_query_cut(&rest, &key, &value) && !task->fault.kind) {
		if (decode(&task->arena, value, &value))
			task_refuse(task, FAULT_INVALID, "", "The query string cannot be read.");
		else
			read_filter(task, key, value, &query);
	}
	if (task->fault.kind)
		return;
	catalog_state(task->service->catalog, &state);
	l.generation = state.generation;
	l.limit = query.limit;
	query.limit++;
	text_add_str(&task->out, "{\"documents\":[");
	err = library_documents(task->service->library, &query, on_listed, &l);
	if (!err)
		err = library_count(task->service->library, &counts);
	if (err) {
		task_failed(task, err);
		return;
	}
	text_add_str(&task->out, "],\"counts\":{");
	for (unsigned i = 0; i < LIBRARY_STATES; i++)
		text_printf(&task->out, "%s\"%s\":%llu", i ? "," : "", library_state_names[i],
			    (unsigned long long)counts.documents[i]);
	text_add_str(&task->out, "},\"next_cursor\":");
	if (l.more)
		text_printf(&task->out, "\"%llu\"", (unsigned long long)l.last_row);
	else
		text_add_str(&task->out, "null");
	text_add_str(&task->out, "}\n");
}

/* ---- GET /documents/ID ---- */

static err_t on_passage(void *owner, const struct passage *p)
{
	static const char *const kinds[PASSAGE_KINDS] = { "text",     "table", "image",
							  "equation", "code",  "boxed_warning" };
	struct text *out = owner;

	text_add_str(out, out->at[out->len - 1] == '[' ? "{\"id\":\"" : ",{\"id\":\"");
	encode_json(out, p->id);
	text_add_char(out, '"');
	string(out, "kind", bytes_of(kinds[p->kind]));
	string(out, "section", p->section);
	optional(out, "code", p->code);
	if (p->page_from) {
		number(out, "page", p->page_from);
		number(out, "page_to", p->page_to);
	}
	number(out, "words", p->words);
	text_printf(out, ",\"span\":[%llu,%llu]", (unsigned long long)p->char_from,
		    (unsigned long long)p->char_to);
	string(out, "text", p->body);
	raw(out, "item", p->item);
	text_add_char(out, '}');
	return text_err(out);
}

/* "/documents/doc_…/chunks" → its id, and what follows. */
static struct bytes id_of(struct bytes path, const char *before, struct bytes *ret_below)
{
	struct bytes rest = bytes_from(path, strlen(before));
	size_t slash = bytes_index(rest, '/');

	*ret_below = slash == SIZE_MAX ? BYTES_NONE : bytes_from(rest, slash + 1);
	return bytes_upto(rest, slash);
}

void documents_one(struct task *task)
{
	struct bytes below, id = id_of(task->path, "/documents/", &below);
	struct library_document d;
	struct catalog_state state;
	err_t err = library_document_get(task->service->library, id, &task->arena, &d);

	if (err == ERR_NOT_FOUND || (below.len && !bytes_eq_str(below, "chunks"))) {
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such document.");
		return;
	}
	catalog_state(task->service->catalog, &state);
	if (!err && below.len) {
		text_add_str(&task->out, "{\"chunks\":[");
		err = library_passages(task->service->library, state.generation, d.row, on_passage,
				       &task->out);
		text_add_str(&task->out, "]}\n");
	} else if (!err) {
		document_write(&task->out, task->service->ingest, &d, state.generation);
		text_add_char(&task->out, '\n');
	}
	if (err)
		task_failed(task, err);
}

/* ---- DELETE ---- */

static void remove_ids(struct task *task, const struct bytes *ids, size_t count, bool must_exist)
{
	unsigned removed = 0;
	err_t err = ingest_remove(task->service->ingest, ids, count, &removed);

	if (err)
		task_failed(task, err);
	else if (removed == 0 && must_exist)
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such document.");
	else
		text_printf(&task->out, "{\"deleted\":%u}\n", removed);
}

void documents_delete(struct task *task)
{
	struct bytes below, id = id_of(task->path, "/documents/", &below);

	if (below.len)
		task_refuse(task, FAULT_NOT_FOUND, "", "There is nothing at this path.");
	else
		remove_ids(task, &id, 1, true);
}

void documents_delete_many(struct task *task)
{
	json_t *root, *ids, *value;
	struct bytes *list;
	size_t i;

	if (request_read_json(text_bytes(&task->body), task->content_type, &root, &task->fault))
		return;
	ids = json_object_get(root, "document_ids");
	if (!json_is_array(ids) || json_array_size(ids) == 0 || json_array_size(ids) > DELETE_MAX) {
		task_refuse(task, FAULT_INVALID, "/document_ids",
			    "document_ids must be an array of 1 to %d ids.", DELETE_MAX);
		json_decref(root);
		return;
	}
	list = arena_array(&task->arena, json_array_size(ids), sizeof *list);
	json_array_foreach (ids, i, value) {
		if (!json_is_string(value) || !list) {
			task_refuse(task, FAULT_INVALID, "/document_ids",
				    "An id is a string (number %zu is not).", i);
			break;
		}
		list[i] = bytes_make(json_string_value(value), json_string_length(value));
	}
	if (!task->fault.kind)
		remove_ids(task, list, json_array_size(ids), false);
	json_decref(root);
}

/* ---- GET /assets/ID ---- */

void documents_asset(struct task *task)
{
	struct bytes id = bytes_from(task->path, strlen("/assets/")), data;
	struct library_asset asset;
	err_t err = library_asset_get(task->service->library, id, &task->arena, &asset);
	char *type;

	if (!err)
		err = library_blob_read(task->service->library, asset.sha256, ASSET_BYTES_MAX,
					&data);
	if (err == ERR_NOT_FOUND) {
		task_refuse(task, FAULT_NOT_FOUND, "", "There is no such asset.");
		return;
	}
	if (err) {
		task_failed(task, err);
		return;
	}
	text_add(&task->out, data);
	free((char *)data.at);
	type = arena_string(&task->arena, asset.media_type);
	task->media_type = type ? type : "application/octet-stream";
	task->is_asset = true;
}
