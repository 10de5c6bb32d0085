#include "tests/check.h"

#include "rag/engines/engine.h"
#include "rag/engines/neo4j_wire.h"
#include "rag/retrieve/items.h"

static const struct {
	const char *uri, *base;
	bool any_certificate;
} uris[] = {
	{ "neo4j+s://abc.databases.neo4j.io", "https://abc.databases.neo4j.io", false },
	{ "neo4j+s://graph.example:7687", "https://graph.example:7473", false },
	{ "neo4j+ssc://h", "https://h:7473", true },
	{ "bolt://localhost:7687", "http://localhost:7474", false },
	{ "neo4j://[::1]:7687", "http://[::1]:7474", false },
	{ "http://127.0.0.1:7474/", "http://127.0.0.1:7474", false },
	{ "https://h:1234", "https://h:1234", false },
	{ "bolt://", NULL, false },
	{ "ftp://h", NULL, false },
	{ "http://user@h", NULL, false },
	{ "http://h\r\nX: y", NULL, false },
	{ "", NULL, false },
};

TEST(the_uris_people_write_become_addresses_of_the_query_api)
{
	for (size_t i = 0; i < COUNT(uris); i++) {
		struct text out = TEXT_INIT(400);
		bool any = false;
		err_t err = neo4j_base(&out, bytes_of(uris[i].uri), &any);

		CHECK_EQ(err, uris[i].base ? ERR_OK : ERR_INVALID, "%s", uris[i].uri);
		if (!err)
			CHECK_STR(text_str(&out), uris[i].base, "%s", uris[i].uri);
		CHECK_EQ(any, uris[i].any_certificate, "%s", uris[i].uri);
		text_fini(&out);
	}
}

static const struct {
	long status;
	const char *answer;
	enum neo4j_outcome outcome;
	int64_t number;
} answers[] = {
	{ 202, "{\"data\":{\"values\":[[7]]}}", NEO4J_DONE, 7 },
	{ 202, "{\"data\":{\"values\":[7]}}", NEO4J_DONE, 7 },
	{ 202, "{\"data\":{\"values\":[]},\"errors\":[]}", NEO4J_DONE, 0 },
	{ 202, "{\"errors\":[{\"code\":\"Neo.ClientError.X\"}]}", NEO4J_WRONG, 0 },
	{ 400, "{\"errors\":[{\"code\":\"Neo.TransientError.X\"}]}", NEO4J_AGAIN, 0 },
	{ 500, "{\"errors\":[{\"code\":\"Neo.DatabaseError.X\"}]}", NEO4J_WRONG, 0 },
	{ 401, "{}", NEO4J_WRONG, 0 },
	{ 503, "[]", NEO4J_AGAIN, 0 },
	{ 404, "7", NEO4J_WRONG, 0 },
};

TEST(what_an_answer_means_is_told_by_its_errors_before_its_status)
{
	for (size_t i = 0; i < COUNT(answers); i++) {
		json_t *json = json_loads(answers[i].answer, JSON_DECODE_ANY, NULL);
		char code[80];

		CHECK_EQ(neo4j_outcome(answers[i].status, json, code), answers[i].outcome, "%s",
			 answers[i].answer);
		CHECK_EQ(neo4j_number(json), answers[i].number, "%s", answers[i].answer);
		json_decref(json);
	}
}

TEST(every_statement_is_one_line)
{
	for (size_t i = 0; i < NEO4J_STATEMENTS; i++)
		CHECK(neo4j_statements[i] && !strchr(neo4j_statements[i], '\n'), "%zu", i);
}

static const struct {
	const char *answer;
	unsigned count, dimensions; /* 0: refused */
} vectors[] = {
	{ "{\"data\":[{\"index\":0,\"embedding\":[3,4]}]}", 1, 2 },
	{ "{\"data\":[{\"index\":0,\"embedding\":\"AABAQAAAgEA=\"}]}", 1, 2 },
	{ "{\"data\":[{\"index\":1,\"embedding\":[0,1]},{\"index\":0,\"embedding\":[3,4]}]}", 2,
	  2 },
	{ "{\"data\":[{\"index\":0,\"embedding\":[3,4]}]}", 2, 0 },
	{ "{\"data\":[{\"index\":5,\"embedding\":[3,4]}]}", 1, 0 },
	{ "{\"data\":[{\"index\":-1,\"embedding\":[3,4]}]}", 1, 0 },
	{ "{\"data\":[{\"embedding\":[3,4]},{\"embedding\":[3]}]}", 2, 0 },
	{ "{\"data\":[{\"embedding\":[3,\"x\"]}]}", 1, 0 },
	{ "{\"data\":[{\"embedding\":\"AAB\"}]}", 1, 0 },
	{ "{\"data\":[{\"embedding\":\"AADAfwAAwH8=\"}]}", 1, 0 }, /* not numbers */
	{ "{\"data\":[{\"embedding\":[]}]}", 1, 0 },
	{ "{\"data\":7}", 1, 0 },
	{ "{}", 1, 0 },
};

TEST(vectors_are_read_in_both_forms_or_refused)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		json_t *json = json_loads(vectors[i].answer, 0, NULL);
		unsigned dimensions = 0;
		float *values = NULL;
		err_t err = embed_read(json, vectors[i].count, &values, &dimensions);

		CHECK_EQ(err ? 0 : dimensions, vectors[i].dimensions, "%s", vectors[i].answer);
		if (!err)
			CHECK(values[0] > 0.59f && values[0] < 0.61f && values[1] > 0.79f, "%s",
			      vectors[i].answer);
		free(values);
		json_decref(json);
	}
}

TEST(scores_of_a_reranker_are_read_or_refused)
{
	double scores[3];
	json_t *json = json_loads("{\"results\":[{\"index\":2,\"relevance_score\":0.9},"
				  "{\"index\":0,\"relevance_score\":0.1}]}",
				  0, NULL);

	CHECK_OK(rerank_read(json, 3, scores));
	CHECK(scores[2] > 0.8 && scores[0] < 0.2 && scores[1] == -1);
	CHECK_ERR(rerank_read(json, 2, scores), ERR_SYNTAX, "an index beyond what was sent");
	json_decref(json);
	json = json_loads("{\"results\":{}}", 0, NULL);
	CHECK_ERR(rerank_read(json, 3, scores), ERR_SYNTAX);
	json_decref(json);
}

static void no_picture(void *owner, const json_t *item, struct text *out)
{
	(void)owner;
	(void)item;
	(void)out;
}

TEST(items_become_words_within_their_bound)
{
	struct text out = TEXT_INIT(1 << 20), rows = TEXT_INIT(1 << 20);
	json_t *items;

	for (unsigned i = 0; i < 4000; i++)
		text_printf(&rows, "row %u, x\n", i);
	items = json_pack("[{s:s, s:s%}, {s:s, s:s}]", "type", "table", "table_data", rows.at,
			  rows.len, "type", "equation", "latex", "k_{el} = \\frac{CL}{V}");
	items_words(items, no_picture, NULL, &out);
	CHECK(out.len < ITEMS_WORDS_MAX_BYTES + 100, "%zu", out.len);
	CHECK(strstr(text_str(&out), "row 0. x. row 1. "), "%s", text_str(&out));
	CHECK(strstr(text_str(&out), "CL") && !strstr(text_str(&out), "frac"));
	json_decref(items);
	text_fini(&out);
	text_fini(&rows);
}
