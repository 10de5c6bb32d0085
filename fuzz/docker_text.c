/*
 * What a Docker Engine says: the cuts of its logs must not change what is read of them, nor may
 * what was read before come again; its JSON, whatever it is, is read or refused.
 */
#include <stdlib.h>

#include "engine/docker_json.h"
#include "engine/docker_text.h"
#include "engine/swarm_json.h"

enum { OUT_BYTES = 1024 * 1024 };

static void feed(struct bytes in, size_t step, const struct docker_mark *mark, struct text *out,
		 struct docker_mark *ret_mark)
{
	struct docker_logs logs;

	docker_logs_begin(&logs, mark);
	for (size_t at = 0; at < in.len; at += step)
		docker_logs_feed(&logs, bytes_upto(bytes_from(in, at), step), out);
	*ret_mark = logs.seen;
}

static void each(void *owner, const char *name)
{
	*(size_t *)owner += strlen(name);
}

/* One input in all three places: what they say together is never more than each may. */
static void read_swarm(struct bytes in)
{
	struct swarm_lists *lists = swarm_lists_new();
	struct text path = TEXT_INIT(256), body = TEXT_INIT(OUT_BYTES);
	struct swarm_self self;
	struct swarm_view view;
	size_t names = 0;

	swarm_self_read(in, &self);
	swarm_names_read(in, each, &names);
	for (unsigned i = 0; lists && i < SWARM_LISTS; i++)
		swarm_lists_read(lists, (enum swarm_list)i, in);
	if (lists && swarm_view_of(lists, "a", &view) &&
	    (view.state > SWARM_ENDED || view.place.port_count > WORKLOAD_PORTS_MAX))
		abort();
	if (lists)
		swarm_stop_body(lists, "a", &path, &body);
	swarm_lists_free(lists);
	text_fini(&path);
	text_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct docker_mark none = { .entries = 0 };
	struct text whole = TEXT_INIT(OUT_BYTES), cut = TEXT_INIT(OUT_BYTES);
	struct docker_mark end, cut_end;
	struct workload_usage usage;
	struct docker_state state;
	struct docker_pull pull;
	struct bytes in, image, tag;
	char since[DOCKER_STAMP_BYTES], words[384];
	size_t names = 0;

	if (size < 2)
		return 0;
	in = bytes_make(data + 1, size - 1);
	feed(in, in.len, &none, &whole, &end);
	feed(in, 1 + data[0] % 63, &none, &cut, &cut_end);
	if (!bytes_eq(text_bytes(&whole), text_bytes(&cut)) || end.entries != cut_end.entries ||
	    strcmp(end.stamp, cut_end.stamp) != 0)
		abort();
	docker_since(&end, since);
	text_fini(&whole);
	text_fini(&cut);

	docker_image_split(in, &image, &tag);
	if (image.len + tag.len > in.len + strlen("latest"))
		abort();
	docker_pull_init(&pull);
	docker_pull_feed(&pull, in);
	docker_pull_fini(&pull);
	docker_message(500, in, words);
	docker_usage_read(in, &usage);
	docker_names_read(in, each, &names);
	read_swarm(in);
	if (!docker_state_read(in, &state) && state.status > DOCKER_ENDED)
		abort();
	return 0;
}
