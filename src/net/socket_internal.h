/*
 * socket_internal: sockets as the loop and the acceptor see them.
 */
#ifndef NET_SOCKET_INTERNAL_H
#define NET_SOCKET_INTERNAL_H

#include "net/loop_internal.h"

/* Wraps a connected, non-blocking descriptor. On failure the descriptor is still the caller's. */
err_t socket_adopt(struct loop *loop, int fd, struct socket **ret_socket);

/* A socket that was on loop->ready, and was taken off it, has its turn. */
void socket_on_queued(struct polled *polled);

#endif
