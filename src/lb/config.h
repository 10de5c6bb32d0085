/*
 * config: what the balancer shall do, as plain data. Services fill it from their resources;
 * lb_apply compiles it into a plan and keeps nothing of it.
 *
 * Everything is borrowed for the length of the call. Values are in range already: the service
 * that took them from a user has checked them (lb asserts, it does not report). Defaults are
 * those of reference/alb.md §1 and §2.3; attr.def has them as text, with ranges.
 */
#ifndef LB_CONFIG_H
#define LB_CONFIG_H

#include "crypto/tls.h"
#include "http/desync.h"
#include "lb/admit.h"
#include "net/address.h"

enum xff_mode { XFF_APPEND, XFF_PRESERVE, XFF_REMOVE };

/* What starts with "weir." and exists on load balancer, target group and as tags: design §6. */
struct stream_config {
	uint32_t heartbeat_ms;	   /* 0: off */
	uint32_t connect_ms;	   /* default 10 000 */
	uint32_t first_byte_ms;	   /* 0: the idle timeout */
	uint32_t first_event_ms;   /* 0: the idle timeout */
	uint32_t between_bytes_ms; /* 0: the idle timeout */
	uint32_t total_ms;	   /* 0: none */
	/* Requests for event streams that wait get 200 and heartbeats meanwhile. */
	bool early_response;
	/* Requests that find no target wait for one: so many, so long. 0: none does. */
	uint32_t queue_max, queue_wait_ms;
};

/* ---- Actions and conditions ---- */

enum action_kind { ACTION_FORWARD, ACTION_REDIRECT, ACTION_FIXED_RESPONSE };

struct forward_group {
	struct bytes group_arn;
	uint16_t weight; /* 0-999 */
};

struct action_config {
	enum action_kind kind;
	/* forward */
	const struct forward_group *groups;
	unsigned group_count; /* 1-5 */
	bool group_stickiness;
	uint32_t group_stickiness_seconds;
	/* redirect: with placeholders, defaults filled in; reference/alb.md §3.5 */
	struct bytes protocol, host, port, path, query;
	uint16_t status; /* redirect: 301, 302; fixed response: 2xx, 4xx, 5xx */
	/* fixed response */
	struct bytes content_type, body;
};

/* ---- Gates: what must hold before the action, reference/alb.md §3.6 and §3.7 ---- */

enum gate_kind { GATE_AUTHENTICATE, GATE_JWT };

enum unauthenticated {
	ON_UNAUTHENTICATED_LOGIN,
	ON_UNAUTHENTICATED_ALLOW,
	ON_UNAUTHENTICATED_DENY
};

struct query_parameter {
	struct bytes name, value; /* plain, not encoded */
};

struct oidc_config {
	struct bytes issuer, authorization_endpoint, token_endpoint, user_info_endpoint;
	struct bytes client_id, client_secret; /* the secret may be empty: a public client */
	struct bytes cookie_name;	       /* a cookie's name, without its "-0" */
	struct bytes scope;
	uint32_t session_seconds; /* 1-604800 */
	enum unauthenticated on_unauthenticated;
	const struct query_parameter *extra; /* for the authorization endpoint */
	unsigned extra_count;		     /* 0-10 */
};

enum claim_format { CLAIM_SINGLE_STRING, CLAIM_STRING_ARRAY, CLAIM_SPACE_SEPARATED };

struct claim_config {
	enum claim_format format;
	struct bytes name;
	const struct bytes *values; /* any of them will do */
	unsigned value_count;	    /* 1-10 */
};

struct jwt_config {
	struct bytes jwks_url, issuer;
	const struct claim_config *claims; /* all must hold */
	unsigned claim_count;		   /* 0-10 */
};

struct gate_config {
	enum gate_kind kind;
	struct oidc_config oidc; /* AUTHENTICATE */
	struct jwt_config jwt;	 /* JWT */
};

enum { GATES_MAX = 2 }; /* one of each kind */

enum condition_kind {
	CONDITION_HOST_HEADER,
	CONDITION_PATH_PATTERN,
	CONDITION_HTTP_HEADER,
	CONDITION_METHOD,
	CONDITION_QUERY_STRING,
	CONDITION_SOURCE_IP,
};

struct condition_value {
	struct bytes key;   /* query-string only; at == NULL: any key */
	struct bytes value; /* wildcard pattern, regular expression, method or CIDR */
	bool is_regex;
};

struct condition_config {
	enum condition_kind kind;
	struct bytes header_name; /* http-header only */
	const struct condition_value *values;
	unsigned value_count;
};

struct rewrite_config { /* at.regex.at == NULL: none */
	struct bytes regex, replace;
};

struct rule_config {
	struct bytes arn;
	uint32_t priority; /* 1-50000; 0: the default rule, which is the last */
	const struct condition_config *conditions;
	unsigned condition_count;
	const struct gate_config *gates; /* in the order they are to hold */
	unsigned gate_count;		 /* 0-GATES_MAX */
	struct action_config action;
	struct rewrite_config host_rewrite, url_rewrite;
};

/* ---- Load balancers and listeners ---- */

/* What a TLS connection adds to requests, each under a name of the listener's choice. */
enum tls_field {
	TLS_FIELD_VERSION, /* x-amzn-tls-version, reference/alb.md §1 */
	TLS_FIELD_CIPHER,  /* x-amzn-tls-cipher-suite */
	/* Of the client's certificate, reference/alb.md §3.10. */
	TLS_FIELD_CLIENT_SERIAL,
	TLS_FIELD_CLIENT_ISSUER,
	TLS_FIELD_CLIENT_SUBJECT,
	TLS_FIELD_CLIENT_VALIDITY,
	TLS_FIELD_CLIENT_LEAF,
	TLS_FIELD_CLIENT_CHAIN,
	TLS_FIELDS,
};

struct listener_config {
	struct bytes arn;
	uint16_t port;	      /* as the API names it: for Host, X-Forwarded-Port, redirects */
	struct address bound; /* where it really listens: offset and bind address applied */
	const struct rule_config *rules; /* any order; exactly one default */
	unsigned rule_count;
	bool http2_clear; /* HTTP/2 with prior knowledge, without TLS: no ELBv2 listener has it */
	bool https;
	struct tls_context *tls; /* https; NULL while no certificate can be had: nobody is served */
	enum tls_client_auth client_auth;    /* as `tls` has it */
	struct bytes tls_fields[TLS_FIELDS]; /* empty: not sent */
	/* Listener attributes, reference/alb.md §3.11: name and value of headers to set; "" leaves.
	 */
	bool server_header; /* routing.http.response.server.enabled */
	const struct response_header_config {
		struct bytes name, value;
	} * response_headers;
	unsigned response_header_count;
};

struct load_balancer_config {
	struct bytes arn;
	struct bytes id;       /* "app/NAME/16hex" */
	struct bytes dns_name; /* lower case */
	const struct listener_config *listeners;
	unsigned listener_count;

	uint32_t reserved_units;       /* of capacity; 0: none. For metrics */
	uint32_t idle_ms;	       /* idle_timeout.timeout_seconds */
	uint64_t client_keep_alive_ms; /* client_keep_alive.seconds */
	enum desync_mode desync_mode;
	bool drop_invalid_fields;
	bool preserve_host;
	bool xff_client_port;
	enum xff_mode xff_mode;
	bool cross_zone; /* always true on an ALB; target groups may differ */

	/* Security groups: who may come in at which listener port, what may be connected to. */
	const struct admit_list *ingress, *egress; /* NULL: anyone, anything */
};

/* ---- Target groups ---- */

enum algorithm { ROUND_ROBIN, LEAST_OUTSTANDING_REQUESTS, WEIGHTED_RANDOM };
/* What targets speak; and with it which requests they can be sent (reference/alb.md §2.6). */
enum protocol_version { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_GRPC };
enum stickiness { STICKINESS_OFF, STICKINESS_LB_COOKIE, STICKINESS_APP_COOKIE };

struct health_config {
	bool disabled; /* functions only: the state is then "unavailable" */
	bool https;
	uint16_t port; /* 0: the traffic port */
	struct bytes path;
	uint32_t interval_ms, timeout_ms;
	uint8_t healthy_threshold, unhealthy_threshold;
	struct bytes matcher; /* "200,202" or "200-299" */
};

struct target_config {
	struct bytes id;	/* as registered: an address, "i-…", a function's ARN */
	struct address address; /* of the target, with the traffic port; a function has none */
	struct bytes zone;	/* "us-east-1a", "all" or "" */
	uint64_t draining_until_unix_ms; /* 0: in service */
	uint64_t registered_unix_ms;
	/* Ports that its own security groups open to the balancer; the rules' addresses are the
	 * target's own. NULL: nothing is known of them. */
	const struct admit_list *ingress;
};

struct target_group_config {
	struct bytes arn, id; /* id: "targetgroup/NAME/16hex" */
	struct bytes name;
	struct bytes load_balancer_id; /* "" while unused: then its targets are not probed */
	bool function;		  /* its targets are functions; the same for the group's life */
	bool multi_value_headers; /* of functions' events and answers */
	bool function_streams;	  /* what they stream is passed on as it comes */
	bool https;		  /* TLS to the targets; the same for the group's life */
	bool tls13; /* up to TLS 1.3, since a listener's policy has it; else up to 1.2 */
	enum protocol_version protocol_version; /* likewise */
	enum algorithm algorithm;
	bool anomaly_mitigation;
	uint32_t slow_start_ms;
	enum stickiness stickiness;
	uint32_t stickiness_seconds;
	struct bytes app_cookie_name;
	bool cross_zone;
	uint32_t min_healthy_count;	/* unhealthy_state_routing: 1… */
	uint32_t min_healthy_percent;	/* 0: off */
	uint32_t min_dns_healthy_count; /* dns_failover; 0: off. For metrics; we have one address */
	uint32_t min_dns_healthy_percent;
	uint32_t deregistration_delay_ms;
	struct health_config health;
	struct stream_config stream; /* attribute or tag; the group's wins over the balancer's */
	const struct target_config *targets;
	unsigned target_count;
};

struct lb_config {
	const struct load_balancer_config *load_balancers;
	unsigned load_balancer_count;
	const struct target_group_config *target_groups;
	unsigned target_group_count;
};

#endif
