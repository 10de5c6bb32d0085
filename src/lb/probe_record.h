/*
 * probe_record: what is logged of a health check: a line of ALB's health check log
 * (reference/alb.md §7.5). Pure.
 */
#ifndef LB_PROBE_RECORD_H
#define LB_PROBE_RECORD_H

#include "base/text.h"
#include "net/address.h"

enum probe_type {
	PROBE_TYPE_HTTP,
	PROBE_TYPE_HTTPS,
	PROBE_TYPE_H2,
	PROBE_TYPE_GRPC,
	PROBE_TYPE_LAMBDA
};

/* Why it failed, in ALB's words. */
enum probe_reason {
	PROBE_NO_REASON, /* it passed */
	PROBE_REASON_TIMED_OUT,
	PROBE_REASON_CONNECTION_RESET, /* refused, reset, broken off, malformed */
	PROBE_REASON_CODE_MISMATCH,
	PROBE_REASON_TARGET_ERROR, /* 5xx, which the matcher does not want */
	PROBE_REASON_INTERNAL_ERROR,
	PROBE_REASON_GRPC_STATUS_EMPTY,
	PROBE_REASON_GRPC_STATUS_UNEXPECTED,
	PROBE_REASONS
};

/* Slices are borrowed for the call. */
struct probe_record {
	enum probe_type type;
	uint64_t time_unix_us; /* of its end */
	uint64_t latency_us;
	struct address target;	   /* what was asked: with the health check's port */
	struct bytes function_arn; /* LAMBDA, in its place */
	struct bytes group_name, load_balancer_id;
	enum probe_reason reason;
	bool answered;
	uint16_t status; /* of HTTP or gRPC, once answered */
};

/* Appends the line with its LF; `node_ip` is who asked. */
void probe_line(struct text *out, const struct probe_record *record, struct bytes node_ip);

#endif
