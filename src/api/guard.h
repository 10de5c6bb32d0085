/*
 * guard: keeps web pages away from an API on this machine. Pure.
 *
 * The API listens on loopback, and every page that a browser here shows can send requests there.
 * Two rules stand in the way of requests that no signature vouches for:
 *
 *   Origin   A browser says which page asks. Only pages of this machine (loopback) and those that
 *            came from the very host asked may.
 *   Host     A page may have its own name resolve to 127.0.0.1 and then count as "same origin"
 *            (DNS rebinding). So Host must be an address, or a name that no public DNS answers
 *            for: localhost, one without dots, .localhost, .internal, .local, .test.
 *
 * A signature covers the host, and a page does not have the key: signed requests pass.
 */
#ifndef API_GUARD_H
#define API_GUARD_H

#include "http/message.h"

/* NULL, or why the request must be refused. */
const char *guard_refuses(const struct http_head *head);

#endif
