/*
 * docker_json_internal: what the bodies for a container and for a service of a Swarm share.
 */
#ifndef ENGINE_DOCKER_JSON_INTERNAL_H
#define ENGINE_DOCKER_JSON_INTERNAL_H

#include <jansson.h>

#include "engine/docker_json.h"

enum { DOCKER_NANO = 1000000000, DOCKER_MS_NANO = 1000000, DOCKER_CPU_UNITS = 1024 };

/* "" where there is none. */
const char *docker_text_in(const json_t *object, const char *key);
void docker_put_number(json_t *object, const char *key, uint64_t number); /* nothing for 0 */
void docker_put_text(json_t *object, const char *key, const char *text);  /* nothing for NULL */

json_t *docker_words(char *const *words);
json_t *docker_limits(const struct container_options *options);
json_t *docker_check(const struct container_check *check); /* NULL: none */
json_t *docker_labels(const struct container_options *options, const char *installation);
/* Takes `body` over, which may be NULL: ERR_NOMEM. */
err_t docker_write_json(json_t *body, struct text *out);
json_t *docker_load(struct bytes json); /* NULL: it is none */

#endif
