#include "engine/program.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

err_t program_folder(char out[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (len <= 0)
		return ERR_SYSTEM;
	out[len] = '\0';
	*strrchr(out, '/') = '\0';
	return ERR_OK;
}

static bool is_folder(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_program(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, X_OK) == 0;
}

/* "a/../b" would leave the folder that the image names. */
static bool climbs(const char *path)
{
	struct bytes rest = bytes_of(path), part;

	while (bytes_cut(&rest, '/', &part))
		if (bytes_eq(part, BYTES("..")))
			return true;
	return false;
}

static err_t find_in_folder(const char *folder, const char *first, struct program *program,
			    struct text *why)
{
	const char *name = first ? first : "bootstrap";

	while (*name == '/')
		name++;
	if (climbs(name) || snprintf(program->path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX ||
	    snprintf(program->directory, PATH_MAX, "%s", folder) >= PATH_MAX) {
		text_printf(why, "'%s' is not a path inside of %s", name, folder);
		return ERR_NOT_FOUND;
	}
	program->takes_first = first != NULL;
	if (is_program(program->path))
		return ERR_OK;
	text_printf(why, "there is no program %s%s", program->path,
		    first ? "" : " (the container has no command, so 'bootstrap' is looked for)");
	return ERR_NOT_FOUND;
}

static err_t find_file(const char *path, const char *first, struct program *program,
		       struct text *why)
{
	if (path[0] != '/') {
		text_printf(why, "'file:%s': the path has to begin with '/'", path);
		return ERR_NOT_FOUND;
	}
	if (is_folder(path))
		return find_in_folder(path, first, program, why);
	if (is_program(path) && snprintf(program->path, PATH_MAX, "%s", path) < PATH_MAX)
		return ERR_OK;
	text_printf(why, "%s is neither a folder nor a program that may be executed", path);
	return ERR_NOT_FOUND;
}

/* "registry/weir/NAME:tag@digest" → NAME; nothing when it is not of that form. */
static struct bytes own_name(struct bytes image)
{
	size_t at = bytes_find(image, BYTES("weir/")), end;
	struct bytes name;

	if (at == SIZE_MAX || (at && image.at[at - 1] != '/'))
		return BYTES_NONE;
	name = bytes_from(image, at + 5);
	for (end = 0; end < name.len && name.at[end] != ':' && name.at[end] != '@'; end++)
		if (name.at[end] == '/')
			return BYTES_NONE;
	return bytes_upto(name, end);
}

bool program_is_named(const char *image, bool own)
{
	return strncmp(image, "file:", 5) == 0 || strncmp(image, "oci:", 4) == 0 ||
	       (own && own_name(bytes_of(image)).len);
}

err_t program_find(const char *folder, const char *image, const char *first,
		   struct program *ret_program, struct text *why)
{
	struct bytes name = own_name(bytes_of(image));

	*ret_program = (struct program){ .takes_first = false };
	if (strncmp(image, "file:", 5) == 0)
		return find_file(image + 5, first, ret_program, why);
	if (!name.len || bytes_eq(name, BYTES("..")) || bytes_eq(name, BYTES("."))) {
		text_printf(
			why,
			"the process engine runs programs, not images: '%.200s' is neither "
			"'weir/NAME' (a program beside weir) nor 'file:/PATH' nor 'oci:/FOLDER'; "
			"images run where "
			"a Docker engine answers (--engine, --docker-socket)",
			image);
		return ERR_NOT_FOUND;
	}
	if (snprintf(ret_program->path, PATH_MAX, "%s/%.*s", folder, BYTES_ARG(name)) < PATH_MAX &&
	    is_program(ret_program->path))
		return ERR_OK;
	text_printf(why, "there is no program %.*s in %s", BYTES_ARG(name), folder);
	return ERR_NOT_FOUND;
}
