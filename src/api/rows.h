/*
 * rows: the words in which services write their shapes (shape.h) and operations (api.h), for the
 * files that hold nothing but such tables:
 *
 *	STRUCTURE(tag, R("Key", &tag_key), M("Value", &tag_value));
 *	LIST_BETWEEN(tags, &tag, 0, 50);
 *
 * Shapes stay in their file, unless ROWS_SHARED is defined before this is included.
 */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "api/shape.h"

#ifdef ROWS_SHARED
#define ROW_SHAPE const struct api_shape
#else
#define ROW_SHAPE static const struct api_shape
#endif

/* Members: may be there, is required; the same with a location (rest.h), with EC2's wire name. */
#define M(name_, shape_)                           \
	{                                          \
		.name = (name_), .shape = (shape_) \
	}
#define R(name_, shape_)                                             \
	{                                                            \
		.name = (name_), .shape = (shape_), .required = true \
	}
#define M_AT(name_, shape_, at_)                                      \
	{                                                             \
		.name = (name_), .shape = (shape_), .location = (at_) \
	}
#define R_AT(name_, shape_, at_)                                                        \
	{                                                                               \
		.name = (name_), .shape = (shape_), .required = true, .location = (at_) \
	}
#define W(name_, shape_, wire_)                                     \
	{                                                           \
		.name = (name_), .shape = (shape_), .wire = (wire_) \
	}
#define S(name_) M(name_, &api_string)
#define I(name_) M(name_, &api_integer)
#define B(name_) M(name_, &api_boolean)
#define T(name_) M(name_, &api_timestamp)
#define D(name_) M(name_, &api_double)

#define STRUCTURE(id, ...)                      \
	ROW_SHAPE id = { .kind = API_STRUCTURE, \
			 .members = (const struct api_member[]){ __VA_ARGS__, API_END } }
#define LIST(id, item_) ROW_SHAPE id = { .kind = API_LIST, .item = (item_) }
#define LIST_BETWEEN(id, item_, min_, max_) \
	ROW_SHAPE id = { .kind = API_LIST, .item = (item_), .min = (min_), .max = (max_) }
#define MAP(id, item_) ROW_SHAPE id = { .kind = API_MAP, .item = (item_) }
#define STRING(id, min_, max_, pattern_) \
	ROW_SHAPE id = { .kind = API_STRING, .min = (min_), .max = (max_), .pattern = (pattern_) }
#define INTEGER(id, min_, max_) ROW_SHAPE id = { .kind = API_INTEGER, .min = (min_), .max = (max_) }
#define ENUM(id, ...) \
	ROW_SHAPE id = { .kind = API_STRING, .values = (const char *const[]){ __VA_ARGS__, NULL } }

/* What most operations are; a service wraps it in braces, with what it adds. */
#define ROW_OPERATION(service_, name_, effect_, input_, output_, handle_)                          \
	.name = (name_), .permission = service_ ":" name_, .effect = (effect_), .input = (input_), \
	.output = (output_), .handle = (handle_)

#endif
