/*
 * when: points in time as text. Pure conversions; who wants to know the time asks net/clock.h.
 *
 * Times are milliseconds or microseconds since 1970-01-01T00:00:00Z, never negative.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/bytes.h"

enum {
	WHEN_HTTP_BYTES = 29, /* "Fri, 02 Oct 2026 10:00:00 GMT" */
	WHEN_ISO_BYTES = 27,  /* "2026-10-02T10:00:00.123456Z" */
};

void when_http(uint64_t unix_ms, char out[WHEN_HTTP_BYTES + 1]);  /* RFC 9110 §5.6.7 */
void when_iso_ms(uint64_t unix_ms, char out[WHEN_ISO_BYTES + 1]); /* …T10:00:00.123Z */
void when_iso_us(uint64_t unix_us, char out[WHEN_ISO_BYTES + 1]); /* …T10:00:00.123456Z */
void when_basic(uint64_t unix_ms, char out[WHEN_ISO_BYTES + 1]);  /* 20261002T100000Z */

/* "20261002T100000Z" as SigV4 sends it; ERR_SYNTAX on anything else. */
err_t when_parse_basic(struct bytes in, uint64_t *ret_unix_ms);
/* "Fri, 02 Oct 2026 10:00:00 GMT", the one form senders may still use; ERR_SYNTAX. */
err_t when_parse_http(struct bytes in, uint64_t *ret_unix_ms);

#endif
