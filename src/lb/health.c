#include "lb/health.h"

#include <stdio.h>

/* One row a reason: AWS's code and its description (reference/alb.md §4.1). */
static const struct {
	const char *name, *words;
} reason_rows[] = {
	[HEALTH_NO_REASON] = { NULL, NULL },
	[HEALTH_REGISTRATION_IN_PROGRESS] = { "Elb.RegistrationInProgress",
					      "Target registration is in progress" },
	[HEALTH_INITIAL_HEALTH_CHECKING] = { "Elb.InitialHealthChecking",
					     "Initial health checks in progress" },
	[HEALTH_RESPONSE_CODE_MISMATCH] = { "Target.ResponseCodeMismatch",
					    "Health checks failed with these codes" },
	[HEALTH_TIMEOUT] = { "Target.Timeout", "Request timed out" },
	[HEALTH_FAILED_HEALTH_CHECKS] = { "Target.FailedHealthChecks", "Health checks failed" },
	[HEALTH_INTERNAL_ERROR] = { "Elb.InternalError",
				    "Health checks failed due to an internal error" },
	[HEALTH_NOT_REGISTERED] = { "Target.NotRegistered",
				    "Target is not registered to the target group" },
	[HEALTH_NOT_IN_USE] = { "Target.NotInUse", "Target group is not configured to receive "
						   "traffic from the load balancer" },
	[HEALTH_INVALID_STATE] = { "Target.InvalidState", "Target is in an invalid state" },
	[HEALTH_IP_UNUSABLE] = { "Target.IpUnusable", "The IP address cannot be used as a target, "
						      "as it is in use by a load balancer" },
	[HEALTH_DEREGISTRATION_IN_PROGRESS] = { "Target.DeregistrationInProgress",
						"Target deregistration is in progress" },
	[HEALTH_HEALTH_CHECK_DISABLED] = { "Target.HealthCheckDisabled",
					   "Health checks are not enabled for this target" },
};

static const char *const state_names[] = {
	[HEALTH_INITIAL] = "initial",	  [HEALTH_HEALTHY] = "healthy",
	[HEALTH_UNHEALTHY] = "unhealthy", [HEALTH_UNUSED] = "unused",
	[HEALTH_DRAINING] = "draining",	  [HEALTH_UNAVAILABLE] = "unavailable",
};

const char *health_state_name(enum health_state state)
{
	assert((unsigned)state < COUNT(state_names));
	return state_names[state];
}

const char *health_reason_name(enum health_reason reason)
{
	assert((unsigned)reason < COUNT(reason_rows));
	return reason_rows[reason].name;
}

const char *health_reason_words(enum health_reason reason)
{
	assert((unsigned)reason < COUNT(reason_rows));
	return reason_rows[reason].words;
}

void health_describe(const struct health *health, char out[HEALTH_WORDS_BYTES])
{
	const char *words = health_reason_words(health->reason);

	if (health->reason == HEALTH_RESPONSE_CODE_MISMATCH)
		snprintf(out, HEALTH_WORDS_BYTES, "%s: [%u]", words, health->last_status);
	else
		snprintf(out, HEALTH_WORDS_BYTES, "%s", words ? words : "");
}

/* ---- The machine ---- */

static void enter(struct health *health, enum health_state state, enum health_reason reason)
{
	health->state = state;
	health->reason = reason;
	health->passes = health->failures = 0;
	if (state != HEALTH_HEALTHY)
		health->healthy_since_ms = 0;
}

void health_init(struct health *health, bool in_use)
{
	*health = (struct health){ .state = HEALTH_UNUSED };
	if (in_use)
		enter(health, HEALTH_INITIAL, HEALTH_REGISTRATION_IN_PROGRESS);
	else
		enter(health, HEALTH_UNUSED, HEALTH_NOT_IN_USE);
}

void health_set_in_use(struct health *health, bool in_use)
{
	if (health->state == HEALTH_DRAINING)
		return;
	if (in_use && (health->state == HEALTH_UNUSED || health->state == HEALTH_UNAVAILABLE))
		enter(health, HEALTH_INITIAL, HEALTH_REGISTRATION_IN_PROGRESS);
	else if (!in_use)
		enter(health, HEALTH_UNUSED, HEALTH_NOT_IN_USE);
}

void health_set_unchecked(struct health *health)
{
	if (health->state != HEALTH_DRAINING && health->state != HEALTH_UNUSED)
		enter(health, HEALTH_UNAVAILABLE, HEALTH_HEALTH_CHECK_DISABLED);
}

void health_drain(struct health *health)
{
	enter(health, HEALTH_DRAINING, HEALTH_DEREGISTRATION_IN_PROGRESS);
}

void health_probe_sent(struct health *health)
{
	if (health->reason == HEALTH_REGISTRATION_IN_PROGRESS)
		health->reason = HEALTH_INITIAL_HEALTH_CHECKING;
}

static enum health_reason reason_of(enum probe_result result)
{
	switch (result) {
	case PROBE_WRONG_STATUS: return HEALTH_RESPONSE_CODE_MISMATCH;
	case PROBE_TIMED_OUT: return HEALTH_TIMEOUT;
	case PROBE_FAILED: return HEALTH_FAILED_HEALTH_CHECKS;
	case PROBE_PASS: break;
	}
	assert(0 && "a pass has no reason");
	return HEALTH_NO_REASON;
}

static void count_up(uint8_t *counter)
{
	if (*counter < UINT8_MAX)
		++*counter;
}

/* The first pass of all makes a target healthy; after a failure it takes the threshold. */
static bool passed(struct health *health, uint8_t healthy_threshold, uint64_t now_ms)
{
	health->failures = 0;
	count_up(&health->passes);
	if (health->state == HEALTH_HEALTHY)
		return false;
	if (health->state == HEALTH_UNHEALTHY && health->passes < healthy_threshold)
		return false;
	enter(health, HEALTH_HEALTHY, HEALTH_NO_REASON);
	health->healthy_since_ms = now_ms;
	return true;
}

static bool failed(struct health *health, uint8_t unhealthy_threshold, enum health_reason reason)
{
	health->passes = 0;
	count_up(&health->failures);
	if (health->state == HEALTH_UNHEALTHY) {
		health->reason = reason; /* the latest is what helps who looks */
		return false;
	}
	if (health->failures < unhealthy_threshold)
		return false;
	enter(health, HEALTH_UNHEALTHY, reason);
	return true;
}

bool health_probed(struct health *health, struct health_thresholds thresholds,
		   enum probe_result result, uint16_t status, uint64_t now_ms)
{
	bool probed = health->state == HEALTH_INITIAL || health->state == HEALTH_HEALTHY ||
		      health->state == HEALTH_UNHEALTHY;

	if (!probed) /* a probe that was under way when the target left service */
		return false;
	health_probe_sent(health);
	if (result == PROBE_PASS)
		return passed(health, thresholds.healthy, now_ms);
	if (result == PROBE_WRONG_STATUS)
		health->last_status = status;
	return failed(health, thresholds.unhealthy, reason_of(result));
}

/* ---- Matchers ---- */

/* Which codes there are: HTTP's have three digits, gRPC's one or two. */
struct codes {
	uint16_t min, max;
	size_t len_min, len_max;
};

static const struct codes http_codes = { 200, 499, 3, 3 }, grpc_codes = { 0, 99, 1, 2 };

static bool parse_code(struct bytes text, const struct codes *codes, uint16_t *ret_code)
{
	uint64_t value;

	if (text.len < codes->len_min || text.len > codes->len_max ||
	    bytes_to_u64(text, codes->max, &value) || value < codes->min)
		return false;
	*ret_code = (uint16_t)value;
	return true;
}

static bool parse_range(struct bytes item, const struct codes *codes, uint16_t *ret_first,
			uint16_t *ret_last)
{
	size_t dash = bytes_index(item, '-');

	if (dash == SIZE_MAX) {
		if (!parse_code(item, codes, ret_first))
			return false;
		*ret_last = *ret_first;
		return true;
	}
	return parse_code(bytes_upto(item, dash), codes, ret_first) &&
	       parse_code(bytes_from(item, dash + 1), codes, ret_last) && *ret_first <= *ret_last;
}

static bool is_valid(struct bytes matcher, const struct codes *codes)
{
	struct bytes rest = matcher, item;
	uint16_t first, last;

	if (matcher.len == 0)
		return false;
	while (bytes_cut(&rest, ',', &item))
		if (!parse_range(item, codes, &first, &last))
			return false;
	return true;
}

bool matcher_valid(struct bytes matcher)
{
	return is_valid(matcher, &http_codes);
}

bool matcher_valid_grpc(struct bytes matcher)
{
	return is_valid(matcher, &grpc_codes);
}

static bool matches(struct bytes matcher, const struct codes *codes, uint16_t status)
{
	struct bytes rest = matcher, item;
	uint16_t first, last;

	while (bytes_cut(&rest, ',', &item))
		if (parse_range(item, codes, &first, &last) && first <= status && status <= last)
			return true;
	return false;
}

bool matcher_matches(struct bytes matcher, uint16_t status)
{
	return matches(matcher, &http_codes, status);
}

bool matcher_matches_grpc(struct bytes matcher, uint16_t status)
{
	return matches(matcher, &grpc_codes, status);
}
