/*
 * at: a value inside others, by its path. Pure.
 */
#ifndef API_AT_H
#define API_AT_H

#include <jansson.h>

/* "Vpcs.0.VpcId": members by name, those of lists by number. Borrowed; NULL: it is not there. */
const json_t *json_at(const json_t *value, const char *path);

#endif
