#include "rag/ingest/remote.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/when.h"
#include "crypto/digest.h"
#include "http/uri.h"
#include "net/clock.h"

enum {
	REDIRECTS_MAX = 3,
	CONNECT_SECONDS = 10,
	TOTAL_SECONDS = 600,
	STALL_SECONDS = 30,
	KEY_MAX = 1024,
	BUCKET_MAX = 63,
	KEYS_BYTES_MAX = 16 * 1024,
};

/* ---- What may be asked for ---- */

static bool refuse(char *words, size_t size, const char *why)
{
	snprintf(words, size, "%s", why);
	return false;
}

static bool bucket_is_fine(struct bytes bucket)
{
	if (bucket.len < 3 || bucket.len > BUCKET_MAX)
		return false;
	for (size_t i = 0; i < bucket.len; i++) {
		char c = bucket.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      ((c == '-' || c == '.') && i > 0)))
			return false;
	}
	return bytes_find(bucket, BYTES("..")) == SIZE_MAX;
}

/* The names of a comma-separated setting. */
static bool on_list(const char *list, struct bytes name)
{
	struct bytes rest = bytes_of(list), one;

	while (rest.len && bytes_cut(&rest, ',', &one))
		if (bytes_eq_nocase(bytes_trim(one), name))
			return true;
	return false;
}

static bool s3_is_fine(const struct settings *s, struct bytes bucket, struct bytes key, char *words,
		       size_t size)
{
	if (!s->s3_bucket[0])
		return refuse(words, size,
			      "No bucket may be read here: the operator sets S3_BUCKET.");
	if (!bucket_is_fine(bucket) || key.len == 0 || key.len > KEY_MAX)
		return refuse(words, size,
			      "s3 must have a bucket's name and a key of 1 to 1024 bytes.");
	if (!on_list(s->s3_bucket, bucket))
		return refuse(words, size, "That bucket is not on the list of S3_BUCKET.");
	if (!bytes_starts(key, bytes_of(s->s3_prefix)))
		return refuse(words, size, "That key does not begin with S3_PREFIX.");
	return true;
}

static struct bytes string_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? bytes_make(json_string_value(value), json_string_length(value))
		       : BYTES_NONE;
}

json_t *origin_of_s3(const json_t *s3, const struct settings *settings, char *words,
		     size_t words_size)
{
	struct bytes bucket = string_of(s3, "bucket"), key = string_of(s3, "key");
	struct bytes version = string_of(s3, "version_id");
	json_t *origin;

	if (!s3_is_fine(settings, bucket, key, words, words_size))
		return NULL;
	origin = json_pack("{s:s, s:s%, s:s%}", "kind", "s3", "bucket", bucket.at, bucket.len,
			   "key", key.at, key.len);
	if (origin && version.len)
		json_object_set_new(origin, "version_id", json_stringn(version.at, version.len));
	return origin;
}

static bool url_is_fine(struct bytes url, const struct settings *settings, char *words, size_t size)
{
	struct uri uri;
	struct bytes host;
	uint16_t port;

	if (!settings->url_hosts[0])
		return refuse(words, size,
			      "Documents are not fetched by URL here: the operator sets "
			      "RAG_URL_HOSTS.");
	if (url.len > 2048 || memchr(url.at, '\0', url.len) || uri_parse(url, &uri) ||
	    !bytes_eq_str(uri.scheme, "https") ||
	    uri_split_authority(uri.authority, &host, &port) || (port && port != 443))
		return refuse(words, size, "url must be an https:// URL, on port 443.");
	if (!on_list(settings->url_hosts, host))
		return refuse(words, size, "That host is not on the list of RAG_URL_HOSTS.");
	return true;
}

json_t *origin_of_url(const json_t *url, const struct settings *settings, char *words,
		      size_t words_size)
{
	struct bytes at = json_is_string(url)
				  ? bytes_make(json_string_value(url), json_string_length(url))
				  : BYTES("");

	if (!url_is_fine(at, settings, words, words_size))
		return NULL;
	return json_pack("{s:s, s:s%}", "kind", "url", "url", at.at, at.len);
}

static bool v4_is_public(const uint8_t *a)
{
	static const struct {
		uint8_t bytes[4], bits;
	} closed[] = {
		{ { 0, 0, 0, 0 }, 8 },	    { { 10, 0, 0, 0 }, 8 },	{ { 100, 64, 0, 0 }, 10 },
		{ { 127, 0, 0, 0 }, 8 },    { { 169, 254, 0, 0 }, 16 }, { { 172, 16, 0, 0 }, 12 },
		{ { 192, 0, 0, 0 }, 24 },   { { 192, 0, 2, 0 }, 24 },	{ { 192, 88, 99, 0 }, 24 },
		{ { 192, 168, 0, 0 }, 16 }, { { 198, 18, 0, 0 }, 15 },	{ { 198, 51, 100, 0 }, 24 },
		{ { 203, 0, 113, 0 }, 24 }, { { 224, 0, 0, 0 }, 3 },
	};
	uint32_t address = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];

	for (size_t i = 0; i < COUNT(closed); i++) {
		const uint8_t *b = closed[i].bytes;
		uint32_t net = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
			       b[3];
		uint32_t mask = ~(UINT32_MAX >> closed[i].bits);

		if ((address & mask) == net)
			return false;
	}
	return true;
}

bool address_is_public(const uint8_t *a, bool v6)
{
	static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	static const uint8_t nat64[12] = { 0, 0x64, 0xFF, 0x9B };

	if (!v6)
		return v4_is_public(a);
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return v4_is_public(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
		return v4_is_public(a + 2);
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02) /* Teredo, benchmarks, ORCHID */
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8)
		return false;
	return (a[0] & 0xE0) == 0x20; /* 2000::/3: all that is given out */
}

/* ---- S3's signature ---- */

static void hmac_step(uint8_t key[SHA256_BYTES], size_t *key_len, const uint8_t *from,
		      size_t from_len, struct bytes data)
{
	hmac_sha256(bytes_make(from, from_len), data, key);
	*key_len = SHA256_BYTES;
}

static void signing_key(const struct s3_request *r, uint8_t key[SHA256_BYTES])
{
	struct text secret = TEXT_INIT(512);
	size_t len;

	text_printf(&secret, "AWS4%s", r->secret_key);
	hmac_step(key, &len, (const uint8_t *)text_str(&secret), secret.len,
		  bytes_make(r->when, 8));
	hmac_step(key, &len, key, len, bytes_of(r->region));
	hmac_step(key, &len, key, len, BYTES("s3"));
	hmac_step(key, &len, key, len, BYTES("aws4_request"));
	text_fini(&secret);
}

void s3_authorization(struct text *out, const struct s3_request *r)
{
	const char *token = r->session_token[0] ? ";x-amz-security-token" : "";
	struct text canonical = TEXT_INIT(64 * 1024), to_sign = TEXT_INIT(1024);
	char digest[SHA256_HEX_BYTES + 1];
	uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];

	text_printf(&canonical,
		    "GET\n%s\n%s\nhost:%s\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:%s\n",
		    r->path, r->query, r->host, r->when);
	if (token[0])
		text_printf(&canonical, "x-amz-security-token:%s\n", r->session_token);
	text_printf(&canonical, "\nhost;x-amz-content-sha256;x-amz-date%s\nUNSIGNED-PAYLOAD",
		    token);
	sha256_hex(text_bytes(&canonical), digest);
	text_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/s3/aws4_request\n%s", r->when, r->when,
		    r->region, digest);
	signing_key(r, key);
	hmac_sha256(bytes_make(key, sizeof key), text_bytes(&to_sign), mac);
	text_printf(out,
		    "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/s3/aws4_request, "
		    "SignedHeaders=host;x-amz-content-sha256;x-amz-date%s, Signature=",
		    r->access_key, r->when, r->region, token);
	encode_hex(out, bytes_make(mac, sizeof mac));
	text_fini(&canonical);
	text_fini(&to_sign);
}

/* ---- Going there ---- */

struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct text body;
	const _Atomic bool *cancelled;
	bool public_only, refused_address;
};

static size_t on_bytes(char *at, size_t size, size_t count, void *owner)
{
	struct transfer *t = owner;

	text_add(&t->body, bytes_make(at, size * count));
	return text_err(&t->body) ? 0 : size * count;
}

static int on_progress(void *owner, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = owner;

	(void)a, (void)b, (void)c, (void)d;
	return t->cancelled && atomic_load(t->cancelled);
}

static curl_socket_t on_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = owner;
	const uint8_t *raw = (const uint8_t *)&address->addr;
	bool v6 = address->family == AF_INET6;

	(void)purpose;
	/* sockaddr_in: family, port, address at 4; sockaddr_in6: flow label between, at 8 */
	if (t->public_only && !address_is_public(raw + (v6 ? 8 : 4), v6)) {
		t->refused_address = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static err_t transfer_open(struct transfer *t, size_t max_bytes, const _Atomic bool *cancelled,
			   bool public_only)
{
	*t = (struct transfer){ .cancelled = cancelled, .public_only = public_only };
	text_init(&t->body, max_bytes);
	t->curl = curl_easy_init();
	if (!t->curl)
		return ERR_NOMEM;
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "ragd");
	curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, public_only ? "https" : "http,https");
	return ERR_OK;
}

static void transfer_close(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	curl_easy_cleanup(t->curl);
	text_fini(&t->body);
}

static void header(struct transfer *t, const char *format, const char *value)
{
	struct text line = TEXT_INIT(16 * 1024);

	text_printf(&line, format, value);
	t->headers = curl_slist_append(t->headers, text_str(&line));
	text_fini(&line);
}

static err_t transfer_run(struct transfer *t, const char *url, long *ret_status, char *words,
			  size_t size)
{
	CURLcode code;

	curl_easy_setopt(t->curl, CURLOPT_URL, url);
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	text_clear(&t->body);
	code = curl_easy_perform(t->curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, ret_status);
		return ERR_OK;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return ERR_CANCELLED;
	if (t->refused_address)
		snprintf(words, size, "That host is at an address that is not public.");
	else if (code == CURLE_WRITE_ERROR)
		snprintf(words, size, "The original is larger than a document may be.");
	else
		snprintf(words, size, "The original cannot be fetched: %s.",
			 curl_easy_strerror(code));
	return ERR_UNREACHABLE;
}

static err_t take_body(struct transfer *t, struct bytes *ret_data)
{
	size_t len = t->body.len;
	char *at = text_take(&t->body);

	if (!at)
		at = calloc(1, 1);
	if (!at)
		return ERR_NOMEM;
	*ret_data = bytes_make(at, len);
	return ERR_OK;
}

/* ---- S3 ---- */

struct s3_address {
	struct text url, host, path, query;
};

/* Path style at an endpoint of one's own, bucket.s3.region.amazonaws.com at AWS. */
static void s3_address(struct s3_address *a, const struct settings *s, const json_t *origin)
{
	struct bytes bucket = string_of(origin, "bucket"),
		     version = string_of(origin, "version_id");
	struct bytes endpoint = bytes_of(s->s3_endpoint);
	struct uri uri;

	while (endpoint.len && endpoint.at[endpoint.len - 1] == '/')
		endpoint.len--;
	text_add_char(&a->path, '/');
	if (endpoint.len && uri_parse(endpoint, &uri) == ERR_OK) {
		text_add(&a->host, uri.authority);
		text_add(&a->path, bucket);
		text_add_char(&a->path, '/');
	} else {
		text_printf(&a->host, "%.*s.s3.%s.amazonaws.com", BYTES_ARG(bucket), s->s3_region);
	}
	encode_percent(&a->path, string_of(origin, "key"), true);
	if (version.len) {
		text_add_str(&a->query, "versionId=");
		encode_percent(&a->query, version, false);
	}
	if (endpoint.len)
		text_add(&a->url, endpoint);
	else
		text_printf(&a->url, "https://%s", text_str(&a->host));
	text_add(&a->url, text_bytes(&a->path));
	if (version.len)
		text_printf(&a->url, "?%s", text_str(&a->query));
}

/* The operator's keys, or those that the container's surroundings give for a while; or none. */
struct s3_keys {
	json_t *given; /* owns the temporary ones */
	const char *access_key, *secret_key, *session_token;
};

static const char *text_in(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static err_t ask_for_keys(const struct settings *s, json_t **ret_given, char *words, size_t size)
{
	struct text url = TEXT_INIT(2048);
	struct transfer t;
	long status = 0;
	err_t err = transfer_open(&t, KEYS_BYTES_MAX, NULL, false);

	if (err)
		return err;
	if (s->keys_uri[0])
		text_add_str(&url, s->keys_uri);
	else
		text_printf(&url, "http://169.254.170.2%s", s->keys_relative_uri);
	if (s->keys_authorization[0])
		header(&t, "Authorization: %s", s->keys_authorization);
	err = text_err(&url);
	if (!err)
		err = transfer_run(&t, text_str(&url), &status, words, size);
	*ret_given = err || status != 200 ? NULL : json_loadb(t.body.at, t.body.len, 0, NULL);
	if (!err && !text_in(*ret_given, "AccessKeyId")[0]) {
		json_decref(*ret_given);
		snprintf(words, size, "The task is given no keys for S3 (%ld).", status);
		err = ERR_DENIED;
	}
	text_fini(&url);
	transfer_close(&t);
	return err;
}

static err_t find_keys(const struct settings *s, struct s3_keys *ret_keys, char *words, size_t size)
{
	*ret_keys = (struct s3_keys){ NULL, s->aws_access_key, s->aws_secret_key,
				      s->aws_session_token };
	if (s->aws_access_key[0] || (!s->keys_uri[0] && !s->keys_relative_uri[0]))
		return ERR_OK;
	TRY(ask_for_keys(s, &ret_keys->given, words, size));
	ret_keys->access_key = text_in(ret_keys->given, "AccessKeyId");
	ret_keys->secret_key = text_in(ret_keys->given, "SecretAccessKey");
	ret_keys->session_token = text_in(ret_keys->given, "Token");
	return ERR_OK;
}

static void s3_sign(struct transfer *t, const struct settings *s, const struct s3_keys *keys,
		    const struct s3_address *a)
{
	char when[WHEN_ISO_BYTES + 1];
	struct text line = TEXT_INIT(8192);
	const struct s3_request request = {
		.access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.session_token = keys->session_token,
		.region = s->s3_region,
		.host = text_str(&a->host),
		.path = text_str(&a->path),
		.query = text_str(&a->query),
		.when = when,
	};

	if (!keys->access_key[0])
		return; /* a public bucket */
	when_basic(clock_unix_ms(), when);
	s3_authorization(&line, &request);
	header(t, "Authorization: %s", text_str(&line));
	header(t, "X-Amz-Date: %s", when);
	header(t, "X-Amz-Content-Sha256: %s", "UNSIGNED-PAYLOAD");
	if (keys->session_token[0])
		header(t, "X-Amz-Security-Token: %s", keys->session_token);
	text_fini(&line);
}

static err_t s3_fetch(struct transfer *t, const struct settings *s, const json_t *origin,
		      const char **ret_code, char *words, size_t size)
{
	struct s3_address a = { TEXT_INIT(16384), TEXT_INIT(1024), TEXT_INIT(8192),
				TEXT_INIT(4096) };
	struct s3_keys keys;
	long status = 0;
	err_t err = find_keys(s, &keys, words, size);

	s3_address(&a, s, origin);
	curl_easy_setopt(t->curl, CURLOPT_PATH_AS_IS, 1L);
	if (!err) {
		s3_sign(t, s, &keys, &a);
		err = transfer_run(t, text_str(&a.url), &status, words, size);
		json_decref(keys.given);
	}
	if (!err && status != 200) {
		*ret_code = status == 404 ? "not_found" : status == 403 ? "forbidden" : *ret_code;
		snprintf(words, size, "S3 answered %ld for that object.", status);
		err = ERR_NOT_FOUND;
	}
	text_fini(&a.url);
	text_fini(&a.host);
	text_fini(&a.path);
	text_fini(&a.query);
	return err;
}

/* ---- URLs ---- */

static err_t url_fetch(struct transfer *t, const struct settings *settings, const json_t *origin,
		       char *words, size_t size)
{
	char *url = bytes_dup(string_of(origin, "url"));
	err_t err = url ? ERR_OK : ERR_NOMEM;
	long status = 0;

	for (unsigned hops = 0; !err; hops++) {
		char *next = NULL;

		err = url_is_fine(bytes_of(url), settings, words, size)
			      ? transfer_run(t, url, &status, words, size)
			      : ERR_DENIED;
		if (err || status == 200)
			break;
		curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &next);
		if (!next || hops == REDIRECTS_MAX) {
			snprintf(words, size,
				 next ? "It redirects too often." : "The host answered %ld.",
				 status);
			err = ERR_NOT_FOUND;
			break;
		}
		next = bytes_dup(bytes_of(next));
		free(url);
		url = next;
		err = url ? ERR_OK : ERR_NOMEM;
	}
	free(url);
	return err;
}

static err_t fetch(void *owner, struct bytes origin, size_t max_bytes,
		   const _Atomic bool *cancelled, struct bytes *ret_data, const char **ret_code,
		   char *words, size_t words_size)
{
	const struct settings *settings = owner;
	json_t *root = json_loadb(origin.at ? origin.at : "", origin.len, 0, NULL);
	bool s3 = bytes_eq_str(string_of(root, "kind"), "s3");
	struct transfer t;
	err_t err;

	*ret_code = "fetch_failed";
	snprintf(words, words_size, "There is nothing to fetch it from.");
	err = transfer_open(&t, max_bytes, cancelled, !s3);
	/* The settings may have changed since the document was accepted. */
	if (!err && s3)
		err = s3_is_fine(settings, string_of(root, "bucket"), string_of(root, "key"), words,
				 words_size)
			      ? s3_fetch(&t, settings, root, ret_code, words, words_size)
			      : ERR_DENIED;
	else if (!err)
		err = url_fetch(&t, settings, root, words, words_size);
	if (!err && t.body.len == 0) {
		*ret_code = "empty";
		snprintf(words, words_size, "The original has no bytes.");
		err = ERR_NOT_FOUND;
	}
	if (!err)
		err = take_body(&t, ret_data);
	transfer_close(&t);
	json_decref(root);
	return err;
}

struct ingest_source remote_source(const struct settings *settings)
{
	return (struct ingest_source){ .fetch = fetch, .owner = (void *)(uintptr_t)settings };
}
