#include "lb/body_peek.h"

#include "tests/check.h"

static const struct {
	const char *body;
	enum body_says says;
} cases[] = {
	{ "{\"stream\":true}", BODY_STREAMS },
	{ "{\"stream\":true,", BODY_STREAMS },
	{ " \r\n\t{ \"stream\" : true }", BODY_STREAMS },
	{ "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a \\\"b\\\" }],\"}],"
	  "\"stream\":true}",
	  BODY_STREAMS },
	{ "{\"n\":1,\"o\":{\"stream\":false,\"x\":[[],{}]},\"stream\":true}", BODY_STREAMS },
	{ "{\"\\\"stream\":1,\"stream\":true}", BODY_STREAMS },
	{ "{\"stream\":tru", BODY_UNSURE },
	{ "{\"stream\":true", BODY_UNSURE },
	{ "{\"messages\":[\"stream\",true", BODY_UNSURE },
	{ "", BODY_UNSURE },
	{ "  ", BODY_UNSURE },
	{ "{\"stream\":trueish}", BODY_DOES_NOT },
	{ "{\"stream\":false}", BODY_DOES_NOT },
	{ "{\"stream\":\"true\"}", BODY_DOES_NOT },
	{ "{\"stream\":1}", BODY_DOES_NOT },
	{ "{\"stream_options\":true}", BODY_DOES_NOT },
	{ "{\"strea\":true}", BODY_DOES_NOT },
	{ "{\"Stream\":true}", BODY_DOES_NOT },
	{ "{\"xstream\":true}", BODY_DOES_NOT },
	{ "{\"options\":{\"stream\":true}}", BODY_DOES_NOT },
	{ "{\"options\":[\"stream\",true]}", BODY_DOES_NOT },
	{ "{\"text\":\"\\\"stream\\\":true\"}", BODY_DOES_NOT },
	{ "[{\"stream\":true}]", BODY_DOES_NOT },
	{ "stream=true", BODY_DOES_NOT },
	{ "{}", BODY_DOES_NOT },
	{ "{]\"stream\":true}", BODY_DOES_NOT },
	{ "{\"stream\" true}", BODY_DOES_NOT },
};

TEST(a_body_asks_for_a_stream_by_its_member_however_it_arrives)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes body = bytes_of(cases[i].body);

		for (size_t cut = 0; cut <= body.len; cut++) {
			struct body_peek peek = BODY_PEEK_INIT;

			body_peek_feed(&peek, bytes_upto(body, cut));
			CHECK_EQ(body_peek_feed(&peek, bytes_from(body, cut)), cases[i].says,
				 "%s, cut at %zu", cases[i].body, cut);
		}
	}
}

TEST(what_is_known_of_a_body_stays_known)
{
	struct body_peek peek = BODY_PEEK_INIT;

	CHECK_EQ(body_peek_feed(&peek, BYTES("{\"stream\":true}")), BODY_STREAMS);
	CHECK_EQ(body_peek_feed(&peek, BYTES("{\"stream\":false}")), BODY_STREAMS);
}
