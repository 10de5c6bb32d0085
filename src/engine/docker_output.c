#include "engine/docker_output.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/docker_internal.h"
#include "engine/folder.h"

enum { PIECE_BYTES = 4 * 1024 * 1024 }; /* more than one receive can bring */

void docker_output_open(struct docker_output *output, struct docker *docker, const char *path,
			const char *folder)
{
	output->docker = docker;
	output->path = path;
	output->output_fd = output->mark_fd = -1;
	if (folder_make(folder))
		return; /* it runs all the same: its output stays with the engine */
	output->output_fd = folder_open(folder, "output", O_WRONLY | O_CREAT | O_APPEND);
	output->mark_fd = folder_open(folder, "read", O_RDWR | O_CREAT);
}

void docker_output_stop(struct docker_output *output)
{
	docker_ask_cancel(output->ask);
	output->ask = NULL;
}

void docker_output_close(struct docker_output *output)
{
	docker_output_stop(output);
	if (output->output_fd >= 0)
		close(output->output_fd);
	if (output->mark_fd >= 0)
		close(output->mark_fd);
	output->output_fd = output->mark_fd = -1;
}

static void read_mark(const struct docker_output *output, struct docker_mark *mark)
{
	struct docker_mark read;

	*mark = (struct docker_mark){ .entries = 0 };
	if (pread(output->mark_fd, &read, sizeof read, 0) == sizeof read &&
	    memchr(read.stamp, '\0', sizeof read.stamp))
		*mark = read;
}

static void on_piece(void *owner, struct bytes data)
{
	struct docker_output *output = owner;
	struct text out = TEXT_INIT(PIECE_BYTES);

	output->heard = true;
	docker_logs_feed(&output->frames, data, &out);
	if (out.len && write(output->output_fd, out.at, out.len) != (ssize_t)out.len)
		log_warn("engine", "%s: some of its output is lost", output->path);
	text_fini(&out);
	if (pwrite(output->mark_fd, &output->frames.seen, sizeof output->frames.seen, 0) < 0)
		log_warn("engine", "%s: output may come twice after a crash", output->path);
}

static void on_answer(void *owner, const struct docker_answer *answer)
{
	struct docker_output *output = owner;
	enum docker_output_end how = OUTPUT_WHOLE;

	output->ask = NULL;
	if (answer->err) {
		how = OUTPUT_BROKEN;
	} else if (answer->status != 200) {
		log_warn("engine", "%s: its output cannot be read (status %u)", output->path,
			 answer->status);
		how = OUTPUT_UNREADABLE;
	}
	output->on_ended(output->owner, how);
}

/* The engine repeats the last entries, which are left out. */
err_t docker_output_read(struct docker_output *output, bool wait)
{
	static const struct docker_ask_events events = { .on_piece = on_piece,
							 .on_answer = on_answer };
	struct docker_mark mark;
	char path[2048], since[DOCKER_STAMP_BYTES];

	if (output->ask)
		return ERR_OK;
	if (output->output_fd < 0 || output->mark_fd < 0)
		return ERR_NOT_FOUND;
	read_mark(output, &mark);
	docker_logs_begin(&output->frames, &mark);
	docker_since(&mark, since);
	snprintf(path, sizeof path, "%s/logs?follow=%d&stdout=1&stderr=1&timestamps=1%s%s",
		 output->path, wait, since[0] ? "&since=" : "", since);
	return docker_send(output->docker, "GET", path, NULL, 0, &events, output, &output->ask);
}
