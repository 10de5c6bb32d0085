/*
 * h2_house: a server conn that speaks HTTP/2 on the fake network, with one client. The owner of its
 * exchanges is the test: it acts on them from outside, by what they wrote down.
 */
#ifndef TESTS_UNIT_CONN_H2_HOUSE_H
#define TESTS_UNIT_CONN_H2_HOUSE_H

#include "conn/conn_internal.h"
#include "tests/check.h"
#include "tests/unit/conn/h2_peer.h"

enum { EXCHANGES_MAX = 1200 };

struct visit {
	struct house *house;
	struct exchange *x; /* NULL once over */
	struct text body;
	char line[128]; /* method, target, framing; or why it was rejected */
	char trailers[64], cookie[64];
	unsigned drained;
	err_t failed;
	bool end, answer_at_once, pause_at_once;
};

struct house {
	struct fake_net *net;
	struct loop *loop;
	struct acceptor *acceptor;
	struct conn *conn;
	struct h2_peer client;
	struct visit visits[EXCHANGES_MAX];
	unsigned count;
	unsigned closed;
	uint64_t keep_alive_ms;
	bool answer_at_once, pause_at_once;
	bool destroy_in_callback;
};

/* NULL: a network without cuts; 0: connections of any age. */
struct house *house_open(const struct fake_options *options, uint64_t keep_alive_ms);
void house_connect(struct house *house);
struct house *house_with_client(void); /* both, as usual */
void house_close(struct house *house); /* checks that nothing leaked */

/* 200, with a field of HTTP/1.1 that must not pass. */
void visit_answer_head(struct visit *v, enum http_framing framing, uint64_t length);
enum conn_room visit_answer_data(struct visit *v, const char *data, bool end);
void visit_leave(struct visit *v);
void visit_answer(struct visit *v, const char *body); /* all three */

#endif
