/*
 * Who asks: signatures verified, keys looked up, and without them the guard.
 */
#include "api/front_internal.h"
#include "api/guard.h"
#include "api/sigv2.h"
#include "crypto/digest.h"

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
