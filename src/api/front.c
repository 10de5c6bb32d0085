#include "api/front.h"

#include <stdio.h>

#include "api/cbor.h"
#include "api/front_internal.h"
#include "api/gunzip.h"
#include "api/guard.h"
#include "api/json.h"
#include "api/query.h"
#include "api/sigv2.h"
#include "api/xml.h"
#include "base/encode.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"

struct rest_request front_rest_request(const struct front_request *request)
{
	return (struct rest_request){
		.head = request->head,
		.path = request->path,
		.query = request->query,
	};
}

/* ---- Who ---- */

/* What each verdict is called. JSON services have their own words for some. */
static const struct {
	const char *code, *message, *s3_code;
} verdicts[] = {
	[SIGV4_MISSING] = { "MissingAuthenticationToken", "Request is missing Authentication Token",
			    "AccessDenied" },
	[SIGV4_INCOMPLETE] = { "IncompleteSignature",
			       "Request must contain a signature that "
			       "conforms to AWS standards",
			       "AuthorizationHeaderMalformed" },
	[SIGV4_UNKNOWN_KEY] = { "InvalidClientTokenId",
				"The security token included in the request is invalid.",
				"InvalidAccessKeyId" },
	[SIGV4_SKEWED] = { "RequestExpired",
			   "Signature expired: the time of the request is more than 15 minutes off",
			   "RequestTimeTooSkewed" },
	[SIGV4_EXPIRED] = { "RequestExpired", "Request has expired.", "AccessDenied" },
	[SIGV4_MISMATCH] = { "SignatureDoesNotMatch",
			     "The request signature we calculated does not match the signature you "
			     "provided. Check your AWS Secret Access Key and signing method. "
			     "Consult the service documentation for details.",
			     NULL },
	[SIGV4_TOKEN_EXPIRED] = { "ExpiredToken",
				  "The security token included in the request is expired", NULL },
	[SIGV4_BAD_PAYLOAD] = { "XAmzContentSHA256Mismatch",
				"The provided 'x-amz-content-sha256' header does not match what "
				"was computed.",
				NULL },
};

/* Version 2 says nothing of a service: it is good for S3's paths and nothing else. */
static enum sigv4_verdict verify_2(const struct front *front, const struct front_request *request,
				   struct bytes secret, struct sigv4_seed *ret_seed)
{
	struct rest_request rest = front_rest_request(request);
	const struct api_service *service;

	if (!front_ask_rest(front, &rest, &service) || !service ||
	    service->protocol != API_REST_XML || bytes_starts(request->path, BYTES("/_")))
		return SIGV4_INCOMPLETE;
	if (ret_seed && (sigv4_payload_of(request->head, ret_seed) ||
			 ret_seed->kind == SIGV4_CHUNKS || ret_seed->kind == SIGV4_CHUNKS_TRAILER))
		return SIGV4_BAD_PAYLOAD; /* links of a chain that nobody began */
	return sigv2_verify(request->head, request->path, secret, request->now_unix_ms,
			    request->arena);
}

/* With a seed the body is not there yet, and is S3's. */
static enum sigv4_verdict verify(const struct front *front, const struct front_request *request,
				 struct api_caller *ret_caller, struct sigv4_seed *ret_seed)
{
	struct sigv4_identity claim;
	struct bytes secret;
	char hash[SHA256_HEX_BYTES + 1];
	enum sigv4_verdict verdict = sigv4_claim(request->head, &claim);

	if (verdict != SIGV4_OK)
		return verdict;
	if (!front->keys.find ||
	    !front->keys.find(front->keys.owner, claim.access_key, &secret, ret_caller))
		return SIGV4_UNKNOWN_KEY;
	if (!bytes_eq_secret(claim.token, bytes_of(ret_caller->session_token)))
		return SIGV4_UNKNOWN_KEY;
	if (claim.version_2) {
		verdict = verify_2(front, request, secret, ret_seed);
	} else if (ret_seed) {
		verdict = sigv4_verify_head(request->head, &claim, secret, request->now_unix_ms,
					    request->arena, ret_seed);
	} else {
		sha256_hex(request->body, hash);
		verdict = sigv4_verify(request->head, &claim, secret, bytes_of(hash),
				       request->now_unix_ms, request->arena);
	}
	if (verdict == SIGV4_OK && ret_caller->expires_unix_ms &&
	    request->now_unix_ms >= ret_caller->expires_unix_ms)
		return SIGV4_TOKEN_EXPIRED;
	return verdict;
}

/* The request outlives what the key finder lent. */
static err_t keep(struct api_caller *caller, struct arena *arena)
{
	const char **strings[] = { &caller->account, &caller->region,  &caller->access_key,
				   &caller->arn,     &caller->user_id, &caller->session_token };

	for (size_t i = 0; i < COUNT(strings); i++) {
		if (!*strings[i])
			continue;
		*strings[i] = arena_string(arena, bytes_of(*strings[i]));
		if (!*strings[i])
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static void set_verdict(const struct front *front, const struct front_request *request,
			enum sigv4_verdict verdict, struct api_fault *fault)
{
	struct rest_request rest = front_rest_request(request);
	const struct api_service *service;
	struct rest_match match;
	const char *code = verdicts[verdict].code;

	if (verdicts[verdict].s3_code && front_ask_rest(front, &rest, &service) &&
	    (service || !rest_find(front->api, NULL, &rest, &match)) &&
	    (service ? service : match.service)->protocol == API_REST_XML)
		code = verdicts[verdict].s3_code;
	fault_set(fault, code, "%s", verdicts[verdict].message);
}

static err_t find_caller(const struct front *front, const struct front_request *request, bool open,
			 struct api_caller *ret_caller, struct sigv4_seed *ret_seed,
			 struct api_fault *fault)
{
	struct api_caller caller = { .account = front->account, .region = front->region };
	enum sigv4_verdict verdict;
	const char *refused;

	if (front->verify && !open) {
		verdict = verify(front, request, &caller, ret_seed);
		if (verdict != SIGV4_OK) {
			set_verdict(front, request, verdict, fault);
			return ERR_DENIED;
		}
	} else if (!open) {
		refused = guard_refuses(request->head);
		if (refused) {
			fault_set(fault, "AccessDenied", "%s", refused);
			return ERR_DENIED;
		}
		caller.is_root = true;
	}
	if (keep(&caller, request->arena)) {
		fault_set(fault, "InternalFailure", "The request processing has failed");
		return ERR_DENIED;
	}
	caller.source_ip = request->peer;
	*ret_caller = caller;
	return ERR_OK;
}

err_t front_caller(const struct front *front, const struct front_request *request, bool open,
		   struct api_caller *ret_caller, struct api_fault *fault)
{
	return find_caller(front, request, open, ret_caller, NULL, fault);
}

err_t front_head_caller(const struct front *front, const struct front_request *request,
			struct api_caller *ret_caller, struct sigv4_seed *ret_seed,
			struct api_fault *fault)
{
	if (!front->verify && sigv4_payload_of(request->head, ret_seed)) {
		set_verdict(front, request, SIGV4_BAD_PAYLOAD, fault);
		return ERR_DENIED;
	}
	return find_caller(front, request, false, ret_caller, ret_seed, fault);
}

/* ---- What for ---- */

static bool is_json_request(const struct http_head *head)
{
	return http_find(head, BYTES("X-Amz-Target")) != NULL ||
	       bytes_starts_nocase(http_value(head, BYTES("Content-Type")),
				   BYTES("application/x-amz-json"));
}

static bool is_json(enum api_protocol protocol)
{
	return protocol == API_JSON_1_0 || protocol == API_JSON_1_1;
}

/* A service of the query form that has grown the newer ones. */
static bool speaks_all(const struct api_service *service)
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
	if (!q->service || (!is_json(q->service->protocol) && !speaks_all(q->service))) {
		bool named = sigv4_claim(request->head, &claim) == SIGV4_OK;

		q->service = NULL;
		api_fault_service(front->api,
				  named ? claim.service
					: bytes_upto(target, bytes_index(target, '.')),
				  fault);
		return ERR_NOT_FOUND;
	}
	q->protocol = is_json(q->service->protocol) ? q->service->protocol : API_JSON_1_0;
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
		if (speaks_all(service) && bytes_eq_str(name, service->target_prefix))
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
	struct bytes path = wire_clip(request->path, 256);
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
			  BYTES_ARG(wire_clip(request->head->method, 32)), BYTES_ARG(path));
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
	action = wire_clip(action, 128);
	fault_set(fault, "InvalidAction", "Could not find operation %.*s for version %s",
		  BYTES_ARG(action),
		  q->version.len ? text_str(&q->version)
		  : q->service	 ? q->service->version
				 : "");
	return ERR_NOT_FOUND;
}

/* ---- The answer ---- */

void front_reply_init(struct front_reply *reply)
{
	*reply = (struct front_reply){ .status = 200 };
	text_init(&reply->body, WIRE_BODY_BYTES_MAX);
	random_uuid(reply->request_id);
}

static const char *fault_name(const struct api_service *service, const char *code)
{
	const struct api_fault_name *row = service ? service->fault_names : NULL;

	for (; row && row->code; row++)
		if (strcmp(row->code, code) == 0)
			return row->name;
	return code;
}

/* {"Type": "User", "message": …, "Message": …}: the models of AWS spell it now so, now so. */
static void write_rest_fault(const struct api_service *service, const struct front_request *request,
			     const struct api_fault *fault, struct front_reply *reply)
{
	struct http_field *field = arena_new(request->arena, struct http_field);
	char *code = arena_string(request->arena, bytes_of(fault_name(service, fault->code)));

	reply->field_count = 0;
	if (field && code) {
		*field = (struct http_field){ BYTES("x-amzn-ErrorType"), bytes_of(code) };
		reply->fields = field;
		reply->field_count = 1;
	}
	reply->content_type = "application/json";
	text_printf(&reply->body, "{\"Type\":\"%s\",\"message\":\"",
		    fault->status >= 500 ? "Service" : "User");
	encode_json(&reply->body, bytes_of(fault->message));
	text_add_str(&reply->body, "\",\"Message\":\"");
	encode_json(&reply->body, bytes_of(fault->message));
	text_add_str(&reply->body, "\"}");
}

static void write_xml_fault(const struct api_service *service, const struct front_request *request,
			    const struct api_fault *fault, struct front_reply *reply)
{
	struct api_fault named = *fault;

	reply->bare = true;
	if (fault->status == 304)
		return;
	reply->content_type = "application/xml";
	snprintf(named.code, sizeof named.code, "%s", fault_name(service, fault->code));
	xml_encode_rest_fault(&named, request->path, reply->request_id, &reply->body);
}

static void write_fault(enum api_protocol protocol, const struct api_service *service,
			const struct front_request *request, const struct api_fault *fault,
			struct front_reply *reply)
{
	struct api_fault named = *fault;

	text_clear(&reply->body);
	reply->status = fault->status;
	reply->field_count = 0;
	reply->content_type = NULL;
	if (protocol == API_REST_JSON) {
		write_rest_fault(service, request, fault, reply);
		return;
	}
	if (protocol == API_REST_XML) {
		write_xml_fault(service, request, fault, reply);
		return;
	}
	if (protocol == API_CBOR) {
		reply->content_type = "application/cbor";
		wire_cbor_fault(fault, fault_name(service, fault->code), &reply->body);
		return;
	}
	if (is_json(protocol)) {
		reply->content_type = protocol == API_JSON_1_0 ? "application/x-amz-json-1.0"
							       : "application/x-amz-json-1.1";
		snprintf(named.code, sizeof named.code, "%s", fault_name(service, fault->code));
		wire_json_fault(&named, false, &reply->body);
		return;
	}
	reply->content_type = "text/xml";
	xml_encode_fault(protocol, service ? service->xml_namespace : NULL, fault,
			 reply->request_id, &reply->body);
}

void front_fault(const struct api_fault *fault, struct front_reply *reply)
{
	text_clear(&reply->body);
	reply->status = fault->status;
	reply->content_type = "application/json";
	wire_json_fault(fault, true, &reply->body);
}

static err_t encode_rest(const struct question *q, const struct front_request *request,
			 json_t *output, struct front_reply *reply)
{
	struct rest_answer answer;

	TRY(rest_encode(q->service, q->operation, output, request->arena, &answer, &reply->body));
	reply->status = answer.status;
	reply->content_type = answer.content_type;
	reply->bare = q->protocol == API_REST_XML;
	reply->fields = answer.fields;
	reply->field_count = answer.field_count;
	return ERR_OK;
}

static err_t encode(const struct question *q, const struct front_request *request, json_t *output,
		    struct front_reply *reply)
{
	if (rest_is(q->protocol))
		return encode_rest(q, request, output, reply);
	if (is_json(q->protocol)) {
		reply->content_type = q->protocol == API_JSON_1_0 ? "application/x-amz-json-1.0"
								  : "application/x-amz-json-1.1";
		return wire_json_encode(q->operation->output, output, false, &reply->body);
	}
	if (q->protocol == API_CBOR) {
		reply->content_type = "application/cbor";
		return wire_cbor_encode(q->operation->output, output, &reply->body);
	}
	reply->content_type = "text/xml";
	return xml_encode(q->service, q->operation, output, reply->request_id, &reply->body);
}

static err_t decode(const struct question *q, const struct front_request *request,
		    json_t **ret_input, struct api_fault *fault)
{
	struct rest_request rest = front_rest_request(request);

	if (rest_is(q->protocol))
		return rest_decode(&q->rest, &rest, request->body, ret_input, fault);
	if (q->protocol == API_CBOR)
		TRY(wire_cbor_decode(request->body, ret_input, fault));
	else if (is_json(q->protocol))
		TRY(wire_json_decode(request->body, ret_input, fault));
	else
		return query_decode(q->form, q->protocol, q->operation->input, ret_input, fault);
	wire_json_times_in(q->operation->input, *ret_input);
	return ERR_OK;
}

static void internal(struct api_fault *fault, err_t err)
{
	if (!fault->code[0])
		fault_set(fault, "InternalFailure", "The request processing has failed: %s",
			  err_words(err));
}

void front_write_fault(const struct question *q, const struct front_request *request,
		       const struct api_fault *fault, struct front_reply *reply)
{
	write_fault(q->protocol, q->service, request, fault, reply);
}

void front_fault_fields(const struct question *q, const struct front_request *request,
			json_t *output, struct front_reply *reply)
{
	const struct http_field *own = reply->fields;
	struct text ignored = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	unsigned own_count = reply->field_count;
	struct rest_answer answer;

	if (!rest_is(q->protocol) || !json_object_size(output) ||
	    rest_encode(q->service, q->operation, output, request->arena, &answer, &ignored)) {
		text_fini(&ignored);
		return;
	}
	text_fini(&ignored);
	for (unsigned i = 0; i < own_count && answer.field_count < REST_FIELDS_MAX; i++)
		answer.fields[answer.field_count++] = own[i];
	reply->fields = answer.fields;
	reply->field_count = answer.field_count;
}

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
		err = encode(&q, request, output, reply);
	}
	if (output && !err)
		return;
	if (fault)
		words = *fault;
	internal(&words, err);
	if (waiting->house)
		front_fault(&words, reply);
	else
		front_write_fault(&q, request, &words, reply);
}

void front_finish(const struct question *q, const struct front_request *request,
		  struct api_work *work, struct front_reply *reply)
{
	struct api_call *call = &work->call;
	err_t err = api_work_handle(work);

	if (!err && call->later) {
		err = wait_for(q, request, false, call->later, reply);
		if (!err) {
			call->later = NULL;
			return;
		}
	}
	if (!err)
		err = encode(q, request, call->output, reply);
	if (err) {
		internal(&call->fault, err);
		front_write_fault(q, request, &call->fault, reply);
		front_fault_fields(q, request, call->output, reply);
		return;
	}
	reply->outlet = call->outlet;
	call->outlet = NULL;
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
		err = encode(q, request, output, reply);
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

	TRY(decode(q, request, &input, fault));
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

static err_t ask(const struct front *front, const struct front_request *request, struct question *q,
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
static enum api_protocol form_of(const struct http_head *head)
{
	return is_cbor_request(head) ? API_CBOR : is_json_request(head) ? API_JSON_1_1 : API_QUERY;
}

void front_answer(const struct front *front, const struct front_request *packed,
		  const struct api_caller *caller, struct front_reply *reply)
{
	struct question q = { .protocol = form_of(packed->head) };
	struct text plain = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	struct api_fault fault = { .status = 0 };
	struct front_request request;
	err_t err;

	text_init(&q.action, 256);
	text_init(&q.version, 64);
	err = unpack(front, packed, &plain, &request, &fault);
	if (!err)
		err = ask(front, &request, &q, &fault);
	if (!err)
		err = run(front, &request, &q, caller, reply, &fault);
	if (err) {
		internal(&fault, err);
		write_fault(q.protocol, q.service, &request, &fault, reply);
		if (is_json(q.protocol) || q.protocol == API_CBOR)
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
	enum api_protocol protocol = form_of(request->head);
	struct rest_request rest = front_rest_request(request);
	struct rest_match match;

	if (front_ask_rest(front, &rest, &service)) {
		if (!service && !rest_find(front->api, NULL, &rest, &match))
			service = match.service;
		write_fault(service ? service->protocol : API_REST_JSON, service, request, fault,
			    reply);
		return;
	}
	if (sigv4_claim(request->head, &claim) == SIGV4_OK)
		service = api_service(front->api, claim.service);
	if (service && speaks_all(service) && protocol == API_JSON_1_1)
		protocol = API_JSON_1_0;
	else if (service && protocol != API_CBOR && !speaks_all(service))
		protocol = service->protocol;
	write_fault(protocol, service, request, fault, reply);
	if (is_json(protocol) || protocol == API_CBOR)
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
		internal(&fault, err);
		front_fault(&fault, reply);
	}
	json_decref(input);
	json_decref(output);
}
