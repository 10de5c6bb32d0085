/*
 * object_url: the addresses by which templates name objects in S3. Pure.
 */
#ifndef SERVICES_CLOUDFORMATION_OBJECT_URL_H
#define SERVICES_CLOUDFORMATION_OBJECT_URL_H

#include "base/text.h"

enum { BUCKET_CHARS_MAX = 63, KEY_BYTES_MAX = 1024, VERSION_CHARS_MAX = 128 };

struct object_url {
	char bucket[BUCKET_CHARS_MAX + 1], key[KEY_BYTES_MAX + 1];
	char version[VERSION_CHARS_MAX + 1]; /* "" : the newest */
};

/*
 * s3://BUCKET/KEY, https://s3.REGION.amazonaws.com/BUCKET/KEY, https://s3-REGION.…/BUCKET/KEY,
 * https://BUCKET.s3.REGION.amazonaws.com/KEY, http://BUCKET.s3.localhost:4566/KEY,
 * http://127.0.0.1:4566/BUCKET/KEY; each with ?versionId=…. ERR_SYNTAX: it is none of these.
 */
err_t object_url_parse(struct bytes url, struct object_url *ret_url);

#endif
