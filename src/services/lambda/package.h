/*
 * package: function packages on disk: a zip, and what was in it.
 *
 *   DATA/lambda/code/SHA256.zip    as it came
 *   DATA/lambda/code/SHA256/       unpacked, read-only; functions run in it
 *   DATA/lambda/tmp/…              on the way there: renamed when complete, dropped at a start
 *
 * Named after what they hold, so versions with the same code share it, and what has its name is
 * whole. package_check looks at the directory of a zip alone (quick); package_take and
 * package_unpack read and write, and belong on a thread that may block.
 */
#ifndef SERVICES_LAMBDA_PACKAGE_H
#define SERVICES_LAMBDA_PACKAGE_H

#include "api/api.h"
#include "base/text.h"
#include "crypto/digest.h"

enum {
	PACKAGE_UNPACKED_BYTES_MAX = 262144000, /* AWS */
	PACKAGE_ENTRIES_MAX = 50000,
	PACKAGE_PATH_BYTES_MAX = 1024,
};

/*
 * ERR_SYNTAX: no zip, or one that no honest tool makes (paths that leave the folder, links that
 * do, entries twice); ERR_TOO_LARGE: unpacked it passes the bound. `why` gets a sentence for the
 * log. The sizes that a zip states are checked again while it is unpacked.
 */
err_t package_check(struct bytes zip, struct text *why);

/* Makes the folders, and drops what a crash left half-made. */
err_t package_open(const char *folder);

/* Keeps the zip under its digest, on disk when this returns. */
err_t package_keep(const char *folder, struct bytes zip, const char hex[SHA256_HEX_BYTES + 1]);

struct package_taken {
	uint64_t bytes;
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES + 1];
};

/*
 * Reads a zip of any size, checks it as package_check does, and with `keep` keeps it. As those, and
 * ERR_SYSTEM.
 */
err_t package_take(const char *folder, struct api_outlet *zip, bool keep,
		   struct package_taken *ret_taken, struct text *why);

/* Unpacks a kept zip; ERR_OK at once when it is unpacked already. As package_check, and ERR_SYSTEM.
 */
err_t package_unpack(const char *folder, const char *hex, struct text *why);

/* Removes what no digest of `is_used` names. */
void package_sweep(const char *folder, bool (*is_used)(void *owner, struct bytes hex), void *owner);

#endif
