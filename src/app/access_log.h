/*
 * access_log: access records to DATA/logs/access.log (ALB's lines) and access.jsonl (the JSON
 * twin); connections to DATA/logs/connection.log.
 *
 *   worker: format into its own buffer ──(64 KiB or 200 ms)──► one writer thread: write, rotate
 *
 * A worker neither locks nor touches a file. What a kill can lose is the last 200 ms. Best effort,
 * as ALB's: when the disk is slower than the traffic, buffers are dropped and counted.
 */
#ifndef APP_ACCESS_LOG_H
#define APP_ACCESS_LOG_H

#include "lb/access.h"
#include "lb/connection.h"
#include "net/loop.h"

struct access_log;

/* Makes DATA/logs (0700). `why` gets a sentence on failure. */
err_t access_log_create(const char *data, struct access_log **ret_log, struct text *why);
/* After the workers have stopped; writes what is left. */
void access_log_destroy(struct access_log *log);

/* Once on each worker's thread before it logs; the worker's loop drives its flushes. */
err_t access_log_attach(struct access_log *log, struct loop *loop);
void access_log_detach(struct access_log *log); /* on the same thread; hands over what is left */

/* From an attached thread. */
void access_log_record(struct access_log *log, const struct access_record *record);

void access_log_connection(struct access_log *log, const struct connection_record *record);

/* SIGHUP: the files were moved away. Any thread. */
void access_log_reopen(struct access_log *log);

uint64_t access_log_dropped(const struct access_log *log); /* buffers; any thread */

#endif
