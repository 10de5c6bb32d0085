#include "lb/table.h"

#include <stdlib.h>

#include "lb/stream.h"

/* The question, the answer so far, and one part for each worker behind it. */
struct table_part {
	struct loop_job job;
	struct table *table;
	struct worker *worker;
	unsigned count;
	struct stream_row *rows; /* the worker's; NULL: none, or no memory */
};

struct table {
	struct table_question question;
	unsigned count, outstanding;
	struct stream_row *rows;
	struct table_part parts[];
};

static void merge_part(struct loop_job *job)
{
	struct table_part *part = container_of(job, struct table_part, job);
	struct table *table = part->table;

	for (unsigned i = 0; i < part->count && table->count < table->question.max; i++)
		table->rows[table->count++] = part->rows[i];
	free(part->rows);
	if (--table->outstanding)
		return;
	table->question.on_rows(table->question.owner, table->rows, table->count);
	free(table->rows);
	free(table);
}

static void fill_part(struct loop_job *job)
{
	struct table_part *part = container_of(job, struct table_part, job);
	const struct table_question *question = &part->table->question;
	struct worker *worker = part->worker;
	unsigned running = atomic_load_explicit(&worker->stream_count, memory_order_relaxed);
	unsigned room = running < question->max ? running : question->max;

	part->rows = room ? calloc(room, sizeof *part->rows) : NULL;
	if (part->rows)
		list_for_each (&worker->streams, node) {
			if (part->count == room)
				break;
			stream_row(stream_from_link(node), &part->rows[part->count++]);
		}
	part->job.run = merge_part;
	loop_post(question->control, &part->job);
}

void table_ask(const struct table_question *question)
{
	struct table *table = calloc(1, sizeof *table +
						question->worker_count * sizeof(struct table_part));

	if (table)
		table->rows = calloc(question->max + 1u, sizeof *table->rows);
	if (!table || !table->rows) {
		free(table);
		question->on_rows(question->owner, NULL, 0);
		return;
	}
	table->question = *question;
	table->outstanding = question->worker_count;
	for (unsigned i = 0; i < question->worker_count; i++) {
		struct table_part *part = &table->parts[i];

		part->table = table;
		part->worker = &question->workers[i];
		part->job.run = fill_part;
		loop_post(part->worker->loop, &part->job);
	}
}
