/* stack_reason: what went wrong with a resource, without what CloudFormation puts around it. */
#ifndef APP_STACK_REASON_H
#define APP_STACK_REASON_H

#include "base/bytes.h"

/*
 * Resource handler returned message: "WORDS (Service: …)" (RequestToken: …, …) ─► WORDS
 *
 * Other reasons come back whole. Borrowed from `reason`.
 */
struct bytes stack_reason_words(const char *reason);

#endif
