/*
 * calls: what a step asks of other services, each writing call exactly once, whenever Weir is
 * killed.
 *
 *   call ─► handler ─► the answer into the record's Calls ─► one commit: the service's rows and
 * ours
 *
 * Either both are on disk or neither. A step that a kill cut short runs again from its beginning;
 * calls that it made already are answered from Calls.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "services/cloudformation/cloudformation_internal.h"

struct noting {
	struct api_note base;
	struct resource_step *step;
	const char *key;
	json_t *entry; /* NULL: not noted */
	struct store_resource row;
	char id[1024];
};

/* The service, the operation, and a digest of what it was given, which may be a secret. */
static const char *key_of(struct resource_step *step, const char *service, const char *operation,
			  const json_t *input)
{
	char *text = json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);
	char digest[SHA256_HEX_BYTES + 1];

	if (!text)
		return NULL;
	sha256_hex(bytes_of(text), digest);
	free(text);
	return arena_printf(step->arena, "%s:%s:%s", service, operation, digest);
}

static void note_answer(struct api_note *note, json_t *output)
{
	struct noting *noting = container_of(note, struct noting, base);
	struct resource_step *step = noting->step;
	json_t *calls = json_object_get(step->record, "Calls");

	if (!calls)
		put_new(step->record, "Calls", calls = json_array());
	noting->entry = json_pack("{s:s, s:O}", "Call", noting->key, "Answer", output);
	if (!noting->entry || json_array_append_new(calls, noting->entry)) {
		noting->entry = NULL;
		return;
	}
	if (stack_resource_row(step->stack, step->record, noting->id, &noting->row)) {
		noting->row.body = NULL;
		return;
	}
	store_attach(step->stack->cfn->options.store, &noting->row);
}

static void take_back_note(struct noting *noting)
{
	json_t *calls = json_object_get(noting->step->record, "Calls");
	size_t count = json_array_size(calls);

	if (noting->entry && count && json_array_get(calls, count - 1) == noting->entry)
		json_array_remove(calls, count - 1);
}

/* The answer to a call that was made before a kill; each once. */
static bool answered_before(struct resource_step *step, const char *key, json_t **ret_answer)
{
	json_t *entry;
	size_t i;

	json_array_foreach (step->noted, i, entry) {
		if (strcmp(text_at(entry, "Call"), key) != 0)
			continue;
		*ret_answer = json_incref(json_object_get(entry, "Answer"));
		json_array_remove(step->noted, i);
		return true;
	}
	return false;
}

static err_t call_now(struct resource_step *step, const char *service, const char *operation,
		      json_t *input, const char *key, json_t **ret_output)
{
	const struct cloudformation_options *options = &step->stack->cfn->options;
	struct noting noting = { .base.answered = note_answer, .step = step, .key = key };
	struct api_fault fault = { .code = "" };
	err_t err = api_call_noted(options->api, options->root, service, operation, input,
				   step->notes ? &noting.base : NULL, ret_output, &fault);

	store_attach(options->store, NULL);
	json_decref(noting.row.body);
	if (err)
		take_back_note(&noting);
	if (!err || err == ERR_NOMEM)
		return err;
	text_clear(step->why);
	text_printf(step->why, "%s (Service: %s, Status Code: %u, Code: %s)", fault.message,
		    service, (unsigned)fault.status, fault.code);
	if (!step->back || !failed_with(step->why, step->type->already))
		return ERR_INVALID;
	*ret_output = json_object();
	return *ret_output ? ERR_OK : ERR_NOMEM;
}

err_t call_api(struct resource_step *step, const char *service, const char *operation,
	       json_t *input, json_t **ret_output)
{
	const char *key = input ? key_of(step, service, operation, input) : NULL;
	json_t *output = NULL;
	err_t err = key ? ERR_OK : ERR_NOMEM;

	if (!err && !answered_before(step, key, &output))
		err = call_now(step, service, operation, input, key, &output);
	json_decref(input);
	if (!err && ret_output)
		*ret_output = output;
	else
		json_decref(output);
	return err;
}

void calls_forget(json_t *record)
{
	json_object_del(record, "Calls");
}

bool failed_with(const struct text *why, const char *codes)
{
	struct bytes rest = bytes_of(codes), code;

	while (codes && bytes_cut(&rest, ' ', &code)) {
		char words[160];

		snprintf(words, sizeof words, "Code: %.*s)", BYTES_ARG(code));
		if (strstr(text_str(why), words))
			return true;
	}
	return false;
}
