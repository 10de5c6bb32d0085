/*
 * gunzip: a body that came with Content-Encoding: gzip, as newer clients send large metric data.
 * Pure; never larger than a plain body may be.
 */
#ifndef API_GUNZIP_H
#define API_GUNZIP_H

#include "base/text.h"

/* Appends the plain bytes. ERR_SYNTAX, ERR_TOO_LARGE (out's maximum), ERR_NOMEM. */
err_t gunzip(struct bytes body, struct text *out);

/* The other way. ERR_TOO_LARGE, ERR_NOMEM. */
err_t gzip(struct bytes plain, struct text *out);

#endif
