#include "tests/unit/api/head.h"

#include <ctype.h>
#include <stdio.h>

#include "tests/check.h"

#include "api/sigv4.h"
#include "base/text.h"
#include "base/when.h"
#include "crypto/digest.h"

#define SUITE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define S3_SECRET    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define AUTH(service, fields, signature)                                                     \
	"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" service \
	"/aws4_request, SignedHeaders=" fields ", Signature=" signature "\n"
#define SUITE(fields, signature) AUTH("service", fields, signature)
#define HOST_DATE		 "Host:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
#define VANILLA			 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

/* AWS's published test suite and the examples of its documentation. */
static const struct {
	const char *name, *request, *body, *secret, *now;
} vectors[] = {
	{ "get-vanilla", "GET / HTTP/1.1\n" HOST_DATE SUITE("host;x-amz-date", VANILLA), "",
	  SUITE_SECRET, "20150830T123600Z" },
	{ "get-vanilla-query-order-key-case",
	  "GET /?Param2=value2&Param1=value1 HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-vanilla-query-unreserved",
	  "GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
	  "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz HTTP/1.1\n" HOST_DATE
		  SUITE("host;x-amz-date",
			"9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-utf8",
	  "GET /\xe1\x88\xb4 HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-space",
	  "GET /example space/ HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-relative", "GET /example/.. HTTP/1.1\n" HOST_DATE SUITE("host;x-amz-date", VANILLA),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-relative-relative",
	  "GET /example1/example2/../.. HTTP/1.1\n" HOST_DATE SUITE("host;x-amz-date", VANILLA), "",
	  SUITE_SECRET, "20150830T123600Z" },
	{ "get-slash", "GET // HTTP/1.1\n" HOST_DATE SUITE("host;x-amz-date", VANILLA), "",
	  SUITE_SECRET, "20150830T123600Z" },
	{ "get-slash-dot-slash", "GET /./ HTTP/1.1\n" HOST_DATE SUITE("host;x-amz-date", VANILLA),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-slash-pointless-dot",
	  "GET /./example HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-slashes",
	  "GET //example// HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "get-header-value-trim",
	  "GET / HTTP/1.1\nHost:example.amazonaws.com\nMy-Header1: value1\nMy-Header2: \"a   b   "
	  "c\"\nX-Amz-Date:20150830T123600Z\n" SUITE(
		  "host;my-header1;my-header2;x-amz-date",
		  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "post-vanilla",
	  "POST / HTTP/1.1\n" HOST_DATE SUITE(
		  "host;x-amz-date",
		  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
	  "", SUITE_SECRET, "20150830T123600Z" },
	{ "post-x-www-form-urlencoded",
	  "POST / HTTP/1.1\nContent-Type:application/x-www-form-urlencoded\n" HOST_DATE SUITE(
		  "content-type;host;x-amz-date",
		  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
	  "Param1=value1", SUITE_SECRET, "20150830T123600Z" },
	{ "the general reference's ListUsers",
	  "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\nHost: iam.amazonaws.com\n"
	  "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
	  "X-Amz-Date: 20150830T123600Z\n" AUTH(
		  "iam", "content-type;host;x-amz-date",
		  "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
	  "", SUITE_SECRET, "20150830T124000Z" },
	{ "S3's GET object",
	  "GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nRange: bytes=0-9\n"
	  "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
	  "x-amz-date: 20130524T000000Z\n"
	  "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
	  "aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n",
	  "", S3_SECRET, "20130524T000000Z" },
	{ "S3's presigned GET",
	  "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
	  "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
	  "86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
	  "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\n"
	  "Host: examplebucket.s3.amazonaws.com\n",
	  "", S3_SECRET, "20130524T230000Z" },
};

static uint64_t at(const char *stamp)
{
	uint64_t unix_ms;

	CHECK_OK(when_parse_basic(bytes_of(stamp), &unix_ms), "%s", stamp);
	return unix_ms;
}

/* What the verifier says to a request with this body at this time. */
static enum sigv4_verdict judge(struct bytes request, const char *body, const char *secret,
				uint64_t now_ms)
{
	struct sigv4_identity claim;
	char hash[SHA256_HEX_BYTES + 1];
	struct arena arena;
	struct head head;
	enum sigv4_verdict verdict;

	head_read(&head, request);
	verdict = sigv4_claim(&head.head, &claim);
	if (verdict != SIGV4_OK)
		return verdict;
	arena_init(&arena, 1 << 20);
	sha256_hex(bytes_of(body), hash);
	verdict = sigv4_verify(&head.head, &claim, bytes_of(secret), bytes_of(hash), now_ms,
			       &arena);
	arena_fini(&arena);
	return verdict;
}

TEST(the_published_requests_are_believed)
{
	for (size_t i = 0; i < COUNT(vectors); i++)
		CHECK_EQ(judge(bytes_of(vectors[i].request), vectors[i].body, vectors[i].secret,
			       at(vectors[i].now)),
			 SIGV4_OK, "%s", vectors[i].name);
}

/*
 * Letters and digits only: blanks and slashes have several spellings that mean the same. The
 * version of HTTP is not signed; nor is the name of the key, which leads to another secret.
 */
static void change_each_byte(const char *name, const char *published, const char *body,
			     const char *secret, uint64_t now_ms)
{
	char *request = bytes_dup(bytes_of(published));
	size_t version = bytes_find(bytes_of(request), BYTES(" HTTP/1.1"));
	size_t key = bytes_find(bytes_of(request), BYTES("Credential=")) + strlen("Credential=");
	size_t key_end = key + strcspn(request + key, "/%");

	for (size_t k = 0; request[k]; k++) {
		char kept = request[k];

		if (!isalnum((unsigned char)kept) ||
		    (k >= version && k < version + strlen(" HTTP/1.1")) ||
		    (k >= key && k < key_end))
			continue;
		request[k] = kept == 'q' ? 'w' : 'q';
		CHECK(judge(bytes_of(request), body, secret, now_ms) != SIGV4_OK, "%s, byte %zu",
		      name, k);
		request[k] = kept;
	}
	free(request);
}

TEST(no_changed_byte_of_a_published_request_is_believed)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		bool walks_back = bytes_find(bytes_of(vectors[i].request), BYTES("/..")) !=
				  SIZE_MAX;

		if (!walks_back) /* in "/a/.." the "a" says nothing */
			change_each_byte(vectors[i].name, vectors[i].request, vectors[i].body,
					 vectors[i].secret, at(vectors[i].now));
	}
}

#define SIGNED_HOST_DATE SUITE("host;x-amz-date", VANILLA)

/* Time zero is 20150830T123600Z. */
static const struct {
	const char *name, *request, *body;
	int64_t offset_s;
	enum sigv4_verdict verdict;
} refusals[] = {
	{ "no signature", "GET / HTTP/1.1\n" HOST_DATE, "", 0, SIGV4_MISSING },
	{ "another scheme", "GET / HTTP/1.1\n" HOST_DATE "Authorization: Bearer x\n", "", 0,
	  SIGV4_INCOMPLETE },
	{ "two of them", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE SIGNED_HOST_DATE, "", 0,
	  SIGV4_INCOMPLETE },
	{ "both ways", "GET /?X-Amz-Signature=x HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "", 0,
	  SIGV4_INCOMPLETE },
	{ "no date", "GET / HTTP/1.1\nHost:example.amazonaws.com\n" SIGNED_HOST_DATE, "", 0,
	  SIGV4_INCOMPLETE },
	{ "a date that is none",
	  "GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:today\n" SIGNED_HOST_DATE, "", 0,
	  SIGV4_INCOMPLETE },
	{ "a short credential",
	  "GET / HTTP/1.1\n" HOST_DATE "Authorization: AWS4-HMAC-SHA256 Credential=A/20150830/x, "
	  "SignedHeaders=host, Signature=x\n",
	  "", 0, SIGV4_INCOMPLETE },
	{ "another terminator",
	  "GET / HTTP/1.1\n" HOST_DATE "Authorization: AWS4-HMAC-SHA256 Credential=A/20150830/x/y/"
	  "aws5_request, SignedHeaders=host, Signature=x\n",
	  "", 0, SIGV4_INCOMPLETE },
	{ "an empty key",
	  "GET / HTTP/1.1\n" HOST_DATE "Authorization: AWS4-HMAC-SHA256 Credential=/20150830/x/y/"
	  "aws4_request, SignedHeaders=host, Signature=x\n",
	  "", 0, SIGV4_INCOMPLETE },
	{ "another body", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "x", 0, SIGV4_MISMATCH },
	{ "15 minutes late", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "", 900, SIGV4_OK },
	{ "later", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "", 901, SIGV4_SKEWED },
	{ "15 minutes early", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "", -900, SIGV4_OK },
	{ "earlier", "GET / HTTP/1.1\n" HOST_DATE SIGNED_HOST_DATE, "", -901, SIGV4_SKEWED },
	{ "a scope of another day",
	  "GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150831T000000Z\n" SIGNED_HOST_DATE,
	  "", 41040, SIGV4_MISMATCH },
	{ "an operation that is not signed",
	  "GET / HTTP/1.1\n" HOST_DATE "X-Amz-Target: Evil\n" SIGNED_HOST_DATE, "", 0,
	  SIGV4_MISMATCH },
	{ "a host that is not signed", "GET / HTTP/1.1\n" HOST_DATE SUITE("x-amz-date", VANILLA),
	  "", 0, SIGV4_MISMATCH },
	{ "a hash that is not the body's",
	  "GET / HTTP/1.1\n" HOST_DATE "X-Amz-Content-Sha256: abc\n" SIGNED_HOST_DATE, "", 0,
	  SIGV4_BAD_PAYLOAD },
	{ "an unsigned payload in a header",
	  "GET / HTTP/1.1\n" HOST_DATE "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n" SIGNED_HOST_DATE,
	  "", 0, SIGV4_BAD_PAYLOAD },
	{ "half a presigned request", "GET /?X-Amz-Credential=x HTTP/1.1\n" HOST_DATE, "", 0,
	  SIGV4_INCOMPLETE },
	{ "no target at all", "GET", "", 0, SIGV4_INCOMPLETE },
};

TEST(everything_else_is_refused_for_its_own_reason)
{
	uint64_t zero = at("20150830T123600Z");

	for (size_t i = 0; i < COUNT(refusals); i++)
		CHECK_EQ(judge(bytes_of(refusals[i].request), refusals[i].body, SUITE_SECRET,
			       zero + (uint64_t)(refusals[i].offset_s * 1000)),
			 refusals[i].verdict, "%s", refusals[i].name);
}

TEST(a_presigned_request_lives_as_long_as_it_says)
{
	const char *request = vectors[COUNT(vectors) - 1].request;
	uint64_t made = at("20130524T000000Z");

	CHECK_EQ(judge(bytes_of(request), "", S3_SECRET, made + 86400 * 1000ull), SIGV4_OK);
	CHECK_EQ(judge(bytes_of(request), "", S3_SECRET, made + 86400 * 1000ull + 1),
		 SIGV4_EXPIRED);
	CHECK_EQ(judge(bytes_of(request), "", S3_SECRET, made - 901 * 1000ull), SIGV4_SKEWED);
	CHECK_EQ(judge(bytes_of(request), "", "another", made), SIGV4_MISMATCH);
}

TEST(a_claim_is_read_without_being_believed)
{
	struct sigv4_identity claim;
	struct head head;

	head_read(&head, bytes_of(vectors[COUNT(vectors) - 1].request));
	CHECK_EQ(sigv4_claim(&head.head, &claim), SIGV4_OK);
	CHECK_BYTES(claim.access_key, "AKIAIOSFODNN7EXAMPLE");
	CHECK_BYTES(claim.date, "20130524");
	CHECK_BYTES(claim.region, "us-east-1");
	CHECK_BYTES(claim.service, "s3");
	CHECK_EQ(claim.token.len, 0);
	CHECK(claim.presigned);
	head_read(&head, bytes_of(vectors[0].request));
	CHECK_EQ(sigv4_claim(&head.head, &claim), SIGV4_OK);
	CHECK_BYTES(claim.access_key, "AKIDEXAMPLE");
	CHECK_BYTES(claim.service, "service");
	CHECK(!claim.presigned);
}

static const struct {
	const char *path, *query, *body, *token;
} ours[] = {
	{ "/", "", "", "" },
	{ "/", "", "Action=DescribeRules&Version=2015-12-01", "a/session+token==" },
	{ "/_weir/call/elbv2/DescribeRules", "", "{}", "" },
	{ "/a%20b/../c//d/", "z=1&a=%7e&a=&b&a=%2B+", "x", "" },
};

TEST(what_we_sign_we_believe)
{
	uint64_t now = at("20261002T100000Z");

	for (size_t i = 0; i < COUNT(ours); i++) {
		struct sigv4_request r = {
			.method = BYTES("POST"),
			.path = bytes_of(ours[i].path),
			.query = bytes_of(ours[i].query),
			.host = BYTES("127.0.0.1:4566"),
			.body = bytes_of(ours[i].body),
			.service = BYTES("elasticloadbalancing"),
			.region = BYTES("us-east-1"),
			.access_key = BYTES("AKID"),
			.secret = BYTES("secret"),
			.token = bytes_of(ours[i].token),
			.now_unix_ms = now,
		};
		struct text request = TEXT_INIT(8192);
		struct bytes authorization, date, hash;
		struct arena arena;

		arena_init(&arena, 1 << 20);
		CHECK_OK(sigv4_sign(&r, &arena, &authorization, &date, &hash));
		text_printf(&request,
			    "POST %s?%s HTTP/1.1\nHost: 127.0.0.1:4566\nX-Amz-Date: %.*s\n"
			    "X-Amz-Content-Sha256: %.*s\nAuthorization: %.*s\n",
			    ours[i].path, ours[i].query, BYTES_ARG(date), BYTES_ARG(hash),
			    BYTES_ARG(authorization));
		if (ours[i].token[0])
			text_printf(&request, "X-Amz-Security-Token: %s\n", ours[i].token);
		CHECK_EQ(judge(text_bytes(&request), ours[i].body, "secret", now), SIGV4_OK,
			 "request %zu", i);
		CHECK_EQ(judge(text_bytes(&request), ours[i].body, "Secret", now), SIGV4_MISMATCH);
		CHECK_EQ(judge(text_bytes(&request), "other", "secret", now), SIGV4_BAD_PAYLOAD);
		text_fini(&request);
		arena_fini(&arena);
	}
}
