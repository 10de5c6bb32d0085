/*
 * notices: events on their way to functions. Each is a resource from the change it tells of until
 * Lambda has it in its own queue; what a crash interrupts is told after the next start, perhaps
 * twice, as AWS says of S3.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/random.h"
#include "services/s3/s3_internal.h"

enum { BATCH = 100, AGAIN_MS = 1000 };

err_t s3_notice_put(struct api_call *call, const char *bucket_arn, const char *function,
		    json_t *event)
{
	struct s3_call *self = s3_call_of(call);
	struct store_resource notice = { .kind = S3_NOTICE, .parent = "" };
	char id[64], random[9];

	random_hex(random, 8);
	snprintf(id, sizeof id, "%016llx%s",
		 (unsigned long long)loop_unix_us(s3_of(call)->options.loop), random);
	notice.id = id;
	notice.body = event ? s3_hold(call, json_pack("{s:s, s:s, s:O}", "Bucket", bucket_arn,
						      "Function", function, "Event", event))
			    : NULL;
	if (!notice.body)
		return ERR_NOMEM;
	self->noticed = true;
	return store_insert(self->txn, &notice);
}

void s3_notices_soon(struct s3 *s3)
{
	timer_set(s3->options.loop, &s3->notices, loop_now_ms(s3->options.loop));
}

static bool gather(void *owner, const struct store_resource *resource)
{
	json_t *all = owner;

	json_array_append_new(
		all, json_pack("{s:s, s:O}", "id", resource->id, "body", (json_t *)resource->body));
	return json_array_size(all) < BATCH;
}

static err_t read_some(struct s3 *s3, json_t *into)
{
	struct store_txn *txn;
	err_t err = store_begin(s3->options.store, &txn);

	if (!err) {
		err = store_each(txn, S3_NOTICE, NULL, NULL, gather, into);
		store_rollback(txn);
	}
	return err;
}

static err_t forget(struct s3 *s3, const char *id)
{
	struct store_txn *txn;
	err_t err = store_begin(s3->options.store, &txn);

	if (!err)
		err = store_delete(txn, S3_NOTICE, id);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* False: not now. What a function does not take any more is dropped, as S3 does in the end. */
static bool deliver(struct s3 *s3, const char *id, const json_t *notice)
{
	const struct s3_options *options = &s3->options;
	const char *function = s3_text(notice, "Function");
	char *event = json_dumps(json_object_get(notice, "Event"), JSON_COMPACT);
	err_t err = event && options->notify
			    ? options->notify(options->owner, s3_text(notice, "Bucket"), function,
					      event)
			    : ERR_NOMEM;

	free(event);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		log_warn("s3", "an event of %s is dropped: %s %s", s3_text(notice, "Bucket"),
			 function,
			 err == ERR_DENIED ? "does not let s3.amazonaws.com invoke it"
					   : "does not exist");
	else if (err)
		return false;
	return forget(s3, id) == ERR_OK;
}

void s3_on_notices(struct timer *timer)
{
	struct s3 *s3 = container_of(timer, struct s3, notices);
	json_t *some = json_array(), *one;
	bool on = some && !read_some(s3, some);
	size_t i;

	json_array_foreach (some, i, one)
		on = on && deliver(s3, s3_text(one, "id"), json_object_get(one, "body"));
	if (!on)
		timer_set(s3->options.loop, timer, loop_now_ms(s3->options.loop) + AGAIN_MS);
	else if (json_array_size(some))
		s3_notices_soon(s3);
	json_decref(some);
}
