/*
 * expand: Fn::ForEach of AWS::LanguageExtensions, worked out before a template is looked at. Pure.
 */
#ifndef SERVICES_CLOUDFORMATION_EXPAND_H
#define SERVICES_CLOUDFORMATION_EXPAND_H

#include "services/cloudformation/evaluate.h"

/* Whether the template names this transform. */
bool template_transforms(const struct template *template, const char *transform);

/*
 * Every loop becomes what it stands for; `parameters` as parameters_resolve gives them. Nothing
 * happens in a template without the transform. ERR_INVALID, ERR_TOO_LARGE and words in `why`.
 */
err_t template_expand(struct template *template, const json_t *parameters, struct text *why);

/* Parameters by which a template can be expanded that nobody gave any to; a new reference. */
json_t *parameters_sample(const struct template *template);

#endif
