#include "engine/program.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"

static char folder[PATH_MAX];

static const char *find(const char *image, const char *first)
{
	static struct text why;
	static struct program program;
	err_t err;

	text_fini(&why);
	text_init(&why, 4096);
	err = program_find(folder, image, first, &program, &why);
	if (err)
		return text_str(&why);
	CHECK(strncmp(program.path, folder, strlen(folder)) == 0 || program.path[1] == 'b', "%s",
	      program.path);
	return strrchr(program.path, '/') + 1;
}

TEST(an_image_of_ours_is_a_program_beside_us_whatever_its_registry_and_tag)
{
	CHECK_OK(program_folder(folder));
	CHECK_STR(find("weir/test_engine_program", NULL), "test_engine_program");
	CHECK_STR(find("weir/test_engine_program:latest", "x"), "test_engine_program");
	CHECK_STR(find("000000000000.dkr.ecr.us-east-1.amazonaws.com/weir/"
		       "test_engine_program@sha256:00",
		       NULL),
		  "test_engine_program");
}

TEST(a_folder_runs_the_first_word_of_its_command_inside_of_it)
{
	CHECK_STR(find("file:/bin", "sh"), "sh");
	CHECK_STR(find("file:/bin", "/sh"), "sh");
	CHECK_STR(find("file:/bin/sh", NULL), "sh");
	CHECK_STR(find("file:/bin", "../etc/passwd"),
		  "'../etc/passwd' is not a path inside of /bin");
	CHECK_STR(find("file:/bin", NULL), "there is no program /bin/bootstrap (the container has "
					   "no command, so 'bootstrap' is looked for)");
}

TEST(what_stands_for_nothing_is_told_in_a_sentence)
{
	CHECK_STR(
		find("nginx:latest", NULL),
		"the process engine runs programs, not images: 'nginx:latest' is neither "
		"'weir/NAME' (a program beside weir) nor 'file:/PATH' nor 'oci:/FOLDER'; images run where "
		"a Docker engine answers (--engine, --docker-socket)");
	CHECK(strstr(find("weir/nothing", NULL), "there is no program nothing in "));
	CHECK(strstr(find("weir/..", NULL), "not images"));
	CHECK(strstr(find("weir/a/b", NULL), "not images"));
	CHECK_STR(find("file:relative", NULL), "'file:relative': the path has to begin with '/'");
}
