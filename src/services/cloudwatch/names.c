/*
 * names: which series a caller means. Strict names are looked up; what people write instead is
 * mapped on read: a load balancer without its id, a target group by name or ARN, spellings.
 */
#include "services/cloudwatch/cloudwatch_internal.h"

static const struct {
	const char *wrong, *right;
} spellings[] = {
	{ "UnhealthyHostCount", "UnHealthyHostCount" },
	{ "HTTPCode_Target_2XX", "HTTPCode_Target_2XX_Count" },
	{ "HTTPCode_Target_3XX", "HTTPCode_Target_3XX_Count" },
	{ "HTTPCode_Target_4XX", "HTTPCode_Target_4XX_Count" },
	{ "HTTPCode_Target_5XX", "HTTPCode_Target_5XX_Count" },
	{ "HTTPCode_ELB_3XX", "HTTPCode_ELB_3XX_Count" },
	{ "HTTPCode_ELB_4XX", "HTTPCode_ELB_4XX_Count" },
	{ "HTTPCode_ELB_5XX", "HTTPCode_ELB_5XX_Count" },
};

/* Counted by load balancer or group alone, not by zone (reference/alb.md §8). */
static const char *const without_zone[] = {
	"ConsumedLCUs",	   "ReservedLCUs",    "CapacityUtilization", "IPv6ProcessedBytes",
	"RuleEvaluations", "LambdaUserError", "LambdaInternalError", "LambdaTargetProcessedBytes",
};

/* What target groups also count by themselves, without their load balancer. */
static const char *const by_group[] = { "RequestCountPerTarget", "LambdaUserError",
					"LambdaInternalError" };

static bool is_one_of(struct bytes name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_eq_str(name, names[i]))
			return true;
	return false;
}

static bool is_sampled(struct bytes name_space)
{
	return bytes_eq_str(name_space, CW_BALANCER) || bytes_eq_str(name_space, CW_STREAMS);
}

static struct bytes dimension_of(const struct series *series, const char *name)
{
	for (unsigned i = 0; i < series->dimension_count; i++)
		if (bytes_eq_str(series->dimensions[i].name, name))
			return series->dimensions[i].value;
	return BYTES_NONE;
}

/* "…:loadbalancer/app/x/1" and "…:targetgroup/x/1" lose what is before. */
static struct bytes strip_arn(struct bytes value)
{
	size_t balancer = bytes_find(value, BYTES(":loadbalancer/"));
	size_t group = bytes_find(value, BYTES(":targetgroup/"));

	if (!bytes_starts(value, BYTES("arn:")))
		return value;
	if (balancer != SIZE_MAX)
		return bytes_from(value, balancer + strlen(":loadbalancer/"));
	return group != SIZE_MAX ? bytes_from(value, group + 1) : value;
}

/* Is `whole` what `part` means: the same, or the same up to the id, or the name alone? */
static bool means(struct bytes part, struct bytes whole, struct bytes prefix)
{
	if (bytes_eq(part, whole))
		return true;
	if (!bytes_starts(part, prefix) && bytes_starts(whole, prefix))
		whole = bytes_from(whole, prefix.len);
	return whole.len > part.len && bytes_starts(whole, part) && whole.at[part.len] == '/' &&
	       bytes_index(bytes_from(whole, part.len + 1), '/') == SIZE_MAX;
}

/* The value in full, as the youngest series that fits has it; itself when none does. */
static struct bytes complete(const struct cloudwatch *cw, const char *name, struct bytes value)
{
	struct bytes prefix = strcmp(name, "LoadBalancer") == 0 ? BYTES("app/")
								: BYTES("targetgroup/");
	struct bytes found = strip_arn(value), part = found;
	int64_t latest_s = -1;

	list_for_each (&cw->series.all, node) {
		const struct series *series = container_of(node, struct series, link);
		struct bytes whole = dimension_of(series, name);

		if (series->latest_s > latest_s && whole.len && is_sampled(series->name_space) &&
		    means(part, whole, prefix)) {
			latest_s = series->latest_s;
			found = whole;
		}
	}
	return found;
}

/* The series of the group's balancer, where the group is all that was named. */
static void add_balancer(const struct cloudwatch *cw, struct metric_name *name)
{
	int64_t latest_s = -1;

	if (name->dimension_count != 1 || !bytes_eq_str(name->dimensions[0].name, "TargetGroup") ||
	    !is_one_of(name->name, by_group, COUNT(by_group)))
		return;
	list_for_each (&cw->series.all, node) {
		const struct series *series = container_of(node, struct series, link);

		if (series->latest_s <= latest_s || !is_sampled(series->name_space) ||
		    !bytes_eq(dimension_of(series, "TargetGroup"), name->dimensions[0].value))
			continue;
		latest_s = series->latest_s;
		name->dimensions[1] = (struct dimension){ BYTES("LoadBalancer"),
							  dimension_of(series, "LoadBalancer") };
		name->dimension_count = 2;
	}
}

/* A node knows one zone: its own numbers are the zone's. False: another zone's. */
static bool drop_zone(const struct cloudwatch *cw, struct metric_name *name)
{
	for (unsigned i = 0; i < name->dimension_count; i++) {
		if (!bytes_eq_str(name->dimensions[i].name, "AvailabilityZone"))
			continue;
		if (!bytes_eq_str(name->dimensions[i].value, cw->zone))
			return false;
		if (is_one_of(name->name, without_zone, COUNT(without_zone)))
			return false;
		name->dimensions[i] = name->dimensions[--name->dimension_count];
		return true;
	}
	return true;
}

static bool make_strict(const struct cloudwatch *cw, struct metric_name *name)
{
	if (bytes_eq_str(name->name_space, "AWS/ELB"))
		name->name_space = BYTES(CW_BALANCER);
	if (!is_sampled(name->name_space))
		return true;
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (bytes_eq_str(name->name, spellings[i].wrong))
			name->name = bytes_of(spellings[i].right);
	for (unsigned i = 0; i < name->dimension_count; i++) {
		struct dimension *dimension = &name->dimensions[i];

		if (bytes_eq_str(dimension->name, "LoadBalancer"))
			dimension->value = complete(cw, "LoadBalancer", dimension->value);
		else if (bytes_eq_str(dimension->name, "TargetGroup"))
			dimension->value = complete(cw, "TargetGroup", dimension->value);
	}
	if (!drop_zone(cw, name))
		return false;
	add_balancer(cw, name);
	return true;
}

static struct bytes text_of(const json_t *object, const char *key)
{
	return bytes_of(cw_text(object, key));
}

static void read_dimensions(const json_t *dimensions, struct metric_name *name)
{
	const json_t *dimension;
	size_t i;

	json_array_foreach (dimensions, i, dimension)
		if (name->dimension_count < DIMENSIONS_MAX)
			name->dimensions[name->dimension_count++] = (struct dimension){
				text_of(dimension, "Name"), text_of(dimension, "Value")
			};
}

static void add_units(const struct cloudwatch *cw, struct metric_name *name, const char *unit,
		      struct metric_ref *ret_ref)
{
	ret_ref->count = 0;
	for (unsigned i = 0; i < METRIC_UNITS; i++) {
		const struct series *series;

		if (unit && strcmp(unit, metric_units[i]) != 0)
			continue;
		name->unit = bytes_of(metric_units[i]);
		series = series_find(&cw->series, name);
		if (series)
			ret_ref->series[ret_ref->count++] = series;
	}
}

err_t cw_find(const struct cloudwatch *cw, const json_t *metric, const char *unit,
	      struct metric_ref *ret_ref)
{
	struct metric_name name = { .name_space = text_of(metric, "Namespace"),
				    .name = text_of(metric, "MetricName") };

	ret_ref->count = 0;
	read_dimensions(json_object_get(metric, "Dimensions"), &name);
	if (!make_strict(cw, &name))
		return ERR_OK;
	metric_sort(&name);
	add_units(cw, &name, unit, ret_ref);
	return ERR_OK;
}

void cw_same_metric(const struct cloudwatch *cw, const struct series *series,
		    struct metric_ref *ret_ref)
{
	struct metric_name name = { .name_space = series->name_space,
				    .name = series->name,
				    .dimension_count = series->dimension_count };

	memcpy(name.dimensions, series->dimensions, sizeof name.dimensions);
	add_units(cw, &name, NULL, ret_ref);
}

bool cw_has_view(const struct series *series, unsigned view)
{
	if (!view)
		return true;
	if (!bytes_eq_str(series->name_space, CW_BALANCER))
		return false;
	if ((view & 1) && is_one_of(series->name, without_zone, COUNT(without_zone)))
		return false;
	return !(view & 2) || is_one_of(series->name, by_group, COUNT(by_group));
}

static err_t add_dimension(json_t *dimensions, struct bytes name, struct bytes value)
{
	json_t *dimension = json_pack("{s:s%, s:s%}", "Name", name.at, name.len, "Value", value.at,
				      value.len);

	return !dimension || json_array_append_new(dimensions, dimension) ? ERR_NOMEM : ERR_OK;
}

/* View 1 adds the zone, 2 leaves the balancer away, 3 does both. */
unsigned cw_view_dimensions(const struct cloudwatch *cw, const struct series *series, unsigned view,
			    struct dimension ret_dimensions[DIMENSIONS_MAX + 1])
{
	unsigned count = 0;

	if (view & 1)
		ret_dimensions[count++] = (struct dimension){ BYTES("AvailabilityZone"),
							      bytes_of(cw->zone) };
	for (unsigned i = 0; i < series->dimension_count; i++)
		if (!(view & 2) || !bytes_eq_str(series->dimensions[i].name, "LoadBalancer"))
			ret_dimensions[count++] = series->dimensions[i];
	return count;
}

json_t *cw_metric_json(const struct cloudwatch *cw, const struct series *series, unsigned view)
{
	struct dimension list[DIMENSIONS_MAX + 1];
	unsigned count = cw_view_dimensions(cw, series, view, list);
	json_t *dimensions = json_array();
	err_t err = dimensions ? ERR_OK : ERR_NOMEM;

	for (unsigned i = 0; i < count && !err; i++)
		err = add_dimension(dimensions, list[i].name, list[i].value);
	if (err) {
		json_decref(dimensions);
		return NULL;
	}
	return json_pack("{s:s%, s:s%, s:o}", "Namespace", series->name_space.at,
			 series->name_space.len, "MetricName", series->name.at, series->name.len,
			 "Dimensions", dimensions);
}

static bool is_printable(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return false;
	return true;
}

err_t cw_metric_name(struct api_call *call, const char *name_space, const json_t *datum,
		     struct metric_name *ret_name)
{
	const char *unit = cw_text(datum, "Unit");
	struct metric_name *name = ret_name;

	*name = (struct metric_name){ .unit = bytes_of(unit[0] ? unit : "None"),
				      .name_space = bytes_of(name_space),
				      .name = text_of(datum, "MetricName") };
	read_dimensions(json_object_get(datum, "Dimensions"), name);
	metric_sort(name);
	if (!is_printable(name->name_space) || !is_printable(name->name))
		return api_fault(call, "InvalidParameterValue",
				 "Names must not contain control characters.");
	for (unsigned i = 0; i < name->dimension_count; i++) {
		const struct dimension *dimension = &name->dimensions[i];

		if (!is_printable(dimension->name) || !is_printable(dimension->value))
			return api_fault(call, "InvalidParameterValue",
					 "Dimensions must not contain control characters.");
		if (i && bytes_eq(dimension->name, dimension[-1].name))
			return api_fault(call, "InvalidParameterValue",
					 "No duplicate dimension names are allowed: %.*s.",
					 BYTES_ARG(dimension->name));
	}
	return ERR_OK;
}
