/*
 * launch_internal: a container on its way to an engine: what every engine needs of it.
 */
#ifndef SERVICES_ECS_LAUNCH_INTERNAL_H
#define SERVICES_ECS_LAUNCH_INTERNAL_H

#include "services/ecs/ecs_internal.h"

enum { LAUNCH_LIMITS_MAX = 16, LAUNCH_PROCESSES_MAX = 4096, LAUNCH_MIB = 1024 * 1024 };

struct launch {
	struct run *run;
	const json_t *task, *container, *defined, *override;
	struct arena arena;
	const struct run_image *image; /* "oci:"; NULL for any other */
	json_t *image_config;
	json_t *environment; /* name → value */
	char **variables;    /* the same as "NAME=value" */
	struct workload_limit limits[LAUNCH_LIMITS_MAX];
	size_t limit_count;
	uint64_t memory_bytes;
	uint32_t cpu_units, stop_ms;
	char folder[4096];
	struct text *why;
};

void launch_init(struct launch *launch, struct run *run, const json_t *task,
		 const json_t *definition, unsigned index, struct text *why);
void launch_fini(struct launch *launch);

/* Where programs find the house: "http://…", or NULL; from a machine's process or a container. */
const char *launch_api_url(const struct launch *launch);
/* Puts what the house adds, then the user's own words and secrets, into `variables`. */
err_t launch_environment(struct launch *launch, err_t (*add_ours)(struct launch *launch));
err_t launch_common(struct launch *launch); /* what every engine's program finds */
/* Limits and sizes of the definition. */
void launch_sizes(struct launch *launch);
/* The command, of the override where there is one; NULL: none. Borrowed. */
const json_t *launch_command(const struct launch *launch);
/* A list of strings as words, NULL-terminated, `skip` of them left out and room for `first`. */
err_t launch_words(struct launch *launch, const json_t *list, char ***ret_words);

/* launch_oci.c: ERR_INVALID with a sentence. Nothing for any other image. */
err_t launch_oci_begin(struct launch *launch, struct run_container *container);
err_t launch_oci_environment(struct launch *launch);
err_t launch_oci_words(struct launch *launch, json_t *words);
/* Where the program is inside of the image; `name` NULL: none was named. */
err_t launch_oci_program(struct launch *launch, const char *name, char out[PATH_MAX]);
/* A user of the image: numbers, or a name of its /etc/passwd. */
err_t launch_oci_user(struct launch *launch, const char *user, uint32_t *ret_uid,
		      uint32_t *ret_gid);

/* launch_secrets.c: `secrets` of the definition. ERR_INVALID with a sentence. */
err_t launch_secrets(struct launch *launch);

/* launch_docker.c */
err_t launch_in_docker(struct launch *launch, struct run_container *container);

#endif
