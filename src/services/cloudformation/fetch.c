/*
 * fetch: objects in S3 that templates name: templates themselves, and what they include.
 */
#include "services/cloudformation/object_url.h"
#include "services/cloudformation/stacks.h"

err_t fetch_object(struct cloudformation *cfn, const struct api_caller *caller, const char *url,
		   struct text *out, struct text *why)
{
	const struct cloudformation_options *options = &cfn->options;
	struct object_url at;
	err_t err = object_url_parse(bytes_of(url), &at);

	if (err) {
		text_printf(why,
			    "TemplateURL must be a supported URL: that of an object in S3, not "
			    "'%.300s'",
			    url);
		return ERR_INVALID;
	}
	err = options->object ? options->object(options->owner, caller, at.bucket, at.key,
						at.version[0] ? at.version : NULL, out)
			      : ERR_NOT_FOUND;
	if (err == ERR_NOT_FOUND)
		text_printf(why, "S3 error: there is no object '%.300s' in the bucket '%s'", at.key,
			    at.bucket);
	else if (err == ERR_DENIED)
		text_printf(why, "S3 error: Access Denied to '%.300s' in the bucket '%s'", at.key,
			    at.bucket);
	else if (err == ERR_TOO_LARGE)
		text_printf(why, "S3 error: '%.300s' has more than %zu bytes", at.key, out->max);
	return err == ERR_NOT_FOUND || err == ERR_DENIED || err == ERR_TOO_LARGE ? ERR_INVALID
										 : err;
}
