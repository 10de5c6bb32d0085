/*
 * docker_output: what a container writes, from the engine's log into `folder`/output. How far it
 * was read stands in `folder`/read, so that each line comes once, over restarts of either side.
 */
#ifndef ENGINE_DOCKER_OUTPUT_H
#define ENGINE_DOCKER_OUTPUT_H

#include "engine/docker_ask.h"
#include "engine/docker_text.h"

struct docker;

enum docker_output_end {
	OUTPUT_WHOLE,	   /* the log has ended, and all of it was read */
	OUTPUT_BROKEN,	   /* the engine went away; it may be asked again */
	OUTPUT_UNREADABLE, /* it never can be */
};

struct docker_output {
	struct docker *docker;
	const char *path;	/* "/containers/NAME", "/services/NAME"; borrowed */
	struct docker_ask *ask; /* under way */
	int output_fd, mark_fd; /* -1: the folder cannot be written to */
	bool heard;		/* something came since the owner last looked */
	struct docker_logs frames;
	void (*on_ended)(void *owner, enum docker_output_end how);
	void *owner;
};

/* Makes the folder when it is missing. What cannot be written to is unreadable. */
void docker_output_open(struct docker_output *output, struct docker *docker, const char *path,
			const char *folder);
/* From where it was read up to; `wait`: as long as more may come. Nothing while it is asked for.
 * ERR_NOT_FOUND: there is nowhere to write it to. */
err_t docker_output_read(struct docker_output *output, bool wait);
void docker_output_stop(struct docker_output *output);
void docker_output_close(struct docker_output *output);

#endif
