/*
 * conditions: when a rule applies, checked, as Describe answers it (reference §3.2, §3.3); and
 * transforms (§3.8), which are rules' too.
 */
#include "services/elbv2/elbv2_internal.h"

#include <ctype.h>
#include <strings.h>

#include "services/elbv2/regex_check.h"

enum {
	VALUES_PER_RULE = 5,
	WILDCARDS_PER_RULE = 6,
	VALUE_MAX_BYTES = 128,
	HEADER_NAME_MAX_BYTES = 40,
	METHOD_MAX_BYTES = 40,
	REWRITE_MAX_BYTES = 1024,
};

struct counts {
	unsigned values, wildcards;
};

/* ---- One value of each kind ---- */

static err_t too_long(struct api_call *call, const char *field, const char *value, size_t max)
{
	if (!value[0])
		return api_fault(call, "ValidationError", "A condition value must be specified");
	if (strlen(value) > max)
		return api_fault(call, "ValidationError",
				 "The '%s' value is too long; the limit is '%zu'", field, max);
	return ERR_OK;
}

static err_t bad_characters(struct api_call *call, const char *field, const char *value)
{
	return api_fault(call, "ValidationError",
			 "The '%s' value '%s' contains characters that are not valid", field,
			 value);
}

static err_t check_path(struct api_call *call, const char *value)
{
	TRY(too_long(call, "path-pattern", value, VALUE_MAX_BYTES));
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.$/~\"'@:+&*?", *c))
			return bad_characters(call, "path-pattern", value);
	return ERR_OK;
}

/* "https://app.example.com:8080" can only mean the host in it. */
static const char *bare_host(struct api_call *call, const char *value)
{
	struct bytes text = bytes_of(value);
	size_t colon;

	if (bytes_starts_nocase(text, BYTES("http://")))
		text = bytes_from(text, 7);
	else if (bytes_starts_nocase(text, BYTES("https://")))
		text = bytes_from(text, 8);
	if (text.len && text.at[text.len - 1] == '/')
		text.len--;
	colon = bytes_index(text, ':');
	return arena_string(call->arena, bytes_upto(text, colon));
}

static err_t check_host(struct api_call *call, const char *value)
{
	const char *dot = strrchr(value, '.');

	TRY(too_long(call, "host-header", value, VALUE_MAX_BYTES));
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-.*?", *c))
			return bad_characters(call, "host-header", value);
	if (!dot)
		return api_fault(
			call, "ValidationError",
			"The 'host-header' value '%s' must contain at least one '.' character",
			value);
	for (const char *c = dot + 1; *c; c++)
		if (!isalpha((unsigned char)*c) && !strchr("*?", *c))
			return api_fault(call, "ValidationError",
					 "The 'host-header' value '%s' can have only alphabetical "
					 "characters after the last '.' character",
					 value);
	return ERR_OK;
}

static err_t check_visible(struct api_call *call, const char *field, const char *value, size_t max)
{
	TRY(too_long(call, field, value, max));
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			return bad_characters(call, field, value);
	return ERR_OK;
}

static err_t check_header_name(struct api_call *call, const char *name)
{
	if (!name || !name[0])
		return api_fault(call, "ValidationError", "An HTTP header name must be specified");
	if (strlen(name) > HEADER_NAME_MAX_BYTES)
		return api_fault(call, "ValidationError",
				 "The HTTP header name is too long; the limit is '%d'",
				 HEADER_NAME_MAX_BYTES);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'+-.^_`|~", *c))
			return api_fault(
				call, "ValidationError",
				"The HTTP header name '%s' contains characters that are not valid",
				name);
	if (strcasecmp(name, "host") == 0)
		return api_fault(call, "ValidationError",
				 "The HTTP header name cannot be 'Host'; use the condition field "
				 "'host-header'");
	return ERR_OK;
}

static err_t check_method(struct api_call *call, const char *value)
{
	TRY(too_long(call, "http-request-method", value, METHOD_MAX_BYTES));
	for (const char *c = value; *c; c++)
		if (!isupper((unsigned char)*c) && *c != '-' && *c != '_')
			return api_fault(
				call, "ValidationError",
				"The 'http-request-method' value '%s' can have only the characters "
				"A-Z, hyphen and underscore",
				value);
	return ERR_OK;
}

static err_t check_source(struct api_call *call, const char *value)
{
	struct cidr cidr;

	if (cidr_parse(bytes_of(value), &cidr))
		return api_fault(call, "ValidationError",
				 "The 'source-ip' value '%s' must be in CIDR format", value);
	if (strcmp(value, "255.255.255.255/32") == 0)
		return api_fault(call, "ValidationError", "The 'source-ip' value '%s' is not valid",
				 value);
	return ERR_OK;
}

static unsigned wildcards_of(const char *value, bool escapes)
{
	unsigned count = 0;

	for (const char *c = value; *c; c++) {
		if (escapes && *c == '\\' && c[1])
			c++;
		else
			count += *c == '*' || *c == '?';
	}
	return count;
}

/* ---- The kinds ---- */

enum field { PATH, HOST, HEADER, METHOD, QUERY, SOURCE, FIELDS };

static const struct field_row {
	const char *name, *config;
	bool once;    /* at most one condition of it per rule */
	bool plain;   /* may be said by Values alone, and is echoed so */
	bool regexes; /* takes RegexValues */
	bool wild;    /* * and ? are wildcards */
} field_rows[FIELDS] = {
	[PATH] = { "path-pattern", "PathPatternConfig", true, true, true, true },
	[HOST] = { "host-header", "HostHeaderConfig", true, true, true, true },
	[HEADER] = { "http-header", "HttpHeaderConfig", false, false, true, true },
	[METHOD] = { "http-request-method", "HttpRequestMethodConfig", true, false, false, false },
	[QUERY] = { "query-string", "QueryStringConfig", false, false, false, true },
	[SOURCE] = { "source-ip", "SourceIpConfig", true, false, false, false },
};

static err_t field_of(struct api_call *call, const char *name, enum field *ret_field)
{
	for (unsigned i = 0; name && i < FIELDS; i++) {
		if (strcmp(field_rows[i].name, name) == 0) {
			*ret_field = (enum field)i;
			return ERR_OK;
		}
	}
	if (!name)
		return api_fault(call, "ValidationError", "A condition field must be specified");
	return api_fault(
		call, "ValidationError",
		"Condition field '%s' must be one of '[path-pattern,host-header,http-header,"
		"http-request-method,query-string,source-ip]'",
		name);
}

/*
 * The shorthand Values='/chat,/health' reaches us as one value when the quotes survive the
 * shell. A path pattern cannot contain a comma, so the user meant a list.
 */
static err_t split_paths(struct api_call *call, json_t *values, json_t **ret_values)
{
	json_t *out = json_array(), *value;
	struct bytes rest, part;
	size_t index;

	TRY(call_hold(call, out));
	json_array_foreach (values, index, value) {
		rest = bytes_of(json_string_value(value));
		while (bytes_cut(&rest, ',', &part)) {
			part = bytes_trim(part);
			if (json_array_append_new(out,
						  json_stringn(part.len ? part.at : "", part.len)))
				return ERR_NOMEM;
		}
	}
	*ret_values = out;
	return ERR_OK;
}

static err_t check_value(struct api_call *call, enum field field, const char **value,
			 struct counts *counts)
{
	switch (field) {
	case PATH: TRY(check_path(call, *value)); break;
	case HOST:
		*value = bare_host(call, *value);
		if (!*value)
			return ERR_NOMEM;
		TRY(check_host(call, *value));
		break;
	case HEADER: TRY(check_visible(call, "http-header", *value, VALUE_MAX_BYTES)); break;
	case METHOD: TRY(check_method(call, *value)); break;
	case SOURCE: TRY(check_source(call, *value)); break;
	case QUERY:
	case FIELDS: assert(0 && "query strings are pairs");
	}
	counts->values++;
	if (field_rows[field].wild)
		counts->wildcards += wildcards_of(*value, false);
	return ERR_OK;
}

static err_t take_values(struct api_call *call, enum field field, json_t *values, json_t *config,
			 struct counts *counts)
{
	json_t *out = json_array(), *value;
	size_t index;

	TRY(call_hold(call, out));
	if (field == PATH)
		TRY(split_paths(call, values, &values));
	json_array_foreach (values, index, value) {
		const char *text = json_string_value(value);

		TRY(check_value(call, field, &text, counts));
		if (json_array_append_new(out, json_string(text)))
			return ERR_NOMEM;
	}
	return json_array_size(out) ? set_new(config, "Values", json_incref(out)) : ERR_OK;
}

static err_t take_regexes(struct api_call *call, enum field field, json_t *values, json_t *config,
			  struct counts *counts)
{
	const char *name = field_rows[field].name;
	json_t *value;
	size_t index;

	if (!json_array_size(values))
		return ERR_OK;
	if (!field_rows[field].regexes)
		return api_fault(
			call, "ValidationError",
			"Regular expressions are not supported for the condition field '%s'", name);
	json_array_foreach (values, index, value) {
		TRY(too_long(call, name, json_string_value(value), VALUE_MAX_BYTES));
		TRY(regex_check(call, "regex value", json_string_value(value)));
		counts->values++;
	}
	return set_new(config, "RegexValues", json_incref(values));
}

static err_t take_pairs(struct api_call *call, json_t *given, json_t *config, struct counts *counts)
{
	json_t *pairs, *pair;
	size_t index;

	if (!json_array_size(given))
		return ERR_OK;
	TRY(copy_held(call, given, &pairs));
	json_array_foreach (pairs, index, pair) {
		const char *key = get_filled(pair, "Key"), *value = get_string(pair, "Value");

		if (!value)
			return api_fault(call, "ValidationError",
					 "A condition value must be specified");
		TRY(check_visible(call, "query-string", value, VALUE_MAX_BYTES));
		counts->values++;
		counts->wildcards += wildcards_of(value, true);
		if (!key) {
			json_object_del(pair, "Key"); /* any key */
			continue;
		}
		TRY(check_visible(call, "query-string", key, VALUE_MAX_BYTES));
		counts->wildcards += wildcards_of(key, true);
	}
	return set_new(config, "Values", json_incref(pairs));
}

/* ---- One condition ---- */

static err_t check_members(struct api_call *call, const json_t *condition, enum field field)
{
	const struct field_row *row = &field_rows[field];
	bool short_form = json_array_size(json_object_get(condition, "Values")) ||
			  json_array_size(json_object_get(condition, "RegexValues"));

	for (unsigned i = 0; i < FIELDS; i++)
		if (i != field && json_object_get(condition, field_rows[i].config))
			return api_fault(call, "ValidationError",
					 "'%s' cannot be specified for the condition field '%s'",
					 field_rows[i].config, row->name);
	if (short_form && json_object_get(condition, row->config))
		return api_fault(call, "ValidationError",
				 "You cannot specify both 'Values' and '%s'", row->config);
	if (short_form && !row->plain)
		return api_fault(call, "ValidationError",
				 "The condition field '%s' takes its values in '%s'", row->name,
				 row->config);
	return ERR_OK;
}

static err_t normalise_one(struct api_call *call, const json_t *condition, struct counts *counts,
			   unsigned seen[FIELDS], json_t *out)
{
	const json_t *given;
	json_t *config = json_object();
	enum field field;

	TRY(call_hold(call, config));
	TRY(field_of(call, get_string(condition, "Field"), &field));
	TRY(check_members(call, condition, field));
	if (seen[field]++ && field_rows[field].once)
		return api_fault(call, "ValidationError", "A rule can only have one '%s' condition",
				 field_rows[field].name);
	given = json_object_get(condition, field_rows[field].config);
	if (!given)
		given = condition;

	if (field == HEADER) {
		TRY(check_header_name(call, get_string(given, "HttpHeaderName")));
		TRY(set_string(config, "HttpHeaderName", get_string(given, "HttpHeaderName")));
	}
	if (field == QUERY)
		TRY(take_pairs(call, json_object_get(given, "Values"), config, counts));
	else
		TRY(take_values(call, field, json_object_get(given, "Values"), config, counts));
	TRY(take_regexes(call, field, json_object_get(given, "RegexValues"), config, counts));
	if (!json_object_get(config, "Values") && !json_object_get(config, "RegexValues"))
		return api_fault(call, "ValidationError", "A condition value must be specified");

	TRY(set_string(out, "Field", field_rows[field].name));
	if (field_rows[field].plain && json_object_get(config, "Values"))
		TRY(set_new(out, "Values", json_deep_copy(json_object_get(config, "Values"))));
	return set_new(out, field_rows[field].config, json_incref(config));
}

err_t conditions_normalise(struct api_call *call, const json_t *conditions, json_t **ret_conditions)
{
	json_t *out = json_array(), *condition, *normal;
	unsigned seen[FIELDS] = { 0 };
	struct counts counts = { 0, 0 };
	size_t index;

	TRY(call_hold(call, out));
	if (!json_array_size(conditions))
		return api_fault(call, "ValidationError", "A condition must be specified");
	json_array_foreach (conditions, index, condition) {
		normal = json_object();
		TRY(call_hold(call, normal));
		TRY(normalise_one(call, condition, &counts, seen, normal));
		if (json_array_append(out, normal))
			return ERR_NOMEM;
	}
	if (counts.values > VALUES_PER_RULE)
		return api_fault(call, "ValidationError",
				 "A rule can only have '%d' condition values", VALUES_PER_RULE);
	if (counts.wildcards > WILDCARDS_PER_RULE)
		return api_fault(call, "ValidationError",
				 "A rule can only have '%d' condition wildcards",
				 WILDCARDS_PER_RULE);
	*ret_conditions = out;
	return ERR_OK;
}

/* ---- Transforms ---- */

static err_t transform_one(struct api_call *call, const json_t *transform, json_t *seen)
{
	const char *type = get_string(transform, "Type");
	bool host = strcmp(type, "host-header-rewrite") == 0;
	const char *config = host ? "HostHeaderRewriteConfig" : "UrlRewriteConfig";
	const char *other = host ? "UrlRewriteConfig" : "HostHeaderRewriteConfig";
	const json_t *rewrites = json_object_get(json_object_get(transform, config), "Rewrites");
	const json_t *rewrite = json_array_get(rewrites, 0);

	if (json_object_get(seen, type))
		return api_fault(call, "ValidationError",
				 "A rule can only have one transform of type '%s'", type);
	TRY(set_new(seen, type, json_true()));
	if (json_object_get(transform, other))
		return api_fault(call, "ValidationError",
				 "'%s' cannot be specified for transforms of type '%s'", other,
				 type);
	if (json_array_size(rewrites) != 1)
		return api_fault(call, "ValidationError",
				 "A transform of type '%s' must have exactly one rewrite", type);
	if (!get_string(rewrite, "Regex")[0] ||
	    strlen(get_string(rewrite, "Regex")) > REWRITE_MAX_BYTES ||
	    strlen(get_string(rewrite, "Replace")) > REWRITE_MAX_BYTES)
		return api_fault(
			call, "ValidationError",
			"The regex of a rewrite must have '1-%d' characters, and its replacement at "
			"most '%d'",
			REWRITE_MAX_BYTES, REWRITE_MAX_BYTES);
	return regex_check(call, "regex of a rewrite", get_string(rewrite, "Regex"));
}

err_t transforms_normalise(struct api_call *call, const json_t *transforms, json_t **ret_transforms)
{
	json_t *seen = json_object(), *out, *transform;
	size_t index;

	TRY(call_hold(call, seen));
	out = transforms ? json_deep_copy(transforms) : json_array();
	TRY(call_hold(call, out));
	json_array_foreach (out, index, transform)
		TRY(transform_one(call, transform, seen));
	*ret_transforms = out;
	return ERR_OK;
}
