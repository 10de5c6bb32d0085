#include "services/autoscaling/scale.h"

#include <math.h>

/* Shrinking waits for some room below the target, so that it does not grow again at once. */
static const double low_share = 0.9;

static bool all(const double *points, size_t count, size_t wanted, bool above, double limit)
{
	if (count < wanted)
		return false;
	for (size_t i = 0; i < wanted; i++)
		if (above ? points[i] <= limit : points[i] >= limit)
			return false;
	return true;
}

uint32_t scale_track(uint32_t current, double target, const double *points, size_t count)
{
	double wanted;

	if (!current || !count || !(target > 0))
		return current;
	if (!all(points, count, SCALE_HIGH_POINTS, true, target) &&
	    !all(points, count, SCALE_LOW_POINTS, false, target * low_share))
		return current;
	wanted = ceil(current * points[0] / target);
	if (!(wanted >= 0) || wanted > UINT32_MAX / 2)
		return current;
	return (uint32_t)wanted;
}

static bool fits(const struct scale_step *step, double breach)
{
	/* The bound nearer to the threshold belongs to the step, the other does not. */
	if (breach >= 0)
		return (!step->has_lower || breach >= step->lower) &&
		       (!step->has_upper || breach < step->upper);
	return (!step->has_lower || breach > step->lower) &&
	       (!step->has_upper || breach <= step->upper);
}

static int64_t percent_of(uint32_t current, int32_t percent, uint32_t min_magnitude)
{
	double change = (double)current * percent / 100;
	int64_t whole = change > 0 && change < 1    ? 1
			: change < 0 && change > -1 ? -1
						    : (int64_t)change;

	if (whole > 0 && whole < min_magnitude)
		whole = min_magnitude;
	if (whole < 0 && -whole < min_magnitude)
		whole = -(int64_t)min_magnitude;
	return whole;
}

int64_t scale_step(uint32_t current, double breach, enum scale_adjustment type,
		   uint32_t min_magnitude, const struct scale_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!fits(&steps[i], breach))
			continue;
		switch (type) {
		case SCALE_CHANGE: return (int64_t)current + steps[i].adjustment;
		case SCALE_EXACT: return steps[i].adjustment;
		case SCALE_PERCENT:
			return (int64_t)current +
			       percent_of(current, steps[i].adjustment, min_magnitude);
		}
	}
	return current;
}

uint32_t scale_clamp(int64_t wanted, uint32_t min, uint32_t max)
{
	return wanted < min ? min : wanted > max ? max : (uint32_t)wanted;
}
