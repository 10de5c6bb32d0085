/*
 * call: around every handler, and the small things that handlers share.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/s3/s3_internal.h"

enum { DOOMED_BYTES_MAX = 64 * 1024 * FILE_ID_BYTES };

err_t s3_begin(struct api_call *call)
{
	struct s3_call *self = calloc(1, sizeof *self);
	err_t err;

	if (!self)
		return ERR_NOMEM;
	self->s3 = s3_of(call);
	self->held = json_array();
	text_init(&self->doomed, DOOMED_BYTES_MAX);
	err = self->held ? store_begin(self->s3->options.store, &self->txn) : ERR_NOMEM;
	if (err) {
		json_decref(self->held);
		free(self);
		return err;
	}
	call->transaction = self;
	return ERR_OK;
}

static void remove_doomed(struct s3_call *self)
{
	char id[FILE_ID_BYTES + 1];

	for (size_t at = 0; at + FILE_ID_BYTES <= self->doomed.len; at += FILE_ID_BYTES) {
		memcpy(id, self->doomed.at + at, FILE_ID_BYTES);
		id[FILE_ID_BYTES] = '\0';
		files_remove(self->s3->files, id);
	}
}

err_t s3_end(struct api_call *call, err_t verdict)
{
	struct s3_call *self = s3_call_of(call);

	if (!verdict && text_err(&self->doomed))
		verdict = text_err(&self->doomed);
	if (!verdict && call->operation->effect == API_WRITES) {
		verdict = store_commit(self->txn);
		if (!verdict)
			remove_doomed(self);
		if (!verdict)
			outbox_commit(&self->s3->notices);
	} else {
		store_rollback(self->txn);
	}
	if (verdict)
		s3_intake_forget(call);
	json_decref(self->held);
	text_fini(&self->doomed);
	free(self);
	call->transaction = NULL;
	if (verdict && verdict != ERR_CANCELLED && !call->fault.code[0]) {
		log_error("s3", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalError",
			  "We encountered an internal error. Please try again.");
	}
	return verdict;
}

json_t *s3_hold(struct api_call *call, json_t *value)
{
	return value && json_array_append_new(s3_call_of(call)->held, value) == 0 ? value : NULL;
}

const char *s3_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *s3_input(const struct api_call *call, const char *name)
{
	return json_string_value(json_object_get(call->input, name));
}

int64_t s3_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool s3_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

err_t s3_set(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

err_t s3_set_text(json_t *object, const char *key, const char *value)
{
	return s3_set(object, key, json_string(value));
}

err_t s3_append(json_t *object, const char *list, json_t *value)
{
	json_t *array = json_object_get(object, list);

	if (!array) {
		array = json_array();
		if (s3_set(object, list, array)) {
			json_decref(value);
			return ERR_NOMEM;
		}
	}
	return !value || json_array_append_new(array, value) ? ERR_NOMEM : ERR_OK;
}

err_t s3_not_implemented(struct api_call *call, const char *what)
{
	return api_fault(call, "NotImplemented",
			 "%s: a header you provided implies functionality that is not implemented",
			 what);
}
