/*
 * page: answers the balancer makes itself: errors, redirects, fixed responses, byte for byte as
 * reference/alb.md §3.4, §3.5 and §6.1. Pure.
 */
#ifndef LB_PAGE_H
#define LB_PAGE_H

#include "http/message.h"
#include "lb/route.h"

enum { PAGE_LOCATION_MAX = 8 * 1024 };

struct page {
	struct http_head
		head;	   /* framing LENGTH; with Server, Date, Content-Type, listener's fields */
	struct bytes body; /* not sent for HEAD: the codec sees to that */
	bool close;	   /* close the connection after it: 400, 408, 413, 414, 501, 505 */
};

/* `listener` may be NULL (a request that met none); `unix_ms` is for Date. ERR_NOMEM. */
err_t page_error(uint16_t status, const struct plan_listener *listener, uint64_t unix_ms,
		 struct arena *arena, struct page *ret_page);

/*
 * The same for a gRPC client: its status is grpc-status, in a head that is all there is
 * (reference/alb.md §5.9).
 */
err_t page_error_grpc(uint16_t status, const struct plan_listener *listener, uint64_t unix_ms,
		      struct arena *arena, struct page *ret_page);

err_t page_fixed(const struct plan_action *action, const struct plan_listener *listener,
		 uint64_t unix_ms, struct arena *arena, struct page *ret_page);

/* What a gate answers: a redirect (`location`, else at == NULL) or a refusal, with cookies to set.
 */
err_t page_gate(uint16_t status, struct bytes location, const struct bytes *cookies,
		unsigned cookie_count, const struct plan_listener *listener, uint64_t unix_ms,
		struct arena *arena, struct page *ret_page);

/*
 * ERR_TOO_LARGE: the Location passes PAGE_LOCATION_MAX; answer 507 (END_REDIRECT_TOO_LONG, metric
 * REDIRECT_URL_LIMIT). *ret_location is what the access log shows.
 */
err_t page_redirect(const struct plan_action *action, const struct plan_listener *listener,
		    const struct route_facts *facts, bool tls, uint64_t unix_ms,
		    struct arena *arena, struct page *ret_page, struct bytes *ret_location);

/* "Gateway Time-out": ALB's own phrases, else RFC 9110's; "" for 463, 464, 561, 562. */
const char *page_reason(uint16_t status);

/* Adds Retry-After to a page. ERR_NOMEM. */
err_t page_retry_after(struct page *page, uint32_t seconds, struct arena *arena);

#endif
