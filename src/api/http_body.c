/*
 * Bodies larger than memory, between an exchange and a thread that does what blocks:
 *
 *   exchange ──► filling ═swap═► working ──► thread: decode, hash, write ──► done
 *   exchange ◄── piece ◄── thread: read ◄── when the last piece is on its way
 *
 * At most two pieces a request are in memory; a full one pauses the exchange, and TCP holds the
 * sender back.
 */
#include <stdlib.h>

#include "api/http_internal.h"
#include "base/log.h"

enum {
	PIECE_BYTES = 256 * 1024,
	PIECE_ROOM_BYTES = PIECE_BYTES + 64 * 1024, /* one receive more after it was full */
	RECEIVE_BYTES = 32 * 1024,
	POOL_THREADS = 4,
};

static err_t need_pool(struct api_http *http)
{
	return http->pool ? ERR_OK : blocking_pool_create(POOL_THREADS, &http->pool);
}

/* ---- Coming in ---- */

struct upload {
	struct blocking_job job;
	struct request *request;
	struct front_upload *front;
	struct text filling, working; /* the thread has `working` while busy */
	bool busy, paused;
	bool last; /* all of the body is in `filling` or went before */
	bool gone; /* the caller left while a thread was at it */
	bool finishing;
	err_t err;
};

static void upload_end(struct request *request)
{
	struct upload *upload = request->upload;

	front_upload_free(upload->front);
	text_fini(&upload->filling);
	text_fini(&upload->working);
	free(upload);
	request->upload = NULL;
}

static void upload_answer(struct request *request)
{
	struct upload *upload = request->upload;
	struct front_reply reply;
	bool unread = !upload->last;

	timer_cancel(&request->stalled);
	front_reply_init(&reply);
	front_upload_answer(upload->front, &reply);
	upload_end(request);
	http_answer_reply(request, &reply, unread);
}

static void on_work(struct blocking_job *job)
{
	struct upload *upload = container_of(job, struct upload, job);

	if (upload->working.len)
		upload->err = front_upload_feed(upload->front, text_bytes(&upload->working));
	if (!upload->err && upload->finishing)
		upload->err = front_upload_finish(upload->front);
}

static void work_on(struct upload *upload)
{
	struct request *request = upload->request;
	struct text swapped = upload->working;

	upload->working = upload->filling;
	upload->filling = swapped;
	text_clear(&upload->filling);
	upload->finishing = upload->last;
	upload->busy = true;
	blocking_submit(request->http->pool, &upload->job);
	if (upload->paused) {
		upload->paused = false;
		exchange_resume(request->seen.exchange);
		http_watch_stall(request);
	}
}

static void on_worked(struct blocking_job *job)
{
	struct upload *upload = container_of(job, struct upload, job);
	struct request *request = upload->request;

	upload->busy = false;
	if (upload->gone) {
		upload_end(request);
		http_free_request(request);
	} else if (upload->err || upload->finishing) {
		upload_answer(request);
	} else if (upload->filling.len >= PIECE_BYTES || upload->last) {
		work_on(upload);
	}
}

/* The head's bytes move when the callback that brought it returns: what is kept is a copy. */
static err_t upload_open(struct request *request, struct front_reply *reply)
{
	struct api_http *http = request->http;
	struct front_request whole = http_front_request(request);
	struct upload *upload = calloc(1, sizeof *upload);
	err_t err;

	if (!upload)
		return ERR_NOMEM;
	err = front_upload_open(&http->front, &whole, &request->caller, &upload->front, reply);
	if (err) {
		free(upload);
		return err;
	}
	upload->request = request;
	upload->job.work = on_work;
	upload->job.done = on_worked;
	upload->job.loop = http->options.loop;
	text_init(&upload->filling, PIECE_ROOM_BYTES);
	text_init(&upload->working, PIECE_ROOM_BYTES);
	request->upload = upload;
	return ERR_OK;
}

bool upload_begin(struct request *request)
{
	struct front_reply reply;
	bool has_body = request->head_copy.framing != HTTP_BODY_NONE;

	/* The house's own paths are no buckets. */
	if (bytes_starts(request->seen.path, BYTES("/_")) ||
	    !front_is_upload(&request->http->front, &request->head_copy, request->seen.path,
			     request->seen.query))
		return false;
	front_reply_init(&reply);
	if (need_pool(request->http) || upload_open(request, &reply)) {
		if (!reply.body.len && reply.status == 200)
			reply.status = 500;
		request->phase = HANDED;
		http_answer_reply(request, &reply, has_body);
		return true;
	}
	request->phase = RECEIVING;
	exchange_receive_hint(request->seen.exchange, RECEIVE_BYTES);
	http_watch_stall(request);
	return true;
}

void upload_on_body(struct request *request, const struct http_body *body)
{
	struct upload *upload = request->upload;

	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&upload->filling, body->data[i]);
	assert(text_err(&upload->filling) != ERR_TOO_LARGE);
	if (text_err(&upload->filling))
		upload->err = text_err(&upload->filling);
	if (body->end) {
		upload->last = true;
		timer_cancel(&request->stalled);
	} else {
		http_watch_stall(request);
	}
	if (!upload->busy && (upload->filling.len >= PIECE_BYTES || upload->last)) {
		work_on(upload);
	} else if (upload->filling.len >= PIECE_BYTES && !upload->last && !upload->paused) {
		upload->paused = true;
		timer_cancel(&request->stalled);
		exchange_pause(request->seen.exchange);
	}
}

void upload_on_gone(struct request *request)
{
	if (request->upload->busy) {
		timer_cancel(&request->stalled);
		request->upload->gone = true;
		return;
	}
	upload_end(request);
	http_free_request(request);
}

/* ---- Going out ---- */

struct download {
	struct blocking_job job;
	struct request *request;
	struct api_outlet *outlet;
	uint64_t left;
	char *piece;
	size_t piece_len;
	bool busy, gone;
	err_t err;
};

static void download_end(struct request *request, bool cut)
{
	struct download *download = request->download;
	struct exchange *x = request->seen.exchange;

	request->seen.exchange = NULL;
	request->download = NULL;
	download->outlet->ops->close(download->outlet);
	free(download->piece);
	free(download);
	if (x && cut)
		exchange_close_conn(x); /* of a body that ends early: it looks cut */
	else if (x)
		exchange_close(x);
	http_free_request(request);
}

static void on_read(struct blocking_job *job)
{
	struct download *download = container_of(job, struct download, job);
	size_t room = download->left < PIECE_BYTES ? (size_t)download->left : PIECE_BYTES;

	download->err = download->outlet->ops->read(download->outlet, download->piece, room,
						    &download->piece_len);
}

static void read_next(struct download *download)
{
	download->busy = true;
	blocking_submit(download->request->http->pool, &download->job);
}

static void on_piece(struct blocking_job *job)
{
	struct download *download = container_of(job, struct download, job);
	struct request *request = download->request;
	enum conn_room room;

	download->busy = false;
	if (download->gone || !request->seen.exchange) {
		download_end(request, true);
		return;
	}
	if (download->err) {
		log_error("api", "a body cannot be read: %s", err_words(download->err));
		download_end(request, true);
		return;
	}
	assert(download->piece_len && download->piece_len <= download->left);
	download->left -= download->piece_len;
	room = exchange_send_data(request->seen.exchange,
				  bytes_make(download->piece, download->piece_len),
				  download->left == 0);
	if (download->left == 0)
		download_end(request, false);
	else if (room == CONN_OK)
		read_next(download);
}

void download_begin(struct request *request, struct front_reply *reply)
{
	struct api_outlet *outlet = reply->outlet;
	struct download *download = calloc(1, sizeof *download);
	bool wanted = !bytes_eq_str(request->head_copy.method, "HEAD") && outlet->length;
	err_t err = download ? ERR_OK : ERR_NOMEM;

	if (download) {
		download->piece = wanted ? malloc(PIECE_BYTES) : NULL;
		download->request = request;
		download->outlet = outlet;
		download->left = outlet->length;
		download->job.work = on_read;
		download->job.done = on_piece;
		download->job.loop = request->http->options.loop;
		if (wanted && !download->piece)
			err = ERR_NOMEM;
	}
	if (!err && wanted)
		err = need_pool(request->http);
	if (!err && request->seen.exchange)
		err = http_send_reply_head(request, reply, outlet->length);
	if (!download) {
		outlet->ops->close(outlet);
		if (request->seen.exchange)
			exchange_close_conn(request->seen.exchange);
		http_free_request(request);
		return;
	}
	request->phase = SENDING;
	request->download = download;
	if (err || !wanted || !request->seen.exchange)
		download_end(request, err != ERR_OK);
	else
		read_next(download);
}

void download_on_drained(struct request *request)
{
	if (!request->download->busy)
		read_next(request->download);
}

void download_on_gone(struct request *request)
{
	if (request->download->busy)
		request->download->gone = true;
	else
		download_end(request, true);
}
