/*
 * launch_oci: a program of an image that was unpacked: its words, environment and user as the
 * image's configuration and the task definition have them.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/oci.h"
#include "engine/oci_layer.h"
#include "services/ecs/launch_internal.h"

#define PATH_USUAL "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The image's variables, where neither we nor the user say otherwise. */
static err_t add_variables(struct launch *launch, const json_t *config)
{
	json_t *line;
	size_t i;

	json_array_foreach (json_object_get(config, "Env"), i, line) {
		struct bytes value = bytes_of(json_string_value(line)), name;

		if (!bytes_cut(&value, '=', &name) || !name.len || !value.at)
			continue;
		TRY(put_text(launch->environment, arena_string(&launch->arena, name),
			     arena_string(&launch->arena, value)));
	}
	return ERR_OK;
}

err_t launch_oci_environment(struct launch *launch)
{
	TRY(put_text(launch->environment, "PATH", PATH_USUAL));
	TRY(put_text(launch->environment, "HOME", "/"));
	return add_variables(launch, launch->image_config);
}

/* The definition's entry point leaves the image's command out, as with Docker. */
err_t launch_oci_words(struct launch *launch, json_t *words)
{
	const json_t *config = launch->image_config;
	const json_t *entry = json_object_get(launch->defined, "entryPoint");
	const json_t *command = launch_command(launch);

	if (!json_array_size(command) && !json_array_size(entry))
		command = json_object_get(config, "Cmd");
	if (!json_array_size(entry))
		entry = json_object_get(config, "Entrypoint");
	if ((entry && json_array_extend(words, (json_t *)entry)) ||
	    (command && json_array_extend(words, (json_t *)command)))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t launch_oci_program(struct launch *launch, const char *name, char out[PATH_MAX])
{
	const char *path = text_of(launch->environment, "PATH");

	if (!name) {
		text_printf(launch->why,
			    "CannotStartContainerError: neither the image '%.200s' nor the task "
			    "definition has a command",
			    launch->image->name);
		return ERR_INVALID;
	}
	if (!oci_find_program(launch->image->files.root, name, path, out))
		return ERR_OK;
	text_printf(launch->why,
		    "CannotStartContainerError: there is no program '%.200s' in the image "
		    "'%.200s'",
		    name, launch->image->name);
	return ERR_INVALID;
}

err_t launch_oci_user(struct launch *launch, const char *user, uint32_t *ret_uid, uint32_t *ret_gid)
{
	struct bytes rest = bytes_of(user), name = BYTES_NONE;
	uint64_t uid, gid;
	struct passwd *entry = NULL;
	FILE *file;
	int root, fd;

	bytes_cut(&rest, ':', &name);
	if (!bytes_to_u64(name, UINT32_MAX, &uid)) {
		*ret_uid = (uint32_t)uid;
		*ret_gid = !rest.at || bytes_to_u64(rest, UINT32_MAX, &gid) ? 0 : (uint32_t)gid;
		return ERR_OK;
	}
	root = open(launch->image->files.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : oci_open_inside(root, "etc/passwd", O_RDONLY);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && (entry = fgetpwent(file)) != NULL && !bytes_eq_str(name, entry->pw_name))
		;
	if (entry) {
		*ret_uid = entry->pw_uid;
		*ret_gid = entry->pw_gid;
	} else {
		text_printf(launch->why,
			    "CannotStartContainerError: unable to find user %.*s in the image",
			    BYTES_ARG(name));
	}
	if (file)
		fclose(file);
	if (root >= 0)
		close(root);
	return entry ? ERR_OK : ERR_INVALID;
}

err_t launch_oci_begin(struct launch *launch, struct run_container *container)
{
	const char *name = text_of(launch->defined, "image");

	if (strncmp(name, "oci:", 4) != 0)
		return ERR_OK;
	launch->image = images_of(launch->run, container->index, name);
	if (!launch->image)
		return ERR_NOMEM;
	if (launch->image->err) {
		text_printf(launch->why, "CannotPullContainerError: %s",
			    launch->image->why[0] ? launch->image->why
						  : err_words(launch->image->err));
		return ERR_INVALID;
	}
	launch->image_config = json_loads(launch->image->files.config, 0, NULL);
	return launch->image_config ? ERR_OK : ERR_NOMEM;
}
