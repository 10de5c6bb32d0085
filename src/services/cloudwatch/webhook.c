#include "services/cloudwatch/webhook.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 5000 };

struct webhook {
	struct loop_job job; /* brings the result back */
	struct list_node link;
	struct webhooks *owner;
	char *alarm, *action, *url, *body;
	bool delivered;
	char words[CURL_ERROR_SIZE];
};

/* `waiting`, `count` and `stopping` are under `lock`; `done` is the loop's alone. */
struct webhooks {
	struct loop *loop;
	void (*on_result)(void *owner, const struct webhook_result *);
	void *owner;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list_node waiting;
	unsigned count;
	bool stopping;
	bool gone;	 /* results that still arrive are dropped: set and read on the loop */
	unsigned on_way; /* posted or waiting, not yet freed; the loop's */
};

static void free_webhook(struct webhook *webhook)
{
	free(webhook->alarm);
	free(webhook->action);
	free(webhook->url);
	free(webhook->body);
	free(webhook);
}

static void free_all(struct webhooks *webhooks)
{
	pthread_cond_destroy(&webhooks->more);
	pthread_mutex_destroy(&webhooks->lock);
	free(webhooks);
}

static void on_done(struct loop_job *job)
{
	struct webhook *webhook = container_of(job, struct webhook, job);
	struct webhooks *webhooks = webhook->owner;
	struct webhook_result result = { webhook->alarm, webhook->action, webhook->delivered,
					 webhook->words };

	if (!webhooks->gone)
		webhooks->on_result(webhooks->owner, &result);
	free_webhook(webhook);
	webhooks->on_way--;
	if (webhooks->gone && !webhooks->on_way)
		free_all(webhooks);
}

static size_t ignore_body(char *at, size_t size, size_t count, void *owner)
{
	(void)at;
	(void)owner;
	return size * count;
}

static void deliver(struct webhook *webhook)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;
	CURLcode code;

	if (!curl || !headers) {
		snprintf(webhook->words, sizeof webhook->words, "out of memory");
	} else {
		curl_easy_setopt(curl, CURLOPT_URL, webhook->url);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, webhook->body);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, webhook->words);
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		webhook->delivered = code == CURLE_OK && status >= 200 && status < 300;
		if (code == CURLE_OK)
			snprintf(webhook->words, sizeof webhook->words, "HTTP %ld", status);
		else if (!webhook->words[0])
			snprintf(webhook->words, sizeof webhook->words, "%s",
				 curl_easy_strerror(code));
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

static struct webhook *next(struct webhooks *webhooks)
{
	struct list_node *node = NULL;

	pthread_mutex_lock(&webhooks->lock);
	while (!webhooks->stopping && !(node = list_pop(&webhooks->waiting)))
		pthread_cond_wait(&webhooks->more, &webhooks->lock);
	webhooks->count -= node != NULL;
	pthread_mutex_unlock(&webhooks->lock);
	return node ? container_of(node, struct webhook, link) : NULL;
}

static void *run(void *owner)
{
	struct webhooks *webhooks = owner;
	struct webhook *webhook;

	while ((webhook = next(webhooks))) {
		deliver(webhook);
		loop_post(webhooks->loop, &webhook->job);
	}
	return NULL;
}

err_t webhooks_create(struct loop *loop,
		      void (*on_result)(void *owner, const struct webhook_result *), void *owner,
		      struct webhooks **ret_webhooks)
{
	struct webhooks *webhooks = calloc(1, sizeof *webhooks);

	if (!webhooks)
		return ERR_NOMEM;
	webhooks->loop = loop;
	webhooks->on_result = on_result;
	webhooks->owner = owner;
	pthread_mutex_init(&webhooks->lock, NULL);
	pthread_cond_init(&webhooks->more, NULL);
	list_init(&webhooks->waiting);
	*ret_webhooks = webhooks;
	return ERR_OK;
}

void webhooks_destroy(struct webhooks *webhooks)
{
	struct list_node *node;

	if (!webhooks)
		return;
	pthread_mutex_lock(&webhooks->lock);
	webhooks->stopping = true;
	pthread_cond_signal(&webhooks->more);
	pthread_mutex_unlock(&webhooks->lock);
	if (webhooks->running)
		pthread_join(webhooks->thread, NULL);
	while ((node = list_pop(&webhooks->waiting))) {
		free_webhook(container_of(node, struct webhook, link));
		webhooks->on_way--;
	}
	webhooks->gone = true;
	if (!webhooks->on_way)
		free_all(webhooks); /* else the last posted result does */
}

static err_t start(struct webhooks *webhooks)
{
	if (webhooks->running)
		return ERR_OK;
	/* Not thread-safe by itself; nobody else in the daemon uses libcurl before. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) ||
	    pthread_create(&webhooks->thread, NULL, run, webhooks))
		return ERR_SYSTEM;
	webhooks->running = true;
	return ERR_OK;
}

err_t webhook_send(struct webhooks *webhooks, const char *alarm, const char *action,
		   const char *url, const char *body)
{
	struct webhook *webhook;
	bool full;

	TRY(start(webhooks));
	webhook = calloc(1, sizeof *webhook);
	if (!webhook)
		return ERR_NOMEM;
	*webhook = (struct webhook){ .job = { .run = on_done },
				     .owner = webhooks,
				     .alarm = strdup(alarm),
				     .action = strdup(action),
				     .url = strdup(url),
				     .body = strdup(body) };
	if (!webhook->alarm || !webhook->action || !webhook->url || !webhook->body) {
		free_webhook(webhook);
		return ERR_NOMEM;
	}
	pthread_mutex_lock(&webhooks->lock);
	full = webhooks->count == WEBHOOKS_WAITING_MAX;
	if (!full) {
		list_append(&webhooks->waiting, &webhook->link);
		webhooks->count++;
		pthread_cond_signal(&webhooks->more);
	}
	pthread_mutex_unlock(&webhooks->lock);
	if (full) {
		free_webhook(webhook);
		return ERR_LIMIT;
	}
	webhooks->on_way++;
	return ERR_OK;
}
