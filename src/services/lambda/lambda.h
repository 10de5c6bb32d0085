/*
 * lambda: AWS Lambda (API 2015-03-31): functions in the store, their code on disk, environments
 * that run them (environment.h), and the ways to invoke them. The control thread, but for
 * unpacking, which a thread of its own does.
 *
 *   CreateFunction ─► package ─► Active      Invoke ─► live ─► fleet ─► environment ─► program
 */
#ifndef SERVICES_LAMBDA_LAMBDA_H
#define SERVICES_LAMBDA_LAMBDA_H

#include "api/http.h"
#include "services/lambda/invocation.h"
#include "services/lambda/output.h"
#include "store/store.h"

struct lambda;

struct lambda_options {
	struct api *api; /* registers itself here; asks for keys of roles; borrowed, as store and
			    loop */
	struct store *store;
	struct loop *loop;
	const char *folder; /* DATA/lambda; copied, as account and Region */
	const char *account, *region;
	const struct api_caller *root; /* the house itself, when it asks other services */
	uint32_t retry_ms; /* before an asynchronous invocation's first retry; twice that after */
	output_write_fn write; /* takes the functions' log lines */
	/* Takes a data point of AWS/Lambda; `function` is NULL for all of them together. */
	void (*measure)(void *owner, const char *name, const char *unit, const char *function,
			double value);
	void *owner;
};

err_t lambda_create(const struct lambda_options *options, struct lambda **ret_lambda,
		    struct text *why);
/* Kills what runs; answers that are waited for are given up. Before api, store and loop go. */
void lambda_destroy(struct lambda *lambda); /* NULL is welcome */

/* "http://127.0.0.1:4566": where functions find the API. Before any of them runs. */
void lambda_set_endpoint(struct lambda *lambda, const char *url);

/*
 * Runs a function for the house, by a principal of AWS's ("elasticloadbalancing.amazonaws.com") on
 * behalf of a resource: its policy must let that. invocation->function_arn says which, the request
 * id is made here. On ERR_OK its on_done comes, later; else ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT
 * (throttled), or ours.
 */
err_t lambda_invoke_for(struct lambda *lambda, const char *principal, const char *source_arn,
			struct invocation *invocation);

/* The same, and nobody waits: the event is in the queue of asynchronous invocations on ERR_OK. */
err_t lambda_event_for(struct lambda *lambda, const char *principal, const char *source_arn,
		       const char *function_arn, const char *event);
/* Whether lambda_invoke_for would let it: ERR_OK, ERR_NOT_FOUND, ERR_DENIED, or ours. */
err_t lambda_may_invoke(struct lambda *lambda, const char *principal, const char *source_arn,
			const char *function_arn);
/* Whoever waited for it has left. A function that streams its answer is cut off at once, and its
 * on_done comes before this returns; others run to their end, as at AWS, and on_done comes then. */
void lambda_abandon(struct invocation *invocation);
/* There is room for pieces again after on_piece said that there is none. */
void lambda_resume(struct invocation *invocation);

/* What the API's routes hand in: requests to hosts NAME.lambda-url.…, and for packages' addresses.
 */
#define LAMBDA_URL_HOST	 ".lambda-url."
#define LAMBDA_CODE_PATH "/_weir/lambda/code/"
void lambda_serve_url(void *lambda, struct api_http_request *request);
void lambda_serve_code(void *lambda, struct api_http_request *request);

#endif
