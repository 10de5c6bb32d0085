/*
 * issue: what waits for the authority, one certificate at a time on a thread, since an RSA key
 * takes long. What waits is read from the store, so a kill at any moment forgets nothing.
 *
 *   RequestCertificate ─► PENDING_VALIDATION ─► thread: key, certificate ─► ISSUED
 *   60 days before its end                  ─► thread                    ─► the same ARN, renewed
 */
#include "services/acm/acm_internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "crypto/issue.h"

enum { ISSUE_DAYS = 395, RENEW_DAYS = 60 };

struct issuing {
	struct blocking_job job;
	struct acm *acm; /* NULL: the service has ended meanwhile */
	struct arena arena;
	struct issue_request request;
	const char *arn;
	struct text authority_key, certificate, key;
	err_t err;
};

/* ---- What waits ---- */

static bool covers_all(const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (!authority_covers(json_string_value(json_array_get(names, i))))
			return false;
	return true;
}

static bool waits(const struct acm *acm, const json_t *api)
{
	const char *status = acm_status(acm, api);
	uint64_t ends = (uint64_t)json_integer_value(json_object_get(api, "NotAfter"));

	if (strcmp(acm_text(api, "Type"), "AMAZON_ISSUED") != 0 ||
	    !covers_all(json_object_get(api, "SubjectAlternativeNames")))
		return false;
	if (strcmp(status, "PENDING_VALIDATION") == 0)
		return true;
	return json_is_true(json_object_get(api, "renew")) ||
	       ends < acm_now_ms(acm) + RENEW_DAYS * ACM_DAY_MS;
}

struct search {
	const struct acm *acm;
	json_t *found; /* the api part: a reference */
};

static bool look(void *owner, const struct store_resource *resource)
{
	struct search *search = owner;
	json_t *api = json_object_get(resource->body, "api");

	if (waits(search->acm, api))
		search->found = json_incref(api);
	return !search->found;
}

/* ---- The thread ---- */

static void work(struct blocking_job *job)
{
	struct issuing *issuing = container_of(job, struct issuing, job);

	issuing->err = certificate_issue(&issuing->request, &issuing->certificate, &issuing->key);
}

static void wipe(struct text *text)
{
	if (text->at)
		explicit_bzero(text->at, text->cap);
	text_fini(text);
}

static void issuing_free(struct issuing *issuing)
{
	wipe(&issuing->authority_key);
	wipe(&issuing->key);
	text_fini(&issuing->certificate);
	arena_fini(&issuing->arena);
	free(issuing);
}

/* ---- What came of it ---- */

static err_t fill(struct issuing *issuing, json_t *body)
{
	struct acm *acm = issuing->acm;
	json_t *api = json_object_get(body, "api"), *domain;
	struct text sealed = TEXT_INIT(2 * ACM_PEM_MAX);
	size_t i;
	err_t err = seal_text(acm->options.seal_key, text_bytes(&issuing->key),
			      bytes_of(issuing->arn), &sealed);

	if (!err)
		err = acm_set(body, "key", json_string(text_str(&sealed)));
	text_fini(&sealed);
	TRY(err);
	TRY(acm_set(body, "certificate", json_string(text_str(&issuing->certificate))));
	TRY(acm_set(body, "chain", json_string(acm->authority_certificate)));
	TRY(acm_describe_certificate(acm, text_bytes(&issuing->certificate), api));
	TRY(acm_set(api, "Status", json_string("ISSUED")));
	TRY(acm_set(api, "IssuedAt", json_integer((json_int_t)acm_now_ms(acm))));
	TRY(acm_set(api, "RenewalEligibility", json_string("ELIGIBLE")));
	json_object_del(api, "renew");
	json_array_foreach (json_object_get(api, "DomainValidationOptions"), i, domain)
		TRY(acm_set(domain, "ValidationStatus", json_string("SUCCESS")));
	return ERR_OK;
}

static err_t keep(struct issuing *issuing)
{
	struct store_resource resource = { .kind = KIND_CERTIFICATE,
					   .id = issuing->arn,
					   .parent = "" };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(issuing->acm->options.store, &txn));
	err = store_get(txn, KIND_CERTIFICATE, issuing->arn, &resource.body, NULL);
	if (!err)
		err = fill(issuing, resource.body);
	if (!err)
		err = store_update(txn, &resource);
	json_decref(resource.body);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err == ERR_NOT_FOUND ? ERR_OK : err; /* deleted meanwhile */
}

static void done(struct blocking_job *job)
{
	struct issuing *issuing = container_of(job, struct issuing, job);
	struct acm *acm = issuing->acm;
	err_t err = issuing->err;

	if (acm) {
		acm->issuing = NULL;
		if (!err)
			err = keep(issuing);
		if (err)
			log_error("acm", "%s could not be issued: %s; the next try is in an hour",
				  issuing->arn, err_words(err));
		else
			log_info("acm", "%s is issued", issuing->arn);
	}
	issuing_free(issuing);
	if (acm && !err)
		issue_next(acm);
}

/* ---- Beginning ---- */

static err_t copy_names(struct issuing *issuing, const json_t *names)
{
	const char **list = arena_array(&issuing->arena, json_array_size(names), sizeof *list);
	size_t i;
	json_t *name;

	if (!list)
		return ERR_NOMEM;
	json_array_foreach (names, i, name) {
		list[i] = arena_string(&issuing->arena, bytes_of(json_string_value(name)));
		if (!list[i])
			return ERR_NOMEM;
	}
	issuing->request.names = list;
	issuing->request.name_count = json_array_size(names);
	return ERR_OK;
}

static err_t prepare(struct issuing *issuing, const json_t *api)
{
	struct acm *acm = issuing->acm;
	struct issue_request *request = &issuing->request;

	TRY(authority_key(acm, &issuing->authority_key));
	issuing->arn = arena_string(&issuing->arena, bytes_of(acm_text(api, "CertificateArn")));
	request->algorithm = arena_string(&issuing->arena, bytes_of(acm_text(api, "KeyAlgorithm")));
	request->authority_certificate = bytes_of(acm->authority_certificate);
	request->authority_key = text_bytes(&issuing->authority_key);
	request->now_unix_s = acm_now_ms(acm) / 1000;
	request->days = ISSUE_DAYS;
	if (!issuing->arn || !request->algorithm)
		return ERR_NOMEM;
	return copy_names(issuing, json_object_get(api, "SubjectAlternativeNames"));
}

static err_t begin(struct acm *acm, const json_t *api)
{
	struct issuing *issuing = calloc(1, sizeof *issuing);
	err_t err;

	if (!issuing)
		return ERR_NOMEM;
	issuing->job.work = work;
	issuing->job.done = done;
	issuing->job.loop = acm->options.loop;
	issuing->acm = acm;
	arena_init(&issuing->arena, ACM_PEM_MAX);
	text_init(&issuing->authority_key, ACM_PEM_MAX);
	text_init(&issuing->certificate, ACM_PEM_MAX);
	text_init(&issuing->key, ACM_PEM_MAX);
	err = prepare(issuing, api);
	if (err) {
		issuing_free(issuing);
		return err;
	}
	acm->issuing = issuing;
	blocking_submit(acm->pool, &issuing->job);
	return ERR_OK;
}

void issue_next(struct acm *acm)
{
	struct search search = { .acm = acm };
	struct store_txn *txn;
	err_t err;

	if (acm->issuing || acm->stopping)
		return;
	err = store_begin(acm->options.store, &txn);
	if (!err) {
		err = store_each(txn, KIND_CERTIFICATE, NULL, NULL, look, &search);
		store_rollback(txn);
	}
	if (!err && search.found)
		err = begin(acm, search.found);
	json_decref(search.found);
	if (err)
		log_error("acm", "nothing can be issued: %s", err_words(err));
}

/* What runs is waited for; that it is done comes later, to somebody who is gone. */
void issue_stop(struct acm *acm)
{
	acm->stopping = true;
	blocking_pool_destroy(acm->pool);
	if (acm->issuing)
		acm->issuing->acm = NULL;
}
