#include "api/wire.h"

#include <stdio.h>

/* Codes that do not mean 400. The first eight are AWS's common errors, then ELBv2's own. */
static const struct {
	const char *code;
	uint16_t status;
} statuses[] = {
	{ "AccessDenied", 403 },
	{ "ExpiredToken", 403 },
	{ "IncompleteSignature", 403 },
	{ "InternalFailure", 500 },
	{ "InvalidClientTokenId", 403 },
	{ "MissingAuthenticationToken", 403 },
	{ "RequestExpired", 403 },
	{ "ServiceUnavailable", 503 },
	{ "SignatureDoesNotMatch", 403 },
	{ "HealthUnavailable", 500 },
	{ "InsufficientCapacity", 500 },
	{ "PriorRequestNotComplete", 429 },
	{ "InternalError", 500 },
	{ "RequestEntityTooLarge", 413 },
	{ "NoSuchEntity", 404 },
	{ "EntityAlreadyExists", 409 },
	{ "DeleteConflict", 409 },
	{ "LimitExceeded", 409 },
	{ "EntityTemporarilyUnmodifiable", 409 },
	{ "UnauthorizedOperation", 403 },
};

static uint16_t status_of(const char *code)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (strcmp(statuses[i].code, code) == 0)
			return statuses[i].status;
	return 400;
}

/* vsnprintf may have cut a character in two; an answer must stay UTF-8. */
static void mend_end(char *text, size_t len)
{
	size_t start = len;

	while (start && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

void fault_set_list(struct api_fault *fault, const char *code, const char *format, va_list args)
{
	int len;

	snprintf(fault->code, sizeof fault->code, "%s", code);
	len = vsnprintf(fault->message, sizeof fault->message, format, args);
	if (len >= (int)sizeof fault->message)
		mend_end(fault->message, sizeof fault->message - 1);
	fault->status = status_of(code);
}

void fault_set(struct api_fault *fault, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fault_set_list(fault, code, format, args);
	va_end(args);
}
