#include "rag/engines/http_call.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { CONNECT_MS = 3000 };

static size_t on_write(char *at, size_t size, size_t count, void *owner)
{
	struct text *body = owner;

	text_add(body, bytes_make(at, size * count));
	return text_err(body) ? 0 : size * count;
}

static struct curl_slist *headers_of(const struct http_call *call)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char line[1200];

	headers = curl_slist_append(headers, "Accept: application/json");
	headers = curl_slist_append(headers, "Expect:");
	if (call->authorization) {
		snprintf(line, sizeof line, "Authorization: %s", call->authorization);
		headers = curl_slist_append(headers, line);
	}
	return headers;
}

static void setup(CURL *easy, const struct http_call *call, struct curl_slist *headers,
		  struct text *body)
{
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "ragd");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	if (call->any_certificate) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (call->body.len) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.at);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
	}
}

static err_t err_of(CURLcode code, const struct text *body)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_EXPIRED;
	if (code == CURLE_WRITE_ERROR)
		return text_err(body);
	if (code == CURLE_OUT_OF_MEMORY)
		return ERR_NOMEM;
	return ERR_UNREACHABLE;
}

err_t http_call(const struct http_call *call, struct http_answer *ret_answer)
{
	struct text body = TEXT_INIT(HTTP_CALL_ANSWER_MAX);
	struct http_answer answer = { .json = NULL };
	struct curl_slist *headers = headers_of(call);
	CURL *easy = curl_easy_init();
	curl_off_t retry_after = 0;
	err_t err = ERR_NOMEM;

	if (easy && headers) {
		CURLcode code;

		setup(easy, call, headers, &body);
		code = curl_easy_perform(easy);
		err = code == CURLE_OK ? ERR_OK : err_of(code, &body);
		if (err)
			log_warn("rag", "an engine at %s: %s", call->url, curl_easy_strerror(code));
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
		curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
		answer.retry_after_s = retry_after > 0 && retry_after < 3600 ? (uint32_t)retry_after
									     : 0;
	}
	if (!err) {
		answer.json = json_loadb(text_str(&body), body.len, 0, NULL);
		*ret_answer = answer;
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	text_fini(&body);
	return err;
}
