/*
 * Dispatch: whose a whole request is, a route's or an operation's, and who may ask it.
 */
#include "api/http_internal.h"
#include "api/sigv4.h"

static bool path_fits(const struct api_route *route, struct bytes path)
{
	struct bytes wanted = bytes_of(route->path);

	if (wanted.len && wanted.at[wanted.len - 1] == '*')
		return bytes_starts(path, bytes_upto(wanted, wanted.len - 1));
	return bytes_eq(path, wanted);
}

/* *ret_other: the path is there, but not for this method. */
static const struct api_route *find_route(const struct api_http *http, struct bytes host,
					  struct bytes method, struct bytes path, bool *ret_other)
{
	struct bytes wanted = bytes_eq_str(method, "HEAD") ? BYTES("GET") : method;

	*ret_other = false;
	for (size_t i = 0; i < http->options.route_count; i++) {
		const struct api_route *route = &http->options.routes[i];

		if (route->host && bytes_find(host, bytes_of(route->host)) != SIZE_MAX)
			return route;
	}
	for (size_t i = 0; i < http->options.route_count; i++) {
		const struct api_route *route = &http->options.routes[i];

		if (route->host || !path_fits(route, path))
			continue;
		if (bytes_eq_str(wanted, route->method))
			return route;
		*ret_other = true;
	}
	return NULL;
}

/* Is it for an AWS service? A person's GET of "/" is not, and deserves a plain answer. */
static bool is_for_aws(const struct request *request)
{
	const struct http_head *head = request->seen.head;
	struct sigv4_identity claim;
	bool root = bytes_eq_str(request->seen.path, "/");

	if (bytes_starts(request->seen.path, BYTES("/_")))
		return false;
	if (sigv4_claim(head, &claim) != SIGV4_MISSING || http_find(head, BYTES("X-Amz-Target")) ||
	    http_find(head, BYTES("Smithy-Protocol")))
		return true;
	if (root)
		return bytes_eq_str(head->method, "POST") ||
		       (bytes_eq_str(head->method, "GET") && request->seen.query.len);
	return front_is_rest(&request->http->front, head, request->seen.path, request->seen.query);
}

static const struct bytes call_prefix = { "/_weir/call/", 12 };

struct front_request http_front_request(struct request *request)
{
	return (struct front_request){
		.head = request->seen.head,
		.path = request->seen.path,
		.query = request->seen.query,
		.body = request->seen.body,
		.peer = request->peer,
		.now_unix_ms = loop_unix_us(request->http->options.loop) / 1000,
		.arena = &request->arena,
	};
}

static void dispatch_route(struct request *request, const struct api_route *route,
			   const struct front_request *whole)
{
	bool open = route->open;
	struct sigv4_identity claim;
	struct api_fault fault;
	struct front_reply reply;

	/* Hosts of their own are open, and still believe nobody who signs falsely. */
	if (route->host && sigv4_claim(whole->head, &claim) != SIGV4_MISSING)
		open = false;
	if (front_caller(&request->http->front, whole, open, &request->caller, &fault)) {
		front_reply_init(&reply);
		front_fault(&fault, &reply);
		http_answer_reply(request, &reply, false);
		return;
	}
	/* The house's own paths are no operations a policy could name: the root's alone. */
	if (!route->open && !request->caller.is_root) {
		fault_set(&fault, "AccessDenied", "%.*s is for the root of the account alone",
			  BYTES_ARG(whole->path));
		front_reply_init(&reply);
		front_fault(&fault, &reply);
		http_answer_reply(request, &reply, false);
		return;
	}
	request->seen.caller = &request->caller;
	route->handle(route->owner, &request->seen);
}

/* ---- Answers that come later ---- */

struct waiting {
	struct request *request;
	struct front_waiting *front;
	char request_id[37];
};

static void on_later_done(struct api_later *later, json_t *output, const struct api_fault *fault)
{
	struct waiting *waiting = later->asker;
	struct request *request = waiting->request;
	const struct front_request whole = http_front_request(request);
	struct front_reply reply;

	front_reply_init(&reply);
	memcpy(reply.request_id, waiting->request_id, sizeof reply.request_id);
	front_later(waiting->front, &whole, output, fault, &reply);
	http_answer_reply(request, &reply, false);
}

/* The request stays HANDED until the answer comes; its caller may leave meanwhile. */
static void await(struct request *request, struct front_reply *reply)
{
	struct waiting *waiting = arena_new(&request->arena, struct waiting);
	struct api_later *later = reply->later;

	if (!waiting) {
		later->drop(later);
		http_answer_fault(request, 500, "InternalFailure", err_words(ERR_NOMEM), false);
		return;
	}
	*waiting = (struct waiting){ request, reply->waiting, "" };
	memcpy(waiting->request_id, reply->request_id, sizeof waiting->request_id);
	memcpy(request->request_id, reply->request_id, sizeof request->request_id);
	request->seen.caller = &request->caller;
	later->done = on_later_done;
	later->asker = waiting;
	later->request = &request->seen;
	text_fini(&reply->body);
	later->begin(later);
}

static void dispatch_operation(struct request *request, bool house,
			       const struct front_request *whole)
{
	const struct front *front = &request->http->front;
	struct api_fault fault;
	struct front_reply reply;
	err_t err;

	front_reply_init(&reply);
	err = front_caller(front, whole, false, &request->caller, &fault);
	if (err && house)
		front_fault(&fault, &reply);
	else if (err)
		front_refuse(front, whole, &fault, &reply);
	else if (house)
		front_call(front, whole, bytes_from(whole->path, call_prefix.len), &request->caller,
			   &reply);
	else
		front_answer(front, whole, &request->caller, &reply);
	if (reply.later)
		await(request, &reply);
	else
		http_answer_reply(request, &reply, false);
}

void http_dispatch(struct request *request)
{
	struct api_http *http = request->http;
	struct bytes path = request->seen.path, method = request->seen.head->method;
	struct front_request whole = http_front_request(request);
	bool other_method, house = bytes_starts(path, call_prefix);
	const struct api_route *route = find_route(http, request->seen.head->authority, method,
						   path, &other_method);

	if (route)
		dispatch_route(request, route, &whole);
	else if (other_method || (house && !bytes_eq_str(method, "POST")))
		http_answer_fault(request, 405, "MethodNotAllowed",
				  "This path does not take that method", false);
	else if (house || is_for_aws(request))
		dispatch_operation(request, house, &whole);
	else
		http_answer_fault(request, 404, "NotFound",
				  "Nothing is here. AWS requests go to /, and /_weir/health tells "
				  "whether Weir is well",
				  false);
}
