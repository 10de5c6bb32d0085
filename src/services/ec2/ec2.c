/*
 * ec2: the service's life.
 */
#include "services/ec2/ec2_internal.h"

#include <stdlib.h>

enum { EC2_ARENA_MAX_BYTES = 256 * 1024 }; /* names and the instance table */

static bool copy_text(struct ec2 *ec2, const char **text)
{
	*text = arena_string(&ec2->arena, bytes_of(*text));
	return *text != NULL;
}

static err_t copy_options(struct ec2 *ec2, const struct ec2_options *options)
{
	struct ec2_instance *instances;

	ec2->options = *options;
	if (!copy_text(ec2, &ec2->options.account) || !copy_text(ec2, &ec2->options.region) ||
	    !copy_text(ec2, &ec2->options.api_address) ||
	    !copy_text(ec2, &ec2->options.balancer_address) ||
	    !copy_text(ec2, &ec2->options.internal_address))
		return ERR_NOMEM;
	instances = arena_array(&ec2->arena, options->instance_count + 1, sizeof *instances);
	if (!instances)
		return ERR_NOMEM;
	for (size_t i = 0; i < options->instance_count; i++) {
		instances[i].id = arena_string(&ec2->arena, bytes_of(options->instances[i].id));
		instances[i].address = arena_string(&ec2->arena,
						    bytes_of(options->instances[i].address));
		if (!instances[i].id || !instances[i].address)
			return ERR_NOMEM;
	}
	ec2->options.instances = instances;
	return ERR_OK;
}

err_t ec2_create(const struct ec2_options *options, struct ec2 **ret_ec2)
{
	static const char *const aliases[] = { NULL };
	struct ec2 *ec2 = calloc(1, sizeof *ec2);
	err_t err;

	if (!ec2)
		return ERR_NOMEM;
	arena_init(&ec2->arena, EC2_ARENA_MAX_BYTES);
	err = copy_options(ec2, options);
	ec2->service = (struct api_service){
		.name = "ec2",
		.aliases = aliases,
		.protocol = API_EC2,
		.version = "2016-11-15",
		.xml_namespace = "http://ec2.amazonaws.com/doc/2016-11-15/",
		.operations = ec2_operations,
		.operation_count = ec2_operation_count,
		.begin = ec2_begin,
		.end = ec2_end,
		.state = ec2,
	};
	if (!err)
		err = api_register(options->api, &ec2->service);
	if (err) {
		ec2_destroy(ec2);
		return err;
	}
	*ret_ec2 = ec2;
	return ERR_OK;
}

void ec2_destroy(struct ec2 *ec2)
{
	if (!ec2)
		return;
	arena_fini(&ec2->arena);
	free(ec2);
}
