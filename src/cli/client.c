#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/sigv4.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 };

/* The first line of a small file without its end; NULL when it cannot be read. */
static char *first_line(const char *folder, const char *name)
{
	char path[4096], line[1024], *copy = NULL;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file)
		return NULL;
	if (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\r\n")] = '\0';
		copy = bytes_dup(bytes_of(line));
	}
	fclose(file);
	return copy;
}

err_t credentials_read(const char *data, char **ret_access_key, char **ret_secret)
{
	char path[4096], line[1024];
	char *access_key = NULL, *secret = NULL;
	FILE *file;

	snprintf(path, sizeof path, "%s/credentials", data);
	file = fopen(path, "r");
	if (!file)
		return ERR_NOT_FOUND;
	while (fgets(line, sizeof line, file)) {
		struct bytes rest = bytes_of(line), name;

		if (!bytes_cut(&rest, '=', &name) || !rest.at)
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		rest = bytes_trim(bytes_of(rest.at));
		if (bytes_eq(bytes_trim(name), BYTES("aws_access_key_id")) && !access_key)
			access_key = bytes_dup(rest);
		if (bytes_eq(bytes_trim(name), BYTES("aws_secret_access_key")) && !secret)
			secret = bytes_dup(rest);
	}
	fclose(file);
	explicit_bzero(line, sizeof line);
	if (!access_key || !secret) {
		free(access_key);
		free(secret);
		return ERR_NOT_FOUND;
	}
	*ret_access_key = access_key;
	*ret_secret = secret;
	return ERR_OK;
}

err_t client_open(struct client *client, const struct settings *settings, struct text *why)
{
	const char *data = setting_text(settings, SETTING_DATA);

	*client = (struct client){ .data = data };
	if (setting_is_default(settings, SETTING_API))
		client->address = first_line(data, "api");
	if (!client->address)
		client->address = bytes_dup(bytes_of(setting_text(settings, SETTING_API)));
	client->region = bytes_dup(bytes_of(setting_text(settings, SETTING_REGION)));
	if (credentials_read(data, &client->access_key, &client->secret)) {
		client->access_key = bytes_dup(BYTES(""));
		client->secret = bytes_dup(BYTES(""));
	}
	if (client->address && client->region && client->access_key && client->secret)
		return ERR_OK;
	text_add_str(why, err_words(ERR_NOMEM));
	client_close(client);
	return ERR_NOMEM;
}

void client_close(struct client *client)
{
	if (client->secret)
		explicit_bzero(client->secret, strlen(client->secret));
	free(client->address);
	free(client->access_key);
	free(client->secret);
	free(client->region);
	*client = (struct client){ 0 };
}

static size_t on_answer(char *at, size_t size, size_t count, void *owner)
{
	struct text *answer = owner;

	text_add(answer, bytes_make(at, size * count));
	return text_err(answer) ? 0 : size * count;
}

static struct curl_slist *add_header(struct curl_slist *headers, struct arena *arena,
				     const char *name, struct bytes value)
{
	const char *line = arena_printf(arena, "%s: %.*s", name, BYTES_ARG(value));
	struct curl_slist *longer = line ? curl_slist_append(headers, line) : NULL;

	return longer ? longer : headers; /* a missing one fails the signature, loudly */
}

/* Authorization and its companions, when there are keys. */
static struct curl_slist *sign(const struct client *client, const char *method, const char *path,
			       struct bytes body, struct arena *arena, struct curl_slist *headers)
{
	struct bytes authorization, date, hash, rest = bytes_of(path), bare;
	struct timespec now;
	struct sigv4_request request;

	if (!client->access_key[0])
		return headers;
	clock_gettime(CLOCK_REALTIME, &now);
	bytes_cut(&rest, '?', &bare);
	request = (struct sigv4_request){
		.method = bytes_of(method),
		.path = bare,
		.query = rest,
		.host = bytes_of(client->address),
		.body = body,
		.service = BYTES("weir"),
		.region = bytes_of(client->region),
		.access_key = bytes_of(client->access_key),
		.secret = bytes_of(client->secret),
		.now_unix_ms = (uint64_t)now.tv_sec * 1000,
	};
	if (sigv4_sign(&request, arena, &authorization, &date, &hash))
		return headers;
	headers = add_header(headers, arena, "Authorization", authorization);
	headers = add_header(headers, arena, "X-Amz-Date", date);
	return add_header(headers, arena, "X-Amz-Content-Sha256", hash);
}

/* `body` goes out for POST, and is replaced by the answer. */
static err_t request(const struct client *client, const char *method, const char *path,
		     struct text *body, long *ret_status, struct text *why)
{
	struct text answer = TEXT_INIT(ANSWER_MAX);
	struct curl_slist *headers = NULL;
	struct arena arena;
	CURL *curl = curl_easy_init();
	CURLcode code;

	if (!curl)
		return ERR_NOMEM;
	arena_init(&arena, 1024 * 1024);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	headers = sign(client, method, path, text_bytes(body), &arena, headers);
	curl_easy_setopt(curl, CURLOPT_URL,
			 arena_printf(&arena, "http://%s%s", client->address, path));
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	if (strcmp(method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text_str(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	}
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	arena_fini(&arena);
	text_fini(body);
	*body = answer;
	if (code == CURLE_OK)
		return ERR_OK;
	if (code == CURLE_COULDNT_CONNECT)
		text_printf(
			why,
			"no Weir answers at %s; start one with `weir serve` or name it with --api",
			client->address);
	else
		text_printf(why, "%s: %s", client->address, curl_easy_strerror(code));
	return ERR_REFUSED;
}

/* What a fault says of the keys that were used; NULL: nothing. */
static const char *hint_of(const struct client *client, const char *code)
{
	bool denied = strcmp(code, "AccessDenied") == 0;

	if (!denied && strcmp(code, "MissingAuthenticationToken") != 0 &&
	    strcmp(code, "InvalidClientTokenId") != 0 && strcmp(code, "SignatureDoesNotMatch") != 0)
		return NULL;
	if (!client->access_key[0])
		return "has no credentials that can be read";
	return denied ? NULL : "has the credentials of another Weir";
}

static void tell_fault(const struct client *client, const json_t *fault, long status,
		       struct text *why)
{
	const char *code = json_string_value(json_object_get(fault, "code"));
	const char *message = json_string_value(json_object_get(fault, "message"));
	const char *hint = code ? hint_of(client, code) : NULL;

	if (!code)
		text_printf(why, "the API answered with status %ld", status);
	else
		text_printf(why, "%s: %s", code, message ? message : "");
	if (hint)
		text_printf(why, " (%s %s: name the data directory of the Weir at %s with --data)",
			    client->data, hint, client->address);
}

/* One exchange; `body` goes out for POST, and is used up. */
static err_t exchange(const struct client *client, const char *method, const char *path,
		      struct text *body, json_t **ret_output, struct text *why)
{
	json_t *answer;
	long status = 0;
	err_t err = request(client, method, path, body, &status, why);

	if (err) {
		text_fini(body);
		return err;
	}
	answer = json_loadb(text_str(body), body->len, JSON_DECODE_ANY, NULL);
	text_fini(body);
	if (status == 200 && json_is_object(answer)) {
		*ret_output = answer;
		return ERR_OK;
	}
	tell_fault(client, answer, status, why);
	*ret_output = answer ? answer : json_object();
	return ERR_INVALID;
}

err_t client_ask(const struct client *client, const char *method, const char *path,
		 json_t **ret_output, struct text *why)
{
	struct text body = TEXT_INIT(ANSWER_MAX);

	return exchange(client, method, path, &body, ret_output, why);
}

err_t client_call(const struct client *client, const char *service, const char *operation,
		  json_t *input, json_t **ret_output, struct text *why)
{
	struct text body = TEXT_INIT(ANSWER_MAX);
	char path[256], *dump = json_dumps(input, JSON_COMPACT);

	if (!dump)
		return ERR_NOMEM;
	text_add_str(&body, dump);
	free(dump);
	snprintf(path, sizeof path, "/_weir/call/%s/%s", service, operation);
	return exchange(client, "POST", path, &body, ret_output, why);
}
