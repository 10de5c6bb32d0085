/*
 * rag_query_multimodal: a question with images, tables or formulas beside it:
 * {"query": "…", "multimodal_content": […]}, as POST /query/multimodal takes it.
 */
#include "functions/ask.h"

static json_t *handle(const struct invocation *invocation, const char **ret_type, struct text *why)
{
	static const char *const wanted[] = { "multimodal_content", NULL };

	(void)ret_type;
	(void)why;
	return ask_server(invocation, "/query/multimodal", wanted);
}

int main(void)
{
	return runtime_serve(handle);
}
