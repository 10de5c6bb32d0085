/*
 * elbv2: the service's life, and what wakes it between calls.
 */
#include "services/elbv2/elbv2_internal.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { ELBV2_ARENA_MAX_BYTES = 256 * 1024 }; /* names and the instance table */

static const char *const aliases[] = { "elbv2", NULL };

uint64_t elbv2_now_ms(const struct elbv2 *elbv2)
{
	if (elbv2->options.unix_ms)
		return elbv2->options.unix_ms(elbv2->options.owner);
	return loop_unix_us(elbv2->options.loop) / 1000;
}

struct address elbv2_bound(const struct elbv2 *elbv2, const char *scheme, uint16_t port)
{
	struct address at = strcmp(scheme, "internal") == 0 ? elbv2->options.bind_internal
							    : elbv2->options.bind;

	at.port = (uint16_t)(port + elbv2->options.port_offset);
	return at;
}

static void on_change_timer(struct timer *timer)
{
	struct elbv2 *elbv2 = container_of(timer, struct elbv2, change_timer);

	if (!elbv2->dirty && security_may_differ(&elbv2->security))
		elbv2_note_tasks(elbv2);
	if (elbv2->dirty)
		elbv2_reconcile(elbv2);
}

/* A task writes down each of its steps; what they mean for groups is looked up once for several. */
enum { TASKS_WAIT_MS = 50 };

/*
 * Runs inside store_commit, where the store may not be read. A call reconciles when it ends;
 * for commits that are none of its (security groups, a reset, a sweep) the timer does.
 */
static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct elbv2 *elbv2 = container_of(listener, struct elbv2, listener);

	if (mirror_note(&elbv2->mirror, changes, count))
		elbv2->dirty = true;
	if (tls_listeners_note(elbv2, changes, count))
		elbv2->dirty = true;
	if (security_note(&elbv2->security, changes, count))
		elbv2->dirty = true;
	if (!elbv2->restored || elbv2->committing)
		return;
	if (elbv2->dirty)
		timer_set(elbv2->options.loop, &elbv2->change_timer,
			  loop_now_ms(elbv2->options.loop));
	else if (security_may_differ(&elbv2->security) && !timer_armed(&elbv2->change_timer))
		timer_set(elbv2->options.loop, &elbv2->change_timer,
			  loop_now_ms(elbv2->options.loop) + TASKS_WAIT_MS);
}

static err_t no_identity(void *owner, const char *arn, struct identity **ret_identity)
{
	(void)owner, (void)arn, (void)ret_identity;
	return ERR_NOT_FOUND;
}

static err_t no_object(void *owner, const struct api_caller *caller, const char *bucket,
		       const char *key, const char *version, struct text *out)
{
	(void)owner, (void)caller, (void)bucket, (void)key, (void)version, (void)out;
	return ERR_NOT_FOUND;
}

static err_t copy_options(struct elbv2 *elbv2, const struct elbv2_options *options)
{
	struct elbv2_instance *instances;

	elbv2->options = *options;
	if (!options->identity)
		elbv2->options.identity = no_identity;
	if (!options->object)
		elbv2->options.object = no_object;
	if (!elbv2->options.load_balancers_max)
		elbv2->options.load_balancers_max = 50;
	elbv2->options.account = arena_string(&elbv2->arena, bytes_of(options->account));
	elbv2->options.region = arena_string(&elbv2->arena, bytes_of(options->region));
	elbv2->options.endpoint = arena_string(
		&elbv2->arena, bytes_of(options->endpoint ? options->endpoint : ""));
	elbv2->options.cognito_endpoint = arena_string(&elbv2->arena,
						       bytes_of(options->cognito_endpoint));
	if (!elbv2->options.account || !elbv2->options.region || !elbv2->options.cognito_endpoint)
		return ERR_NOMEM;
	if (!options->instance_count)
		return ERR_OK;

	instances = arena_array(&elbv2->arena, options->instance_count, sizeof *instances);
	if (!instances)
		return ERR_NOMEM;
	for (size_t i = 0; i < options->instance_count; i++) {
		const struct elbv2_instance *from = &options->instances[i];

		instances[i] = *from;
		instances[i].id = arena_string(&elbv2->arena, bytes_of(from->id));
		if (!instances[i].id)
			return ERR_NOMEM;
		if (from->zone) {
			instances[i].zone = arena_string(&elbv2->arena, bytes_of(from->zone));
			if (!instances[i].zone)
				return ERR_NOMEM;
		}
	}
	elbv2->options.instances = instances;
	return ERR_OK;
}

err_t elbv2_create(const struct elbv2_options *options, struct elbv2 **ret_elbv2)
{
	static const char *const lasting[] = { "DescribeLoadBalancers", NULL };
	struct elbv2 *elbv2 = calloc(1, sizeof *elbv2);
	err_t err;

	if (!elbv2)
		return ERR_NOMEM;
	arena_init(&elbv2->arena, ELBV2_ARENA_MAX_BYTES);
	mirror_init(&elbv2->mirror);
	security_init(&elbv2->security);
	elbv2->change_timer.on_expired = on_change_timer;
	elbv2->drain_timer.on_expired = elbv2_on_drain_timer;
	elbv2->service = (struct api_service){
		.name = "elasticloadbalancing",
		.aliases = aliases,
		.protocol = API_QUERY,
		.version = "2015-12-01",
		.xml_namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
		.operations = elbv2_operations,
		.operation_count = elbv2_operation_count,
		.lasting = lasting,
		.records = "elbv2.",
		.begin = elbv2_begin,
		.end = elbv2_end,
		.state = elbv2,
	};

	err = copy_options(elbv2, options);
	if (!err)
		err = tls_listeners_init(elbv2);
	if (!err)
		err = api_register(options->api, &elbv2->service);
	if (err) {
		tls_listeners_fini(elbv2);
		arena_fini(&elbv2->arena);
		free(elbv2);
		return err;
	}
	elbv2->listener.on_changes = on_changes;
	store_listen(options->store, &elbv2->listener);
	*ret_elbv2 = elbv2;
	return ERR_OK;
}

void elbv2_destroy(struct elbv2 *elbv2)
{
	if (!elbv2)
		return;
	timer_cancel(&elbv2->drain_timer);
	timer_cancel(&elbv2->change_timer);
	tls_listeners_fini(elbv2);
	mirror_fini(&elbv2->mirror);
	security_fini(&elbv2->security);
	arena_fini(&elbv2->arena);
	free(elbv2);
}

json_t *elbv2_certificate_users(const struct elbv2 *elbv2, const char *certificate_arn)
{
	return tls_listeners_users(elbv2, certificate_arn);
}

void elbv2_on_health(struct elbv2 *elbv2, struct bytes group_arn, struct bytes target_id,
		     uint16_t port)
{
	struct target_status status;

	if (lb_target_status(elbv2->options.lb, group_arn, target_id, port, &status))
		return;
	log_info("elbv2", "target %.*s port %u of %.*s is %s%s%s", BYTES_ARG(target_id), port,
		 BYTES_ARG(group_arn), health_state_name(status.state),
		 status.description[0] ? ": " : "", status.description);
}
