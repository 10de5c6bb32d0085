#include "app/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/client.h"
#include "crypto/random.h"

enum { ACCESS_KEY_RANDOM = 16, SECRET_RANDOM_BYTES = 30 };

/* AKIA and 16 letters or digits, as AWS's keys look; 30 random bytes are 40 letters of base64. */
static err_t make_credentials(struct text *file)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t random[SECRET_RANDOM_BYTES];

	random_bytes(random, ACCESS_KEY_RANDOM);
	text_add_str(file, "[default]\naws_access_key_id = AKIA");
	for (size_t i = 0; i < ACCESS_KEY_RANDOM; i++)
		text_add_char(file, letters[random[i] % 32]);
	random_bytes(random, sizeof random);
	text_add_str(file, "\naws_secret_access_key = ");
	encode_base64(file, bytes_make(random, sizeof random));
	text_add_char(file, '\n');
	explicit_bzero(random, sizeof random);
	return text_err(file);
}

/* Whole or not at all: written beside, synced, renamed. */
static err_t write_secret(const char *path, struct bytes content)
{
	char beside[4096];
	bool written;
	int fd;

	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
		return ERR_TOO_LARGE;
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	written = write(fd, content.at, content.len) == (ssize_t)content.len && fsync(fd) == 0;
	close(fd);
	if (!written || rename(beside, path)) {
		unlink(beside);
		return ERR_SYSTEM;
	}
	return ERR_OK;
}

static err_t load_credentials(struct keys *keys, const char *data, struct text *why)
{
	struct text file = TEXT_INIT(1024);
	char path[4096];
	err_t err;

	snprintf(path, sizeof path, "%s/credentials", data);
	err = credentials_read(data, &keys->access_key, &keys->secret);
	if (!err)
		return ERR_OK;
	if (access(path, F_OK) == 0) {
		text_printf(
			why,
			"%s holds no aws_access_key_id and aws_secret_access_key; delete it to get new ones",
			path);
		return ERR_INVALID;
	}
	err = make_credentials(&file);
	if (!err)
		err = write_secret(path, text_bytes(&file));
	if (file.at)
		explicit_bzero(file.at, file.cap);
	text_fini(&file);
	if (err) {
		text_printf(why, "%s cannot be written: %s", path, strerror(errno));
		return err;
	}
	return credentials_read(data, &keys->access_key, &keys->secret);
}

static err_t load_cookie_key(struct keys *keys, struct store_txn *txn)
{
	struct text raw = TEXT_INIT(64);
	char *hex = NULL, made[2 * sizeof keys->cookie_key + 1];
	err_t err = store_setting_get(txn, "stickiness_key", &hex);

	if (err == ERR_NOT_FOUND) {
		random_hex(made, sizeof made - 1);
		TRY(store_setting_put(txn, "stickiness_key", made));
		err = store_setting_get(txn, "stickiness_key", &hex);
	}
	if (!err)
		err = decode_hex(&raw, bytes_of(hex));
	if (!err && raw.len != sizeof keys->cookie_key)
		err = ERR_STORE;
	if (!err)
		memcpy(keys->cookie_key, raw.at, sizeof keys->cookie_key);
	text_fini(&raw);
	free(hex);
	return err;
}

err_t keys_load(struct keys *keys, const char *data, struct store *store, struct text *why)
{
	struct store_txn *txn;
	err_t err;

	*keys = (struct keys){ 0 };
	TRY(load_credentials(keys, data, why));
	err = store_begin(store, &txn);
	if (!err) {
		err = load_cookie_key(keys, txn);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (err)
		text_printf(why, "the stickiness key cannot be kept: %s", err_words(err));
	return err;
}

void keys_fini(struct keys *keys)
{
	if (keys->secret)
		explicit_bzero(keys->secret, strlen(keys->secret));
	free(keys->access_key);
	free(keys->secret);
	explicit_bzero(keys, sizeof *keys);
}
