#include <signal.h>
#include <stdio.h>

#include "services/lambda/environment_internal.h"

enum {
	FLUSH_MS = 100,
	VARIABLES_MAX = 256,
};

/* ---- What it says ---- */

void environment_on_flush(struct timer *timer)
{
	struct environment *e = container_of(timer, struct environment, flush);

	output_flush(&e->output);
}

void environment_flush_soon(struct environment *e)
{
	if (!timer_armed(&e->flush) && !output_is_empty(&e->output))
		timer_set(e->loop, &e->flush, now_ms(e) + FLUSH_MS);
}

void environment_on_output(void *owner, struct bytes data)
{
	struct environment *e = owner;

	output_add(&e->output, data, now_us(e) / 1000);
	environment_flush_soon(e);
}

void environment_say(struct environment *e,
		     void (*words)(struct text *, const struct lambda_report *))
{
	struct text line = TEXT_INIT(1024);

	words(&line, &e->report);
	output_line(&e->output, text_bytes(&line), now_us(e) / 1000);
	text_fini(&line);
}

void environment_say_failure(struct environment *e)
{
	struct text line = TEXT_INIT(512);

	if (e->report.outcome == LAMBDA_TIMEOUT)
		words_timeout(&line, &e->report, now_us(e) / 1000);
	else
		words_failure(&line, &e->report);
	output_line(&e->output, text_bytes(&line), now_us(e) / 1000);
	text_fini(&line);
}

void environment_say_init_failed(struct environment *e, bool timed_out)
{
	struct text line = TEXT_INIT(256);
	struct lambda_report report = e->report;

	report.outcome = e->start_err ? LAMBDA_ENTRY : LAMBDA_EXIT;
	report.init_us = now_us(e) - e->init_started_us;
	words_init_report(&line, &report, timed_out);
	output_line(&e->output, text_bytes(&line), now_us(e) / 1000);
	text_fini(&line);
	environment_flush_soon(e);
}

/* ---- Memory ---- */

void environment_take_sample(struct environment *e)
{
	uint64_t bytes = child_memory_bytes(e->child);

	if (bytes > e->report.memory_bytes)
		e->report.memory_bytes = bytes;
}

void environment_on_sample(struct timer *timer)
{
	struct environment *e = container_of(timer, struct environment, sample);

	if (!e->child)
		return;
	environment_take_sample(e);
	/* Its end comes as that of a program which the system has killed for want of memory. */
	if (e->report.memory_bytes > (uint64_t)e->program->memory_mib << 20)
		child_signal(e->child, SIGKILL);
	else
		timer_set(e->loop, &e->sample, now_ms(e) + ENVIRONMENT_SAMPLE_MS);
}

/* ---- Its program ---- */

err_t environment_spawn(struct environment *e, const struct child_events *events)
{
	char api[ADDRESS_TEXT_BYTES + 32], stream[256];
	char *variables[VARIABLES_MAX + ENVIRONMENT_KEYS + 3];
	struct process_options options = {
		.program = e->program->path,
		.arguments = e->program->arguments,
		.environment = variables,
		.bare = true,
		.directory = e->program->directory,
		.data_bytes_max = ((uint64_t)e->program->memory_mib << 21) +
				  ENVIRONMENT_SPARE_BYTES,
	};
	size_t n = 0;

	for (; e->program->variables[n]; n++) {
		if (n == VARIABLES_MAX)
			return ERR_LIMIT;
		variables[n] = e->program->variables[n];
	}
	snprintf(api, sizeof api, "AWS_LAMBDA_RUNTIME_API=%s", runtime_api_address(e->api));
	snprintf(stream, sizeof stream, "AWS_LAMBDA_LOG_STREAM_NAME=%s", e->output.stream);
	for (size_t i = 0; i < ENVIRONMENT_KEYS; i++)
		variables[n++] = e->keys[i];
	variables[n++] = api;
	variables[n++] = stream;
	variables[n] = NULL;
	return child_start(e->loop, &options, events, e, &e->child);
}
