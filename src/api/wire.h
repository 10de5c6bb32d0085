/*
 * wire: what the codecs share: names, bounds, and the faults they raise.
 */
#ifndef API_WIRE_H
#define API_WIRE_H

#include "api/api.h"
#include "base/text.h"

enum {
	WIRE_LIST_MAX = 1000,			/* items of one list in a form */
	WIRE_PARAMS_MAX = 20000,		/* of one form */
	WIRE_DEPTH_MAX = 32,			/* of names in a form, of values anywhere */
	WIRE_BODY_BYTES_MAX = 16 * 1024 * 1024, /* of a request, and of an answer */
};

enum { WIRE_NAME_BYTES = 128 };

/* The member's name in EC2's form: in requests it begins with a capital, in answers small. */
void wire_ec2_name(const struct api_member *member, bool capital, char out[WIRE_NAME_BYTES]);

/* Sets code, words (cut to fit, never inside a character) and the status that goes with the code.
 */
void fault_set(struct api_fault *fault, const char *code, const char *format, ...)
	PRINTF_LIKE(3, 4);
void fault_set_list(struct api_fault *fault, const char *code, const char *format, va_list args)
	PRINTF_LIKE(3, 0);

#endif
