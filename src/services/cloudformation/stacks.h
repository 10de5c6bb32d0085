/*
 * stacks: what stacks.c and change_sets.c share: from an input to a stack at work.
 */
#ifndef SERVICES_CLOUDFORMATION_STACKS_H
#define SERVICES_CLOUDFORMATION_STACKS_H

#include "services/cloudformation/cloudformation_internal.h"

#define NO_UPDATES "No updates are to be performed."

/* "" (nothing), CAPABILITY_IAM or CAPABILITY_NAMED_IAM. */
const char *capability_needed(const struct template *template);

/* Whether one must be acknowledged for a resource of this type. */
bool is_iam_type(const char *type);

/*
 * Whether a template has transforms, whose outcome nobody has seen: CAPABILITY_AUTO_EXPAND. One
 * with `included` parts has had the transform AWS::Include.
 */
bool has_macros(const struct template *template, bool included);

/* Whether the call acknowledges what its template, in `stack`, needs. */
err_t check_capabilities(struct api_call *call, const struct stack *stack);

/* The first problem as a fault. */
err_t check_template(struct api_call *call, const struct template *template);

/* The input's template, parameters and settings as a record, checked; from `old` where the input
 * says "previous". */
err_t body_of_input(struct api_call *call, const char *name, const json_t *old, json_t **ret_body);

/* Its text, from the body, from S3 by URL, or the previous one. */
err_t template_of_input(struct api_call *call, const json_t *old, json_t **ret_text);

/*
 * What lies in S3 at `url`, as `caller` may read it, into what `out` has room for. ERR_INVALID and
 * words in `why` when it cannot be had.
 */
err_t fetch_object(struct cloudformation *cfn, const struct api_caller *caller, const char *url,
		   struct text *out, struct text *why);

/* The template with what AWS::Include names in its place; *ret_text NULL: it includes nothing. */
err_t template_include(struct api_call *call, const json_t *text, const json_t *given,
		       json_t **ret_text);

/* Whether it includes anything that is not in its place yet. */
bool template_includes(const struct template *template);

/* [{ParameterKey, ParameterValue}] of a record, secrets masked; a new reference. */
json_t *parameters_shown(const json_t *body);

/* Of a stack or change set, `member` of the input. */
err_t cfn_check_name(struct api_call *call, const char *name, const char *member);

/* A new record in the store; takes `body` over. */
err_t new_stack(struct api_call *call, json_t *body, const char *status, struct stack **ret_stack);
err_t load_updatable(struct api_call *call, const char *name, struct stack **ret_stack);
bool changes_anything(const json_t *old, const json_t *body);

/* The policy that `member` of the input names (…Body, …URL), checked, as `key` of the body. */
err_t policy_of_input(struct api_call *call, const char *member, const char *key, json_t *body);

/* Both take the stack over, the second `body` as well. */
err_t begin_create_stack(struct stack *stack);
err_t begin_update_stack(struct stack *stack, json_t *body);

/* The page of `all` that the input's NextToken asks for, as `list` of the output. */
err_t page_of(struct api_call *call, const char *list, json_t *all);

err_t fault_of(struct api_call *call, const struct text *why);
err_t no_stack(struct api_call *call, const char *name);
/* As stack_load, with a fault where there is none; and of the one that StackName names. */
err_t stack_named(struct api_call *call, const char *name, struct stack **ret_stack);
err_t stack_of_call(struct api_call *call, struct stack **ret_stack);
/* Whether a list of texts, of which none means all, has this one. */
bool is_listed(const json_t *names, const char *name);

#endif
