#include "cli/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"

static void set(struct settings *settings, const char *flag, const char *value)
{
	char *words[] = { bytes_dup(bytes_of(flag)), value ? bytes_dup(bytes_of(value)) : NULL,
			  NULL };
	struct text why = TEXT_INIT(1024);

	CHECK_EQ(settings_flag(settings, words, &why), value ? 2 : 1, "%s", text_str(&why));
	free(words[0]);
	free(words[1]);
	text_fini(&why);
}

/* -1 and the words, or what was taken. */
static int refused(const char *flag, const char *value, const char *says)
{
	char *words[] = { bytes_dup(bytes_of(flag)), value ? bytes_dup(bytes_of(value)) : NULL,
			  NULL };
	struct text why = TEXT_INIT(1024);
	struct settings settings;
	int taken;

	CHECK_OK(settings_init(&settings));
	taken = settings_flag(&settings, words, &why);
	if (says)
		CHECK(strstr(text_str(&why), says), "\"%s\" lacks \"%s\"", text_str(&why), says);
	settings_fini(&settings);
	free(words[0]);
	free(words[1]);
	text_fini(&why);
	return taken;
}

TEST(flags_take_their_value_after_a_blank_or_an_equals_sign)
{
	struct settings settings;

	CHECK_OK(settings_init(&settings));
	CHECK(setting_is_default(&settings, SETTING_WORKERS));
	set(&settings, "--workers", "3");
	CHECK_EQ(setting_number(&settings, SETTING_WORKERS), 3);
	set(&settings, "--workers=5", NULL);
	CHECK_EQ(setting_number(&settings, SETTING_WORKERS), 5);
	CHECK(!setting_is_default(&settings, SETTING_WORKERS));
	set(&settings, "--allow-reset", NULL);
	CHECK(setting_flag(&settings, SETTING_ALLOW_RESET));
	settings_fini(&settings);
}

TEST(wrong_values_are_refused_with_a_sentence)
{
	CHECK_EQ(refused("--workers", "65", "0-64"), -1);
	CHECK_EQ(refused("--workers", "-1", "0-64"), -1);
	CHECK_EQ(refused("--port-offset", "60001", "0-60000"), -1);
	CHECK_EQ(refused("--account", "12345678901", "12 digits"), -1);
	CHECK_EQ(refused("--api", "4566", "ADDRESS:PORT"), -1);
	CHECK_EQ(refused("--bind", "localhost", "not an IP address"), -1);
	CHECK_EQ(refused("--auth", "basic", "sigv4|none"), -1);
	CHECK_EQ(refused("--data", NULL, "needs a value"), -1);
	CHECK_EQ(refused("--allow-reset=maybe", NULL, "true or false"), -1);
	CHECK_EQ(refused("--nothing-like-it", "1", NULL), 0, "not ours");
	CHECK_EQ(refused("word", NULL, NULL), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	fputs(text, file);
	fclose(file);
}

static err_t load_file(const char *content, struct settings *settings, struct text *why)
{
	char path[] = "/tmp/weir-settings-XXXXXX";
	int fd = mkstemp(path);
	err_t err;

	CHECK(fd >= 0);
	close(fd);
	write_file(path, content);
	set(settings, "--settings", path);
	err = settings_load(settings, why);
	unlink(path);
	return err;
}

TEST(a_flag_beats_the_environment_beats_the_file_beats_the_default)
{
	struct text why = TEXT_INIT(4096);
	struct settings settings;

	CHECK_OK(settings_init(&settings));
	setenv("WEIR_PORT_OFFSET", "200", 1);
	setenv("WEIR_REGION", "eu-west-1", 1);
	set(&settings, "--region", "eu-north-1");
	CHECK_OK(load_file("port-offset = 100\nworkers = 7\nregion = sa-east-1\n", &settings, &why),
		 "%s", text_str(&why));
	CHECK_STR(setting_text(&settings, SETTING_REGION), "eu-north-1");
	CHECK_EQ(setting_number(&settings, SETTING_PORT_OFFSET), 200);
	CHECK_EQ(setting_number(&settings, SETTING_WORKERS), 7);
	CHECK_EQ(setting_number(&settings, SETTING_DRAIN_SECONDS), 300);
	unsetenv("WEIR_PORT_OFFSET");
	unsetenv("WEIR_REGION");
	settings_fini(&settings);
	text_fini(&why);
}

TEST(a_fault_of_the_file_is_told_with_its_line)
{
	static const struct {
		const char *content, *says;
	} cases[] = {
		{ "# fine\n\nregon = x\n",
		  ":3: setting 'regon' is not known; did you mean 'region'?" },
		{ "workers = many\n", ":1: 'many' is outside 0-64" },
		{ "just words\n", ":1: expected NAME = VALUE" },
		{ "instance.i-1 = here\n", ":1: 'here' is not an IP address" },
		{ "bucket.a.b.endpiont = x\n",
		  ":1: a bucket has no setting 'endpiont'; did you mean 'endpoint'?" },
		{ "bucket.endpoint = x\n", ":1: expected bucket.NAME.endpoint = URL" },
		{ "bucket.a.region =\n", ":1: must not be empty" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text why = TEXT_INIT(4096);
		struct settings settings;

		CHECK_OK(settings_init(&settings));
		CHECK_ERR(load_file(cases[i].content, &settings, &why), ERR_INVALID);
		CHECK(strstr(text_str(&why), cases[i].says), "\"%s\"", text_str(&why));
		settings_fini(&settings);
		text_fini(&why);
	}
}

TEST(instances_are_kept_in_order)
{
	struct text why = TEXT_INIT(4096);
	struct settings settings;
	unsigned count = 0;

	CHECK_OK(settings_init(&settings));
	CHECK_OK(load_file("instance.i-a = 10.0.0.1\ninstance.i-b = ::1\n", &settings, &why));
	list_for_each (&settings.instances, node) {
		const struct instance_setting *instance = container_of(
			node, struct instance_setting, link);

		CHECK_STR(instance->id, count++ ? "i-b" : "i-a");
	}
	CHECK_EQ(count, 2);
	settings_fini(&settings);
	text_fini(&why);
}

TEST(what_is_said_of_a_bucket_comes_together)
{
	struct text why = TEXT_INIT(4096);
	struct settings settings;
	struct bucket_setting *bucket;

	CHECK_OK(settings_init(&settings));
	CHECK_OK(load_file("bucket.my.papers.endpoint = http://h:1\nbucket.b.region = r\n"
			   "bucket.my.papers.region = s\nbucket.my.papers.region = t\n",
			   &settings, &why));
	bucket = container_of(settings.buckets.next, struct bucket_setting, link);
	CHECK_STR(bucket->bucket, "my.papers");
	CHECK_STR(bucket->values[BUCKET_ENDPOINT], "http://h:1");
	CHECK_STR(bucket->values[BUCKET_REGION], "t");
	CHECK(!bucket->values[BUCKET_CREDENTIALS]);
	bucket = container_of(bucket->link.next, struct bucket_setting, link);
	CHECK_STR(bucket->bucket, "b");
	settings_fini(&settings);
	text_fini(&why);
}

TEST(the_nearest_word_is_near)
{
	static const char *const words[] = { "serve", "status", "streams", NULL };

	CHECK_STR(nearest_word("srve", words), "serve");
	CHECK_STR(nearest_word("stream", words), "streams");
	CHECK(nearest_word("xyzzy", words) == NULL);
}
