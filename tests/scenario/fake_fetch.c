/*
 * net/fetch.h without a network: a script of the test says what each question is answered, and
 * when.
 */
#include <stdlib.h>
#include <string.h>

#include "net/fetch.h"
#include "tests/scenario/fake_net.h"

struct fetcher {
	struct fetcher_options options;
};

struct fetch {
	struct timer timer;
	void (*on_answer)(void *owner, const struct fetch_answer *answer);
	void *owner;
	struct fake_answer answer;
	char *body;
};

static void (*script)(void *owner, const struct fetch_request *request,
		      struct fake_answer *ret_answer);
static void *script_owner;
static unsigned asked;

void fake_on_fetch(void (*answer)(void *owner, const struct fetch_request *request,
				  struct fake_answer *ret_answer),
		   void *owner)
{
	script = answer;
	script_owner = owner;
	asked = 0;
}

unsigned fake_fetches(void)
{
	return asked;
}

err_t fetcher_create(const struct fetcher_options *options, struct fetcher **ret_fetcher)
{
	struct fetcher *fetcher = malloc(sizeof *fetcher);

	if (!fetcher)
		return ERR_NOMEM;
	fetcher->options = *options;
	*ret_fetcher = fetcher;
	return ERR_OK;
}

void fetcher_destroy(struct fetcher *fetcher)
{
	free(fetcher);
}

static void fetch_free(struct fetch *fetch)
{
	free(fetch->body);
	free(fetch);
}

static void on_timer(struct timer *timer)
{
	struct fetch *fetch = container_of(timer, struct fetch, timer);
	struct fetch_answer answer = { fetch->answer.err, fetch->answer.status,
				       bytes_of(fetch->body) };

	fetch->on_answer(fetch->owner, &answer);
	fetch_free(fetch);
}

err_t fetch_start(struct fetcher *fetcher, struct loop *loop, const struct fetch_request *request,
		  void (*on_answer)(void *owner, const struct fetch_answer *answer), void *owner,
		  struct fetch **ret_fetch)
{
	struct fetch *fetch = calloc(1, sizeof *fetch);

	assert(fetcher);
	if (!fetch)
		return ERR_NOMEM;
	fetch->timer.on_expired = on_timer;
	fetch->on_answer = on_answer;
	fetch->owner = owner;
	fetch->answer = (struct fake_answer){ .err = ERR_UNREACHABLE };
	asked++;
	if (script)
		script(script_owner, request, &fetch->answer);
	if (fetch->answer.after_ms > request->timeout_ms)
		fetch->answer = (struct fake_answer){ .err = ERR_EXPIRED,
						      .after_ms = request->timeout_ms };
	fetch->body = fetch->answer.body ? strdup(fetch->answer.body) : NULL;
	if (fetch->body && strlen(fetch->body) > request->answer_max)
		fetch->answer.err = ERR_TOO_LARGE;
	timer_set(loop, &fetch->timer, loop_now_ms(loop) + fetch->answer.after_ms);
	*ret_fetch = fetch;
	return ERR_OK;
}

void fetch_cancel(struct fetch *fetch)
{
	if (!fetch)
		return;
	timer_cancel(&fetch->timer);
	fetch_free(fetch);
}
