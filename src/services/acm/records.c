/* records: what every handler does with its transaction and its documents. */
#include "services/acm/acm_internal.h"

#include <stdio.h>

#include "crypto/random.h"

const char *acm_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *acm_hold(struct api_call *call, json_t *json)
{
	if (json && json_array_append_new(acm_of(call)->held, json))
		return NULL;
	return json;
}

uint64_t acm_now_ms(const struct acm *acm)
{
	return loop_unix_us(acm->options.loop) / 1000;
}

err_t acm_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

/* ---- The store ---- */

static bool is_certificate_arn(const char *arn)
{
	return strncmp(arn, "arn:aws:acm:", 12) == 0 && strstr(arn, ":certificate/");
}

err_t acm_get(struct api_call *call, json_t **ret_body)
{
	const char *arn = acm_text(call->input, "CertificateArn");
	json_t *body;
	err_t err;

	if (!is_certificate_arn(arn))
		return api_fault(call, "InvalidArnException",
				 "The certificate ARN '%s' is not valid.", arn);
	err = store_get(acm_of(call)->txn, KIND_CERTIFICATE, arn, &body, NULL);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "Could not find certificate %s.", arn);
	TRY(err);
	*ret_body = acm_hold(call, body);
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

err_t acm_put(struct api_call *call, json_t *body, bool is_new)
{
	struct store_resource resource = {
		.kind = KIND_CERTIFICATE,
		.id = acm_text(json_object_get(body, "api"), "CertificateArn"),
		.parent = "",
		.body = body,
	};

	acm_of(call)->wrote = true;
	return is_new ? store_insert(acm_of(call)->txn, &resource)
		      : store_update(acm_of(call)->txn, &resource);
}

static bool collect(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t acm_all(struct api_call *call, json_t **ret_bodies)
{
	json_t *all = acm_hold(call, json_array());

	if (!all)
		return ERR_NOMEM;
	*ret_bodies = all;
	return store_each(acm_of(call)->txn, KIND_CERTIFICATE, NULL, NULL, collect, all);
}

err_t acm_new(struct api_call *call, const char *type, json_t **ret_body)
{
	const struct acm *acm = acm_of(call)->acm;
	char id[37], arn[256];
	uint64_t count;

	TRY(store_count(acm_of(call)->txn, KIND_CERTIFICATE, NULL, &count));
	if (count >= ACM_CERTIFICATES_MAX)
		return api_fault(call, "LimitExceededException",
				 "You have reached the maximum number of certificates: %d.",
				 ACM_CERTIFICATES_MAX);
	random_uuid(id);
	snprintf(arn, sizeof arn, "arn:aws:acm:%s:%s:certificate/%s", acm->options.region,
		 acm->options.account, id);
	*ret_body = acm_hold(call, json_pack("{s:{s:s, s:s, s:I}, s:[]}", "api", "CertificateArn",
					     arn, "Type", type, "CreatedAt",
					     (json_int_t)acm_now_ms(acm), "tags"));
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

/* ---- What a certificate says ---- */

static json_t *list_of(const char *const *texts)
{
	json_t *list = json_array();

	for (; list && *texts; texts++)
		if (json_array_append_new(list, json_string(*texts))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *key_usages(const char *const *names)
{
	json_t *list = json_array();

	for (; list && *names; names++)
		if (json_array_append_new(list, json_pack("{s:s}", "Name", *names))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *extended_key_usages(const char *const *oids)
{
	static const struct {
		const char *oid, *name;
	} known[] = {
		{ "1.3.6.1.5.5.7.3.1", "TLS_WEB_SERVER_AUTHENTICATION" },
		{ "1.3.6.1.5.5.7.3.2", "TLS_WEB_CLIENT_AUTHENTICATION" },
		{ "1.3.6.1.5.5.7.3.3", "CODE_SIGNING" },
		{ "1.3.6.1.5.5.7.3.4", "EMAIL_PROTECTION" },
		{ "1.3.6.1.5.5.7.3.8", "TIME_STAMPING" },
		{ "1.3.6.1.5.5.7.3.9", "OCSP_SIGNING" },
		{ "2.5.29.37.0", "ANY" },
	};
	json_t *list = json_array();

	for (; list && *oids; oids++) {
		const char *name = "CUSTOM";

		for (size_t i = 0; i < COUNT(known); i++)
			if (strcmp(known[i].oid, *oids) == 0)
				name = known[i].name;
		if (json_array_append_new(list,
					  json_pack("{s:s, s:s}", "Name", name, "OID", *oids))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* "03A5B1" as "03:a5:b1". */
static const char *serial_text(struct arena *arena, const char *hex)
{
	char *text = arena_alloc(arena, strlen(hex) * 3 / 2 + 2), *at = text;

	for (size_t i = 0; text && hex[i]; i++) {
		if (i && i % 2 == 0)
			*at++ = ':';
		*at++ = ascii_lower(hex[i]);
	}
	return text;
}

static err_t set_facts(const struct certificate_facts *facts, struct arena *arena, json_t *api)
{
	const char *const *names = facts->dns_names;
	const char *first = names[0] ? names[0] : facts->common_name;
	const char *serial = serial_text(arena, facts->serial);
	const char *own[] = { first, NULL };

	if (!serial)
		return ERR_NOMEM;
	TRY(acm_set(api, "DomainName",
		    json_string(facts->common_name[0] ? facts->common_name : first)));
	TRY(acm_set(api, "SubjectAlternativeNames", list_of(names[0] ? names : own)));
	TRY(acm_set(api, "Serial", json_string(serial)));
	TRY(acm_set(api, "Subject", json_string(facts->subject)));
	TRY(acm_set(api, "Issuer", json_string(facts->issuer_name)));
	TRY(acm_set(api, "NotBefore", json_integer((json_int_t)facts->not_before_s * 1000)));
	TRY(acm_set(api, "NotAfter", json_integer((json_int_t)facts->not_after_s * 1000)));
	TRY(acm_set(api, "KeyAlgorithm", json_string(facts->key_algorithm)));
	TRY(acm_set(api, "SignatureAlgorithm", json_string(facts->signature_algorithm)));
	TRY(acm_set(api, "KeyUsages", key_usages(facts->key_usages)));
	return acm_set(api, "ExtendedKeyUsages", extended_key_usages(facts->extended_key_usages));
}

err_t acm_describe_certificate(struct acm *acm, struct bytes pem, json_t *api)
{
	struct certificate_facts facts;
	struct arena arena;
	err_t err;

	(void)acm;
	arena_init(&arena, 1 << 20);
	err = certificate_facts(pem, &arena, &facts);
	if (!err)
		err = set_facts(&facts, &arena, api);
	arena_fini(&arena);
	return err;
}

/* Time passes without anybody writing: what it does is seen when somebody looks. */
const char *acm_status(const struct acm *acm, const json_t *api)
{
	const char *status = acm_text(api, "Status");
	uint64_t now = acm_now_ms(acm);
	uint64_t created = (uint64_t)json_integer_value(json_object_get(api, "CreatedAt"));
	uint64_t ends = (uint64_t)json_integer_value(json_object_get(api, "NotAfter"));

	if (strcmp(status, "ISSUED") == 0 && ends < now)
		return "EXPIRED";
	if (strcmp(status, "PENDING_VALIDATION") == 0 && created + 3 * ACM_DAY_MS < now)
		return "VALIDATION_TIMED_OUT";
	return status;
}
