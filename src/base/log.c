#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/when.h"

#define LOG_LINE_BYTES 2048

static struct {
	enum log_level level;
	uint64_t (*clock_unix_ms)(void);
	int fd;
} log_state = { .level = LOG_LEVEL_INFO, .fd = 2 };

static const char level_names[][6] = { "error", "warn", "info", "debug" };

void log_setup(enum log_level level, uint64_t (*clock_unix_ms)(void))
{
	log_state.level = level;
	log_state.clock_unix_ms = clock_unix_ms;
}

void log_to(int fd)
{
	log_state.fd = fd;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.level && log_state.fd >= 0;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	char line[LOG_LINE_BYTES], when[WHEN_ISO_BYTES + 1];
	size_t len, start;
	va_list args;
	int n;

	if (!log_wants(level))
		return;
	when_iso_ms(log_state.clock_unix_ms ? log_state.clock_unix_ms() : 0, when);
	n = snprintf(line, sizeof line, "%s %s %s: ", when, level_names[level], room);
	len = start = size_min((size_t)n, sizeof line - 2);
	va_start(args, format);
	n = vsnprintf(line + len, sizeof line - 1 - len, format, args);
	va_end(args);
	if (n > 0)
		len = size_min(len + (size_t)n, sizeof line - 2);
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (write(log_state.fd, line, len) < 0)
		return; /* nowhere left to complain */
}
