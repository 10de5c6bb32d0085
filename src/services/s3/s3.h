/*
 * s3: buckets and objects: what is known of them in the store, their bytes in files (files.h). The
 * control thread; bodies are written and read on the API's threads.
 */
#ifndef SERVICES_S3_S3_H
#define SERVICES_S3_S3_H

#include "api/api.h"
#include "base/text.h"
#include "store/store.h"

struct s3;

/* A bucket that lies at another endpoint; strings but the first three may be NULL. */
struct s3_elsewhere {
	const char *bucket, *endpoint, *credentials; /* a file: mode 0600 */
	const char *region, *name, *ca_file;
};

struct s3_options {
	struct api *api; /* the service registers itself here; borrowed, as store and loop */
	struct store *store;
	struct loop *loop;
	const char *folder; /* DATA/s3; copied, as account and Region */
	const char *account, *region;
	const struct s3_elsewhere *elsewhere; /* lent for s3_create */
	size_t elsewhere_count;
	/*
	 * Event notifications: whether S3 may invoke a function for a bucket, and an event for one
	 * that it may. ERR_NOT_FOUND, ERR_DENIED; anything else: later. NULL: there are none.
	 */
	err_t (*may_notify)(void *owner, const char *bucket_arn, const char *function_arn);
	err_t (*notify)(void *owner, const char *bucket_arn, const char *function_arn,
			const char *event);
	void *owner;
};

/* Opens the files and begins to look for leftovers; `why` gets a sentence on failure. */
err_t s3_create(const struct s3_options *options, struct s3 **ret_s3, struct text *why);
/* After the API's front, before the store; NULL is welcome. */
void s3_destroy(struct s3 *s3);

/*
 * Puts an object from inside the house, as a service of AWS does with its logs; who calls has asked
 * api_may. Blocks for a write and a sync: not for large bodies. ERR_NOT_FOUND: no such bucket.
 */
err_t s3_put(struct s3 *s3, const char *bucket, const char *key, const char *content_type,
	     struct bytes body);

/*
 * Reads an object likewise, into what the text has room for: ERR_NOT_FOUND, ERR_TOO_LARGE.
 * `version` NULL: the newest.
 */
err_t s3_get(struct s3 *s3, const char *bucket, const char *key, const char *version,
	     struct text *out);

#endif
