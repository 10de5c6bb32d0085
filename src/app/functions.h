/*
 * functions: the balancer's calls of functions, made by Lambda (lb/function.h on one side,
 * services/lambda/invocation.h on the other). The control thread.
 */
#ifndef APP_FUNCTIONS_H
#define APP_FUNCTIONS_H

#include "app/weir.h"

/* Who invokes, as functions' policies name it. */
#define FUNCTION_PRINCIPAL "elasticloadbalancing.amazonaws.com"

#define BUCKET_PRINCIPAL "s3.amazonaws.com"
#define LOGS_PRINCIPAL	 "logs.amazonaws.com"

extern const struct lb_invoker function_invoker; /* its owner is a struct weir */

/* After lambda_destroy: who still waits for a function is told that none comes. */
void functions_stop(struct weir *weir);

#endif
