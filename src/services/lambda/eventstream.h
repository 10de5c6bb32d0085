/*
 * eventstream: application/vnd.amazon.eventstream, one message at a time. Pure.
 *
 *   total length, length of the headers, CRC-32 of both · headers · payload · CRC-32 of all of it
 */
#ifndef SERVICES_LAMBDA_EVENTSTREAM_H
#define SERVICES_LAMBDA_EVENTSTREAM_H

#include "base/text.h"

/* Appends an event of this type: "PayloadChunk" (bytes), "InvokeComplete" (JSON). */
void eventstream_encode(struct text *out, const char *event_type, struct bytes payload);

#endif
