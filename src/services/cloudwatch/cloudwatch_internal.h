/*
 * cloudwatch_internal: what the files of this folder share.
 *
 * Kinds in the store: an alarm's body is as DescribeAlarms tells it (a composite one has an
 * AlarmRule), a history item's as DescribeAlarmHistory does, with the alarm's name as parent.
 */
#ifndef SERVICES_CLOUDWATCH_CLOUDWATCH_INTERNAL_H
#define SERVICES_CLOUDWATCH_CLOUDWATCH_INTERNAL_H

#include "services/cloudwatch/alarm.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/journal.h"
#include "services/cloudwatch/labels.h"
#include "services/cloudwatch/math.h"
#include "services/cloudwatch/trim.h"
#include "services/cloudwatch/webhook.h"
#include "services/units.h"

#define CW_ALARM     "cloudwatch.alarm"
#define CW_HISTORY   "cloudwatch.history"
#define CW_DASHBOARD "cloudwatch.dashboard"
#define CW_TAGS	     "cloudwatch.tags"

#define CW_BALANCER "AWS/ApplicationELB"
#define CW_STREAMS  "Weir/Streaming"

struct sampler;

struct cloudwatch {
	struct cloudwatch_options options;
	struct arena arena;
	struct api_service service;
	struct series_set series;
	struct journal *journal;
	struct sampler *sampler;
	struct webhooks *webhooks;
	struct timer timer;
	struct store_listener listener;
	char zone[64];	/* of this node */
	json_t *alarms; /* name → body, as of the last commit */
	/* name → end of the period evaluated last, in seconds; of a composite alarm whose state was
	 * set, what its rule stood on then */
	json_t *due;
	json_t *pending; /* alarms that SetAlarmState set: their actions run when it is on disk */
	bool alarms_stale;
	int64_t trimmed_s;
};

static inline struct cloudwatch *cloudwatch_of(const struct api_call *call)
{
	return call->service->state;
}

uint64_t cw_now_ms(const struct cloudwatch *cw);

/* ---- The call (call.c) ---- */

err_t cw_begin(struct api_call *call);
err_t cw_end(struct api_call *call, err_t verdict);
/* The call's transaction, opened at the first use. */
err_t cw_txn(struct api_call *call, struct store_txn **ret_txn);
err_t cw_not_found(struct api_call *call, const char *code, const char *words); /* status 404 */
/* Takes `value` over. */
err_t cw_set(json_t *object, const char *key, json_t *value);
err_t cw_append(json_t *object, const char *list, json_t *value);
const char *cw_text(const json_t *object, const char *key); /* "" when absent */
/* NextToken: where to go on, as a number; 0 at the start. */
err_t cw_token_in(struct api_call *call, uint64_t *ret_after);
err_t cw_token_out(struct api_call *call, uint64_t after);
void cw_alarm_arn(const struct cloudwatch *cw, const char *name, char out[512]);
void cw_dashboard_arn(const struct cloudwatch *cw, const char *name, char out[512]);

/* ---- Metrics ---- */

/* names.c: the series that a caller means, whatever unit they have. */
enum { CW_VIEWS = 4 };
struct metric_ref {
	const struct series *series[METRIC_UNITS];
	unsigned count;
};
/* `unit` NULL: any. ERR_NOMEM. */
err_t cw_find(const struct cloudwatch *cw, const json_t *metric, const char *unit,
	      struct metric_ref *ret_ref);
/* How a series that the node sampled is also told: 1 with the zone, 2 without the balancer, 3. */
bool cw_has_view(const struct series *series, unsigned view);
json_t *cw_metric_json(const struct cloudwatch *cw, const struct series *series, unsigned view);
/* The dimensions of that view; the slices are the series' and the service's. */
unsigned cw_view_dimensions(const struct cloudwatch *cw, const struct series *series, unsigned view,
			    struct dimension ret_dimensions[DIMENSIONS_MAX + 1]);
/* All series of that metric, which differ by unit. */
void cw_same_metric(const struct cloudwatch *cw, const struct series *series,
		    struct metric_ref *ret_ref);
/* ERR_INVALID and a fault when the dimensions are not what a metric can have. */
err_t cw_metric_name(struct api_call *call, const char *name_space, const json_t *datum,
		     struct metric_name *ret_name);

/* stats.c */
enum stat_name {
	STAT_COUNT,
	STAT_AVERAGE,
	STAT_SUM,
	STAT_MINIMUM,
	STAT_MAXIMUM,
	STAT_QUANTILE,
	STAT_TRIMMED,
};
struct stat_kind {
	enum stat_name kind;
	double quantile;
	struct trim trim;
};
#define STAT_EXTENDED_WORDS                                                                   \
	"percentiles (p99.9), trimmed and winsorized means (tm99, TM(5%%:95%%), wm99, IQM), " \
	"trimmed counts and sums (tc99, TS(:0.5)) and percentile ranks (PR(:0.5))"
bool stat_parse(const char *text, struct stat_kind *ret_kind);
bool stat_is_extended(const struct stat_kind *kind); /* not one of the five */
double stat_value(const struct point *point, const struct stat_kind *kind); /* NaN: none */
bool cw_period_valid(int64_t period_s);
/* The merged point of [from, to); *ret_present whether there was one. The caller ends it. */
err_t cw_collect(const struct metric_ref *ref, int64_t from_s, int64_t period_s,
		 struct point *ret_point, bool *ret_present);

/* queries.c: MetricDataQueries over [from, to), for GetMetricData and for alarms. */
struct query_result {
	const json_t *query;
	int64_t period_s;
	enum math_type type;
	struct math_line *lines; /* one of a series; their origins are struct metric_origin */
	size_t count;
	double *samples; /* of a metric: how many made each slot; NULL for an expression */
	bool computed;
	bool cut; /* SEARCH found more than it may give */
};
struct query_range {
	int64_t from_s, to_s;
	bool exact; /* periods begin at from_s, not where the clock's periods do */
};
/* Where the periods begin, and how many there are. */
int64_t cw_range_start(const struct query_range *range, int64_t period_s);
size_t cw_range_slots(const struct query_range *range, int64_t period_s);
enum query_use {
	QUERIES_SHOWN,
	QUERIES_WATCHED
}; /* GetMetricData; an alarm, which needs one series */
err_t cw_queries_check(struct api_call *call, const json_t *queries, enum query_use use);
err_t cw_queries_run(const struct cloudwatch *cw, struct arena *arena, const json_t *queries,
		     const struct query_range *range, struct query_result *results,
		     struct text *why);
/* query_search.c: the lines of a SEARCH. *ret_cut: there are more. */
enum { SEARCH_LINES_MAX = 500 };
err_t cw_search(const struct cloudwatch *cw, struct arena *arena, const struct math_search *search,
		const struct query_range *range, int64_t period_s, struct query_result *result,
		struct math_line **ret_lines, size_t *ret_count, struct text *why);
/* Its words alone: ERR_INVALID and a sentence. */
err_t cw_search_check(struct arena *arena, const struct math_search *search, struct text *why);
/* One line of a metric; `samples` may be NULL. */
err_t cw_line(const struct metric_ref *ref, const struct stat_kind *kind,
	      const struct query_range *range, int64_t period_s, double *slots, double *samples);

/* sample.c */
err_t sampler_create(struct cloudwatch *cw, struct sampler **ret_sampler);
void sampler_destroy(struct sampler *sampler);
void sampler_tick(struct sampler *sampler, int64_t now_s);
void sampler_groups_changed(struct sampler *sampler);
/* Adds and notes one point; the journal is written by the caller. */
err_t cw_record(struct cloudwatch *cw, const struct metric_name *name, const struct point *point,
		unsigned rings);

/* ---- Alarms ---- */

void cw_evaluate(struct cloudwatch *cw, int64_t now_s); /* evaluate.c: every second */
/*
 * A state that SetAlarmState set lasts for a period, a minute at most; that of a composite alarm
 * until what its rule names changes.
 */
err_t cw_hold(struct cloudwatch *cw, const json_t *alarm);

/* ---- States (states.c) ---- */

/*
 * Notes a state, history and the actions to run, in a transaction of the caller's; the webhooks
 * go out when cw_actions_run is called after the commit.
 */
err_t cw_set_state(struct cloudwatch *cw, struct store_txn *txn, json_t *alarm,
		   enum alarm_state state, const char *reason, const char *reason_data);
void cw_actions_run(struct cloudwatch *cw, const json_t *alarm, const char *reason);
/*
 * suppressor.c: runs the actions of an alarm whose state changed, unless they are suppressed; with
 * `changed` false those that were, when they are not any more.
 */
void cw_act(struct cloudwatch *cw, const char *name, bool changed);
const char *cw_suppressor_of(const json_t *alarm); /* by name; "" for none */
err_t cw_history(struct cloudwatch *cw, struct store_txn *txn, const json_t *alarm,
		 const char *type, const char *summary, json_t *data);
err_t cw_alarms_load(struct cloudwatch *cw); /* into cw->alarms */
bool cw_is_composite(const json_t *alarm);
/* The body belongs to the caller; NULL when there is none. */
err_t cw_get_alarm(struct api_call *call, const char *name, json_t **ret_alarm);
enum alarm_state cw_state_of(const json_t *alarm);
void cw_on_webhook(void *owner, const struct webhook_result *result);

/* composite.c: ERR_SYNTAX and a sentence, or the rule's truth with the alarms as they are. */
err_t composite_evaluate(const char *rule, const json_t *alarms, bool *ret_true, struct text *why);
/* Whether the rule names that alarm. */
bool composite_names(const char *rule, const char *alarm);

extern const struct api_operation cloudwatch_operations[];
extern const size_t cloudwatch_operation_count;

#define OPERATION(name_, effect_, input_, output_, handler_, acts_, note_) \
	err_t cw_##handler_(struct api_call *call);
#include "services/cloudwatch/operations.def"
#undef OPERATION

/* The input's Tags and TagKeys: none is AWS's own, and not too many. dashboards.c */
err_t cw_check_tags(struct api_call *call);

#endif
