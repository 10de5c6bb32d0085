/*
 * Inputs out of every wire form, outputs and faults into it.
 */
#include <stdio.h>

#include "api/cbor.h"
#include "api/front_internal.h"
#include "api/json.h"
#include "api/query.h"
#include "api/xml.h"
#include "base/encode.h"
#include "crypto/random.h"

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

void front_write_fault_as(enum api_protocol protocol, const struct api_service *service,
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
	if (front_is_json(protocol)) {
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

err_t front_encode(const struct question *q, const struct front_request *request, json_t *output,
		   struct front_reply *reply)
{
	if (rest_is(q->protocol))
		return encode_rest(q, request, output, reply);
	if (front_is_json(q->protocol)) {
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

err_t front_decode(const struct question *q, const struct front_request *request,
		   json_t **ret_input, struct api_fault *fault)
{
	struct rest_request rest = front_rest_request(request);

	if (rest_is(q->protocol))
		return rest_decode(&q->rest, &rest, request->body, ret_input, fault);
	if (q->protocol == API_CBOR)
		TRY(wire_cbor_decode(request->body, ret_input, fault));
	else if (front_is_json(q->protocol))
		TRY(wire_json_decode(request->body, ret_input, fault));
	else
		return query_decode(q->form, q->protocol, q->operation->input, ret_input, fault);
	wire_json_times_in(q->operation->input, *ret_input);
	return ERR_OK;
}

void front_internal(struct api_fault *fault, err_t err)
{
	if (!fault->code[0])
		fault_set(fault, "InternalFailure", "The request processing has failed: %s",
			  err_words(err));
}

void front_write_fault(const struct question *q, const struct front_request *request,
		       const struct api_fault *fault, struct front_reply *reply)
{
	front_write_fault_as(q->protocol, q->service, request, fault, reply);
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
