#include "rag/engines/neo4j.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/map.h"
#include "net/clock.h"
#include "rag/engines/http_call.h"

enum {
	BATCH = 500,
	TRIES = 4,
	PAUSE_US = 50 * 1000, /* doubled with each try */
	CHUNKS_MAX = 50,      /* passages named at one relation */
	KEY_MAX_BYTES = 400,
	READ_MS = 1500,
	READ_ROWS_MAX = 1000,
	READ_CHUNKS_MAX = 200,
	REST_MS = 10000, /* after a read that failed */
};

/* What the database has of one thing, and whether the corpus still has it. */
struct sent {
	uint64_t digest;
	unsigned round; /* the last projection that met it */
};

struct neo4j {
	char *url, *authorization, *workspace;
	uint32_t timeout_ms;
	bool any_certificate, prepared;
	struct map entities, relations; /* pk or key to struct sent; owned */
	unsigned round;
	_Atomic uint64_t lag;
	_Atomic bool behind;
	_Atomic uint64_t read_again_ms; /* no reading before; 0: it answers */
	struct mishaps mishaps;
};

/* ---- Open and close ---- */

static char *basic(const struct neo4j_options *options)
{
	struct text plain = TEXT_INIT(2048), out = TEXT_INIT(4096);
	char *value;

	text_printf(&plain, "%s:%s", options->user, options->password);
	text_add_str(&out, "Basic ");
	encode_base64(&out, text_bytes(&plain));
	value = text_take(&out);
	text_fini(&plain);
	text_fini(&out);
	return value;
}

static err_t url_of(struct neo4j *n, const struct neo4j_options *options)
{
	struct text url = TEXT_INIT(2048);
	err_t err = neo4j_base(&url, bytes_of(options->uri), &n->any_certificate);

	if (!err && n->any_certificate && !options->insecure)
		err = ERR_INVALID;
	if (!err) {
		text_add_str(&url, "/db/");
		encode_percent(&url, bytes_of(options->database), false);
		text_add_str(&url, "/query/v2");
		n->url = text_take(&url);
		err = n->url ? ERR_OK : ERR_NOMEM;
	}
	text_fini(&url);
	return err;
}

err_t neo4j_create(const struct neo4j_options *options, struct neo4j **ret_neo4j)
{
	struct neo4j *n = calloc(1, sizeof *n);
	err_t err;

	if (!n)
		return ERR_NOMEM;
	n->timeout_ms = options->timeout_ms;
	n->workspace = bytes_dup(bytes_of(options->workspace));
	if (options->password[0])
		n->authorization = basic(options);
	err = n->workspace && (n->authorization || !options->password[0]) ? url_of(n, options)
									  : ERR_NOMEM;
	if (err) {
		neo4j_destroy(n);
		return err;
	}
	*ret_neo4j = n;
	return ERR_OK;
}

static void forget(struct map *map)
{
	map_for_each (map, slot)
		free(slot->value);
	map_fini(map);
}

void neo4j_destroy(struct neo4j *n)
{
	if (!n)
		return;
	forget(&n->entities);
	forget(&n->relations);
	free(n->url);
	free(n->authorization);
	free(n->workspace);
	free(n);
}

uint64_t neo4j_lag(const struct neo4j *n)
{
	return atomic_load(&n->lag);
}

const struct mishaps *neo4j_mishaps(const struct neo4j *n)
{
	return &n->mishaps;
}

const char *neo4j_state(const struct neo4j *n)
{
	if (clock_mono_us() / 1000 < atomic_load(&n->read_again_ms))
		return "down";
	return atomic_load(&n->behind) ? "behind" : "ok";
}

/* ---- One statement ---- */

/* The status says little: an error comes inside a 202, a transient one as a 400. */
static void count_mishap(struct neo4j *n, err_t err, long status, enum neo4j_outcome outcome)
{
	if (!err && outcome == NEO4J_DONE)
		return;
	if (!err && outcome == NEO4J_AGAIN && status != 429)
		status = 503;
	else if (!err && status < 300)
		status = 400;
	mishap_count(&n->mishaps, mishap_of(err, status));
}

/* Takes `parameters` over. ERR_AGAIN after all tries, ERR_REFUSED for what will not work. */
static err_t run(struct neo4j *n, enum neo4j_statement statement, json_t *parameters,
		 int64_t *ret_number)
{
	json_t *request = json_pack("{s:s, s:o, s:s}", "statement", neo4j_statements[statement],
				    "parameters", parameters, "accessMode", "Write");
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL, code[80] = "";
	enum neo4j_outcome outcome = NEO4J_AGAIN;
	err_t err = body ? ERR_AGAIN : ERR_NOMEM;

	for (unsigned try = 0; body && try < TRIES && outcome == NEO4J_AGAIN; try++) {
		const struct http_call call = {
			.url = n->url,
			.authorization = n->authorization,
			.body = bytes_of(body),
			.timeout_ms = n->timeout_ms,
			.any_certificate = n->any_certificate,
		};
		struct http_answer answer = { .json = NULL };

		if (try)
			usleep(PAUSE_US << try);
		err = http_call(&call, &answer);
		if (!err)
			outcome = neo4j_outcome(answer.status, answer.json, code);
		count_mishap(n, err, answer.status, outcome);
		if (err)
			break;
		if (outcome == NEO4J_DONE && ret_number)
			*ret_number = neo4j_number(answer.json);
		json_decref(answer.json);
	}
	if (!err && outcome != NEO4J_DONE) {
		log_warn("rag", "neo4j: %s", code[0] ? code : "refused");
		err = outcome == NEO4J_AGAIN ? ERR_AGAIN : ERR_REFUSED;
	}
	free(body);
	json_decref(request);
	return err;
}

/* What an earlier process left is unknown: it goes, and all is sent. */
static err_t prepare(struct neo4j *n)
{
	int64_t gone = 1;

	if (n->prepared)
		return ERR_OK;
	TRY(run(n, NEO4J_CONSTRAINT, json_object(), NULL));
	TRY(run(n, NEO4J_FULLTEXT, json_object(), NULL));
	while (gone > 0)
		TRY(run(n, NEO4J_WIPE, json_pack("{s:s}", "ws", n->workspace), &gone));
	forget(&n->entities);
	forget(&n->relations);
	n->prepared = true;
	return ERR_OK;
}

/* ---- The outbox: rows whose digest is not what was sent ---- */

struct outbox {
	struct neo4j *neo4j;
	json_t *entities, *relations; /* rows to put */
};

static uint64_t digest_of(const json_t *row)
{
	char *dump = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
	uint64_t digest = bytes_hash(bytes_of(dump), 9);

	free(dump);
	return digest;
}

/* Takes `row` over: to the outbox when it is new or differs. */
static void offer(struct neo4j *n, struct map *sent, const char *key, json_t *row, json_t *rows)
{
	struct sent *known = map_get(sent, bytes_of(key));
	uint64_t digest = digest_of(row);

	if (known) {
		known->round = n->round;
		if (known->digest == digest) {
			json_decref(row);
			return;
		}
	}
	json_array_append_new(rows, row);
}

static void pk_of(const struct neo4j *n, const struct entity *e, char pk[KEY_MAX_BYTES])
{
	snprintf(pk, KEY_MAX_BYTES, "%s|%.*s", n->workspace, BYTES_ARG(e->key));
}

static void offer_entity(struct outbox *box, const struct entity *e)
{
	char pk[KEY_MAX_BYTES];

	pk_of(box->neo4j, e, pk);
	offer(box->neo4j, &box->neo4j->entities, pk,
	      json_pack("{s:s, s:s, s:s%, s:s, s:I}", "pk", pk, "ws", box->neo4j->workspace, "name",
			e->name.at, e->name.len, "type", entity_kind_names[e->kind], "mentions",
			(json_int_t)e->mentions),
	      box->entities);
}

static void offer_relation(struct outbox *box, const struct generation *g, const struct relation *r)
{
	char from[KEY_MAX_BYTES], to[KEY_MAX_BYTES], key[KEY_MAX_BYTES * 2 + 40];
	json_t *chunks = json_array();
	struct entity a, b;

	if (!graph_entity(generation_graph(g), r->from, &a) ||
	    !graph_entity(generation_graph(g), r->to, &b)) {
		json_decref(chunks);
		return;
	}
	pk_of(box->neo4j, &a, from);
	pk_of(box->neo4j, &b, to);
	snprintf(key, sizeof key, "%s>%s>%s", from, relation_kind_names[r->kind], to);
	for (uint32_t i = 0; i < r->evidence && i < CHUNKS_MAX; i++) {
		struct bytes id = generation_at(g, r->slots[i])->passage.id;

		json_array_append_new(chunks, json_stringn(id.at, id.len));
	}
	offer(box->neo4j, &box->neo4j->relations, key,
	      json_pack("{s:s, s:s, s:s, s:s, s:f, s:o}", "key", key, "src", from, "dst", to,
			"type", relation_kind_names[r->kind], "weight", (double)r->weight, "chunks",
			chunks),
	      box->relations);
}

static bool fill_outbox(struct outbox *box, struct corpus *corpus)
{
	struct generation *g = corpus_read(corpus);
	const struct graph *graph;

	if (!g)
		return false;
	graph = generation_graph(g);
	box->neo4j->round++;
	for (uint32_t id = 0; id < graph_entities_max(graph); id++) {
		struct entity e;

		if (graph_entity(graph, id, &e))
			offer_entity(box, &e);
	}
	for (uint32_t id = 0; id < graph_relations_max(graph); id++) {
		struct relation r;

		if (graph_relation(graph, id, &r))
			offer_relation(box, g, &r);
	}
	corpus_read_end(corpus, g);
	return true;
}

static err_t note_sent(struct neo4j *n, struct map *sent, const char *key, const json_t *row)
{
	struct sent *known = map_get(sent, bytes_of(key));

	if (!known) {
		known = calloc(1, sizeof *known);
		if (!known || map_put(sent, bytes_of(key), known, NULL)) {
			free(known);
			return ERR_NOMEM;
		}
	}
	*known = (struct sent){ digest_of(row), n->round };
	return ERR_OK;
}

static err_t put_rows(struct neo4j *n, enum neo4j_statement statement, const char *key_member,
		      struct map *sent, json_t *rows, const _Atomic bool *stop)
{
	size_t count = json_array_size(rows);

	for (size_t at = 0; at < count; at += BATCH) {
		json_t *batch = json_array();

		for (size_t i = at; i < count && i < at + BATCH; i++)
			json_array_append(batch, json_array_get(rows, i));
		if (atomic_load(stop)) {
			json_decref(batch);
			return ERR_CANCELLED;
		}
		TRY(run(n, statement, json_pack("{s:o}", "rows", batch), NULL));
		for (size_t i = at; i < count && i < at + BATCH; i++) {
			const json_t *row = json_array_get(rows, i);

			TRY(note_sent(n, sent, json_string_value(json_object_get(row, key_member)),
				      row));
			atomic_fetch_sub(&n->lag, 1);
		}
	}
	return ERR_OK;
}

/* What the corpus no longer has; relations first, as entities would take theirs along. */
static err_t drop_gone(struct neo4j *n, enum neo4j_statement statement, const char *member,
		       struct map *sent)
{
	json_t *gone = json_array(), *key;
	err_t err = ERR_OK;
	size_t i;

	map_for_each (sent, slot) {
		const struct sent *known = slot->value;

		if (known->round != n->round)
			json_array_append_new(gone, json_stringn(slot->key, slot->key_len));
	}
	for (size_t at = 0; !err && at < json_array_size(gone); at += BATCH) {
		json_t *batch = json_array();

		for (i = at; i < json_array_size(gone) && i < at + BATCH; i++)
			json_array_append(batch, json_array_get(gone, i));
		err = run(n, statement, json_pack("{s:o}", member, batch), NULL);
	}
	if (!err)
		json_array_foreach (gone, i, key)
			free(map_remove(sent, bytes_of(json_string_value(key))));
	json_decref(gone);
	return err;
}

static err_t deliver(struct neo4j *n, const struct outbox *box, const _Atomic bool *stop)
{
	TRY(put_rows(n, NEO4J_PUT_ENTITIES, "pk", &n->entities, box->entities, stop));
	TRY(put_rows(n, NEO4J_PUT_RELATIONS, "key", &n->relations, box->relations, stop));
	TRY(drop_gone(n, NEO4J_DROP_RELATIONS, "keys", &n->relations));
	return drop_gone(n, NEO4J_DROP_ENTITIES, "pks", &n->entities);
}

err_t neo4j_project(struct neo4j *n, struct corpus *corpus, const _Atomic bool *stop)
{
	struct outbox box = { n, json_array(), json_array() };
	err_t err = prepare(n);

	if (!err && fill_outbox(&box, corpus)) {
		atomic_store(&n->lag,
			     json_array_size(box.entities) + json_array_size(box.relations));
		err = deliver(n, &box, stop);
	}
	atomic_store(&n->behind, err != ERR_OK);
	json_decref(box.entities);
	json_decref(box.relations);
	return err;
}

/* ---- Reading ---- */

static json_t *types_of(unsigned kinds)
{
	json_t *types = json_array();

	for (unsigned kind = 0; kind < RELATION_KINDS; kind++)
		if (kinds & 1u << kind)
			json_array_append_new(types, json_string(relation_kind_names[kind]));
	return types;
}

static json_t *read_request(const struct neo4j *n, const struct neo4j_question *q)
{
	json_t *pks = json_array(), *parameters;
	char pk[KEY_MAX_BYTES];

	for (unsigned i = 0; i < q->count; i++) {
		const struct entity e = { .key = q->keys[i] };

		pk_of(n, &e, pk);
		json_array_append_new(pks, json_string(pk));
	}
	parameters = json_pack("{s:o, s:i}", "pks", pks, "limit", READ_ROWS_MAX);
	if (q->by_kind)
		json_object_set_new(parameters, "types", types_of(q->kinds));
	return json_pack("{s:s, s:o, s:s}", "statement",
			 neo4j_statements[q->by_kind ? NEO4J_TOUCHED : NEO4J_NEIGHBOURS],
			 "parameters", parameters, "accessMode", "Read");
}

/* One attempt: a question waits for it. */
static err_t read_once(struct neo4j *n, const json_t *request, json_t **ret_answer)
{
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL, code[80] = "";
	const struct http_call call = {
		.url = n->url,
		.authorization = n->authorization,
		.body = bytes_of(body),
		.timeout_ms = n->timeout_ms < READ_MS ? n->timeout_ms : READ_MS,
		.any_certificate = n->any_certificate,
	};
	struct http_answer answer = { .json = NULL };
	enum neo4j_outcome outcome = NEO4J_DONE;
	err_t err = body ? http_call(&call, &answer) : ERR_NOMEM;

	free(body);
	if (!err)
		outcome = neo4j_outcome(answer.status, answer.json, code);
	count_mishap(n, err, answer.status, outcome);
	if (outcome != NEO4J_DONE) {
		log_warn("rag", "neo4j cannot be read: %s", code[0] ? code : "refused");
		err = ERR_AGAIN;
	}
	if (err)
		json_decref(answer.json);
	else
		*ret_answer = answer.json;
	return err;
}

/* "default|warfarin" as "warfarin"; empty when it is another workspace's. */
static err_t key_of(const struct neo4j *n, const json_t *pk, struct arena *arena,
		    struct bytes *ret_key)
{
	struct bytes text = bytes_make(json_string_value(pk), json_string_length(pk));
	size_t ws = strlen(n->workspace);

	*ret_key = BYTES_NONE;
	if (text.len <= ws + 1 || memcmp(text.at, n->workspace, ws) != 0 || text.at[ws] != '|')
		return ERR_OK;
	return arena_copy(arena, bytes_from(text, ws + 1), ret_key);
}

static bool kind_of(const json_t *type, enum relation_kind *ret_kind)
{
	for (int kind = 0; kind < RELATION_KINDS; kind++) {
		if (json_is_string(type) &&
		    strcmp(json_string_value(type), relation_kind_names[kind]) == 0) {
			*ret_kind = (enum relation_kind)kind;
			return true;
		}
	}
	return false;
}

static err_t read_chunks(const json_t *chunks, struct arena *arena, struct retrieve_saying *told)
{
	size_t count = size_min(json_array_size(chunks), READ_CHUNKS_MAX);
	struct bytes *passages = arena_array(arena, count + 1, sizeof *passages);

	if (!passages)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		const json_t *id = json_array_get(chunks, i);

		if (json_is_string(id))
			TRY(arena_copy(arena,
				       bytes_make(json_string_value(id), json_string_length(id)),
				       &passages[told->passage_count++]));
	}
	told->passages = passages;
	return ERR_OK;
}

static err_t read_rows(const struct neo4j *n, const json_t *answer, struct arena *arena,
		       struct retrieve_told *ret_told)
{
	struct retrieve_saying *told = arena_array(arena, READ_ROWS_MAX, sizeof *told);
	unsigned kept = 0;

	if (!told)
		return ERR_NOMEM;
	for (size_t row = 0; row < READ_ROWS_MAX; row++) {
		const json_t *at[NEO4J_COLUMNS];
		struct retrieve_saying t = { .passage_count = 0 };

		for (size_t i = 0; i < NEO4J_COLUMNS; i++)
			at[i] = neo4j_value(answer, NEO4J_COLUMNS, row, i);
		if (!at[NEO4J_PK])
			break;
		TRY(key_of(n, at[NEO4J_PK], arena, &t.from));
		TRY(key_of(n, at[NEO4J_OTHER_PK], arena, &t.to));
		if (!t.from.len || !t.to.len || !kind_of(at[NEO4J_TYPE], &t.kind))
			continue;
		t.weight = (float)json_number_value(at[NEO4J_WEIGHT]);
		TRY(read_chunks(at[NEO4J_CHUNKS], arena, &t));
		told[kept++] = t;
	}
	*ret_told = (struct retrieve_told){ told, kept };
	return ERR_OK;
}

err_t neo4j_read(struct neo4j *n, const struct neo4j_question *question, struct arena *arena,
		 struct retrieve_told *ret_told)
{
	uint64_t now_ms = clock_mono_us() / 1000;
	json_t *request, *answer;
	err_t err;

	if (now_ms < atomic_load(&n->read_again_ms))
		return ERR_AGAIN;
	request = read_request(n, question);
	err = read_once(n, request, &answer);
	json_decref(request);
	atomic_store(&n->read_again_ms, err ? now_ms + REST_MS : 0);
	if (err)
		return ERR_AGAIN;
	err = read_rows(n, answer, arena, ret_told);
	json_decref(answer);
	return err;
}
