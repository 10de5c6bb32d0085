#include "rag/api/pulse.h"

#include "base/log.h"

enum { PULSE_MS = 2000 };

static void work(struct blocking_job *job)
{
	struct pulse *pulse = container_of(job, struct pulse, job);

	pulse->err = library_ping(pulse->library);
	if (!pulse->err)
		catalog_catch_up(pulse->catalog);
}

static void done(struct blocking_job *job)
{
	struct pulse *pulse = container_of(job, struct pulse, job);
	bool was_down = pulse->down;

	pulse->running = false;
	pulse->down = pulse->err != ERR_OK;
	if (pulse->err)
		mishap_count(pulse->mishaps, MISHAP_unreachable);
	if (pulse->down && !was_down)
		log_warn("rag", "the database does not answer: questions are answered from memory, "
				"documents wait");
	if (was_down && !pulse->down) {
		log_info("rag", "the database answers again");
		ingest_wake(pulse->ingest);
	}
}

static void on_timer(struct timer *timer)
{
	struct pulse *pulse = container_of(timer, struct pulse, timer);

	if (!pulse->running) {
		pulse->running = true;
		pulse->job =
			(struct blocking_job){ .work = work, .done = done, .loop = pulse->loop };
		blocking_submit(pulse->pool, &pulse->job);
	}
	timer_set(pulse->loop, timer, loop_now_ms(pulse->loop) + PULSE_MS);
}

void pulse_start(struct pulse *pulse)
{
	if (strcmp(library_kind(pulse->library), "sqlite") == 0)
		return;
	pulse->timer.on_expired = on_timer;
	timer_set(pulse->loop, &pulse->timer, loop_now_ms(pulse->loop) + PULSE_MS);
}

void pulse_stop(struct pulse *pulse)
{
	timer_cancel(&pulse->timer);
}
