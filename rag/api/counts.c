#include "rag/api/counts.h"

const char *const stream_end_names[STREAM_END_COUNT] = {
#define STREAM_END(name) #name,
	STREAM_ENDS(STREAM_END)
#undef STREAM_END
};

const char *const ask_stage_names[ASK_STAGE_COUNT] = {
#define ASK_STAGE(name) #name,
	ASK_STAGES(ASK_STAGE)
#undef ASK_STAGE
};

const char *const answerer_names[ANSWERERS] = {
	[ANSWERER_EXTRACTIVE] = "extractive",
	[ANSWERER_MODEL] = "model",
};

const uint16_t counts_codes[COUNTS_CODES] = { 200, 202, 400, 401, 403, 404, 405, 408,
					      409, 413, 414, 415, 422, 429, 431, COUNTS_LEFT,
					      500, 501, 503, 504, 505, 0 };

void counts_request(struct counts *counts, unsigned route, uint16_t code)
{
	unsigned i = 0;

	assert(route < COUNTS_ROUTES_MAX);
	while (counts_codes[i] && counts_codes[i] != code)
		i++;
	counts_one(&counts->requests[route][i]);
}

void counts_end(struct counts *counts, const char *reason)
{
	unsigned i = 0;

	while (i < STREAM_END_COUNT && strcmp(stream_end_names[i], reason) != 0)
		i++;
	assert(i < STREAM_END_COUNT);
	counts_one(&counts->ends[i]);
}
