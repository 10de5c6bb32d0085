/*
 * converter: a program that turns bytes into bytes, run to its end under limits: for converters
 * that read what strangers sent. No shell, no network (sockets are refused by a filter the child
 * cannot lift), bounded time, memory and output; it dies with us. Blocking; any thread.
 */
#ifndef ENGINE_CONVERTER_H
#define ENGINE_CONVERTER_H

#include <stdatomic.h>

#include "base/text.h"

struct converter_options {
	const char *program; /* a path, or a name that is looked for in /usr/bin, /usr/local/bin */
	char *const *arguments; /* argv, NULL-terminated; argv[0] included */
	struct bytes input;	/* its standard input, a file it can seek in */
	size_t output_max;
	uint32_t time_ms;	       /* wall clock; half as much again of processor time */
	uint64_t memory_max;	       /* address space, bytes */
	const _Atomic bool *cancelled; /* or NULL */
};

/* Whether there is such a program here. */
bool converter_exists(const char *program);

/*
 * Appends what it wrote to *output, and the first of its complaints to *complaints. ERR_OK when it
 * ended with 0; ERR_INVALID when with another code or a signal; ERR_NOT_FOUND (no such program),
 * ERR_EXPIRED, ERR_TOO_LARGE (output), ERR_CANCELLED, ERR_SYSTEM, ERR_NOMEM.
 */
err_t converter_run(const struct converter_options *options, struct text *output,
		    struct text *complaints);

#endif
