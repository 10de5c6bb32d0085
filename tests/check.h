/*
 * check: tests as sentences, on cmocka.
 *
 *     TEST(a_list_gives_back_what_it_was_given) { CHECK_EQ(list_count(&l), 3, "after %d adds", 3);
 * }
 *
 * A file of tests is a program of its own: tests register themselves, main is in check.c. The
 * words after the value are printed when the check fails. SKIP("reason") ends a test as skipped.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#include <cmocka.h>

void check_register(const char *name, void (*run)(void **state));
void check_failed(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
/* "detail" text of the checks below: formats the optional words. */
const char *check_words(const char *format, ...) PRINTF_LIKE(1, 2);

#define TEST(name)                                                     \
	static void name(void **state);                                \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		check_register(#name, name);                           \
	}                                                              \
	static void name(void **state __attribute__((unused)))

#define CHECK(condition, ...)                                                          \
	do {                                                                           \
		if (!(condition))                                                      \
			check_failed(__FILE__, __LINE__, "%s is false:%s", #condition, \
				     check_words(" " __VA_ARGS__));                    \
	} while (0)

#define CHECK_EQ(got, want, ...)                                                                \
	do {                                                                                    \
		long long got_ = (long long)(got), want_ = (long long)(want);                   \
		if (got_ != want_)                                                              \
			check_failed(__FILE__, __LINE__, "%s is %lld, not %lld:%s", #got, got_, \
				     want_, check_words(" " __VA_ARGS__));                      \
	} while (0)

#define CHECK_OK(call, ...)                                                                       \
	do {                                                                                      \
		err_t err_ = (call);                                                              \
		if (err_)                                                                         \
			check_failed(__FILE__, __LINE__, "%s: %s (%s):%s", #call, err_name(err_), \
				     err_words(err_), check_words(" " __VA_ARGS__));              \
	} while (0)

#define CHECK_ERR(call, want, ...)                                                        \
	do {                                                                              \
		err_t err_ = (call);                                                      \
		if (err_ != (want))                                                       \
			check_failed(__FILE__, __LINE__, "%s gives %s, not %s:%s", #call, \
				     err_name(err_), err_name(want),                      \
				     check_words(" " __VA_ARGS__));                       \
	} while (0)

#define CHECK_STR(got, want, ...)                                                                  \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (!got_ || strcmp(got_, want_) != 0)                                             \
			check_failed(__FILE__, __LINE__, "%s is \"%s\", not \"%s\":%s", #got,      \
				     got_ ? got_ : "(null)", want_, check_words(" " __VA_ARGS__)); \
	} while (0)

#define CHECK_BYTES(got, want, ...)                                                               \
	do {                                                                                      \
		struct bytes got_ = (got), want_ = bytes_of(want);                                \
		if (!bytes_eq(got_, want_))                                                       \
			check_failed(__FILE__, __LINE__, "%s is \"%.*s\", not \"%.*s\":%s", #got, \
				     BYTES_ARG(got_), BYTES_ARG(want_),                           \
				     check_words(" " __VA_ARGS__));                               \
	} while (0)

#define SKIP(reason)                                    \
	do {                                            \
		print_message("skipped: %s\n", reason); \
		skip();                                 \
	} while (0)

#endif
