/*
 * Requests whose body is not collected first: it goes to the operation's intake as it comes, or,
 * for the others that S3 may send in chunks, into memory and then the usual way.
 */
#include <stdlib.h>

#include "api/front_internal.h"
#include "api/payload.h"
#include "base/log.h"

struct front_upload {
	const struct front *front;
	struct front_request request;
	struct api_caller *caller;
	struct question q;
	struct api_work work;
	bool began;
	struct payload *payload;
	struct text whole; /* without an intake */
	struct api_fault fault;
	err_t err;
};

bool front_is_upload(const struct front *front, const struct http_head *head, struct bytes path,
		     struct bytes query)
{
	struct rest_request request = { .head = head, .path = path, .query = query };
	const struct api_service *service;
	struct rest_match match;

	if (!front_ask_rest(front, &request, &service) ||
	    rest_find(front->api, service, &request, &match))
		return false;
	return match.operation->take ||
	       (match.service->protocol == API_REST_XML &&
		bytes_starts(http_value(head, BYTES("X-Amz-Content-Sha256")), BYTES("STREAMING-")));
}

static err_t begin(struct front_upload *upload, const char *request_id)
{
	struct rest_request rest = front_rest_request(&upload->request);
	json_t *input;
	err_t err;

	if (!upload->q.operation->take)
		return ERR_OK;
	TRY(rest_decode(&upload->q.rest, &rest, BYTES_NONE, &input, &upload->fault));
	upload->began = true;
	err = api_work_begin(&upload->work, upload->front->api, upload->caller, upload->q.service,
			     upload->q.operation, request_id, input);
	json_decref(input);
	if (err)
		upload->fault = upload->work.call.fault;
	return err;
}

static err_t open(struct front_upload *upload, const char *request_id)
{
	struct rest_request rest = front_rest_request(&upload->request);
	struct bytes stated = http_value(upload->request.head,
					 BYTES("X-Amz-Decoded-Content-Length"));
	const struct api_service *service;
	struct sigv4_seed seed;
	uint64_t decoded_bytes = UINT64_MAX;

	front_ask_rest(upload->front, &rest, &service);
	TRY(front_find_rest(upload->front, &rest, service, &upload->q, &upload->fault));
	TRY(front_head_caller(upload->front, &upload->request, upload->caller, &seed,
			      &upload->fault));
	if (stated.len && seed.kind >= SIGV4_CHUNKS &&
	    bytes_to_u64(stated, INT64_MAX, &decoded_bytes)) {
		fault_set(&upload->fault, "InvalidArgument",
			  "X-Amz-Decoded-Content-Length is not a number of bytes");
		return ERR_SYNTAX;
	}
	TRY(begin(upload, request_id));
	return payload_create(&seed, decoded_bytes, &upload->payload);
}

err_t front_upload_open(const struct front *front, const struct front_request *request,
			struct api_caller *caller, struct front_upload **ret_upload,
			struct front_reply *reply)
{
	struct front_upload *upload = calloc(1, sizeof *upload);
	err_t err = ERR_NOMEM;

	if (upload) {
		upload->front = front;
		upload->request = *request;
		upload->caller = caller;
		text_init(&upload->whole, WIRE_BODY_BYTES_MAX);
		err = open(upload, reply->request_id);
	}
	if (!err) {
		*ret_upload = upload;
		return ERR_OK;
	}
	if (upload) {
		upload->err = err;
		front_upload_answer(upload, reply);
		front_upload_free(upload);
	}
	return err;
}

static err_t keep(void *owner, struct bytes piece)
{
	struct front_upload *upload = owner;

	if (upload->began)
		return upload->work.call.intake->ops->write(upload->work.call.intake, piece);
	text_add(&upload->whole, piece);
	if (text_err(&upload->whole) == ERR_TOO_LARGE)
		fault_set(&upload->fault, "EntityTooLarge", "This request can have at most 16 MiB");
	return text_err(&upload->whole);
}

err_t front_upload_feed(struct front_upload *upload, struct bytes piece)
{
	upload->err = payload_feed(upload->payload, piece, keep, upload, &upload->fault);
	return upload->err;
}

err_t front_upload_finish(struct front_upload *upload)
{
	struct api_intake *intake = upload->began ? upload->work.call.intake : NULL;
	struct bytes name, value;

	upload->err = payload_finish(upload->payload, &upload->fault);
	for (unsigned i = 0;
	     intake && !upload->err && payload_trailer(upload->payload, i, &name, &value); i++)
		upload->err = intake->ops->trailer(intake, name, value);
	if (intake && !upload->err)
		upload->err = intake->ops->finish(intake);
	return upload->err;
}

/* The words of a failure: the decoder's, the intake's, or our own. */
static void add_words(struct front_upload *upload)
{
	if (!upload->fault.code[0] && upload->began)
		upload->fault = upload->work.call.fault;
	if (upload->fault.code[0])
		return;
	log_error("api", "%s: %s", upload->q.operation ? upload->q.operation->name : "an upload",
		  err_words(upload->err));
	fault_set(&upload->fault, "InternalError",
		  "We encountered an internal error. Please try again.");
}

void front_upload_answer(struct front_upload *upload, struct front_reply *reply)
{
	if (upload->err) {
		add_words(upload);
		front_write_fault(&upload->q, &upload->request, &upload->fault, reply);
	} else if (upload->began) {
		front_finish(&upload->q, &upload->request, &upload->work, reply);
	} else {
		upload->request.body = text_bytes(&upload->whole);
		front_answer(upload->front, &upload->request, upload->caller, reply);
	}
}

void front_upload_free(struct front_upload *upload)
{
	payload_destroy(upload->payload);
	if (upload->began)
		api_work_fini(&upload->work);
	text_fini(&upload->whole);
	free(upload);
}
