#include "api/front.h"

#include <stdio.h>

#include "api/front_internal.h"
#include "api/gunzip.h"
#include "api/json.h"

/* ---- Answers that come later ---- */

/* Of a question, what its answer needs. */
struct front_waiting {
	const struct api_service *service;
	const struct api_operation *operation;
	enum api_protocol protocol;
	bool house;
};

static err_t wait_for(const struct question *q, const struct front_request *request, bool house,
		      struct api_later *later, struct front_reply *reply)
{
	struct front_waiting *waiting = arena_new(request->arena, struct front_waiting);

	if (!waiting)
		return ERR_NOMEM;
	*waiting = (struct front_waiting){ q->service, q->operation, q->protocol, house };
	reply->waiting = waiting;
	reply->later = later;
	return ERR_OK;
}

void front_later(const struct front_waiting *waiting, const struct front_request *request,
		 json_t *output, const struct api_fault *fault, struct front_reply *reply)
{
	struct question q = { .service = waiting->service,
			      .operation = waiting->operation,
			      .protocol = waiting->protocol };
	struct api_fault words = { .status = 0 };
	err_t err = ERR_OK;

	if (output && waiting->house) {
		reply->content_type = "application/json";
		err = wire_json_encode(q.operation->output, output, true, &reply->body);
	} else if (output) {
		err = front_encode(&q, request, output, reply);
	}
	if (output && !err)
		return;
	if (fault)
		words = *fault;
	front_internal(&words, err);
	if (waiting->house)
		front_fault(&words, reply);
	else
		front_write_fault(&q, request, &words, reply);
}

void front_finish(const struct question *q, const struct front_request *request,
		  struct api_work *work, struct front_reply *reply)
{
	struct api_call *call = &work->call;
	err_t err;

	call->may_wait = true;
	err = api_work_handle(work);
	if (!err && call->later) {
		err = wait_for(q, request, false, call->later, reply);
		if (!err) {
			call->later = NULL;
			return;
		}
	}
	if (!err)
		err = front_encode(q, request, call->output, reply);
	if (err) {
		front_internal(&call->fault, err);
		front_write_fault(q, request, &call->fault, reply);
		front_fault_fields(q, request, call->output, reply);
		return;
	}
	reply->outlet = call->outlet;
	call->outlet = NULL;
}

/* The same of an operation whose answer lasts: made once, and sent until a record changes. */
static err_t run_lasting(const struct front *front, const struct front_request *request,
			 const struct question *q, const struct api_caller *caller, json_t *input,
			 struct front_reply *reply, struct api_fault *fault)
{
	const struct question_key key = { q->service, q->operation, input };
	struct api_work work;
	err_t err = api_work_begin(&work, front->api, caller, q->service, q->operation,
				   reply->request_id, input);

	if (!err && answers_find(&front->api->answers, &key, reply->request_id, &reply->body)) {
		reply->content_type = "text/xml";
	} else if (!err) {
		err = api_work_handle(&work);
		if (!err)
			err = front_encode(q, request, work.call.output, reply);
		if (!err)
			answers_keep(&front->api->answers, &key, reply->request_id,
				     text_bytes(&reply->body));
	}
	*fault = work.call.fault;
	api_work_fini(&work);
	json_decref(input);
	return err;
}

/* The forms whose answers are documents. Takes `input` over. */
static err_t run_whole(const struct front *front, const struct front_request *request,
		       const struct question *q, const struct api_caller *caller, json_t *input,
		       struct front_reply *reply, struct api_fault *fault)
{
	json_t *output = NULL;
	err_t err = api_run(front->api, caller, q->service, q->operation, reply->request_id, input,
			    &output, fault);

	if (!err)
		err = front_encode(q, request, output, reply);
	json_decref(input);
	json_decref(output);
	return err;
}

static err_t run(const struct front *front, const struct front_request *request,
		 const struct question *q, const struct api_caller *caller,
		 struct front_reply *reply, struct api_fault *fault)
{
	struct api_work work;
	json_t *input = NULL;

	TRY(front_decode(q, request, &input, fault));
	if (rest_is(q->protocol)) {
		err_t err = api_work_begin(&work, front->api, caller, q->service, q->operation,
					   reply->request_id, input);

		if (err)
			*fault = work.call.fault;
		else
			front_finish(q, request, &work, reply);
		api_work_fini(&work);
		json_decref(input);
		return err;
	}
	if (q->protocol == API_QUERY && api_is_lasting(q->service, q->operation))
		return run_lasting(front, request, q, caller, input, reply, fault);
	return run_whole(front, request, q, caller, input, reply, fault);
}

/* Clients that came from the query form to JSON still want the code it had there. */
static void add_query_error(const struct http_head *head, const struct api_fault *fault,
			    struct front_reply *reply)
{
	if (bytes_eq_nocase(http_value(head, BYTES("X-Amzn-Query-Mode")), BYTES("true")))
		snprintf(reply->query_error, sizeof reply->query_error, "%s;%s", fault->code,
			 fault->status >= 500 ? "Receiver" : "Sender");
}

/* The request with its body as the sender meant it; the signature was over the packed one. */
static err_t unpack(const struct front *front, const struct front_request *request,
		    struct text *plain, struct front_request *ret_request, struct api_fault *fault)
{
	err_t err;

	*ret_request = *request;
	if (front_is_rest(front, request->head, request->path, request->query) ||
	    !bytes_eq_nocase(http_value(request->head, BYTES("Content-Encoding")), BYTES("gzip")))
		return ERR_OK; /* of REST requests it describes what is stored */
	err = gunzip(request->body, plain);
	ret_request->body = text_bytes(plain);
	if (err && err != ERR_NOMEM)
		fault_set(fault,
			  err == ERR_TOO_LARGE ? "RequestEntityTooLarge" : "SerializationException",
			  "The body cannot be unpacked: %s", err_words(err));
	return err;
}

void front_answer(const struct front *front, const struct front_request *packed,
		  const struct api_caller *caller, struct front_reply *reply)
{
	struct question q = { .protocol = front_form_of(packed->head) };
	struct text plain = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	struct api_fault fault = { .status = 0 };
	struct front_request request;
	err_t err;

	text_init(&q.action, 256);
	text_init(&q.version, 64);
	err = unpack(front, packed, &plain, &request, &fault);
	if (!err)
		err = front_ask(front, &request, &q, &fault);
	if (!err)
		err = run(front, &request, &q, caller, reply, &fault);
	if (err) {
		front_internal(&fault, err);
		front_write_fault_as(q.protocol, q.service, &request, &fault, reply);
		if (front_is_json(q.protocol) || q.protocol == API_CBOR)
			add_query_error(request.head, &fault, reply);
	}
	text_fini(&plain);
	text_fini(&q.action);
	text_fini(&q.version);
}

void front_refuse(const struct front *front, const struct front_request *request,
		  const struct api_fault *fault, struct front_reply *reply)
{
	const struct api_service *service = NULL;
	struct sigv4_identity claim;
	enum api_protocol protocol = front_form_of(request->head);
	struct rest_request rest = front_rest_request(request);
	struct rest_match match;

	if (front_ask_rest(front, &rest, &service)) {
		if (!service && !rest_find(front->api, NULL, &rest, &match))
			service = match.service;
		front_write_fault_as(service ? service->protocol : API_REST_JSON, service, request,
				     fault, reply);
		return;
	}
	if (sigv4_claim(request->head, &claim) == SIGV4_OK)
		service = api_service(front->api, claim.service);
	if (service && front_speaks_all(service) && protocol == API_JSON_1_1)
		protocol = API_JSON_1_0;
	else if (service && protocol != API_CBOR && !front_speaks_all(service))
		protocol = service->protocol;
	front_write_fault_as(protocol, service, request, fault, reply);
	if (front_is_json(protocol) || protocol == API_CBOR)
		add_query_error(request->head, fault, reply);
}

/* ---- The house's own form ---- */

static err_t find_call(const struct front *front, struct bytes name, struct question *q,
		       struct api_fault *fault)
{
	struct bytes rest = name, service;

	if (!bytes_cut(&rest, '/', &service) || !rest.at) {
		fault_set(fault, "InvalidAction", "The path is /_weir/call/SERVICE/OPERATION");
		return ERR_NOT_FOUND;
	}
	q->service = api_service(front->api, service);
	if (!q->service) {
		api_fault_service(front->api, service, fault);
		return ERR_NOT_FOUND;
	}
	q->operation = api_operation(q->service, rest);
	if (!q->operation)
		api_fault_operation(q->service, rest, fault);
	return q->operation ? ERR_OK : ERR_NOT_FOUND;
}

void front_call(const struct front *front, const struct front_request *request, struct bytes name,
		const struct api_caller *caller, struct front_reply *reply)
{
	struct question q = { .service = NULL };
	struct api_fault fault = { .status = 0 };
	json_t *input = NULL, *output = NULL;
	struct api_later *later = NULL;
	err_t err = find_call(front, name, &q, &fault);

	if (!err)
		err = wire_json_decode(request->body, &input, &fault);
	if (!err)
		err = api_run_later(front->api, caller, q.service, q.operation, reply->request_id,
				    input, &output, &later, &fault);
	if (!err && later) {
		err = wait_for(&q, request, true, later, reply);
		if (err)
			later->drop(later);
	} else if (!err) {
		reply->content_type = "application/json";
		err = wire_json_encode(q.operation->output, output, true, &reply->body);
	}
	if (err) {
		front_internal(&fault, err);
		front_fault(&fault, reply);
	}
	json_decref(input);
	json_decref(output);
}
