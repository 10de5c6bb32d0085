/*
 * ragd: the program. Reads its settings, opens what it needs, and runs one loop until told to stop.
 */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "net/clock.h"
#include "rag/api/server.h"
#include "rag/api/warm.h"
#include "rag/check.h"
#include "rag/ingest/remote.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	BLOCKING_THREADS = PASSAGES_READERS + 4, /* searches, and calls that look at documents */
	MODEL_CONNECT_MS = 10000,
	DATABASE_AGAIN_S = 2,
};

struct app {
	struct settings settings;
	struct service service;
	struct warmer warmer;
	struct loop_job warm_post;
	_Atomic bool warm_posted;
	struct server *server;
	struct address bound;
	int listen_fd; /* -1 once the server has it */
};

/* ---- Start ---- */

static int complain(const char *words)
{
	fprintf(stderr, "ragd: %s\n", words);
	return EXIT_USAGE;
}

/* Makes each folder of the path that is missing, for this user alone. */
static err_t make_folders(const char *path)
{
	struct text partial = TEXT_INIT(4096);
	struct bytes rest = bytes_of(path), part;
	err_t err = ERR_OK;

	while (!err && bytes_cut(&rest, '/', &part)) {
		if (partial.len || part.len == 0)
			text_add_char(&partial, '/');
		text_add(&partial, part);
		if (part.len && mkdir(text_str(&partial), 0700) != 0 && errno != EEXIST)
			err = errno == EACCES ? ERR_DENIED : ERR_SYSTEM;
	}
	if (!err)
		err = text_err(&partial);
	text_fini(&partial);
	return err;
}

/* On the loop: what the last documents brought is made ready for the first searches of them. */
static void on_warm(struct loop_job *job)
{
	struct app *app = container_of(job, struct app, warm_post);

	atomic_store(&app->warm_posted, false);
	warm_start(&app->warmer, app->service.loop, app->service.pool);
}

/* On a thread of ingest's. */
static void on_settled(void *owner)
{
	struct app *app = owner;

	if (atomic_exchange(&app->warm_posted, true))
		return;
	app->warm_post.run = on_warm;
	loop_post(app->service.loop, &app->warm_post);
}

static err_t open_corpus(struct app *app)
{
	struct text path = TEXT_INIT(4096);
	err_t err;

	text_printf(&path, "%s/index", app->settings.data);
	err = text_err(&path);
	if (!err)
		err = corpus_create(text_str(&path), library_identity(app->service.library),
				    &app->service.corpus);
	text_fini(&path);
	return err;
}

static err_t open_catalog(struct app *app)
{
	struct service *service = &app->service;
	struct feed_listener listener;
	struct ingest_options options = {
		.library = service->library,
		.folder = app->settings.documents,
		.source = remote_source(&app->settings),
		.workers = (unsigned)app->settings.workers,
		.document_bytes_max = app->settings.document_bytes,
		.on_settled = on_settled,
		.owner = app,
	};

	TRY(open_corpus(app));
	listener = corpus_feed(service->corpus);
	app->warmer.corpus = service->corpus;
	TRY(catalog_open(service->library, &listener, 1, &service->catalog));
	options.catalog = service->catalog;
	return ingest_create(&options, &service->ingest);
}

/* A database that does not answer yet is waited for: it may be starting, as we are. */
static err_t open_postgres(struct app *app, char **why)
{
	const struct library_postgres options = { app->settings.database_url,
						  app->settings.database_schema,
						  app->settings.database_connections == 1 };
	err_t err;

	while ((err = library_open_postgres(&options, &app->service.library, why)) ==
	       ERR_UNREACHABLE) {
		log_warn("rag", "%s; trying again", *why ? *why : err_words(err));
		free(*why);
		*why = NULL;
		sleep(DATABASE_AGAIN_S);
	}
	return err;
}

static err_t open_library(struct app *app, char **why)
{
	if (app->settings.database_url[0])
		return open_postgres(app, why);
	return library_open(app->settings.data, &app->service.library, why);
}

static int open_index(struct app *app)
{
	struct text words = TEXT_INIT(8192);
	char *why = NULL;
	err_t err = make_folders(app->settings.data);
	int status = 0;

	if (err) {
		text_printf(&words, "the data folder %s cannot be made: %s", app->settings.data,
			    err_words(err));
		status = complain(text_str(&words));
	} else {
		err = open_library(app, &why);
		if (!err)
			err = open_catalog(app);
		if (err)
			status = complain(why ? why : err_words(err));
	}
	free(why);
	text_fini(&words);
	return status;
}

static int check_heartbeat(const struct app *app)
{
	static const char *const forms[] = { "event", "comment", "off" };

	for (size_t i = 0; i < COUNT(forms); i++)
		if (strcmp(app->settings.heartbeat, forms[i]) == 0)
			return 0;
	return complain("RAG_HEARTBEAT must be event, comment or off.");
}

static int read_keys(struct app *app)
{
	struct text why = TEXT_INIT(1024);
	int status = 0;

	if (access_init(&app->service.access, app->settings.api_keys,
			(uint32_t)app->settings.rate_per_minute, &why))
		status = complain(text_str(&why));
	text_fini(&why);
	return status;
}

static int check_documents(const struct app *app)
{
	struct text words = TEXT_INIT(8192);
	struct stat st;
	int status = 0;

	if (app->settings.documents[0] == '\0')
		return 0;
	if (stat(app->settings.documents, &st) != 0 || !S_ISDIR(st.st_mode)) {
		text_printf(&words, "there is no folder of documents at %s: see --documents.",
			    app->settings.documents);
		status = complain(text_str(&words));
	}
	text_fini(&words);
	return status;
}

static int bind_port(struct app *app)
{
	struct text words = TEXT_INIT(8192);
	struct address at;
	err_t err = address_parse_ip(bytes_of(app->settings.host), (uint16_t)app->settings.port,
				     &at);

	app->listen_fd = -1;
	if (err) {
		text_printf(&words, "--host must be an IP address, not \"%.60s\".",
			    app->settings.host);
	} else if (!address_is_loopback(&at) && !app->settings.allow_anonymous &&
		   app->service.access.count == 0) {
		text_printf(&words,
			    "%s is open to others, and nobody is asked who they are: set "
			    "RAG_API_KEYS, or RAG_ALLOW_ANONYMOUS=1 if that is meant.",
			    app->settings.host);
		err = ERR_DENIED;
	} else {
		err = acceptor_bind(&at, 1, &app->listen_fd, &app->bound);
		if (err)
			text_printf(&words, "cannot listen on %s port %llu: %s.",
				    app->settings.host, (unsigned long long)app->settings.port,
				    err_words(err));
	}
	if (err)
		complain(text_str(&words));
	text_fini(&words);
	return err ? EXIT_USAGE : 0;
}

static int open_model(struct app *app)
{
	const struct settings *s = &app->settings;
	const struct model_options options = {
		.loop = app->service.loop,
		.base_url = s->openai_base_url,
		.key = s->openai_api_key,
		.connect_ms = MODEL_CONNECT_MS,
		.first_ms = (uint32_t)s->model_first_ms,
		.stall_ms = (uint32_t)s->model_stall_ms,
	};
	err_t err;

	if (!s->openai_base_url[0] || !s->openai_api_key[0])
		return 0;
	err = model_create(&options, &app->service.model);
	if (err == ERR_INVALID)
		return complain("OPENAI_BASE_URL must begin with http:// or https://.");
	return err ? complain(err_words(err)) : 0;
}

/* One engine from its settings; *ret_engine stays NULL when `base` is empty. */
static int open_engine(const char *base, const char *key, const char *model, uint64_t timeout_ms,
		       struct engine **ret_engine)
{
	const struct engine_options options = { base, key, model, (uint32_t)timeout_ms };
	err_t err;

	if (!base[0] || !model[0])
		return 0;
	err = engine_create(&options, ret_engine);
	if (err == ERR_INVALID)
		return complain("the base URL of an engine must begin with http:// or https://.");
	return err ? complain(err_words(err)) : 0;
}

static int open_embedder(struct app *app)
{
	struct text path = TEXT_INIT(4096);
	err_t err = ERR_OK;

	if (!app->service.embeddings)
		return 0;
	text_printf(&path, "%s/embeddings", app->settings.data);
	err = embedder_open(app->service.embeddings, text_str(&path), app->service.library,
			    &app->service.embedder);
	text_fini(&path);
	app->warmer.embedder = app->service.embedder;
	return err ? complain("the file of embeddings in the data folder cannot be opened.") : 0;
}

static int open_neo4j(struct app *app)
{
	const struct settings *s = &app->settings;
	const struct neo4j_options options = {
		.uri = s->neo4j_http_url[0] ? s->neo4j_http_url : s->neo4j_uri,
		.user = s->neo4j_user,
		.password = s->neo4j_password,
		.database = s->neo4j_database,
		.workspace = "default",
		.timeout_ms = (uint32_t)s->neo4j_ms,
		.insecure = s->neo4j_insecure,
	};
	err_t err;

	if (!options.uri[0])
		return 0;
	err = neo4j_create(&options, &app->service.neo4j);
	app->warmer.neo4j = app->service.neo4j;
	if (err == ERR_INVALID)
		return complain(
			"NEO4J_URI must be neo4j://, neo4j+s://, bolt://, bolt+s://, http:// or "
			"https:// and a host; +ssc needs RAG_NEO4J_INSECURE=1.");
	return err ? complain(err_words(err)) : 0;
}

static int open_engines(struct app *app)
{
	const struct settings *s = &app->settings;
	struct service *service = &app->service;
	const char *embed_at = s->embedding_base_url[0] ? s->embedding_base_url
							: s->openai_base_url;
	int status = open_engine(embed_at, s->openai_api_key, s->embedding_model, s->embedding_ms,
				 &service->embeddings);

	if (!status)
		status = open_engine(embed_at, s->openai_api_key, s->embedding_model,
				     s->embedding_ms / 5, &service->embed_questions);
	if (!status)
		status = open_engine(s->rerank_base_url, s->rerank_api_key, s->rerank_model,
				     s->rerank_ms, &service->rerank);
	if (!status)
		status = open_engine(s->openai_base_url, s->openai_api_key, s->vlm_model, s->vlm_ms,
				     &service->vlm);
	if (!status)
		status = open_neo4j(app);
	return status ? status : open_embedder(app);
}

/* ---- Running ---- */

static void on_stopped(struct service *service)
{
	loop_stop(service->loop);
}

static void on_signal(void *owner, int number)
{
	struct app *app = owner;

	(void)number;
	if (app->service.draining)
		server_stop(app->server);
	else
		server_drain(app->server);
}

static err_t open_service(struct app *app)
{
	struct service *service = &app->service;

	TRY(loop_on_signal(service->loop, SIGTERM, on_signal, app));
	TRY(loop_on_signal(service->loop, SIGINT, on_signal, app));
	TRY(blocking_pool_create(BLOCKING_THREADS, &service->pool));
	warm_watch(&app->warmer, service->loop, service->pool);
	service->pulse = (struct pulse){ .library = service->library,
					 .mishaps = &service->counts.store,
					 .catalog = service->catalog,
					 .ingest = service->ingest,
					 .pool = service->pool,
					 .loop = service->loop };
	pulse_start(&service->pulse);
	TRY(server_open(service, app->listen_fd, on_stopped, &app->server));
	app->listen_fd = -1;
	return ingest_start(service->ingest);
}

static void announce(const struct app *app)
{
	char at[ADDRESS_TEXT_BYTES];

	address_format(&app->bound, at);
	log_info("rag", "listening on http://%s, answers are %s", at,
		 app->service.model ? "the model's" : "extractive");
}

static int run(struct app *app)
{
	err_t err;

	app->service.settings = &app->settings;
	list_init(&app->service.chats);
	answered_init(&app->service.answers);
	tellings_init(&app->service.tellings, app->settings.answer_cache_s * 1000);
	err = loop_create(&app->service.loop);
	if (err)
		return complain(err_words(err));
	app->service.started_ms = loop_now_ms(app->service.loop);
	if (open_model(app) || open_engines(app))
		return EXIT_USAGE;
	err = open_service(app);
	if (err) {
		log_error("rag", "cannot start: %s", err_words(err));
		return EXIT_FAILED;
	}
	announce(app);
	loop_run(app->service.loop);
	return 0;
}

static void app_fini(struct app *app)
{
	warm_stop(&app->warmer);
	pulse_stop(&app->service.pulse);
	ingest_destroy(app->service.ingest);
	if (app->service.pool)
		blocking_pool_destroy(app->service.pool);
	server_close(app->server);
	answered_fini(&app->service.answers);
	tellings_fini(&app->service.tellings);
	model_destroy(app->service.model);
	embedder_close(app->service.embedder);
	neo4j_destroy(app->service.neo4j);
	engine_destroy(app->service.embeddings);
	engine_destroy(app->service.embed_questions);
	engine_destroy(app->service.rerank);
	engine_destroy(app->service.vlm);
	if (app->service.loop)
		loop_destroy(app->service.loop);
	catalog_close(app->service.catalog);
	corpus_destroy(app->service.corpus);
	library_close(app->service.library);
	if (app->listen_fd >= 0)
		acceptor_discard(app->listen_fd);
}

static const char *environment(const char *name)
{
	return getenv(name);
}

int main(int argc, char **argv)
{
	static struct app app;
	struct text words = TEXT_INIT(16384);
	bool checking = argc > 1 && strcmp(argv[1], "check") == 0;
	int status;

	argc -= checking;
	argv += checking;
	log_setup(LOG_LEVEL_INFO, clock_unix_ms);
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT); /* before threads */
	app.listen_fd = -1;
	if (settings_read(argc, argv, environment, &app.settings, &words)) {
		complain(text_str(&words));
		text_fini(&words);
		return EXIT_USAGE;
	}
	if (checking) {
		status = check_settings(&app.settings, &words) ? EXIT_USAGE : 0;
		fputs(text_str(&words), stdout);
		text_fini(&words);
		return status;
	}
	if (app.settings.help) {
		settings_help(&words);
		fputs(text_str(&words), stdout);
		text_fini(&words);
		return 0;
	}
	status = check_heartbeat(&app);
	if (!status)
		status = read_keys(&app);
	if (!status)
		status = check_documents(&app);
	if (!status)
		status = open_index(&app);
	if (!status)
		status = bind_port(&app);
	if (!status)
		status = run(&app);
	app_fini(&app);
	text_fini(&words);
	return status;
}
