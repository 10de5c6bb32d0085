#include "services/lambda/words.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "crypto/digest.h"
#include "services/lambda/eventstream.h"
#include "services/lambda/names.h"
#include "services/lambda/output.h"
#include "services/lambda/package.h"
#include "tests/check.h"

/* ---- Words ---- */

static const struct lambda_report base = { .request_id = "id-1",
					   .version = "$LATEST",
					   .duration_us = 1234567,
					   .memory_mib = 128,
					   .memory_bytes = 30 << 20,
					   .timeout_ms = 3000 };

static void said(struct text *got, const char *want)
{
	CHECK_STR(text_str(got), want);
	text_clear(got);
}

TEST(reports_and_errors_are_worded_as_aws_words_them)
{
	struct lambda_report report = base;
	struct text out = TEXT_INIT(1024);

	words_report(&out, &report);
	said(&out, "REPORT RequestId: id-1\tDuration: 1234.57 ms\tBilled Duration: 1235 ms\t"
		   "Memory Size: 128 MB\tMax Memory Used: 30 MB\t");
	report.outcome = LAMBDA_TIMEOUT;
	words_error(&out, &report);
	said(&out, "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: id-1 "
		   "Error: Task timed out after 3.00 seconds\"}");
	report.outcome = LAMBDA_EXIT;
	report.code = 7;
	words_error(&out, &report);
	said(&out, "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: id-1 "
		   "Error: Runtime exited with error: exit status 7\"}");
	report.code = 0;
	words_failure(&out, &report);
	said(&out, "RequestId: id-1 Error: Runtime exited without providing a reason");
	report.signal = 9;
	words_failure(&out, &report);
	said(&out, "RequestId: id-1 Error: Runtime exited with error: signal: killed");
	words_stream(&out, 1795395600000, "$LATEST", "abc");
	said(&out, "2026/11/23/[$LATEST]abc");
	text_fini(&out);
}

/* ---- Names ---- */

TEST(functions_are_named_in_every_way_that_aws_takes)
{
	static const struct {
		const char *text;
		err_t err;
		const char *name, *qualifier;
	} cases[] = {
		{ "rag", ERR_OK, "rag", "" },
		{ "rag:live", ERR_OK, "rag", "live" },
		{ "rag:$LATEST", ERR_OK, "rag", "$LATEST" },
		{ "123456789012:function:rag", ERR_OK, "rag", "" },
		{ "function:rag:3", ERR_OK, "rag", "3" },
		{ "arn:aws:lambda:us-east-1:123456789012:function:rag:7", ERR_OK, "rag", "7" },
		{ "arn:aws:lambda:eu-west-1:123456789012:function:rag", ERR_NOT_FOUND, "", "" },
		{ "arn:aws:lambda:us-east-1:999999999999:function:rag", ERR_NOT_FOUND, "", "" },
		{ "999999999999:function:rag", ERR_NOT_FOUND, "", "" },
		{ "arn:aws:s3:::rag", ERR_SYNTAX, "", "" },
		{ "../etc", ERR_SYNTAX, "", "" },
		{ "", ERR_SYNTAX, "", "" },
		{ "rag:", ERR_SYNTAX, "", "" },
		{ "rag:a:b", ERR_SYNTAX, "", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct lambda_name name;

		CHECK_ERR(lambda_name_parse(bytes_of(cases[i].text), "123456789012", "us-east-1",
					    &name),
			  cases[i].err, "%s", cases[i].text);
		if (cases[i].err)
			continue;
		CHECK_STR(name.name, cases[i].name);
		CHECK_STR(name.qualifier, cases[i].qualifier);
	}
}

/* ---- Output ---- */

struct written {
	char text[4096];
	size_t lines;
};

static void on_write(void *owner, const char *group, const char *stream,
		     const struct output_line *lines, size_t count)
{
	struct written *written = owner;

	CHECK_STR(group, "g");
	CHECK_STR(stream, "s");
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(written->text);

		snprintf(written->text + len, sizeof written->text - len, "%.*s|",
			 BYTES_ARG(lines[i].text));
		written->lines++;
	}
}

TEST(output_becomes_lines_however_it_is_cut)
{
	static const char said[] = "one\ntwo\n\nhalf";

	for (size_t cut = 0; cut < sizeof said; cut++) {
		struct written written = { .lines = 0 };
		struct output output;

		CHECK_OK(output_init(&output, "g", "s", on_write, &written));
		output_add(&output, bytes_upto(bytes_of(said), cut), 1);
		output_add(&output, bytes_from(bytes_of(said), size_min(cut, strlen(said))), 2);
		output_line(&output, BYTES("END"), 3);
		output_flush(&output);
		CHECK_STR(written.text, "one|two| |half|END|", "cut at %zu", cut);
		CHECK_BYTES(output_tail(&output), "one\ntwo\n\nhalf\nEND\n");
		output_fini(&output);
	}
}

TEST(a_line_without_end_is_cut_and_the_tail_is_the_last_of_it)
{
	static char flood[OUTPUT_LINE_BYTES_MAX * 2 + 10];
	struct written written = { .lines = 0 };
	struct output output;

	memset(flood, 'x', sizeof flood);
	CHECK_OK(output_init(&output, "g", "s", on_write, &written));
	output_add(&output, bytes_make(flood, sizeof flood), 1);
	output_line(&output, BYTES("END"), 2);
	output_flush(&output);
	CHECK_EQ(written.lines, 4);
	CHECK_EQ(output_tail(&output).len, OUTPUT_TAIL_BYTES);
	output_fini(&output);
}

/* ---- Event streams: a message as botocore's decoder reads it ---- */

TEST(an_event_has_its_lengths_and_checks)
{
	struct text out = TEXT_INIT(1024);

	eventstream_encode(&out, "PayloadChunk", BYTES("hi"));
	CHECK_EQ((uint8_t)out.at[3], out.len);
	CHECK(bytes_find(text_bytes(&out), BYTES("PayloadChunk")) != SIZE_MAX);
	CHECK_BYTES(bytes_upto(bytes_from(text_bytes(&out), out.len - 6), 2), "hi");
	text_fini(&out);
}

/* ---- Packages ---- */

struct entry {
	const char *name, *content;
	mode_t mode;
};

static char zip_room[256 * 1024];

static struct bytes make_zip(const struct entry *entries, size_t count)
{
	zip_error_t error;
	zip_source_t *into = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *archive = zip_open_from_source(into, ZIP_TRUNCATE, &error);
	zip_int64_t len;

	zip_source_keep(into);
	for (size_t i = 0; i < count; i++) {
		zip_int64_t index = zip_file_add(archive, entries[i].name,
						 zip_source_buffer(archive, entries[i].content,
								   strlen(entries[i].content), 0),
						 ZIP_FL_ENC_UTF_8);

		CHECK(index >= 0, "%s", entries[i].name);
		zip_file_set_external_attributes(archive, (zip_uint64_t)index, 0, 3,
						 (zip_uint32_t)entries[i].mode << 16);
	}
	CHECK_EQ(zip_close(archive), 0);
	zip_source_open(into);
	len = zip_source_read(into, zip_room, sizeof zip_room);
	zip_source_close(into);
	zip_source_free(into);
	return bytes_make(zip_room, (size_t)len);
}

static err_t check_one(const char *name, mode_t mode)
{
	const struct entry entry = { name, "x", mode };
	struct text why = TEXT_INIT(256);
	err_t err = package_check(make_zip(&entry, 1), &why);

	text_fini(&why);
	return err;
}

TEST(paths_and_kinds_that_leave_the_folder_are_refused)
{
	CHECK_OK(check_one("bin/app", S_IFREG | 0755));
	CHECK_ERR(check_one("../app", S_IFREG | 0755), ERR_SYNTAX);
	CHECK_ERR(check_one("a/../../app", S_IFREG | 0755), ERR_SYNTAX);
	CHECK_ERR(check_one("/etc/passwd", S_IFREG | 0755), ERR_SYNTAX);
	CHECK_ERR(check_one("a\\..\\b", S_IFREG | 0755), ERR_SYNTAX);
	CHECK_ERR(check_one("link", S_IFLNK | 0777), ERR_SYNTAX);
	CHECK_ERR(check_one("pipe", S_IFIFO | 0644), ERR_SYNTAX);
}

TEST(what_is_no_zip_or_half_of_one_is_refused)
{
	const struct entry entry = { "app", "hello hello hello", S_IFREG | 0644 };
	struct bytes zip = make_zip(&entry, 1);
	struct text why = TEXT_INIT(256);

	CHECK_ERR(package_check(BYTES("not a zip at all"), &why), ERR_SYNTAX);
	CHECK_ERR(package_check(BYTES_NONE, &why), ERR_SYNTAX);
	for (size_t len = 0; len < zip.len; len++)
		CHECK(package_check(bytes_upto(zip, len), &why) != ERR_OK, "%zu bytes", len);
	text_fini(&why);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

static int make_writable(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)where;
	return kind == FTW_D ? chmod(path, 0700) : 0;
}

static bool nothing_is_used(void *owner, struct bytes hex)
{
	(void)owner;
	(void)hex;
	return false;
}

TEST(a_package_is_unpacked_whole_once_and_swept_when_nobody_names_it)
{
	const struct entry entries[] = { { "bootstrap", "#!/bin/sh\n", S_IFREG | 0755 },
					 { "deep/er/data.txt", "words", S_IFREG | 0600 } };
	char folder[] = "/tmp/weir-package-XXXXXX", path[300], hex[SHA256_HEX_BYTES + 1];
	struct text why = TEXT_INIT(256);
	struct bytes zip = make_zip(entries, COUNT(entries));
	struct stat stat_of;

	CHECK(mkdtemp(folder));
	CHECK_OK(package_open(folder));
	sha256_hex(zip, hex);
	CHECK_OK(package_keep(folder, zip, hex));
	CHECK_OK(package_unpack(folder, hex, &why), "%s", text_str(&why));
	CHECK_OK(package_unpack(folder, hex, &why));
	snprintf(path, sizeof path, "%s/code/%s/bootstrap", folder, hex);
	CHECK_EQ(stat(path, &stat_of), 0);
	CHECK_EQ(stat_of.st_mode & 0777, 0555);
	snprintf(path, sizeof path, "%s/code/%s/deep/er/data.txt", folder, hex);
	CHECK_EQ(stat(path, &stat_of), 0);
	CHECK_EQ(stat_of.st_size, 5);
	package_sweep(folder, nothing_is_used, NULL);
	CHECK(stat(path, &stat_of) != 0);
	text_fini(&why);
	nftw(folder, make_writable, 8, FTW_PHYS);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
