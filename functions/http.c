#include "functions/http.h"

#include <curl/curl.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_MS = 5000 };

uint64_t http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void http_told_init(struct http_told *told)
{
	told->status = 0;
	text_init(&told->body, HTTP_ANSWER_BYTES_MAX);
	text_init(&told->fields, 64 * 1024);
}

void http_told_fini(struct http_told *told)
{
	text_fini(&told->body);
	text_fini(&told->fields);
}

static size_t on_body(char *at, size_t size, size_t count, void *owner)
{
	struct http_told *told = owner;

	text_add(&told->body, bytes_make(at, size * count));
	return text_err(&told->body) ? 0 : size * count;
}

static size_t on_field(char *at, size_t size, size_t count, void *owner)
{
	struct http_told *told = owner;
	struct bytes line = bytes_make(at, size * count), rest = line, name;

	if (bytes_starts(line, BYTES("HTTP/")))
		text_clear(&told->fields); /* of a 100 before the answer */
	if (bytes_cut(&rest, ':', &name) && rest.at) {
		while (rest.len && (rest.at[rest.len - 1] == '\n' || rest.at[rest.len - 1] == '\r'))
			rest.len--;
		for (size_t i = 0; i < name.len; i++)
			text_add_char(&told->fields, ascii_lower(name.at[i]));
		text_printf(&told->fields, ": %.*s\n", BYTES_ARG(bytes_trim(rest)));
	}
	return line.len;
}

struct bytes http_told_field(const struct http_told *told, const char *name)
{
	struct bytes rest = text_bytes(&told->fields), line, key;

	while (bytes_cut(&rest, '\n', &line)) {
		struct bytes value = line;

		if (bytes_cut(&value, ':', &key) && value.at && bytes_eq_str(key, name))
			return bytes_trim(value);
	}
	return BYTES_NONE;
}

static err_t err_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK: return ERR_OK;
	case CURLE_OPERATION_TIMEDOUT: return ERR_EXPIRED;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST: return ERR_REFUSED;
	case CURLE_WRITE_ERROR: return ERR_TOO_LARGE;
	case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
	default: return ERR_SYSTEM;
	}
}

/* Where Amazon Linux, Debian and others keep the authorities' certificates: curl knows its own
 * distribution's place only, and this program runs on all of them. */
static const char *authorities(void)
{
	static const char *const places[] = { "/etc/pki/tls/certs/ca-bundle.crt",
					      "/etc/ssl/certs/ca-certificates.crt",
					      "/etc/ssl/cert.pem" };

	for (size_t i = 0; i < COUNT(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

static CURL *handle(void)
{
	static CURL *kept; /* one thread, one request at a time */

	if (!kept)
		kept = curl_easy_init();
	if (kept)
		curl_easy_reset(kept); /* its connections stay */
	return kept;
}

static CURLcode perform(CURL *curl, const struct http_ask *ask, struct http_told *told,
			struct curl_slist *fields, char *words)
{
	uint64_t now = http_now_ms();

	if (ask->deadline_ms && ask->deadline_ms <= now)
		return CURLE_OPERATION_TIMEDOUT;
	curl_easy_setopt(curl, CURLOPT_URL, ask->url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, told);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_field);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, told);
	if (authorities())
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities());
	if (ask->deadline_ms)
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(ask->deadline_ms - now));
	if (ask->body.len || strcmp(ask->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body.len ? ask->body.at : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len);
	}
	return curl_easy_perform(curl);
}

err_t http_ask(const struct http_ask *ask, struct http_told *told, struct text *why)
{
	struct curl_slist *fields = curl_slist_append(NULL, "Expect:"), *more;
	char words[CURL_ERROR_SIZE] = "";
	CURL *curl = handle();
	CURLcode code;

	text_clear(&told->body);
	text_clear(&told->fields);
	for (const char *const *field = ask->fields; fields && field && *field; field++) {
		more = curl_slist_append(fields, *field);
		if (!more) {
			curl_slist_free_all(fields);
			fields = NULL;
		} else {
			fields = more;
		}
	}
	if (!curl || !fields) {
		curl_slist_free_all(fields);
		return ERR_NOMEM;
	}
	code = perform(curl, ask, told, fields, words);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &told->status);
	curl_slist_free_all(fields);
	if (code)
		text_printf(why, "%s: %s", ask->url, words[0] ? words : curl_easy_strerror(code));
	return err_of(code);
}
