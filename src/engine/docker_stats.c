#include "engine/docker_stats.h"

#include "engine/docker_internal.h"
#include "engine/docker_json.h"

enum { PATH_BYTES = 512 };

static void on_answer(void *owner, const struct docker_answer *answer)
{
	struct docker_stats *stats = owner;

	stats->ask = NULL;
	stats->known = !answer->err && answer->status == 200 &&
		       docker_usage_read(answer->body, &stats->used);
}

bool docker_stats_look(struct docker_stats *stats, struct docker *docker, const char *container,
		       bool asks, struct workload_usage *ret_usage)
{
	static const struct docker_ask_events events = { .on_answer = on_answer };
	struct text path = TEXT_INIT(PATH_BYTES);

	if (asks && !stats->ask) {
		text_printf(&path, "/containers/%s/stats?stream=false&one-shot=true", container);
		docker_send(docker, "GET", text_str(&path), NULL, DOCKER_SILENT_MS, &events, stats,
			    &stats->ask);
	}
	text_fini(&path);
	if (stats->known)
		*ret_usage = stats->used;
	return stats->known;
}

void docker_stats_close(struct docker_stats *stats)
{
	docker_ask_cancel(stats->ask);
}
