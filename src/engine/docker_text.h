/*
 * docker_text: what Docker's words look like on the wire: image references, what a pull says,
 * log frames. Pure.
 */
#ifndef ENGINE_DOCKER_TEXT_H
#define ENGINE_DOCKER_TEXT_H

#include "base/text.h"

/*
 * "nginx" → "nginx", "latest"; "host:5000/a/b:1" → "host:5000/a/b", "1"; with a digest the whole
 * reference and no tag: what POST /images/create wants as fromImage and tag.
 */
void docker_image_split(struct bytes reference, struct bytes *ret_image, struct bytes *ret_tag);

/* ---- Pulling: one JSON object a line, of which the one with "error" counts ---- */

struct docker_pull {
	struct text line;
	char error[384]; /* "": none */
};
void docker_pull_init(struct docker_pull *pull);
void docker_pull_feed(struct docker_pull *pull, struct bytes data);
void docker_pull_fini(struct docker_pull *pull);

/* ---- Logs: frames of {stream, 0, 0, 0, length}, each with its time before its first blank ---- */

enum { DOCKER_STAMP_BYTES = 40 };

/* How far a container's output was read: so many entries of that time, and all before it. */
struct docker_mark {
	char stamp[DOCKER_STAMP_BYTES]; /* "2026-01-02T03:04:05.123456789Z"; "": nothing yet */
	uint32_t entries;
};

struct docker_logs {
	struct docker_mark seen;  /* moves on */
	struct docker_mark after; /* what came before this connection; entries up to it are left */
	uint32_t repeated;	  /* of those with after.stamp, how many came again */
	uint8_t head[8], head_len;
	uint32_t left; /* of the frame */
	char stamp[DOCKER_STAMP_BYTES];
	uint8_t stamp_len;
	bool in_stamp, skipping;
};
/* A new connection, which repeats from `mark`'s second on. */
void docker_logs_begin(struct docker_logs *logs, const struct docker_mark *mark);
/* Appends to *out what of `data` is new output. */
void docker_logs_feed(struct docker_logs *logs, struct bytes data, struct text *out);

/* "since" for a mark: seconds since 1970, and nanoseconds; "" for none. */
void docker_since(const struct docker_mark *mark, char out[DOCKER_STAMP_BYTES]);

#endif
