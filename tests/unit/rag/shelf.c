#include "tests/unit/rag/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rag/store/passages_feed.h"
#include "tests/check.h"

/* In files; or, where a test's environment names a database, in a schema of this shelf's own. */
static void open_library(struct shelf *c)
{
	const char *url = getenv("RAG_TEST_DATABASE_URL");
	struct library_postgres options = { .url = url };
	char schema[32], *why = NULL;

	if (!url) {
		CHECK_OK(library_open(c->directory, &c->library, NULL));
		return;
	}
	snprintf(schema, sizeof schema, "t%016llx",
		 (unsigned long long)bytes_hash(bytes_of(c->directory), 1));
	options.schema = schema;
	CHECK_OK(library_open_postgres(&options, &c->library, &why), "%s", why ? why : "");
}

void shelf_open(struct shelf *c, const char *folder)
{
	struct feed_listener listeners[2];
	struct ingest_options options = { .folder = folder,
					  .workers = 2,
					  .document_bytes_max = 64 << 20 };
	char path[128];

	if (!c->directory[0]) {
		strcpy(c->directory, "/tmp/weir-rag-shelf-XXXXXX");
		CHECK(mkdtemp(c->directory));
	}
	snprintf(path, sizeof path, "%s/passages.db", c->directory);
	open_library(c);
	CHECK_OK(passages_open(path, &c->passages, NULL));
	snprintf(path, sizeof path, "%s/index", c->directory);
	CHECK_OK(corpus_create(path, library_identity(c->library), &c->corpus));
	listeners[0] = passages_feed(c->passages);
	listeners[1] = corpus_feed(c->corpus);
	CHECK_OK(catalog_open(c->library, listeners, 2, &c->catalog));
	options.library = c->library;
	options.catalog = c->catalog;
	CHECK_OK(ingest_create(&options, &c->ingest));
	CHECK_OK(ingest_start(c->ingest));
	shelf_settled(c);
}

static bool on_any(void *owner, const struct library_job *job)
{
	(void)job;
	*(bool *)owner = true;
	return false;
}

void shelf_settled(struct shelf *c)
{
	struct library_counts counts;
	bool any = true;

	for (unsigned i = 0; i < 3000 && (any || !ingest_is_ready(c->ingest)); i++) {
		any = false;
		CHECK_OK(library_jobs(c->library, true, 1, on_any, &any));
		CHECK_OK(library_count(c->library, &counts));
		any |= counts.documents[LIBRARY_PENDING] > 0; /* some are nobody's job */
		usleep(any || i == 0 ? 10000 : 1000);
	}
	CHECK(!any, "the jobs did not end within 30 seconds");
}

void shelf_close(struct shelf *c)
{
	ingest_destroy(c->ingest);
	catalog_close(c->catalog);
	corpus_destroy(c->corpus);
	passages_close(c->passages);
	library_close(c->library);
	c->ingest = NULL;
}

void shelf_unlink(struct shelf *c)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", c->directory);
	CHECK_EQ(system(command), 0);
	c->directory[0] = '\0';
}

void shelf_remove(struct shelf *c)
{
	if (c->ingest)
		shelf_close(c);
	shelf_unlink(c);
}
