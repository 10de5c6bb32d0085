/*
 * plan_internal: conditions as plan compiles and route reads them; the addresses of a plan; what
 * the steps of a compilation share.
 */
#ifndef LB_PLAN_INTERNAL_H
#define LB_PLAN_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/arena.h"
#include "lb/plan.h"

struct plan_regex {
	pcre2_code *code;
	struct plan_regex *next; /* of the plan, to be freed with it */
};

/* One value of a condition. Which parts are set follows from the condition's kind. */
struct plan_value {
	const struct plan_regex *regex; /* NULL: `pattern` is a wildcard pattern or a method */
	struct bytes pattern;
	struct bytes key; /* query-string; at == NULL: any key */
	struct cidr cidr; /* source-ip */
};

struct plan_condition {
	enum condition_kind kind;
	struct bytes header_name;
	const struct plan_value *values; /* one of them is enough */
	unsigned value_count;
};

/* The addresses of a plan; the array lies in its arena, the maps do not. */
struct plan_addresses {
	struct plan_address *at;
	unsigned count;
};
/* `load_balancers` are those compiled from `config`. After an error plan_addresses_fini is due too.
 */
err_t plan_addresses_compile(const struct lb_config *config,
			     const struct plan_load_balancer *load_balancers, struct arena *arena,
			     struct plan_addresses *addresses);
void plan_addresses_fini(struct plan_addresses *addresses);

/* ---- A compilation ---- */

/* What a reference count frees. `plan` first, so that the two convert. */
struct plan_box {
	struct plan plan;
	struct arena arena;
	_Atomic uint32_t refs;
	struct plan_regex *regexes;
	struct map groups_by_arn;		   /* → struct plan_group */
	struct plan_load_balancer *load_balancers; /* plan's arrays, while they are being filled */
	struct plan_group *groups;
	struct plan_addresses addresses;
};

/* What the steps of a compilation share. */
struct compiler {
	struct plan_box *box;
	struct registry *registry;
	const struct rule_config *rule; /* being compiled, for the error's words */
	char *why;			/* may be NULL */
};

err_t compiler_copy(struct compiler *c, struct bytes from, struct bytes *ret_copy); /* NULL stays */
void *compiler_array(struct compiler *c, size_t count, size_t size);

/* plan_rule.c */
err_t compile_rules(struct compiler *c, const struct listener_config *config,
		    struct plan_listener *listener);

#endif
