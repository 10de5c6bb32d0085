/*
 * journal: the series on disk, in DATA/metrics: a snapshot and what came after it.
 *
 *   samples-N.snapshot   everything at one moment; complete once it has that name
 *   samples-N.log        points since, a line each, appended before a caller hears "yes"
 *
 * At start, and whenever the log has grown to 64 MiB, snapshot N+1 is written and N goes. A line
 * carries a hash of itself: what a crash cut off is left out. The control thread; it writes
 * files, so keep what is noted at once small.
 */
#ifndef SERVICES_CLOUDWATCH_JOURNAL_H
#define SERVICES_CLOUDWATCH_JOURNAL_H

#include "services/cloudwatch/series.h"

struct journal;

/* Reads `directory` (made if missing) into the set, which outlives the journal. ERR_SYSTEM,
 * ERR_NOMEM. */
err_t journal_open(const char *directory, struct series_set *set, int64_t now_s,
		   struct journal **ret_journal);
void journal_close(struct journal *journal); /* NULL is welcome */

/* Remembers a point for the next journal_write. */
void journal_note(struct journal *journal, struct bytes key, const struct point *point,
		  unsigned rings);
/* Appends what was noted: after ERR_OK it survives the end of the process. */
err_t journal_write(struct journal *journal);

/* One line, without the newline, to a point; ERR_SYNTAX. The key points into `line`. */
err_t journal_parse(struct bytes line, struct bytes *ret_key, struct point *ret_point,
		    unsigned *ret_rings);

#endif
