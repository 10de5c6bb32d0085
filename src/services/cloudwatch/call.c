/*
 * call: around every handler, and the small things that handlers share.
 */
#include "services/cloudwatch/cloudwatch_internal.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/log.h"

err_t cw_begin(struct api_call *call)
{
	call->transaction = NULL; /* opened at the first look into the store */
	return ERR_OK;
}

err_t cw_txn(struct api_call *call, struct store_txn **ret_txn)
{
	struct store_txn *txn = call->transaction;

	if (!txn) {
		TRY(store_begin(cloudwatch_of(call)->options.store, &txn));
		call->transaction = txn;
	}
	*ret_txn = txn;
	return ERR_OK;
}

err_t cw_end(struct api_call *call, err_t verdict)
{
	struct store_txn *txn = call->transaction;

	call->transaction = NULL;
	if (txn && !verdict && call->operation->effect == API_WRITES)
		verdict = store_commit(txn);
	else
		store_rollback(txn);
	if (verdict && !call->fault.code[0]) {
		log_error("cloudwatch", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalServiceError", "An internal error has occurred: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

err_t cw_not_found(struct api_call *call, const char *code, const char *words)
{
	err_t err = api_fault(call, code, "%s", words);

	call->fault.status = 404;
	return err;
}

err_t cw_set(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

err_t cw_append(json_t *object, const char *list, json_t *value)
{
	json_t *array = json_object_get(object, list);

	if (!array) {
		array = json_array();
		if (cw_set(object, list, array)) {
			json_decref(value);
			return ERR_NOMEM;
		}
	}
	return !value || json_array_append_new(array, value) ? ERR_NOMEM : ERR_OK;
}

const char *cw_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

err_t cw_token_in(struct api_call *call, uint64_t *ret_after)
{
	const char *token = cw_text(call->input, "NextToken");
	struct text plain = TEXT_INIT(64);
	bool good = !decode_base64url(&plain, bytes_of(token)) &&
		    bytes_starts(text_bytes(&plain), BYTES("weir/")) &&
		    !bytes_to_u64(bytes_from(text_bytes(&plain), 5), UINT64_MAX, ret_after);

	text_fini(&plain);
	if (!token[0]) {
		*ret_after = 0;
		return ERR_OK;
	}
	if (good)
		return ERR_OK;
	return api_fault(call, "InvalidNextToken", "The next token is not valid");
}

err_t cw_token_out(struct api_call *call, uint64_t after)
{
	struct text plain = TEXT_INIT(64), token = TEXT_INIT(128);
	err_t err;

	text_printf(&plain, "weir/%llu", (unsigned long long)after);
	encode_base64url(&token, text_bytes(&plain));
	err = text_err(&plain) ? text_err(&plain) : text_err(&token);
	if (!err)
		err = cw_set(call->output, "NextToken", json_string(text_str(&token)));
	text_fini(&plain);
	text_fini(&token);
	return err;
}

void cw_alarm_arn(const struct cloudwatch *cw, const char *name, char out[512])
{
	snprintf(out, 512, "arn:aws:cloudwatch:%s:%s:alarm:%s", cw->options.region,
		 cw->options.account, name);
}

void cw_dashboard_arn(const struct cloudwatch *cw, const char *name, char out[512])
{
	snprintf(out, 512, "arn:aws:cloudwatch::%s:dashboard/%s", cw->options.account, name);
}
