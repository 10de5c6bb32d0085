#include "tests/check.h"

#include <stdio.h>

enum { TESTS_MAX = 1024 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

void check_register(const char *name, void (*run)(void **state))
{
	assert(test_count < TESTS_MAX);
	tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = run };
}

const char *check_words(const char *format, ...)
{
	static _Thread_local char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	return words;
}

void check_failed(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_fail(file, line);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]); /* "*boundary*" runs those alone */
	return _cmocka_run_group_tests(argv[0], tests, test_count, NULL, NULL);
}
