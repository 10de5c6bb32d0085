#include "rag/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engine/converter.h"
#include "net/address.h"
#include "rag/api/access.h"
#include "store/library.h"

struct report {
	struct text *out;
	unsigned wrong;
};

static void wrong(struct report *r, const char *what, const char *words)
{
	text_printf(r->out, "  wrong    %-14s %s\n", what, words);
	r->wrong++;
}

static void fine(struct report *r, const char *what, const char *words)
{
	text_printf(r->out, "  fine     %-14s %s\n", what, words);
}

static void off(struct report *r, const char *what, const char *words)
{
	text_printf(r->out, "  off      %-14s %s\n", what, words);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void check_folders(struct report *r, const struct settings *s)
{
	if (!s->documents[0])
		off(r, "documents", "no folder is followed (--documents \"\")");
	else if (is_folder(s->documents))
		fine(r, "documents", s->documents);
	else
		wrong(r, "documents", "there is no such folder: see --documents");
	if (!is_folder(s->data))
		fine(r, "data", "the folder will be made");
	else if (access(s->data, W_OK | X_OK) == 0)
		fine(r, "data", s->data);
	else
		wrong(r, "data", "the folder cannot be written to: see --data");
}

static void check_store(struct report *r, const struct settings *s)
{
	struct text words = TEXT_INIT(4096);

	if (!s->database_url[0]) {
		fine(r, "library", "SQLite in the data folder (DATABASE_URL names a PostgreSQL)");
		return;
	}
	if (library_describe_postgres(s->database_url, &words))
		wrong(r, "library", words.len ? text_str(&words) : "the database does not answer");
	else
		text_printf(r->out, "  fine     %-14s %s, schema %s\n", "library", text_str(&words),
			    s->database_schema);
	text_fini(&words);
}

static void check_keys(struct report *r, const struct settings *s)
{
	static struct access access;
	struct text why = TEXT_INIT(1024);
	struct address at;

	if (access_init(&access, s->api_keys, (uint32_t)s->rate_per_minute, &why))
		wrong(r, "keys", text_str(&why));
	else if (access.count)
		text_printf(r->out, "  fine     %-14s %u, not shown\n", "keys", access.count);
	else if (address_parse_ip(bytes_of(s->host), 0, &at) == ERR_OK &&
		 !address_is_loopback(&at) && !s->allow_anonymous)
		wrong(r, "keys", "none, and --host is open to others: set RAG_API_KEYS");
	else
		off(r, "keys", "nobody is asked who they are");
	text_fini(&why);
}

static void check_host(struct report *r, const struct settings *s)
{
	struct address at;

	if (address_parse_ip(bytes_of(s->host), 0, &at))
		wrong(r, "host", "--host must be an IP address");
	else
		text_printf(r->out, "  fine     %-14s %s port %llu\n", "listens on", s->host,
			    (unsigned long long)s->port);
}

static void check_sources(struct report *r, const struct settings *s)
{
	if (!s->s3_bucket[0])
		off(r, "S3", "no bucket may be read (S3_BUCKET)");
	else if (s->aws_access_key[0] && !s->aws_secret_key[0])
		wrong(r, "S3", "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not");
	else
		text_printf(r->out, "  fine     %-14s %s%s%s, %s, %s\n", "S3", s->s3_bucket,
			    s->s3_prefix[0] ? " below " : "", s->s3_prefix,
			    s->s3_endpoint[0] ? s->s3_endpoint : "AWS",
			    s->aws_access_key[0] ? "signed" : "unsigned");
	if (s->url_hosts[0])
		fine(r, "URLs", s->url_hosts);
	else
		off(r, "URLs", "no document is fetched by URL (RAG_URL_HOSTS)");
}

static void check_programs(struct report *r)
{
	static const struct {
		const char *name, *words;
	} programs[] = {
		{ "pdftotext", "PDF is not read: install poppler-utils" },
		{ "pdftoppm", "scanned PDF is not read: install poppler-utils" },
		{ "tesseract", "images and scans are not read: install tesseract-ocr" },
		{ "catdoc", "doc, xls, ppt and rtf are not read: install catdoc" },
	};

	for (size_t i = 0; i < COUNT(programs); i++) {
		if (converter_exists(programs[i].name))
			fine(r, programs[i].name, "is here");
		else
			off(r, programs[i].name, programs[i].words);
	}
}

err_t check_settings(const struct settings *s, struct text *out)
{
	struct report r = { .out = out };

	check_host(&r, s);
	check_folders(&r, s);
	check_store(&r, s);
	check_keys(&r, s);
	check_sources(&r, s);
	check_programs(&r);
	if (s->openai_base_url[0] && s->openai_api_key[0])
		text_printf(out, "  fine     %-14s %s, its key not shown\n", "model",
			    s->openai_base_url);
	else
		off(&r, "model", "answers are extractive (OPENAI_BASE_URL, OPENAI_API_KEY)");
	text_printf(out, "%s\n", r.wrong ? "ragd would not start like this." : "ragd can start.");
	return r.wrong ? ERR_INVALID : ERR_OK;
}
