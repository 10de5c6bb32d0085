/*
 * Documents at random: what passes the check is evaluated against one request, for which an
 * answer must come; and a statement that denies everything, added at the end, must always win.
 */
#include <stdlib.h>

#include "services/iam/evaluate.h"

static void evaluate(json_t *document)
{
	static const char *const names[] = { "alice" }, *const tags[] = { "a", "b" };
	static const struct policy_key keys[] = { { "aws:username", names, 1 },
						  { "aws:TagKeys", tags, 2 } };
	const struct policy_request request = {
		.action = "elasticloadbalancing:CreateRule",
		.resource = "arn:aws:elasticloadbalancing:us-east-1:0:listener/app/a/b/c",
		.keys = keys,
		.key_count = 2,
	};
	json_t *deny = json_pack("{s:s, s:s, s:s}", "Effect", "Deny", "Action", "*", "Resource",
				 "*");
	json_t *statements = json_object_get(document, "Statement");

	if (policy_evaluate(document, &request) > POLICY_DENIES)
		abort();
	if (json_is_array(statements)) {
		json_array_append(statements, deny);
		if (policy_evaluate(document, &request) != POLICY_DENIES)
			abort();
	}
	json_decref(deny);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text why = TEXT_INIT(512);
	json_t *document = NULL;

	if (size == 0)
		return 0;
	if (policy_check(bytes_make(data + 1, size - 1),
			 data[0] % 2 ? POLICY_OF_TRUST : POLICY_OF_IDENTITY, &document, &why)) {
		if (why.len == 0)
			abort();
	} else {
		evaluate(document);
	}
	json_decref(document);
	text_fini(&why);
	return 0;
}
