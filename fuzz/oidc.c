/*
 * A sign-in that everybody lies to. The first byte says where the input goes: cookies, the query of
 * a callback, or an answer of the provider to one of the questions. Nobody is ever signed in by it,
 * and what goes into a header field stays one.
 */
#include <stdlib.h>

#include "lb/oidc.h"

static const struct oidc_config config = {
	.issuer = { "https://i", 9 },
	.authorization_endpoint = { "https://i/a", 11 },
	.token_endpoint = { "https://i/t", 11 },
	.user_info_endpoint = { "https://i/u", 11 },
	.client_id = { "c", 1 },
	.client_secret = { "s", 1 },
	.cookie_name = { "S", 1 },
	.scope = { "openid", 6 },
	.session_seconds = 60,
};
static const uint8_t master[SEAL_KEY_BYTES] = { 7 };
static struct oidc_house house = { .master = master,
				   .load_balancer_arn = { "arn", 3 },
				   .load_balancer_id = { "id", 2 } };

static void check_step(err_t err, const struct oidc_step *step)
{
	if (err)
		return;
	if (step->order == OIDC_FORWARD && step->data.at)
		abort(); /* somebody is signed in */
	for (size_t i = 0; i < step->location.len; i++)
		if ((unsigned char)step->location.at[i] < ' ')
			abort();
	for (unsigned c = 0; c < step->cookies.count; c++)
		for (size_t i = 0; i < step->cookies.values[c].len; i++)
			if ((unsigned char)step->cookies.values[c].at[i] < ' ')
				abort();
	for (size_t i = 0; i < step->authorization.len; i++)
		if ((unsigned char)step->authorization.at[i] < ' ')
			abort();
}

static void on_answer(struct oidc *o, struct oidc_request *request, struct bytes in,
		      enum oidc_stage stage)
{
	struct oidc_step step;

	o->stage = stage;
	o->nonce_sent = BYTES("nonce");
	o->session.subject = BYTES("nobody that an answer knows");
	check_step(oidc_answered(o, request, ERR_OK, 200, in, &step), &step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data + !!size, size - !!size);
	struct http_field field = { BYTES("Cookie"), BYTES_NONE };
	struct http_head head = { .authority = BYTES("h"), .fields = &field, .field_count = 1 };
	struct route_facts facts = { .host = BYTES("h"), .path = BYTES("/") };
	struct oidc_request request = { &head, &facts, 1000 };
	struct oidc_step step;
	struct oidc o;

	if (size < 2 || oidc_init(&o, &config, &house))
		return 0;
	switch (data[0] % 4) {
	case 0:
		field.value = in;
		check_step(oidc_begin(&o, &request, &step), &step);
		break;
	case 1:
		facts.query = in;
		check_step(oidc_callback(&o, &request, &step), &step);
		break;
	case 2: on_answer(&o, &request, in, OIDC_ASKING_TOKEN); break;
	case 3: on_answer(&o, &request, in, OIDC_ASKING_USER); break;
	}
	oidc_fini(&o);
	return 0;
}
