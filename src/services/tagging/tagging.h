/*
 * tagging: the Resource Groups Tagging API (2017-01-26): every service's tags by one door. Holds
 * nothing: it asks the services that are there, and tells them. The control thread.
 */
#ifndef SERVICES_TAGGING_TAGGING_H
#define SERVICES_TAGGING_TAGGING_H

#include "api/api.h"

struct tagging;

err_t tagging_create(struct api *api, struct tagging **ret_tagging);
void tagging_destroy(struct tagging *tagging); /* NULL is welcome */

#endif
