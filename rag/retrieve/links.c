#include "rag/retrieve/links.h"

#include <math.h>

#include "rag/retrieve/postings.h"

#define WEIGHT_NAMED 1.0f /* a passage that names what is asked about */
#define WEIGHT_BOTH  2.0f /* one that says something of two things asked about */
#define WEIGHT_KIND  1.5f /* one that says of it what the question asks */
#define WEIGHT_TOUCH 1.0f /* a relation of the right kind that a word of the question touches */

enum { TOUCHED_MAX = 20000 };

#define BIT(kind) (1u << RELATION_##kind)

static const unsigned kinds_of[INTENT_COUNT] = {
	[INTENT_DOSE] = BIT(DOSE),
	[INTENT_SIDE_EFFECTS] = BIT(CAUSES),
	[INTENT_INTERACTIONS] = BIT(INTERACTS) | BIT(INHIBITS) | BIT(INDUCES) | BIT(METABOLISED),
	[INTENT_WARNINGS] = BIT(CONTRAINDICATED) | BIT(CAUSES),
	[INTENT_PREGNANCY] = BIT(CONTRAINDICATED),
	[INTENT_HOW_IT_WORKS] = BIT(INHIBITS) | BIT(INDUCES) | BIT(METABOLISED) | BIT(MEMBER_OF),
	[INTENT_USES] = BIT(TREATS),
};

unsigned links_kinds(enum question_intent intent)
{
	return kinds_of[intent];
}

static bool fits(const struct links_options *o, enum relation_kind kind)
{
	return (kinds_of[o->question->intent] & 1u << kind) != 0;
}

/* A thing that half of all passages name tells little by being named. */
static float damp(uint32_t mentions)
{
	return 1 / log2f(2 + (float)mentions);
}

static void propose(const struct links_options *o, const uint32_t *slots, uint32_t count,
		    float weight)
{
	for (uint32_t i = 0; i < count; i++)
		if (!o->allowed || bit_is_set(o->allowed, slots[i]))
			o->scores[slots[i]] += weight;
}

static bool is_allowed(const struct links_options *o, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!o->allowed || bit_is_set(o->allowed, slots[i]))
			return true;
	return false;
}

/* Keeps the strongest; a relation met twice stays once. */
static void keep(struct links *links, uint32_t id, float strength)
{
	unsigned at = links->relation_count;

	for (unsigned i = 0; i < links->relation_count; i++)
		if (links->relations[i] == id)
			return;
	while (at > 0 && links->strengths[at - 1] < strength)
		at--;
	if (at == LINKS_RELATIONS_MAX)
		return;
	if (links->relation_count < LINKS_RELATIONS_MAX)
		links->relation_count++;
	for (unsigned i = links->relation_count - 1; i > at; i--) {
		links->relations[i] = links->relations[i - 1];
		links->strengths[i] = links->strengths[i - 1];
	}
	links->relations[at] = id;
	links->strengths[at] = strength;
}

static bool is_named(const struct links *links, uint32_t entity)
{
	for (unsigned i = 0; i < links->entity_count; i++)
		if (links->entities[i] == entity)
			return true;
	return false;
}

static bool take_relation(const struct links_options *o, struct links *links,
			  const struct relation *r, float weight)
{
	if (!is_allowed(o, r->slots, r->evidence))
		return false;
	propose(o, r->slots, r->evidence, weight * damp(r->evidence));
	keep(links, r->id, weight * logf(1 + r->weight));
	return true;
}

/* The same relation in our own graph, if it has it: what is listed is listed from there. */
static void keep_own(const struct links_options *o, struct links *links,
		     const struct links_saying *told, float strength)
{
	struct entity e;

	if (!graph_entity(o->graph, told->from, &e))
		return;
	for (uint32_t i = 0; i < e.relation_count; i++) {
		struct relation r;

		if (graph_relation(o->graph, e.relations[i], &r) && r.kind == told->kind &&
		    (r.from == told->to || r.to == told->to))
			keep(links, r.id, strength);
	}
}

static bool take_told(const struct links_options *o, struct links *links,
		      const struct links_saying *told, float weight)
{
	if (!is_allowed(o, told->slots, told->evidence))
		return false;
	propose(o, told->slots, told->evidence, weight * damp(told->evidence));
	keep_own(o, links, told, weight * logf(1 + told->weight));
	return true;
}

/* As find_local weighs our own: two things asked about, or what the question asks of one. */
static void find_told(const struct links_options *o, struct links *links)
{
	for (unsigned i = 0; i < o->told_named->count; i++) {
		const struct links_saying *told = &o->told_named->at[i];

		if (is_named(links, told->from) && is_named(links, told->to))
			take_told(o, links, told, WEIGHT_BOTH);
		else if (fits(o, told->kind))
			take_told(o, links, told, WEIGHT_KIND);
	}
}

static void find_named(const struct links_options *o, const struct links *links)
{
	for (unsigned i = 0; i < links->entity_count; i++) {
		struct entity e;

		if (graph_entity(o->graph, links->entities[i], &e))
			propose(o, e.slots, e.mentions, WEIGHT_NAMED * damp(e.mentions));
	}
}

static void find_local(const struct links_options *o, struct links *links)
{
	for (unsigned i = 0; i < links->entity_count; i++) {
		struct entity e;

		if (!graph_entity(o->graph, links->entities[i], &e))
			continue;
		propose(o, e.slots, e.mentions, WEIGHT_NAMED * damp(e.mentions));
		for (uint32_t k = 0; k < e.relation_count; k++) {
			struct relation r;
			uint32_t other;

			if (!graph_relation(o->graph, e.relations[k], &r))
				continue;
			other = r.from == e.id ? r.to : r.from;
			if (is_named(links, other))
				take_relation(o, links, &r, WEIGHT_BOTH);
			else if (fits(o, r.kind))
				take_relation(o, links, &r, WEIGHT_KIND);
		}
	}
}

struct touching {
	const struct links_options *options;
	struct links *links;
	unsigned kinds;
	uint32_t budget; /* relations to look at: a word may be in very many names */
	bool any;	 /* taken */
};

/* What is told of an entity comes once for each of its ends that was asked about. */
static void take_told_of(struct touching *t, uint32_t entity)
{
	const struct links_told *told = t->options->told_touched;

	for (unsigned i = 0; i < told->count; i++)
		if (told->at[i].from == entity && (t->kinds & 1u << told->at[i].kind))
			t->any |= take_told(t->options, t->links, &told->at[i], WEIGHT_TOUCH);
}

static bool on_touched(void *owner, const struct entity *e)
{
	struct touching *t = owner;

	if (t->options->told_touched) {
		uint32_t looked_at = 1 + t->options->told_touched->count;

		take_told_of(t, e->id);
		t->budget -= looked_at < t->budget ? looked_at : t->budget;
		return t->budget > 0;
	}
	for (uint32_t i = 0; i < e->relation_count && t->budget; i++, t->budget--) {
		struct relation r;

		if (graph_relation(t->options->graph, e->relations[i], &r) &&
		    (t->kinds & 1u << r.kind))
			t->any |= take_relation(t->options, t->links, &r, WEIGHT_TOUCH);
	}
	return t->budget > 0;
}

/* Relations of those kinds at whose ends a word of the question stands; whether there are any. */
static bool find_touched(const struct links_options *o, struct links *links, unsigned kinds)
{
	struct touching touching = { o, links, kinds, TOUCHED_MAX, false };

	for (unsigned i = 0; i < o->question->term_count; i++)
		for (unsigned f = 0; f < o->question->terms[i].form_count; f++)
			graph_with_stem(o->graph, bytes_of(o->question->terms[i].forms[f].stem),
					on_touched, &touching);
	return touching.any;
}

/* Where nothing of the kind is said, what is named together is better than nothing. */
static void find_global(const struct links_options *o, struct links *links)
{
	unsigned kinds = kinds_of[o->question->intent];

	if (!kinds || !find_touched(o, links, kinds))
		find_touched(o, links, BIT(RELATED));
}

void links_find(const struct links_options *o, struct links *ret_links)
{
	struct links links = { .entity_count = 0 };

	links.entity_count = graph_link(o->graph, o->text, links.entities, LINKS_ENTITIES_MAX);
	if (links.entity_count == 0 && o->previous.len)
		links.entity_count = graph_link(o->graph, o->previous, links.entities,
						LINKS_ENTITIES_MAX);
	if (o->local && o->told_named) {
		find_named(o, &links);
		find_told(o, &links);
	} else if (o->local) {
		find_local(o, &links);
	}
	if (o->global)
		find_global(o, &links);
	*ret_links = links;
}
