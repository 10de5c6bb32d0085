/*
 * echo: a function that answers at once, as a load balancer wants it: what bench/functions invokes.
 */
#include "functions/runtime.h"

static json_t *handle(const struct invocation *invocation, const char **ret_type, struct text *why)
{
	(void)invocation;
	(void)ret_type;
	(void)why;
	return json_pack("{s:i, s:{s:s}, s:s}", "statusCode", 200, "headers", "Content-Type",
			 "text/plain", "body", "hello");
}

int main(void)
{
	return runtime_serve(handle);
}
