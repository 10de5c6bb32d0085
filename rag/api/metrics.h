/*
 * metrics: GET /metrics, in Prometheus' text form. Work for a task.
 */
#ifndef RAG_API_METRICS_H
#define RAG_API_METRICS_H

#include "rag/api/task.h"

void metrics_write(struct task *task);

#endif
