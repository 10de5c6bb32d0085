/*
 * cloudwatch: the service's life, and its second.
 */
#include "services/cloudwatch/cloudwatch_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { CW_ARENA_MAX_BYTES = 16 * 1024, TICK_MS = 1000, TRIM_SECONDS = 60 };

static const char *const aliases[] = { "cloudwatch", NULL };

static const struct api_fault_name fault_names[] = {
	{ "InvalidParameterValue", "InvalidParameterValueException" },
	{ "InvalidParameterCombination", "InvalidParameterCombinationException" },
	{ "MissingParameter", "MissingRequiredParameterException" },
	{ "InvalidParameterInput", "DashboardInvalidInputError" },
	{ "InternalServiceError", "InternalServiceFault" },
	{ "InvalidFormat", "InvalidFormatFault" },
	{ "LimitExceeded", "LimitExceededFault" },
	{ NULL, NULL },
};

uint64_t cw_now_ms(const struct cloudwatch *cw)
{
	return loop_unix_us(cw->options.loop) / 1000;
}

/* ---- The second ---- */

/* What SetAlarmState set, now that it is on disk. */
static void run_pending(struct cloudwatch *cw)
{
	json_t *pending = cw->pending;
	const json_t *alarm;
	size_t i;

	if (!json_object_size(pending))
		return;
	cw->pending = json_object();
	json_array_foreach (json_object_get(pending, "alarms"), i, alarm)
		cw_act(cw, cw_text(alarm, "AlarmName"), true);
	json_decref(pending);
}

static void on_second(struct timer *timer)
{
	struct cloudwatch *cw = container_of(timer, struct cloudwatch, timer);
	int64_t now_s = (int64_t)(cw_now_ms(cw) / 1000);
	err_t err;

	timer_set(cw->options.loop, timer, loop_now_ms(cw->options.loop) + TICK_MS);
	if (cw->options.lb)
		sampler_tick(cw->sampler, now_s);
	err = journal_write(cw->journal);
	if (err)
		log_error("cloudwatch", "metrics could not be written: %s", err_words(err));
	cw_evaluate(cw, now_s);
	run_pending(cw);
	if (now_s - cw->trimmed_s >= TRIM_SECONDS) {
		series_trim(&cw->series, now_s);
		cw->trimmed_s = now_s;
	}
}

static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct cloudwatch *cw = container_of(listener, struct cloudwatch, listener);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].kind, CW_ALARM) == 0)
			cw->alarms_stale = true;
		/* Whatever it is: which targets there are is asked anew. */
		if (cw->sampler && strncmp(changes[i].kind, "elbv2.", 6) == 0)
			sampler_groups_changed(cw->sampler);
	}
}

/* ---- Life ---- */

static err_t copy_options(struct cloudwatch *cw, const struct cloudwatch_options *options)
{
	cw->options = *options;
	cw->options.account = arena_string(&cw->arena, bytes_of(options->account));
	cw->options.region = arena_string(&cw->arena, bytes_of(options->region));
	cw->options.data = arena_printf(&cw->arena, "%s/metrics", options->data);
	if (!cw->options.account || !cw->options.region || !cw->options.data)
		return ERR_NOMEM;
	snprintf(cw->zone, sizeof cw->zone, "%sa", cw->options.region);
	return ERR_OK;
}

static err_t open_all(struct cloudwatch *cw)
{
	int64_t now_s = (int64_t)(cw_now_ms(cw) / 1000);

	cw->due = json_object();
	cw->pending = json_object();
	cw->trimmed_s = now_s;
	if (!cw->due || !cw->pending)
		return ERR_NOMEM;
	TRY(journal_open(cw->options.data, &cw->series, now_s, &cw->journal));
	TRY(sampler_create(cw, &cw->sampler));
	TRY(webhooks_create(cw->options.loop, cw_on_webhook, cw, &cw->webhooks));
	TRY(cw_alarms_load(cw));
	return api_register(cw->options.api, &cw->service);
}

err_t cloudwatch_create(const struct cloudwatch_options *options,
			struct cloudwatch **ret_cloudwatch)
{
	struct cloudwatch *cw = calloc(1, sizeof *cw);
	err_t err;

	if (!cw)
		return ERR_NOMEM;
	arena_init(&cw->arena, CW_ARENA_MAX_BYTES);
	series_set_init(&cw->series);
	cw->timer.on_expired = on_second;
	cw->listener.on_changes = on_changes;
	cw->service = (struct api_service){
		.name = "monitoring",
		.aliases = aliases,
		.protocol = API_QUERY,
		.version = "2010-08-01",
		.xml_namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/",
		.target_prefix = "GraniteServiceVersion20100801",
		.fault_names = fault_names,
		.operations = cloudwatch_operations,
		.operation_count = cloudwatch_operation_count,
		.begin = cw_begin,
		.end = cw_end,
		.state = cw,
	};
	err = copy_options(cw, options);
	if (!err)
		err = open_all(cw);
	if (err) {
		cloudwatch_destroy(cw);
		return err;
	}
	store_listen(options->store, &cw->listener);
	timer_set(options->loop, &cw->timer, loop_now_ms(options->loop) + TICK_MS);
	*ret_cloudwatch = cw;
	return ERR_OK;
}

void cloudwatch_destroy(struct cloudwatch *cw)
{
	if (!cw)
		return;
	timer_cancel(&cw->timer);
	webhooks_destroy(cw->webhooks);
	sampler_destroy(cw->sampler);
	journal_close(cw->journal);
	series_set_fini(&cw->series);
	json_decref(cw->alarms);
	json_decref(cw->due);
	json_decref(cw->pending);
	arena_fini(&cw->arena);
	free(cw);
}
