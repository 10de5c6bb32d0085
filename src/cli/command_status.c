#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"

/* Calls one operation whose only input is `name: value` (or none), and keeps why it failed. */
static json_t *ask(const struct client *client, const char *operation, const char *name,
		   const char *value, struct text *why)
{
	json_t *input = json_object(), *output = NULL;

	if (name)
		json_object_set_new(input, name, json_string(value));
	if (client_call(client, "elbv2", operation, input, &output, why)) {
		json_decref(output);
		output = NULL;
	}
	json_decref(input);
	return output;
}

static const char *string_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "-";
}

/* Attaches listeners to each balancer and health to each group; one value says all. */
static json_t *gather(const struct client *client, struct text *why)
{
	json_t *balancers = ask(client, "DescribeLoadBalancers", NULL, NULL, why);
	json_t *groups = balancers ? ask(client, "DescribeTargetGroups", NULL, NULL, why) : NULL;
	json_t *item;
	size_t i;

	if (!balancers || !groups) {
		json_decref(balancers);
		return NULL;
	}
	json_array_foreach (json_object_get(balancers, "LoadBalancers"), i, item) {
		json_t *more = ask(client, "DescribeListeners", "LoadBalancerArn",
				   string_at(item, "LoadBalancerArn"), why);

		json_object_set(item, "Listeners", json_object_get(more, "Listeners"));
		json_decref(more);
	}
	json_array_foreach (json_object_get(groups, "TargetGroups"), i, item) {
		json_t *more = ask(client, "DescribeTargetHealth", "TargetGroupArn",
				   string_at(item, "TargetGroupArn"), why);

		json_object_set(item, "Targets", json_object_get(more, "TargetHealthDescriptions"));
		json_decref(more);
	}
	json_object_update(balancers, groups);
	json_decref(groups);
	return balancers;
}

static void print_balancers(const json_t *all)
{
	static const char *const header[] = { "LOAD BALANCER", "STATE", "LISTENERS", "DNS NAME",
					      NULL };
	struct table table;
	json_t *balancer, *listener;
	size_t i, k;

	table_init(&table, header);
	json_array_foreach (json_object_get(all, "LoadBalancers"), i, balancer) {
		struct text ports = TEXT_INIT(1024);

		json_array_foreach (json_object_get(balancer, "Listeners"), k, listener)
			text_printf(
				&ports, "%s%s:%lld", k ? " " : "", string_at(listener, "Protocol"),
				(long long)json_integer_value(json_object_get(listener, "Port")));
		table_row(&table, (const char *const[]){
					  string_at(balancer, "LoadBalancerName"),
					  string_at(json_object_get(balancer, "State"), "Code"),
					  ports.len ? text_str(&ports) : "-",
					  string_at(balancer, "DNSName"), NULL });
		text_fini(&ports);
	}
	table_print(&table);
	table_fini(&table);
}

static void print_targets(const json_t *all)
{
	static const char *const header[] = { "TARGET GROUP", "TARGET", "HEALTH", "REASON", NULL };
	struct table table;
	json_t *group, *target;
	size_t i, k;

	table_init(&table, header);
	json_array_foreach (json_object_get(all, "TargetGroups"), i, group)
		json_array_foreach (json_object_get(group, "Targets"), k, target) {
			const json_t *id = json_object_get(target, "Target");
			const json_t *health = json_object_get(target, "TargetHealth");
			char name[256];

			snprintf(name, sizeof name, "%s:%lld", string_at(id, "Id"),
				 (long long)json_integer_value(json_object_get(id, "Port")));
			table_row(&table,
				  (const char *const[]){ string_at(group, "TargetGroupName"), name,
							 string_at(health, "State"),
							 string_at(health, "Description"), NULL });
		}
	table_print(&table);
	table_fini(&table);
}

int command_status(const struct command_line *line)
{
	struct text why = TEXT_INIT(4096);
	json_t *all = NULL;
	struct client client;
	int code;

	if (line->word_count)
		return command_fail(EXIT_USAGE, "usage: weir status [-o table|json]");
	if (!client_open(&client, line->settings, &why)) {
		all = gather(&client, &why);
		client_close(&client);
	}
	if (!all) {
		command_fail(EXIT_FAILED, "%s", text_str(&why));
	} else if (line->json) {
		print_json(all);
	} else {
		print_balancers(all);
		putchar('\n');
		print_targets(all);
	}
	code = all ? EXIT_DONE : EXIT_FAILED;
	json_decref(all);
	text_fini(&why);
	return code;
}
