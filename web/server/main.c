/*
 * webd: serves the chat page, or the files of another folder. One loop, one thread.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conn/conn.h"
#include "http/uri.h"
#include "net/clock.h"
#include "web/server/answer.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	/* Longer than a balancer keeps an idle connection, so that it is never ours to close first.
	 */
	CONN_IDLE_MS = 200 * 1000,
	DRAIN_MS = 2000,
};

static const char help[] =
	"webd: serves the chat page that is built into it, or the files of a folder\n\n"
	"usage: webd [--host 127.0.0.1] [--port 8080] [--root DIR]\n\n"
	"  --host   WEB_HOST   address to listen on; also HOST\n"
	"  --port   WEB_PORT   port to listen on; also PORT; 0 picks one\n"
	"  --root   WEB_ROOT   files to serve instead, read once at the start; index.html answers for its\n"
	"                      folder, 404.html for what is not there\n"
	"  --help              shows this\n\n"
	"A flag wins over the environment. Exit: 0 stopped as told, 1 failed, 2 wrong options, or\n"
	"something in the way at the start.\n";

struct options {
	const char *host, *port, *root;
};

struct client {
	struct list_node link;
	struct app *app;
	struct conn *conn;
};

struct app {
	struct loop *loop;
	struct site site;
	struct acceptor *acceptor;
	struct list_node clients;
	struct timer drain;
	bool stopping;
};

/* ---- Requests ---- */

static void send_answer(struct exchange *x, const struct web_answer *answer)
{
	if (exchange_send_head(x, &answer->head) == ERR_OK && answer->body.len)
		(void)exchange_send_data(x, answer->body, true);
}

/* The answer went out with the head; what is left is to hear the request's end. */
static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	(void)owner;
	if (body->end)
		exchange_close(x);
}

static void on_drained(struct exchange *x, void *owner)
{
	(void)x;
	(void)owner;
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	(void)x;
	(void)owner;
	(void)why;
}

static const struct exchange_events exchange_table = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct client *client = owner;
	struct web_answer answer;
	struct uri uri;

	(void)finding;
	exchange_accept(x, &exchange_table, client);
	if (uri_parse_target(head->target, &uri))
		web_refuse(400, &answer);
	else
		web_answer(&client->app->site, head->method, uri.path,
			   http_value(head, BYTES("If-None-Match")), &answer);
	send_answer(x, &answer);
	if (head->framing != HTTP_BODY_NONE)
		exchange_close(x); /* nobody here reads bodies */
}

static uint16_t status_of(err_t why)
{
	switch (why) {
	case ERR_URI_TOO_LARGE: return 414;
	case ERR_FIELDS_TOO_LARGE: return 431;
	case ERR_BAD_VERSION: return 505;
	case ERR_BAD_CODING: return 501;
	case ERR_EXPIRED: return 408;
	default: return 400;
	}
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct web_answer answer;

	(void)head;
	(void)finding;
	exchange_accept(x, &exchange_table, owner);
	web_refuse(status_of(why), &answer);
	send_answer(x, &answer);
	exchange_close(x);
}

/* ---- Connections ---- */

static void stop_if_empty(struct app *app)
{
	if (app->stopping && list_empty(&app->clients))
		loop_stop(app->loop);
}

static void on_closed(void *owner, struct conn *conn)
{
	struct client *client = owner;
	struct app *app = client->app;

	(void)conn;
	list_remove(&client->link);
	free(client);
	stop_if_empty(app);
}

static const struct conn_server_events conn_table = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct app *app = owner;
	struct client *client = calloc(1, sizeof *client);
	const struct conn_server_options options = {
		.loop = app->loop,
		.events = &conn_table,
		.owner = client,
		.idle_ms = CONN_IDLE_MS,
	};

	(void)peer;
	if (!client) {
		socket_close(socket);
		return;
	}
	client->app = app;
	if (conn_serve(socket, &options, &client->conn)) {
		free(client);
		return;
	}
	list_append(&app->clients, &client->link);
}

static const struct acceptor_events acceptor_table = { .on_accepted = on_accepted };

/* ---- The end ---- */

static void on_drain_over(struct timer *timer)
{
	struct app *app = container_of(timer, struct app, drain);

	list_for_each_safe (&app->clients, node) {
		struct client *client = container_of(node, struct client, link);

		conn_destroy(client->conn);
		list_remove(&client->link);
		free(client);
	}
	stop_if_empty(app);
}

static void on_signal(void *owner, int number)
{
	struct app *app = owner;

	(void)number;
	if (app->stopping) {
		on_drain_over(&app->drain);
		return;
	}
	app->stopping = true;
	acceptor_close(app->acceptor);
	app->acceptor = NULL;
	list_for_each_safe (&app->clients, node)
		conn_drain(container_of(node, struct client, link)->conn);
	timer_set(app->loop, &app->drain, loop_now_ms(app->loop) + DRAIN_MS);
	stop_if_empty(app);
}

/* ---- Start ---- */

static int complain(const char *format, const char *what, const char *why)
{
	fprintf(stderr, "webd: ");
	fprintf(stderr, format, what, why);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int read_options(int argc, char **argv, struct options *options)
{
	const struct {
		const char *flag, **value;
	} flags[] = {
		{ "--host", &options->host },
		{ "--port", &options->port },
		{ "--root", &options->root },
	};

	/* HOST and PORT are what a task of ECS finds. */
	options->host = from_environment("WEB_HOST", from_environment("HOST", "127.0.0.1"));
	options->port = from_environment("WEB_PORT", from_environment("PORT", "8080"));
	options->root = from_environment("WEB_ROOT", "");
	for (int i = 1; i < argc; i++) {
		bool known = false;

		for (size_t k = 0; k < COUNT(flags) && !known; k++) {
			size_t len = strlen(flags[k].flag);

			known = strncmp(argv[i], flags[k].flag, len) == 0 &&
				(argv[i][len] == '=' || (argv[i][len] == '\0' && i + 1 < argc));
			if (known)
				*flags[k].value = argv[i][len] == '=' ? argv[i] + len + 1
								      : argv[++i];
		}
		if (!known)
			return complain(
				"there is no option \"%s\", or its value is missing; see webd --help.%s",
				argv[i], "");
	}
	return 0;
}

static int serve(struct app *app, int listen_fd, const struct address *bound)
{
	char at[ADDRESS_TEXT_BYTES];
	err_t err = loop_create(&app->loop);

	list_init(&app->clients);
	app->drain.on_expired = on_drain_over;
	if (!err)
		err = loop_on_signal(app->loop, SIGTERM, on_signal, app);
	if (!err)
		err = loop_on_signal(app->loop, SIGINT, on_signal, app);
	if (!err)
		err = acceptor_open(app->loop, listen_fd, &acceptor_table, app, &app->acceptor);
	if (err) {
		log_error("web", "cannot start: %s", err_words(err));
		acceptor_discard(listen_fd);
	} else {
		address_format(bound, at);
		log_info("web", "listening on http://%s, %zu files", at, app->site.files.count);
		loop_run(app->loop);
	}
	timer_cancel(&app->drain);
	if (app->loop)
		loop_destroy(app->loop);
	return err ? EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	static struct app app;
	struct options options;
	struct address at, bound;
	uint64_t port;
	int listen_fd, status;
	err_t err;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return fputs(help, stdout) == EOF;
	log_setup(LOG_LEVEL_INFO, clock_unix_ms);
	signal(SIGPIPE, SIG_IGN);
	if (read_options(argc, argv, &options))
		return EXIT_USAGE;
	if (bytes_to_u64(bytes_of(options.port), 65535, &port))
		return complain("--port must be a number from 0 to 65535, not \"%s\".%s",
				options.port, "");
	if (address_parse_ip(bytes_of(options.host), (uint16_t)port, &at))
		return complain("--host must be an IP address, not \"%s\".%s", options.host, "");
	err = options.root[0] ? site_read(&app.site, options.root) : site_embedded(&app.site);
	if (err) {
		site_fini(&app.site);
		return complain("the folder %s cannot be served: %s.", options.root,
				err_words(err));
	}
	err = acceptor_bind(&at, 1, &listen_fd, &bound);
	if (err) {
		site_fini(&app.site);
		return complain("cannot listen on port %s: %s.", options.port, err_words(err));
	}
	status = serve(&app, listen_fd, &bound);
	site_fini(&app.site);
	return status;
}
