/*
 * autoscaling: Application Auto Scaling (API 2016-02-06) for ECS services: target tracking, step
 * scaling from alarms, scheduled actions.
 *
 *   every few seconds: metrics and alarms (asked of cloudwatch) ─► scale.h ─► ecs UpdateService
 *
 * The control thread.
 */
#ifndef SERVICES_AUTOSCALING_AUTOSCALING_H
#define SERVICES_AUTOSCALING_AUTOSCALING_H

#include "api/api.h"
#include "store/store.h"

struct autoscaling;

struct autoscaling_options {
	struct api *api; /* the service registers itself here; ecs and cloudwatch are asked here */
	struct store *store;
	struct loop *loop;
	const struct api_caller *caller; /* whom we ask them as; borrowed */
	const char *account, *region;	 /* copied */
};

err_t autoscaling_create(const struct autoscaling_options *options,
			 struct autoscaling **ret_autoscaling);
void autoscaling_destroy(struct autoscaling *autoscaling); /* NULL is welcome */

#endif
