/*
 * search: which metrics a SEARCH of metric math means:
 *
 *   {AWS/ApplicationELB,LoadBalancer} MetricName="RequestCount" NOT (dev OR "app/test/1")
 *
 * A schema, which may be left out, says namespace and dimension names; with the namespace alone
 * any dimensions will do. Terms without quotes match by tokens, in the names and values of a
 * metric, as CloudWatch cuts them: at capitals, digits and what is neither letter nor digit.
 * Pure; everything lives in the caller's arena.
 */
#ifndef SERVICES_CLOUDWATCH_SEARCH_H
#define SERVICES_CLOUDWATCH_SEARCH_H

#include "base/arena.h"
#include "base/text.h"
#include "services/cloudwatch/series.h"

enum { SEARCH_BYTES_MAX = 1024 };

struct search;

/* ERR_INVALID with a sentence in `why`, ERR_NOMEM. `text` is borrowed as long as the search. */
err_t search_parse(struct arena *arena, struct bytes text, const struct search **ret_search,
		   struct text *why);

struct search_subject {
	struct bytes name_space, name;
	const struct dimension *dimensions;
	unsigned dimension_count;
};

bool search_fits(const struct search *search, const struct search_subject *subject);

#endif
