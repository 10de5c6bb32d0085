/*
 * dashboards: dashboards, stored and checked, and the tags of alarms and dashboards.
 */
#include <stdio.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum { WIDGETS_MAX = 500, DASHBOARDS_PAGE = 1000, TAGS_MAX = 50, PROBLEMS_BYTES_MAX = 1500 };

/* ---- Dashboards ---- */

static bool is_dashboard_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= 255 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       len;
}

/* What a widget says of its place, and how far that may go. */
static const struct {
	const char *name;
	json_int_t min, max;
} places[] = {
	{ "x", 0, 23 },
	{ "y", 0, INT32_MAX },
	{ "width", 1, 24 },
	{ "height", 1, 1000 },
};

static bool is_widget_type(const char *type)
{
	static const char *const types[] = {
		"metric", "text", "log", "alarm", "explorer", "custom"
	};

	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

static void add_problem(struct text *problems, size_t widget, const char *member, const char *what)
{
	if (problems->len)
		text_add_str(problems, ", ");
	text_printf(problems, "{\"dataPath\":\"/widgets/%zu/%s\",\"message\":\"%s\"}", widget,
		    member, what);
}

static void check_widget(const json_t *widget, size_t index, struct text *problems)
{
	if (!is_widget_type(cw_text(widget, "type")))
		add_problem(problems, index, "type",
			    "Should be one of metric, text, log, alarm, explorer, custom");
	if (!json_is_object(json_object_get(widget, "properties")))
		add_problem(problems, index, "properties", "Should have required property");
	for (size_t i = 0; i < COUNT(places); i++) {
		const json_t *place = json_object_get(widget, places[i].name);
		json_int_t value = json_integer_value(place);
		char words[80];

		snprintf(words, sizeof words, "Should be an integer from %lld to %lld",
			 (long long)places[i].min, (long long)places[i].max);
		if (place &&
		    (!json_is_integer(place) || value < places[i].min || value > places[i].max))
			add_problem(problems, index, places[i].name, words);
	}
}

static err_t check_widgets(struct api_call *call, const json_t *widgets)
{
	struct text problems = TEXT_INIT(PROBLEMS_BYTES_MAX);
	const json_t *widget;
	err_t err = ERR_OK;
	size_t i;

	json_array_foreach (widgets, i, widget)
		if (problems.len < PROBLEMS_BYTES_MAX / 2)
			check_widget(widget, i, &problems);
	if (problems.len)
		err = api_fault(call, "InvalidParameterInput",
				"The dashboard body is invalid, there are validation errors: [%s]",
				text_str(&problems));
	text_fini(&problems);
	return err;
}

static err_t check_body(struct api_call *call, const char *text)
{
	json_error_t error;
	json_t *body = json_loads(text, 0, &error);
	const json_t *widgets = json_object_get(body, "widgets");
	const char *what = NULL;
	err_t err = ERR_OK;

	if (!json_is_object(body))
		what = "the body is not a JSON object";
	else if (!json_is_array(widgets))
		what = "the body needs a list of widgets";
	else if (json_array_size(widgets) > WIDGETS_MAX)
		what = "a dashboard has at most 500 widgets";
	if (what)
		err = api_fault(call, "InvalidParameterInput",
				"The field DashboardBody must be a valid JSON object: %s", what);
	else
		err = check_widgets(call, widgets);
	json_decref(body);
	return err;
}

err_t cw_put_dashboard(struct api_call *call)
{
	const char *name = cw_text(call->input, "DashboardName");
	const char *body = cw_text(call->input, "DashboardBody");
	struct store_resource resource = { .kind = CW_DASHBOARD, .id = name, .parent = "" };
	struct store_txn *txn;
	char arn[512];
	err_t err;

	if (!is_dashboard_name(name))
		return api_fault(call, "InvalidParameterInput",
				 "The value '%.100s' for field DashboardName contains invalid "
				 "characters. It can only contain alphanumerics, dash (-) and "
				 "underscore (_).",
				 name);
	TRY(check_body(call, body));
	TRY(cw_txn(call, &txn));
	cw_dashboard_arn(cloudwatch_of(call), name, arn);
	resource.body = json_pack("{s:s, s:s, s:s, s:I, s:I}", "DashboardName", name,
				  "DashboardArn", arn, "DashboardBody", body, "LastModified",
				  (json_int_t)cw_now_ms(cloudwatch_of(call)), "Size",
				  (json_int_t)strlen(body));
	err = resource.body ? store_update(txn, &resource) : ERR_NOMEM;
	if (err == ERR_NOT_FOUND)
		err = store_insert(txn, &resource);
	json_decref(resource.body);
	TRY(err);
	return cw_set(call->output, "DashboardValidationMessages", json_array());
}

err_t cw_get_dashboard(struct api_call *call)
{
	static const char *const shown[] = { "DashboardName", "DashboardArn", "DashboardBody" };
	struct store_txn *txn;
	json_t *dashboard;
	err_t err;

	TRY(cw_txn(call, &txn));
	err = store_get(txn, CW_DASHBOARD, cw_text(call->input, "DashboardName"), &dashboard, NULL);
	if (err == ERR_NOT_FOUND)
		return cw_not_found(call, "ResourceNotFound", "The dashboard does not exist");
	TRY(err);
	for (size_t i = 0; i < COUNT(shown) && !err; i++)
		err = cw_set(call->output, shown[i],
			     json_incref(json_object_get(dashboard, shown[i])));
	json_decref(dashboard);
	return err;
}

struct listing {
	struct api_call *call;
	uint64_t after, seen;
	unsigned taken;
	err_t err;
};

static bool list_one(void *owner, const struct store_resource *resource)
{
	struct listing *l = owner;
	const char *prefix = cw_text(l->call->input, "DashboardNamePrefix");
	json_t *entry;

	if (++l->seen <= l->after || strncmp(resource->id, prefix, strlen(prefix)) != 0)
		return true;
	if (l->taken++ == DASHBOARDS_PAGE) {
		l->err = cw_token_out(l->call, l->seen - 1);
		return false;
	}
	entry = json_copy(resource->body);
	json_object_del(entry, "DashboardBody");
	l->err = cw_append(l->call->output, "DashboardEntries", entry);
	return !l->err;
}

err_t cw_list_dashboards(struct api_call *call)
{
	struct listing l = { .call = call };
	struct store_txn *txn;

	TRY(cw_token_in(call, &l.after));
	TRY(cw_set(call->output, "DashboardEntries", json_array()));
	TRY(cw_txn(call, &txn));
	TRY(store_each(txn, CW_DASHBOARD, NULL, NULL, list_one, &l));
	return l.err;
}

err_t cw_delete_dashboards(struct api_call *call)
{
	struct store_txn *txn;
	const json_t *name;
	char arn[512];
	size_t i;

	TRY(cw_txn(call, &txn));
	json_array_foreach (json_object_get(call->input, "DashboardNames"), i, name) {
		err_t err = store_delete(txn, CW_DASHBOARD, json_string_value(name));

		if (err == ERR_NOT_FOUND)
			return cw_not_found(call, "ResourceNotFound",
					    "A dashboard does not exist, nothing was deleted");
		TRY(err);
		cw_dashboard_arn(cloudwatch_of(call), json_string_value(name), arn);
		err = store_delete(txn, CW_TAGS, arn);
		if (err && err != ERR_NOT_FOUND)
			return err;
	}
	return ERR_OK;
}

/* ---- Tags ---- */

/* ERR_NOT_FOUND's own fault when the ARN names nothing that is here. */
static err_t check_resource(struct api_call *call, struct store_txn *txn, const char *arn)
{
	const char *alarm = strstr(arn, ":alarm:"), *dashboard = strstr(arn, ":dashboard/");
	json_t *body = NULL;
	err_t err = ERR_NOT_FOUND;

	if (alarm)
		err = store_get(txn, CW_ALARM, alarm + strlen(":alarm:"), &body, NULL);
	else if (dashboard)
		err = store_get(txn, CW_DASHBOARD, dashboard + strlen(":dashboard/"), &body, NULL);
	if (!err && alarm && strcmp(cw_text(body, "AlarmArn"), arn) != 0)
		err = ERR_NOT_FOUND;
	json_decref(body);
	if (err == ERR_NOT_FOUND)
		return cw_not_found(call, "ResourceNotFoundException", "Unknown");
	return err;
}

/* Key → value, as kept; a new reference. */
static err_t read_tags(struct store_txn *txn, const char *arn, json_t **ret_map)
{
	json_t *body = NULL, *tag;
	err_t err = store_get(txn, CW_TAGS, arn, &body, NULL);
	size_t i;

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_map = json_object();
	json_array_foreach (json_object_get(body, "Tags"), i, tag)
		json_object_set(*ret_map, cw_text(tag, "Key"), json_object_get(tag, "Value"));
	json_decref(body);
	return *ret_map ? ERR_OK : ERR_NOMEM;
}

static err_t list_of(json_t *map, const char *name, json_t *into)
{
	const char *key;
	json_t *value;

	TRY(cw_set(into, name, json_array()));
	json_object_foreach (map, key, value)
		TRY(cw_append(into, name, json_pack("{s:s, s:O}", "Key", key, "Value", value)));
	return ERR_OK;
}

static err_t write_tags(struct store_txn *txn, const char *arn, json_t *map)
{
	struct store_resource resource = {
		.kind = CW_TAGS, .id = arn, .parent = "", .body = json_object()
	};
	err_t err = resource.body ? list_of(map, "Tags", resource.body) : ERR_NOMEM;

	if (!err)
		err = store_update(txn, &resource);
	if (err == ERR_NOT_FOUND)
		err = store_insert(txn, &resource);
	json_decref(resource.body);
	return err;
}

static err_t check_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidParameterValue",
				 "aws: prefixed tag key names are not allowed for external use: "
				 "%.200s",
				 key);
	return ERR_OK;
}

err_t cw_check_tags(struct api_call *call)
{
	json_t *tags = json_object_get(call->input, "Tags"), *one;
	size_t i;

	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "InvalidParameterValue",
				 "A resource can have at most %d tags", TAGS_MAX);
	json_array_foreach (tags, i, one)
		TRY(check_key(call, cw_text(one, "Key")));
	json_array_foreach (json_object_get(call->input, "TagKeys"), i, one)
		TRY(check_key(call, json_string_value(one)));
	return ERR_OK;
}

static err_t change_tags(struct api_call *call, void (*change)(json_t *map, const json_t *input))
{
	const char *arn = cw_text(call->input, "ResourceARN");
	struct store_txn *txn;
	json_t *map;
	err_t err;

	TRY(cw_check_tags(call));
	TRY(cw_txn(call, &txn));
	TRY(check_resource(call, txn, arn));
	TRY(read_tags(txn, arn, &map));
	change(map, call->input);
	if (api_tags_count(map) > TAGS_MAX)
		err = api_fault(call, "InvalidParameterValue",
				"A resource can have at most %d tags", TAGS_MAX);
	else
		err = write_tags(txn, arn, map);
	json_decref(map);
	return err;
}

static void set_tags(json_t *map, const json_t *input)
{
	json_t *tag;
	size_t i;

	json_array_foreach (json_object_get(input, "Tags"), i, tag)
		json_object_set(map, cw_text(tag, "Key"), json_object_get(tag, "Value"));
}

static void drop_tags(json_t *map, const json_t *input)
{
	json_t *key;
	size_t i;

	json_array_foreach (json_object_get(input, "TagKeys"), i, key)
		json_object_del(map, json_string_value(key));
}

err_t cw_tag_resource(struct api_call *call)
{
	return change_tags(call, set_tags);
}

err_t cw_untag_resource(struct api_call *call)
{
	return change_tags(call, drop_tags);
}

err_t cw_list_tags(struct api_call *call)
{
	const char *arn = cw_text(call->input, "ResourceARN");
	struct store_txn *txn;
	json_t *map;
	err_t err;

	TRY(cw_txn(call, &txn));
	TRY(check_resource(call, txn, arn));
	TRY(read_tags(txn, arn, &map));
	err = list_of(map, "Tags", call->output);
	json_decref(map);
	return err;
}
