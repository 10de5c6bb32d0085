#include "services/cloudformation/answers.h"

#include <string.h>

#include "api/http.h"
#include "base/log.h"
#include "crypto/random.h"

enum { SECRET_DIGITS = 48, ANSWER_BYTES_MAX = 4096, SIGNALS_MAX = 1000 };

/* ---- Asking ---- */

json_t *answers_ask(struct resource_step *step, const char *type, uint64_t seconds)
{
	json_t *asked = json_object_get(step->record, "Asked");
	uint64_t deadline = now_ms(step->stack->cfn) + seconds * 1000;
	char id[37], secret[SECRET_DIGITS + 1];

	if (asked && step->again && strcmp(text_at(asked, "Type"), type) == 0)
		return asked;
	random_uuid(id);
	random_hex(secret, SECRET_DIGITS);
	asked = json_pack("{s:s, s:s, s:s, s:I}", "Type", type, "RequestId", id, "Secret", secret,
			  "Deadline", (json_int_t)deadline);
	put_new(step->record, "Asked", asked);
	return asked;
}

const char *answers_url(struct resource_step *step)
{
	return arena_printf(step->arena, "%s" CLOUDFORMATION_ANSWER_PATH "%s",
			    step->stack->cfn->endpoint,
			    text_at(json_object_get(step->record, "Asked"), "Secret"));
}

bool answers_late(const struct resource_step *step)
{
	const json_t *asked = json_object_get(step->record, "Asked");

	return now_ms(step->stack->cfn) >=
	       (uint64_t)json_integer_value(json_object_get(asked, "Deadline"));
}

/* ---- Being told ---- */

/* What a secret leads to. */
struct place {
	struct stack *stack;
	json_t *record;
};

static bool opens(const json_t *record, struct bytes secret)
{
	const char *own = text_at(json_object_get(record, "Asked"), "Secret");

	return own[0] && bytes_eq_secret(bytes_of(own), secret);
}

static bool find_in(struct stack *stack, struct bytes secret, struct place *ret_place)
{
	json_t *record;
	const char *logical;
	size_t i;

	ret_place->stack = stack;
	json_object_foreach (stack->resources, logical, record)
		if (opens(record, secret)) {
			ret_place->record = record;
			return true;
		}
	json_array_foreach (json_object_get(stack->body, "Cleanup"), i, record)
		if (opens(record, secret)) {
			ret_place->record = record;
			return true;
		}
	return false;
}

static bool find(struct cloudformation *cfn, struct bytes secret, struct place *ret_place)
{
	list_for_each (&cfn->stacks, node) {
		if (find_in(container_of(node, struct stack, link), secret, ret_place))
			return true;
	}
	return false;
}

static bool is_status(const json_t *told, const char *good, const char *bad)
{
	const char *status = text_at(told, "Status");

	return strcmp(status, good) == 0 || strcmp(status, bad) == 0;
}

/* Of a custom resource: once, and about what was asked. NULL: taken; else what is wrong. */
static const char *take_answer(json_t *record, json_t *told)
{
	json_t *asked = json_object_get(record, "Asked");

	if (json_object_get(asked, "Answer"))
		return NULL; /* twice: the first one counts */
	if (!is_status(told, "SUCCESS", "FAILED"))
		return "Status is SUCCESS or FAILED";
	if (strcmp(text_at(told, "RequestId"), text_at(asked, "RequestId")) != 0 ||
	    strcmp(text_at(told, "StackId"), text_at(record, "StackId")) != 0 ||
	    strcmp(text_at(told, "LogicalResourceId"), text_at(record, "LogicalResourceId")) != 0)
		return "RequestId, StackId and LogicalResourceId are those of the request";
	json_object_set(asked, "Answer", told);
	return NULL;
}

/* Of a wait condition's handle: one a UniqueId. */
static const char *take_signal(json_t *record, json_t *told)
{
	json_t *signals = json_object_get(record, "Signals");
	const char *id = text_at(told, "UniqueId");

	if (!is_status(told, "SUCCESS", "FAILURE"))
		return "Status is SUCCESS or FAILURE";
	if (!id[0])
		return "UniqueId is missing";
	if (!signals)
		put_new(record, "Signals", signals = json_object());
	if (json_object_size(signals) >= SIGNALS_MAX)
		return "There are too many signals";
	if (!json_object_get(signals, id))
		json_object_set(signals, id, told);
	return NULL;
}

const char *answers_signal(struct stack *stack, const char *logical, const char *id,
			   const char *status)
{
	json_t *told = json_pack("{s:s, s:s}", "UniqueId", id, "Status", status);
	const char *wrong = take_signal(json_object_get(stack->resources, logical), told);

	json_decref(told);
	if (wrong)
		return wrong;
	stack->poll_ms = 0;
	return stack_save(stack, &(struct save){ .resource = logical }) ? "This cannot be noted"
									: NULL;
}

/* Too long counts as a failure, as at AWS: the stack need not wait for its time to pass. */
static json_t *read_body(const struct place *place, struct bytes body)
{
	const json_t *asked = json_object_get(place->record, "Asked");

	if (body.len <= ANSWER_BYTES_MAX)
		return json_loadb(body.at ? body.at : "", body.len, 0, NULL);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Status",
			 strcmp(text_at(asked, "Type"), "Signals") == 0 ? "FAILURE" : "FAILED",
			 "Reason", "Response object is too long.", "UniqueId", "too-long",
			 "RequestId", text_at(asked, "RequestId"), "StackId",
			 text_at(place->record, "StackId"), "LogicalResourceId",
			 text_at(place->record, "LogicalResourceId"));
}

static const char *take(const struct place *place, struct bytes body)
{
	const json_t *asked = json_object_get(place->record, "Asked");
	const char *logical = text_at(place->record, "LogicalResourceId"), *wrong;
	bool current = json_object_get(place->stack->resources, logical) == place->record;
	json_t *told = read_body(place, body);

	if (!json_is_object(told))
		wrong = "This is no JSON object";
	else if (strcmp(text_at(asked, "Type"), "Signals") == 0)
		wrong = take_signal(place->record, told);
	else
		wrong = take_answer(place->record, told);
	json_decref(told);
	if (wrong)
		return wrong;
	place->stack->poll_ms = 0;
	return stack_save(place->stack, &(struct save){ .resource = current ? logical : NULL })
		       ? "This cannot be noted"
		       : NULL;
}

static void refuse(struct api_http_request *request, unsigned status, const char *words)
{
	char body[256];

	snprintf(body, sizeof body, "{\"message\": \"%s\"}", words);
	api_http_reply(request, status, "application/json", bytes_of(body));
}

void cloudformation_serve_answer(void *owner, struct api_http_request *request)
{
	struct cloudformation *cfn = owner;
	struct bytes secret = bytes_from(request->path, sizeof CLOUDFORMATION_ANSWER_PATH - 1);
	struct place place;
	const char *wrong;

	if (!find(cfn, secret, &place)) {
		refuse(request, 403, "This address does not hold, or no longer");
		return;
	}
	wrong = take(&place, request->body);
	if (wrong)
		refuse(request, 400, wrong);
	else
		api_http_reply(request, 200, NULL, BYTES_NONE);
}
