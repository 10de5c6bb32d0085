/*
 * runtimes: the files of src/services/lambda/runtime, as the build put them into the program.
 */
#ifndef SERVICES_LAMBDA_RUNTIMES_H
#define SERVICES_LAMBDA_RUNTIMES_H

#include <stddef.h>

struct lambda_runtime_file {
	const char *name; /* "bootstrap.py" */
	const unsigned char *at;
	size_t len;
};

extern const struct lambda_runtime_file lambda_runtimes[];
extern const size_t lambda_runtime_count;

#endif
