/*
 * check: what can be said of a template before anything is touched: its form, its names, its
 * parameters, the order of its resources. Pure.
 */
#ifndef SERVICES_CLOUDFORMATION_CHECK_H
#define SERVICES_CLOUDFORMATION_CHECK_H

#include "services/cloudformation/evaluate.h"

enum {
	PARAMETERS_MAX = 200,
	RESOURCES_MAX = 500,
	OUTPUTS_MAX = 200,
	MAPPINGS_MAX = 200,
	PARAMETER_BYTES_MAX = 4096,
};

/* ---- What a value asks of (references.c) ---- */

struct reference {
	enum { REFERENCE_REF, REFERENCE_ATTRIBUTE, REFERENCE_CONDITION, REFERENCE_MAP } kind;
	const char *name;      /* of a parameter, resource, condition or mapping; borrowed */
	const char *attribute; /* of REFERENCE_ATTRIBUTE; "" where a function gives it */
	const json_t *where;   /* the function */
};
typedef err_t (*reference_fn)(void *owner, const struct reference *reference);

/* Every reference in `value`, those in texts of Fn::Sub included, but for names of Fn::Sub's own.
 */
err_t references_each(const json_t *value, reference_fn found, void *owner);

/* ---- The whole template (check.c) ---- */

struct check {
	const struct template *template;
	/* Every problem found; `line` 0: unknown. */
	void (*problem)(void *owner, unsigned line, const char *words);
	/*
	 * What is known of resource types; NULL: any. `nearest` of an unknown one may be NULL.
	 * A type's property or attribute that is not known is a problem as well.
	 */
	bool (*type)(void *owner, const char *type, const char **ret_nearest);
	bool (*property)(void *owner, const char *type, const char *property,
			 const char **ret_nearest);
	bool (*attribute)(void *owner, const char *type, const char *attribute,
			  const char **ret_nearest);
	void *owner;
	bool strict; /* also what is wrong only where nobody says otherwise: defaults */
};
/* Reports problems; ERR_INVALID when there was one. */
err_t template_check(const struct check *check);

/* ---- Parameters (parameters.c) ---- */

/*
 * `given` is {name: text}. Checks types and constraints, fills defaults in: *ret_values is
 * {name: text, or list of texts}. A parameter of type AWS::SSM::Parameter::Value<…> becomes what
 * `source` resolves. ERR_INVALID and AWS's words.
 */
err_t parameters_resolve(const struct template *template, const json_t *given,
			 const struct eval_source *source, void *owner, json_t **ret_values,
			 struct text *why);
/* What is wrong with a declaration; `strict`: with its default, too. ERR_INVALID and words. */
err_t parameter_check(const char *name, const json_t *declaration, bool strict, struct text *why);
bool parameter_is_secret(const json_t *declaration); /* NoEcho */

/* ---- Order (order.c) ---- */

/*
 * The resources of `names` (a list of texts) that must be there before each: *ret_needs is
 * {name: [name, …]}, among `names` only. ERR_INVALID and AWS's words for a circle.
 */
err_t resource_needs(const struct template *template, const json_t *names, json_t **ret_needs,
		     struct text *why);

/* The candidate most like `word`, or NULL when none is near. `candidates`: an object's keys. */
const char *nearest_key(const char *word, const json_t *candidates);

#endif
