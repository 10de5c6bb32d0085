/*
 * driver: runs a fuzz target without libFuzzer, on files or on mutations of them.
 *
 *     fuzz_h1 FILE…                       each file once
 *     fuzz_h1 -max_total_time=N DIR…      mutates what the folders hold for N seconds
 *
 * For machines without clang's runtime: no coverage, but the same targets and the same asserts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/rng.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 64 * 1024, INPUTS_MAX = 4096 };

static struct text inputs[INPUTS_MAX];
static size_t input_count;

static void load_file(const char *path)
{
	char piece[4096];
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file || input_count == INPUTS_MAX) {
		if (file)
			fclose(file);
		return;
	}
	text_init(&inputs[input_count], INPUT_MAX);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&inputs[input_count], bytes_make(piece, n));
	fclose(file);
	input_count++;
}

static void load(const char *path)
{
	struct dirent *entry;
	struct stat info;
	DIR *dir;

	if (stat(path, &info))
		return;
	if (!S_ISDIR(info.st_mode)) {
		load_file(path);
		return;
	}
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		char full[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
		load_file(full);
	}
	if (dir)
		closedir(dir);
}

static void run(const struct text *input)
{
	LLVMFuzzerTestOneInput((const uint8_t *)text_str(input), input->len);
}

/* The bytes from `at` once more at the end; through a copy, since text may move as it grows. */
static void repeat_tail(struct text *out, size_t at)
{
	char *tail = bytes_dup(bytes_from(text_bytes(out), at));
	size_t len = out->len - at;

	if (tail && out->len + len < INPUT_MAX)
		text_add(out, bytes_make(tail, len));
	free(tail);
}

/* A few flips, cuts and repeats of a known input, or noise. */
static void mutate(struct rng *rng, struct text *out)
{
	text_clear(out);
	if (input_count && rng_below(rng, 8))
		text_add(out, text_bytes(&inputs[rng_below(rng, input_count)]));
	else
		for (uint64_t n = rng_below(rng, 200); n; n--)
			text_add_char(out, (char)rng_next(rng));
	for (uint64_t n = 1 + rng_below(rng, 8); n && out->len; n--) {
		size_t at = rng_below(rng, out->len);

		switch (rng_below(rng, 4)) {
		case 0: out->at[at] = (char)rng_next(rng); break;
		case 1: out->at[at] ^= (char)(1u << rng_below(rng, 8)); break;
		case 2: out->len = at; break;
		default: repeat_tail(out, at); break;
		}
	}
}

int main(int argc, char **argv)
{
	struct text input = TEXT_INIT(INPUT_MAX);
	struct rng rng;
	time_t until = 0;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-max_total_time=", 16) == 0)
			until = time(NULL) + atoi(argv[i] + 16);
		else if (argv[i][0] != '-')
			load(argv[i]);
	}
	for (size_t i = 0; i < input_count; i++)
		run(&inputs[i]);
	rng_seed(&rng, (uint64_t)time(NULL));
	while (time(NULL) < until)
		for (int i = 0; i < 1000; i++) {
			mutate(&rng, &input);
			run(&input);
		}
	text_fini(&input);
	for (size_t i = 0; i < input_count; i++)
		text_fini(&inputs[i]);
	return 0;
}
