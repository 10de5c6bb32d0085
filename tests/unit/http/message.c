#include "http/message.h"

#include "tests/check.h"

static const struct http_field fields[] = {
	{ { "Accept", 6 }, { "a", 1 } },
	{ { "Connection", 10 }, { "close , Upgrade", 15 } },
	{ { "accept", 6 }, { "b,\tc", 4 } },
	{ { "Empty", 5 }, { NULL, 0 } },
};
static const struct http_head head = { .method = { "GET", 3 }, .fields = fields, .field_count = 4 };

TEST(the_first_field_of_a_name_is_found_in_any_case)
{
	CHECK(http_find(&head, BYTES("ACCEPT")) == &fields[0]);
	CHECK(http_find(&head, BYTES("Accep")) == NULL);
	CHECK_BYTES(http_value(&head, BYTES("accept")), "a");
	CHECK(http_value(&head, BYTES("nothing")).at == NULL);
}

TEST(a_token_is_found_in_any_field_of_the_name)
{
	CHECK(http_has_token(&head, BYTES("connection"), BYTES("upgrade")));
	CHECK(http_has_token(&head, BYTES("connection"), BYTES("CLOSE")));
	CHECK(http_has_token(&head, BYTES("accept"), BYTES("c")), "in the second one");
	CHECK(!http_has_token(&head, BYTES("connection"), BYTES("up")));
	CHECK(!http_has_token(&head, BYTES("empty"), BYTES("x")));
}

TEST(a_copy_borrows_nothing)
{
	struct arena arena;
	struct http_head copy;

	arena_init(&arena, 1 << 16);
	CHECK_OK(http_head_copy(&head, &arena, &copy));
	CHECK_EQ(copy.field_count, 4);
	CHECK_BYTES(copy.method, "GET");
	for (unsigned i = 0; i < copy.field_count; i++) {
		CHECK(bytes_eq(copy.fields[i].name, fields[i].name));
		CHECK(bytes_eq(copy.fields[i].value, fields[i].value));
		CHECK(copy.fields[i].name.at != fields[i].name.at);
	}
	arena_fini(&arena);
}

TEST(a_copy_that_does_not_fit_says_so)
{
	struct arena arena;
	struct http_head copy;

	arena_init(&arena, 100);
	CHECK_ERR(http_head_copy(&head, &arena, &copy), ERR_NOMEM);
	arena_fini(&arena);
}

TEST(statuses_have_their_phrases)
{
	CHECK_STR(http_reason(200), "OK");
	CHECK_STR(http_reason(502), "Bad Gateway");
	CHECK_STR(http_reason(431), "Request Header Fields Too Large");
	CHECK_STR(http_reason(299), "");
	CHECK_STR(http_reason(0), "");
}

TEST(tokens_and_methods)
{
	CHECK(http_is_token(BYTES("X-a_b")));
	CHECK(!http_is_token(BYTES("")));
	CHECK(!http_is_token(BYTES("a b")));
	CHECK(!http_is_token(BYTES("a:")));
	CHECK(http_method_is_idempotent(BYTES("PUT")));
	CHECK(http_method_is_idempotent(BYTES("GET")));
	CHECK(!http_method_is_idempotent(BYTES("POST")));
	CHECK(!http_method_is_idempotent(BYTES("get")), "methods have one case");
}
