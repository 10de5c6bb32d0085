/*
 * up: `weir up`: the daemon, and the first chat behind it, in one command.
 *
 *   what an earlier run left? ─► the stack is made, or changed where it differs (by api_call, as
 *        any client) ─► wait until both targets are healthy ─► print the addresses and one curl
 *
 * A second `weir up` finds what the first one made, and changes nothing.
 */
#include "app/up.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/program.h"

enum {
	TICK_MS = 50,
	PATIENCE_TICKS = 600, /* half a minute */
};

/* ---- Waiting, and telling ---- */

static bool healthy(struct up *up, const char *group_arn)
{
	struct api_fault fault;
	json_t *output = up_call(up, "elbv2", "DescribeTargetHealth",
				 json_pack("{s:s}", "TargetGroupArn", group_arn), &fault),
	       *row;
	bool yes = false;
	size_t i;

	json_array_foreach (json_object_get(output, "TargetHealthDescriptions"), i, row) {
		const char *state = json_string_value(
			json_object_get(json_object_get(row, "TargetHealth"), "State"));

		yes = yes || (state && strcmp(state, "healthy") == 0);
	}
	json_decref(output);
	return yes;
}

/* Our folder as the user would name it from here. */
static const char *folder_from_here(const struct up *up)
{
	char here[PATH_MAX];
	size_t len;

	if (!getcwd(here, sizeof here))
		return up->folder;
	len = strlen(here);
	return strncmp(up->folder, here, len) == 0 && up->folder[len] == '/' ? up->folder + len + 1
									     : up->folder;
}

/* Where a client on this machine reaches the listener: where it binds, or loopback if that is all.
 */
static void reached_at(const struct settings *settings, unsigned port, char out[ADDRESS_TEXT_BYTES])
{
	struct bytes bind = bytes_of(setting_text(settings, SETTING_BIND));
	struct address at = { .family = 4 };

	if (bytes_eq(bind, BYTES("0.0.0.0")))
		bind = BYTES("127.0.0.1");
	else if (bytes_eq(bind, BYTES("::")))
		bind = BYTES("::1");
	address_parse_ip(bind, (uint16_t)port, &at); /* it was bound, so it parses */
	address_format(&at, out);
}

static void announce(struct up *up)
{
	const struct settings *settings = up->weir->settings;
	unsigned port = 80 + (unsigned)setting_number(settings, SETTING_PORT_OFFSET);
	bool own_data = !setting_is_default(settings, SETTING_DATA);
	char api[ADDRESS_TEXT_BYTES], page[ADDRESS_TEXT_BYTES];

	address_format(&up->weir->api_address, api);
	reached_at(settings, port, page);
	printf("\nThe first chat is up, behind the load balancer " UP_STACK " (the stack " UP_STACK
	       ").\n\n"
	       "  page   http://%s/\n"
	       "         http://%s:%u/\n"
	       "  API    http://%s   (eval \"$(%s/weir env%s%s)\", then use the aws CLI)\n\n"
	       "Ask it something; the answer streams in word by word:\n\n"
	       "  curl -N http://%s/chat -H 'Content-Type: application/json' \\\n"
	       "       -d '{\"message\": \"How can I sleep better?\"}'\n\n"
	       "Ctrl-C stops it; streams finish first.\n",
	       page, up->dns_name, port, api, folder_from_here(up), own_data ? " --data " : "",
	       own_data ? setting_text(settings, SETTING_DATA) : "", page);
	fflush(stdout);
}

/* ---- Steps ---- */

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* A creation that came to nothing cannot be changed: it is deleted first. */
static bool is_ruin(const char *status)
{
	static const char *const ruins[] = { "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
					     "CREATE_FAILED", "DELETE_FAILED",
					     "REVIEW_IN_PROGRESS" };

	for (size_t i = 0; i < COUNT(ruins); i++)
		if (strcmp(status, ruins[i]) == 0)
			return true;
	return false;
}

static err_t look(struct up *up, const char *status)
{
	bool changes = true;

	if (!status[0]) {
		TRY(up_stack_create(up));
	} else if (is_ruin(status) && up->cleared) {
		up_stack_complain(up);
		return ERR_INVALID;
	} else if (is_ruin(status)) {
		up->cleared = true;
		return up_stack_delete(up);
	} else if (ends_in(status, "_IN_PROGRESS")) {
		return ERR_OK; /* a kill came between; it goes on by itself */
	} else {
		TRY(up_stack_update(up, &changes));
	}
	up->phase = changes ? UP_DEPLOYING : UP_WAITING;
	return changes ? ERR_OK : up_stack_outputs(up);
}

static err_t deploying(struct up *up, const char *status)
{
	if (ends_in(status, "_IN_PROGRESS") || ends_in(status, "_CLEANUP_IN_PROGRESS"))
		return ERR_OK;
	if (strcmp(status, "CREATE_COMPLETE") != 0 && strcmp(status, "UPDATE_COMPLETE") != 0) {
		up_stack_complain(up);
		return ERR_INVALID;
	}
	up->phase = UP_WAITING;
	return up_stack_outputs(up);
}

static err_t advance(struct up *up)
{
	char status[64];

	switch (up->phase) {
	case UP_LOOKING: up_stack_status(up, status); return look(up, status);
	case UP_DEPLOYING: up_stack_status(up, status); return deploying(up, status);
	case UP_WAITING:
		if (healthy(up, up->rag_group) && healthy(up, up->page_group)) {
			up->phase = UP_RUNNING;
			announce(up);
		}
		return ERR_OK;
	case UP_RUNNING: break;
	}
	return ERR_OK;
}

/* Each step waits for something outside, a look at a time. */
static void on_tick(struct timer *timer)
{
	struct up *up = container_of(timer, struct up, tick);

	if (up->weir->draining)
		return;
	if (advance(up)) {
		up->weir->exit_code = 1;
		weir_drain(up->weir);
		return;
	}
	if (up->phase == UP_RUNNING)
		return;
	if (++up->ticks == PATIENCE_TICKS)
		log_warn("app", "the chat is not ready yet; see `weir status` and `weir logs "
				"/ecs/" UP_STACK "`");
	timer_set(up->weir->control, &up->tick, loop_now_ms(up->weir->control) + TICK_MS);
}

static void on_ready(struct weir *weir, void *owner)
{
	struct up *up = owner;

	up->tick.on_expired = on_tick;
	timer_set(weir->control, &up->tick, loop_now_ms(weir->control));
}

static void up_fini(struct up *up)
{
	timer_cancel(&up->tick);
	free(up->stack_id);
	free(up->dns_name);
	free(up->rag_group);
	free(up->page_group);
}

int command_up(const struct settings *settings)
{
	struct weir *weir = calloc(1, sizeof *weir);
	struct up up = { .weir = weir };
	struct text why = TEXT_INIT(4096);
	int code = 2;

	if (!weir || program_folder(up.folder)) {
		free(weir);
		return code;
	}
	weir->settings = settings;
	weir->on_ready = on_ready;
	weir->owner = &up;
	if (weir_start(weir, &why)) {
		fprintf(stderr, "weir: %s\n", why.len ? text_str(&why) : "cannot start");
	} else {
		weir_run(weir);
		code = weir->exit_code;
	}
	up_fini(&up);
	weir_stop(weir);
	free(weir);
	text_fini(&why);
	return code;
}
