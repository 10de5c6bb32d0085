#include "tests/check.h"

#include "rag/retrieve/filter.h"

static const char about_json[] = "{\"tags\":[\"label\",\"Statin\"],\"metadata\":{\"year\":2024,"
				 "\"version\":\"12\",\"ndc\":[\"1-2\",\"3-4\"],\"otc\":false}}";

static const struct passage passage = {
	.document = { "doc_1", sizeof "doc_1" - 1 },
	.subject = { "atorvastatin calcium", sizeof "atorvastatin calcium" - 1 },
};

static const struct {
	const char *filter;
	int passes; /* -1: refused */
} cases[] = {
	{ "{}", 1 },
	{ "{\"document_ids\":[\"doc_1\",\"doc_2\"]}", 1 },
	{ "{\"document_ids\":[\"doc_2\"]}", 0 },
	{ "{\"document_ids\":[]}", 0 },
	{ "{\"document_ids\":\"doc_1\"}", -1 },
	{ "{\"tags\":{\"any\":[\"statin\"]}}", 1 },
	{ "{\"tags\":{\"any\":[\"otc\"]}}", 0 },
	{ "{\"tags\":{\"all\":[\"label\",\"otc\"]}}", 0 },
	{ "{\"tags\":{\"none\":[\"label\"]}}", 0 },
	{ "{\"tags\":{\"some\":[\"label\"]}}", -1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"year\",\"op\":\"gte\",\"value\":2024}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"year\",\"op\":\"lte\",\"value\":2023}]}}", 0 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"version\",\"op\":\"gte\",\"value\":9}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"ndc\",\"value\":\"3-4\"}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"ndc\",\"op\":\"in\",\"value\":[\"9\",\"1-2\"]}]}}",
	  1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"otc\",\"value\":false}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"otc\",\"op\":\"ne\",\"value\":false}]}}", 0 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"gone\",\"op\":\"ne\",\"value\":1}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"gone\",\"op\":\"exists\",\"value\":false}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"year\",\"op\":\"exists\"}]}}", 1 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"subject\",\"op\":\"contains\",\"value\":\"STATIN\"}]}}",
	  1 },
	{ "{\"metadata\":{\"or\":[{\"key\":\"year\",\"value\":1},{\"key\":\"otc\",\"value\":false}]}}",
	  1 },
	{ "{\"metadata\":{\"or\":[{\"key\":\"year\",\"value\":1}]}}", 0 },
	{ "{\"metadata\":{\"and\":[{\"key\":\"year\",\"op\":\"like\",\"value\":1}]}}", -1 },
	{ "{\"metadata\":{\"and\":[{\"op\":\"eq\",\"value\":1}]}}", -1 },
	{ "{\"metadata\":{\"and\":{}}}", -1 },
	{ "{\"tag\":{}}", -1 },
	{ "[]", -1 },
};

TEST(filters_pass_what_they_say)
{
	json_t *about = json_loads(about_json, 0, NULL);

	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *filter = json_loads(cases[i].filter, 0, NULL);
		struct text why = TEXT_INIT(256);
		char field[80] = "";
		err_t err = filter_check(filter, field, &why);

		CHECK_EQ(err ? -1 : filter_passes(filter, &passage, about), cases[i].passes, "%s",
			 cases[i].filter);
		CHECK(!err || (strncmp(field, "/filter", 7) == 0 && why.len > 10), "%s",
		      cases[i].filter);
		text_fini(&why);
		json_decref(filter);
	}
	json_decref(about);
}
