/*
 * rules: what a template's Rules demand of its parameters, before anything is touched. Pure.
 *
 * A rule asserts, where its RuleCondition holds or it has none. Besides the functions of conditions
 * it has Fn::Contains, Fn::EachMemberEquals and Fn::EachMemberIn; those that ask for what belongs
 * to a parameter's type (Fn::RefAll, Fn::ValueOf, Fn::ValueOfAll) are refused.
 */
#ifndef SERVICES_CLOUDFORMATION_RULES_H
#define SERVICES_CLOUDFORMATION_RULES_H

#include "services/cloudformation/evaluate.h"

/* What is wrong with a rule's form: a sentence for `where`; NULL when nothing is. */
const char *rule_problem(const json_t *rule, const json_t **ret_where);

/* ERR_INVALID and the failed assertion's own description in eval->why. */
err_t rules_hold(struct eval *eval);

#endif
