/*
 * rag_query: a question for the RAG server: {"query": "…", "mode": "mix", …}, as POST /query takes
 * it.
 */
#include "functions/ask.h"

static json_t *handle(const struct invocation *invocation, const char **ret_type, struct text *why)
{
	static const char *const wanted[] = { NULL };

	(void)ret_type;
	(void)why;
	return ask_server(invocation, "/query", wanted);
}

int main(void)
{
	return runtime_serve(handle);
}
