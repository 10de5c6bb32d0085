#include "rag/api/graph.h"

#include <stdlib.h>

#include "base/encode.h"
#include "http/uri.h"
#include "rag/api/reply.h"

enum {
	LIMIT_DEFAULT = 100,
	LIMIT_MAX = 1000,
	DEPTH_MAX = 3,
	NAME_MAX_BYTES = 400,
	BODY_MAX_BYTES = 4 * 1024 * 1024,
	EVIDENCE_MAX = 20, /* passages named for one thing */
};

struct look {
	struct blocking_job job;
	struct call *call; /* NULL once the client left */
	struct corpus *corpus;
	void (*read)(struct look *look, const struct generation *generation);
	char name[NAME_MAX_BYTES + 1];
	unsigned depth, limit;
	bool found;
	struct text body;
};

/* ---- Writing ---- */

static void string(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, "\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

static void write_evidence(struct text *out, const struct generation *g, const uint32_t *slots,
			   uint32_t count)
{
	text_add_str(out, ",\"chunk_ids\":[");
	for (uint32_t i = 0; i < count && i < EVIDENCE_MAX; i++) {
		text_add_str(out, i ? ",\"" : "\"");
		encode_json(out, generation_at(g, slots[i])->passage.id);
		text_add_char(out, '"');
	}
	text_add_char(out, ']');
}

static void write_entity(struct text *out, const struct generation *g, const struct entity *e)
{
	text_add_char(out, '{');
	string(out, "id", e->key);
	text_add_char(out, ',');
	string(out, "name", e->name);
	text_printf(out, ",\"type\":\"%s\",\"mentions\":%u,\"relations\":%u",
		    entity_kind_names[e->kind], e->mentions, e->relation_count);
	write_evidence(out, g, e->slots, e->mentions);
	text_add_char(out, '}');
}

static void write_relation(struct text *out, const struct generation *g, const struct relation *r)
{
	struct entity from, to;

	if (!graph_entity(generation_graph(g), r->from, &from) ||
	    !graph_entity(generation_graph(g), r->to, &to))
		return;
	text_add_char(out, '{');
	string(out, "source", from.key);
	text_add_char(out, ',');
	string(out, "target", to.key);
	text_printf(out, ",\"type\":\"%s\",\"weight\":%.2f,\"evidence\":%u",
		    relation_kind_names[r->kind], (double)r->weight, r->evidence);
	write_evidence(out, g, r->slots, r->evidence);
	text_add_char(out, '}');
}

/* ---- Reading ---- */

static bool holds_nocase(struct bytes text, struct bytes part)
{
	for (size_t i = 0; i + part.len <= text.len; i++)
		if (bytes_eq_nocase(bytes_make(text.at + i, part.len), part))
			return true;
	return false;
}

static void read_search(struct look *look, const struct generation *g)
{
	const struct graph *graph = generation_graph(g);
	unsigned count = 0;
	bool more = false;

	text_add_str(&look->body, "{\"entities\":[");
	for (uint32_t id = 0; id < graph_entities_max(graph) && !more; id++) {
		struct entity e;

		if (!graph_entity(graph, id, &e) || !holds_nocase(e.name, bytes_of(look->name)))
			continue;
		more = count == look->limit;
		if (more)
			break;
		text_add_str(&look->body, count++ ? "," : "");
		write_entity(&look->body, g, &e);
	}
	text_printf(&look->body, "],\"truncated\":%s}\n", more ? "true" : "false");
	look->found = true;
}

/* Entities met, in the order of their distance; relations between them. */
struct walk {
	uint32_t *at;
	uint8_t *depth;
	bool *met;
	unsigned count;
	bool truncated;
};

static void walk_from(const struct graph *graph, const struct look *look, struct walk *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct entity e;

		if (w->depth[i] == look->depth || !graph_entity(graph, w->at[i], &e))
			continue;
		for (uint32_t k = 0; k < e.relation_count; k++) {
			struct relation r;
			uint32_t other;

			if (!graph_relation(graph, e.relations[k], &r))
				continue;
			other = r.from == e.id ? r.to : r.from;
			if (w->met[other])
				continue;
			if (w->count == look->limit) {
				w->truncated = true;
				return;
			}
			w->met[other] = true;
			w->depth[w->count] = (uint8_t)(w->depth[i] + 1);
			w->at[w->count++] = other;
		}
	}
}

static void write_walk(struct look *look, const struct generation *g, const struct walk *w)
{
	const struct graph *graph = generation_graph(g);
	bool first = true;

	text_add_str(&look->body, "{\"nodes\":[");
	for (unsigned i = 0; i < w->count; i++) {
		struct entity e;

		text_add_str(&look->body, i ? "," : "");
		if (graph_entity(graph, w->at[i], &e))
			write_entity(&look->body, g, &e);
	}
	text_add_str(&look->body, "],\"edges\":[");
	for (uint32_t id = 0; id < graph_relations_max(graph); id++) {
		struct relation r;

		if (!graph_relation(graph, id, &r) || !w->met[r.from] || !w->met[r.to])
			continue;
		text_add_str(&look->body, first ? "" : ",");
		first = false;
		write_relation(&look->body, g, &r);
	}
	text_printf(&look->body, "],\"truncated\":%s}\n", w->truncated ? "true" : "false");
}

static void read_neighbours(struct look *look, const struct generation *g)
{
	const struct graph *graph = generation_graph(g);
	uint32_t most = graph_entities_max(graph) + 1;
	struct walk w = { .at = calloc(look->limit, sizeof *w.at),
			  .depth = calloc(look->limit, 1),
			  .met = calloc(most, sizeof *w.met) };
	struct entity e;

	if (w.at && w.depth && w.met && graph_find(graph, bytes_of(look->name), &e)) {
		look->found = true;
		w.at[w.count++] = e.id;
		w.met[e.id] = true;
		walk_from(graph, look, &w);
		write_walk(look, g, &w);
	}
	free(w.at);
	free(w.depth);
	free(w.met);
}

/* ---- The call ---- */

static void look_free(struct look *look)
{
	text_fini(&look->body);
	free(look);
}

static void work(struct blocking_job *job)
{
	struct look *look = container_of(job, struct look, job);
	struct generation *g = corpus_read(look->corpus);

	if (!g)
		return;
	look->read(look, g);
	corpus_read_end(look->corpus, g);
}

static void refuse(struct call *call, enum fault_kind kind, const char *field, const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, field, "%s", words);
	reply_fault(&call->to, &fault);
}

static void done(struct blocking_job *job)
{
	struct look *look = container_of(job, struct look, job);
	struct call *call = look->call;

	if (call) {
		if (text_err(&look->body))
			refuse(call, FAULT_TOO_LARGE, "", "The answer is too large: lower limit.");
		else if (look->found)
			reply_json(&call->to, 200, text_bytes(&look->body));
		else
			refuse(call, FAULT_NOT_FOUND, "", "The graph has nothing of that name.");
		call_answered(call);
	}
	look_free(look);
}

static void on_left(struct call *call)
{
	((struct look *)call->work)->call = NULL;
}

static bool read_number(struct bytes value, uint64_t max, unsigned *ret_number)
{
	uint64_t number;

	if (bytes_to_u64(value, max, &number) || number == 0)
		return false;
	*ret_number = (unsigned)number;
	return true;
}

static bool take_name(struct look *look, struct bytes encoded, bool plus_is_space)
{
	struct text name = TEXT_INIT(NAME_MAX_BYTES);
	bool fine = decode_percent(&name, encoded, plus_is_space) == ERR_OK && !text_err(&name) &&
		    utf8_valid(text_bytes(&name));

	if (fine)
		memcpy(look->name, text_str(&name), name.len + 1);
	text_fini(&name);
	return fine;
}

/* NULL after a refusal. */
static struct look *look_create(struct call *call)
{
	struct look *look = calloc(1, sizeof *look);
	struct bytes query = call->query, key, value;
	bool fine = true;

	if (!look) {
		refuse(call, FAULT_INTERNAL, "", "There is no memory for another look.");
		return NULL;
	}
	look->corpus = call->service->corpus;
	look->depth = 1;
	look->limit = LIMIT_DEFAULT;
	text_init(&look->body, BODY_MAX_BYTES);
	while (fine && uri_query_cut(&query, &key, &value)) {
		if (bytes_eq_str(key, "q") || bytes_eq_str(key, "name"))
			fine = take_name(look, value, true);
		else if (bytes_eq_str(key, "limit"))
			fine = read_number(value, LIMIT_MAX, &look->limit);
		else if (bytes_eq_str(key, "depth"))
			fine = read_number(value, DEPTH_MAX, &look->depth);
	}
	if (fine)
		return look;
	look_free(look);
	refuse(call, FAULT_INVALID, "",
	       "limit is a number from 1 to 1000, depth one from 1 to 3, a name at most 400 bytes.");
	return NULL;
}

static void look_start(struct call *call, struct look *look,
		       void (*read)(struct look *look, const struct generation *generation))
{
	look->call = call;
	look->read = read;
	look->job =
		(struct blocking_job){ .work = work, .done = done, .loop = call->service->loop };
	call->work = look;
	call->on_left = on_left;
	blocking_submit(call->service->pool, &look->job);
}

void graph_search(struct call *call)
{
	struct look *look = look_create(call);

	if (look)
		look_start(call, look, read_search);
}

void graph_neighbours(struct call *call)
{
	struct look *look = look_create(call);

	if (!look)
		return;
	if (look->name[0]) {
		look_start(call, look, read_neighbours);
		return;
	}
	look_free(look);
	refuse(call, FAULT_INVALID, "/name", "name is missing: whose neighbours?");
}

void graph_entity_named(struct call *call)
{
	struct look *look = look_create(call);

	if (!look)
		return;
	if (take_name(look, bytes_from(call->path, strlen("/graph/entity/")), false)) {
		look->depth = 1;
		look_start(call, look, read_neighbours);
		return;
	}
	look_free(look);
	refuse(call, FAULT_INVALID, "", "The name in the path cannot be read.");
}
