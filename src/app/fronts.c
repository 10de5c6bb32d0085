#include "app/fronts.h"

#include <stdio.h>

#include "base/log.h"
#include "engine/docker.h"

static bool find_key(void *owner, struct bytes access_key, struct bytes *ret_secret,
		     struct api_caller *ret_caller)
{
	struct weir *weir = owner;

	if (!bytes_eq(access_key, bytes_of(weir->keys.access_key)))
		return iam_find_key(weir->iam, access_key, ret_secret, ret_caller);
	*ret_secret = bytes_of(weir->keys.secret);
	*ret_caller = weir->root;
	return true;
}

static struct api_http_options options_of(struct weir *weir)
{
	return (struct api_http_options){
		.loop = weir->control,
		.api = weir->api,
		.keys = { find_key, weir },
		.verify = true,
		.account = setting_text(weir->settings, SETTING_ACCOUNT),
		.region = setting_text(weir->settings, SETTING_REGION),
	};
}

err_t front_open(struct weir *weir, int fd)
{
	struct api_http_options options = options_of(weir);
	err_t err;

	options.verify = strcmp(setting_text(weir->settings, SETTING_AUTH), "sigv4") == 0;
	options.routes = weir_routes(weir, &options.route_count);
	err = api_http_create(&options, &weir->front);
	if (err) {
		acceptor_discard(fd);
		return err;
	}
	return api_http_listen(weir->front, fd);
}

/* The API's own port where it is free: then its address stays the same over restarts. */
static err_t bind_for_tasks(const struct weir *weir, const char *address, bool early, int *ret_fd,
			    struct address *ret_bound)
{
	struct address at;
	err_t err;

	TRY(address_parse_ip(bytes_of(address), weir->api_address.port, &at));
	err = early ? acceptor_bind_early(&at, ret_fd, ret_bound)
		    : acceptor_bind(&at, 1, ret_fd, ret_bound);
	if (err != ERR_IN_USE)
		return err;
	at.port = 0;
	return early ? acceptor_bind_early(&at, ret_fd, ret_bound)
		     : acceptor_bind(&at, 1, ret_fd, ret_bound);
}

enum { URL_BYTES = ADDRESS_TEXT_BYTES + 16 };

static err_t listen_to_tasks(struct weir *weir, const char *address, bool early,
			     char url[URL_BYTES])
{
	struct address bound;
	char text[ADDRESS_TEXT_BYTES];
	int fd;

	TRY(bind_for_tasks(weir, address, early, &fd, &bound));
	TRY(api_http_listen(weir->task_front, fd));
	address_format(&bound, text);
	snprintf(url, URL_BYTES, "http://%s", text);
	return ERR_OK;
}

static void tell_unreachable(const char *address, const char *why)
{
	log_warn("app",
		 "containers cannot reach the API: %s cannot be listened on (%s); is the Docker "
		 "engine on another machine?",
		 address, why);
}

/*
 * A network's gateway: Podman makes it with the first container that is in it. Containers of a
 * Swarm ask an address of this machine that the others reach; for their role's keys clients of AWS
 * ask only the gateway's, which somebody may have given to each machine.
 */
void front_open_to_tasks(void *owner, const char *address)
{
	struct weir *weir = owner;
	struct api_http_options options = options_of(weir);
	char url[URL_BYTES], keys_url[URL_BYTES];
	bool swarm = strcmp(address, DOCKER_GATEWAY) != 0, has_keys;
	err_t err;

	if (weir->task_front)
		return;
	if (bytes_starts(bytes_of(address), BYTES("127."))) {
		tell_unreachable(address, "the Swarm is advertised on loopback");
		return;
	}
	options.routes = weir_task_routes(weir, &options.route_count);
	err = api_http_create(&options, &weir->task_front);
	if (!err)
		err = listen_to_tasks(weir, address, !swarm, url);
	if (err) {
		tell_unreachable(address, err_words(err));
		api_http_destroy(weir->task_front);
		weir->task_front = NULL;
		return;
	}
	has_keys = swarm && !listen_to_tasks(weir, DOCKER_GATEWAY, false, keys_url);
	ecs_container_url(weir->ecs, url, has_keys ? keys_url : NULL);
	log_info("app", "containers reach the API at %s%s%s", url,
		 has_keys ? ", role keys at " : "", has_keys ? keys_url : "");
}
