/*
 * scale: how many there should be. Pure arithmetic of policies, as Application Auto Scaling's guide
 * has it.
 */
#ifndef SERVICES_AUTOSCALING_SCALE_H
#define SERVICES_AUTOSCALING_SCALE_H

#include "base/bytes.h"

enum {
	SCALE_HIGH_POINTS = 3, /* minutes above the target before it grows */
	SCALE_LOW_POINTS = 15, /* minutes below nine tenths of it before it shrinks */
};

/*
 * Target tracking: `points` are the newest minutes' values, the newest first. Returns the capacity
 * to go to; `current` when there is nothing to do (or nothing known). Never from 0.
 */
uint32_t scale_track(uint32_t current, double target, const double *points, size_t count);

enum scale_adjustment { SCALE_CHANGE, SCALE_PERCENT, SCALE_EXACT };

struct scale_step {
	bool has_lower, has_upper;
	double lower, upper; /* relative to the alarm's threshold */
	int32_t adjustment;
};

/* Step scaling: `breach` is the metric less the threshold. */
int64_t scale_step(uint32_t current, double breach, enum scale_adjustment type,
		   uint32_t min_magnitude, const struct scale_step *steps, size_t count);

uint32_t scale_clamp(int64_t wanted, uint32_t min, uint32_t max);

#endif
