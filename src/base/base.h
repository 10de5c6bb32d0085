/*
 * base: the words every room speaks: error numbers, TRY, COUNT, container_of.
 *
 * Nothing in base does I/O or knows what a load balancer is.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "Weir ships with its assertions on: build without NDEBUG"
#endif

#include "base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Returns the error of `expr` from the calling function, if there is one. */
#define TRY(expr)                        \
	do {                             \
		err_t try_err_ = (expr); \
		if (try_err_)            \
			return try_err_; \
	} while (0)

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
