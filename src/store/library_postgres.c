#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "store/library_internal.h"

/* SQLite's statements, but for the few that PostgreSQL says otherwise. */
static const char *const statements[LIBRARY_STATEMENTS] = {
#define STATEMENT(name, text) [LIBRARY_##name] = text,
#include "store/library_statements.def"
#undef STATEMENT
};

static const struct {
	enum library_statement which;
	const char *text;
} others[] = {
	{ LIBRARY_SCHEMA_VERSION, "SELECT coalesce(max(version), 0) FROM schema_version" },
	{ LIBRARY_HAS_PGVECTOR,
	  "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'" },
	{ LIBRARY_BEGIN, "BEGIN" },
	{ LIBRARY_DOCUMENTS, "SELECT " LIBRARY_DOCUMENT_COLUMNS
			     " FROM document WHERE row > ?1 AND (?2 < 0 OR state = ?2)"
			     " AND (?3 = '' OR job = ?3) AND (?4 = '' OR strpos(metadata, ?4) > 0)"
			     " AND (?5 = '' OR substr(key, 1, length(?5)) = ?5)"
			     " AND (?6 = '' OR strpos(lower(title), lower(?6)) > 0"
			     " OR strpos(lower(key), lower(?6)) > 0) ORDER BY row LIMIT ?7" },
	{ LIBRARY_DOCUMENTS_PENDING,
	  "SELECT " LIBRARY_DOCUMENT_COLUMNS
	  " FROM document WHERE state = 0 AND row > ?1 ORDER BY row LIMIT ?2" },
	{ LIBRARY_EVENT_ADD,
	  "INSERT INTO job_event(job, seq, kind, body, at_ms) SELECT ?1::text,"
	  " 1 + coalesce(max(seq), 0), ?2::text, ?3::text, ?4::bigint FROM job_event"
	  " WHERE job = ?1::text" },
};

/* One row a version; rows that were released are never edited. */
static const char *const migrations[] = {
	"CREATE TABLE setting(name text PRIMARY KEY, value bigint NOT NULL);"
	"INSERT INTO setting VALUES('generation', 1), ('building', 0), ('change', 1), ('synced', 0);"
	"CREATE TABLE blob(sha256 text PRIMARY KEY, bytes bigint NOT NULL, data bytea);"
	"ALTER TABLE blob ALTER COLUMN data SET STORAGE EXTERNAL;"
	"CREATE TABLE document(row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" id text NOT NULL UNIQUE, key text NOT NULL UNIQUE, title text NOT NULL,"
	" media_type text NOT NULL, sha256 text NOT NULL, origin text NOT NULL,"
	" options text NOT NULL, source text NOT NULL, category text NOT NULL,"
	" subject text NOT NULL, metadata text NOT NULL, error_code text NOT NULL,"
	" error_stage text NOT NULL, error text NOT NULL, warnings text NOT NULL,"
	" stage_ms text NOT NULL, job text NOT NULL, alias_of text NOT NULL,"
	" near_of text NOT NULL, state bigint NOT NULL, bytes bigint NOT NULL,"
	" version bigint NOT NULL, pages bigint NOT NULL, passages bigint NOT NULL,"
	" near_percent bigint NOT NULL, created_ms bigint NOT NULL, updated_ms bigint NOT NULL);"
	"CREATE INDEX document_sha256 ON document(sha256);"
	"CREATE INDEX document_pending ON document(row) WHERE state = 0;"
	"CREATE INDEX document_state ON document(state, alias_of);"
	"CREATE INDEX document_alias ON document(alias_of) WHERE alias_of <> '';"
	"CREATE INDEX document_job ON document(job);"
	"CREATE TABLE shelf(generation bigint NOT NULL, document bigint NOT NULL,"
	" version bigint NOT NULL, passages bigint NOT NULL, PRIMARY KEY(generation, document));"
	"CREATE TABLE shelved(generation bigint NOT NULL, document text NOT NULL,"
	" row bigint NOT NULL, change bigint NOT NULL, PRIMARY KEY(generation, document));"
	"CREATE INDEX shelved_change ON shelved(generation, change);"
	"CREATE TABLE passage(generation bigint NOT NULL, document bigint NOT NULL,"
	" ordinal bigint NOT NULL, id text NOT NULL, section text NOT NULL, code text NOT NULL,"
	" item text NOT NULL, body text NOT NULL, kind bigint NOT NULL, words bigint NOT NULL,"
	" page_from bigint NOT NULL, page_to bigint NOT NULL, char_from bigint NOT NULL,"
	" char_to bigint NOT NULL, PRIMARY KEY(generation, document, ordinal));"
	/* For operators at a prompt: ragd ranks by its own BM25. */
	"CREATE INDEX passage_words ON passage USING gin(to_tsvector('simple', body));"
	"CREATE TABLE sketch(band bigint NOT NULL, document bigint NOT NULL,"
	" PRIMARY KEY(band, document));"
	"CREATE INDEX sketch_document ON sketch(document);"
	"CREATE TABLE asset(id text PRIMARY KEY, document bigint NOT NULL, kind text NOT NULL,"
	" media_type text NOT NULL, sha256 text NOT NULL, caption text NOT NULL,"
	" page bigint NOT NULL);"
	"CREATE INDEX asset_document ON asset(document);"
	"CREATE INDEX asset_sha256 ON asset(sha256);"
	"CREATE TABLE job(seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" id text NOT NULL UNIQUE, kind text NOT NULL, args text NOT NULL, error text NOT NULL,"
	" state bigint NOT NULL, total bigint NOT NULL, done bigint NOT NULL,"
	" failed bigint NOT NULL, passages bigint NOT NULL, generation bigint NOT NULL,"
	" created_ms bigint NOT NULL, started_ms bigint NOT NULL, ended_ms bigint NOT NULL);"
	"CREATE TABLE job_event(job text NOT NULL REFERENCES job(id) ON DELETE CASCADE,"
	" seq bigint NOT NULL, kind text NOT NULL, body text NOT NULL, at_ms bigint NOT NULL,"
	" PRIMARY KEY(job, seq));"
	"CREATE TABLE idem(key text PRIMARY KEY, request text NOT NULL, status bigint NOT NULL,"
	" body text NOT NULL, expires_ms bigint NOT NULL);"
	"CREATE INDEX idem_expires ON idem(expires_ms);",
	"CREATE TABLE passage_vector(model text NOT NULL, id text NOT NULL, digest text NOT NULL,"
	" dimensions bigint NOT NULL, scale real NOT NULL, data bytea NOT NULL,"
	" PRIMARY KEY(model, id));"
	"CREATE INDEX passage_id ON passage(id);",
};

static const char *const *statements_make(void)
{
	static const char *texts[LIBRARY_STATEMENTS];

	memcpy(texts, statements, sizeof statements);
	for (size_t i = 0; i < COUNT(others); i++)
		texts[others[i].which] = others[i].text;
	return texts;
}

static err_t migrate(struct sql *sql, unsigned version)
{
	struct text step = TEXT_INIT(64 * 1024);
	err_t err;

	text_printf(&step, "BEGIN;%sINSERT INTO schema_version VALUES(%u);COMMIT",
		    migrations[version], version + 1);
	err = text_err(&step) ? text_err(&step) : sql_run(sql, text_str(&step));
	if (err)
		(void)sql_run(sql, "ROLLBACK");
	text_fini(&step);
	return err;
}

/* The lock of the schema is held: nobody else does the same. */
static err_t schema_ensure(struct sql *sql, const char *schema)
{
	struct text make = TEXT_INIT(1024);
	struct sql_stmt *stmt;
	uint64_t version;
	err_t err;

	text_printf(&make,
		    "CREATE SCHEMA IF NOT EXISTS \"%s\";"
		    "CREATE TABLE IF NOT EXISTS \"%s\".schema_version(version bigint PRIMARY KEY)",
		    schema, schema);
	err = sql_run(sql, text_str(&make));
	text_fini(&make);
	TRY(err);
	stmt = sql_bind(sql, LIBRARY_SCHEMA_VERSION, "");
	version = sql_row(stmt) ? sql_number(stmt, 0) : 0;
	TRY(sql_done(sql, stmt));
	if (version > COUNT(migrations)) {
		log_error("store", "postgres: the schema %s is of a newer version (%llu)", schema,
			  (unsigned long long)version);
		return ERR_STORE;
	}
	for (; version < COUNT(migrations); version++)
		TRY(migrate(sql, (unsigned)version));
	return ERR_OK;
}

/*
 * The extension, where the server has it and this user may add it or somebody did. Without it the
 * vectors are kept all the same, and compared here.
 */
static bool pgvector_ensure(struct sql *sql)
{
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_HAS_PGVECTOR, "");
	bool there = sql_row(stmt) && sql_number(stmt, 0);

	if (sql_done(sql, stmt) || !there)
		return false;
	if (sql_run(sql, "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public") ||
	    sql_run(sql, "ALTER TABLE passage_vector ADD COLUMN IF NOT EXISTS embedding vector")) {
		log_warn("store", "postgres: pgvector is there, and this user may not add it: "
				  "CREATE EXTENSION vector");
		return false;
	}
	return true;
}

/* Letters, digits and _: quoting it takes no thought. */
static bool schema_fits(const char *schema)
{
	size_t len = strlen(schema);

	return len > 0 && len < 60 &&
	       strspn(schema, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static err_t open_both(struct library *library, const struct library_postgres *options,
		       struct text *why)
{
	struct sql_postgres_options o = { options->url, options->schema, 'w', true };
	const char *const *texts = statements_make();

	if (!schema_fits(options->schema)) {
		text_add_str(why, "RAG_DATABASE_SCHEMA takes a to z, 0 to 9 and _");
		return ERR_INVALID;
	}
	TRY(sql_open_postgres(&library->writer, &o, texts, LIBRARY_STATEMENTS, why));
	TRY(schema_ensure(&library->writer, options->schema));
	library->finds_vectors = pgvector_ensure(&library->writer);
	library->single = options->single;
	if (library->single)
		return ERR_OK;
	o.letter = 'r';
	o.locks = false;
	return sql_open_postgres(&library->reader, &o, texts, LIBRARY_STATEMENTS, why);
}

err_t library_open_postgres(const struct library_postgres *options, struct library **ret_library,
			    char **ret_why)
{
	struct library *library = library_create("");
	struct text why = TEXT_INIT(4096);
	err_t err = library ? ERR_OK : ERR_NOMEM;

	if (!err) {
		library->kind = "postgres";
		library->inline_max = SIZE_MAX;
		err = open_both(library, options, &why);
	}
	if (!err) {
		*ret_library = library;
	} else {
		if (ret_why && asprintf(ret_why, "the database cannot be used: %s",
					why.len ? text_str(&why) : "see the log") < 0)
			*ret_why = NULL;
		library_close(library);
	}
	text_fini(&why);
	return err;
}

err_t library_describe_postgres(const char *url, struct text *out)
{
	return sql_postgres_describe(url, out);
}
