/*
 * transfer: a request to an HTTP server somewhere else whose bodies are larger than memory, both
 * ways: libcurl on a thread of its own for each, and two bounded buffers between it and the loop.
 *
 *   transfer_send ──► [256 KiB] ──► the thread ──► server
 *   transfer_take ◄── [256 KiB] ◄── the thread ◄── server
 *
 * `on_progress` tells that something changed: there is room, a head, bytes, or the end. It comes on
 * a later turn of the loop, and never after transfer_close. All calls are the loop's thread's.
 *
 * Of the house's rules for such questions (fetch.h) those on redirects, proxies and authorities
 * hold; the address is the operator's to choose. There is no limit on the time of all, but one on
 * the time in which no byte passes.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include "net/loop.h"

enum {
	TRANSFERS_MAX = 32, /* at once; each has a thread */
	TRANSFER_BUFFER_BYTES = 256 * 1024,
	TRANSFER_HEAD_BYTES_MAX = 64 * 1024,
};

struct transfers;
struct transfer;

/* Nothing runs before the first transfer. */
err_t transfers_create(struct loop *loop, struct transfers **ret_transfers);
/* Breaks off and waits for what runs, and settles the loop. NULL is welcome. */
void transfers_destroy(struct transfers *transfers);

#define TRANSFER_NO_BODY UINT64_MAX

struct transfer_request {
	const char *method, *url;
	const char *const *fields; /* "Name: value", NULL-terminated */
	uint64_t body_bytes;	   /* that transfer_send will bring in all, or TRANSFER_NO_BODY */
	const char *ca_file;	   /* PEM; NULL: the system's authorities */
	uint32_t stalled_ms;	   /* how long no byte may pass, either way */
};

/* Everything is copied. ERR_LIMIT: too many run. ERR_NOMEM, ERR_SYSTEM. */
err_t transfer_start(struct transfers *transfers, const struct transfer_request *request,
		     void (*on_progress)(void *owner), void *owner, struct transfer **ret_transfer);

/*
 * The next bytes of the body; all of them are taken. False: pause the source until on_progress
 * and transfer_has_room. What comes after the server has answered is dropped.
 */
bool transfer_send(struct transfer *transfer, struct bytes data);
bool transfer_has_room(struct transfer *transfer);

/* The answer's head, once it is there: its status, and its fields as lines "Name: value\n". */
bool transfer_head(struct transfer *transfer, unsigned *ret_status, struct bytes *ret_lines);
/* Bytes of the answer's body; 0: none now. */
size_t transfer_take(struct transfer *transfer, char *at, size_t room);
/*
 * Whether all is over and taken, and how: ERR_OK, ERR_EXPIRED, ERR_NOT_FOUND (no such name),
 * ERR_TLS_HANDSHAKE, ERR_TRUNCATED (after the head), ERR_UNREACHABLE. `why` gets libcurl's words.
 */
bool transfer_is_over(struct transfer *transfer, err_t *ret_err, const char **ret_why);

/* Once; breaks off what still runs. NULL is welcome. */
void transfer_close(struct transfer *transfer);
/*
 * Instead of it, when the answer was taken whole, before libcurl knew that it is: the connection
 * comes to its end in peace and serves the next transfer.
 */
void transfer_finish(struct transfer *transfer);

#endif
