#include "engine/workload_internal.h"

bool workload_usage(struct workload *workload, struct workload_usage *ret_usage)
{
	return workload->engine->usage(workload, ret_usage);
}

void workload_stop(struct workload *workload)
{
	workload->engine->stop(workload);
}

void workload_kill(struct workload *workload)
{
	workload->engine->kill(workload);
}

void workload_forget(struct workload *workload)
{
	if (workload)
		workload->engine->forget(workload);
}

void workload_release(struct workload *workload)
{
	if (workload)
		workload->engine->release(workload);
}
