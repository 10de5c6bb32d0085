#include "lb/sticky.h"

#include "base/encode.h"
#include "base/when.h"
#include "http/cookie.h"
#include "lb/route.h"

/*
 * A value is version (1) ‖ until, Unix seconds (8) ‖ what it binds to (8), big-endian, sealed, in
 * base64. What it binds to is a hash: nobody without the key can choose one, and among the targets
 * of a group two alike would be a freak of nature that costs one client its stickiness.
 */
enum {
	VALUE_VERSION = 1,
	PLAIN_BYTES = 17,
	SEALED_BYTES = PLAIN_BYTES + SEAL_OVERHEAD_BYTES,
	VALUE_BYTES = (SEALED_BYTES + 2) / 3 * 4,
	CONTEXT_BYTES_MAX = 512,
	CLIENT_DAYS = 7, /* how long the client keeps it, whatever the duration (§2.5) */
};

/* The kinds of cookie. A value of one kind does not open as another. */
static const struct kind {
	struct bytes name, cors_name; /* cors_name.at == NULL: there is no twin */
} target_kind = { { "AWSALB", 6 }, { "AWSALBCORS", 10 } },
  group_kind = { { "AWSALBTG", 8 }, { "AWSALBTGCORS", 12 } },
  app_kind = { { "AWSALBAPP-0", 11 }, { NULL, 0 } };

/* "KIND SCOPE": what a value is sealed for. */
static struct bytes context_of(const struct kind *kind, struct bytes scope,
			       char out[CONTEXT_BYTES_MAX])
{
	assert(kind->name.len + 1 + scope.len <= CONTEXT_BYTES_MAX);
	memcpy(out, kind->name.at, kind->name.len);
	out[kind->name.len] = ' ';
	if (scope.len)
		memcpy(out + kind->name.len + 1, scope.at, scope.len);
	return bytes_make(out, kind->name.len + 1 + scope.len);
}

static void put_u64(uint8_t out[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t in[8])
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return value;
}

/* ---- Values ---- */

static err_t value_make(const struct sticky *sticky, const struct kind *kind, struct bytes scope,
			uint32_t seconds, uint64_t bound_to, struct text *out)
{
	uint8_t plain[PLAIN_BYTES] = { VALUE_VERSION };
	struct text sealed = TEXT_INIT(SEALED_BYTES);
	char room[CONTEXT_BYTES_MAX];
	err_t err;

	put_u64(plain + 1, sticky->unix_ms / 1000 + seconds);
	put_u64(plain + 9, bound_to);
	err = seal(sticky->key, bytes_make(plain, sizeof plain), context_of(kind, scope, room),
		   &sealed);
	if (!err) {
		encode_base64(out, text_bytes(&sealed));
		err = text_err(out);
	}
	text_fini(&sealed);
	return err;
}

static bool plain_read(const struct sticky *sticky, struct bytes plain, uint64_t *ret_bound_to)
{
	const uint8_t *at = (const uint8_t *)plain.at;

	if (plain.len != PLAIN_BYTES || at[0] != VALUE_VERSION)
		return false;
	if (get_u64(at + 1) <= sticky->unix_ms / 1000)
		return false;
	*ret_bound_to = get_u64(at + 9);
	return true;
}

static bool value_read(const struct sticky *sticky, const struct kind *kind, struct bytes scope,
		       struct bytes value, uint64_t *ret_bound_to)
{
	struct text sealed = TEXT_INIT(SEALED_BYTES), plain = TEXT_INIT(PLAIN_BYTES);
	char room[CONTEXT_BYTES_MAX];
	bool good = false;

	if (value.len != VALUE_BYTES || decode_base64(&sealed, value))
		goto done;
	if (seal_open(sticky->key, text_bytes(&sealed), context_of(kind, scope, room), &plain))
		goto done;
	good = plain_read(sticky, text_bytes(&plain), ret_bound_to);
done:
	text_fini(&sealed);
	text_fini(&plain);
	return good;
}

/* The CORS twin wins where both came. */
static struct bytes cookie_of(const struct http_head *request, const struct kind *kind)
{
	struct bytes value = BYTES_NONE;

	if (kind->cors_name.at)
		value = cookie_find(request, kind->cors_name);
	return value.at ? value : cookie_find(request, kind->name);
}

/* ---- Reading ---- */

static bool has_group_cookie(const struct plan_action *action)
{
	return action->group_stickiness && action->forward_count > 1;
}

enum sticky_verdict sticky_read_group(const struct sticky *sticky, const struct plan_action *action,
				      const struct http_head *request,
				      const struct plan_group **ret_group)
{
	struct bytes value;
	uint64_t hash;

	if (!has_group_cookie(action))
		return STICKY_ABSENT;
	value = cookie_of(request, &group_kind);
	if (!value.at)
		return STICKY_ABSENT;
	if (!value_read(sticky, &group_kind, BYTES_NONE, value, &hash))
		return STICKY_INVALID;
	for (unsigned i = 0; i < action->forward_count; i++)
		if (action->forwards[i].group->arn_hash == hash) {
			*ret_group = action->forwards[i].group;
			return STICKY_FOUND;
		}
	return STICKY_GONE;
}

static const struct kind *kind_of(const struct plan_group *group)
{
	switch (group->stickiness) {
	case STICKINESS_OFF: break;
	case STICKINESS_LB_COOKIE: return &target_kind;
	case STICKINESS_APP_COOKIE: return &app_kind;
	}
	return NULL;
}

enum sticky_verdict sticky_read_target(const struct sticky *sticky, const struct plan_group *group,
				       const struct http_head *request, struct target **ret_target)
{
	const struct kind *kind = kind_of(group);
	struct bytes value;
	uint64_t hash;

	if (!kind)
		return STICKY_ABSENT;
	if (kind == &app_kind && !cookie_find(request, group->app_cookie_name).at)
		return STICKY_ABSENT;
	value = cookie_of(request, kind);
	if (!value.at)
		return STICKY_ABSENT;
	if (!value_read(sticky, kind, group->arn, value, &hash))
		return STICKY_INVALID;
	for (unsigned i = 0; i < group->target_count; i++)
		if (group->targets[i]->key_hash == hash) {
			*ret_target = group->targets[i];
			return STICKY_FOUND;
		}
	return STICKY_GONE;
}

bool sticky_app_bound(const struct plan_group *group, const struct http_head *request)
{
	return group->stickiness == STICKINESS_APP_COOKIE &&
	       cookie_find(request, group->app_cookie_name).at &&
	       cookie_find(request, app_kind.name).at;
}

/* The number after "Chrome/" in a User-Agent; 0 when there is none. */
static uint64_t chromium_version(struct bytes user_agent)
{
	size_t at = bytes_find(user_agent, BYTES("Chrome/"));
	uint64_t version = 0;

	if (at == SIZE_MAX)
		return 0;
	for (at += 7; at < user_agent.len && version < 10000; at++) {
		if (user_agent.at[at] < '0' || user_agent.at[at] > '9')
			break;
		version = version * 10 + (uint64_t)(user_agent.at[at] - '0');
	}
	return version;
}

bool sticky_cross_site(const struct http_head *request)
{
	struct bytes origin = http_value(request, BYTES("Origin"));
	size_t scheme_end = bytes_find(origin, BYTES("://"));

	if (!origin.len || chromium_version(http_value(request, BYTES("User-Agent"))) < 80)
		return false;
	if (scheme_end == SIZE_MAX) /* "null": a page without an origin of its own */
		return true;
	return !bytes_eq_nocase(bytes_from(origin, scheme_end + 3), request->authority);
}

/* ---- Setting ---- */

struct setter {
	const struct sticky *sticky;
	struct arena *arena;
	struct bytes *values;
	unsigned count;
};

static err_t set(struct setter *setter, struct bytes name, struct bytes value, bool cross_site)
{
	char expires[WHEN_HTTP_BYTES + 1];
	char *at;

	when_http(setter->sticky->unix_ms + (uint64_t)CLIENT_DAYS * 86400 * 1000, expires);
	at = arena_printf(setter->arena, "%.*s=%.*s; Expires=%s; Path=/%s", BYTES_ARG(name),
			  BYTES_ARG(value), expires, cross_site ? "; SameSite=None; Secure" : "");
	if (!at)
		return ERR_NOMEM;
	assert(setter->count < STICKY_COOKIES_MAX);
	setter->values[setter->count++] = bytes_of(at);
	return ERR_OK;
}

/* What a cookie shall bind to. */
struct binding {
	const struct kind *kind;
	struct bytes scope;
	uint32_t seconds;
	uint64_t to;
	bool cross_site; /* of a cookie that has no CORS twin */
};

static err_t bind(struct setter *setter, const struct binding *binding)
{
	struct text value = TEXT_INIT(VALUE_BYTES);
	const struct kind *kind = binding->kind;
	err_t err = value_make(setter->sticky, kind, binding->scope, binding->seconds, binding->to,
			       &value);

	if (!err)
		err = set(setter, kind->name, text_bytes(&value), binding->cross_site);
	if (!err && kind->cors_name.at)
		err = set(setter, kind->cors_name, text_bytes(&value), true);
	text_fini(&value);
	return err;
}

static bool sets_app_cookie(const struct http_head *response, struct bytes name)
{
	for (unsigned i = 0; i < response->field_count; i++) {
		const struct http_field *field = &response->fields[i];
		struct bytes cookie_name, value;

		if (bytes_eq_nocase(field->name, BYTES("Set-Cookie")) &&
		    !cookie_parse_set(field->value, &cookie_name, &value) &&
		    bytes_eq(cookie_name, name))
			return true;
	}
	return false;
}

static bool wants_target_cookie(const struct sticky_answer *answer)
{
	switch (answer->group->stickiness) {
	case STICKINESS_OFF: break;
	case STICKINESS_LB_COOKIE: return true;
	case STICKINESS_APP_COOKIE:
		return answer->app_bound ||
		       sets_app_cookie(answer->response, answer->group->app_cookie_name);
	}
	return false;
}

err_t sticky_set(const struct sticky *sticky, const struct sticky_answer *answer,
		 struct arena *arena, struct bytes ret_values[STICKY_COOKIES_MAX],
		 unsigned *ret_count)
{
	struct setter setter = { sticky, arena, ret_values, 0 };

	if (has_group_cookie(answer->action)) {
		struct binding binding = {
			.kind = &group_kind,
			.seconds = answer->action->group_stickiness_seconds,
			.to = answer->group->arn_hash,
		};

		TRY(bind(&setter, &binding));
	}
	if (wants_target_cookie(answer)) {
		struct binding binding = {
			.kind = kind_of(answer->group),
			.scope = answer->group->arn,
			.seconds = answer->group->stickiness_seconds,
			.to = answer->target->key_hash,
			.cross_site = answer->group->stickiness == STICKINESS_APP_COOKIE &&
				      answer->app_cross_site,
		};

		TRY(bind(&setter, &binding));
	}
	*ret_count = setter.count;
	return ERR_OK;
}
