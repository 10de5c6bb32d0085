#include "functions/aws.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/when.h"
#include "crypto/digest.h"
#include "http/uri.h"

enum { FIELDS_MAX = 8 };

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* ---- Signing (docs.aws.amazon.com, "Create a signed AWS API request") ---- */

static void signed_names(const struct aws_signing *signing, struct text *out)
{
	text_add_str(out, "content-type;host;x-amz-date");
	if (signing->token[0])
		text_add_str(out, ";x-amz-security-token");
	if (signing->target[0])
		text_add_str(out, ";x-amz-target");
}

static void canonical_request(const struct aws_signing *signing, const char *date, struct text *out)
{
	char hash[SHA256_HEX_BYTES + 1];

	sha256_hex(signing->body, hash);
	text_printf(out, "POST\n/\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n",
		    signing->content_type, signing->host, date);
	if (signing->token[0])
		text_printf(out, "x-amz-security-token:%s\n", signing->token);
	if (signing->target[0])
		text_printf(out, "x-amz-target:%s\n", signing->target);
	text_add_char(out, '\n');
	signed_names(signing, out);
	text_printf(out, "\n%s", hash);
}

static void derive_key(const struct aws_signing *signing, struct bytes day,
		       uint8_t key[SHA256_BYTES])
{
	char first[256];
	int len = snprintf(first, sizeof first, "AWS4%s", signing->secret);

	hmac_sha256(bytes_make(first, size_min((size_t)len, sizeof first - 1)), day, key);
	hmac_sha256(bytes_make(key, SHA256_BYTES), bytes_of(signing->region), key);
	hmac_sha256(bytes_make(key, SHA256_BYTES), bytes_of(signing->service), key);
	hmac_sha256(bytes_make(key, SHA256_BYTES), BYTES("aws4_request"), key);
}

void aws_sign(const struct aws_signing *signing, struct text *authorization)
{
	struct text request = TEXT_INIT(16 * 1024), string = TEXT_INIT(1024);
	char date[WHEN_ISO_BYTES + 1], hash[SHA256_HEX_BYTES + 1];
	uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];
	struct bytes day;

	when_basic(signing->now_ms, date);
	day = bytes_make(date, 8);
	canonical_request(signing, date, &request);
	sha256_hex(text_bytes(&request), hash);
	text_printf(&string, "AWS4-HMAC-SHA256\n%s\n%.*s/%s/%s/aws4_request\n%s", date,
		    BYTES_ARG(day), signing->region, signing->service, hash);
	derive_key(signing, day, key);
	hmac_sha256(bytes_make(key, sizeof key), text_bytes(&string), signature);
	text_printf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/%s/aws4_request, ",
		    signing->access_key, BYTES_ARG(day), signing->region, signing->service);
	text_add_str(authorization, "SignedHeaders=");
	signed_names(signing, authorization);
	text_add_str(authorization, ", Signature=");
	encode_hex(authorization, bytes_make(signature, sizeof signature));
	text_fini(&request);
	text_fini(&string);
}

/* ---- Calls ---- */

static void endpoint_of(const char *service, const char *region, struct text *url)
{
	const char *given = variable("AWS_ENDPOINT_URL");

	if (given[0])
		text_add_str(url, given);
	else
		text_printf(url, "https://%s.%s.amazonaws.com", service, region);
	if (url->len && url->at[url->len - 1] != '/')
		text_add_char(url, '/');
}

static err_t host_of(const struct text *url, struct text *host)
{
	struct uri uri;

	TRY(uri_parse(text_bytes(url), &uri));
	text_add(host, uri.authority);
	return text_err(host);
}

static err_t post(const char *service, const char *content_type, const char *target,
		  struct bytes body, uint64_t deadline_ms, struct http_told *told, struct text *why)
{
	const char *region = variable("AWS_REGION");
	struct text url = TEXT_INIT(512), host = TEXT_INIT(256), lines[FIELDS_MAX];
	const char *fields[FIELDS_MAX + 1] = { NULL };
	struct aws_signing signing = {
		.region = region,
		.service = service,
		.access_key = variable("AWS_ACCESS_KEY_ID"),
		.secret = variable("AWS_SECRET_ACCESS_KEY"),
		.token = variable("AWS_SESSION_TOKEN"),
		.content_type = content_type,
		.target = target,
		.body = body,
		.now_ms = http_now_ms(),
	};
	char date[WHEN_ISO_BYTES + 1];
	size_t n = 0;
	err_t err;

	for (size_t i = 0; i < FIELDS_MAX; i++)
		text_init(&lines[i], 8 * 1024);
	endpoint_of(service, region, &url);
	err = host_of(&url, &host);
	signing.host = text_str(&host);
	when_basic(signing.now_ms, date);
	text_add_str(&lines[n], "Authorization: ");
	aws_sign(&signing, &lines[n++]);
	text_printf(&lines[n++], "X-Amz-Date: %s", date);
	text_printf(&lines[n++], "Content-Type: %s", content_type);
	if (signing.token[0])
		text_printf(&lines[n++], "X-Amz-Security-Token: %s", signing.token);
	if (target[0])
		text_printf(&lines[n++], "X-Amz-Target: %s", target);
	for (size_t i = 0; i < n; i++)
		fields[i] = text_str(&lines[i]);
	if (err)
		text_printf(why, "AWS_ENDPOINT_URL '%s' is no URL", text_str(&url));
	else
		err = http_ask(
			&(struct http_ask){ "POST", text_str(&url), fields, body, deadline_ms },
			told, why);
	for (size_t i = 0; i < FIELDS_MAX; i++)
		text_fini(&lines[i]);
	text_fini(&url);
	text_fini(&host);
	return err;
}

err_t aws_json(const char *service, const char *target, const json_t *input, uint64_t deadline_ms,
	       json_t **ret_output, struct text *why)
{
	char *body = input ? json_dumps(input, JSON_COMPACT) : NULL;
	struct http_told told;
	json_t *output = NULL;
	err_t err;

	if (!body)
		return ERR_NOMEM;
	http_told_init(&told);
	err = post(service, "application/x-amz-json-1.1", target, bytes_of(body), deadline_ms,
		   &told, why);
	free(body);
	if (!err)
		output = json_loadb(told.body.at, told.body.len, 0, NULL);
	if (!err && (told.status != 200 || !output)) {
		text_printf(why, "%s: %ld %.*s", target, told.status,
			    (int)size_min(told.body.len, 500), text_str(&told.body));
		err = ERR_INVALID;
	}
	http_told_fini(&told);
	if (err)
		json_decref(output);
	else
		*ret_output = output;
	return err;
}

err_t aws_form(const char *service, struct bytes form, uint64_t deadline_ms, struct text *xml,
	       struct text *why)
{
	struct http_told told;
	err_t err;

	http_told_init(&told);
	err = post(service, "application/x-www-form-urlencoded", "", form, deadline_ms, &told, why);
	if (!err && told.status != 200) {
		text_printf(why, "%s: %ld %.*s", service, told.status,
			    (int)size_min(told.body.len, 500), text_str(&told.body));
		err = ERR_INVALID;
	}
	if (!err)
		text_add(xml, text_bytes(&told.body));
	http_told_fini(&told);
	return err ? err : text_err(xml);
}
