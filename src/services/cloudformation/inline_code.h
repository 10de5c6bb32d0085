/*
 * inline_code: the package of a function whose code stands in the template (Code.ZipFile). Pure.
 *
 * As at AWS the text becomes index.py or index.js, and beside it lies the module with which the
 * code of a custom resource answers: cfnresponse for Python, cfn-response for Node.js.
 */
#ifndef SERVICES_CLOUDFORMATION_INLINE_CODE_H
#define SERVICES_CLOUDFORMATION_INLINE_CODE_H

#include "base/err.h"
#include "base/text.h"

enum { INLINE_CODE_BYTES_MAX = 4 * 1024 * 1024 };

/*
 * Adds a zip to `out`, the same bytes for the same code. ERR_INVALID: a runtime whose code cannot
 * stand in a template; ERR_TOO_LARGE; ERR_NOMEM.
 */
err_t inline_code_pack(const char *runtime, struct bytes code, struct text *out);

#endif
