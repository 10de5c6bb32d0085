/*
 * bench: what the token backend and the load generator share: a clock, sockets, arguments.
 * Both are one thread on plain epoll, and stand on nothing of Weir's but base.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/base.h"

/*
 * One event on the wire, EVENT_BYTES long, before chunk framing:
 *
 *     data: 00000042 0000001234567890123 tokentokento…\n\n
 *           sequence (8) and CLOCK_MONOTONIC nanoseconds when it was sent (19)
 */
enum { EVENT_BYTES = 96, EVENT_SEQUENCE_AT = 6, EVENT_CLOCK_AT = 15, EVENT_CLOCK_DIGITS = 19 };

uint64_t bench_now_ns(void);
int bench_listen(uint16_t port);  /* on 127.0.0.1; exits on failure */
int bench_connect(uint16_t port); /* non-blocking; exits on failure */
const char *bench_option(int argc, char **argv, const char *name, const char *fallback);
uint64_t bench_number(int argc, char **argv, const char *name, uint64_t fallback);
void bench_files_limit(void); /* raises RLIMIT_NOFILE to what is allowed */
_Noreturn void bench_die(const char *what);

#endif
