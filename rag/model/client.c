#include "rag/model/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "rag/model/sse_reader.h"

/* An endpoint that said [DONE] and keeps the response open has nothing more to say. The moment lets
 * it end the response, so that the connection can be used again. */
enum { AFTER_DONE_MS = 200 };

struct model {
	struct loop *loop;
	CURLM *multi;
	struct timer timer; /* libcurl's own clock */
	char *url, *authorization;
	uint32_t connect_ms, first_ms, stall_ms;
	struct list_node runs;
	unsigned depth; /* > 0 inside libcurl, where no transfer may be taken out */
};

struct model_run {
	struct list_node link;
	struct model *model;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	const struct model_events *events; /* NULL once cancelled */
	void *owner;
	struct sse_reader reader;
	struct timer clock; /* first piece, then stall */
	bool any_piece, finished, length, failed, done, paused, stalled;
	uint64_t prompt_tokens, completion_tokens;
};

/* ---- libcurl on the loop ---- */

static void reap(struct model *model);

static void act(struct model *model, curl_socket_t fd, int mask)
{
	int running;

	model->depth++;
	curl_multi_socket_action(model->multi, fd, mask, &running);
	model->depth--;
	reap(model);
}

struct watched {
	struct watch *watch;
	struct model *model;
	curl_socket_t fd;
};

static void on_ready(void *owner, bool readable, bool writable)
{
	struct watched *w = owner;

	act(w->model, w->fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
}

static const struct watch_events watch_table = { .on_ready = on_ready };

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *socket_owner)
{
	bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
	bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
	struct model *model = owner;
	struct watched *w = socket_owner;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			watch_close(w->watch);
		free(w);
		return 0;
	}
	if (w) {
		watch_change(w->watch, readable, writable);
		return 0;
	}
	w = calloc(1, sizeof *w);
	if (!w)
		return -1;
	w->model = model;
	w->fd = fd;
	if (watch_open(model->loop, fd, readable, writable, &watch_table, w, &w->watch)) {
		free(w);
		return -1;
	}
	curl_multi_assign(model->multi, fd, w);
	return 0;
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *owner)
{
	struct model *model = owner;

	(void)multi;
	if (timeout_ms < 0)
		timer_cancel(&model->timer);
	else
		timer_set(model->loop, &model->timer,
			  loop_now_ms(model->loop) + (uint64_t)timeout_ms);
	return 0;
}

static void on_timer(struct timer *timer)
{
	act(container_of(timer, struct model, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* ---- One run ---- */

static void run_free(struct model_run *run)
{
	list_remove(&run->link);
	timer_cancel(&run->clock);
	if (run->easy) {
		/* Taking out a transfer that has not ended closes its connection. */
		curl_multi_remove_handle(run->model->multi, run->easy);
		curl_easy_cleanup(run->easy);
	}
	curl_slist_free_all(run->headers);
	sse_reader_fini(&run->reader);
	free(run->body);
	free(run);
}

static void run_end(struct model_run *run, enum model_end end)
{
	const struct model_events *events = run->events;
	long status = 0;

	curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
	if (events)
		events->on_ended(run->owner, end, (unsigned)status);
	run_free(run);
}

static enum model_end end_of(const struct model_run *run, CURLcode code, long status)
{
	if (run->stalled)
		return MODEL_STALLED;
	if (status != 200)
		return MODEL_REFUSED;
	if (run->failed || (code != CURLE_OK && !run->done))
		return MODEL_TRUNCATED;
	if (run->length)
		return MODEL_LENGTH;
	return run->finished || run->done ? MODEL_STOP : MODEL_TRUNCATED;
}

static void reap(struct model *model)
{
	CURLMsg *message;
	int left;

	if (model->depth)
		return;
	while ((message = curl_multi_info_read(model->multi, &left))) {
		struct model_run *run;
		long status = 0;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&run);
		curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		if (code != CURLE_OK && run->events && !run->done)
			log_warn("rag", "the model's endpoint: %s", curl_easy_strerror(code));
		else if (status != 200)
			log_warn("rag", "the model's endpoint answered with status %ld", status);
		run_end(run, end_of(run, code, status));
	}
	/* Cancelled from inside libcurl: it is safe to let them go now. */
	list_for_each_safe (&model->runs, node) {
		struct model_run *run = container_of(node, struct model_run, link);

		if (!run->events)
			run_free(run);
	}
}

static void clock_set(struct model_run *run, uint32_t budget_ms)
{
	timer_set(run->model->loop, &run->clock, loop_now_ms(run->model->loop) + budget_ms);
}

static uint32_t patience_ms(const struct model_run *run)
{
	if (run->done)
		return AFTER_DONE_MS;
	return run->any_piece ? run->model->stall_ms : run->model->first_ms;
}

static void on_clock(struct timer *timer)
{
	struct model_run *run = container_of(timer, struct model_run, clock);

	if (run->done) {
		run_end(run, end_of(run, CURLE_OK, 200));
		return;
	}
	run->stalled = true;
	log_warn("rag", "the model's endpoint was silent for too long");
	run_end(run, MODEL_STALLED);
}

static bool on_data(void *owner, struct bytes data)
{
	struct model_run *run = owner;
	struct completion_piece piece;

	completion_piece(data, &piece);
	run->failed |= piece.failed;
	run->done |= piece.done;
	run->length |= piece.length;
	run->finished |= piece.stop || piece.length;
	if (piece.has_usage) {
		run->prompt_tokens = piece.prompt_tokens;
		run->completion_tokens = piece.completion_tokens;
	}
	if (piece.content) {
		run->any_piece = true;
		run->events->on_words(run->owner, bytes_of(piece.content));
	}
	free(piece.content);
	return run->events && !run->failed;
}

static size_t on_write(char *at, size_t size, size_t count, void *owner)
{
	struct model_run *run = owner;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!run->events)
		return CURL_WRITEFUNC_ERROR;
	if (status != 200)
		return len; /* an error's body may quote the key: nobody reads it */
	if (sse_reader_feed(&run->reader, bytes_make(at, len), on_data, run))
		run->failed = true;
	if (!run->events || run->failed)
		return CURL_WRITEFUNC_ERROR;
	if (!run->paused)
		clock_set(run, patience_ms(run));
	return len;
}

static err_t headers_make(struct model_run *run, const struct model_question *question)
{
	char id[200], trace[100];
	const char *const lines[] = { "Content-Type: application/json",
				      "Accept: text/event-stream",
				      "Expect:",
				      id,
				      run->model->authorization,
				      question->traceparent[0] ? trace : NULL };

	snprintf(id, sizeof id, "X-Request-Id: %s", question->request_id);
	snprintf(trace, sizeof trace, "traceparent: %s", question->traceparent);
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct curl_slist *more;

		if (!lines[i])
			continue;
		more = curl_slist_append(run->headers, lines[i]);
		if (!more)
			return ERR_NOMEM;
		run->headers = more;
	}
	return ERR_OK;
}

static void easy_setup(struct model_run *run, size_t body_len)
{
	CURL *easy = run->easy;

	curl_easy_setopt(easy, CURLOPT_URL, run->model->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)run->model->connect_ms);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "ragd");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, run->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, run->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, run);
}

err_t model_start(struct model *model, const struct model_question *question,
		  const struct model_events *events, void *owner, struct model_run **ret_run)
{
	struct model_run *run = calloc(1, sizeof *run);
	err_t err = ERR_NOMEM;

	if (!run)
		return ERR_NOMEM;
	run->model = model;
	run->events = events;
	run->owner = owner;
	run->clock.on_expired = on_clock;
	sse_reader_init(&run->reader);
	list_append(&model->runs, &run->link);
	run->body = bytes_dup(question->body);
	run->easy = curl_easy_init();
	if (run->body && run->easy)
		err = headers_make(run, question);
	if (err) {
		run_free(run);
		return err;
	}
	easy_setup(run, question->body.len);
	clock_set(run, model->first_ms);
	/* Adding sets libcurl's timer, so the connect begins on a later turn. */
	if (curl_multi_add_handle(model->multi, run->easy) != CURLM_OK) {
		run_free(run);
		return ERR_NOMEM;
	}
	*ret_run = run;
	return ERR_OK;
}

void model_cancel(struct model_run *run)
{
	run->events = NULL;
	if (!run->model->depth)
		run_free(run);
}

void model_pause(struct model_run *run, bool paused)
{
	if (run->paused == paused)
		return;
	run->paused = paused;
	if (paused)
		timer_cancel(&run->clock);
	else
		clock_set(run, patience_ms(run));
	run->model->depth++;
	curl_easy_pause(run->easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
	run->model->depth--;
}

void model_usage(const struct model_run *run, uint64_t *ret_prompt, uint64_t *ret_completion)
{
	*ret_prompt = run->prompt_tokens;
	*ret_completion = run->completion_tokens;
}

/* ---- The process's one ---- */

static char *join(const char *a, const char *b)
{
	struct text text = TEXT_INIT(8192);
	char *joined;

	text_add_str(&text, a);
	text_add_str(&text, b);
	joined = text_take(&text);
	text_fini(&text);
	return joined;
}

static char *url_of(const char *base)
{
	struct bytes trimmed = bytes_of(base);
	char *copy, *url;

	while (trimmed.len && trimmed.at[trimmed.len - 1] == '/')
		trimmed.len--;
	copy = bytes_dup(trimmed);
	url = copy ? join(copy, "/chat/completions") : NULL;
	free(copy);
	return url;
}

err_t model_create(const struct model_options *options, struct model **ret_model)
{
	struct model *model;

	if (!bytes_starts_nocase(bytes_of(options->base_url), BYTES("http://")) &&
	    !bytes_starts_nocase(bytes_of(options->base_url), BYTES("https://")))
		return ERR_INVALID;
	model = calloc(1, sizeof *model);
	if (!model)
		return ERR_NOMEM;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	model->loop = options->loop;
	model->connect_ms = options->connect_ms;
	model->first_ms = options->first_ms;
	model->stall_ms = options->stall_ms;
	model->timer.on_expired = on_timer;
	list_init(&model->runs);
	model->url = url_of(options->base_url);
	if (options->key[0])
		model->authorization = join("Authorization: Bearer ", options->key);
	model->multi = curl_multi_init();
	if (!model->multi || !model->url || (options->key[0] && !model->authorization)) {
		model_destroy(model);
		return ERR_NOMEM;
	}
	curl_multi_setopt(model->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(model->multi, CURLMOPT_SOCKETDATA, model);
	curl_multi_setopt(model->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(model->multi, CURLMOPT_TIMERDATA, model);
	*ret_model = model;
	return ERR_OK;
}

void model_destroy(struct model *model)
{
	if (!model)
		return;
	assert(list_empty(&model->runs));
	curl_multi_cleanup(model->multi);
	timer_cancel(&model->timer);
	free(model->url);
	free(model->authorization);
	free(model);
	curl_global_cleanup();
}
