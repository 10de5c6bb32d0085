/*
 * output: what one environment says, as log events: the program's lines, and those about its
 * invocations. Lines are gathered and handed on together. The control thread; no clock of its own.
 */
#ifndef SERVICES_LAMBDA_OUTPUT_H
#define SERVICES_LAMBDA_OUTPUT_H

#include "base/text.h"

enum {
	OUTPUT_LINE_BYTES_MAX = 256 * 1024, /* of one event; a longer line becomes several */
	OUTPUT_HELD_BYTES_MAX = 1024 * 1024,
	OUTPUT_LINES_MAX = 1024,
	OUTPUT_TAIL_BYTES = 4096, /* AWS: what LogType=Tail gives */
};

struct output_line {
	uint64_t unix_ms;
	struct bytes text;
};

/* Takes the lines over; they are borrowed for the call. */
typedef void (*output_write_fn)(void *owner, const char *group, const char *stream,
				const struct output_line *lines, size_t count);

struct output {
	char *group, *stream;
	output_write_fn write;
	void *owner;
	struct text held; /* whole lines, one after the other */
	struct output_mark {
		uint64_t unix_ms;
		size_t end;
	} marks[OUTPUT_LINES_MAX]; /* where in `held` each ends */
	size_t count;
	struct text partial; /* a line without its end yet */
	char tail[OUTPUT_TAIL_BYTES];
	size_t tail_len;
};

/* Copies the names. ERR_NOMEM. */
err_t output_init(struct output *output, const char *group, const char *stream,
		  output_write_fn write, void *owner);
void output_fini(struct output *output); /* flushes */

void output_add(struct output *output, struct bytes data, uint64_t unix_ms); /* of the program */
/* A line of ours; a line that the program began is ended first. */
void output_line(struct output *output, struct bytes line, uint64_t unix_ms);
void output_flush(struct output *output);
bool output_is_empty(const struct output *output);

/* The last lines since output_tail_clear. */
void output_tail_clear(struct output *output);
struct bytes output_tail(const struct output *output);

#endif
