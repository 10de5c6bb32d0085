#include "rag/api/counts.h"

#include "tests/check.h"
#include "rag/api/fault.h"

TEST(each_status_a_request_may_end_with_has_a_place_of_its_own)
{
	static struct counts counts;

	for (unsigned kind = FAULT_NONE + 1; kind < FAULT_COUNT; kind++) {
		uint16_t status = fault_status((enum fault_kind)kind);
		unsigned at = 0;

		while (counts_codes[at] && counts_codes[at] != status)
			at++;
		CHECK_EQ(counts_codes[at], status, "%u is counted with others", status);
	}
	counts_request(&counts, 3, 200);
	counts_request(&counts, 3, 200);
	counts_request(&counts, 3, 418);
	CHECK_EQ(counts.requests[3][0], 2, "of one status");
	CHECK_EQ(counts.requests[3][COUNTS_CODES - 1], 1, "of none that is known");
}

TEST(an_end_is_counted_by_its_name)
{
	static struct counts counts;

	counts_end(&counts, "stop");
	counts_end(&counts, "client_too_slow");
	CHECK_EQ(counts.ends[STREAM_END_stop], 1, "the first");
	CHECK_EQ(counts.ends[STREAM_END_client_too_slow], 1, "the last");
	CHECK_EQ(counts.ends[STREAM_END_error], 0, "no other");
}

TEST(what_went_wrong_with_an_engine_is_told_by_error_and_status)
{
	static const struct {
		err_t err;
		long status;
		enum mishap mishap;
	} cases[] = {
		{ ERR_UNREACHABLE, 0, MISHAP_unreachable },
		{ ERR_EXPIRED, 0, MISHAP_timeout },
		{ ERR_OK, 0, MISHAP_unreachable },
		{ ERR_REFUSED, 401, MISHAP_unauthorized },
		{ ERR_REFUSED, 403, MISHAP_unauthorized },
		{ ERR_REFUSED, 429, MISHAP_rate_limited },
		{ ERR_REFUSED, 400, MISHAP_refused },
		{ ERR_REFUSED, 302, MISHAP_refused },
		{ ERR_REFUSED, 500, MISHAP_failed },
		{ ERR_REFUSED, 503, MISHAP_failed },
		{ ERR_SYNTAX, 200, MISHAP_invalid },
		{ ERR_TOO_LARGE, 0, MISHAP_invalid },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(mishap_of(cases[i].err, cases[i].status), cases[i].mishap, "case %zu", i);
}
