/*
 * server: ragd's routes on a port. On the loop's thread.
 */
#ifndef RAG_API_SERVER_H
#define RAG_API_SERVER_H

#include "rag/api/service.h"

struct server;

/*
 * Takes over a listening handle (acceptor_bind). `on_stopped` comes once after server_drain or
 * server_stop, when the last connection is gone.
 */
err_t server_open(struct service *service, int listen_fd,
		  void (*on_stopped)(struct service *service), struct server **ret_server);
void server_close(struct server *server); /* after on_stopped; NULL is welcome */

/*
 * New questions are refused, /health says draining, and running answers go on until drain_ms are
 * over; then server_stop.
 */
void server_drain(struct server *server);
void server_stop(struct server *server); /* cuts what runs */

#endif
