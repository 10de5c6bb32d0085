/*
 * random: unpredictable bytes. Aborts the process if the system has none: nothing safe is left.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/base.h"

void random_bytes(void *out, size_t len);
uint64_t random_u64(void);
void random_hex(char *out, size_t digits); /* lower case, and a NUL */
void random_uuid(char out[37]);		   /* version 4, RFC 9562 */

#endif
