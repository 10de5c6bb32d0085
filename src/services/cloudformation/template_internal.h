/*
 * template_internal: what the readers of YAML (template.c) and JSON (template_json.c) share.
 */
#ifndef SERVICES_CLOUDFORMATION_TEMPLATE_INTERNAL_H
#define SERVICES_CLOUDFORMATION_TEMPLATE_INTERNAL_H

#include "services/cloudformation/template.h"

/* Keeps where a value stood; of true, false and null, which have no place of their own, nothing. */
err_t template_note_line(struct template *template, const json_t *value, size_t line);

/* As template_parse; on an error template_fini is the caller's. */
err_t template_parse_json(struct bytes text, struct template *template, struct text *why);

#endif
