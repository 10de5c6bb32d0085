#include "lb/gate.h"

#include <stdlib.h>

#include "lb/jwks.h"
#include "lb/jwt.h"
#include "lb/oidc.h"

struct gate {
	struct stream *s;
	unsigned index; /* of the rule's gates: the one that is looked at */
	bool callback;
	struct oidc_house house;
	struct oidc oidc;
	bool signing; /* `oidc` is in use */
	struct fetch *fetch;
	uint64_t asked_us; /* when the provider was asked first; 0: it was not */
	struct jose token;
	struct jwks_waiter waiter;
	struct forward_identity identity;
	bool known; /* `identity` says who */
};

static void go_on(struct gate *gate);

/* ---- Life ---- */

static void on_keys(struct jwks_waiter *waiter);

static struct gate *gate_create(struct stream *s)
{
	const struct plan_load_balancer *balancer = s->listener->load_balancer;
	const struct lb_auth *auth = s->worker->auth;
	struct gate *gate = calloc(1, sizeof *gate);

	if (!gate)
		return NULL;
	gate->s = s;
	gate->waiter.on_keys = on_keys;
	gate->house = (struct oidc_house){
		.master = auth->session_key,
		.sign = auth->sign,
		.kid = auth->kid,
		.load_balancer_arn = balancer->arn,
		.load_balancer_id = balancer->id,
	};
	return gate;
}

void gate_destroy(struct gate *gate)
{
	if (!gate)
		return;
	fetch_cancel(gate->fetch);
	jwks_leave(&gate->waiter);
	jose_fini(&gate->token);
	if (gate->signing)
		oidc_fini(&gate->oidc);
	free(gate);
}

const struct forward_identity *gate_identity(const struct gate *gate)
{
	return gate && gate->known ? &gate->identity : NULL;
}

/* ---- Waiting ---- */

/* The client may go on sending its body when a target is there to take it. */
static void wait(struct stream *s)
{
	if (!(s->flags & (STREAM_NO_BODY | STREAM_CLIENT_PAUSED))) {
		s->flags |= STREAM_CLIENT_PAUSED;
		exchange_pause(s->client);
	}
	stream_rearm(s);
}

/* The bytes of the head have moved since it came. False: `s` is gone. */
static bool wake(struct stream *s)
{
	if (stream_read_facts(s)) {
		stream_stop(s, END_INTERNAL);
		return false;
	}
	s->decide.target_ms = loop_now_ms(s->worker->loop); /* its clocks begin now */
	return true;
}

static uint64_t unix_s(const struct stream *s)
{
	return loop_unix_us(s->worker->loop) / 1000000;
}

/* ---- Signing in ---- */

static struct oidc_request request_of(const struct stream *s)
{
	return (struct oidc_request){
		.head = s->pending->head,
		.facts = &s->pending->facts,
		.unix_s = unix_s(s),
	};
}

static void on_answer(void *owner, const struct fetch_answer *answer);

static void ask(struct gate *gate, const struct oidc_step *step)
{
	struct stream *s = gate->s;
	struct fetch_request request = {
		.url = step->url,
		.form = step->form,
		.authorization = step->authorization,
		.timeout_ms = OIDC_ASK_MS,
		.answer_max = OIDC_ANSWER_MAX,
		.share_ms = step->share_ms,
	};

	if (!gate->asked_us)
		gate->asked_us = loop_unix_us(s->worker->loop);
	if (fetch_start(s->worker->auth->fetcher, s->worker->loop, &request, on_answer, gate,
			&gate->fetch)) {
		gate->fetch = NULL;
		s->error_reason = "AuthUnhandledException";
		record_count_balancer(s, COUNTER_AUTH_ERRORS, 1);
		stream_stop(s, END_AUTH_FAILED);
		return;
	}
	wait(s);
}

static void answer(struct gate *gate, const struct oidc_step *step)
{
	struct stream *s = gate->s;
	enum end_reason reason = step->status == 302   ? END_AUTH_REDIRECT
				 : step->status == 401 ? END_AUTH_DENIED
				 : step->status == 561 ? END_AUTH_PROVIDER
						       : END_AUTH_FAILED;
	struct page page;

	s->error_reason = step->error_reason;
	if (page_gate(step->status, step->location, step->cookies.values, step->cookies.count,
		      s->listener, unix_s(s) * 1000, &s->pending->arena, &page))
		stream_stop(s, END_INTERNAL);
	else
		stream_answer(s, &page, reason);
}

static void pass(struct gate *gate, const struct oidc_step *step)
{
	struct stream *s = gate->s;

	if (step->cookies.count &&
	    stream_keep_cookies(s, step->cookies.values, step->cookies.count)) {
		stream_stop(s, END_INTERNAL);
		return;
	}
	gate->known = step->data.at != NULL;
	gate->identity = (struct forward_identity){
		.access_token = step->access_token,
		.subject = step->identity,
		.data = step->data,
	};
	gate->index++;
	go_on(gate);
}

static void follow(struct gate *gate, err_t err, const struct oidc_step *step)
{
	struct stream *s = gate->s;

	if (err) {
		s->error_reason = "AuthUnhandledException";
		record_count_balancer(s, COUNTER_AUTH_ERRORS, 1);
		stream_stop(s, END_AUTH_FAILED);
		return;
	}
	if (step->counter != OIDC_NO_COUNTER)
		record_count_balancer(s, (enum metric_counter)step->counter, 1);
	if (step->order != OIDC_ASK && gate->asked_us)
		record_observe(s, HISTOGRAM_AUTH_LATENCY,
			       loop_unix_us(s->worker->loop) - gate->asked_us);
	switch (step->order) {
	case OIDC_FORWARD: pass(gate, step); return;
	case OIDC_ANSWER: answer(gate, step); return;
	case OIDC_ASK: ask(gate, step); return;
	}
}

static void on_answer(void *owner, const struct fetch_answer *answered)
{
	struct gate *gate = owner;
	struct stream *s = gate->s;
	struct oidc_request request;
	struct oidc_step step;
	err_t err;

	gate->fetch = NULL;
	if (!wake(s))
		return;
	request = request_of(s);
	err = oidc_answered(&gate->oidc, &request, answered->err, answered->status, answered->body,
			    &step);
	follow(gate, err, &step);
}

static void sign_in(struct gate *gate, const struct oidc_config *config)
{
	struct oidc_request request = request_of(gate->s);
	struct oidc_step step;
	err_t err = oidc_init(&gate->oidc, config, &gate->house);

	gate->signing = true;
	gate->s->gates |= GATES_AUTHENTICATED;
	if (!err)
		err = gate->callback ? oidc_callback(&gate->oidc, &request, &step)
				     : oidc_begin(&gate->oidc, &request, &step);
	follow(gate, err, &step);
}

/* ---- Tokens ---- */

static void refuse_token(struct gate *gate, const char *reason, enum end_reason end)
{
	struct stream *s = gate->s;

	s->error_reason = reason;
	record_count_balancer(s, COUNTER_JWT_FAILURES, 1);
	stream_stop(s, end);
}

static void check_token(struct gate *gate, const struct jwt_config *config)
{
	struct stream *s = gate->s;
	const char *reason;

	switch (jwks_verify(s->worker->jwks, config->jwks_url, &gate->token, &gate->waiter,
			    &reason)) {
	case JWKS_WAIT: wait(s); return;
	case JWKS_UNAVAILABLE: refuse_token(gate, reason, END_JWKS_FAILED); return;
	case JWKS_DOES_NOT:
		refuse_token(gate, "JWTSignatureValidationError", END_JWT_DENIED);
		return;
	case JWKS_HOLDS: break;
	}
	reason = jwt_check_claims(config, gate->token.claims, unix_s(s));
	if (reason) {
		refuse_token(gate, reason, END_JWT_DENIED);
		return;
	}
	record_count_balancer(s, COUNTER_JWT_SUCCESSES, 1);
	gate->index++;
	go_on(gate);
}

static void read_token(struct gate *gate, const struct jwt_config *config)
{
	struct stream *s = gate->s;
	const char *reason = jwt_read(s->pending->head, &gate->token);

	s->gates |= s->gates & GATES_AUTHENTICATED ? GATES_TOKEN : GATES_TOKEN | GATES_TOKEN_FIRST;
	if (reason)
		refuse_token(gate, reason, END_JWT_DENIED);
	else
		check_token(gate, config);
}

static void on_keys(struct jwks_waiter *waiter)
{
	struct gate *gate = container_of(waiter, struct gate, waiter);

	/* The token's text moved with the head; what is kept of it was taken apart. */
	jose_fini(&gate->token);
	if (!wake(gate->s))
		return;
	read_token(gate, &gate->s->rule->gates[gate->index].jwt);
}

/* ---- In order ---- */

static void go_on(struct gate *gate)
{
	struct stream *s = gate->s;
	const struct gate_config *next;

	if (gate->index == s->rule->gate_count) {
		stream_perform(s);
		return;
	}
	next = &s->rule->gates[gate->index];
	if (next->kind == GATE_JWT)
		read_token(gate, &next->jwt);
	else
		sign_in(gate, &next->oidc);
}

void gate_begin(struct stream *s)
{
	s->pending->gate = gate_create(s);
	if (s->pending->gate)
		go_on(s->pending->gate);
	else
		stream_stop(s, END_INTERNAL);
}

/* ---- Callbacks ---- */

/* The gate that sent the client to its provider, by the state that came back; else the first. */
static bool find_gate(struct stream *s, const struct gate *gate, const struct plan_rule **ret_rule,
		      unsigned *ret_index)
{
	struct oidc_request request = request_of(s);
	bool found = false, knows = false;

	for (unsigned r = 0; r < s->listener->rule_count && !knows; r++)
		for (unsigned g = 0; g < s->listener->rules[r].gate_count && !knows; g++) {
			const struct plan_rule *rule = &s->listener->rules[r];
			struct oidc oidc;

			if (rule->gates[g].kind != GATE_AUTHENTICATE)
				continue;
			knows = !oidc_init(&oidc, &rule->gates[g].oidc, &gate->house) &&
				oidc_knows_state(&oidc, &request);
			oidc_fini(&oidc);
			if (found && !knows)
				continue;
			*ret_rule = rule;
			*ret_index = g;
			found = true;
		}
	return found;
}

bool gate_callback(struct stream *s)
{
	struct gate *gate;

	if (!s->listener->authenticates ||
	    !bytes_eq(s->pending->facts.path, BYTES(OIDC_CALLBACK_PATH)))
		return false;
	gate = s->pending->gate = gate_create(s);
	if (!gate || !find_gate(s, gate, &s->rule, &gate->index)) {
		stream_stop(s, END_INTERNAL);
		return true;
	}
	s->rule_priority = (int32_t)s->rule->priority;
	gate->callback = true;
	sign_in(gate, &s->rule->gates[gate->index].oidc);
	return true;
}
