#include "tests/check.h"

#include "rag/settings.h"

static const char *environment(const char *name)
{
	if (strcmp(name, "PORT") == 0)
		return "9000";
	if (strcmp(name, "RAG_PACE_MS") == 0)
		return "5";
	if (strcmp(name, "RAG_DATA") == 0)
		return ""; /* set, but to nothing: as if it were not */
	return NULL;
}

static const char *nothing(const char *name)
{
	(void)name;
	return NULL;
}

TEST(a_flag_wins_over_the_environment_and_that_over_the_default)
{
	char *const argv[] = { "ragd", "--port=7000", "--documents", "docs", NULL };
	struct text why = TEXT_INIT(1024);
	struct settings settings;

	CHECK_OK(settings_read(4, argv, environment, &settings, &why));
	CHECK_EQ(settings.port, 7000);
	CHECK_EQ(settings.pace_ms, 5);
	CHECK_STR(settings.documents, "docs");
	CHECK_STR(settings.data, ".weir/rag");
	CHECK_STR(settings.host, "127.0.0.1");
	CHECK_OK(settings_read(1, argv, nothing, &settings, &why));
	CHECK_EQ(settings.port, 8000);
	CHECK_EQ(settings.pace_ms, 20);
	text_fini(&why);
}

TEST(a_bad_option_is_one_clear_sentence)
{
	static char *const bad[][3] = {
		{ "ragd", "--port", "x" },     { "ragd", "--port", "65536" },
		{ "ragd", "--port", "-1" },    { "ragd", "--what", "now" },
		{ "ragd", "stray", "--help" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct text why = TEXT_INIT(1024);
		struct settings settings;

		CHECK_ERR(settings_read(3, bad[i], nothing, &settings, &why), ERR_INVALID, "%s",
			  bad[i][1]);
		CHECK(why.len > 10 && why.at[why.len - 1] == '.', "%s", text_str(&why));
		text_fini(&why);
	}
}

TEST(help_names_every_setting)
{
	struct text out = TEXT_INIT(16384);

	settings_help(&out);
#define STRING(name, environment, flag, value, help) \
	CHECK(strstr(out.at, environment) && strstr(out.at, help));
#define NUMBER(name, environment, flag, value, min, max, help) CHECK(strstr(out.at, environment));
#include "rag/settings.def"
#undef STRING
#undef NUMBER
	CHECK_OK(text_err(&out));
	text_fini(&out);
}
