/*
 * api: operations as rows. Any wire form becomes one JSON value, checked against the operation's
 * shape; the handler answers one JSON value, which goes back in the caller's form.
 *
 *   conn ─► api/http: verify, authorise, decode ─► api_call ─► handler ─► encode ─► conn
 *   cli, console, CloudFormation ─────────────────────┘
 *
 * The control thread only.
 */
#ifndef API_API_H
#define API_API_H

#include <jansson.h>

#include "api/shape.h"
#include "base/arena.h"
#include "net/loop.h"

struct api;
struct api_call;
struct api_http_request;
struct api_service;

enum api_effect { API_READS, API_WRITES };

/* Where an operation of the REST forms is found; all zero of others. Templates: rest.h. */
struct api_rest {
	const char *method, *uri; /* "POST", "/functions/{FunctionName}/invocations" */
	const char *field;	  /* a header field that must be there as well; NULL: none */
	const char *element;	  /* REST-XML: the root of the answer's document */
	uint16_t status;	  /* of the answer; 0: 200 */
};

struct api_fault {
	char code[64]; /* "ValidationError" */
	char message[1024];
	uint16_t status; /* 400 unless the code is known for another one */
};

/*
 * A body too large for memory, on its way in: what an operation's `take` made for it. All but
 * `discard` run on some thread, one at a time; a failure leaves its words in `fault`.
 */
struct api_intake;
struct api_intake_ops {
	err_t (*write)(struct api_intake *intake, struct bytes piece);
	/* A trailer of an aws-chunked body, before finish; the name in small letters. */
	err_t (*trailer)(struct api_intake *intake, struct bytes name, struct bytes value);
	err_t (*finish)(struct api_intake *intake); /* the body was whole and is as signed */
	/* Control thread, once, at the end of the call, whatever became of it. */
	void (*discard)(struct api_intake *intake);
};
struct api_intake {
	const struct api_intake_ops *ops;
	struct api_fault *fault; /* where to put words; set before the first write */
};

/* A body too large for memory, on its way out: left in call->outlet by a handler. */
struct api_outlet;
struct api_outlet_ops {
	/* Some thread: the next bytes; *ret_len > 0 as long as `length` was not reached. */
	err_t (*read)(struct api_outlet *outlet, char *at, size_t room, size_t *ret_len);
	void (*close)(struct api_outlet *outlet); /* control thread, once */
};
struct api_outlet {
	const struct api_outlet_ops *ops;
	uint64_t length;
};

/*
 * An answer that takes its time: a handler that returns ERR_OK leaves one in call->later. When the
 * call is over, its transaction too, the API sets `done` and runs `begin`; then it waits, however
 * long. The handler's memory, until done was called or drop has run.
 */
struct api_later {
	void (*begin)(struct api_later *later);
	void (*drop)(struct api_later *later); /* instead of begin: nobody can wait here */
	/* To be called once, with the operation's output (borrowed), or NULL and a fault. */
	void (*done)(struct api_later *later, json_t *output, const struct api_fault *fault);
	void *asker;
	/* The request itself, for an answer in pieces: api_http_begin … end, instead of done. NULL
	 * where there is none. */
	struct api_http_request *request;
};

struct api_operation {
	const char *name;	/* "CreateTargetGroup" */
	const char *permission; /* "elasticloadbalancing:CreateTargetGroup" */
	enum api_effect effect;
	const struct api_shape *input, *output; /* api_shape_none where there is nothing */
	struct api_rest rest;
	const char *refusal; /* what it is always refused with, for users; NULL: it acts */
	/*
	 * Of operations whose payload member is a body of any size: makes call->intake when the
	 * rest of the input is known, checked and allowed. The handler runs when the intake has
	 * finished. NULL of others.
	 */
	err_t (*take)(struct api_call *call);
	/*
	 * Fills call->output and returns ERR_OK, or returns api_fault(...). What a REST answer has
	 * in its fields is answered with a fault as well.
	 */
	err_t (*handle)(struct api_call *call);
};

enum api_protocol {
	API_QUERY,
	API_EC2,
	API_JSON_1_0,
	API_JSON_1_1,
	API_REST_JSON,
	API_REST_XML,
	API_CBOR, /* Smithy RPC v2; no service has it as its own */
};

/* What the JSON, REST-JSON and CBOR forms call a fault that handlers call by its code. */
struct api_fault_name {
	const char *code, *name;
};

/* Statuses of a service's own faults, where 400 is wrong. */
struct api_fault_status {
	const char *code;
	uint16_t status;
};

/*
 * Where requests about a resource go instead of to their handlers: another endpoint of the same
 * service, with the operator's own keys. All is the service's, and stays.
 */
struct api_elsewhere {
	const char *endpoint; /* "https://s3.eu-central-1.amazonaws.com" */
	const char *region, *access_key, *secret;
	const char *token;   /* NULL: none */
	const char *ca_file; /* NULL: the system's authorities */
	const char *name;    /* what the resource is called there */
};

struct api_service {
	const char *name;	    /* the credential scope: "elasticloadbalancing" */
	const char *const *aliases; /* other names `weir call` takes: "elbv2"; NULL-terminated */
	enum api_protocol protocol;
	const char *version; /* "2015-12-01" */
	const char *xml_namespace;
	/*
	 * X-Amz-Target of the JSON protocols; NULL. A query service that has one speaks JSON 1.0
	 * and RPC v2 CBOR as well, by the same operations; its faults are coded as in query.
	 */
	const char *target_prefix;
	/* "s3": the host "LABEL.s3.…" puts /LABEL before the path. NULL of most. */
	const char *host_word;
	/* By the first label of a path; NULL: it is here. The member may be NULL. */
	const struct api_elsewhere *(*elsewhere)(const struct api_service *service,
						 struct bytes label);
	const struct api_fault_name *fault_names; /* ends with code == NULL; NULL: none differ */
	const struct api_fault_status *fault_statuses; /* the same */
	const struct api_operation *operations;
	size_t operation_count;
	/*
	 * Reads whose answer follows from the input and the service's records alone, so that it is
	 * kept until one of those changes: kinds that begin with `records` (api_changed). NULL:
	 * none.
	 */
	const char *const *lasting; /* names; NULL-terminated */
	const char *records;
	/*
	 * Around every handler: where the service opens and ends its store transaction. `end` gets
	 * the handler's verdict and may turn success into a failure. Both may be NULL.
	 */
	err_t (*begin)(struct api_call *call);
	err_t (*end)(struct api_call *call, err_t verdict);
	void *state; /* the service's own */
};

struct api_caller {
	const char *account, *region, *access_key, *arn;
	const char *user_id;   /* "AIDA…", "AROA…:session"; NULL of the root */
	const char *source_ip; /* "10.0.0.7", of the connection; NULL: the house itself */
	/*
	 * A service of AWS that acts by itself ("logdelivery.…amazonaws.com"), about what, as far
	 * as a resource's policy may ask; NULL of all others.
	 */
	const char *service, *source_arn;
	bool is_root;
	bool is_house; /* Weir itself: may give tags that begin with "aws:" */
	/* Of temporary keys: what the request must show, and until when; NULL and 0 of others. */
	const char *session_token;
	uint64_t expires_unix_ms;
};

/*
 * Who calls inside the house may note what came of a call that writes in the very transaction that
 * the service commits: `answered` runs when the handler has succeeded and before its service's
 * `end`.
 */
struct api_note {
	void (*answered)(struct api_note *note, json_t *output);
};

struct api_call {
	struct api *api;
	const struct api_service *service;
	const struct api_operation *operation;
	const struct api_caller *caller;
	json_t *input;		   /* checked against the shape; borrowed */
	json_t *output;		   /* an empty object the handler fills */
	struct arena *arena;	   /* the call's */
	struct api_intake *intake; /* what `take` made; the API's to discard */
	struct api_outlet *outlet; /* NULL, or the answer's body; the API's to close */
	struct api_later *later;   /* NULL, or the answer comes later */
	struct api_note *note;	   /* NULL of most */
	bool may_wait;		   /* who asked takes an answer that comes later */
	struct api_fault fault;
	char request_id[37];
	void *transaction; /* what the service's begin left here */
};

/* Whether a tag's key is AWS's own, which only the house gives. */
bool api_tag_is_reserved(const struct api_call *call, const char *key);

/* How many tags count towards a resource's limit: all but AWS's own. [{Key | key}] or {key: value}.
 */
size_t api_tags_count(const json_t *tags);

/* Sets the fault and returns ERR_INVALID, for `return api_fault(call, "Code", "words %s", …)`. */
err_t api_fault(struct api_call *call, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * Says whether a call may be made: asked before its input is checked (call->input is what was
 * decoded, or NULL), of every call from outside; what a handler asks of other services by api_call
 * is part of its own call. ERR_OK, or an error with the fault set. Without one, all may do all.
 */
typedef err_t (*api_authorize_fn)(void *owner, struct api_call *call);

err_t api_create(struct api **ret_api);
void api_set_authorizer(struct api *api, api_authorize_fn authorize, void *owner);
void api_destroy(struct api *api);
err_t api_register(struct api *api, const struct api_service *service); /* borrowed for good */
const struct api_service *api_service(const struct api *api, struct bytes name_or_alias);
const struct api_operation *api_operation(const struct api_service *service, struct bytes name);
/* Every service, in order of registration; NULL at the end. */
const struct api_service *api_service_at(const struct api *api, size_t index);

/* A record of this kind changed, and the change is committed. */
void api_changed(struct api *api, const char *kind);

/*
 * The door for callers inside the house. Checks `input` (borrowed) against the shape, runs the
 * handler. ERR_OK and *ret_output (a new reference), or an error with *ret_fault filled.
 */
err_t api_call(struct api *api, const struct api_caller *caller, const char *service,
	       const char *operation, json_t *input, json_t **ret_output,
	       struct api_fault *ret_fault);
/*
 * The same of a read whose body may be too large for a member: *ret_outlet gets it, the caller's to
 * read, on some thread, and to close on this one; NULL where the answer has none.
 */
err_t api_call_outlet(struct api *api, const struct api_caller *caller, const char *service,
		      const char *operation, json_t *input, json_t **ret_output,
		      struct api_outlet **ret_outlet, struct api_fault *ret_fault);
err_t api_call_noted(struct api *api, const struct api_caller *caller, const char *service,
		     const char *operation, json_t *input, struct api_note *note,
		     json_t **ret_output, struct api_fault *ret_fault);

/*
 * Asks the authorizer as if `caller` called, at any depth, and calls nothing: for what a service
 * does on behalf of somebody else. ERR_OK, or an error and *ret_fault.
 */
err_t api_may(struct api *api, const struct api_caller *caller, const char *service,
	      const char *operation, json_t *input, struct api_fault *ret_fault);

#endif
