#include "lb/rewrite.h"

#include "http/h1.h"

static const char *const status_names[] = {
	[TRANSFORM_NONE] = NULL,
	[TRANSFORM_SUCCESS] = "TransformSuccess",
	[TRANSFORM_BUFFER_TOO_SMALL] = "TransformBufferTooSmall",
	[TRANSFORM_INVALID_HOST] = "TransformInvalidHost",
	[TRANSFORM_INVALID_PATH] = "TransformInvalidPath",
	[TRANSFORM_REPLACE_ERROR] = "TransformReplaceError",
};

const char *transform_status_name(enum transform_status status)
{
	assert((unsigned)status < COUNT(status_names));
	return status_names[status];
}

enum {
	HOST_BYTES_MAX = 255 + 6,		   /* a DNS name and ":65535" */
	URI_BYTES_MAX = H1_REQUEST_LINE_MAX - 256, /* room for the method and the version */
};

static void expand(struct text *out, struct bytes replace, struct bytes subject,
		   const struct regex_scratch *regex)
{
	for (size_t i = 0; i < replace.len; i++) {
		char c = replace.at[i];
		char next = i + 1 < replace.len ? replace.at[i + 1] : '\0';

		if (c == '$' && next >= '1' && next <= '9') {
			text_add(out, regex_group(regex, subject, (unsigned)(next - '0')));
			i++;
		} else {
			text_add_char(out, c);
		}
	}
}

/* *ret_result stays as it is when nothing matched. */
static err_t replace_first(struct rewriting *r, const struct plan_rewrite *plan,
			   struct bytes subject, size_t max_bytes, struct bytes *ret_result)
{
	struct text out = TEXT_INIT(max_bytes);
	struct bytes match;
	err_t err;

	switch (regex_find(plan->regex, subject, r->regex)) {
	case REGEX_NONE: return ERR_OK;
	case REGEX_LIMIT: r->status = TRANSFORM_REPLACE_ERROR; return ERR_INVALID;
	case REGEX_FOUND: break;
	}
	match = regex_group(r->regex, subject, 0);
	if (!match.at) {
		r->status = TRANSFORM_REPLACE_ERROR;
		return ERR_INVALID;
	}
	text_add(&out, bytes_upto(subject, (size_t)(match.at - subject.at)));
	expand(&out, plan->replace, subject, r->regex);
	text_add(&out, bytes_from(subject, (size_t)(match.at - subject.at) + match.len));
	err = text_err(&out);
	if (err == ERR_TOO_LARGE) {
		r->status = TRANSFORM_BUFFER_TOO_SMALL;
		err = ERR_INVALID;
	}
	if (!err)
		err = arena_copy(r->arena, text_bytes(&out), ret_result);
	text_fini(&out);
	return err;
}

/* RFC 3986 §3.2.2 without percent-encoding: a name, an address, a port. */
static bool host_is_valid(struct bytes host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = ascii_lower(host.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !memchr("-._:[]", c, 6))
			return false;
	}
	return host.len > 0;
}

static bool uri_is_valid(struct bytes uri)
{
	for (size_t i = 0; i < uri.len; i++) {
		unsigned char c = (unsigned char)uri.at[i];

		if (c <= ' ' || c == 0x7f || c == '#')
			return false;
	}
	return uri.len > 0 && uri.at[0] == '/';
}

static err_t check(struct rewriting *r)
{
	if (r->ret_host.at && !host_is_valid(r->ret_host)) {
		r->status = TRANSFORM_INVALID_HOST;
		return ERR_INVALID;
	}
	if (r->ret_uri.at && !uri_is_valid(r->ret_uri)) {
		r->status = TRANSFORM_INVALID_PATH;
		return ERR_INVALID;
	}
	return ERR_OK;
}

err_t rewrite(struct rewriting *r)
{
	const struct plan_rule *rule = r->rule;

	r->status = TRANSFORM_NONE;
	r->ret_host = r->ret_uri = BYTES_NONE;
	if (rule->host_rewrite.regex)
		TRY(replace_first(r, &rule->host_rewrite, r->host, HOST_BYTES_MAX, &r->ret_host));
	if (rule->url_rewrite.regex)
		TRY(replace_first(r, &rule->url_rewrite, r->uri, URI_BYTES_MAX, &r->ret_uri));
	TRY(check(r));
	if (r->ret_host.at || r->ret_uri.at)
		r->status = TRANSFORM_SUCCESS;
	return ERR_OK;
}
