/*
 * sts: GetCallerIdentity, which every AWS tool asks before anything else. The control thread.
 */
#ifndef SERVICES_STS_STS_H
#define SERVICES_STS_STS_H

#include "api/api.h"

/* Registers the service; it holds nothing. */
err_t sts_register(struct api *api);

#endif
