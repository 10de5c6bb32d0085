#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/wire.h"
#include "base/encode.h"
#include "base/log.h"
#include "crypto/random.h"

enum {
	NAME_BYTES_MAX = 128,		       /* of a caller's name, in an answer */
	CALL_BODY_BYTES_MAX = 8 * 1024 * 1024, /* of a body inside a call of the house */
};

/* ---- The registry ---- */

err_t api_create(struct api **ret_api)
{
	struct api *api = calloc(1, sizeof *api);

	if (!api)
		return ERR_NOMEM;
	answers_init(&api->answers);
	*ret_api = api;
	return ERR_OK;
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	patterns_fini(&api->patterns);
	answers_fini(&api->answers);
	free(api);
}

bool api_is_lasting(const struct api_service *service, const struct api_operation *operation)
{
	for (const char *const *name = service->lasting; name && *name; name++)
		if (strcmp(*name, operation->name) == 0)
			return true;
	return false;
}

void api_changed(struct api *api, const char *kind)
{
	for (size_t i = 0; i < api->service_count; i++) {
		const struct api_service *service = api->services[i];

		if (service->lasting && bytes_starts(bytes_of(kind), bytes_of(service->records)))
			answers_forget(&api->answers, service);
	}
}

void api_set_authorizer(struct api *api, api_authorize_fn authorize, void *owner)
{
	api->authorize = authorize;
	api->authorize_owner = owner;
}

err_t api_register(struct api *api, const struct api_service *service)
{
	assert(service->name && service->version && service->operations);
	if (api_service(api, bytes_of(service->name)))
		return ERR_EXISTS;
	if (api->service_count == API_SERVICES_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < service->operation_count; i++) {
		const struct api_operation *operation = &service->operations[i];

		assert(operation->name && operation->handle);
		assert(operation->input && operation->input->kind == API_STRUCTURE);
		assert(operation->output && operation->output->kind == API_STRUCTURE);
	}
	api->services[api->service_count++] = service;
	return ERR_OK;
}

static bool answers_to(const struct api_service *service, struct bytes name)
{
	if (bytes_eq_str(name, service->name))
		return true;
	for (const char *const *alias = service->aliases; alias && *alias; alias++)
		if (bytes_eq_str(name, *alias))
			return true;
	return false;
}

const struct api_service *api_service(const struct api *api, struct bytes name_or_alias)
{
	for (size_t i = 0; i < api->service_count; i++)
		if (answers_to(api->services[i], name_or_alias))
			return api->services[i];
	return NULL;
}

const struct api_service *api_service_at(const struct api *api, size_t index)
{
	return index < api->service_count ? api->services[index] : NULL;
}

const struct api_operation *api_operation(const struct api_service *service, struct bytes name)
{
	for (size_t i = 0; i < service->operation_count; i++)
		if (bytes_eq_str(name, service->operations[i].name))
			return &service->operations[i];
	return NULL;
}

/* ---- Faults ---- */

static void set_status(const struct api_service *service, struct api_fault *fault)
{
	const struct api_fault_status *row = service ? service->fault_statuses : NULL;

	for (; row && row->code; row++)
		if (strcmp(row->code, fault->code) == 0)
			fault->status = row->status;
}

err_t api_fault(struct api_call *call, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fault_set_list(&call->fault, code, format, args);
	va_end(args);
	set_status(call->service, &call->fault);
	return ERR_INVALID;
}

void api_fault_service(const struct api *api, struct bytes name, struct api_fault *fault)
{
	struct text known = TEXT_INIT(512);

	name = utf8_clip(name, NAME_BYTES_MAX);
	for (size_t i = 0; i < api->service_count; i++)
		text_printf(&known, "%s%s", i ? ", " : "", api->services[i]->name);
	fault_set(fault, "UnknownService", "Weir does not offer the service '%.*s'; it offers: %s",
		  BYTES_ARG(name), text_str(&known));
	text_fini(&known);
}

void api_fault_operation(const struct api_service *service, struct bytes name,
			 struct api_fault *fault)
{
	bool json = service->protocol == API_JSON_1_0 || service->protocol == API_JSON_1_1;

	name = utf8_clip(name, NAME_BYTES_MAX);
	fault_set(fault, json ? "UnknownOperationException" : "InvalidAction",
		  "Could not find operation %.*s for version %s", BYTES_ARG(name),
		  service->version);
}

/* ---- Calls ---- */

/* A failure without words is ours; the caller learns that much, the log the rest. */
static err_t with_words(struct api_call *call, err_t err)
{
	if (!err || call->fault.code[0])
		return err;
	log_error("api", "%s %s: %s (%s)", call->service->name, call->operation->name,
		  err_words(err), call->request_id);
	api_fault(call, "InternalFailure", "The request processing has failed: %s", err_words(err));
	return err;
}

/* A member that must be there and is not; NULL: all are. */
static const char *missing_member(const struct api_shape *shape, const json_t *given)
{
	for (const struct api_member *m = shape->members; m && m->name; m++)
		if (m->required && (!json_object_get(given, m->name) ||
				    json_is_null(json_object_get(given, m->name))))
			return m->wire ? m->wire : m->name;
	return NULL;
}

static err_t check(struct api_call *call, json_t *given)
{
	const char *missing = NULL;
	struct text words = TEXT_INIT(sizeof call->fault.message - 1);
	err_t err = check_input(&call->api->patterns, call->operation->input, given, &call->input,
				&words);

	if (err == ERR_INVALID && call->service->protocol == API_EC2)
		missing = missing_member(call->operation->input, given);
	if (missing)
		api_fault(call, "MissingParameter", "The request must contain the parameter %s",
			  missing);
	else if (err == ERR_INVALID)
		api_fault(call, "ValidationError", "%s", text_str(&words));
	text_fini(&words);
	return err;
}

/*
 * Before anything is checked, as AWS does it: who may not ask learns nothing. The root may do all.
 */
static err_t authorize(struct api_call *call, json_t *given)
{
	err_t err;

	if (!call->api->authorize || call->api->depth || (call->caller && call->caller->is_root))
		return ERR_OK;
	call->input = given;
	err = call->api->authorize(call->api->authorize_owner, call);
	call->input = NULL;
	return err;
}

static bool is_of_aws(const char *key)
{
	return key && bytes_starts_nocase(bytes_of(key), BYTES("aws:"));
}

bool api_tag_is_reserved(const struct api_call *call, const char *key)
{
	return is_of_aws(key) && !(call->caller && call->caller->is_house);
}

size_t api_tags_count(const json_t *tags)
{
	size_t count = 0, i;
	const char *name;
	json_t *tag;

	json_array_foreach ((json_t *)tags, i, tag) {
		const json_t *key = json_object_get(tag, "Key");

		key = key ? key : json_object_get(tag, "key");
		count += !is_of_aws(json_string_value(key));
	}
	json_object_foreach ((json_t *)tags, name, tag)
		count += !is_of_aws(name);
	return count;
}

static err_t handle(struct api_call *call)
{
	const struct api_service *service = call->service;
	err_t err;

	if (service->begin)
		TRY(service->begin(call));
	err = call->operation->handle(call);
	if (!err && call->note && service->end && call->operation->effect == API_WRITES)
		call->note->answered(call->note, call->output);
	if (service->end)
		err = service->end(call, err);
	return err;
}

/* `take` sees what a handler sees, and changes nothing. */
static err_t take(struct api_call *call)
{
	const struct api_service *service = call->service;
	err_t err;

	if (service->begin)
		TRY(service->begin(call));
	err = call->operation->take(call);
	if (service->end) {
		err_t ended = service->end(call, err ? err : ERR_CANCELLED);

		if (err || ended != ERR_CANCELLED)
			return ended;
	}
	if (!err)
		call->intake->fault = &call->fault;
	return err;
}

err_t api_work_begin(struct api_work *work, struct api *api, const struct api_caller *caller,
		     const struct api_service *service, const struct api_operation *operation,
		     const char *request_id, json_t *input)
{
	struct api_call *call = &work->call;
	err_t err;

	*call = (struct api_call){
		.api = api,
		.service = service,
		.operation = operation,
		.caller = caller,
		.arena = &work->arena,
	};
	arena_init(&work->arena, CALL_ARENA_BYTES_MAX);
	snprintf(call->request_id, sizeof call->request_id, "%s", request_id);
	call->output = json_object();
	err = call->output ? authorize(call, input) : ERR_NOMEM;
	if (!err)
		err = check(call, input);
	api->depth++;
	if (!err && operation->take)
		err = take(call);
	api->depth--;
	return with_words(call, err);
}

err_t api_work_handle(struct api_work *work)
{
	struct api_call *call = &work->call;
	err_t err;

	call->api->depth++;
	err = handle(call);
	call->api->depth--;
	return with_words(call, err);
}

void api_work_fini(struct api_work *work)
{
	struct api_call *call = &work->call;

	if (call->intake)
		call->intake->ops->discard(call->intake);
	if (call->outlet)
		call->outlet->ops->close(call->outlet);
	if (call->later)
		call->later->drop(call->later);
	json_decref(call->output);
	json_decref(call->input);
	arena_fini(&work->arena);
}

const struct api_member *api_payload_member(const struct api_shape *shape)
{
	for (const struct api_member *m = shape->members; m && m->name; m++)
		if (m->location && strcmp(m->location, "payload") == 0)
			return m;
	return NULL;
}

/* Inside the house a body is a member like any other, in base64. */
static err_t fill_intake(struct api_call *call)
{
	const struct api_member *payload = api_payload_member(call->operation->input);
	const char *base64 = json_string_value(json_object_get(call->input, payload->name));
	struct api_intake *intake = call->intake;
	struct text plain = TEXT_INIT(CALL_BODY_BYTES_MAX);
	err_t err = decode_base64(&plain, bytes_of(base64));

	if (err == ERR_SYNTAX)
		api_fault(call, "ValidationError", "%s is not base64", payload->name);
	if (!err)
		err = intake->ops->write(intake, text_bytes(&plain));
	if (!err)
		err = intake->ops->finish(intake);
	text_fini(&plain);
	return err;
}

static err_t drain_outlet(struct api_call *call)
{
	const struct api_member *payload = api_payload_member(call->operation->output);
	struct api_outlet *outlet = call->outlet;
	struct text base64 = TEXT_INIT(CALL_BODY_BYTES_MAX / 3 * 4 + 8);
	size_t len = 0, got;
	char *plain;
	err_t err = ERR_OK;

	if (!payload) /* HEAD tells of a body, and sends none */
		return ERR_OK;
	if (outlet->length > CALL_BODY_BYTES_MAX)
		return api_fault(call, "EntityTooLarge",
				 "The body of %llu bytes is too large for this form of the call; "
				 "ask for a range",
				 (unsigned long long)outlet->length);
	plain = arena_alloc(call->arena, (size_t)outlet->length + 1);
	if (!plain)
		return ERR_NOMEM;
	for (; !err && len < outlet->length; len += err ? 0 : got)
		err = outlet->ops->read(outlet, plain + len, (size_t)outlet->length - len, &got);
	encode_base64(&base64, bytes_make(plain, len));
	if (!err)
		err = text_err(&base64);
	if (!err &&
	    json_object_set_new(call->output, payload->name, json_string(text_str(&base64))))
		err = ERR_NOMEM;
	text_fini(&base64);
	return err;
}

/* Who asks inside the house wants the answer now. */
static err_t refuse_later(struct api_call *call)
{
	return api_fault(call, "InvalidRequestContentException",
			 "%s answers later, and can be asked over HTTP only",
			 call->operation->name);
}

struct run_options {
	struct api_note *note;
	struct api_later **ret_later;	/* NULL: the answer is wanted now */
	struct api_outlet **ret_outlet; /* NULL: a body is wanted as a member */
};

static err_t run(struct api *api, const struct api_caller *caller,
		 const struct api_service *service, const struct api_operation *operation,
		 const char *request_id, json_t *input, const struct run_options *options,
		 json_t **ret_output, struct api_fault *ret_fault)
{
	struct api_work work;
	err_t err = api_work_begin(&work, api, caller, service, operation, request_id, input);

	work.call.note = options->note;
	work.call.may_wait = options->ret_later != NULL;
	if (!err && work.call.intake)
		err = with_words(&work.call, fill_intake(&work.call));
	if (!err)
		err = api_work_handle(&work);
	if (!err && work.call.outlet && !options->ret_outlet)
		err = with_words(&work.call, drain_outlet(&work.call));
	if (!err && work.call.later && !options->ret_later)
		err = refuse_later(&work.call);
	if (err) {
		*ret_fault = work.call.fault;
	} else if (work.call.later) {
		*options->ret_later = work.call.later;
		work.call.later = NULL;
	} else {
		*ret_output = json_incref(work.call.output);
		if (options->ret_outlet) {
			*options->ret_outlet = work.call.outlet;
			work.call.outlet = NULL;
		}
	}
	api_work_fini(&work);
	return err;
}

err_t api_run(struct api *api, const struct api_caller *caller, const struct api_service *service,
	      const struct api_operation *operation, const char *request_id, json_t *input,
	      json_t **ret_output, struct api_fault *ret_fault)
{
	return run(api, caller, service, operation, request_id, input, &(struct run_options){ 0 },
		   ret_output, ret_fault);
}

err_t api_run_later(struct api *api, const struct api_caller *caller,
		    const struct api_service *service, const struct api_operation *operation,
		    const char *request_id, json_t *input, json_t **ret_output,
		    struct api_later **ret_later, struct api_fault *ret_fault)
{
	return run(api, caller, service, operation, request_id, input,
		   &(struct run_options){ .ret_later = ret_later }, ret_output, ret_fault);
}

err_t api_may(struct api *api, const struct api_caller *caller, const char *service_name,
	      const char *operation_name, json_t *input, struct api_fault *ret_fault)
{
	const struct api_service *service = api_service(api, bytes_of(service_name));
	struct arena arena;
	struct api_call call = {
		.api = api,
		.service = service,
		.caller = caller,
		.arena = &arena,
		.input = input,
	};
	err_t err;

	if (!service || !api->authorize || caller->is_root)
		return ERR_OK;
	call.operation = api_operation(service, bytes_of(operation_name));
	assert(call.operation);
	arena_init(&arena, CALL_ARENA_BYTES_MAX);
	err = with_words(&call, api->authorize(api->authorize_owner, &call));
	if (err)
		*ret_fault = call.fault;
	arena_fini(&arena);
	return err;
}

static err_t run_named(struct api *api, const struct api_caller *caller, const char *service_name,
		       const char *operation_name, json_t *input, const struct run_options *options,
		       json_t **ret_output, struct api_fault *ret_fault)
{
	const struct api_service *service = api_service(api, bytes_of(service_name));
	const struct api_operation *operation;
	char request_id[37];

	if (!service) {
		api_fault_service(api, bytes_of(service_name), ret_fault);
		return ERR_NOT_FOUND;
	}
	operation = api_operation(service, bytes_of(operation_name));
	if (!operation) {
		api_fault_operation(service, bytes_of(operation_name), ret_fault);
		return ERR_NOT_FOUND;
	}
	random_uuid(request_id);
	return run(api, caller, service, operation, request_id, input, options, ret_output,
		   ret_fault);
}

err_t api_call(struct api *api, const struct api_caller *caller, const char *service,
	       const char *operation, json_t *input, json_t **ret_output,
	       struct api_fault *ret_fault)
{
	return run_named(api, caller, service, operation, input, &(struct run_options){ 0 },
			 ret_output, ret_fault);
}

err_t api_call_noted(struct api *api, const struct api_caller *caller, const char *service,
		     const char *operation, json_t *input, struct api_note *note,
		     json_t **ret_output, struct api_fault *ret_fault)
{
	return run_named(api, caller, service, operation, input,
			 &(struct run_options){ .note = note }, ret_output, ret_fault);
}

err_t api_call_outlet(struct api *api, const struct api_caller *caller, const char *service,
		      const char *operation, json_t *input, json_t **ret_output,
		      struct api_outlet **ret_outlet, struct api_fault *ret_fault)
{
	return run_named(api, caller, service, operation, input,
			 &(struct run_options){ .ret_outlet = ret_outlet }, ret_output, ret_fault);
}
