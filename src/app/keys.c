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

/* ---- The key that seals ---- */

static err_t make_seal_key(const char *path, struct text *file)
{
	char hex[2 * SEAL_KEY_BYTES + 1];

	random_hex(hex, sizeof hex - 1);
	text_add_str(file, hex);
	text_add_char(file, '\n');
	explicit_bzero(hex, sizeof hex);
	TRY(text_err(file));
	return write_secret(path, text_bytes(file));
}

/* ERR_NOT_FOUND: there is no such file. */
static err_t read_seal_key(const char *path, struct text *file)
{
	char line[2 * SEAL_KEY_BYTES + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	len = read(fd, line, sizeof line);
	close(fd);
	if (len < 2 * SEAL_KEY_BYTES)
		return ERR_INVALID;
	text_add(file, bytes_make(line, (size_t)len));
	explicit_bzero(line, sizeof line);
	return text_err(file);
}

static err_t load_seal_key(struct keys *keys, const char *data, struct text *why)
{
	struct text file = TEXT_INIT(256), raw = TEXT_INIT(SEAL_KEY_BYTES);
	char path[4096];
	err_t err;

	snprintf(path, sizeof path, "%s/seal.key", data);
	err = read_seal_key(path, &file);
	if (err == ERR_NOT_FOUND)
		err = make_seal_key(path, &file);
	if (!err)
		err = decode_hex(&raw, bytes_upto(text_bytes(&file), 2 * SEAL_KEY_BYTES));
	if (!err)
		memcpy(keys->seal_key, raw.at, SEAL_KEY_BYTES);
	else
		text_printf(why, "%s cannot be read or made: it must hold 64 hexadecimal digits",
			    path);
	if (file.at)
		explicit_bzero(file.at, file.cap);
	if (raw.at)
		explicit_bzero(raw.at, raw.cap);
	text_fini(&file);
	text_fini(&raw);
	return err;
}

/* ---- Keys of sign-ins: session key ‖ kid ‖ signing key, sealed ---- */

#define SIGN_IN_CONTEXT BYTES("sign-in keys")

enum { KID_BYTES = 36, SIGN_IN_MAX = SEAL_KEY_BYTES + KID_BYTES + SIGN_PRIVATE_MAX };

static err_t make_sign_in(struct text *plain)
{
	uint8_t session[SEAL_KEY_BYTES];
	char kid[KID_BYTES + 1];

	random_bytes(session, sizeof session);
	random_uuid(kid);
	text_add(plain, bytes_make(session, sizeof session));
	text_add_str(plain, kid);
	explicit_bzero(session, sizeof session);
	return sign_key_make(plain);
}

static err_t put_sign_in(const struct keys *keys, struct store_txn *txn, struct bytes plain)
{
	struct text sealed = TEXT_INIT(SIGN_IN_MAX + SEAL_OVERHEAD_BYTES);
	struct text hex = TEXT_INIT(2 * (SIGN_IN_MAX + SEAL_OVERHEAD_BYTES));
	err_t err = seal(keys->seal_key, plain, SIGN_IN_CONTEXT, &sealed);

	if (!err) {
		encode_hex(&hex, text_bytes(&sealed));
		err = text_err(&hex);
	}
	if (!err)
		err = store_setting_put(txn, "sign_in_keys", text_str(&hex));
	text_fini(&sealed);
	text_fini(&hex);
	return err;
}

static err_t open_sign_in(const struct keys *keys, const char *hex, struct text *plain)
{
	struct text sealed = TEXT_INIT(SIGN_IN_MAX + SEAL_OVERHEAD_BYTES);
	err_t err = decode_hex(&sealed, bytes_of(hex));

	if (!err)
		err = seal_open(keys->seal_key, text_bytes(&sealed), SIGN_IN_CONTEXT, plain);
	text_fini(&sealed);
	return err;
}

static err_t take_sign_in(struct keys *keys, struct bytes plain)
{
	if (plain.len <= SEAL_KEY_BYTES + KID_BYTES)
		return ERR_STORE;
	memcpy(keys->session_key, plain.at, SEAL_KEY_BYTES);
	memcpy(keys->signing_kid, plain.at + SEAL_KEY_BYTES, KID_BYTES);
	text_init(&keys->signing_key, SIGN_PRIVATE_MAX);
	text_add(&keys->signing_key, bytes_from(plain, SEAL_KEY_BYTES + KID_BYTES));
	TRY(text_err(&keys->signing_key));
	return sign_key_load(text_bytes(&keys->signing_key), &keys->signing);
}

static err_t load_sign_in(struct keys *keys, struct store_txn *txn, struct text *why)
{
	struct text plain = TEXT_INIT(SIGN_IN_MAX);
	char *hex = NULL;
	err_t err = store_setting_get(txn, "sign_in_keys", &hex);

	if (err == ERR_NOT_FOUND) {
		err = make_sign_in(&plain);
		if (!err)
			err = put_sign_in(keys, txn, text_bytes(&plain));
	} else if (!err) {
		err = open_sign_in(keys, hex, &plain);
		if (err == ERR_DENIED)
			text_add_str(
				why,
				"DATA/seal.key is not the one that this state was sealed with; "
				"put that one back. ");
	}
	if (!err)
		err = take_sign_in(keys, text_bytes(&plain));
	if (plain.at)
		explicit_bzero(plain.at, plain.cap);
	text_fini(&plain);
	free(hex);
	return err;
}

err_t keys_load(struct keys *keys, const char *data, struct store *store, struct text *why)
{
	struct store_txn *txn;
	err_t err;

	*keys = (struct keys){ 0 };
	TRY(load_credentials(keys, data, why));
	TRY(load_seal_key(keys, data, why));
	err = store_begin(store, &txn);
	if (!err) {
		err = load_cookie_key(keys, txn);
		if (!err)
			err = load_sign_in(keys, txn, why);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (err)
		text_printf(why, "the keys of cookies and sign-ins cannot be had: %s",
			    err_words(err));
	return err;
}

void keys_fini(struct keys *keys)
{
	if (keys->secret)
		explicit_bzero(keys->secret, strlen(keys->secret));
	free(keys->access_key);
	free(keys->secret);
	if (keys->signing_key.at)
		explicit_bzero(keys->signing_key.at, keys->signing_key.cap);
	text_fini(&keys->signing_key);
	sign_key_destroy(keys->signing);
	explicit_bzero(keys, sizeof *keys);
}
