#include "lb/sticky.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

static const uint8_t key[SEAL_KEY_BYTES] = { 1, 2, 3 };
static const struct sticky now = { key, 1790935200000 }; /* Fri, 02 Oct 2026 10:00:00 GMT */

/* A fixture with the stickiness asked for, and the cookies of one answer. */
struct visit {
	struct fixture f;
	struct arena arena;
	struct bytes values[STICKY_COOKIES_MAX];
	unsigned count;
};

static void visit_init(struct visit *v, enum stickiness stickiness, bool group_stickiness)
{
	arena_init(&v->arena, 1 << 20);
	fixture_init(&v->f);
	for (unsigned g = 0; g < 3; g++) {
		fixture_add_targets(&v->f, g, 3);
		v->f.groups[g].stickiness = stickiness;
		v->f.groups[g].stickiness_seconds = 600;
		v->f.groups[g].app_cookie_name = BYTES("SESSION");
	}
	v->f.rules[0].action.group_count = group_stickiness ? 3 : 1;
	v->f.rules[0].action.group_stickiness = group_stickiness;
	v->f.rules[0].action.group_stickiness_seconds = 60;
	fixture_compile(&v->f);
}

static void visit_fini(struct visit *v)
{
	fixture_fini(&v->f);
	arena_fini(&v->arena);
}

static const struct plan_action *action_of(const struct visit *v)
{
	return &fixture_listener(&v->f)->rules[0].action;
}

static void answer(struct visit *v, unsigned group, unsigned target, const char *response_fields,
		   bool app_bound)
{
	struct http_head response = fixture_head(
		&v->arena, arena_printf(&v->arena, "- - -\n%s", response_fields));
	struct sticky_answer answer = {
		.action = action_of(v),
		.group = fixture_group(&v->f, group),
		.target = fixture_group(&v->f, group)->targets[target],
		.response = &response,
		.app_bound = app_bound,
	};

	CHECK_OK(sticky_set(&now, &answer, &v->arena, v->values, &v->count));
}

/* "NAME=VALUE" of the cookie at `index`. */
static struct bytes pair(const struct visit *v, unsigned index)
{
	CHECK(index < v->count, "only %u cookies", v->count);
	return bytes_upto(v->values[index], bytes_index(v->values[index], ';'));
}

static struct http_head request(struct visit *v, const char *cookies)
{
	return fixture_head(
		&v->arena,
		arena_printf(&v->arena, "GET / HTTP/1.1\nHost: h\nCookie: %s\n", cookies));
}

static enum sticky_verdict read_target_at(struct visit *v, const struct sticky *sticky,
					  unsigned group, const char *cookies, int *ret_index)
{
	struct http_head head = request(v, cookies);
	struct target *target = NULL;
	enum sticky_verdict verdict = sticky_read_target(sticky, fixture_group(&v->f, group), &head,
							 &target);

	*ret_index = -1;
	for (unsigned i = 0; i < fixture_group(&v->f, group)->target_count; i++)
		if (fixture_group(&v->f, group)->targets[i] == target)
			*ret_index = (int)i;
	return verdict;
}

static enum sticky_verdict read_target(struct visit *v, unsigned group, const char *cookies,
				       int *ret_index)
{
	return read_target_at(v, &now, group, cookies, ret_index);
}

TEST(an_lb_cookie_brings_the_client_back)
{
	for (unsigned target = 0; target < 3; target++) {
		struct visit v;
		int index;

		visit_init(&v, STICKINESS_LB_COOKIE, false);
		answer(&v, 0, target, "", false);
		CHECK_EQ(v.count, 2);
		CHECK_EQ(read_target(&v, 0, arena_string(&v.arena, pair(&v, 0)), &index),
			 STICKY_FOUND);
		CHECK_EQ(index, target);
		CHECK_EQ(read_target(&v, 0, arena_string(&v.arena, pair(&v, 1)), &index),
			 STICKY_FOUND);
		CHECK_EQ(index, target);
		visit_fini(&v);
	}
}

TEST(set_cookie_texts_are_those_of_alb)
{
	struct visit v;
	const char *value;

	visit_init(&v, STICKINESS_LB_COOKIE, true);
	answer(&v, 1, 0, "", false);
	CHECK_EQ(v.count, 4);
	value = arena_string(&v.arena, bytes_from(pair(&v, 0), strlen("AWSALBTG=")));
	CHECK_BYTES(v.values[0],
		    arena_printf(&v.arena,
				 "AWSALBTG=%s; Expires=Fri, 09 Oct 2026 10:00:00 GMT; Path=/",
				 value));
	CHECK_BYTES(v.values[1],
		    arena_printf(&v.arena,
				 "AWSALBTGCORS=%s; Expires=Fri, 09 Oct 2026 10:00:00 GMT; Path=/; "
				 "SameSite=None; Secure",
				 value));
	value = arena_string(&v.arena, bytes_from(pair(&v, 2), strlen("AWSALB=")));
	CHECK_BYTES(v.values[2],
		    arena_printf(&v.arena,
				 "AWSALB=%s; Expires=Fri, 09 Oct 2026 10:00:00 GMT; Path=/",
				 value));
	CHECK_BYTES(v.values[3],
		    arena_printf(&v.arena,
				 "AWSALBCORS=%s; Expires=Fri, 09 Oct 2026 10:00:00 GMT; Path=/; "
				 "SameSite=None; Secure",
				 value));
	visit_fini(&v);
}

TEST(no_stickiness_sets_and_reads_nothing)
{
	struct visit v;
	struct http_head head;
	const struct plan_group *group;
	int index;

	visit_init(&v, STICKINESS_OFF, false);
	answer(&v, 0, 0, "Set-Cookie: SESSION=1\n", false);
	CHECK_EQ(v.count, 0);
	CHECK_EQ(read_target(&v, 0, "AWSALB=x", &index), STICKY_ABSENT);
	head = request(&v, "AWSALBTG=x");
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_ABSENT);
	visit_fini(&v);
}

TEST(the_cors_cookie_wins)
{
	struct visit v;
	const char *first, *second, *both;
	int index;

	visit_init(&v, STICKINESS_LB_COOKIE, false);
	answer(&v, 0, 1, "", false);
	first = arena_string(&v.arena, pair(&v, 0));
	answer(&v, 0, 2, "", false);
	second = arena_string(&v.arena, pair(&v, 1));
	both = arena_printf(&v.arena, "%s; %s", first, second);
	CHECK_EQ(read_target(&v, 0, both, &index), STICKY_FOUND);
	CHECK_EQ(index, 2);
	both = arena_printf(&v.arena, "%s; AWSALBCORS=broken", first);
	CHECK_EQ(read_target(&v, 0, both, &index), STICKY_INVALID);
	visit_fini(&v);
}

TEST(the_duration_is_inside_and_ends)
{
	struct visit v;
	struct sticky later = now;
	const char *cookie;
	int index;

	visit_init(&v, STICKINESS_LB_COOKIE, false);
	answer(&v, 0, 1, "", false);
	cookie = arena_string(&v.arena, pair(&v, 0));
	later.unix_ms = now.unix_ms + 599 * 1000;
	CHECK_EQ(read_target_at(&v, &later, 0, cookie, &index), STICKY_FOUND);
	later.unix_ms = now.unix_ms + 600 * 1000;
	CHECK_EQ(read_target_at(&v, &later, 0, cookie, &index), STICKY_INVALID);
	visit_fini(&v);
}

TEST(a_cookie_that_was_touched_is_not_ours)
{
	struct visit v;
	struct bytes whole;
	size_t start = strlen("AWSALB=");
	int index;

	visit_init(&v, STICKINESS_LB_COOKIE, false);
	answer(&v, 0, 1, "", false);
	whole = pair(&v, 0);
	for (size_t i = start; i < whole.len; i++) {
		char *touched = arena_string(&v.arena, whole);

		touched[i] = touched[i] == 'A' ? 'B' : 'A';
		CHECK_EQ(read_target(&v, 0, touched, &index), STICKY_INVALID, "at %zu", i);
	}
	for (size_t len = start; len < whole.len; len++)
		CHECK_EQ(read_target(&v, 0, arena_string(&v.arena, bytes_upto(whole, len)), &index),
			 STICKY_INVALID, "cut at %zu", len);
	CHECK_EQ(read_target(&v, 0, arena_printf(&v.arena, "%.*sA", BYTES_ARG(whole)), &index),
		 STICKY_INVALID);
	visit_fini(&v);
}

TEST(a_cookie_is_good_only_where_it_was_made_for)
{
	static const uint8_t other_key[SEAL_KEY_BYTES] = { 9 };
	struct sticky elsewhere = { other_key, now.unix_ms };
	struct visit v;
	struct http_head head;
	const struct plan_group *group;
	struct bytes value;
	const char *cookie;
	int index;

	visit_init(&v, STICKINESS_LB_COOKIE, true);
	answer(&v, 0, 1, "", false);
	cookie = arena_string(&v.arena, pair(&v, 2));
	value = bytes_from(pair(&v, 2), strlen("AWSALB="));
	CHECK_EQ(read_target(&v, 0, cookie, &index), STICKY_FOUND);
	CHECK_EQ(read_target(&v, 1, cookie, &index), STICKY_INVALID, "another group's");
	CHECK_EQ(read_target_at(&v, &elsewhere, 0, cookie, &index), STICKY_INVALID, "another key");
	head = request(&v, arena_printf(&v.arena, "AWSALBTG=%.*s", BYTES_ARG(value)));
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_INVALID,
		 "another kind");
	visit_fini(&v);
}

TEST(a_target_that_left_is_gone)
{
	struct visit v;
	const char *cookie;
	int index;

	visit_init(&v, STICKINESS_LB_COOKIE, false);
	answer(&v, 0, 2, "", false);
	cookie = arena_string(&v.arena, pair(&v, 0));
	v.f.groups[0].target_count = 2;
	fixture_compile(&v.f);
	CHECK_EQ(read_target(&v, 0, cookie, &index), STICKY_GONE);
	visit_fini(&v);
}

TEST(a_cookie_outlives_a_restart)
{
	struct visit before, after;
	const char *cookie;
	int index;

	visit_init(&before, STICKINESS_LB_COOKIE, false);
	answer(&before, 0, 2, "", false);
	visit_init(&after, STICKINESS_LB_COOKIE, false);
	cookie = arena_string(&after.arena, pair(&before, 0));
	visit_fini(&before);
	CHECK_EQ(read_target(&after, 0, cookie, &index), STICKY_FOUND);
	CHECK_EQ(index, 2);
	visit_fini(&after);
}

/* ---- Groups ---- */

TEST(group_stickiness_brings_the_client_back_to_its_group)
{
	struct visit v;
	struct http_head head;
	const struct plan_group *group = NULL;

	visit_init(&v, STICKINESS_OFF, true);
	answer(&v, 2, 0, "", false);
	CHECK_EQ(v.count, 2);
	head = request(&v, arena_string(&v.arena, pair(&v, 1)));
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_FOUND);
	CHECK_EQ(group->index, 2);
	v.f.forwards[2].weight = 0;
	fixture_compile(&v.f);
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_FOUND,
		 "weight 0 takes no new clients, and keeps its own");
	v.f.rules[0].action.group_count = 2;
	fixture_compile(&v.f);
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_GONE);
	visit_fini(&v);
}

TEST(a_url_encoded_group_cookie_is_invalid)
{
	struct visit v;
	struct http_head head;
	const struct plan_group *group;
	struct text encoded = TEXT_INIT(1024);

	visit_init(&v, STICKINESS_OFF, true);
	answer(&v, 2, 0, "", false);
	text_add(&encoded, BYTES("AWSALBTG=%2B"));
	text_add(&encoded, bytes_from(pair(&v, 0), strlen("AWSALBTG=")));
	head = request(&v, text_str(&encoded));
	CHECK_EQ(sticky_read_group(&now, action_of(&v), &head, &group), STICKY_INVALID);
	text_fini(&encoded);
	visit_fini(&v);
}

/* ---- Application cookies ---- */

TEST(an_application_cookie_binds_when_the_target_sets_it)
{
	struct visit v;
	const char *bound, *both;
	int index;

	visit_init(&v, STICKINESS_APP_COOKIE, false);
	answer(&v, 0, 1, "Set-Cookie: OTHER=1\nX: SESSION=2\n", false);
	CHECK_EQ(v.count, 0);
	answer(&v, 0, 1, "Set-Cookie: OTHER=1\nset-cookie: SESSION=2; Path=/\n", false);
	CHECK_EQ(v.count, 1);
	CHECK(bytes_starts(v.values[0], BYTES("AWSALBAPP-0=")));
	CHECK(bytes_ends(v.values[0], BYTES("; Path=/")), "%.*s", BYTES_ARG(v.values[0]));
	bound = arena_string(&v.arena, pair(&v, 0));
	both = arena_printf(&v.arena, "SESSION=2; %s", bound);
	CHECK_EQ(read_target(&v, 0, both, &index), STICKY_FOUND);
	CHECK_EQ(index, 1);
	CHECK_EQ(read_target(&v, 0, bound, &index), STICKY_ABSENT, "both are needed");
	CHECK_EQ(read_target(&v, 0, "SESSION=2", &index), STICKY_ABSENT, "both are needed");
	visit_fini(&v);
}

TEST(an_application_cookie_that_came_bound_is_renewed_for_the_target_that_answered)
{
	struct visit v;
	struct http_head head;
	const char *both;
	int index;

	visit_init(&v, STICKINESS_APP_COOKIE, false);
	answer(&v, 0, 1, "Set-Cookie: SESSION=2\n", false);
	both = arena_printf(&v.arena, "SESSION=2; %.*s", BYTES_ARG(pair(&v, 0)));
	head = request(&v, both);
	CHECK(sticky_app_bound(fixture_group(&v.f, 0), &head));
	head = request(&v, "SESSION=2");
	CHECK(!sticky_app_bound(fixture_group(&v.f, 0), &head));
	answer(&v, 0, 2, "", true);
	CHECK_EQ(v.count, 1);
	both = arena_printf(&v.arena, "SESSION=2; %.*s", BYTES_ARG(pair(&v, 0)));
	CHECK_EQ(read_target(&v, 0, both, &index), STICKY_FOUND);
	CHECK_EQ(index, 2, "moving lasts");
	visit_fini(&v);
}

static const struct {
	const char *fields;
	bool cross;
} origins[] = {
	{ "Host: h\n", false },
	{ "Host: h\nUser-Agent: Chrome/120.0\n", false },
	{ "Host: h\nOrigin: https://h\nUser-Agent: Chrome/120.0\n", false },
	{ "Host: h\nOrigin: https://other\nUser-Agent: X Chrome/120.0.1 Safari\n", true },
	{ "Host: h\nOrigin: https://other\nUser-Agent: Chrome/80\n", true },
	{ "Host: h\nOrigin: https://other\nUser-Agent: Chrome/79.9\n", false },
	{ "Host: h\nOrigin: https://other\nUser-Agent: Firefox/120\n", false },
	{ "Host: h\nOrigin: null\nUser-Agent: Chrome/99999999999999999999\n", true },
	{ "Host: h\nOrigin: https://other\nUser-Agent: Chrome/\n", false },
};

TEST(same_site_none_is_for_newer_chromium_from_elsewhere)
{
	for (size_t i = 0; i < COUNT(origins); i++) {
		struct arena arena;
		struct http_head head;

		arena_init(&arena, 65536);
		head = fixture_head(&arena,
				    arena_printf(&arena, "GET / HTTP/1.1\n%s", origins[i].fields));
		CHECK_EQ(sticky_cross_site(&head), origins[i].cross, "%s", origins[i].fields);
		arena_fini(&arena);
	}
}

TEST(the_expiry_goes_over_the_end_of_a_year)
{
	struct sticky new_year = { key, 1798675200000 }; /* 2026-12-31T00:00:00Z */
	struct visit v;
	struct http_head response = { .is_response = true };
	struct sticky_answer answer;

	visit_init(&v, STICKINESS_LB_COOKIE, false);
	answer = (struct sticky_answer){
		.action = action_of(&v),
		.group = fixture_group(&v.f, 0),
		.target = fixture_group(&v.f, 0)->targets[0],
		.response = &response,
	};
	CHECK_OK(sticky_set(&new_year, &answer, &v.arena, v.values, &v.count));
	CHECK(bytes_find(v.values[0], BYTES("Expires=Thu, 07 Jan 2027 00:00:00 GMT")) != SIZE_MAX,
	      "%.*s", BYTES_ARG(v.values[0]));
	visit_fini(&v);
}
