/* Any text as a template: read, its loops run, checked, its parameters resolved, its resources
 * worked out; and as a stack policy. */
#include <stddef.h>
#include <stdint.h>

#include "services/cloudformation/check.h"
#include "services/cloudformation/expand.h"
#include "services/cloudformation/policy.h"
#include "services/cloudformation/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *owner, unsigned line, const char *words)
{
	(void)owner;
	(void)line;
	(void)words;
}

static void work_out(struct template *template, struct text *why)
{
	static const struct eval_source nothing = { .ref = NULL };
	struct eval eval = { .template = template,
			     .conditions = json_object(),
			     .source = &nothing,
			     .account = "0",
			     .region = "r",
			     .stack_name = "s",
			     .stack_id = "i",
			     .why = why };
	json_t *parameters = NULL, *given = json_object(), *value = NULL;

	if (!parameters_resolve(template, given, &nothing, NULL, &parameters, why)) {
		eval.parameters = parameters;
		rules_hold(&eval);
		evaluate(&eval, json_object_get(template->root, "Resources"), &value);
	}
	json_decref(value);
	json_decref(parameters);
	json_decref(given);
	json_decref(eval.conditions);
}

static void ask_policy(struct bytes text)
{
	struct text why = TEXT_INIT(64 * 1024);
	json_t *policy;

	if (!policy_parse(text, &policy, &why)) {
		policy_allows(policy, &(struct policy_question){ "Update:Modify", "A", "T" }, &why);
		json_decref(policy);
	}
	text_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text why = TEXT_INIT(64 * 1024);
	struct template template;
	struct check check = { .template = &template, .problem = ignore };

	if (!template_parse(bytes_make(data, size), &template, &why)) {
		json_t *sample = parameters_sample(&template);

		template_expand(&template, sample, &why);
		template_check(&check);
		work_out(&template, &why);
		json_decref(sample);
		template_fini(&template);
	}
	text_fini(&why);
	ask_policy(bytes_make(data, size));
	return 0;
}
