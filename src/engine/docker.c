/*
 * docker: what all containers of one engine share: the socket, the network, what is left over.
 */
#include "engine/docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/docker_internal.h"
#include "engine/docker_json.h"
#include "engine/docker_owner.h"
#include "engine/swarm_internal.h"

bool docker_is_there(const char *socket)
{
	struct stat found;

	return stat(socket, &found) == 0 && S_ISSOCK(found.st_mode) && access(socket, W_OK) == 0;
}

err_t docker_create(const struct docker_options *options, struct docker **ret_docker)
{
	struct docker *docker = calloc(1, sizeof *docker);

	if (!docker)
		return ERR_NOMEM;
	docker->options = *options;
	docker->options.socket = bytes_dup(bytes_of(options->socket));
	docker->options.installation = bytes_dup(bytes_of(options->installation));
	docker->options.pause = bytes_dup(bytes_of(options->pause));
	list_init(&docker->asks);
	list_init(&docker->containers);
	list_init(&docker->waiters);
	list_init(&docker->owners);
	list_init(&docker->removals);
	if (!docker->options.socket || !docker->options.installation || !docker->options.pause ||
	    (options->swarm && swarm_create(docker, &docker->swarm))) {
		docker_destroy(docker);
		return ERR_NOMEM;
	}
	*ret_docker = docker;
	return ERR_OK;
}

void docker_destroy(struct docker *docker)
{
	if (!docker)
		return;
	assert(list_empty(&docker->containers));
	swarm_destroy(docker->swarm);
	docker_ask_cancel_all(&docker->asks);
	docker_owners_cancel(docker);
	free(docker->sweep);
	free((char *)docker->options.socket);
	free((char *)docker->options.installation);
	free((char *)docker->options.pause);
	free(docker);
}

/* ---- Asking ---- */

err_t docker_send(struct docker *docker, const char *method, const char *path,
		  const struct text *json, uint32_t silent_ms,
		  const struct docker_ask_events *events, void *owner, struct docker_ask **ret_ask)
{
	const struct docker_question question = {
		.loop = docker->options.loop,
		.socket = docker->options.socket,
		.method = method,
		.path = path,
		.body = json ? text_bytes(json) : BYTES_NONE,
		.silent_ms = silent_ms,
		.in = &docker->asks,
	};

	return docker_ask(&question, events, owner, ret_ask);
}

err_t docker_send_archive(struct docker *docker, const char *path, const struct text *archive,
			  const struct docker_ask_events *events, void *owner)
{
	const struct docker_question question = {
		.loop = docker->options.loop,
		.socket = docker->options.socket,
		.method = "POST",
		.path = path,
		.body = text_bytes(archive),
		.archive = true,
		.silent_ms = DOCKER_SILENT_MS,
		.in = &docker->asks,
	};

	return docker_ask(&question, events, owner, NULL);
}

bool docker_answer_is_good(const struct docker *docker, const struct docker_answer *answer,
			   char out[DOCKER_WORDS_BYTES])
{
	out[0] = '\0';
	if (!answer->err && (answer->status / 100 == 2 || answer->status == 304))
		return true;
	if (answer->err)
		snprintf(out, DOCKER_WORDS_BYTES, "the Docker engine at %.200s does not answer: %s",
			 docker->options.socket,
			 answer->err == ERR_NOT_FOUND ? "there is no such socket"
						      : err_words(answer->err));
	else
		docker_message(answer->status, answer->body, out);
	return false;
}

/* Docker says 409, Podman 500 and a sentence. */
bool docker_answer_is_taken(const struct docker_answer *answer)
{
	char words[DOCKER_WORDS_BYTES];

	if (answer->err || answer->status < 400)
		return false;
	docker_message(answer->status, answer->body, words);
	return answer->status == 409 || strstr(words, "already in use") ||
	       strstr(words, "already exists");
}

/* ---- What runs ---- */

err_t docker_start(struct docker *docker, const struct container_options *options,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	return docker->swarm ? swarm_start(docker->swarm, options, events, owner, ret_workload)
			     : container_start(docker, options, events, owner, ret_workload);
}

err_t docker_adopt(struct docker *docker, const char *name, const char *folder, uint32_t stop_ms,
		   const struct workload_events *events, void *owner,
		   struct workload **ret_workload)
{
	return docker->swarm ? swarm_adopt(docker->swarm, name, folder, stop_ms, events, owner,
					   ret_workload)
			     : container_adopt(docker, name, folder, stop_ms, events, owner,
					       ret_workload);
}

bool docker_has(const struct docker *docker, const char *name)
{
	list_for_each (&docker->containers, node)
		if (docker->swarm ? swarm_service_has_name(node, name)
				  : container_has_name(node, name))
			return true;
	return false;
}

/* ---- The network ---- */

void docker_network_is(struct docker *docker, const char *why)
{
	struct list_node *node;

	docker->network = why[0] ? NETWORK_UNKNOWN : NETWORK_THERE;
	if (docker->options.on_network)
		docker->options.on_network(docker->options.owner, why,
					   docker->swarm ? swarm_address(docker->swarm)
							 : DOCKER_GATEWAY);
	while ((node = list_pop(&docker->waiters)) != NULL) {
		struct docker_waiter *waiter = container_of(node, struct docker_waiter, link);

		waiter->on_network(waiter, why);
	}
}

/* Taken: another Weir was as quick as we. */
static void on_network_made(void *owner, const struct docker_answer *answer)
{
	struct docker *docker = owner;
	char why[DOCKER_WORDS_BYTES];

	if (docker_answer_is_good(docker, answer, why) || docker_answer_is_taken(answer))
		why[0] = '\0';
	docker_network_is(docker, why);
}

static void make_network(struct docker *docker)
{
	static const struct docker_ask_events events = { .on_answer = on_network_made };
	struct text body = TEXT_INIT(1024);
	err_t err = docker_network_body(&body);

	if (!err)
		err = docker_send(docker, "POST", "/networks/create", &body, DOCKER_SILENT_MS,
				  &events, docker, NULL);
	text_fini(&body);
	if (err)
		docker_network_is(docker, err_words(err));
}

static void on_network_seen(void *owner, const struct docker_answer *answer)
{
	struct docker *docker = owner;
	char why[DOCKER_WORDS_BYTES];

	if (docker_answer_is_good(docker, answer, why) || answer->status != 404)
		docker_network_is(docker, why);
	else
		make_network(docker);
}

void docker_open_network(struct docker *docker)
{
	static const struct docker_ask_events events = { .on_answer = on_network_seen };
	err_t err;

	if (docker->network == NETWORK_ASKED)
		return;
	/* Asked each time: somebody may have removed it. */
	docker->network = NETWORK_ASKED;
	if (docker->swarm) {
		swarm_open(docker->swarm);
		return;
	}
	err = docker_send(docker, "GET", "/networks/" DOCKER_NETWORK, NULL, DOCKER_SILENT_MS,
			  &events, docker, NULL);
	if (err)
		docker_network_is(docker, err_words(err));
}

void docker_need_network(struct docker *docker, struct docker_waiter *waiter)
{
	list_append(&docker->waiters, &waiter->link);
	docker_open_network(docker);
}

/* ---- What is left over ---- */

struct docker_sweep {
	struct docker *docker;
	bool (*wanted)(void *owner, const char *name);
	void *owner;
};

static void sweep_one(void *owner, const char *name)
{
	const struct docker_sweep *sweep = owner;
	struct text path = TEXT_INIT(1024);

	if (docker_has(sweep->docker, name) || sweep->wanted(sweep->owner, name))
		return;
	text_add_str(&path, sweep->docker->swarm ? "/services/" : "/containers/");
	encode_percent(&path, bytes_of(name), false);
	text_add_str(&path, sweep->docker->swarm ? "" : "?force=1&v=1");
	log_debug("engine", "%s is nobody's, and is removed", name);
	if (!text_err(&path))
		docker_send(sweep->docker, "DELETE", text_str(&path), NULL, DOCKER_SILENT_MS, NULL,
			    NULL, NULL);
	text_fini(&path);
}

static void on_listed(void *owner, const struct docker_answer *answer)
{
	struct docker_sweep *sweep = owner;

	sweep->docker->sweep = NULL;
	if (!answer->err && answer->status == 200)
		(sweep->docker->swarm ? swarm_names_read : docker_names_read)(answer->body,
									      sweep_one, sweep);
	free(sweep);
}

void docker_sweep(struct docker *docker, bool (*wanted)(void *owner, const char *name), void *owner)
{
	static const struct docker_ask_events events = { .on_answer = on_listed };
	struct docker_sweep *sweep;
	struct text path = TEXT_INIT(1024), filter = TEXT_INIT(512);
	err_t err;

	if (docker->sweep)
		return;
	sweep = calloc(1, sizeof *sweep);
	if (!sweep)
		return;
	*sweep = (struct docker_sweep){ docker, wanted, owner };
	docker->sweep = sweep;
	text_printf(&filter, "{\"label\":[\"" DOCKER_LABEL "=%s\"]}", docker->options.installation);
	text_add_str(&path,
		     docker->swarm ? "/services?filters=" : "/containers/json?all=1&filters=");
	encode_percent(&path, text_bytes(&filter), false);
	err = text_err(&path) ? text_err(&path)
			      : docker_send(docker, "GET", text_str(&path), NULL, DOCKER_SILENT_MS,
					    &events, sweep, NULL);
	text_fini(&path);
	text_fini(&filter);
	if (!err)
		return;
	docker->sweep = NULL;
	free(sweep);
}
