/*
 * words: what AWS's service writes into logs and answers about invocations. Pure.
 */
#ifndef SERVICES_LAMBDA_WORDS_H
#define SERVICES_LAMBDA_WORDS_H

#include "base/text.h"

/* How an invocation ended. */
enum lambda_outcome {
	LAMBDA_OK,
	LAMBDA_ERROR,	/* the function said so itself */
	LAMBDA_TIMEOUT, /* its time was over */
	LAMBDA_EXIT,	/* its program ended */
	LAMBDA_ENTRY,	/* its program cannot be started */
	LAMBDA_SIZE,	/* its answer was too large */
};

struct lambda_report {
	const char *request_id, *version;
	enum lambda_outcome outcome;
	uint64_t duration_us, init_us; /* init_us: 0 when it was started before */
	uint32_t memory_mib, timeout_ms;
	uint64_t memory_bytes; /* the most it held */
	int code, signal;      /* of LAMBDA_EXIT */
	err_t start;	       /* of LAMBDA_ENTRY: what the start of the program said */
};

/* Without a newline at the end, as log events have none. */
void words_start(struct text *out, const struct lambda_report *report);
void words_end(struct text *out, const struct lambda_report *report);
void words_report(struct text *out, const struct lambda_report *report);
void words_init_report(struct text *out, const struct lambda_report *report, bool timed_out);
/* "2026-…Z ID Task timed out after 3.00 seconds" */
void words_timeout(struct text *out, const struct lambda_report *report, uint64_t unix_ms);

/* "RequestId: ID Error: Runtime exited with error: exit status 1" */
void words_failure(struct text *out, const struct lambda_report *report);

/* The JSON that the caller gets for every outcome but OK and ERROR. */
void words_error(struct text *out, const struct lambda_report *report);
const char *words_error_type(const struct lambda_report *report); /* "Runtime.ExitError" */

uint64_t words_billed_ms(const struct lambda_report *report); /* rounded up, the start included */

/* "2026/11/22/[$LATEST]…", of 32 hexadecimal digits. */
void words_stream(struct text *out, uint64_t unix_ms, const char *version, const char *hex);

#endif
