/*
 * check: what `ragd check` prints: the settings as they came to be, secrets masked, and what is
 * missing of what they need. Opens nothing and changes nothing.
 */
#ifndef RAG_CHECK_H
#define RAG_CHECK_H

#include "base/text.h"
#include "rag/settings.h"

/* ERR_INVALID when ragd could not start with these. */
err_t check_settings(const struct settings *settings, struct text *out);

#endif
