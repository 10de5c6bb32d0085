#include "tests/check.h"

#include "api/answers.h"

#define ID_A "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define ID_B "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

static const int service, other, operation;

static void keep(struct answers *answers, const void *whose, const char *input, const char *body)
{
	json_t *in = json_loads(input, 0, NULL);

	answers_keep(answers, &(struct question_key){ whose, &operation, in }, ID_A,
		     bytes_of(body));
	json_decref(in);
}

/* "" when there is none. */
static const char *look(struct answers *answers, const void *whose, const char *input)
{
	static char copy[256];
	struct text body = TEXT_INIT(sizeof copy - 1);
	json_t *in = json_loads(input, 0, NULL);
	bool found = answers_find(answers, &(struct question_key){ whose, &operation, in }, ID_B,
				  &body);

	CHECK_EQ(found, body.len > 0);
	strcpy(copy, text_str(&body));
	text_fini(&body);
	json_decref(in);
	return copy;
}

TEST(an_answer_is_found_by_what_was_asked_and_has_the_id_of_who_asks)
{
	struct answers answers;

	answers_init(&answers);
	keep(&answers, &service, "{\"a\": 1, \"b\": \"" ID_A "\"}", "<r>x</r><id>" ID_A "</id>");
	CHECK_STR(look(&answers, &service, "{\"b\": \"" ID_A "\", \"a\": 1}"),
		  "<r>x</r><id>" ID_B "</id>");
	CHECK_STR(look(&answers, &service, "{\"a\": 1}"), "");
	CHECK_STR(look(&answers, &other, "{\"b\": \"" ID_A "\", \"a\": 1}"), "");
	keep(&answers, &service, "{}", "no id in it");
	CHECK_STR(look(&answers, &service, "{}"), "no id in it");
	answers_fini(&answers);
}

TEST(what_a_service_answered_is_forgotten_when_its_records_change)
{
	struct answers answers;

	answers_init(&answers);
	keep(&answers, &service, "{}", "mine");
	keep(&answers, &other, "{}", "theirs");
	answers_forget(&answers, &service);
	CHECK_STR(look(&answers, &service, "{}"), "");
	CHECK_STR(look(&answers, &other, "{}"), "theirs");
	answers_fini(&answers);
}

TEST(answers_are_kept_within_bounds_the_latest_used_longest)
{
	struct answers answers;
	char input[32], *large = malloc(ANSWER_BYTES_MAX + 2);

	answers_init(&answers);
	keep(&answers, &service, "{}", "first");
	for (unsigned i = 0; i < ANSWERS_MAX - 1; i++) {
		snprintf(input, sizeof input, "[%u]", i);
		keep(&answers, &service, input, "x");
	}
	CHECK_STR(look(&answers, &service, "{}"), "first");
	keep(&answers, &service, "[\"one more\"]", "x");
	CHECK_EQ(answers.count, ANSWERS_MAX);
	CHECK_STR(look(&answers, &service, "{}"), "first");
	CHECK_STR(look(&answers, &service, "[0]"), "");

	CHECK(large != NULL);
	memset(large, 'x', ANSWER_BYTES_MAX + 1);
	large[ANSWER_BYTES_MAX + 1] = '\0';
	keep(&answers, &service, "[\"too large\"]", large);
	CHECK_EQ(answers.count, ANSWERS_MAX);
	large[ANSWER_BYTES_MAX] = '\0';
	for (unsigned i = 0; i < 10; i++) {
		snprintf(input, sizeof input, "[\"large\", %u]", i);
		keep(&answers, &service, input, large);
		CHECK(answers.bytes <= ANSWERS_BYTES_MAX);
	}
	CHECK_EQ(answers.count, ANSWERS_BYTES_MAX / ANSWER_BYTES_MAX);
	free(large);
	answers_fini(&answers);
}
