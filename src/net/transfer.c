#include "net/transfer.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "net/clock.h"

enum {
	CONNECT_MS = 10 * 1000,
	WAIT_MS = 500,
	IDLE_MAX = 8,
	FAREWELL_MS = 2 * 1000, /* for the end of an answer that nobody waits for any more */
};

struct transfer {
	/* loop_only */
	struct transfers *owner_set;
	struct list_node link; /* in transfers->all */
	struct loop_job job;
	void (*on_progress)(void *owner);
	void *owner;
	pthread_t thread;
	/* The thread's, and what it was given before it began. */
	char *method, *url, *ca_file;
	struct curl_slist *fields;
	uint64_t body_bytes, sent_bytes;
	uint32_t stalled_ms;
	uint64_t moved_ms; /* when the last byte passed */
	CURL *curl;
	/* locked */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct text up, down, head; /* of `up` and `down` the first bytes are used already: */
	size_t up_used, down_used;
	unsigned status;
	bool headed, aborted, posted, over;
	bool closed; /* its owner has gone; the loop alone changes it */
	err_t err;
	char why[CURL_ERROR_SIZE];
};

/* The loop's alone. */
struct transfers {
	struct loop *loop;
	struct list_node all;
	unsigned count;
	CURL *idle[IDLE_MAX]; /* whose connections are warm */
	unsigned idle_count;
	bool started;
};

/* ---- Both sides: with the lock held ---- */

static size_t left(const struct text *buffer, size_t used)
{
	return buffer->len - used;
}

/* What was used goes when all was, or when it is much: so hardly a byte moves. */
static void add(struct text *buffer, size_t *used, struct bytes data)
{
	if (*used >= TRANSFER_BUFFER_BYTES) {
		memmove(buffer->at, buffer->at + *used, buffer->len - *used);
		buffer->len -= *used;
		*used = 0;
	}
	text_add(buffer, data);
}

static size_t use(struct text *buffer, size_t *used, char *at, size_t room)
{
	size_t len = size_min(left(buffer, *used), room);

	if (!len)
		return 0;
	memcpy(at, buffer->at + *used, len);
	*used += len;
	if (*used == buffer->len) {
		text_clear(buffer);
		*used = 0;
	}
	return len;
}

static void tell_loop(struct transfer *transfer)
{
	if (transfer->posted)
		return;
	transfer->posted = true;
	loop_post(transfer->owner_set->loop, &transfer->job);
}

/* False when it was broken off meanwhile. */
static void wait_for_change(struct transfer *transfer)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_MS * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_nsec -= 1000000000l;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&transfer->changed, &transfer->lock, &until);
}

/* ---- The thread ---- */

static uint64_t now_ms(void)
{
	return clock_mono_us() / 1000;
}

static size_t on_read(char *at, size_t size, size_t count, void *owner)
{
	struct transfer *transfer = owner;
	size_t room = size * count, len;

	pthread_mutex_lock(&transfer->lock);
	while (!left(&transfer->up, transfer->up_used) && !transfer->aborted &&
	       transfer->sent_bytes < transfer->body_bytes) {
		if (transfer->closed)
			transfer->aborted = true; /* the rest of the body will not come */
		else
			wait_for_change(transfer);
	}
	len = transfer->aborted ? CURL_READFUNC_ABORT
				: use(&transfer->up, &transfer->up_used, at, room);
	if (!transfer->aborted) {
		transfer->sent_bytes += len;
		tell_loop(transfer);
	}
	pthread_mutex_unlock(&transfer->lock);
	transfer->moved_ms = now_ms();
	return len;
}

static size_t on_write(char *at, size_t size, size_t count, void *owner)
{
	struct transfer *transfer = owner;
	size_t len = size * count;

	pthread_mutex_lock(&transfer->lock);
	while (left(&transfer->down, transfer->down_used) >= TRANSFER_BUFFER_BYTES &&
	       !transfer->aborted)
		wait_for_change(transfer);
	if (transfer->aborted) {
		len = 0;
	} else {
		add(&transfer->down, &transfer->down_used, bytes_make(at, len));
		if (text_err(&transfer->down))
			len = 0;
		tell_loop(transfer);
	}
	pthread_mutex_unlock(&transfer->lock);
	transfer->moved_ms = now_ms();
	return len;
}

/* One line of a head, the empty one at its end included; 1xx have heads of their own. */
static size_t on_header(char *at, size_t size, size_t count, void *owner)
{
	struct transfer *transfer = owner;
	struct bytes line = bytes_trim(bytes_make(at, size * count));
	long status = 0;

	while (line.len && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == '\n'))
		line.len--;
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	pthread_mutex_lock(&transfer->lock);
	if (bytes_starts(line, BYTES("HTTP/"))) {
		text_clear(&transfer->head);
	} else if (line.len && !transfer->headed) {
		text_printf(&transfer->head, "%.*s\n", BYTES_ARG(line));
	} else if (!line.len && status >= 200) {
		transfer->status = (unsigned)status;
		transfer->headed = true;
		tell_loop(transfer);
	}
	pthread_mutex_unlock(&transfer->lock);
	transfer->moved_ms = now_ms();
	return text_err(&transfer->head) ? 0 : size * count;
}

static int on_tick(void *owner, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		   curl_off_t up)
{
	struct transfer *transfer = owner;
	uint32_t patience_ms;
	bool aborted;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	pthread_mutex_lock(&transfer->lock);
	aborted = transfer->aborted;
	patience_ms = transfer->closed ? FAREWELL_MS : transfer->stalled_ms;
	pthread_mutex_unlock(&transfer->lock);
	return aborted || now_ms() - transfer->moved_ms > patience_ms;
}

static void set_body(struct transfer *transfer, CURL *curl)
{
	if (strcmp(transfer->method, "HEAD") == 0) {
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		return;
	}
	if (transfer->body_bytes) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->body_bytes);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, transfer->method);
}

static void prepare(struct transfer *transfer)
{
	CURL *curl = transfer->curl;

	curl_easy_reset(curl); /* its connections stay */
	curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->fields);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	if (transfer->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, transfer->ca_file);
	set_body(transfer, curl);
}

/* With the lock held. */
static err_t err_of(const struct transfer *transfer, CURLcode code)
{
	switch (code) {
	case CURLE_OK: return ERR_OK;
	case CURLE_COULDNT_RESOLVE_HOST: return ERR_NOT_FOUND;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_PEER_FAILED_VERIFICATION: return ERR_TLS_HANDSHAKE;
	case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK: return transfer->aborted ? ERR_CANCELLED : ERR_EXPIRED;
	default: return transfer->headed ? ERR_TRUNCATED : ERR_UNREACHABLE;
	}
}

static void *run(void *arg)
{
	struct transfer *transfer = arg;
	CURLcode code;

	transfer->moved_ms = now_ms();
	prepare(transfer);
	code = curl_easy_perform(transfer->curl);
	pthread_mutex_lock(&transfer->lock);
	transfer->err = err_of(transfer, code);
	if (transfer->err && !transfer->why[0])
		snprintf(transfer->why, sizeof transfer->why, "%s", curl_easy_strerror(code));
	transfer->over = true;
	tell_loop(transfer);
	pthread_mutex_unlock(&transfer->lock);
	return NULL;
}

/* ---- The loop ---- */

static CURL *lend(struct transfers *transfers)
{
	return transfers->idle_count ? transfers->idle[--transfers->idle_count] : curl_easy_init();
}

static void give_back(struct transfers *transfers, CURL *curl, err_t err)
{
	if (!err && transfers->idle_count < IDLE_MAX)
		transfers->idle[transfers->idle_count++] = curl;
	else
		curl_easy_cleanup(curl);
}

/* Its thread has ended or never began. */
static void transfer_free(struct transfer *transfer)
{
	if (transfer->curl)
		give_back(transfer->owner_set, transfer->curl, transfer->err);
	list_remove(&transfer->link);
	transfer->owner_set->count--;
	pthread_cond_destroy(&transfer->changed);
	pthread_mutex_destroy(&transfer->lock);
	curl_slist_free_all(transfer->fields);
	text_fini(&transfer->up);
	text_fini(&transfer->down);
	text_fini(&transfer->head);
	free(transfer->method);
	free(transfer->url);
	free(transfer->ca_file);
	free(transfer);
}

static void on_posted(struct loop_job *job)
{
	struct transfer *transfer = container_of(job, struct transfer, job);
	bool over;

	pthread_mutex_lock(&transfer->lock);
	transfer->posted = false;
	over = transfer->over;
	pthread_mutex_unlock(&transfer->lock);
	if (!transfer->closed) {
		transfer->on_progress(transfer->owner);
	} else if (over) {
		pthread_join(transfer->thread, NULL);
		transfer_free(transfer);
	}
}

static bool copy(struct transfer *transfer, const struct transfer_request *request)
{
	transfer->method = bytes_dup(bytes_of(request->method));
	transfer->url = bytes_dup(bytes_of(request->url));
	transfer->ca_file = request->ca_file ? bytes_dup(bytes_of(request->ca_file)) : NULL;
	for (size_t i = 0; request->fields[i]; i++) {
		struct curl_slist *more = curl_slist_append(transfer->fields, request->fields[i]);

		if (!more)
			return false;
		transfer->fields = more;
	}
	return transfer->method && transfer->url && (transfer->ca_file || !request->ca_file);
}

static struct transfer *transfer_make(struct transfers *transfers,
				      const struct transfer_request *request)
{
	struct transfer *transfer = calloc(1, sizeof *transfer);

	if (!transfer)
		return NULL;
	transfer->owner_set = transfers;
	transfer->job.run = on_posted;
	transfer->body_bytes = request->body_bytes == TRANSFER_NO_BODY ? 0 : request->body_bytes;
	transfer->stalled_ms = request->stalled_ms;
	pthread_mutex_init(&transfer->lock, NULL);
	pthread_cond_init(&transfer->changed, NULL);
	text_init(&transfer->up, 4 * TRANSFER_BUFFER_BYTES);
	text_init(&transfer->down, 4 * TRANSFER_BUFFER_BYTES);
	text_init(&transfer->head, TRANSFER_HEAD_BYTES_MAX);
	list_append(&transfers->all, &transfer->link);
	transfers->count++;
	transfer->curl = lend(transfers);
	if (transfer->curl && copy(transfer, request))
		return transfer;
	transfer_free(transfer);
	return NULL;
}

err_t transfer_start(struct transfers *transfers, const struct transfer_request *request,
		     void (*on_progress)(void *owner), void *owner, struct transfer **ret_transfer)
{
	struct transfer *transfer;

	if (transfers->count >= TRANSFERS_MAX)
		return ERR_LIMIT;
	/* Safe beside others since 7.84, which Debian 12's is; a second time only counts. */
	if (!transfers->started && curl_global_init(CURL_GLOBAL_DEFAULT))
		return ERR_SYSTEM;
	transfers->started = true;
	transfer = transfer_make(transfers, request);
	if (!transfer)
		return ERR_NOMEM;
	transfer->on_progress = on_progress;
	transfer->owner = owner;
	if (pthread_create(&transfer->thread, NULL, run, transfer)) {
		transfer_free(transfer);
		return ERR_SYSTEM;
	}
	*ret_transfer = transfer;
	return ERR_OK;
}

bool transfer_send(struct transfer *transfer, struct bytes data)
{
	bool room;

	pthread_mutex_lock(&transfer->lock);
	if (!transfer->headed && !transfer->over)
		add(&transfer->up, &transfer->up_used, data);
	if (text_err(&transfer->up))
		transfer->aborted = true; /* a body with a hole in it must not look whole */
	room = left(&transfer->up, transfer->up_used) < TRANSFER_BUFFER_BYTES;
	pthread_cond_signal(&transfer->changed);
	pthread_mutex_unlock(&transfer->lock);
	return room;
}

bool transfer_has_room(struct transfer *transfer)
{
	return transfer_send(transfer, BYTES_NONE);
}

bool transfer_head(struct transfer *transfer, unsigned *ret_status, struct bytes *ret_lines)
{
	bool headed;

	pthread_mutex_lock(&transfer->lock);
	headed = transfer->headed;
	*ret_status = transfer->status;
	*ret_lines = text_bytes(&transfer->head); /* stays as it is once it is whole */
	pthread_mutex_unlock(&transfer->lock);
	return headed;
}

size_t transfer_take(struct transfer *transfer, char *at, size_t room)
{
	size_t len;

	pthread_mutex_lock(&transfer->lock);
	len = use(&transfer->down, &transfer->down_used, at, room);
	pthread_cond_signal(&transfer->changed);
	pthread_mutex_unlock(&transfer->lock);
	return len;
}

bool transfer_is_over(struct transfer *transfer, err_t *ret_err, const char **ret_why)
{
	bool over;

	pthread_mutex_lock(&transfer->lock);
	over = transfer->over && !left(&transfer->down, transfer->down_used);
	*ret_err = transfer->err;
	*ret_why = transfer->why;
	pthread_mutex_unlock(&transfer->lock);
	return over;
}

static void leave(struct transfer *transfer, bool aborted)
{
	bool gone;

	pthread_mutex_lock(&transfer->lock);
	transfer->aborted = aborted;
	transfer->closed = true;
	pthread_cond_signal(&transfer->changed);
	gone = transfer->over && !transfer->posted;
	pthread_mutex_unlock(&transfer->lock);
	if (!gone)
		return; /* on_posted will see to it */
	pthread_join(transfer->thread, NULL);
	transfer_free(transfer);
}

void transfer_close(struct transfer *transfer)
{
	if (transfer)
		leave(transfer, true);
}

void transfer_finish(struct transfer *transfer)
{
	leave(transfer, false);
}

/* One that was left to finish does not keep the house. */
static void break_off(struct transfer *transfer)
{
	pthread_mutex_lock(&transfer->lock);
	transfer->aborted = true;
	pthread_cond_signal(&transfer->changed);
	pthread_mutex_unlock(&transfer->lock);
}

err_t transfers_create(struct loop *loop, struct transfers **ret_transfers)
{
	struct transfers *transfers = calloc(1, sizeof *transfers);

	if (!transfers)
		return ERR_NOMEM;
	transfers->loop = loop;
	list_init(&transfers->all);
	*ret_transfers = transfers;
	return ERR_OK;
}

void transfers_destroy(struct transfers *transfers)
{
	if (!transfers)
		return;
	list_for_each_safe (&transfers->all, node) {
		struct transfer *transfer = container_of(node, struct transfer, link);

		if (transfer->closed)
			break_off(transfer);
		else
			transfer_close(transfer);
	}
	/* Each thread posts before it ends, and its last post frees. */
	while (transfers->count) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		loop_settle(transfers->loop);
	}
	while (transfers->idle_count)
		curl_easy_cleanup(transfers->idle[--transfers->idle_count]);
	free(transfers);
}
