/*
 * health: a target's health as a pure machine (reference/alb.md §4). No clock, no socket: the
 * prober tells it what a probe found and when; it answers what the state is.
 */
#ifndef LB_HEALTH_H
#define LB_HEALTH_H

#include "base/bytes.h"

enum health_state {
	HEALTH_INITIAL,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
	HEALTH_UNUSED,
	HEALTH_DRAINING,
	HEALTH_UNAVAILABLE,
};

enum health_reason {
	HEALTH_NO_REASON,
	HEALTH_REGISTRATION_IN_PROGRESS,   /* Elb.RegistrationInProgress */
	HEALTH_INITIAL_HEALTH_CHECKING,	   /* Elb.InitialHealthChecking */
	HEALTH_RESPONSE_CODE_MISMATCH,	   /* Target.ResponseCodeMismatch */
	HEALTH_TIMEOUT,			   /* Target.Timeout */
	HEALTH_FAILED_HEALTH_CHECKS,	   /* Target.FailedHealthChecks */
	HEALTH_INTERNAL_ERROR,		   /* Elb.InternalError */
	HEALTH_NOT_REGISTERED,		   /* Target.NotRegistered */
	HEALTH_NOT_IN_USE,		   /* Target.NotInUse */
	HEALTH_INVALID_STATE,		   /* Target.InvalidState */
	HEALTH_IP_UNUSABLE,		   /* Target.IpUnusable */
	HEALTH_DEREGISTRATION_IN_PROGRESS, /* Target.DeregistrationInProgress */
	HEALTH_HEALTH_CHECK_DISABLED,	   /* Target.HealthCheckDisabled */
};

const char *health_state_name(enum health_state state);	    /* "initial" */
const char *health_reason_name(enum health_reason reason);  /* "Elb.…"; NULL for none */
const char *health_reason_words(enum health_reason reason); /* AWS's description; NULL for none */

enum { HEALTH_WORDS_BYTES = 160 };

enum probe_result {
	PROBE_PASS,
	PROBE_WRONG_STATUS, /* `status` is not in the matcher */
	PROBE_TIMED_OUT,
	PROBE_FAILED, /* refused, reset, malformed */
};

struct health {
	enum health_state state;
	enum health_reason reason;
	uint16_t last_status;	   /* of the last mismatch */
	uint8_t passes, failures;  /* in a row */
	uint64_t healthy_since_ms; /* monotonic; for slow start */
};

void health_init(struct health *health, bool in_use);
void health_set_in_use(struct health *health, bool in_use); /* any but draining ⇄ unused */
void health_set_unchecked(struct health *health); /* in use or draining: nobody asks any more */
void health_drain(struct health *health);	  /* for good; registered again: health_init */
void health_probe_sent(struct health *health);	  /* registration is over, checking has begun */

/* What DescribeTargetHealth says, with the status that did not match; "" where AWS says nothing. */
void health_describe(const struct health *health, char out[HEALTH_WORDS_BYTES]);

struct health_thresholds {
	uint8_t healthy, unhealthy;
};
/* true when the state word changed. */
bool health_probed(struct health *health, struct health_thresholds thresholds,
		   enum probe_result result, uint16_t status, uint64_t now_ms);

/* "200", "200,202", "200-299,301"; the grammar of reference/alb.md §2.2. */
bool matcher_valid(struct bytes matcher);
bool matcher_valid_grpc(struct bytes matcher); /* "12", "0-99" */
bool matcher_matches(struct bytes matcher, uint16_t status);
bool matcher_matches_grpc(struct bytes matcher, uint16_t status);

#endif
