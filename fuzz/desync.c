/* The parser classifies odd heads alone: for every head, that must be what all of it would give. */
#include <stdlib.h>

#include "http/h1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desync_finding finding = desync_classify(bytes_make(data, size));
	struct bytes in = bytes_make(data, size), raw;
	struct h1_parser parser;

	if ((finding.tier == DESYNC_COMPLIANT) != (desync_reason_name(finding.reason) == NULL))
		abort();
	while (in.len && (in.at[0] == '\r' || in.at[0] == '\n'))
		in = bytes_from(in, 1);
	raw = in;
	h1_parser_init(&parser, false);
	if (h1_parser_feed(&parser, &in) == H1_HEAD) {
		raw = bytes_upto(raw, raw.len - in.len);
		finding = desync_classify(raw);
		if (finding.reason != h1_parser_finding(&parser)->reason)
			abort();
	}
	h1_parser_fini(&parser);
	return 0;
}
