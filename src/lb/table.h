/*
 * table: the live table of streams (`weir streams`, /_weir/streams): each worker fills its part on
 * its own thread, the control thread puts the parts together.
 */
#ifndef LB_TABLE_H
#define LB_TABLE_H

#include "lb/worker.h"

struct table_question {
	struct loop *control;
	struct worker *workers;
	unsigned worker_count, max;
	/* Once, on the control thread; at once and with no rows when memory is out. */
	void (*on_rows)(void *owner, const struct stream_row *rows, unsigned count);
	void *owner;
};

/* Control thread. The workers are there until on_rows has run. */
void table_ask(const struct table_question *question);

#endif
