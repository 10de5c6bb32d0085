#include "tests/check.h"

#include <stdlib.h>

#include "base/rng.h"
#include "rag/graph/extract.h"

static struct passage passage_of(const char *subject, const char *code, const char *body)
{
	return (struct passage){ .id = BYTES("chk_1"),
				 .subject = bytes_of(subject),
				 .code = bytes_of(code),
				 .body = bytes_of(body) };
}

static bool says(const struct graph *g, const char *from, const char *kind, const char *to)
{
	struct entity a, b;
	struct relation r;

	if (!graph_find(g, bytes_of(from), &a) || !graph_find(g, bytes_of(to), &b))
		return false;
	for (uint32_t i = 0; i < a.relation_count; i++)
		if (graph_relation(g, a.relations[i], &r) && r.from == a.id && r.to == b.id &&
		    strcmp(relation_kind_names[r.kind], kind) == 0)
			return true;
	return false;
}

static const struct {
	const char *subject, *code, *body, *from, *kind, *to;
	bool says;
} cases[] = {
	{ "Lipitor", "", "Lipitor is indicated to reduce the risk of stroke in adults.", "lipitor",
	  "treats", "stroke", true },
	{ "Lipitor", "", "Lipitor is not indicated for migraine in adults.", "lipitor", "treats",
	  "migraine", false },
	{ "Lipitor", "34084-4", "Nausea occurred in 4% of patients.", "lipitor", "causes", "nausea",
	  true },
	{ "Lipitor", "", "Nausea occurred in 4% of patients.", "lipitor", "causes", "nausea",
	  false },
	{ "Lipitor", "", "Atorvastatin is metabolized by CYP3A4 in the liver.", "lipitor",
	  "metabolised_by", "CYP3A4", true },
	{ "Humira", "34073-7", "Do not start anakinra or abatacept.", "humira", "interacts_with",
	  "abatacept", true },
	{ "Humira", "", "It is contraindicated in patients with tuberculosis.", "humira",
	  "contraindicated_in", "tuberculosis", true },
	{ "", "", "Ibuprofen may cause headaches.", "ibuprofen", "causes", "headache", true },
	{ "Lipitor", "", "The dose is 40 mg once daily.", "lipitor", "dose_of", "#40mg", false },
};

static err_t add(struct graph *g, const struct passage *passage, uint32_t slot)
{
	struct extract *extract;
	err_t err;

	TRY(extract_passage(passage, &extract));
	err = graph_add(g, extract, slot);
	free(extract);
	return err;
}

TEST(sentences_become_relations_unless_they_deny_them)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct passage p = passage_of(cases[i].subject, cases[i].code, cases[i].body);
		struct graph *g;

		CHECK_OK(graph_create(&g));
		CHECK_OK(add(g, &p, 0));
		CHECK_EQ(says(g, cases[i].from, cases[i].kind, cases[i].to), cases[i].says,
			 "%s: %s %s %s", cases[i].body, cases[i].from, cases[i].kind, cases[i].to);
		graph_destroy(g);
	}
}

TEST(a_question_is_linked_to_the_longest_names_in_it)
{
	struct passage p = passage_of("Humira", "",
				      "Humira may cause heart failure and injection site "
				      "reactions. Serious infections were seen.");
	struct graph *g;
	uint32_t ids[8];
	struct entity e;
	unsigned count;

	CHECK_OK(graph_create(&g));
	CHECK_OK(add(g, &p, 3));
	count = graph_link(g, BYTES("Does HUMIRA cause heart failures?"), ids, 8);
	CHECK_EQ(count, 2);
	CHECK(graph_entity(g, ids[0], &e));
	CHECK_BYTES(e.name, "Humira");
	CHECK_EQ(e.kind, ENTITY_DRUG);
	CHECK(graph_entity(g, ids[1], &e));
	CHECK_BYTES(e.name, "heart failure");
	CHECK_EQ(e.slots[0], 3);
	CHECK_EQ(graph_link(g, BYTES("Anything about gardening?"), ids, 8), 0);
	graph_destroy(g);
}

/* Random adds and removes: at the end nothing is left, and in between counts are those of a graph
 * that never had the removed ones. */
TEST(removing_passages_leaves_the_graph_of_the_others)
{
	static const char *const bodies[] = {
		"Lipitor is indicated to reduce the risk of stroke.",
		"Nausea, headache and rash were reported with Humira.",
		"Concomitant use of warfarin and aspirin raises bleeding.",
		"Lipitor may cause myopathy and nausea in older adults.",
	};
	struct rng rng;
	struct graph *g, *fresh;
	bool present[64] = { false };

	rng_seed(&rng, 11);
	CHECK_OK(graph_create(&g));
	for (unsigned step = 0; step < 600; step++) {
		uint32_t slot = (uint32_t)rng_below(&rng, COUNT(present));
		struct passage p = passage_of("Lipitor", "34084-4", bodies[slot % 4]);

		if (present[slot])
			graph_remove(g, slot);
		else
			CHECK_OK(add(g, &p, slot));
		present[slot] = !present[slot];
	}
	CHECK_OK(graph_create(&fresh));
	for (uint32_t slot = 0; slot < COUNT(present); slot++) {
		struct passage p = passage_of("Lipitor", "34084-4", bodies[slot % 4]);

		if (present[slot])
			CHECK_OK(add(fresh, &p, slot));
	}
	CHECK_EQ(graph_entities(g), graph_entities(fresh));
	CHECK_EQ(graph_relations(g), graph_relations(fresh));
	for (uint32_t slot = 0; slot < COUNT(present); slot++)
		if (present[slot])
			graph_remove(g, slot);
	CHECK_EQ(graph_entities(g), 0);
	CHECK_EQ(graph_relations(g), 0);
	graph_destroy(g);
	graph_destroy(fresh);
}
