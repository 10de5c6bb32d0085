/*
 * sample: the balancer's numbers, once a second, as points of AWS/ApplicationELB and
 * Weir/Streaming.
 *
 * Counters become samples of 1, so that Sum counts and the others say 1, as on AWS. A gauge's
 * second weighs a sixtieth: a minute of it is one sample, and Sum over minutes is as on AWS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "services/cloudwatch/cloudwatch_internal.h"

#define GAUGE_WEIGHT (1.0 / 60)

enum { HEALTH_READS_MAX = 50 /* of target groups, a second */ };

/* What a load balancer or group had counted a second ago. */
struct seen {
	struct list_node link;
	char *id;
	bool gone;
	struct metrics metrics;
};

struct watched_target {
	char *id;
	uint16_t port;
};

struct group {
	struct list_node link;
	char *arn, *id;
	struct watched_target *targets;
	size_t target_count;
	bool stale;	/* its targets are to be read */
	bool functions; /* its target is a function */
};

struct sampler {
	struct cloudwatch *cw;
	struct list_node seen, groups;
	struct map by_id; /* id → struct seen */
	bool groups_stale;
	int64_t now_s;
};

err_t cw_record(struct cloudwatch *cw, const struct metric_name *name, const struct point *point,
		unsigned rings)
{
	struct text key = TEXT_INIT(KEY_BYTES_MAX);
	err_t err;

	metric_key(name, &key);
	err = text_err(&key);
	if (!err)
		err = series_add_by_key(&cw->series, text_bytes(&key), point, rings);
	if (!err)
		journal_note(cw->journal, text_bytes(&key), point, rings);
	text_fini(&key);
	return err;
}

/* ---- One number ---- */

struct place {
	struct sampler *sampler;
	struct bytes load_balancer_id, group_id; /* the group is empty for a load balancer */
};

static void record(const struct place *place, const char *name_space, const char *metric,
		   const char *unit, struct point *point)
{
	struct metric_name name = {
		.unit = bytes_of(unit),
		.name_space = bytes_of(name_space),
		.name = bytes_of(metric),
		.dimensions = { { BYTES("LoadBalancer"), place->load_balancer_id },
				{ BYTES("TargetGroup"), place->group_id } },
		.dimension_count = place->group_id.len ? 2 : 1,
	};
	err_t err;

	point->at_s = place->sampler->now_s;
	err = cw_record(place->sampler->cw, &name, point, SERIES_FINE | SERIES_COARSE);
	if (err)
		log_warn("cloudwatch", "%s of %.*s is not kept: %s", metric,
			 BYTES_ARG(place->load_balancer_id), err_words(err));
}

static void record_weighed(const struct place *place, const char *name_space, const char *metric,
			   const char *unit, double value, double weight)
{
	struct point point = { .count = weight, .sum = value * weight, .min = value, .max = value };

	record(place, name_space, metric, unit, &point);
}

static const char *unit_of(enum metric_counter id)
{
	return id == COUNTER_PROCESSED_BYTES || id == COUNTER_IPV6_PROCESSED_BYTES ||
			       id == COUNTER_LAMBDA_BYTES
		       ? "Bytes"
		       : "Count";
}

static const char *space_of(enum metric_counter id)
{
	return id >= COUNTER_STREAMS && id <= COUNTER_RETRIES ? CW_STREAMS : CW_BALANCER;
}

static bool applies(const struct metric_row *row, const struct place *place)
{
	return row->level == 'B' || row->level == (place->group_id.len ? 'T' : 'L');
}

/* ---- What the balancer counted in a second ---- */

static uint64_t since(const struct metrics *now, const struct metrics *then, enum metric_counter id)
{
	return now->counters[id] - then->counters[id];
}

static void sample_counters(const struct place *place, const struct metrics *now,
			    const struct metrics *then)
{
	for (enum metric_counter id = 0; id < COUNTER_COUNT; id++) {
		double count = (double)since(now, then, id);

		if (!applies(&counter_rows[id], place) || count <= 0)
			continue;
		if (strcmp(unit_of(id), "Bytes") == 0)
			record_weighed(place, space_of(id), counter_rows[id].aws, "Bytes", count,
				       1);
		else
			record_weighed(place, space_of(id), counter_rows[id].aws, "Count", 1,
				       count);
	}
}

static void sample_gauges(const struct place *place, const struct metrics *now)
{
	for (enum metric_gauge id = 0; id < GAUGE_COUNT; id++)
		if (applies(&gauge_rows[id], place) && now->gauges[id] > 0)
			record_weighed(place,
				       id == GAUGE_STREAMS_ACTIVE || id == GAUGE_REQUESTS_QUEUED
					       ? CW_STREAMS
					       : CW_BALANCER,
				       gauge_rows[id].aws, "Count", (double)now->gauges[id],
				       GAUGE_WEIGHT);
}

/* The middle of a bucket stands for all in it; the sum is exact. */
static err_t read_histogram(const struct histogram *now, const struct histogram *then,
			    double second, struct point *point)
{
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		uint32_t count = now->buckets[b] - then->buckets[b];
		double low = b ? (double)histogram_bucket_limit(b - 1) : 0;
		double middle = (low + (double)histogram_bucket_limit(b)) / 2 / 1e6 * second;

		if (!count)
			continue;
		TRY(sketch_add(&point->sketch, middle, count));
		point->min = point->count > 0 ? point->min : middle;
		point->max = middle;
		point->count += count;
	}
	point->sum = (double)(now->sum_us - then->sum_us) / 1e6 * second;
	return ERR_OK;
}

static void sample_histograms(const struct place *place, const struct metrics *now,
			      const struct metrics *then)
{
	for (enum metric_histogram id = 0; id < HISTOGRAM_COUNT; id++) {
		/* Of AWS's own two, one is in milliseconds (reference/alb.md §8.5). */
		bool milliseconds = id == HISTOGRAM_AUTH_LATENCY;
		bool aws = id == HISTOGRAM_TARGET_RESPONSE_TIME || milliseconds;
		struct point point = { 0 };

		if (!applies(&histogram_rows[id], place) ||
		    now->histograms[id].count == then->histograms[id].count)
			continue;
		if (!read_histogram(&now->histograms[id], &then->histograms[id],
				    milliseconds ? 1000 : 1, &point) &&
		    point.count > 0)
			record(place, aws ? CW_BALANCER : CW_STREAMS, histogram_rows[id].aws,
			       milliseconds ? "Milliseconds" : "Seconds", &point);
		point_fini(&point);
	}
}

/* The largest of the four dimensions that AWS charges by, as a rate per hour. */
static void sample_capacity(const struct place *place, const struct metrics *now,
			    const struct metrics *then)
{
	double requests = (double)since(now, then, COUNTER_REQUESTS);
	double rules = (double)since(now, then, COUNTER_RULE_EVALUATIONS) - 10 * requests;
	double units[] = {
		(double)since(now, then, COUNTER_NEW_CONNECTIONS) / 25,
		(double)now->gauges[GAUGE_ACTIVE_CONNECTIONS] / 3000,
		(double)since(now, then, COUNTER_PROCESSED_BYTES) * 3600 / 1e9,
		rules / 1000,
	};
	double most = 0, reserved = (double)now->gauges[GAUGE_RESERVED_UNITS];

	for (size_t i = 0; i < COUNT(units); i++)
		most = units[i] > most ? units[i] : most;
	record_weighed(place, CW_BALANCER, "ConsumedLCUs", "Count", most, GAUGE_WEIGHT);
	if (reserved > 0)
		record_weighed(place, CW_BALANCER, "CapacityUtilization", "Percent",
			       100 * most / reserved, GAUGE_WEIGHT);
}

/* ---- Target groups ---- */

static struct group *find_group(const struct sampler *sampler, struct bytes id)
{
	list_for_each (&sampler->groups, node) {
		struct group *group = container_of(node, struct group, link);

		if (bytes_eq_str(id, group->id))
			return group;
	}
	return NULL;
}

struct health_count {
	double healthy, unhealthy, registered, anomalous, mitigated;
};

static struct health_count count_health(const struct sampler *sampler, const struct group *group)
{
	struct health_count count = { 0 };

	for (size_t i = 0; i < group->target_count; i++) {
		struct target_status status;

		if (lb_target_status(sampler->cw->options.lb, bytes_of(group->arn),
				     bytes_of(group->targets[i].id), group->targets[i].port,
				     &status))
			continue;
		if (status.state == HEALTH_DRAINING || status.state == HEALTH_UNUSED)
			continue;
		count.registered++;
		if (status.state == HEALTH_HEALTHY)
			count.healthy++;
		else if (status.state != HEALTH_INITIAL)
			count.unhealthy++;
		count.anomalous += status.anomalous;
		count.mitigated += status.mitigated;
	}
	return count;
}

static void sample_group_health(const struct place *place, const struct metrics *now,
				const struct metrics *then)
{
	struct group *group = find_group(place->sampler, place->group_id);
	struct point none = { 0 };
	struct health_count count;
	double requests, share;

	if (!group || !group->target_count)
		return;
	count = count_health(place->sampler, group);
	record_weighed(place, CW_BALANCER, "HealthyHostCount", "Count", count.healthy,
		       GAUGE_WEIGHT);
	record_weighed(place, CW_BALANCER, "UnHealthyHostCount", "Count", count.unhealthy,
		       GAUGE_WEIGHT);
	if (count.anomalous > 0 || count.mitigated > 0) {
		record_weighed(place, CW_BALANCER, "AnomalousHostCount", "Count", count.anomalous,
			       GAUGE_WEIGHT);
		record_weighed(place, CW_BALANCER, "MitigatedHostCount", "Count", count.mitigated,
			       GAUGE_WEIGHT);
	}
	requests = (double)since(now, then, COUNTER_REQUESTS);
	share = count.healthy > 0 ? count.healthy : count.registered;
	if (requests > 0) {
		if (share > 0 && !group->functions)
			record_weighed(place, CW_BALANCER, "RequestCountPerTarget", "Count",
				       1 / share, requests);
		return;
	}
	/* With targets, no requests are zero requests, not silence. */
	if (!group->functions)
		record(place, CW_BALANCER, "RequestCountPerTarget", "Count", &none);
	record(place, CW_BALANCER, "RequestCount", "Count", &none);
	record(&(struct place){ place->sampler, place->load_balancer_id, BYTES_NONE }, CW_BALANCER,
	       "RequestCount", "Count", &none);
}

static void free_targets(struct group *group)
{
	for (size_t i = 0; i < group->target_count; i++)
		free(group->targets[i].id);
	free(group->targets);
	group->targets = NULL;
	group->target_count = 0;
}

static void free_group(struct group *group)
{
	list_remove(&group->link);
	free_targets(group);
	free(group->arn);
	free(group->id);
	free(group);
}

static json_t *ask(const struct sampler *sampler, const char *operation, json_t *input)
{
	const struct cloudwatch_options *options = &sampler->cw->options;
	struct api_caller caller = { .account = options->account,
				     .region = options->region,
				     .is_root = true };
	struct api_fault fault;
	json_t *output = NULL;

	if (input && api_call(options->api, &caller, "elasticloadbalancing", operation, input,
			      &output, &fault))
		output = NULL;
	json_decref(input);
	return output;
}

static void read_targets(const struct sampler *sampler, struct group *group)
{
	json_t *answer = ask(sampler, "DescribeTargetHealth",
			     json_pack("{s:s}", "TargetGroupArn", group->arn));
	const json_t *list = json_object_get(answer, "TargetHealthDescriptions"), *row;
	size_t i;

	group->stale = false;
	free_targets(group);
	group->targets = calloc(json_array_size(list) + 1, sizeof *group->targets);
	json_array_foreach (list, i, row) {
		const json_t *target = json_object_get(row, "Target");
		struct watched_target *to = &group->targets[group->target_count];

		if (!group->targets)
			break;
		to->id = bytes_dup(bytes_of(cw_text(target, "Id")));
		to->port = (uint16_t)json_integer_value(json_object_get(target, "Port"));
		group->target_count += to->id != NULL;
	}
	json_decref(answer);
}

static void add_group(struct sampler *sampler, const json_t *row)
{
	const char *arn = cw_text(row, "TargetGroupArn");
	const char *id = strstr(arn, "targetgroup/");
	struct group *group = id ? calloc(1, sizeof *group) : NULL;

	if (!group)
		return;
	list_append(&sampler->groups, &group->link);
	group->arn = bytes_dup(bytes_of(arn));
	group->id = bytes_dup(bytes_of(id));
	group->stale = true;
	group->functions = strcmp(cw_text(row, "TargetType"), "lambda") == 0;
	if (!group->arn || !group->id)
		free_group(group);
}

/* All groups anew; their targets follow, some each second. */
static void read_groups(struct sampler *sampler)
{
	char marker[512] = "";

	list_for_each_safe (&sampler->groups, node)
		free_group(container_of(node, struct group, link));
	sampler->groups_stale = false;
	do {
		json_t *input = marker[0] ? json_pack("{s:s}", "Marker", marker) : json_object();
		json_t *answer = ask(sampler, "DescribeTargetGroups", input), *row;
		size_t i;

		json_array_foreach (json_object_get(answer, "TargetGroups"), i, row)
			add_group(sampler, row);
		snprintf(marker, sizeof marker, "%s", cw_text(answer, "NextMarker"));
		json_decref(answer);
	} while (marker[0]);
}

static void refresh(struct sampler *sampler)
{
	unsigned reads = 0;

	if (sampler->groups_stale)
		read_groups(sampler);
	list_for_each (&sampler->groups, node) {
		struct group *group = container_of(node, struct group, link);

		if (group->stale && reads++ < HEALTH_READS_MAX)
			read_targets(sampler, group);
	}
}

void sampler_groups_changed(struct sampler *sampler)
{
	sampler->groups_stale = true;
}

/* ---- The second ---- */

static struct seen *seen_of(struct sampler *sampler, struct bytes id)
{
	struct seen *seen = map_get(&sampler->by_id, id);

	if (seen)
		return seen;
	seen = calloc(1, sizeof *seen);
	if (!seen)
		return NULL;
	seen->id = bytes_dup(id);
	if (!seen->id || map_put(&sampler->by_id, id, seen, NULL)) {
		free(seen->id);
		free(seen);
		return NULL;
	}
	list_append(&sampler->seen, &seen->link);
	return seen;
}

static void on_row(void *owner, struct bytes load_balancer_id, struct bytes group_id,
		   const struct metrics *sum)
{
	struct sampler *sampler = owner;
	struct seen *seen = seen_of(sampler, group_id.len ? group_id : load_balancer_id);
	struct place place = { sampler, load_balancer_id, group_id };

	if (!seen)
		return;
	seen->gone = false;
	if (load_balancer_id.len) {
		sample_counters(&place, sum, &seen->metrics);
		sample_gauges(&place, sum);
		sample_histograms(&place, sum, &seen->metrics);
		if (group_id.len)
			sample_group_health(&place, sum, &seen->metrics);
		else
			sample_capacity(&place, sum, &seen->metrics);
	}
	memcpy(&seen->metrics, sum, sizeof seen->metrics);
}

static void free_seen(struct sampler *sampler, struct seen *seen)
{
	map_remove(&sampler->by_id, bytes_of(seen->id));
	list_remove(&seen->link);
	free(seen->id);
	free(seen);
}

void sampler_tick(struct sampler *sampler, int64_t now_s)
{
	sampler->now_s = now_s;
	refresh(sampler);
	list_for_each (&sampler->seen, node)
		container_of(node, struct seen, link)->gone = true;
	lb_each_metrics(sampler->cw->options.lb, on_row, sampler);
	list_for_each_safe (&sampler->seen, node) {
		struct seen *seen = container_of(node, struct seen, link);

		if (seen->gone)
			free_seen(sampler, seen);
	}
}

err_t sampler_create(struct cloudwatch *cw, struct sampler **ret_sampler)
{
	struct sampler *sampler = calloc(1, sizeof *sampler);

	if (!sampler)
		return ERR_NOMEM;
	sampler->cw = cw;
	sampler->groups_stale = true;
	list_init(&sampler->seen);
	list_init(&sampler->groups);
	*ret_sampler = sampler;
	return ERR_OK;
}

void sampler_destroy(struct sampler *sampler)
{
	if (!sampler)
		return;
	list_for_each_safe (&sampler->groups, node)
		free_group(container_of(node, struct group, link));
	list_for_each_safe (&sampler->seen, node)
		free_seen(sampler, container_of(node, struct seen, link));
	map_fini(&sampler->by_id);
	free(sampler);
}
