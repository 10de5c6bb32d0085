/*
 * logs: the service's life, the transaction around each call, the hourly sweep, and the door for
 * writers inside the house.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/logs/logs_internal.h"
#include "services/transaction.h"

enum { ARENA_BYTES = 16 * 1024, SWEEP_MS = 3600 * 1000 };

static err_t begin(struct api_call *call)
{
	return transaction_begin(call, logs_of(call)->options.store);
}

static err_t end(struct api_call *call, err_t verdict)
{
	verdict = transaction_end(call, verdict, "ServiceUnavailableException", 503);
	if (!verdict && call->operation->effect == API_WRITES)
		outbox_commit(&logs_of(call)->outbox);
	return verdict;
}

/* ---- Old events ---- */

static bool expire_group(void *owner, const struct store_resource *resource)
{
	struct logs *logs = owner;
	uint64_t days = (uint64_t)json_integer_value(
		json_object_get(resource->body, "retentionInDays"));
	uint64_t now = now_ms_of(logs);

	if (days && now > days * LOGS_DAY_MS)
		events_expire(logs->events, resource->id, now - days * LOGS_DAY_MS);
	return true;
}

static void on_sweep(struct timer *timer)
{
	struct logs *logs = container_of(timer, struct logs, sweep);
	struct store_txn *txn;

	if (!store_begin(logs->options.store, &txn)) {
		if (store_each(txn, KIND_GROUP, NULL, NULL, expire_group, logs))
			log_error("logs", "the groups cannot be read; old events stay for now");
		store_rollback(txn);
	}
	timer_set(logs->options.loop, timer, loop_now_ms(logs->options.loop) + SWEEP_MS);
}

struct finding {
	struct logs *logs;
	struct store_txn *txn;
};

/* A group that was deleted just before a kill. */
static void drop_orphan(void *owner, const char *group)
{
	const struct finding *finding = owner;

	if (store_get(finding->txn, KIND_GROUP, group, NULL, NULL) == ERR_NOT_FOUND)
		events_drop(finding->logs->events, group);
}

static err_t drop_orphans(struct logs *logs)
{
	struct finding finding = { .logs = logs };

	TRY(store_begin(logs->options.store, &finding.txn));
	events_each_group(logs->events, drop_orphan, &finding);
	store_rollback(finding.txn);
	return ERR_OK;
}

/* ---- Life ---- */

static err_t open_all(struct logs *logs, struct text *why)
{
	static const char *const aliases[] = { NULL };
	const struct logs_options *options = &logs->options;

	logs->service = (struct api_service){
		.name = "logs",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2014-03-28",
		.target_prefix = "Logs_20140328",
		.operations = logs_operations,
		.operation_count = logs_operation_count,
		.begin = begin,
		.end = end,
		.state = logs,
	};
	TRY(events_open(options->folder, options->bytes_max, &logs->events, why));
	TRY(drop_orphans(logs));
	TRY(api_register(options->api, &logs->service));
	logs->listener.on_changes = cache_on_changes;
	store_listen(options->store, &logs->listener);
	outbox_open(&logs->outbox, &(struct outbox_options){ .loop = options->loop,
							     .store = options->store,
							     .kind = KIND_DELIVERY,
							     .service = "logs",
							     .deliver = options->deliver,
							     .owner = options->owner });
	logs->sweep.on_expired = on_sweep;
	timer_set(options->loop, &logs->sweep, loop_now_ms(options->loop) + SWEEP_MS);
	return ERR_OK;
}

err_t logs_create(const struct logs_options *options, struct logs **ret_logs, struct text *why)
{
	struct logs *logs = calloc(1, sizeof *logs);
	err_t err = ERR_OK;

	if (!logs)
		return ERR_NOMEM;
	arena_init(&logs->arena, ARENA_BYTES);
	logs->options = *options;
	logs->options.account = arena_string(&logs->arena, bytes_of(options->account));
	logs->options.region = arena_string(&logs->arena, bytes_of(options->region));
	logs->options.folder = arena_string(&logs->arena, bytes_of(options->folder));
	if (!logs->options.account || !logs->options.region || !logs->options.folder)
		err = ERR_NOMEM;
	if (!err)
		err = open_all(logs, why);
	if (err) {
		logs_destroy(logs);
		return err;
	}
	*ret_logs = logs;
	return ERR_OK;
}

void logs_destroy(struct logs *logs)
{
	if (!logs)
		return;
	timer_cancel(&logs->sweep);
	outbox_close(&logs->outbox);
	cache_fini(logs);
	events_close(logs->events);
	arena_fini(&logs->arena);
	free(logs);
}

/* ---- For the house ---- */

err_t logs_make_group(struct logs *logs, const char *name)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(logs->options.store, &txn));
	err = group_make(logs, txn, name, NULL);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err == ERR_EXISTS ? ERR_OK : err;
}

static err_t make_stream(struct logs *logs, const struct log_group *group, const char *name)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(logs->options.store, &txn));
	err = stream_make(logs, txn, group, name);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

/* What is there already; asks the store only for what no call asked for lately. */
static err_t find(struct logs *logs, const char *group, const char *stream,
		  struct log_group **ret_group, struct log_stream **ret_stream)
{
	struct store_txn *txn;
	err_t err;

	*ret_group = map_get(&logs->groups, bytes_of(group));
	if (*ret_group) {
		*ret_stream = map_get(&(*ret_group)->by_name, bytes_of(stream));
		if (*ret_stream)
			return ERR_OK;
	}
	TRY(store_begin(logs->options.store, &txn));
	err = cache_group(logs, txn, group, ret_group);
	if (!err)
		err = cache_stream(logs, txn, *ret_group, stream, ret_stream);
	else
		*ret_group = NULL;
	store_rollback(txn);
	return err;
}

err_t logs_write(struct logs *logs, const char *group_name, const char *stream_name,
		 const struct logs_line *lines, size_t count)
{
	struct log_group *group;
	struct log_stream *stream;
	err_t err = find(logs, group_name, stream_name, &group, &stream);

	if (err == ERR_NOT_FOUND && !group) {
		TRY(logs_make_group(logs, group_name));
		err = find(logs, group_name, stream_name, &group, &stream);
	}
	if (err == ERR_NOT_FOUND && group) {
		TRY(make_stream(logs, group, stream_name));
		err = find(logs, group_name, stream_name, &group, &stream);
	}
	if (err)
		return err;
	return logs_append(logs, NULL, group, stream, lines, count);
}
