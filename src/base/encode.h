/*
 * encode: hexadecimal, base64 and percent encodings, both ways. Pure functions.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/text.h"

void encode_hex(struct text *out, struct bytes in);	   /* lower case */
err_t decode_hex(struct text *out, struct bytes in);	   /* ERR_SYNTAX */
void encode_base64(struct text *out, struct bytes in);	   /* with padding, RFC 4648 §4 */
err_t decode_base64(struct text *out, struct bytes in);	   /* padding required */
void encode_base64url(struct text *out, struct bytes in);  /* no padding, RFC 4648 §5 */
err_t decode_base64url(struct text *out, struct bytes in); /* padding optional */
void encode_percent(struct text *out, struct bytes in,
		    bool keep_slash); /* RFC 3986 unreserved stay */
err_t decode_percent(struct text *out, struct bytes in,
		     bool plus_is_space); /* ERR_SYNTAX on "%z" */

/* As inside an XML text or attribute, or a JSON string (without the quotes). */
void encode_xml(struct text *out, struct bytes in);
void encode_json(struct text *out, struct bytes in); /* invalid UTF-8 becomes U+FFFD */

bool utf8_valid(struct bytes in); /* RFC 3629: no surrogates, no overlong forms */

/* At most `max` bytes, not ending inside a character. */
struct bytes utf8_clip(struct bytes text, size_t max);

#endif
