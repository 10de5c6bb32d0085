/*
 * evaluate: what a value of a template is once its functions have been worked out. Pure: what a
 * name stands for is asked of an eval_source.
 *
 * A result of JSON null means AWS::NoValue: whoever holds it leaves it out.
 */
#ifndef SERVICES_CLOUDFORMATION_EVALUATE_H
#define SERVICES_CLOUDFORMATION_EVALUATE_H

#include "services/cloudformation/template.h"

/*
 * All give a new reference. ERR_AGAIN: not known yet (the resource is still to be made);
 * ERR_NOT_FOUND: there is no such thing. Members may be NULL: then nothing is known yet.
 */
struct eval_source {
	err_t (*ref)(void *owner, const char *logical_id, json_t **ret_value);
	err_t (*attribute)(void *owner, const char *logical_id, const char *name,
			   json_t **ret_value);
	err_t (*import)(void *owner, const char *export_name, json_t **ret_value);
	err_t (*zones)(void *owner, const char *region, json_t **ret_value);
	/* {{resolve:SERVICE:REFERENCE}} */
	err_t (*resolve)(void *owner, const char *service, const char *reference,
			 json_t **ret_value);
};

struct eval {
	const struct template *template;
	const json_t *parameters; /* {name: text or list}, resolved */
	json_t *conditions;	  /* {name: boolean}: filled as they are asked; start with {} */
	const struct eval_source *source;
	void *owner;
	const char *account, *region, *stack_name, *stack_id;
	struct text *why; /* gets the sentence of a failure */
	unsigned depth;	  /* 0 at the start */
};

/*
 * ERR_OK and *ret_value, a new reference; ERR_AGAIN; or ERR_INVALID and a sentence in `why`. The
 * value is one of the template's, or made of such.
 */
err_t evaluate(struct eval *eval, const json_t *value, json_t **ret_value);

/* A condition by name. */
err_t evaluate_condition(struct eval *eval, const char *name, bool *ret_holds);

/* A scalar as CloudFormation writes it into a text: numbers in digits, booleans as words. */
err_t scalar_text(const json_t *value, struct text *out); /* ERR_INVALID: it is no scalar */

/* Whether `value` is a call of one function: {"Fn::…": …}, {"Ref": …} or {"Condition": …}. */
bool is_function(const json_t *value, const char **ret_name, const json_t **ret_argument);

/* ---- Forms (forms.c) ---- */
bool function_known(const char *name);
/* What is wrong with a function's argument as it stands, or NULL. */
const char *function_problem(const char *name, const json_t *argument);
const char *sub_problem(const json_t *argument); /* the names in the text of Fn::Sub */

/* Blocks of an address range, for Fn::Cidr: `count` of `bits` host bits each, as a list of texts.
 */
err_t cidr_blocks(struct bytes range, uint64_t count, uint64_t bits, json_t **ret_list);

/*
 * The names in a text of Fn::Sub: calls `name` for each ${…} (without "${!"), `plain` for what lies
 * between, in order. ERR_SYNTAX for one that does not end.
 */
err_t sub_each(struct bytes text, err_t (*plain)(void *owner, struct bytes text),
	       err_t (*name)(void *owner, struct bytes name), void *owner);

#endif
