#include "http/desync.h"

#include "http/desync_internal.h"
#include "tests/check.h"

struct row {
	const char *raw;
	const char *reason; /* NULL: compliant */
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct desync_finding finding = desync_classify(bytes_of(rows[i].raw));
		const char *reason = desync_reason_name(finding.reason);

		if (rows[i].reason)
			CHECK_STR(reason, rows[i].reason, "%s", rows[i].raw);
		else
			CHECK(reason == NULL, "%s is %s", rows[i].raw, reason);
		CHECK_EQ(finding.tier == DESYNC_COMPLIANT, reason == NULL);
	}
}

#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"
#define END  "\r\n"

TEST(each_reason_has_its_trigger)
{
	static const struct row rows[] = {
		{ GET "Host: a\r\nAccept: */*\r\nX_y: \xc3\xa9\t\r\n" END, NULL },
		{ POST "Content-Length: 5\r\n" END, NULL },
		{ POST "Transfer-Encoding: chunked\r\n" END, NULL },
		{ POST "Transfer-Encoding: gzip, chunked;q=1\r\n" END, NULL },
		{ "GET /\x01 HTTP/1.1\r\n" END, "AmbiguousUri" },
		{ "GET /\x7f HTTP/1.1\r\n" END, "AmbiguousUri" },
		{ "GET /a\tb HTTP/1.1\r\n" END, "AmbiguousUri" },
		{ "GET /\xc3\xa9 HTTP/1.1\r\n" END, NULL },
		{ "GET /a b HTTP/1.1\r\n" END, "SpaceInUri" },
		{ "GET /a\rb HTTP/1.1\r\n" END, "BadUri" },
		{ "GET HTTP/1.1\r\n" END, "MissingUri" },
		{ "GET\r\n" END, "MissingUri" },
		{ "GET \r\n" END, "MissingUri" },
		{ "G(T / HTTP/1.1\r\n" END, "BadMethod" },
		{ "GET / HTTP/1.\r\n" END, "BadVersion" },
		{ "GET / HTTP/1.10\r\n" END, "BadVersion" },
		{ "GET / HTTP/0.8\r\n" END, "BadVersion" },
		{ "GET / HTTP/1.2\r\n" END, "NonCompliantVersion" },
		{ "GET / HTTP/1.1 \t\r\n" END, "NonCompliantVersion" },
		{ "GET / HTTP/0.9\r\n" END, "NonCompliantVersion" },
		{ "GET /\r\n", "NonCompliantVersion" },
		{ "GET /\r\n" END, "NonCompliantVersion" },
		{ GET "A\rb: c\r\n" END, "BadHeader" },
		{ GET "A: b\rc\r\n" END, "BadHeader" },
		{ GET "A b: c\r\n" END, "NonCompliantHeader" },
		{ GET "A\xc3\xa9: c\r\n" END, "NonCompliantHeader" },
		{ GET "A: \x01\r\n" END, "NonCompliantHeader" },
		{ GET ": a\r\n" END, "EmptyHeader" },
		{ GET ":A:b\r\n" END, "EmptyHeader" },
		{ GET "A\r\n" END, "MissingHeaderColon" },
		{ GET "A: b\r\n c\r\n" END, "MultilineHeader" },
		{ GET "A: b\r\n\tC: d\r\n" END, "MultilineHeader" },
		{ GET " A: b\r\n" END, "MultilineHeader" },
		{ GET "Content-Type: b\r\n c\r\n" END, NULL },
		{ GET "content-type: b\r\n c: d\r\n" END, NULL },
		{ GET "Content-Type: b\r\nA: b\r\n c\r\n" END, "MultilineHeader" },
		{ GET "A: b", "PartialHeaderLine" },
		{ GET "A: b\r\n", "MissingLastEmptyLine" },
		{ "GET / HTTP/1.1\nA: b\r\n" END, "NonCrLfLineTermination" },
		{ GET "A: b\n" END, "NonCrLfLineTermination" },
		{ GET "A: b\r\n\n", "NonCrLfLineTermination" },
		{ POST "Content-Length: +5\r\n" END, "BadContentLength" },
		{ POST "Content-Length: 5x\r\n" END, "BadContentLength" },
		{ POST "Content-Length: 1000,1000\r\n" END, "BadContentLength" },
		{ POST "Content-Length: 18446744073709551616\r\n" END, "BadContentLength" },
		{ POST "Content-Length: 18446744073709551615\r\n" END, NULL },
		{ POST "Content-Length: \t5 \r\n" END, NULL },
		{ POST "Content-Length:\r\n" END, NULL },
		{ GET "Content-Length:\r\n" END, "GetHeadZeroContentLength" },
		{ POST "Content-Length: 1\r\nContent-Length: 2\r\n" END, "MultipleContentLength" },
		{ POST "Content-Length: 1\r\nContent-Length: 1\r\n" END, "DuplicateContentLength" },
		{ GET "Content-Length: 0\r\n" END, "GetHeadZeroContentLength" },
		{ "HEAD / HTTP/1.1\r\nContent-Length: 0\r\n" END, "GetHeadZeroContentLength" },
		{ GET "Content-Length: 5\r\n" END, "UndefinedContentLengthSemantics" },
		{ "POST / HTTP/0.9\r\nContent-Length: 5\r\n" END,
		  "UndefinedContentLengthSemantics" },
		{ "POST /\r\nContent-Length: 5\r\n" END, "UndefinedContentLengthSemantics" },
		{ "POST / HTTP/1.0\r\nContent-Length: 5\r\n" END, NULL },
		{ POST "Transfer-Encoding: xchunked\r\n" END, "BadTransferEncoding" },
		{ POST "Transfer-Encoding:\r\n" END, "BadTransferEncoding" },
		{ POST "Transfer-Encoding: chunked,\r\n" END, "BadTransferEncoding" },
		{ POST "Transfer-Encoding: chunked, Chunked\r\n" END,
		  "MultipleTransferEncodingChunked" },
		{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
		  "MultipleTransferEncodingChunked" },
		{ POST "Transfer-Encoding: chunked, gzip, chunked\r\n" END, NULL },
		{ GET "Transfer-Encoding: chunked\r\n" END, "UndefinedTransferEncodingSemantics" },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END,
		  "UndefinedTransferEncodingSemantics" },
		{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
		  "BothTeClPresent" },
		{ POST "Content-Length: 5\r\nTransfer-Encoding: identity\r\n" END,
		  "BothTeClPresent" },
		{ "GET / HTTP/2\r\nContent-Length: +5\r\n" END, NULL },
		{ "GET / http/1.1\r\nContent-Length: +5\r\n" END, NULL },
		{ "", "MissingUri" },
	};

	check_rows(rows, COUNT(rows));
}

TEST(the_first_finding_of_the_highest_tier_is_told)
{
	static const struct row rows[] = {
		{ "GET /a b HTTP/1.1\nA\r\n" END, "MissingHeaderColon" },
		{ "GET /a b HTTP/1.1\n\r\n", "NonCrLfLineTermination" },
		{ GET ": a\r\nContent-Length: 5\r\n" END, "EmptyHeader" },
		{ GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
		  "UndefinedTransferEncodingSemantics" },
		{ POST "Transfer-Encoding: x\r\nContent-Length: y\r\n" END, "BadTransferEncoding" },
		{ POST "Content-Length: y\r\nA: b\rc\r\n" END, "BadHeader" },
		{ "P(ST / HTTP/1.1\r\nContent-Length: y\r\n" END, "BadContentLength" },
		{ POST "Content-Length: 1\r\nContent-Length: x\r\nContent-Length: 1\r\n" END,
		  "BadContentLength" },
		{ POST "Content_Length: 5\r\nContent-Length: 5\r\n" END, "SuspiciousHeader" },
		{ POST "Content_Length: 5\r\nContent-Length: 6\r\n" END, "MultipleContentLength" },
		{ POST "Transfer-Encoding : chunked\r\nTransfer-Encoding: chunked\r\n" END,
		  "MultipleTransferEncodingChunked" },
	};

	check_rows(rows, COUNT(rows));
}

TEST(nul_is_severe_in_uri_and_fields)
{
	struct desync_finding finding;

	finding = desync_classify(BYTES("GET /\0 HTTP/1.1\r\n\r\n"));
	CHECK_EQ(finding.reason, DESYNC_BadUri);
	finding = desync_classify(BYTES("GET / HTTP/1.1\r\nA: \0\r\n\r\n"));
	CHECK_EQ(finding.reason, DESYNC_BadHeader);
	CHECK_EQ(finding.tier, DESYNC_SEVERE);
}

TEST(names_with_the_same_letters_are_suspicious)
{
	static const struct {
		const char *name;
		enum desync_similarity te, cl;
	} cases[] = {
		{ "Transfer-Encoding", DESYNC_IDENTICAL, DESYNC_DISTANT },
		{ "CONTENT-LENGTH", DESYNC_DISTANT, DESYNC_IDENTICAL },
		{ "Transfer-Encoding ", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer-Encoding\t", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ " Transfer-Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "\x01Transfer-Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer- Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer_Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer---Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer\xe2\x80\x95"
		  "Encoding",
		  DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer-Encoding\x88", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Tran\xc5\xbf"
		  "fer-Encoding",
		  DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Transfer-Encod\xc4\xb1ng", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "T r a n s f e r-Encoding", DESYNC_SAME_LETTERS, DESYNC_DISTANT },
		{ "Content_Length", DESYNC_DISTANT, DESYNC_SAME_LETTERS },
		{ "ContentxLength", DESYNC_DISTANT, DESYNC_SAME_LETTERS },
		{ "\x01"
		  "Content-Length",
		  DESYNC_DISTANT, DESYNC_SAME_LETTERS },
		{ "Content-Leng??", DESYNC_DISTANT, DESYNC_SAME_LETTERS },
		{ "ContentLength", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "Content-Lengthy", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "Content-Length-Range", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "X-Content-Length", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "Content-Encoding", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "Content-Language", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "Access-Control-Allow-Origin", DESYNC_DISTANT, DESYNC_DISTANT },
		{ "", DESYNC_DISTANT, DESYNC_DISTANT },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes name = bytes_of(cases[i].name);

		CHECK_EQ(desync_similarity(DESYNC_TE, name), cases[i].te, "%s", cases[i].name);
		CHECK_EQ(desync_similarity(DESYNC_CL, name), cases[i].cl, "%s", cases[i].name);
	}
}

TEST(the_examples_of_the_guide_in_defensive_mode)
{
	static const struct {
		const char *raw;
		enum desync_verdict verdict;
	} cases[] = {
		{ GET "Content-Length: 0\r\n" END, DESYNC_FORWARD },
		{ GET "Content-Length: 5\r\n" END, DESYNC_FORWARD_AND_CLOSE },
		{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
		  DESYNC_FORWARD_AND_CLOSE },
		{ POST "Content-Length: +5\r\n" END, DESYNC_BLOCK },
		{ POST "Transfer-Encoding: xchunked\r\n" END, DESYNC_BLOCK },
		{ POST "Transfer-Encoding : chunked\r\n" END, DESYNC_FORWARD_AND_CLOSE },
		{ POST "X_y: 1\r\n" END, DESYNC_FORWARD },
		{ POST "Content_Length: 5\r\n" END, DESYNC_FORWARD_AND_CLOSE },
		{ "GET / HTTP/1.1\nA: b\n\n", DESYNC_FORWARD },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct desync_finding finding = desync_classify(bytes_of(cases[i].raw));

		CHECK_EQ(desync_judge(DESYNC_MODE_DEFENSIVE, finding.tier), cases[i].verdict, "%s",
			 cases[i].raw);
	}
}

TEST(each_mode_judges_each_tier_as_the_table_says)
{
	static const enum desync_verdict want[3][4] = {
		{ DESYNC_FORWARD, DESYNC_FORWARD, DESYNC_FORWARD, DESYNC_FORWARD },
		{ DESYNC_FORWARD, DESYNC_FORWARD, DESYNC_FORWARD_AND_CLOSE, DESYNC_BLOCK },
		{ DESYNC_FORWARD, DESYNC_BLOCK, DESYNC_BLOCK, DESYNC_BLOCK },
	};

	for (unsigned mode = 0; mode < 3; mode++)
		for (unsigned tier = 0; tier < 4; tier++)
			CHECK_EQ(desync_judge(mode, tier), want[mode][tier], "%u %u", mode, tier);
}

TEST(every_reason_and_tier_has_a_name)
{
	for (unsigned reason = 1; reason < DESYNC_REASON_COUNT; reason++)
		CHECK(desync_reason_name(reason) != NULL, "%u", reason);
	CHECK(desync_reason_name(DESYNC_NONE) == NULL);
	CHECK(desync_tier_name(DESYNC_COMPLIANT) == NULL);
	CHECK_STR(desync_tier_name(DESYNC_SEVERE), "Severe");
}
