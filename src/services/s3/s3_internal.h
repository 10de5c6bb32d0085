/*
 * s3_internal: records, and what the operations share.
 *
 *   s3.bucket   NAME                  {Created, Versioning, Tags, Policy, …}
 *   s3.object   BUCKET/KEY            the current version: bytes, or a delete marker
 *   s3.version  BUCKET/KEY\1ORDER     older ones, the newest first
 *   s3.pieces   ID                    {Pieces: [[FILE, bytes], …]} of an object of several files
 *   s3.upload   BUCKET/KEY\1UPLOAD    a multipart upload that goes on
 *   s3.part     UPLOAD/NUMBER         {File, Size, ETag, …}
 *   s3.notice   TIME+RANDOM           on its way to a function (outbox.h)
 *   name s3.file/FILE                 the file counts
 *
 * Ids are scanned in the order of their bytes, which is the order in which S3 lists keys.
 */
#ifndef SERVICES_S3_S3_INTERNAL_H
#define SERVICES_S3_S3_INTERNAL_H

#include "services/s3/checksum.h"
#include "services/s3/files.h"
#include "services/outbox.h"
#include "services/s3/s3.h"

#define S3_BUCKET  "s3.bucket"
#define S3_OBJECT  "s3.object"
#define S3_VERSION "s3.version"
#define S3_PIECES  "s3.pieces"
#define S3_UPLOAD  "s3.upload"
#define S3_PART	   "s3.part"
#define S3_FILE	   "s3.file"
#define S3_NOTICE  "s3.notice"

enum {
	S3_KEY_BYTES_MAX = 1024,
	S3_BUCKETS_MAX = 1000,
	S3_METADATA_BYTES_MAX = 2048,
	S3_TAGS_MAX = 10, /* of an object; of a bucket 50 */
	S3_BUCKET_TAGS_MAX = 50,
	S3_PARTS_MAX = 10000,
	S3_PAGE_MAX = 1000,
	S3_PART_BYTES_MIN = 5 * 1024 * 1024, /* but for the last one */
	S3_ID_BYTES = 2048,
	S3_VERSION_ID_BYTES = 32,
};

#define S3_PUT_BYTES_MAX (5ull << 30) /* of one request */

/* A bucket that lies elsewhere. */
struct s3_place {
	const char *bucket;
	struct api_elsewhere there;
};

struct s3 {
	struct s3_options options;
	struct arena arena;
	struct api_service service;
	struct store_listener listener;
	struct files *files;
	struct s3_place *places; /* in the arena */
	size_t place_count;	 /* sorted by name */
	uint64_t started_ms;
	struct outbox notices; /* of changes, on their way to functions */
};

/* Around a call: its transaction, values it keeps, and files that go when it is committed. */
struct s3_call {
	struct s3 *s3;
	struct store_txn *txn;
	json_t *held;
	struct text doomed; /* ids, one after the other */
};

static inline struct s3_call *s3_call_of(const struct api_call *call)
{
	return call->transaction;
}

static inline struct s3 *s3_of(const struct api_call *call)
{
	return call->service->state;
}

static inline uint64_t s3_now_ms(const struct s3 *s3)
{
	return loop_unix_us(s3->options.loop) / 1000;
}

extern const struct api_operation s3_operations[];
extern const size_t s3_operation_count;

/* ---- call.c ---- */

err_t s3_begin(struct api_call *call);
err_t s3_end(struct api_call *call, err_t verdict);
json_t *s3_hold(struct api_call *call, json_t *value); /* freed at the end; NULL on no memory */
const char *s3_text(const json_t *object, const char *key);	     /* "" when absent */
const char *s3_input(const struct api_call *call, const char *name); /* NULL when absent */
int64_t s3_number(const json_t *object, const char *key);
bool s3_true(const json_t *object, const char *key);
err_t s3_set(json_t *object, const char *key, json_t *value); /* takes the value */
err_t s3_set_text(json_t *object, const char *key, const char *value);
err_t s3_append(json_t *object, const char *list, json_t *value); /* takes the value */
err_t s3_not_implemented(struct api_call *call, const char *what);

/* ---- elsewhere.c ---- */

err_t s3_places_load(struct s3 *s3, struct text *why);
/* NULL: the bucket is here. */
const struct api_elsewhere *s3_place_of(const struct s3 *s3, struct bytes bucket);
const struct api_elsewhere *s3_elsewhere_of(const struct api_service *service, struct bytes label);

/* ---- records.c ---- */

/* The faults NoSuchBucket, NoSuchKey, NoSuchVersion, NoSuchUpload. *ret_… are held. */
err_t s3_bucket(struct api_call *call, json_t **ret_bucket); /* that the input names */
err_t s3_bucket_named(struct api_call *call, const char *name, json_t **ret_bucket);
err_t s3_bucket_put(struct api_call *call, const char *name, json_t *bucket);
const char *s3_key_id(struct api_call *call, const char *bucket, const char *key);
/* Current, or of a version id; NULL in *ret_object when there is none. Markers count. */
err_t s3_look(struct api_call *call, const char *bucket, const char *key, const char *version,
	      json_t **ret_object);
/* What GET and HEAD ask for: sets version fields and the faults for markers. */
err_t s3_object(struct api_call *call, const char *bucket, const char *key, const char *version,
		json_t **ret_object);
/* Makes `object` the current version, as the bucket's versioning says; sets its VersionId. */
err_t s3_object_put(struct api_call *call, const json_t *bucket, const char *bucket_name,
		    const char *key, json_t *object);
err_t s3_object_update(struct api_call *call, const char *bucket, const char *key, json_t *object);
/* Takes a version away, with its files; the newest of the others becomes current. */
err_t s3_version_delete(struct api_call *call, const char *bucket, const char *key,
			const json_t *object);
/* Older versions of the key, newest first, appended to the array. */
err_t s3_versions(struct api_call *call, const char *bucket, const char *key, json_t *into);

/* Files of an object or part: count them, forget them (removed after the commit). */
err_t s3_files_keep(struct api_call *call, const char *file);
err_t s3_files_drop(struct api_call *call, const char *file);
err_t s3_object_drop(struct api_call *call, const json_t *object);
/* [[FILE, bytes], …], held. */
err_t s3_pieces(struct api_call *call, const json_t *object, json_t **ret_pieces);
/* Gives the object its pieces: one is told inside, several in a record. */
err_t s3_pieces_set(struct api_call *call, json_t *object, json_t *pieces);

/* ---- conditions.c: pure ---- */

enum s3_condition { S3_GO_ON, S3_NOT_MODIFIED, S3_FAILED };
struct s3_conditions {
	const char *if_match, *if_none_match;		/* NULL when absent */
	int64_t modified_since_ms, unmodified_since_ms; /* -1 when absent */
};
/* RFC 9110 §13.2.2, as S3 applies it to reads. `etag` without quotes. */
enum s3_condition s3_conditions_hold(const struct s3_conditions *conditions, const char *etag,
				     uint64_t modified_ms);
bool s3_etag_listed(struct bytes list, const char *etag);

enum s3_range { S3_WHOLE, S3_PART_OF_IT, S3_UNSATISFIABLE };
/* "bytes=0-99", "bytes=-5"; what is no single range is ignored, as S3 does. */
enum s3_range s3_range(struct bytes text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last);
bool s3_bucket_name_valid(struct bytes name);

/* ---- source.c: reading pieces, any thread but open and close ---- */

struct s3_piece {
	char file[FILE_ID_BYTES + 1];
	uint64_t bytes;
};
struct s3_source {
	struct files *files;
	struct s3_piece *pieces; /* malloc'ed */
	size_t count, index;
	uint64_t at, left; /* inside the piece; of all */
	int fd;
};
/* Bytes first to last-exclusive `length` of the pieces; holds the files until close. */
err_t s3_source_open(struct s3 *s3, const json_t *pieces, uint64_t first, uint64_t length,
		     struct s3_source *ret_source);
err_t s3_source_read(struct s3_source *source, char *at, size_t room, size_t *ret_len);
void s3_source_close(struct s3_source *source); /* control thread */
err_t s3_outlet_create(struct s3 *s3, const json_t *pieces, uint64_t first, uint64_t length,
		       struct api_outlet **ret_outlet);

/* ---- intake.c ---- */

struct s3_intake {
	struct api_intake base;
	struct s3 *s3;
	char file[FILE_ID_BYTES + 1];
	struct file_writer writer;
	struct digest_stream *md5;
	struct checksum sum;
	uint64_t bytes, bytes_max;
	char wanted_md5[33];		      /* hex; "" */
	char wanted_sum[CHECKSUM_TEXT_BYTES]; /* "" */
	bool sum_follows;		      /* in a trailer */
	struct s3_source source;	      /* copies: read instead of a body */
	char (*links)[FILE_ID_BYTES + 1];     /* of each piece of the source, instead of reading */
	bool copies, finished, kept;
	/* When finished: */
	char etag[33], sum_text[CHECKSUM_TEXT_BYTES];
};
/* For the checksum fields of the input. */
err_t s3_intake_make(struct api_call *call, enum checksum_kind otherwise);
/* Gives the pieces second names instead of reading them: an object's own checksums stay good. */
err_t s3_intake_link(struct api_call *call, const json_t *pieces, uint64_t bytes);
/* Reads a range of an object instead; with `kind` as its checksum. */
err_t s3_intake_copy(struct api_call *call, const json_t *pieces, uint64_t first, uint64_t length,
		     enum checksum_kind kind);
struct s3_intake *s3_intake_of(struct api_call *call);
/* Its files count from now on, and stay if the call is committed. */
err_t s3_intake_keep(struct api_call *call, json_t **ret_pieces);
void s3_intake_forget(struct api_call *call); /* the call was not committed */

/* ---- headers.c: what requests say of an object beside its bytes ---- */

err_t s3_describe(struct api_call *call, json_t *object);   /* input → record; refuses the rest */
err_t s3_show(struct api_call *call, const json_t *object); /* record → answer's fields */
err_t s3_check_owner(struct api_call *call);
err_t s3_tags_read(struct api_call *call, const json_t *set, size_t most, json_t **ret_tags);
err_t s3_tags_of_header(struct api_call *call, const char *text, json_t **ret_tags);
json_t *s3_tags_show(const json_t *tags);
err_t s3_show_checksum(struct api_call *call, const json_t *object, json_t *into);
err_t s3_write_conditions(struct api_call *call, const char *bucket, const char *key);

/* ---- notifications.c ---- */

/* What became of an object ("ObjectCreated:Put"), for the functions that the bucket tells it. */
err_t s3_tell(struct api_call *call, const json_t *bucket, const char *bucket_name, const char *key,
	      const json_t *object, const char *event);

/* ---- what handlers' files need of each other ---- */

json_t *s3_owner(struct api_call *call); /* a new reference */
/* *ret_why: NULL, or AWS's words for what is wrong with it. */
err_t s3_policy_check(struct api_call *call, const char *text, const char *bucket,
		      const char **ret_why);
err_t s3_object_facts(struct api_call *call, json_t *object, uint64_t bytes, const char *etag);
err_t s3_object_checksum(json_t *object, enum checksum_kind kind, const char *value,
			 const char *type);
err_t s3_upload_find(struct api_call *call, json_t **ret_upload); /* NoSuchUpload */
err_t s3_part_put(struct api_call *call, json_t **ret_part);	  /* of the intake */

#define S3_HANDLER(name) err_t s3_##name(struct api_call *call);
#include "services/s3/handlers.def"
#undef S3_HANDLER

#endif
