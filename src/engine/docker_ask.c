#include "engine/docker_ask.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/text.h"
#include "http/h1.h"

enum { QUESTION_MAX = 5 * 1024 * 1024 };

struct docker_ask {
	struct list_node link;
	struct loop *loop;
	struct socket *socket;
	struct timer timer;
	uint32_t silent_ms;
	const struct docker_ask_events *events;
	void *owner;
	struct text out; /* the request; `sent` bytes of it went */
	size_t sent;
	struct h1_parser parser;
	unsigned status;
	struct text body;
	bool busy, gone; /* bytes are being read; cancelled meanwhile */
};

static void destroy(struct docker_ask *ask)
{
	timer_cancel(&ask->timer);
	socket_close(ask->socket);
	list_remove(&ask->link);
	h1_parser_fini(&ask->parser);
	if (ask->out.at)
		explicit_bzero(ask->out.at, ask->out.cap); /* tasks' secrets pass here */
	text_fini(&ask->out);
	text_fini(&ask->body);
	free(ask);
}

void docker_ask_cancel(struct docker_ask *ask)
{
	if (!ask)
		return;
	ask->events = NULL;
	if (ask->busy)
		ask->gone = true;
	else
		destroy(ask);
}

void docker_ask_cancel_all(struct list_node *asks)
{
	while (!list_empty(asks))
		docker_ask_cancel(container_of(list_first(asks), struct docker_ask, link));
}

/* The last callback: whoever hears it has the question no more. */
static void answer(struct docker_ask *ask, err_t err)
{
	const struct docker_ask_events *events = ask->events;
	struct docker_answer answer = { err, ask->status, text_bytes(&ask->body) };

	ask->events = NULL;
	ask->busy = true; /* the owner may end everything from in there */
	if (events && events->on_answer)
		events->on_answer(ask->owner, &answer);
	destroy(ask);
}

static void still_alive(struct docker_ask *ask)
{
	if (ask->silent_ms)
		timer_set(ask->loop, &ask->timer, loop_now_ms(ask->loop) + ask->silent_ms);
}

static void on_silent(struct timer *timer)
{
	answer(container_of(timer, struct docker_ask, timer), ERR_EXPIRED);
}

/* ---- Asking ---- */

static void send_rest(struct docker_ask *ask)
{
	struct bytes rest = bytes_from(text_bytes(&ask->out), ask->sent);
	size_t taken = 0;
	err_t err;

	if (!rest.len)
		return;
	err = socket_send(ask->socket, (struct slices){ &rest, 1 }, false, &taken);
	ask->sent += taken;
	if (err)
		answer(ask, err);
}

static void on_connected(void *owner, err_t err)
{
	struct docker_ask *ask = owner;

	if (err) {
		answer(ask, err);
		return;
	}
	socket_receive(ask->socket);
	send_rest(ask);
}

static void on_writable(void *owner)
{
	send_rest(owner);
}

/* ---- Hearing ---- */

static void take(struct docker_ask *ask, const struct http_body *body)
{
	bool streams = ask->events && ask->events->on_piece && ask->status / 100 == 2;

	for (unsigned i = 0; i < body->data_count && !ask->gone; i++) {
		if (streams)
			ask->events->on_piece(ask->owner, body->data[i]);
		else
			text_add(&ask->body, body->data[i]);
	}
}

/* True when the answer is whole; *ret_err says what is wrong with it. */
static bool read_answer(struct docker_ask *ask, enum h1_result result, err_t *ret_err)
{
	*ret_err = ERR_OK;
	switch (result) {
	case H1_MORE: break;
	case H1_HEAD: ask->status = h1_parser_head(&ask->parser)->status; break;
	case H1_BODY: take(ask, h1_parser_body(&ask->parser)); break;
	case H1_DONE:
		if (ask->status >= 200)
			return true;
		h1_parser_next(&ask->parser);
		break;
	case H1_FAILED: *ret_err = ask->parser.err; return true;
	}
	*ret_err = text_err(&ask->body);
	return *ret_err != ERR_OK;
}

static void feed(struct docker_ask *ask, struct bytes *data, bool ended)
{
	bool done = false, more = true;
	err_t err = ERR_OK;

	ask->busy = true;
	while (!done && more && !ask->gone) {
		enum h1_result result = ended ? h1_parser_eof(&ask->parser)
					      : h1_parser_feed(&ask->parser, data);

		more = result != H1_MORE && !ended;
		done = read_answer(ask, result, &err);
	}
	ask->busy = false;
	if (ask->gone)
		destroy(ask);
	else if (done)
		answer(ask, err);
	else if (ended)
		answer(ask, ERR_TRUNCATED);
	else
		still_alive(ask);
}

static void on_received(void *owner, struct bytes data)
{
	feed(owner, &data, false);
}

static void on_ended(void *owner, err_t why)
{
	struct docker_ask *ask = owner;

	if (why == ERR_CLOSED)
		feed(ask, NULL, true);
	else
		answer(ask, why);
}

/* ---- Opening ---- */

static err_t write_request(struct docker_ask *ask, const struct docker_question *question)
{
	struct text *out = &ask->out;

	text_printf(out, "%s %s HTTP/1.1\r\nHost: docker\r\nUser-Agent: weir\r\n", question->method,
		    question->path);
	text_add_str(out, "Connection: close\r\n");
	if (question->body.len)
		text_printf(out, "Content-Type: application/%s\r\nContent-Length: %zu\r\n",
			    question->archive ? "x-tar" : "json", question->body.len);
	else if (strcmp(question->method, "POST") == 0)
		text_add_str(out, "Content-Length: 0\r\n");
	text_add_str(out, "\r\n");
	text_add(out, question->body);
	return text_err(out);
}

err_t docker_ask(const struct docker_question *question, const struct docker_ask_events *events,
		 void *owner, struct docker_ask **ret_ask)
{
	static const struct socket_events socket_events = { .on_connected = on_connected,
							    .on_received = on_received,
							    .on_writable = on_writable,
							    .on_ended = on_ended };
	struct docker_ask *ask = calloc(1, sizeof *ask);
	err_t err;

	if (!ask)
		return ERR_NOMEM;
	*ask = (struct docker_ask){ .loop = question->loop,
				    .timer.on_expired = on_silent,
				    .silent_ms = question->silent_ms,
				    .events = events,
				    .owner = owner };
	text_init(&ask->out, QUESTION_MAX);
	text_init(&ask->body, DOCKER_ANSWER_MAX);
	h1_parser_init(&ask->parser, true);
	list_append(question->in, &ask->link);
	err = write_request(ask, question);
	if (!err)
		err = socket_connect_path(ask->loop, question->socket, &socket_events, ask,
					  &ask->socket);
	if (err) {
		destroy(ask);
		return err;
	}
	still_alive(ask);
	if (ret_ask)
		*ret_ask = ask;
	return ERR_OK;
}
