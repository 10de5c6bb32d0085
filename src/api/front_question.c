/*
 * What is asked: which service and operation, told from the head alone or, of forms, from the body.
 */
#include <stdio.h>

#include "api/front_internal.h"
#include "api/query.h"
#include "base/encode.h"

struct rest_request front_rest_request(const struct front_request *request)
{
	return (struct rest_request){
		.head = request->head,
		.path = request->path,
		.query = request->query,
	};
}

static bool is_json_request(const struct http_head *head)
{
	return http_find(head, BYTES("X-Amz-Target")) != NULL ||
	       bytes_starts_nocase(http_value(head, BYTES("Content-Type")),
				   BYTES("application/x-amz-json"));
}

bool front_is_json(enum api_protocol protocol)
{
	return protocol == API_JSON_1_0 || protocol == API_JSON_1_1;
}

/* A service of the query form that has grown the newer ones. */
bool front_speaks_all(const struct api_service *service)
{
	return service->protocol == API_QUERY && service->target_prefix;
}

static bool is_cbor_request(const struct http_head *head)
{
	return bytes_eq_str(http_value(head, BYTES("Smithy-Protocol")), "rpc-v2-cbor");
}

/* Parameters may stand in the query, in the body, or some in each. */
static err_t join_form(const struct front_request *request, struct bytes *ret_form)
{
	struct bytes query = request->query, body = request->body;
	char *joined;

	if (!query.len || !body.len) {
		*ret_form = query.len ? query : body;
		return ERR_OK;
	}
	joined = arena_alloc(request->arena, query.len + 1 + body.len);
	if (!joined)
		return ERR_NOMEM;
	memcpy(joined, query.at, query.len);
	joined[query.len] = '&';
	memcpy(joined + query.len + 1, body.at, body.len);
	*ret_form = bytes_make(joined, query.len + 1 + body.len);
	return ERR_OK;
}

/* "AmazonEC2ContainerServiceV20141113.CreateCluster" */
static const struct api_service *service_of_target(const struct api *api, struct bytes target,
						   struct bytes *ret_action)
{
	const struct api_service *service;
	size_t dot = bytes_index(target, '.');

	if (dot == SIZE_MAX)
		return NULL;
	*ret_action = bytes_from(target, dot + 1);
	for (size_t i = 0; (service = api_service_at(api, i)); i++)
		if (service->target_prefix &&
		    bytes_eq_str(bytes_upto(target, dot), service->target_prefix))
			return service;
	return NULL;
}

/* Unsigned forms name no service, but the version of one. */
static const struct api_service *service_of_form(const struct api *api, const struct question *q)
{
	const struct api_service *service;

	for (size_t i = 0; (service = api_service_at(api, i)); i++)
		if ((!q->version.len || bytes_eq_str(text_bytes(&q->version), service->version)) &&
		    api_operation(service, text_bytes(&q->action)))
			return service;
	for (size_t i = 0; (service = api_service_at(api, i)); i++)
		if (q->version.len && bytes_eq_str(text_bytes(&q->version), service->version))
			return service;
	return NULL;
}

static err_t ask_json(const struct front *front, const struct front_request *request,
		      struct question *q, struct api_fault *fault)
{
	struct bytes target = http_value(request->head, BYTES("X-Amz-Target")), action = BYTES_NONE;
	struct sigv4_identity claim;

	q->service = service_of_target(front->api, target, &action);
	if (!q->service ||
	    (!front_is_json(q->service->protocol) && !front_speaks_all(q->service))) {
		bool named = sigv4_claim(request->head, &claim) == SIGV4_OK;

		q->service = NULL;
		api_fault_service(front->api,
				  named ? claim.service
					: bytes_upto(target, bytes_index(target, '.')),
				  fault);
		return ERR_NOT_FOUND;
	}
	q->protocol = front_is_json(q->service->protocol) ? q->service->protocol : API_JSON_1_0;
	q->operation = api_operation(q->service, action);
	if (!q->operation)
		api_fault_operation(q->service, action, fault);
	return q->operation ? ERR_OK : ERR_NOT_FOUND;
}

/* "/service/GraniteServiceVersion20100801/operation/PutMetricData" */
static err_t ask_cbor(const struct front *front, const struct front_request *request,
		      struct question *q, struct api_fault *fault)
{
	struct bytes rest = request->path, empty, word, name, operation = BYTES_NONE;
	const struct api_service *service;

	q->protocol = API_CBOR;
	if (!bytes_cut(&rest, '/', &empty) || !bytes_cut(&rest, '/', &word) ||
	    !bytes_eq_str(word, "service") || !bytes_cut(&rest, '/', &name) ||
	    !bytes_cut(&rest, '/', &word) || !bytes_eq_str(word, "operation") || !rest.at) {
		fault_set(fault, "UnknownOperationException",
			  "The path of this form is /service/NAME/operation/NAME");
		return ERR_NOT_FOUND;
	}
	operation = rest;
	for (size_t i = 0; (service = api_service_at(front->api, i)) && !q->service; i++)
		if (front_speaks_all(service) && bytes_eq_str(name, service->target_prefix))
			q->service = service;
	if (!q->service) {
		api_fault_service(front->api, name, fault);
		return ERR_NOT_FOUND;
	}
	q->operation = api_operation(q->service, operation);
	if (!q->operation)
		api_fault_operation(q->service, operation, fault);
	return q->operation ? ERR_OK : ERR_NOT_FOUND;
}

/*
 * Signed requests name their service. Of the others those with a path are for REST; "/" is where
 * forms go.
 */
bool front_ask_rest(const struct front *front, const struct rest_request *request,
		    const struct api_service **ret_service)
{
	struct sigv4_identity claim;
	struct rest_match match;

	*ret_service = NULL;
	if (is_cbor_request(request->head) || is_json_request(request->head))
		return false;
	if (sigv4_claim(request->head, &claim) == SIGV4_OK) {
		*ret_service = api_service(front->api, claim.service);
		return *ret_service && rest_is((*ret_service)->protocol);
	}
	return !bytes_eq_str(request->path, "/") &&
	       rest_find(front->api, NULL, request, &match) == ERR_OK;
}

err_t front_path(const struct front *front, const struct http_head *head, struct arena *arena,
		 struct bytes path, struct bytes *ret_path)
{
	const struct api_service *service;
	char word[32], *joined;

	*ret_path = path;
	for (size_t i = 0; (service = api_service_at(front->api, i)); i++) {
		size_t at;

		if (!service->host_word)
			continue;
		snprintf(word, sizeof word, ".%s.", service->host_word);
		at = bytes_find(head->authority, bytes_of(word));
		if (at == SIZE_MAX || at == 0)
			continue;
		joined = arena_printf(arena, "/%.*s%.*s",
				      BYTES_ARG(bytes_upto(head->authority, at)), BYTES_ARG(path));
		if (!joined)
			return ERR_NOMEM;
		*ret_path = bytes_of(joined);
		return ERR_OK;
	}
	return ERR_OK;
}

bool front_is_rest(const struct front *front, const struct http_head *head, struct bytes path,
		   struct bytes query)
{
	struct rest_request request = { .head = head, .path = path, .query = query };
	const struct api_service *service;

	return front_ask_rest(front, &request, &service);
}

err_t front_find_rest(const struct front *front, const struct rest_request *request,
		      const struct api_service *service, struct question *q,
		      struct api_fault *fault)
{
	struct bytes path = utf8_clip(request->path, 256);
	err_t err = rest_find(front->api, service, request, &q->rest);

	if (err && service && service->protocol == API_REST_XML) {
		q->service = service;
		q->protocol = service->protocol;
		fault_set(fault, "MethodNotAllowed",
			  "The specified method is not allowed against this resource.");
		fault->status = 405;
		return err;
	}
	if (err) {
		q->service = service;
		q->protocol = service ? service->protocol : API_REST_JSON;
		fault_set(fault, "UnknownOperationException",
			  "No operation of %s has the method and path %.*s %.*s",
			  service ? service->name : "any service",
			  BYTES_ARG(utf8_clip(request->head->method, 32)), BYTES_ARG(path));
		fault->status = 404;
		return err;
	}
	q->service = q->rest.service;
	q->operation = q->rest.operation;
	q->protocol = q->service->protocol;
	return ERR_OK;
}

static err_t find_form_service(const struct front *front, const struct front_request *request,
			       struct question *q, struct api_fault *fault)
{
	struct sigv4_identity claim;

	if (sigv4_claim(request->head, &claim) == SIGV4_OK) {
		q->service = api_service(front->api, claim.service);
		if (!q->service) {
			api_fault_service(front->api, claim.service, fault);
			return ERR_NOT_FOUND;
		}
	} else {
		q->service = service_of_form(front->api, q);
	}
	if (q->service)
		q->protocol = q->service->protocol;
	return ERR_OK;
}

static err_t ask_form(const struct front *front, const struct front_request *request,
		      struct question *q, struct api_fault *fault)
{
	struct bytes action;

	TRY(join_form(request, &q->form));
	query_param(q->form, "Action", &q->action);
	query_param(q->form, "Version", &q->version);
	TRY(find_form_service(front, request, q, fault));
	if (!q->action.len) {
		fault_set(fault, "MissingAction",
			  "The request is missing an action or a required parameter");
		return ERR_NOT_FOUND;
	}
	action = text_bytes(&q->action);
	/* The classic load balancers share the name and differ in the version. */
	if (q->service &&
	    (!q->version.len || bytes_eq_str(text_bytes(&q->version), q->service->version)))
		q->operation = api_operation(q->service, action);
	if (q->operation)
		return ERR_OK;
	action = utf8_clip(action, 128);
	fault_set(fault, "InvalidAction", "Could not find operation %.*s for version %s",
		  BYTES_ARG(action),
		  q->version.len ? text_str(&q->version)
		  : q->service	 ? q->service->version
				 : "");
	return ERR_NOT_FOUND;
}

err_t front_ask(const struct front *front, const struct front_request *request, struct question *q,
		struct api_fault *fault)
{
	const struct api_service *service;
	struct rest_request rest = front_rest_request(request);

	if (front_ask_rest(front, &rest, &service))
		return front_find_rest(front, &rest, service, q, fault);
	if (is_cbor_request(request->head))
		return ask_cbor(front, request, q, fault);
	if (is_json_request(request->head))
		return ask_json(front, request, q, fault);
	return ask_form(front, request, q, fault);
}

/* Which form the sender reads, before anything else is known. */
enum api_protocol front_form_of(const struct http_head *head)
{
	return is_cbor_request(head) ? API_CBOR : is_json_request(head) ? API_JSON_1_1 : API_QUERY;
}
