#include "app/cognito.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILE_MAX = 256 * 1024, SECRET_MAX = 256 };

static err_t read_file(FILE *file, struct text *out)
{
	char piece[4096];
	size_t len;

	while ((len = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(out, bytes_make(piece, len));
	explicit_bzero(piece, sizeof piece);
	return ferror(file) ? ERR_SYSTEM : text_err(out);
}

static err_t take_line(struct cognito_clients *clients, struct bytes line)
{
	struct bytes rest = bytes_trim(line), id;
	char *secret;
	void *old;
	err_t err;

	if (!rest.len || rest.at[0] == '#')
		return ERR_OK;
	bytes_cut(&rest, ' ', &id);
	rest = bytes_trim(rest);
	if (!id.len || !rest.len || rest.len > SECRET_MAX || bytes_index(rest, ' ') != SIZE_MAX)
		return ERR_SYNTAX;
	secret = bytes_dup(rest);
	if (!secret)
		return ERR_NOMEM;
	err = map_put(&clients->secrets, id, secret, &old);
	free(err ? secret : old);
	return err;
}

static err_t take_file(struct cognito_clients *clients, const char *path, FILE *file,
		       struct text *why)
{
	struct text content = TEXT_INIT(FILE_MAX);
	struct bytes rest, line;
	struct stat about;
	unsigned number = 0;
	err_t err = ERR_OK;

	if (fstat(fileno(file), &about) || about.st_mode & 077) {
		text_printf(why, "%s can be read by others: chmod 600 it", path);
		return ERR_DENIED;
	}
	err = read_file(file, &content);
	rest = text_bytes(&content);
	while (!err && bytes_cut(&rest, '\n', &line)) {
		number++;
		err = take_line(clients, line);
	}
	if (err)
		text_printf(why,
			    "%s, line %u: a line is a client's id and its secret with a blank "
			    "between (%s)",
			    path, number, err_words(err));
	if (content.at)
		explicit_bzero(content.at, content.cap);
	text_fini(&content);
	return err;
}

err_t cognito_clients_load(struct cognito_clients *clients, const char *path, struct text *why)
{
	FILE *file;
	err_t err;

	*clients = (struct cognito_clients){ .secrets = MAP_INIT };
	if (!path[0])
		return ERR_OK;
	file = fopen(path, "re");
	if (!file) {
		text_printf(why, "--cognito-clients %s cannot be read: %s", path, strerror(errno));
		return ERR_SYSTEM;
	}
	err = take_file(clients, path, file, why);
	fclose(file);
	return err;
}

void cognito_clients_fini(struct cognito_clients *clients)
{
	map_for_each (&clients->secrets, slot) {
		explicit_bzero(slot->value, strlen(slot->value));
		free(slot->value);
	}
	map_fini(&clients->secrets);
}

struct bytes cognito_client_secret(const struct cognito_clients *clients, struct bytes client_id)
{
	const char *secret = map_get(&clients->secrets, client_id);

	return secret ? bytes_of(secret) : BYTES_NONE;
}
