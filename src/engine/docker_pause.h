/*
 * docker_pause: an image with one program, as `docker load` takes it: a tar of its layer, its
 * configuration and a manifest that names both.
 */
#ifndef ENGINE_DOCKER_PAUSE_H
#define ENGINE_DOCKER_PAUSE_H

#include "base/text.h"

/* A registry's host that is none: nobody pulls it. A new program is a new tag. */
#define DOCKER_PAUSE_IMAGE "localhost/weir-pause:1"

enum { DOCKER_PAUSE_BYTES_MAX = 4 * 1024 * 1024 };

/* Reads the program of that path. ERR_NOT_FOUND, ERR_DENIED, ERR_TOO_LARGE, ERR_NOMEM… */
err_t docker_pause_archive(const char *program, struct text *out);
/* The same of its bytes. Pure. */
err_t docker_pause_image(struct bytes program, struct text *out);

#endif
