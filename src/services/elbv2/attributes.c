/*
 * attributes: reading and checking one value. The table is attributes.def.
 */
#include "services/elbv2/attributes.h"

#include <ctype.h>
#include <strings.h>

#define OWNER_LB       RESOURCE_LOAD_BALANCER
#define OWNER_TG       RESOURCE_TARGET_GROUP
#define OWNER_LISTENER RESOURCE_LISTENER

const struct attribute attributes[] = {
#define ATTRIBUTE(owner_, key_, fallback_, type_, min_, max_, values_, effect_, why_) \
	{                                                                             \
		OWNER_##owner_, key_,	 fallback_,	   TYPE_##type_, min_,        \
		max_,		values_, EFFECT_##effect_, why_                       \
	},
#include "services/elbv2/attributes.def"
#undef ATTRIBUTE
};

const size_t attribute_count = COUNT(attributes);

const struct attribute *attribute_find(enum resource owner, const char *key)
{
	for (size_t i = 0; i < attribute_count; i++)
		if (attributes[i].owner == owner && strcmp(attributes[i].key, key) == 0)
			return &attributes[i];
	return NULL;
}

/* ---- Reading ---- */

const char *attribute_value(enum resource resource, const json_t *body, const char *key)
{
	const char *set = get_string(json_object_get(body, "attributes"), key);
	const struct attribute *row = attribute_find(resource, key);

	assert(row);
	if (set)
		return set;
	if (strcmp(key, "ipv6.deny_all_igw_traffic") == 0)
		return strcmp(get_string(api_part(body), "Scheme"), "internal") == 0 ? "true"
										     : "false";
	return row->fallback;
}

uint32_t attribute_int(enum resource resource, const json_t *body, const char *key)
{
	uint64_t value = 0;

	/* "off" is no number, and means 0 wherever it may be said. */
	if (bytes_to_u64(bytes_of(attribute_value(resource, body, key)), UINT32_MAX, &value))
		return 0;
	return (uint32_t)value;
}

bool attribute_true(enum resource resource, const json_t *body, const char *key)
{
	return strcmp(attribute_value(resource, body, key), "true") == 0;
}

/* Digits of a tag or attribute, checked when they were set. */
static bool number(const char *text, uint32_t *ret_value)
{
	uint64_t value;

	if (!text || bytes_to_u64(bytes_of(text), UINT32_MAX, &value))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

/* The attribute, else the tag; NULL: neither. */
static const char *weir_text(const json_t *body, const char *key)
{
	char name[128];
	const char *value;

	snprintf(name, sizeof name, "weir.%s", key);
	value = get_string(json_object_get(body, "attributes"), name);
	snprintf(name, sizeof name, "weir:%s", key);
	return value ? value : get_string(json_object_get(body, "tags"), name);
}

bool weir_value(const json_t *body, const char *key, uint32_t *ret_value)
{
	return number(weir_text(body, key), ret_value);
}

bool weir_true(const json_t *group, const json_t *load_balancer, const char *key)
{
	const char *value = weir_text(group, key);

	if (!value && load_balancer)
		value = weir_text(load_balancer, key);
	return value && strcmp(value, "true") == 0;
}

/* ---- Checking ---- */

static bool listed(const char *values, const char *value)
{
	struct bytes rest = bytes_of(values), item;

	while (bytes_cut(&rest, ',', &item))
		if (bytes_eq_str(bytes_trim(item), value))
			return true;
	return false;
}

const char *attribute_tidy(struct api_call *call, const struct attribute *row, const char *value)
{
	static const struct {
		enum attribute_type type;
		const char *wrong, *right;
	} meant[] = {
		{ TYPE_BOOL, "1", "true" },
		{ TYPE_BOOL, "on", "true" },
		{ TYPE_BOOL, "yes", "true" },
		{ TYPE_BOOL, "true", "true" },
		{ TYPE_BOOL, "0", "false" },
		{ TYPE_BOOL, "off", "false" },
		{ TYPE_BOOL, "no", "false" },
		{ TYPE_BOOL, "false", "false" },
		{ TYPE_ENUM, "least_connections", "least_outstanding_requests" },
		{ TYPE_ENUM, "leastconn", "least_outstanding_requests" },
	};
	struct bytes text = bytes_of(value);

	if (row->type != TYPE_TEXT) {
		text = bytes_trim(text);
		while (text.len && text.at[text.len - 1] == ',')
			text = bytes_trim(bytes_upto(text, text.len - 1));
	}
	for (size_t i = 0; i < COUNT(meant); i++)
		if (meant[i].type == row->type && !listed(row->values, value) &&
		    bytes_eq_nocase(text, bytes_of(meant[i].wrong)))
			return meant[i].right;
	return arena_string(call->arena, text);
}

static err_t check_number(struct api_call *call, const struct attribute *row, const char *value)
{
	const char *also = row->type == TYPE_ZERO_OR_INT  ? "0"
			   : row->type == TYPE_OFF_OR_INT ? "off"
							  : NULL;
	uint64_t got;

	if (also && strcmp(value, also) == 0)
		return ERR_OK;
	if (!bytes_to_u64(bytes_of(value), INT32_MAX, &got) && (int64_t)got >= row->min &&
	    (int64_t)got <= row->max)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "'%s' value '%s' must be %s%s%sbetween '%lld-%lld' inclusive", row->key,
			 value, also ? "'" : "", also ? also : "", also ? "' or " : "",
			 (long long)row->min, (long long)row->max);
}

/* Characters that listener header values may have, reference §3.11. */
static bool header_value_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_ :;.,\\/'?!(){}[]@<>=-+*#&`|~^%", c));
}

static err_t check_header(struct api_call *call, const struct attribute *row, const char *value)
{
	uint64_t seconds;

	for (const char *c = value; *c; c++)
		if (!header_value_char(*c))
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' contains characters that are not allowed",
					 row->key, value);
	if (!value[0] || !row->values[0])
		return ERR_OK;
	if (strcmp(row->values, "seconds") == 0) {
		if (bytes_to_u64(bytes_of(value), INT32_MAX, &seconds))
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' must be a number of seconds", row->key,
					 value);
		return ERR_OK;
	}
	if (listed(row->values, value) || (listed(row->values, "ALLOW-FROM") &&
					   bytes_starts(bytes_of(value), BYTES("ALLOW-FROM "))))
		return ERR_OK;
	return api_fault(call, "ValidationError", "'%s' value '%s' must be one of '%s'", row->key,
			 value, row->values);
}

static err_t check_text(struct api_call *call, const struct attribute *row, const char *value)
{
	if (row->max && strlen(value) > (size_t)row->max)
		return api_fault(call, "ValidationError",
				 "'%s' value cannot be longer than '%lld' characters", row->key,
				 (long long)row->max);
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return api_fault(call, "ValidationError",
					 "'%s' value contains control characters", row->key);
	if (row->owner == RESOURCE_LISTENER)
		return check_header(call, row, value);
	if (strcmp(row->key, "stickiness.app_cookie.cookie_name") == 0)
		for (const char *c = value; *c; c++)
			if (*c <= ' ' || strchr("()<>@,;:\\\"/[]?={}", *c))
				return api_fault(call, "ValidationError",
						 "'%s' value '%s' is not a cookie name", row->key,
						 value);
	return ERR_OK;
}

err_t attribute_check(struct api_call *call, const struct attribute *row, const char *value)
{
	switch (row->type) {
	case TYPE_BOOL:
		if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
			return ERR_OK;
		return api_fault(call, "ValidationError",
				 "'%s' value '%s' must be one of 'true, false'", row->key, value);
	case TYPE_ENUM:
		if (listed(row->values, value))
			return ERR_OK;
		return api_fault(call, "ValidationError", "'%s' value '%s' must be one of '%s'",
				 row->key, value, row->values);
	case TYPE_INT:
	case TYPE_ZERO_OR_INT:
	case TYPE_OFF_OR_INT: return check_number(call, row, value);
	case TYPE_TEXT: break;
	}
	return check_text(call, row, value);
}

err_t weir_tag_check(struct api_call *call, const char *key, const char *value)
{
	const struct attribute *row;
	char name[160];

	snprintf(name, sizeof name, "weir.%s", key + strlen("weir:"));
	row = attribute_find(RESOURCE_TARGET_GROUP, name);
	if (!row)
		return api_fault(call, "ValidationError", "Tag key '%s' is not recognized", key);
	if (attribute_check(call, row, value)) {
		/* The same sentence, about the name as it was given. */
		if (row->type == TYPE_BOOL)
			return api_fault(call, "ValidationError",
					 "'%s' value '%s' must be one of 'true, false'", key,
					 value);
		return api_fault(call, "ValidationError",
				 "'%s' value '%s' must be between '%lld-%lld' inclusive", key,
				 value, (long long)row->min, (long long)row->max);
	}
	return ERR_OK;
}
