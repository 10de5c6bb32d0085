/*
 * Cookies nobody made. The input is a Cookie field: no cookie but one of ours may bind a client to
 * a target, and one of ours with any change must not either.
 */
#include <stdlib.h>

#include "lb/sticky.h"

static const uint8_t key[SEAL_KEY_BYTES] = { 42 };

static struct target target = { .key_hash = 7 };
static struct target *targets[] = { &target };
static const struct plan_group group = {
	.arn = { "group", 5 },
	.arn_hash = 9,
	.stickiness = STICKINESS_LB_COOKIE,
	.stickiness_seconds = 60,
	.app_cookie_name = { "S", 1 },
	.targets = targets,
	.target_count = 1,
};
static const struct plan_forward forwards[] = { { &group, 1 }, { &group, 1 } };
static const struct plan_action action = {
	.kind = ACTION_FORWARD,
	.forwards = forwards,
	.forward_count = 2,
	.group_stickiness = true,
	.group_stickiness_seconds = 60,
};

/* A foreign value is never found; the odds of guessing one are those of guessing the key. */
static void check_foreign(const struct sticky *sticky, struct bytes cookies)
{
	struct http_field field = { BYTES("Cookie"), cookies };
	struct http_head head = { .fields = &field, .field_count = 1 };
	struct plan_group app_group = group;
	const struct plan_group *chosen;
	struct target *found;

	app_group.stickiness = STICKINESS_APP_COOKIE;
	if (sticky_read_target(sticky, &group, &head, &found) >= STICKY_GONE ||
	    sticky_read_target(sticky, &app_group, &head, &found) >= STICKY_GONE ||
	    sticky_read_group(sticky, &action, &head, &chosen) >= STICKY_GONE)
		abort();
	sticky_app_bound(&app_group, &head);
}

/* Our own value, with one byte replaced as the input says. */
static void check_changed(const struct sticky *sticky, uint8_t at, char with)
{
	struct http_head response = { .is_response = true };
	struct sticky_answer answer = { &action, &group, &target, &response, false, false };
	struct bytes values[STICKY_COOKIES_MAX], cookie;
	struct http_field field = { .name = BYTES("Cookie") };
	struct http_head head = { .fields = &field, .field_count = 1 };
	struct target *found = NULL;
	struct arena arena;
	unsigned count;
	char *changed;
	size_t where;

	arena_init(&arena, 65536);
	if (sticky_set(sticky, &answer, &arena, values, &count))
		goto done;
	cookie = bytes_upto(values[3], bytes_index(values[3], ';')); /* AWSALBCORS */
	field.value = cookie;
	if (sticky_read_target(sticky, &group, &head, &found) != STICKY_FOUND || found != &target)
		abort();
	changed = arena_string(&arena, cookie);
	if (!changed)
		goto done;
	where = 11 + at % (cookie.len - 11);
	if (changed[where] != with) {
		changed[where] = with;
		field.value = bytes_make(changed, cookie.len);
		if (sticky_read_target(sticky, &group, &head, &found) == STICKY_FOUND)
			abort();
	}
done:
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sticky sticky = { key, 1790935200000 };

	if (size < 2)
		return 0;
	check_foreign(&sticky, bytes_make(data, size));
	check_changed(&sticky, data[0], (char)data[1]);
	return 0;
}
