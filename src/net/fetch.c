#include "net/fetch.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/clock.h"

enum { SHARED_MAX = 64 }; /* answers kept for others */
enum { CONNECT_MS = 3000, POLL_MS = 1000, URL_MAX = 4096, FORM_MAX = 64 * 1024 };

/* The fetch thread has it from fetch_start to the post, the loop after; `cancelled` is for both. */
struct fetch {
	struct loop_job job;
	struct list_node link;	    /* in fetcher->waiting, ->running, or another's ->followers */
	struct list_node followers; /* the thread's: they asked the same */
	struct loop *loop;
	void (*on_answer)(void *owner, const struct fetch_answer *answer); /* the loop's */
	void *owner;
	atomic_bool cancelled;
	char *url, *form, *authorization;
	struct fetch_request request; /* its numbers */
	CURL *curl;
	struct curl_slist *headers;
	struct text body;
	bool refused; /* every address of the name is one we do not ask */
	err_t err;
	unsigned status;
};

/* An answer that whoever asks the same gets, too; the thread's. */
struct shared {
	struct list_node link; /* in fetcher->shared, the oldest first */
	uint64_t until_ms;
	char *url, *form, *authorization;
	unsigned status;
	struct text body;
};

struct fetcher {
	char *ca_file; /* NULL: the system's */
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;
	struct list_node waiting; /* locked */
	unsigned count;		  /* locked: waiting and running */
	bool started, ending;	  /* locked */
	struct list_node running; /* the thread's */
	unsigned running_count;	  /* the thread's */
	struct list_node shared;  /* the thread's */
	unsigned shared_count;
};

static void wipe_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void fetch_free(struct fetch *fetch)
{
	curl_easy_cleanup(fetch->curl);
	curl_slist_free_all(fetch->headers);
	if (fetch->body.at)
		explicit_bzero(fetch->body.at, fetch->body.cap);
	text_fini(&fetch->body);
	free(fetch->url);
	wipe_free(fetch->form);
	wipe_free(fetch->authorization);
	free(fetch);
}

/* ---- Which addresses are asked ---- */

static bool refused_v4(uint32_t address)
{
	return address >> 24 == 0 ||			     /* "this network" */
	       address >> 16 == 0xa9fe ||		     /* 169.254/16: link-local, metadata */
	       address >> 28 == 0xe || address >> 28 == 0xf; /* multicast, reserved, broadcast */
}

static bool refused_v6(const struct in6_addr *address)
{
	static const uint8_t metadata[8] = { 0xfd, 0x00, 0x0e, 0xc2 }; /* fd00:ec2::/64 */
	const uint8_t *b = address->s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_V4COMPAT(address))
		return !IN6_IS_ADDR_LOOPBACK(address) &&
		       refused_v4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 |
				  (uint32_t)b[14] << 8 | b[15]);
	return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LINKLOCAL(address) ||
	       IN6_IS_ADDR_MULTICAST(address) || memcmp(b, metadata, sizeof metadata) == 0;
}

static bool is_refused(const struct curl_sockaddr *to)
{
	if (to->family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, &to->addr, sizeof in);
		return refused_v4(ntohl(in.sin_addr.s_addr));
	}
	if (to->family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &to->addr, size_min(sizeof in6, to->addrlen));
		return refused_v6(&in6.sin6_addr);
	}
	return true;
}

static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct fetch *fetch = owner;

	(void)purpose;
	if (is_refused(to)) {
		fetch->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- One question ---- */

static size_t on_data(char *at, size_t size, size_t count, void *owner)
{
	struct fetch *fetch = owner;

	text_add(&fetch->body, bytes_make(at, size * count));
	return text_err(&fetch->body) ? 0 : size * count;
}

static bool add_header(struct fetch *fetch, const char *line)
{
	struct curl_slist *more = curl_slist_append(fetch->headers, line);

	if (more)
		fetch->headers = more;
	return more != NULL;
}

static bool add_authorization(struct fetch *fetch)
{
	struct text line = TEXT_INIT(FORM_MAX);
	bool good;

	if (!fetch->authorization[0])
		return true;
	text_printf(&line, "Authorization: %s", fetch->authorization);
	good = !text_err(&line) && add_header(fetch, text_str(&line));
	if (line.at)
		explicit_bzero(line.at, line.cap);
	text_fini(&line);
	return good;
}

static bool prepare(const struct fetcher *fetcher, struct fetch *fetch)
{
	CURL *curl = fetch->curl = curl_easy_init();

	if (!curl || !add_header(fetch, "Accept: application/json") || !add_authorization(fetch))
		return false;
	curl_easy_setopt(curl, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fetch->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "Weir");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)fetch->request.timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, fetch);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
	if (fetch->form) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(fetch->form));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->form);
	}
	if (fetcher->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, fetcher->ca_file);
	return true;
}

static err_t err_of(const struct fetch *fetch, CURLcode code)
{
	switch (code) {
	case CURLE_OK: return ERR_OK;
	case CURLE_OPERATION_TIMEDOUT: return ERR_EXPIRED;
	case CURLE_COULDNT_RESOLVE_HOST: return ERR_NOT_FOUND;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_PEER_FAILED_VERIFICATION: return ERR_TLS_HANDSHAKE;
	case CURLE_WRITE_ERROR: return ERR_TOO_LARGE;
	case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
	default: return fetch->refused ? ERR_DENIED : ERR_UNREACHABLE;
	}
}

/* ---- The thread ---- */

static void on_posted(struct loop_job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct fetch_answer answer = { fetch->err, fetch->status, text_bytes(&fetch->body) };

	if (!atomic_load_explicit(&fetch->cancelled, memory_order_relaxed))
		fetch->on_answer(fetch->owner, &answer);
	fetch_free(fetch);
}

static void note_answer(struct fetch *fetch, err_t err)
{
	long status = 0;

	curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
	fetch->err = err;
	fetch->status = (unsigned)status;
}

/* Gives it back to its loop, whose from here on it is. */
static void finish(struct fetcher *fetcher, struct fetch *fetch, err_t err)
{
	fetch->err = err;
	pthread_mutex_lock(&fetcher->lock);
	fetcher->count--;
	pthread_mutex_unlock(&fetcher->lock);
	loop_post(fetch->loop, &fetch->job);
}

/* ---- Answers for several ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool asks_same(const struct fetch *fetch, const char *url, const char *form,
		      const char *authorization)
{
	return same_text(fetch->url, url) && same_text(fetch->form, form) &&
	       same_text(fetch->authorization, authorization);
}

static void shared_free(struct fetcher *fetcher, struct shared *shared)
{
	list_remove(&shared->link);
	fetcher->shared_count--;
	free(shared->url);
	wipe_free(shared->form);
	wipe_free(shared->authorization);
	if (shared->body.at)
		explicit_bzero(shared->body.at, shared->body.cap);
	text_fini(&shared->body);
	free(shared);
}

static void forget_shared(struct fetcher *fetcher, uint64_t now_ms)
{
	list_for_each_safe (&fetcher->shared, node) {
		struct shared *shared = container_of(node, struct shared, link);

		if (now_ms >= shared->until_ms || fetcher->shared_count > SHARED_MAX)
			shared_free(fetcher, shared);
	}
}

static uint64_t now_ms(void)
{
	return clock_mono_us() / 1000;
}

/* Keeps what came for those who ask within its time. Without memory they ask for themselves. */
static void share(struct fetcher *fetcher, const struct fetch *fetch)
{
	struct shared *shared = calloc(1, sizeof *shared);

	if (!shared)
		return;
	shared->until_ms = now_ms() + fetch->request.share_ms;
	shared->url = strdup(fetch->url);
	shared->form = fetch->form ? strdup(fetch->form) : NULL;
	shared->authorization = strdup(fetch->authorization);
	shared->status = fetch->status;
	text_init(&shared->body, fetch->request.answer_max);
	text_add(&shared->body, text_bytes(&fetch->body));
	list_append(&fetcher->shared, &shared->link);
	fetcher->shared_count++;
	if (!shared->url || !shared->authorization || (fetch->form && !shared->form) ||
	    text_err(&shared->body))
		shared_free(fetcher, shared);
}

static bool answered_before(struct fetcher *fetcher, struct fetch *fetch)
{
	list_for_each (&fetcher->shared, node) {
		const struct shared *shared = container_of(node, struct shared, link);

		if (!asks_same(fetch, shared->url, shared->form, shared->authorization))
			continue;
		fetch->status = shared->status;
		text_add(&fetch->body, text_bytes(&shared->body));
		finish(fetcher, fetch, text_err(&fetch->body));
		return true;
	}
	return false;
}

static bool follows_another(struct fetcher *fetcher, struct fetch *fetch)
{
	list_for_each (&fetcher->running, node) {
		struct fetch *other = container_of(node, struct fetch, link);

		if (!other->request.share_ms ||
		    !asks_same(fetch, other->url, other->form, other->authorization))
			continue;
		list_append(&other->followers, &fetch->link);
		return true;
	}
	return false;
}

static void tell_followers(struct fetcher *fetcher, struct fetch *fetch)
{
	list_for_each_safe (&fetch->followers, node) {
		struct fetch *follower = container_of(node, struct fetch, link);

		list_remove(&follower->link);
		follower->status = fetch->status;
		text_add(&follower->body, text_bytes(&fetch->body));
		finish(fetcher, follower, fetch->err ? fetch->err : text_err(&follower->body));
	}
}

static void stop_running(struct fetcher *fetcher, struct fetch *fetch, err_t err)
{
	curl_multi_remove_handle(fetcher->multi, fetch->curl);
	list_remove(&fetch->link);
	fetcher->running_count--;
	note_answer(fetch, err);
	tell_followers(fetcher, fetch);
	if (!err && fetch->request.share_ms && fetch->status >= 200 && fetch->status < 300)
		share(fetcher, fetch);
	finish(fetcher, fetch, err);
}

static struct fetch *take_waiting(struct fetcher *fetcher, bool *ret_ending)
{
	struct list_node *node = NULL;

	pthread_mutex_lock(&fetcher->lock);
	*ret_ending = fetcher->ending;
	if (fetcher->running_count < FETCH_RUNNING_MAX || fetcher->ending)
		node = list_pop(&fetcher->waiting);
	pthread_mutex_unlock(&fetcher->lock);
	return node ? container_of(node, struct fetch, link) : NULL;
}

static void begin(struct fetcher *fetcher, struct fetch *fetch)
{
	if (atomic_load_explicit(&fetch->cancelled, memory_order_relaxed)) {
		finish(fetcher, fetch, ERR_CANCELLED);
		return;
	}
	if (fetch->request.share_ms &&
	    (answered_before(fetcher, fetch) || follows_another(fetcher, fetch)))
		return;
	if (!prepare(fetcher, fetch) || curl_multi_add_handle(fetcher->multi, fetch->curl)) {
		finish(fetcher, fetch, ERR_NOMEM);
		return;
	}
	list_append(&fetcher->running, &fetch->link);
	fetcher->running_count++;
}

/* Whether any was done: then there is room for those that wait. */
static bool reap(struct fetcher *fetcher)
{
	CURLMsg *message;
	bool any = false;
	int more;

	while ((message = curl_multi_info_read(fetcher->multi, &more))) {
		struct fetch *fetch = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		stop_running(fetcher, fetch, err_of(fetch, message->data.result));
		any = true;
	}
	return any;
}

static void *run(void *arg)
{
	struct fetcher *fetcher = arg;
	struct fetch *fetch;
	bool ending = false;
	int running;

	while (!ending) {
		forget_shared(fetcher, now_ms());
		while ((fetch = take_waiting(fetcher, &ending))) {
			if (ending)
				finish(fetcher, fetch, ERR_CANCELLED);
			else
				begin(fetcher, fetch);
		}
		curl_multi_perform(fetcher->multi, &running);
		if (!reap(fetcher) && !ending)
			curl_multi_poll(fetcher->multi, NULL, 0, POLL_MS, NULL);
	}
	list_for_each_safe (&fetcher->running, node)
		stop_running(fetcher, container_of(node, struct fetch, link), ERR_CANCELLED);
	forget_shared(fetcher, UINT64_MAX);
	return NULL;
}

/* ---- The door ---- */

err_t fetcher_create(const struct fetcher_options *options, struct fetcher **ret_fetcher)
{
	struct fetcher *fetcher = calloc(1, sizeof *fetcher);

	if (!fetcher)
		return ERR_NOMEM;
	if (options->ca_file && options->ca_file[0]) {
		fetcher->ca_file = strdup(options->ca_file);
		if (!fetcher->ca_file) {
			free(fetcher);
			return ERR_NOMEM;
		}
	}
	pthread_mutex_init(&fetcher->lock, NULL);
	list_init(&fetcher->waiting);
	list_init(&fetcher->running);
	list_init(&fetcher->shared);
	*ret_fetcher = fetcher;
	return ERR_OK;
}

void fetcher_destroy(struct fetcher *fetcher)
{
	bool started;

	if (!fetcher)
		return;
	pthread_mutex_lock(&fetcher->lock);
	fetcher->ending = true;
	started = fetcher->started;
	pthread_mutex_unlock(&fetcher->lock);
	if (started) {
		curl_multi_wakeup(fetcher->multi);
		pthread_join(fetcher->thread, NULL);
		curl_multi_cleanup(fetcher->multi);
	}
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher->ca_file);
	free(fetcher);
}

/* With the lock held. */
static err_t start_thread(struct fetcher *fetcher)
{
	if (fetcher->started)
		return ERR_OK;
	/* Safe beside others since 7.84, which Debian 12's is; a second time only counts. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return ERR_SYSTEM;
	fetcher->multi = curl_multi_init();
	if (!fetcher->multi)
		return ERR_NOMEM;
	if (pthread_create(&fetcher->thread, NULL, run, fetcher)) {
		curl_multi_cleanup(fetcher->multi);
		return ERR_SYSTEM;
	}
	fetcher->started = true;
	return ERR_OK;
}

static struct fetch *fetch_make(const struct fetch_request *request)
{
	struct fetch *fetch = calloc(1, sizeof *fetch);

	if (!fetch)
		return NULL;
	fetch->request = *request;
	list_init(&fetch->followers);
	text_init(&fetch->body, request->answer_max);
	fetch->url = bytes_dup(request->url);
	fetch->form = request->form.at ? bytes_dup(request->form) : NULL;
	fetch->authorization = bytes_dup(request->authorization);
	if (fetch->url && fetch->authorization && (fetch->form || !request->form.at))
		return fetch;
	fetch_free(fetch);
	return NULL;
}

err_t fetch_start(struct fetcher *fetcher, struct loop *loop, const struct fetch_request *request,
		  void (*on_answer)(void *owner, const struct fetch_answer *answer), void *owner,
		  struct fetch **ret_fetch)
{
	struct fetch *fetch;
	err_t err;

	if (request->url.len > URL_MAX || request->form.len > FORM_MAX)
		return ERR_LIMIT;
	fetch = fetch_make(request);
	if (!fetch)
		return ERR_NOMEM;
	fetch->job.run = on_posted;
	fetch->loop = loop;
	fetch->on_answer = on_answer;
	fetch->owner = owner;
	pthread_mutex_lock(&fetcher->lock);
	assert(!fetcher->ending);
	err = fetcher->count >= FETCH_WAITING_MAX ? ERR_LIMIT : start_thread(fetcher);
	if (!err) {
		list_append(&fetcher->waiting, &fetch->link);
		fetcher->count++;
	}
	pthread_mutex_unlock(&fetcher->lock);
	if (err) {
		fetch_free(fetch);
		return err;
	}
	curl_multi_wakeup(fetcher->multi);
	*ret_fetch = fetch;
	return ERR_OK;
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch)
		atomic_store_explicit(&fetch->cancelled, true, memory_order_relaxed);
}
