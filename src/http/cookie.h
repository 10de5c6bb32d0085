/*
 * cookie: the Cookie field (RFC 6265 §4.2) and Set-Cookie names. Pure.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "http/message.h"

/* The first cookie of that name over all Cookie fields; BYTES_NONE when absent. */
struct bytes cookie_find(const struct http_head *head, struct bytes name);

/* Name and value of one Set-Cookie value; ERR_SYNTAX. */
err_t cookie_parse_set(struct bytes set_cookie, struct bytes *ret_name, struct bytes *ret_value);

#endif
