/*
 * log: one line an event, to standard error, for people and for journald.
 *
 *     2026-10-02T10:00:00.123Z warn lb: target 10.0.0.5:8000 refused the connection
 *
 * The room that can act on an error logs it; rooms below return it. Secrets never get here.
 * Thread-safe: a line is one write(2). Control bytes become "?".
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Set once at start, before threads. The clock gives Unix milliseconds. */
void log_setup(enum log_level level, uint64_t (*clock_unix_ms)(void));

/* Where lines go: -1 nowhere (tests), else a file descriptor; 2 at first. */
void log_to(int fd);

bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *room, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(room, ...) log_line(LOG_LEVEL_ERROR, room, __VA_ARGS__)
#define log_warn(room, ...)  log_line(LOG_LEVEL_WARN, room, __VA_ARGS__)
#define log_info(room, ...)  log_line(LOG_LEVEL_INFO, room, __VA_ARGS__)
#define log_debug(room, ...)                                          \
	do {                                                          \
		if (log_wants(LOG_LEVEL_DEBUG))                       \
			log_line(LOG_LEVEL_DEBUG, room, __VA_ARGS__); \
	} while (0)

#endif
