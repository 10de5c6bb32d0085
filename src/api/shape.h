/*
 * shape: what an operation takes and gives, as constant data: botocore's model in rows.
 * Decoders, checks and encoders walk it; handlers never see a wire form.
 */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include "base/bytes.h"

enum api_kind {
	API_STRUCTURE,
	API_LIST,
	API_MAP, /* string keys */
	API_STRING,
	API_INTEGER, /* int32 or int64: json integer */
	API_DOUBLE,
	API_BOOLEAN,
	API_TIMESTAMP, /* JSON: number of milliseconds since 1970; the encoder writes the form's own
			*/
	API_BLOB,      /* JSON: base64 string */
};

struct api_shape;

struct api_member {
	const char *name; /* wire and JSON name: "TargetGroupArn" */
	const struct api_shape *shape;
	bool required;
	const char *location; /* of the REST forms: where else than in the body; see rest.h */
	/*
	 * EC2's name on the wire where it is not `name` with a small first letter ("vpcSet" for
	 * Vpcs, "Filter" for Filters); requests write it with a capital one. NULL elsewhere.
	 */
	const char *wire;
};

struct api_shape {
	enum api_kind kind;
	const struct api_member *members; /* structure; ends with name == NULL */
	const struct api_shape *item;	  /* list, map values */
	const char *item_name;		  /* list: "member" unless set ("item" for EC2) */
	/*
	 * Limits; 0 max: none. Strings by length in characters, lists by length, integers by
	 * value (where min 0 with max 0 is no limit at all).
	 */
	int64_t min, max;
	const char *const *values; /* enum: NULL-terminated */
	const char *pattern;	   /* PCRE2, anchored by itself */
	bool flattened;		   /* list without a wrapper */
};

extern const struct api_shape api_shape_none; /* a structure without members */

/* Free-form and common leaves. */
extern const struct api_shape api_string, api_integer, api_boolean, api_timestamp, api_double;
extern const struct api_shape api_blob;

#define API_END              \
	{                    \
		.name = NULL \
	}

#endif
