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
static err_t bind_gateway(const struct weir *weir, int *ret_fd, struct address *ret_bound)
{
	struct address at;
	err_t err;

	TRY(address_parse_ip(BYTES(DOCKER_GATEWAY), weir->api_address.port, &at));
	err = acceptor_bind(&at, 1, ret_fd, ret_bound);
	if (err != ERR_IN_USE)
		return err;
	at.port = 0;
	return acceptor_bind(&at, 1, ret_fd, ret_bound);
}

static err_t open_to_tasks(struct weir *weir, struct address *ret_bound)
{
	struct api_http_options options = options_of(weir);
	int fd;

	TRY(bind_gateway(weir, &fd, ret_bound));
	options.routes = weir_task_routes(weir, &options.route_count);
	if (api_http_create(&options, &weir->task_front)) {
		acceptor_discard(fd);
		return ERR_NOMEM;
	}
	return api_http_listen(weir->task_front, fd);
}

void front_open_to_tasks(void *owner)
{
	struct weir *weir = owner;
	char address[ADDRESS_TEXT_BYTES], url[ADDRESS_TEXT_BYTES + 16];
	struct address bound;
	err_t err;

	if (weir->task_front)
		return;
	err = open_to_tasks(weir, &bound);
	if (err) {
		log_warn("app",
			 "containers cannot reach the API: %s cannot be listened on (%s); is the "
			 "Docker engine on another machine?",
			 DOCKER_GATEWAY, err_words(err));
		return;
	}
	address_format(&bound, address);
	snprintf(url, sizeof url, "http://%s", address);
	ecs_container_url(weir->ecs, url);
	log_info("app", "containers reach the API at %s", url);
}
