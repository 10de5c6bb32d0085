#include "services/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/random.h"

enum { BATCH = 100, AGAIN_MS = 1000 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void soon(struct outbox *outbox)
{
	timer_set(outbox->options.loop, &outbox->timer, loop_now_ms(outbox->options.loop));
}

err_t outbox_put(struct outbox *outbox, struct store_txn *txn, const char *source_arn,
		 const char *function_arn, json_t *event)
{
	struct store_resource resource = { .kind = outbox->options.kind, .parent = "" };
	char id[64], random[9];
	err_t err;

	if (outbox->kept >= outbox->options.max) {
		log_warn(outbox->options.service,
			 "an event of %s for %s is dropped: %u wait for Lambda already", source_arn,
			 function_arn, outbox->options.max);
		return ERR_OK;
	}
	random_hex(random, 8);
	snprintf(id, sizeof id, "%016llx%s", (unsigned long long)loop_unix_us(outbox->options.loop),
		 random);
	resource.id = id;
	resource.body = json_pack("{s:s, s:s, s:O}", "Source", source_arn, "Function", function_arn,
				  "Event", event);
	err = resource.body ? store_insert(txn, &resource) : ERR_NOMEM;
	json_decref(resource.body);
	outbox->written = outbox->written || !err;
	outbox->kept += !err;
	return err;
}

void outbox_commit(struct outbox *outbox)
{
	if (outbox->written)
		soon(outbox);
	outbox->written = false;
}

static bool gather(void *owner, const struct store_resource *resource)
{
	json_t *all = owner;

	json_array_append_new(
		all, json_pack("{s:s, s:O}", "id", resource->id, "body", (json_t *)resource->body));
	return json_array_size(all) < BATCH;
}

static err_t read_some(struct outbox *outbox, json_t *into)
{
	struct store_txn *txn;
	err_t err = store_begin(outbox->options.store, &txn);

	if (!err) {
		err = store_each(txn, outbox->options.kind, NULL, NULL, gather, into);
		store_rollback(txn);
	}
	return err;
}

static err_t forget(struct outbox *outbox, const char *id)
{
	struct store_txn *txn;
	err_t err = store_begin(outbox->options.store, &txn);

	if (!err)
		err = store_delete(txn, outbox->options.kind, id);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* False: not now. */
static bool deliver(struct outbox *outbox, const char *id, const json_t *body)
{
	const struct outbox_options *options = &outbox->options;
	/* "Bucket" is what it was called when only buckets had one. */
	const char *source = json_object_get(body, "Source") ? text_of(body, "Source")
							     : text_of(body, "Bucket");
	const char *function = text_of(body, "Function");
	char *event = json_dumps(json_object_get(body, "Event"), JSON_COMPACT);
	err_t err = event && options->deliver
			    ? options->deliver(options->owner, source, function, event)
			    : ERR_NOMEM;

	free(event);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		log_warn(options->service, "an event of %s is dropped: %s %s", source, function,
			 err == ERR_DENIED ? "does not let the service invoke it"
					   : "does not exist");
	else if (err)
		return false;
	return forget(outbox, id) == ERR_OK;
}

static void on_due(struct timer *timer)
{
	struct outbox *outbox = container_of(timer, struct outbox, timer);
	json_t *some = json_array(), *one;
	bool on = some && !read_some(outbox, some);
	size_t i;

	json_array_foreach (some, i, one)
		on = on && deliver(outbox, text_of(one, "id"), json_object_get(one, "body"));
	if (!on)
		timer_set(outbox->options.loop, timer,
			  loop_now_ms(outbox->options.loop) + AGAIN_MS);
	else if (json_array_size(some))
		soon(outbox);
	else
		outbox->kept = 0;
	json_decref(some);
}

void outbox_open(struct outbox *outbox, const struct outbox_options *options)
{
	struct store_txn *txn;

	outbox->options = *options;
	if (!options->max)
		outbox->options.max = OUTBOX_MAX;
	if (!store_begin(options->store, &txn)) {
		if (store_count(txn, options->kind, NULL, &outbox->kept))
			outbox->kept = 0;
		store_rollback(txn);
	}
	outbox->timer.on_expired = on_due;
	soon(outbox);
}

void outbox_close(struct outbox *outbox)
{
	timer_cancel(&outbox->timer);
}
