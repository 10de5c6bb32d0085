#include "tests/unit/api/head.h"

#include <stdio.h>

#include "tests/check.h"

#include "api/sigv2.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define KEY    "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&"
#define PUPPY  "/photos/puppy.jpg?" KEY "Signature=1No4mq5ETf02z8aet9voy6gui6E%3D&Expires=1175139620"

enum { EXPIRES_S = 1175139620 };

static enum sigv4_verdict judge(const char *lines, const char *path, const char *secret,
				uint64_t now_s)
{
	struct sigv4_identity claim;
	struct arena arena;
	struct head head;
	enum sigv4_verdict verdict;

	head_read(&head, bytes_of(lines));
	verdict = sigv4_claim(&head.head, &claim);
	if (verdict != SIGV4_OK)
		return verdict;
	CHECK(claim.version_2);
	CHECK_BYTES(claim.service, "s3");
	arena_init(&arena, 1 << 20);
	verdict = sigv2_verify(&head.head, bytes_of(path), bytes_of(secret), now_s * 1000, &arena);
	arena_fini(&arena);
	return verdict;
}

static const struct {
	const char *name, *request, *path;
	enum sigv4_verdict verdict;
} cases[] = {
	{ "a bucket in the host", "GET " PUPPY " HTTP/1.1\nHost: awsexamplebucket1.s3.localhost\n",
	  "/awsexamplebucket1/photos/puppy.jpg", SIGV4_OK },
	{ "fields, and parameters that stand for fields; what names a resource is signed",
	  "PUT /b/k%20k?uploadId=a%2Bb&partNumber=2&x-amz-security-token=tok%2Fen&"
	  "content-type=text%2Fplain&response-content-type=text%2Fx%20y&free=1&" KEY
	  "Signature=RzA8wmlwNQ80aH00%2FJgRnZ%2Bvpk4%3D&Expires=1175139620 HTTP/1.1\n"
	  "Host: h\nX-Amz-Meta-A: one\nx-amz-acl:  private\nx-amz-meta-a: two\n",
	  "/b/k%20k", SIGV4_OK },
	{ "another method", "HEAD " PUPPY " HTTP/1.1\nHost: h\n",
	  "/awsexamplebucket1/photos/puppy.jpg", SIGV4_MISMATCH },
	{ "another path", "GET " PUPPY " HTTP/1.1\nHost: h\n", "/awsexamplebucket1/photos/puppy",
	  SIGV4_MISMATCH },
	{ "another version of the object", "GET " PUPPY "&versionId=1 HTTP/1.1\nHost: h\n",
	  "/awsexamplebucket1/photos/puppy.jpg", SIGV4_MISMATCH },
	{ "a field that nobody signed", "GET " PUPPY " HTTP/1.1\nHost: h\nX-Amz-Acl: private\n",
	  "/awsexamplebucket1/photos/puppy.jpg", SIGV4_MISMATCH },
	{ "no signature", "GET /b/k?" KEY "Expires=1175139620 HTTP/1.1\nHost: h\n", "/b/k",
	  SIGV4_INCOMPLETE },
	{ "no end", "GET /b/k?" KEY "Signature=a HTTP/1.1\nHost: h\n", "/b/k", SIGV4_INCOMPLETE },
	{ "two ends", "GET " PUPPY "&Expires=9999999999 HTTP/1.1\nHost: h\n", "/b/k",
	  SIGV4_INCOMPLETE },
	{ "an end that is no number",
	  "GET /b/k?" KEY "Signature=a&Expires=soon HTTP/1.1\nHost: h\n", "/b/k",
	  SIGV4_INCOMPLETE },
	{ "version 2 of a form", "GET /?" KEY "SignatureVersion=2&Signature=a HTTP/1.1\nHost: h\n",
	  "/", SIGV4_MISSING },
};

TEST(urls_of_version_2_are_believed_as_they_were_signed)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(judge(cases[i].request, cases[i].path, SECRET, EXPIRES_S - 1),
			 cases[i].verdict, "%s", cases[i].name);
	CHECK_EQ(judge(cases[0].request, cases[0].path, "another", EXPIRES_S - 1), SIGV4_MISMATCH);
}

TEST(an_url_of_version_2_ends_when_it_says)
{
	CHECK_EQ(judge(cases[0].request, cases[0].path, SECRET, EXPIRES_S), SIGV4_EXPIRED);
	/* Who did not sign it does not learn when it ended. */
	CHECK_EQ(judge(cases[0].request, cases[0].path, "another", EXPIRES_S), SIGV4_MISMATCH);
}
