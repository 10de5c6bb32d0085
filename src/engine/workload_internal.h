/*
 * workload_internal: what an engine puts first into each of its workloads.
 */
#ifndef ENGINE_WORKLOAD_INTERNAL_H
#define ENGINE_WORKLOAD_INTERNAL_H

#include "engine/workload.h"

struct workload_engine {
	bool (*usage)(struct workload *workload, struct workload_usage *ret_usage);
	void (*stop)(struct workload *workload);
	void (*kill)(struct workload *workload);
	void (*forget)(struct workload *workload);
	void (*release)(struct workload *workload);
};

struct workload {
	const struct workload_engine *engine;
};

#endif
