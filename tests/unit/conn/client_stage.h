/*
 * client_stage: one target at 10.0.0.5:8000 and one conn to it, on the fake network. The log has a
 * line per callback; pieces of a body are joined:
 *
 *     connected [REFUSED]     interim 103     head 200     body hello     body hel~
 *     failed TRUNCATED        drained         idle reusable              idle spent
 */
#ifndef TESTS_UNIT_CONN_CLIENT_STAGE_H
#define TESTS_UNIT_CONN_CLIENT_STAGE_H

#include "base/text.h"
#include "conn/conn.h"
#include "tests/scenario/fake_net.h"

struct client_stage {
	struct fake_net *net;
	struct loop *loop;
	struct fake_target *target;
	struct conn *conn;
	struct exchange *x;
	struct text log, body;
	bool close_at_head, pause_at_head, tunnel_at_head, keep_at_end;
	size_t received_bytes;
};

extern const struct exchange_events client_stage_events;

void client_stage_open(struct client_stage *stage,
		       const struct fake_options *options); /* connects nothing */
void client_stage_connect(struct client_stage *stage);
void client_stage_start(struct client_stage *stage, uint32_t connect_ms);
/* Ends all; checks that nothing is left. */
void client_stage_close(struct client_stage *stage);

struct fake_peer *target_peer(struct client_stage *stage);
struct http_head request(const char *method, enum http_framing framing, uint64_t length);
void ask(struct client_stage *stage, const char *method); /* "UPGRADE": a GET that asks for one */
void close_exchange(struct client_stage *stage);

enum ending { STAYS, FIN, RST };
void end_target(struct client_stage *stage, enum ending ending);

#endif
