/*
 * authority: who issues certificates for `localhost` names. Made at the first start, kept among the
 * installation's settings, so that a reset of the resources does not make clients trust anew. Its
 * certificate is DATA/ca.pem, for curl --cacert and trust stores.
 */
#include "services/acm/acm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/issue.h"

#define SETTING_CERTIFICATE "acm_authority_certificate"
#define SETTING_KEY	    "acm_authority_key"
#define SEAL_CONTEXT	    BYTES("acm authority")

bool authority_covers(const char *name)
{
	struct bytes host = bytes_of(name);

	return bytes_eq_nocase(host, BYTES("localhost")) ||
	       (host.len > 10 &&
		bytes_eq_nocase(bytes_from(host, host.len - 10), BYTES(".localhost")));
}

/* ---- At start ---- */

static err_t make(struct acm *acm, struct store_txn *txn)
{
	struct text certificate = TEXT_INIT(ACM_PEM_MAX), key = TEXT_INIT(ACM_PEM_MAX);
	struct text sealed = TEXT_INIT(2 * ACM_PEM_MAX);
	err_t err = authority_make(acm_now_ms(acm) / 1000, &certificate, &key);

	if (!err)
		err = seal_text(acm->options.seal_key, text_bytes(&key), SEAL_CONTEXT, &sealed);
	if (!err)
		err = store_setting_put(txn, SETTING_CERTIFICATE, text_str(&certificate));
	if (!err)
		err = store_setting_put(txn, SETTING_KEY, text_str(&sealed));
	if (key.at)
		explicit_bzero(key.at, key.cap);
	text_fini(&certificate);
	text_fini(&key);
	text_fini(&sealed);
	return err;
}

static err_t load(struct acm *acm, struct store_txn *txn)
{
	TRY(store_setting_get(txn, SETTING_CERTIFICATE, &acm->authority_certificate));
	return store_setting_get(txn, SETTING_KEY, &acm->authority_sealed_key);
}

static err_t load_or_make(struct acm *acm)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(acm->options.store, &txn));
	err = load(acm, txn);
	if (err == ERR_NOT_FOUND) {
		err = make(acm, txn);
		if (!err)
			err = load(acm, txn);
	}
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

static err_t write_certificate(const struct acm *acm, struct text *why)
{
	char path[4096], beside[4096];
	FILE *file;
	bool written;
	int fd;

	snprintf(path, sizeof path, "%s/ca.pem", acm->options.data);
	if (snprintf(beside, sizeof beside, "%s/ca.pem.new", acm->options.data) >=
	    (int)sizeof beside)
		return ERR_TOO_LARGE;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (fd >= 0 && !file)
		close(fd);
	written = file && fputs(acm->authority_certificate, file) >= 0;
	if (file && fclose(file))
		written = false;
	if (written && rename(beside, path) == 0)
		return ERR_OK;
	text_printf(why, "%s cannot be written: %s", path, strerror(errno));
	return ERR_SYSTEM;
}

/* That the key file is the one this state was made with is found out now, not by the first client.
 */
static err_t check_seal(const struct acm *acm, struct text *why)
{
	struct text key = TEXT_INIT(ACM_PEM_MAX);
	err_t err = seal_text_open(acm->options.seal_key, bytes_of(acm->authority_sealed_key),
				   SEAL_CONTEXT, &key);

	if (key.at)
		explicit_bzero(key.at, key.cap);
	text_fini(&key);
	if (err == ERR_DENIED)
		text_printf(
			why,
			"%s/seal.key is not the key that private keys in this state were sealed "
			"with; put the right one back, or start with an empty --data",
			acm->options.data);
	return err;
}

err_t authority_open(struct acm *acm, struct text *why)
{
	err_t err = load_or_make(acm);

	if (err) {
		text_printf(why, "the local certificate authority cannot be kept: %s",
			    err_words(err));
		return err;
	}
	TRY(check_seal(acm, why));
	return write_certificate(acm, why);
}

err_t authority_key(const struct acm *acm, struct text *out)
{
	return seal_text_open(acm->options.seal_key, bytes_of(acm->authority_sealed_key),
			      SEAL_CONTEXT, out);
}
