#include "lb/jwks.h"

#include <stdlib.h>

#include "base/log.h"

struct key_set {
	struct list_node link; /* in jwks->sets, the last one asked for first */
	struct jwks *jwks;
	char *url;
	struct jose_keys keys;
	bool fetched, tried;
	uint64_t fetched_ms, tried_ms;
	const char *failure; /* of the last try; NULL: it succeeded */
	struct fetch *fetch; /* NULL: none runs */
	struct list_node waiters;
};

struct jwks {
	struct fetcher *fetcher;
	struct loop *loop;
	struct list_node sets;
	unsigned count;
};

err_t jwks_create(struct fetcher *fetcher, struct loop *loop, struct jwks **ret_jwks)
{
	struct jwks *jwks = calloc(1, sizeof *jwks);

	if (!jwks)
		return ERR_NOMEM;
	jwks->fetcher = fetcher;
	jwks->loop = loop;
	list_init(&jwks->sets);
	*ret_jwks = jwks;
	return ERR_OK;
}

static void set_free(struct key_set *set)
{
	assert(list_empty(&set->waiters));
	fetch_cancel(set->fetch);
	list_remove(&set->link);
	set->jwks->count--;
	jose_keys_fini(&set->keys);
	free(set->url);
	free(set);
}

void jwks_destroy(struct jwks *jwks)
{
	if (!jwks)
		return;
	list_for_each_safe (&jwks->sets, node)
		set_free(container_of(node, struct key_set, link));
	free(jwks);
}

void jwks_leave(struct jwks_waiter *waiter)
{
	if (waiter->link.next)
		list_remove(&waiter->link);
}

/* ---- Fetching ---- */

static const char *failure_of(const struct fetch_answer *answer, struct jose_keys *ret_keys)
{
	if (answer->err == ERR_EXPIRED)
		return "JWKSRequestTimeout";
	if (answer->err == ERR_TOO_LARGE)
		return "JWKSResponseSizeExceeded";
	if (answer->err || answer->status < 200 || answer->status >= 300)
		return "JWKSRequestFailed";
	return jose_keys_parse(answer->body, ret_keys) ? "JWKSResponseInvalid" : NULL;
}

static void on_answer(void *owner, const struct fetch_answer *answer)
{
	struct key_set *set = owner;
	struct jose_keys keys = { .count = 0 };
	struct list_node waiting = LIST_INIT(waiting), *node;

	set->fetch = NULL;
	set->tried_ms = loop_now_ms(set->jwks->loop);
	set->failure = failure_of(answer, &keys);
	if (set->failure) {
		log_warn("lb", "the keys of %s cannot be had: %s (%s, status %u)", set->url,
			 set->failure, err_words(answer->err), answer->status);
	} else {
		jose_keys_fini(&set->keys);
		set->keys = keys;
		set->fetched = true;
		set->fetched_ms = loop_now_ms(set->jwks->loop);
	}
	/* A waiter may wait anew, for the next fetch; and may be the last to need the set. */
	while ((node = list_pop(&set->waiters)))
		list_append(&waiting, node);
	while ((node = list_pop(&waiting))) {
		struct jwks_waiter *waiter = container_of(node, struct jwks_waiter, link);

		waiter->on_keys(waiter);
	}
}

static bool start(struct key_set *set)
{
	struct fetch_request request = {
		.url = bytes_of(set->url),
		.timeout_ms = JWKS_TIMEOUT_MS,
		.answer_max = JOSE_KEY_SET_BYTES,
		.share_ms = JWKS_SHARE_MS,
	};
	struct jwks *jwks = set->jwks;

	set->tried = true;
	set->tried_ms = loop_now_ms(jwks->loop);
	if (fetch_start(jwks->fetcher, jwks->loop, &request, on_answer, set, &set->fetch)) {
		set->fetch = NULL;
		set->failure = "JWKSRequestFailed";
		return false;
	}
	return true;
}

/* ---- Sets ---- */

static void make_room(struct jwks *jwks)
{
	struct key_set *oldest = NULL;

	list_for_each (&jwks->sets, node) {
		struct key_set *set = container_of(node, struct key_set, link);

		if (list_empty(&set->waiters))
			oldest = set;
	}
	if (jwks->count >= JWKS_SETS_MAX && oldest)
		set_free(oldest);
}

static struct key_set *set_of(struct jwks *jwks, struct bytes url)
{
	struct key_set *set;

	list_for_each (&jwks->sets, node) {
		set = container_of(node, struct key_set, link);
		if (!bytes_eq(bytes_of(set->url), url))
			continue;
		list_remove(&set->link);
		list_prepend(&jwks->sets, &set->link);
		return set;
	}
	make_room(jwks);
	set = calloc(1, sizeof *set);
	if (!set)
		return NULL;
	set->url = bytes_dup(url);
	if (!set->url) {
		free(set);
		return NULL;
	}
	set->jwks = jwks;
	list_init(&set->waiters);
	list_prepend(&jwks->sets, &set->link);
	jwks->count++;
	return set;
}

static bool may_ask(const struct key_set *set, uint64_t after_ms)
{
	return !set->fetch &&
	       (!set->tried || loop_now_ms(set->jwks->loop) - set->tried_ms >= after_ms);
}

/* Whether the caller is to wait for a fetch that runs or begins now. */
static bool wait_for(struct key_set *set, uint64_t after_ms, struct jwks_waiter *waiter)
{
	if (!set->fetch && !(may_ask(set, after_ms) && start(set)))
		return false;
	list_append(&set->waiters, &waiter->link);
	return true;
}

enum jwks_verdict jwks_verify(struct jwks *jwks, struct bytes url, const struct jose *token,
			      struct jwks_waiter *waiter, const char **ret_reason)
{
	struct key_set *set = set_of(jwks, url);
	uint64_t age_ms;
	bool known;

	*ret_reason = "JWKSRequestFailed";
	if (!set)
		return JWKS_UNAVAILABLE;
	age_ms = loop_now_ms(jwks->loop) - set->fetched_ms;
	if (!set->fetched || age_ms >= JWKS_STALE_MS) {
		if (wait_for(set, JWKS_RETRY_MS, waiter))
			return JWKS_WAIT;
		*ret_reason = set->failure ? set->failure : *ret_reason;
		return JWKS_UNAVAILABLE;
	}
	if (age_ms >= JWKS_FRESH_MS && may_ask(set, JWKS_UNKNOWN_MS))
		start(set);
	if (jose_keys_verify(&set->keys, token, &known))
		return JWKS_HOLDS;
	if (!known && wait_for(set, JWKS_UNKNOWN_MS, waiter))
		return JWKS_WAIT;
	return JWKS_DOES_NOT;
}
