/*
 * A table of messages, each fed whole, at every cut, and byte by byte: the transcript must be the
 * one in the table. Input ends at an unreadable page.
 */
#include "tests/check.h"
#include "tests/unit/http/guard.h"
#include "tests/unit/http/transcript.h"

struct message {
	const char *name, *in, *transcript;
};

struct direction {
	bool responses, to_head, to_connect;
};

static struct transcript transcribe(struct direction d, struct bytes in, size_t cut, size_t step)
{
	struct transcript t = TRANSCRIPT_INIT;
	struct h1_parser parser;

	h1_parser_init(&parser, d.responses);
	h1_parser_expect(&parser, d.to_head, d.to_connect);
	transcript_feed(&t, &parser, guard_put(bytes_upto(in, cut)));
	for (size_t at = cut; at < in.len; at += step)
		transcript_feed(&t, &parser, guard_put(bytes_upto(bytes_from(in, at), step)));
	transcript_eof(&t, &parser);
	h1_parser_fini(&parser);
	return t;
}

static void check_messages(struct direction d, const struct message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes in = bytes_of(messages[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct transcript t = transcribe(d, in, cut, in.len);

			CHECK_STR(text_str(&t.text), messages[i].transcript, "%s, cut at %zu",
				  messages[i].name, cut);
			transcript_fini(&t);
		}
		for (size_t step = 1; step <= 5; step++) {
			struct transcript t = transcribe(d, in, 0, step);

			CHECK_STR(text_str(&t.text), messages[i].transcript, "%s, %zu at a time",
				  messages[i].name, step);
			transcript_fini(&t);
		}
	}
}

TEST(requests_read_the_same_however_they_are_cut)
{
	static const struct message messages[] = {
		{ "nothing", "", "idle\n" },
		{ "a plain one", "GET /a?b=c HTTP/1.1\r\nHost: x.test\r\nAccept: */*\r\n\r\n",
		  "GET /a?b=c @x.test 11 none keep-alive host | Host=x.test | Accept=*/*\ndone\nidle\n" },
		{ "empty lines before it", "\r\n\n\r\nGET / HTTP/1.1\r\n\r\n",
		  "GET / @ 11 none keep-alive\ndone\nidle\n" },
		{ "empty lines alone", "\r\n\r\n\r", "idle\n" },
		{ "a body by length", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		  "POST / @ 11 length 5 keep-alive sized | Content-Length=5\nbody \"hello\" wire 5\n"
		  "done\nidle\n" },
		{ "a body of nothing", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		  "POST / @ 11 length 0 keep-alive sized | Content-Length=0\ndone\nidle\n" },
		{ "three in a pipeline",
		  "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
		  "GET /3 HTTP/1.1\r\n\r\n",
		  "GET /1 @ 11 none keep-alive\ndone\n"
		  "POST /2 @ 11 length 2 keep-alive sized | Content-Length=2\nbody \"ab\" wire 2\ndone\n"
		  "GET /3 @ 11 none keep-alive\ndone\nidle\n" },
		{ "chunks",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
		  "POST / @ 11 chunked keep-alive | Transfer-Encoding=chunked\n"
		  "body \"helloabcdefghijklmnopqrstuvwxyz\" wire 47\ndone\nidle\n" },
		{ "extensions and trailers",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
		  "005;a=b;c=\"d e\"\r\nhello\r\n1 \t;x\r\n!\r\n000;z\r\nDigest: a \r\nE:\r\n\r\n",
		  "POST / @ 11 chunked keep-alive | Transfer-Encoding=Chunked\n"
		  "body \"hello!\" wire 59\ntrailer \"Digest=a\"\ntrailer \"E=\"\ndone\nidle\n" },
		{ "a coding with parameters",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: identity , chunked;q=1\r\n\r\n0\r\n\r\n",
		  "POST / @ 11 chunked keep-alive | Transfer-Encoding=identity , chunked;q=1\n"
		  "body \"\" wire 5\ndone\nidle\n" },
		{ "identity is no coding",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab",
		  "POST / @ 11 length 2 | Transfer-Encoding=identity | Content-Length=2\n"
		  "Ambiguous BothTeClPresent\nbody \"ab\" wire 2\ndone\nidle\n" },
		{ "expect", "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
		  "PUT / @ 11 length 1 keep-alive expect sized | Expect=100-Continue | "
		  "Content-Length=1\nbody \"x\" wire 1\ndone\nidle\n" },
		{ "no expect in 1.0", "PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
		  "PUT / @ 10 none | Expect=100-continue\ndone\nidle\n" },
		{ "1.0", "GET / HTTP/1.0\r\n\r\n", "GET / @ 10 none\ndone\nidle\n" },
		{ "1.0 kept alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
		  "GET / @ 10 none keep-alive | Connection=Keep-Alive\ndone\nidle\n" },
		{ "1.1 closed", "GET / HTTP/1.1\r\nConnection: x , Close\r\n\r\n",
		  "GET / @ 11 none | Connection=x , Close\ndone\nidle\n" },
		{ "an upgrade",
		  "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		  "GET / @ 11 none keep-alive upgrade | Connection=Upgrade | Upgrade=websocket\n"
		  "done\nidle\n" },
		{ "upgrade not named", "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
		  "GET / @ 11 none keep-alive | Upgrade=h2c\ndone\nidle\n" },
		{ "absolute form", "GET http://a.test:81/p HTTP/1.1\r\nHost: b.test\r\n\r\n",
		  "GET http://a.test:81/p @a.test:81 11 none keep-alive host | Host=b.test\n"
		  "done\nidle\n" },
		{ "authority form", "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n",
		  "CONNECT a.test:443 @a.test:443 11 none keep-alive host | Host=b.test\ndone\nidle\n" },
		{ "asterisk form", "OPTIONS * HTTP/1.1\r\nHost: b.test\r\nhost: c.test\r\n\r\n",
		  "OPTIONS * @b.test 11 none keep-alive host | Host=b.test | host=c.test\ndone\nidle\n" },
		{ "blanks around values", "GET / HTTP/1.1\r\nA: \t b c \t\r\nB:\r\nC: \r\n\r\n",
		  "GET / @ 11 none keep-alive | A=b c | B= | C=\ndone\nidle\n" },
		{ "bytes from 0x80", "GET /\xc3\xa9 HTTP/1.1\r\nA: \xc3\xa9\r\n\r\n",
		  "GET /\xc3\xa9 @ 11 none keep-alive | A=\xc3\xa9\ndone\nidle\n" },
		{ "ended within a head", "GET / HTTP/1.1\r\nHo", "failed TRUNCATED\n" },
		{ "ended within a body", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe",
		  "POST / @ 11 length 5 keep-alive sized | Content-Length=5\nbody \"he\" wire 2\n"
		  "failed TRUNCATED\n" },
		{ "ended within chunks",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
		  "POST / @ 11 chunked keep-alive | Transfer-Encoding=chunked\nbody \"he\" wire 5\n"
		  "failed TRUNCATED\n" },
		{ "ended before the last chunk",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
		  "POST / @ 11 chunked keep-alive | Transfer-Encoding=chunked\nbody \"he\" wire 7\n"
		  "failed TRUNCATED\n" },
	};

	check_messages((struct direction){ 0 }, messages, COUNT(messages));
}

TEST(odd_requests_are_read_one_way_and_classified)
{
	static const struct message messages[] = {
		{ "HTTP/0.9", "GET /old\r\n",
		  "GET /old @ 9 none\nAcceptable NonCompliantVersion\ndone\nidle\n" },
		{ "HTTP/0.9 with fields", "GET / HTTP/0.9\r\nA: b\r\n\r\n",
		  "GET / @ 9 none | A=b\nAcceptable NonCompliantVersion\ndone\nidle\n" },
		{ "minor version 7", "GET / HTTP/1.7\r\n\r\n",
		  "GET / @ 11 none keep-alive\nAcceptable NonCompliantVersion\ndone\nidle\n" },
		{ "blanks after the version", "GET / HTTP/1.1 \t\r\nA: b\r\n\r\n",
		  "GET / @ 11 none keep-alive | A=b\nAcceptable NonCompliantVersion\ndone\nidle\n" },
		{ "bare LF", "GET / HTTP/1.1\nA: b\n\n",
		  "GET / @ 11 none keep-alive | A=b\nAcceptable NonCrLfLineTermination\ndone\nidle\n" },
		{ "a space in the target", "GET /a b HTTP/1.1\r\n\r\n",
		  "GET /a b @ 11 none keep-alive\nAcceptable SpaceInUri\ndone\nidle\n" },
		{ "a control byte in the target", "GET /a\x01 HTTP/1.1\r\n\r\n",
		  "GET /a\x01 @ 11 none keep-alive\nAmbiguous AmbiguousUri\ndone\nidle\n" },
		{ "an odd name", "GET / HTTP/1.1\r\nA b: c\r\n@: d\r\n\r\n",
		  "GET / @ 11 none keep-alive | A b=c | @=d\nAcceptable NonCompliantHeader\ndone\nidle\n" },
		{ "a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		  "GET / @a 11 none keep-alive host | Host=a\nAcceptable NonCompliantHeader\n"
		  "done\nidle\n" },
		{ "a control byte in a value", "GET / HTTP/1.1\r\nA: b\x02\r\n\r\n",
		  "GET / @ 11 none keep-alive | A=b\x02\nAcceptable NonCompliantHeader\ndone\nidle\n" },
		{ "a line without colon", "GET / HTTP/1.1\r\nFoo\r\nA: b\r\n\r\n",
		  "GET / @ 11 none keep-alive | Foo= | A=b\nAmbiguous MissingHeaderColon\ndone\nidle\n" },
		{ "a field without name", "GET / HTTP/1.1\r\n: a\r\n  : b\r\nC: d\r\n\r\n",
		  "GET / @ 11 none | C=d\nAmbiguous MultilineHeader\ndone\nidle\n" },
		{ "a folded line is a field", "GET / HTTP/1.1\r\nA: b\r\n  c d\r\n\te: f\r\n\r\n",
		  "GET / @ 11 none | A=b | c d= | e=f\nAmbiguous MultilineHeader\ndone\nidle\n" },
		{ "Content-Type may be folded",
		  "POST / HTTP/1.1\r\nContent-Type: a/b;\r\n c=d\n\te \r\nContent-Length: 1\r\n\r\nx",
		  "POST / @ 11 length 1 keep-alive sized | Content-Type=a/b;   c=d \te | "
		  "Content-Length=1\nAcceptable NonCrLfLineTermination\nbody \"x\" wire 1\ndone\nidle\n" },
		{ "GET with a body", "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
		  "GET / @ 11 length 1 keep-alive sized | Content-Length=1\n"
		  "Ambiguous UndefinedContentLengthSemantics\nbody \"x\" wire 1\ndone\nidle\n" },
		{ "HEAD with Content-Length 0", "HEAD / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		  "HEAD / @ 11 length 0 keep-alive sized | Content-Length=0\n"
		  "Acceptable GetHeadZeroContentLength\ndone\nidle\n" },
		{ "GET with chunks",
		  "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "GET / @ 11 chunked keep-alive | Transfer-Encoding=chunked\n"
		  "Ambiguous UndefinedTransferEncodingSemantics\nbody \"\" wire 5\ndone\nidle\n" },
	};

	check_messages((struct direction){ 0 }, messages, COUNT(messages));
}

/* Whoever reads one of these otherwise than we do finds another request in it. */
TEST(smuggling_gets_one_framing_or_none)
{
	static const struct message messages[] = {
		{ "both: chunked wins, nothing follows",
		  "POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "POST / @ 11 chunked | Content-Length=9 | Transfer-Encoding=chunked\n"
		  "Ambiguous BothTeClPresent\nbody \"\" wire 5\ndone\nidle\n" },
		{ "a bad length beside chunked",
		  "POST / HTTP/1.1\r\nContent-Length: +5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "POST / @ 11 chunked | Content-Length=+5 | Transfer-Encoding=chunked\n"
		  "Severe BadContentLength\nbody \"\" wire 5\ndone\nidle\n" },
		{ "chunked in HTTP/1.0",
		  "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "POST / @ 10 chunked | Connection=keep-alive | Transfer-Encoding=chunked\n"
		  "Ambiguous UndefinedTransferEncodingSemantics\nbody \"\" wire 5\ndone\nidle\n" },
		{ "the same length twice",
		  "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		  "POST / @ 11 length 1 sized | Content-Length=1 | Content-Length=1\n"
		  "Ambiguous DuplicateContentLength\nbody \"x\" wire 1\ndone\nidle\n" },
		{ "two lengths",
		  "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
		  "Severe MultipleContentLength\nfailed BAD_MESSAGE\n" },
		{ "a list of lengths", "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx",
		  "Severe BadContentLength\nfailed BAD_MESSAGE\n" },
		{ "a signed length", "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
		  "Severe BadContentLength\nfailed BAD_MESSAGE\n" },
		{ "a length beyond 64 bits",
		  "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
		  "Severe BadContentLength\nfailed BAD_MESSAGE\n" },
		{ "an empty length counts as 0", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
		  "POST / @ 11 length 0 sized | Content-Length=\ndone\nidle\n" },
		{ "an unknown coding", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
		  "Severe BadTransferEncoding\nfailed BAD_CODING\n" },
		{ "an unknown coding beside a length",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\nx",
		  "Severe BadTransferEncoding\nfailed BAD_CODING\n" },
		{ "a coding we do not have",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		  "failed BAD_CODING\n" },
		{ "an empty coding", "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n",
		  "Severe BadTransferEncoding\nfailed BAD_CODING\n" },
		{ "chunked twice", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
		  "Severe MultipleTransferEncodingChunked\nfailed BAD_MESSAGE\n" },
		{ "chunked not last",
		  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "a blank before the colon",
		  "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\nContent-Length: 1\r\n\r\nx",
		  "POST / @ 11 length 1 sized | Content-Length=1\nAmbiguous SuspiciousHeader\n"
		  "body \"x\" wire 1\ndone\nidle\n" },
		{ "an underscore", "POST / HTTP/1.1\r\nContent_Length: 5\r\n\r\n",
		  "POST / @ 11 none\nAmbiguous SuspiciousHeader\ndone\nidle\n" },
		{ "a control byte before the name",
		  "POST / HTTP/1.1\r\n\x0bTransfer-Encoding: chunked\r\n\r\n",
		  "POST / @ 11 none\nAmbiguous SuspiciousHeader\ndone\nidle\n" },
		{ "a folded framing field",
		  "POST / HTTP/1.1\r\nA: b\r\n Transfer-Encoding: chunked\r\n\r\n",
		  "POST / @ 11 none | A=b\nAmbiguous MultilineHeader\ndone\nidle\n" },
		{ "a fold after a dropped field joins nothing",
		  "POST / HTTP/1.1\r\nContent-Type: a\r\nContent_Length: 5\r\n b\r\n\r\n",
		  "POST / @ 11 none | Content-Type=a | b=\nSevere BadContentLength\ndone\nidle\n" },
		{ "a lone CR in a value", "GET / HTTP/1.1\r\nA: b\rContent-Length: 5\r\n\r\n",
		  "Severe BadHeader\nfailed BAD_MESSAGE\n" },
		{ "a lone CR as a line", "GET / HTTP/1.1\r\nA: b\r\n\rB: c\r\n\r\n",
		  "Severe BadHeader\nfailed BAD_MESSAGE\n" },
		{ "a blank in the method", "GE\tT / HTTP/1.1\r\n\r\n",
		  "Severe BadMethod\nfailed BAD_MESSAGE\n" },
		{ "no target", "GET HTTP/1.1\r\n\r\n",
		  "Ambiguous MissingUri\nfailed BAD_MESSAGE\n" },
		{ "an empty target", "GET  HTTP/1.1\r\n\r\n",
		  "Ambiguous MissingUri\nfailed BAD_MESSAGE\n" },
		{ "words after the version", "GET / HTTP/1.1 x\r\n", "failed BAD_MESSAGE\n" },
		{ "HTTP/0.9 but no GET", "POST /\r\n",
		  "Acceptable NonCompliantVersion\nfailed BAD_MESSAGE\n" },
		{ "version 1.10", "GET / HTTP/1.10\r\n\r\n",
		  "Severe BadVersion\nfailed BAD_MESSAGE\n" },
		{ "version 2", "GET / HTTP/2.0\r\n\r\n", "failed BAD_VERSION\n" },
		{ "the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		  "failed BAD_VERSION\n" },
		{ "a version in lower case", "GET / http/1.1\r\n", "failed BAD_MESSAGE\n" },
		{ "a TLS hello", "\x16\x03\x01", "Severe BadMethod\nfailed BAD_MESSAGE\n" },
		{ "endless empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "a CR before a request", "\rGET / HTTP/1.1\r\n\r\n", "failed BAD_MESSAGE\n" },
	};

	check_messages((struct direction){ 0 }, messages, COUNT(messages));
}

#define CHUNKED	     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_HEAD "POST / @ 11 chunked keep-alive | Transfer-Encoding=chunked\n"

TEST(chunks_are_read_strictly)
{
	static const struct message messages[] = {
		{ "no size", CHUNKED "\r\n", CHUNKED_HEAD "failed BAD_MESSAGE\n" },
		{ "no size but an extension", CHUNKED ";a\r\n",
		  CHUNKED_HEAD "failed BAD_MESSAGE\n" },
		{ "a sign", CHUNKED "+5\r\nhello\r\n", CHUNKED_HEAD "failed BAD_MESSAGE\n" },
		{ "0x", CHUNKED "0x5\r\nhello\r\n",
		  CHUNKED_HEAD "body \"\" wire 1\nfailed BAD_MESSAGE\n" },
		{ "bare LF after the size", CHUNKED "5\nhello",
		  CHUNKED_HEAD "body \"\" wire 1\nfailed BAD_MESSAGE\n" },
		{ "blanks after the size", CHUNKED "5 \r\nhello",
		  CHUNKED_HEAD "body \"\" wire 2\nfailed BAD_MESSAGE\n" },
		{ "bare LF in an extension", CHUNKED "5;a\nhello",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "a lone CR in an extension", CHUNKED "5;a\rb\r\nhello",
		  CHUNKED_HEAD "body \"\" wire 4\nfailed BAD_MESSAGE\n" },
		{ "data longer than said", CHUNKED "2\r\nabc\r\n",
		  CHUNKED_HEAD "body \"ab\" wire 5\nfailed BAD_MESSAGE\n" },
		{ "bare LF after data", CHUNKED "2\r\nab\n",
		  CHUNKED_HEAD "body \"ab\" wire 5\nfailed BAD_MESSAGE\n" },
		{ "a size of 64 bits begins", CHUNKED "ffffffffffffffff\r\nab",
		  CHUNKED_HEAD "body \"ab\" wire 20\nfailed TRUNCATED\n" },
		{ "a size beyond 64 bits", CHUNKED "10000000000000000\r\nab",
		  CHUNKED_HEAD "body \"\" wire 16\nfailed BAD_MESSAGE\n" },
		{ "many zeros are no overflow",
		  CHUNKED "00000000000000000000000001\r\na\r\n0\r\n\r\n",
		  CHUNKED_HEAD "body \"a\" wire 36\ndone\nidle\n" },
		{ "a lone CR at the end", CHUNKED "0\r\n\rx",
		  CHUNKED_HEAD "body \"\" wire 4\nfailed BAD_MESSAGE\n" },
		{ "bare LF at the end", CHUNKED "0\r\n\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "a request for a trailer", CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "a folded trailer", CHUNKED "0\r\nA: b\r\n c\r\n\r\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "bare LF in trailers", CHUNKED "0\r\nA: b\n\r\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "a length for a trailer", CHUNKED "0\r\nContent-Length: 5\r\n\r\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
		{ "a disguised coding for a trailer", CHUNKED "0\r\nTransfer_Encoding: x\r\n\r\n",
		  CHUNKED_HEAD "body \"\" wire 3\nfailed BAD_MESSAGE\n" },
	};

	check_messages((struct direction){ 0 }, messages, COUNT(messages));
}

TEST(responses_read_the_same_however_they_are_cut)
{
	static const struct message messages[] = {
		{ "a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
		  "200 \"OK\" 11 length 2 keep-alive sized | Content-Length=2\nbody \"ab\" wire 2\n"
		  "done\nidle\n" },
		{ "no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
		  "200 \"\" 11 length 0 keep-alive sized | Content-Length=0\ndone\nidle\n" },
		{ "an empty reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n",
		  "404 \"\" 11 length 0 keep-alive sized | Content-Length=0\ndone\nidle\n" },
		{ "continue, then the answer",
		  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		  "100 \"Continue\" 11 none keep-alive\ndone\n"
		  "103 \"Early Hints\" 11 none keep-alive | Link=a\ndone\n"
		  "200 \"OK\" 11 chunked keep-alive | Transfer-Encoding=chunked\n"
		  "body \"abc\" wire 13\ndone\nidle\n" },
		{ "until the end", "HTTP/1.1 200 OK\r\n\r\nabc",
		  "200 \"OK\" 11 close\nbody \"abc\" wire 3\nended\n" },
		{ "1.0 kept alive",
		  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
		  "200 \"OK\" 10 length 1 keep-alive sized | Connection=keep-alive | Content-Length=1\n"
		  "body \"x\" wire 1\ndone\nidle\n" },
		{ "no content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
		  "204 \"No Content\" 11 none keep-alive | Content-Length=5\ndone\nidle\n" },
		{ "not modified keeps its length",
		  "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		  "304 \"Not Modified\" 11 none 5 keep-alive sized | Content-Length=5\ndone\nidle\n" },
		{ "both: chunked wins, nothing follows",
		  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "200 \"OK\" 11 chunked | Content-Length=5 | Transfer-Encoding=chunked\n"
		  "body \"\" wire 5\ndone\nidle\n" },
		{ "the same length twice",
		  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		  "200 \"OK\" 11 length 1 sized | Content-Length=1 | Content-Length=1\n"
		  "body \"x\" wire 1\ndone\nidle\n" },
		{ "status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
		  "999 \"Odd\" 11 length 0 keep-alive sized | Content-Length=0\ndone\nidle\n" },
		{ "switching protocols leaves the rest alone",
		  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		  "101 \"Switching Protocols\" 11 none keep-alive upgrade | Connection=upgrade | "
		  "Upgrade=websocket\ndone\nidle\n" },
	};

	check_messages((struct direction){ .responses = true }, messages, COUNT(messages));
}

TEST(bad_responses_fail)
{
	static const struct message messages[] = {
		{ "no HTTP", "220 smtp.test ESMTP\r\n", "failed BAD_MESSAGE\n" },
		{ "an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "version 2", "HTTP/2.0 200 OK\r\n\r\n", "failed BAD_VERSION\n" },
		{ "version 0.9", "HTTP/0.9 200 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "version 1.x", "HTTP/1.x 200 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "a short status", "HTTP/1.1 20 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "a long status", "HTTP/1.1 2000 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "status 099", "HTTP/1.1 099 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "two spaces", "HTTP/1.1  200 OK\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "a control byte in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "bare LF", "HTTP/1.1 200 OK\nA: b\n\n", "failed BAD_MESSAGE\n" },
		{ "bare LF in a field", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "bare LF for an empty line", "HTTP/1.1 200 OK\r\nA: b\r\n\n",
		  "failed BAD_MESSAGE\n" },
		{ "a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "a blank before the colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "no colon", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "no name", "HTTP/1.1 200 OK\r\n: a\r\n\r\n", "failed BAD_MESSAGE\n" },
		{ "a control byte in a value", "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "a bad length", "HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "two lengths",
		  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		  "failed BAD_MESSAGE\n" },
		{ "an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		  "failed BAD_CODING\n" },
	};

	check_messages((struct direction){ .responses = true }, messages, COUNT(messages));
}

TEST(an_answer_to_head_has_no_body)
{
	static const struct message messages[] = {
		{ "a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		  "200 \"OK\" 11 none 5 keep-alive sized | Content-Length=5\ndone\n"
		  "200 \"OK\" 11 none keep-alive\ndone\nidle\n" },
		{ "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		  "200 \"OK\" 11 none keep-alive | Transfer-Encoding=chunked\ndone\nidle\n" },
	};

	check_messages((struct direction){ .responses = true, .to_head = true }, messages,
		       COUNT(messages));
}

TEST(an_answer_to_connect_has_a_body_only_when_it_failed)
{
	static const struct message messages[] = {
		{ "connected", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		  "200 \"OK\" 11 none keep-alive | Content-Length=5\ndone\nidle\n" },
		{ "refused", "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx",
		  "403 \"No\" 11 length 1 keep-alive sized | Content-Length=1\nbody \"x\" wire 1\n"
		  "done\nidle\n" },
	};

	check_messages((struct direction){ .responses = true, .to_connect = true }, messages,
		       COUNT(messages));
}

/* NUL cannot stand in the tables' strings. */
TEST(nul_fails_wherever_it_stands)
{
	static const struct {
		struct bytes in;
		const char *finding;
	} cases[] = {
		{ { "GET /\0 HTTP/1.1\r\n\r\n", 19 }, "BadUri" },
		{ { "GET / HTTP/1.1\r\nA\0: b\r\n\r\n", 25 }, "BadHeader" },
		{ { "GET / HTTP/1.1\r\nA: \0b\r\n\r\n", 25 }, "BadHeader" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct h1_parser parser;
		struct bytes in = cases[i].in;

		h1_parser_init(&parser, false);
		CHECK_EQ(h1_parser_feed(&parser, &in), H1_FAILED, "case %zu", i);
		CHECK_EQ(parser.err, ERR_BAD_MESSAGE);
		CHECK_STR(desync_reason_name(h1_parser_finding(&parser)->reason), cases[i].finding);
		h1_parser_fini(&parser);
	}
}

TEST(a_piece_says_whether_it_ends_between_two_chunks)
{
	static const char in[] = "2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n";
	static const char marks[] = "......B.......B......"; /* after each byte */
	struct bytes head = BYTES(CHUNKED);
	struct h1_parser parser;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &head), H1_HEAD);
	for (size_t i = 0; i < sizeof in - 1; i++) {
		struct bytes byte = bytes_make(in + i, 1);

		CHECK_EQ(h1_parser_feed(&parser, &byte), H1_BODY, "byte %zu", i);
		CHECK_EQ(h1_parser_body(&parser)->boundary, marks[i] == 'B', "byte %zu", i);
		CHECK_EQ(h1_parser_body(&parser)->end, i == sizeof in - 2, "byte %zu", i);
	}
	h1_parser_fini(&parser);
}

TEST(more_chunks_than_slices_come_in_several_pieces)
{
	struct text text = TEXT_INIT(1 << 16);
	struct bytes head = BYTES(CHUNKED), in;
	struct h1_parser parser;
	unsigned pieces = 0, slices = 0;

	for (unsigned i = 0; i < 40; i++)
		text_add_str(&text, "1\r\nx\r\n");
	text_add(&text, H1_LAST_CHUNK);
	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &head), H1_HEAD);
	in = text_bytes(&text);
	while (h1_parser_feed(&parser, &in) == H1_BODY) {
		pieces++;
		slices += h1_parser_body(&parser)->data_count;
		CHECK(h1_parser_body(&parser)->data_count <= HTTP_SLICES_MAX);
	}
	CHECK_EQ(pieces, 3);
	CHECK_EQ(slices, 40);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_DONE);
	h1_parser_fini(&parser);
	text_fini(&text);
}

TEST(a_kept_head_outlives_its_bytes)
{
	static const char message[] = "GET http://a/b HTTP/1.1\r\nHost: c\r\nX:\r\n\r\n";
	struct h1_parser parser;
	char *bytes = bytes_dup(bytes_of(message));
	struct bytes in = bytes_make(bytes, sizeof message - 1);
	const struct http_head *head;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_HEAD);
	CHECK_OK(h1_parser_keep_head(&parser));
	CHECK_OK(h1_parser_keep_head(&parser), "a second time changes nothing");
	memset(bytes, '#', sizeof message - 1);
	free(bytes);
	head = h1_parser_head(&parser);
	CHECK_BYTES(head->method, "GET");
	CHECK_BYTES(head->target, "http://a/b");
	CHECK_BYTES(head->authority, "a");
	CHECK_BYTES(http_value(head, BYTES("host")), "c");
	CHECK_EQ(head->wire_bytes, sizeof message - 1);
	h1_parser_forget_head(&parser);
	CHECK_EQ(h1_parser_head(&parser)->field_count, 0);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_DONE);
	h1_parser_fini(&parser);
}

TEST(a_head_forgotten_during_trailers_takes_nothing_of_them)
{
	struct bytes in = BYTES(CHUNKED "0\r\nA: b\r\n"), rest = BYTES("C: d\r\n\r\n");
	struct h1_parser parser;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_HEAD);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_BODY);
	CHECK_EQ(h1_parser_feed(&parser, &in), H1_MORE);
	h1_parser_forget_head(&parser);
	CHECK_EQ(h1_parser_feed(&parser, &rest), H1_BODY);
	CHECK_EQ(h1_parser_body(&parser)->trailer_count, 2);
	CHECK_BYTES(h1_parser_body(&parser)->wire, "A: b\r\nC: d\r\n\r\n");
	CHECK_EQ(h1_parser_feed(&parser, &rest), H1_DONE);
	h1_parser_fini(&parser);
}

TEST(a_parser_is_idle_between_messages_alone)
{
	struct bytes blank = BYTES("\r\n"), part = BYTES("GET / HT"),
		     rest = BYTES("TP/1.1\r\n\r\n");
	struct h1_parser parser;

	h1_parser_init(&parser, false);
	CHECK(h1_parser_idle(&parser));
	CHECK_EQ(h1_parser_feed(&parser, &blank), H1_MORE);
	CHECK(h1_parser_idle(&parser));
	CHECK_EQ(h1_parser_feed(&parser, &part), H1_MORE);
	CHECK(!h1_parser_idle(&parser));
	CHECK_EQ(h1_parser_feed(&parser, &rest), H1_HEAD);
	CHECK_EQ(h1_parser_feed(&parser, &rest), H1_DONE);
	CHECK(!h1_parser_idle(&parser));
	h1_parser_next(&parser);
	CHECK(h1_parser_idle(&parser));
	h1_parser_fini(&parser);
}

TEST(a_head_that_stalls_tells_its_first_line)
{
	struct bytes line = BYTES("GET /slow HTTP/1.1"), rest = BYTES("\r\nHo");
	struct h1_parser parser;

	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &line), H1_MORE);
	CHECK_EQ(h1_parser_head(&parser)->method.len, 0, "not yet whole");
	CHECK_EQ(h1_parser_feed(&parser, &rest), H1_MORE);
	CHECK_BYTES(h1_parser_head(&parser)->method, "GET");
	CHECK_BYTES(h1_parser_head(&parser)->target, "/slow");
	CHECK_EQ(h1_parser_eof(&parser), H1_FAILED);
	CHECK_ERR(parser.err, ERR_TRUNCATED);
	CHECK_BYTES(h1_parser_head(&parser)->target, "/slow", "also when it failed");
	h1_parser_fini(&parser);

	line = BYTES("GET /gone HTTP/1.1\r\nHo");
	h1_parser_init(&parser, false);
	CHECK_EQ(h1_parser_feed(&parser, &line), H1_MORE);
	CHECK_EQ(h1_parser_eof(&parser), H1_FAILED);
	CHECK_BYTES(h1_parser_head(&parser)->target, "/gone");
	h1_parser_fini(&parser);
}
