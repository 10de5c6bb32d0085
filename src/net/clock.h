/*
 * clock: the two clocks. Only net reads them; the fake loop of the scenario tests replaces them.
 *
 * Monotonic time orders events and deadlines; Unix time is for people, logs and signatures.
 * On a loop's thread prefer loop_now_ms: it costs nothing.
 */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include "base/base.h"

uint64_t clock_mono_us(void);
uint64_t clock_unix_us(void);
uint64_t clock_unix_ms(void);

#endif
