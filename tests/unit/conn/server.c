/*
 * Server side: what clients send, and what comes back, however the bytes are cut.
 */
#include "tests/check.h"
#include "tests/unit/conn/stage.h"

enum ending { STAYS, FIN, RST };

#define OK_HEAD(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n"
#define OK		OK_HEAD("2") "Connection: keep-alive\r\n\r\nok"
#define OK_CLOSE	OK_HEAD("2") "Connection: close\r\n\r\nok"

static const struct {
	const char *name, *request, *response, *log;
	enum ending ending;
} cases[] = {
	{ "answered before its end is read", "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", OK,
	  "exchange GET /now NONE\n", STAYS },
	{ "a body comes with its end",
	  "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	  OK_HEAD("5") "Connection: keep-alive\r\n\r\nhello",
	  "exchange POST /echo LENGTH\nbody hello\n", STAYS },
	{ "an end comes without a body too", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK_HEAD("0") "Connection: keep-alive\r\n\r\n", "exchange GET /echo NONE\nbody \n",
	  STAYS },
	{ "no body is said as a length of 0", "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK_HEAD("0") "Connection: keep-alive\r\n\r\n", "exchange GET /empty NONE\nbody \n",
	  STAYS },
	{ "a chunked request",
	  "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
	  OK_HEAD("5") "Connection: keep-alive\r\n\r\nabcde",
	  "exchange POST /echo CHUNKED\nbody abcde\n", STAYS },
	{ "pipelined requests are answered in order",
	  "GET /now HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\n"
	  "Content-Length: 3\r\n\r\nabcGET /now HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK OK_HEAD("3") "Connection: keep-alive\r\n\r\nabc" OK,
	  "exchange GET /now NONE\nexchange POST /echo LENGTH\nbody abc\nexchange GET /now NONE\n",
	  STAYS },
	{ "the next one waits for a stream's end",
	  "GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
	  "4\r\ntick\r\n4\r\ntock\r\n0\r\n\r\n" OK,
	  "exchange GET /stream NONE\nbody \nexchange GET /now NONE\n", STAYS },
	{ "Connection: close is obeyed",
	  "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK_CLOSE,
	  "exchange GET /now NONE\nclosed\n", FIN },
	{ "nothing is read behind the last request",
	  "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	  "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK_CLOSE, "exchange GET /now NONE\nclosed\n", FIN },
	{ "HTTP/1.0 closes", "GET /now HTTP/1.0\r\n\r\n", OK_CLOSE,
	  "exchange GET /now NONE\nclosed\n", FIN },
	{ "HTTP/1.0 may keep alive", "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", OK,
	  "exchange GET /now NONE\n", STAYS },
	{ "HTTP/1.0 reads no chunks", "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nticktock",
	  "exchange GET /stream NONE\nbody \nclosed\n", FIN },
	{ "HTTP/0.9 reads no head", "GET /stream\r\n", "ticktock",
	  "exchange GET /stream NONE\nbody \nclosed\n", FIN },
	{ "what ends with a connection becomes chunks", "GET /eof HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
	  "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
	  "exchange GET /eof NONE\nbody \n", STAYS },
	{ "HEAD has no body",
	  "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n" OK,
	  "exchange HEAD /stream NONE\nbody \nexchange GET /now NONE\n", STAYS },
	{ "HEAD tells the length", "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK_HEAD("2") "Connection: keep-alive\r\n\r\n", "exchange HEAD /now NONE\n", STAYS },
	{ "204 has no length", "GET /204 HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n",
	  "exchange GET /204 NONE\nbody \n", STAYS },
	{ "304 may tell the length", "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nConnection: keep-alive\r\n\r\n",
	  "exchange GET /304 NONE\nbody \n", STAYS },
	{ "the owner may end the connection", "GET /bye HTTP/1.1\r\nHost: a\r\n\r\n", OK,
	  "exchange GET /bye NONE\nbody \nclosed\n", FIN },
	{ "100 comes at once",
	  "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	  "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD("2") "Connection: keep-alive\r\n\r\nhi",
	  "exchange POST /echo LENGTH\nbody hi\n", STAYS },
	{ "103 precedes", "GET /hints HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK, "exchange GET /hints NONE\n",
	  STAYS },
	{ "103 is nothing for HTTP/1.0", "GET /hints HTTP/1.0\r\n\r\n", OK_CLOSE,
	  "exchange GET /hints NONE\nclosed\n", FIN },
	{ "chunks pass as they are",
	  "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "0003;ext=1\r\nabc\r\n0\r\nSum: 1\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
	  "0003;ext=1\r\nabc\r\n0\r\nSum: 1\r\n\r\n",
	  "exchange POST /mirror CHUNKED\nbody abc\n", STAYS },
	{ "a length passes as it is",
	  "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	  OK_HEAD("3") "Connection: keep-alive\r\n\r\nabc",
	  "exchange POST /mirror LENGTH\nbody abc\n", STAYS },
	{ "chunks to HTTP/1.0 lose their frames",
	  "POST /mirror HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", NULL,
	  NULL, FIN },
	{ "an early answer outlives an unread body",
	  "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /now HTTP/1.1\r\n"
	  "Host: a\r\n\r\n",
	  OK OK, "exchange POST /now LENGTH\nexchange GET /now NONE\n", STAYS },
	{ "an answer that ends too early, by length", "GET /cut-length HTTP/1.1\r\nHost: a\r\n\r\n",
	  OK_HEAD("10") "Connection: keep-alive\r\n\r\nshort",
	  "exchange GET /cut-length NONE\nclosed\n", FIN },
	{ "an answer that ends too early, in chunks",
	  "GET /cut-chunked HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
	  "5\r\nshort\r\n",
	  "exchange GET /cut-chunked NONE\nclosed\n", FIN },
	{ "an answer that would look whole is cut by a reset", "GET /cut-chunked HTTP/1.0\r\n\r\n",
	  NULL, "exchange GET /cut-chunked NONE\nclosed\n", RST },
	{ "more than its length is cut by a reset", "GET /too-much HTTP/1.1\r\nHost: a\r\n\r\n",
	  NULL, NULL, RST },
	{ "no answer at all", "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", "",
	  "exchange GET /silent NONE\nclosed\n", FIN },
	{ "a paused body waits",
	  "POST /pause HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	  OK_HEAD("5") "Connection: keep-alive\r\n\r\nhello",
	  "exchange POST /pause LENGTH\nbody hello\n", STAYS },
	{ "a tunnel passes bytes as they are",
	  "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
	  "GET /now HTTP/1.1\r\n\r\n",
	  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
	  "GET /now HTTP/1.1\r\n\r\n",
	  "exchange GET /tunnel NONE\n", STAYS },
	{ "no request is told from noise", "\x16\x03\x01\x02",
	  "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	  "rejected BAD_MESSAGE\nclosed\n", FIN },
	{ "a bad head is rejected, and what follows is not read",
	  "GET /now HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	  "rejected BAD_MESSAGE\nclosed\n", FIN },
	{ "a bad chunk ends the exchange",
	  "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX", "", NULL,
	  FIN },
	{ "blank lines before a request are nothing",
	  "\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n", OK, "exchange GET /now NONE\n", STAYS },
};

static void check_case(size_t i, struct stage *stage, const char *how, size_t number)
{
	static const err_t endings[] = { [STAYS] = ERR_OK, [FIN] = ERR_CLOSED, [RST] = ERR_RESET };

	if (cases[i].response)
		CHECK_BYTES(fake_received(stage->client), cases[i].response, "%s, %s %zu",
			    cases[i].name, how, number);
	if (cases[i].log)
		CHECK_STR(stage_log(stage), cases[i].log, "%s, %s %zu", cases[i].name, how, number);
	CHECK_EQ(fake_ended(stage->client), endings[cases[i].ending], "%s, %s %zu", cases[i].name,
		 how, number);
}

static void send_slice(struct stage *stage, size_t i, size_t from, size_t to)
{
	fake_send_bytes(stage->client, bytes_make(cases[i].request + from, to - from));
}

TEST(requests_are_answered_as_the_table_says)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct stage stage;

		stage_open(&stage, NULL);
		fake_send(stage.client, cases[i].request);
		fake_run_ms(stage.net, 100);
		check_case(i, &stage, "whole", 0);
		stage_close(&stage);
	}
}

TEST(requests_are_answered_alike_wherever_they_are_cut)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].request);

		for (size_t cut = 1; cut < len; cut++) {
			struct stage stage;

			stage_open(&stage, NULL);
			send_slice(&stage, i, 0, cut);
			fake_run_ms(stage.net, 1);
			send_slice(&stage, i, cut, len);
			fake_run_ms(stage.net, 100);
			check_case(i, &stage, "cut at", cut);
			stage_close(&stage);
		}
	}
}

TEST(requests_are_answered_alike_however_few_bytes_a_receive_takes)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (uint32_t bytes = 1; bytes < 20; bytes++) {
			struct fake_options options = { .cut_bytes = bytes };
			struct stage stage;

			stage_open(&stage, &options);
			fake_send(stage.client, cases[i].request);
			fake_run_ms(stage.net, 100);
			check_case(i, &stage, "receiving at most", bytes);
			stage_close(&stage);
		}
	}
}
