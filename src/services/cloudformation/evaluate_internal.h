/*
 * evaluate_internal: what the files of functions share. A function gets its argument as it stands
 * in the template, and evaluates what it takes.
 */
#ifndef SERVICES_CLOUDFORMATION_EVALUATE_INTERNAL_H
#define SERVICES_CLOUDFORMATION_EVALUATE_INTERNAL_H

#include "services/cloudformation/evaluate.h"

enum { EVAL_DEPTH_MAX = 128, EVAL_TEXT_BYTES_MAX = 1024 * 1024 };

/* Leaves the sentence, with the line of `where`; ERR_INVALID. */
err_t eval_refuse(struct eval *eval, const json_t *where, const char *format, ...)
	PRINTF_LIKE(3, 4);
err_t eval_as_text(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		   struct text *out);
err_t eval_as_list(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		   json_t **ret_list);
/* The text as a value, unless there was an error; ends the text. */
err_t eval_take_text(struct text *text, err_t err, json_t **ret_value);

#define FUNCTION(name)                                                                  \
	err_t fn_##name(struct eval *eval, const json_t *where, const json_t *argument, \
			json_t **ret)

/* ---- functions_text.c ---- */
FUNCTION(ref);
FUNCTION(get_att);
FUNCTION(sub);
FUNCTION(join);
FUNCTION(split);
FUNCTION(base64);
FUNCTION(to_json);

/* ---- functions_list.c ---- */
FUNCTION(select);
FUNCTION(length);
FUNCTION(cidr);
FUNCTION(zones);
FUNCTION(import);
FUNCTION(find_in_map);

/* ---- functions_condition.c ---- */
FUNCTION(condition);
FUNCTION(if);
FUNCTION(equals);
FUNCTION(and);
FUNCTION(or);
FUNCTION(not );

#endif
