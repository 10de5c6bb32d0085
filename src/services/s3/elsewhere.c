/*
 * elsewhere: buckets that lie at another endpoint by the operator's settings, and the keys for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "http/uri.h"
#include "services/s3/s3_internal.h"

enum { CREDENTIALS_BYTES_MAX = 64 * 1024 };

/* ---- Keys: AWS's shared credentials file, of which the first of each counts ---- */

static err_t read_file(const char *path, struct text *out, struct text *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[4096];
	struct stat info;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &info)) {
		text_printf(why, "%s cannot be read: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_INVALID;
	}
	if (info.st_mode & (S_IRWXG | S_IRWXO)) {
		text_printf(why, "%s holds secrets and may be read by others: chmod 600 it", path);
		close(fd);
		return ERR_INVALID;
	}
	while ((got = read(fd, piece, sizeof piece)) > 0)
		text_add(out, bytes_make(piece, (size_t)got));
	close(fd);
	explicit_bzero(piece, sizeof piece);
	if (got == 0 && !text_err(out))
		return ERR_OK;
	text_printf(why, "%s cannot be read, or is too large", path);
	return ERR_INVALID;
}

static const char *value_of(struct s3 *s3, struct bytes content, const char *wanted)
{
	struct bytes line, name;

	while (bytes_cut(&content, '\n', &line)) {
		if (bytes_cut(&line, '=', &name) && line.at &&
		    bytes_eq_str(bytes_trim(name), wanted))
			return arena_string(&s3->arena, bytes_trim(line));
	}
	return NULL;
}

static err_t read_keys(struct s3 *s3, const char *path, struct api_elsewhere *place,
		       struct text *why)
{
	struct text content = TEXT_INIT(CREDENTIALS_BYTES_MAX);
	err_t err = read_file(path, &content, why);

	if (!err) {
		place->access_key = value_of(s3, text_bytes(&content), "aws_access_key_id");
		place->secret = value_of(s3, text_bytes(&content), "aws_secret_access_key");
		place->token = value_of(s3, text_bytes(&content), "aws_session_token");
	}
	if (content.at)
		explicit_bzero(content.at, content.cap);
	text_fini(&content);
	if (!err && (!place->access_key || !place->secret)) {
		text_printf(why,
			    "%s: it takes lines aws_access_key_id = … and "
			    "aws_secret_access_key = …",
			    path);
		return ERR_INVALID;
	}
	return err;
}

/* ---- Places ---- */

static bool is_endpoint(const char *text)
{
	struct bytes host;
	struct uri uri;
	uint16_t port;

	return !uri_parse(bytes_of(text), &uri) && bytes_eq_str(uri.path, "/") && !uri.query.at &&
	       !uri_split_authority(uri.authority, &host, &port) && text[strlen(text) - 1] != '/';
}

static err_t check(const struct s3_elsewhere *from, struct text *why)
{
	if (!s3_bucket_name_valid(bytes_of(from->bucket)))
		text_printf(why, "bucket.%s: no bucket can have that name", from->bucket);
	else if (!from->endpoint || !is_endpoint(from->endpoint))
		text_printf(why,
			    "bucket.%s.endpoint has to be http://HOST[:PORT] or "
			    "https://HOST[:PORT], such as https://s3.eu-central-1.amazonaws.com",
			    from->bucket);
	else if (!from->credentials)
		text_printf(why,
			    "bucket.%s.credentials has to name a file (mode 0600) with the lines "
			    "aws_access_key_id = … and aws_secret_access_key = …",
			    from->bucket);
	else
		return ERR_OK;
	return ERR_INVALID;
}

static err_t keep(struct s3 *s3, const char *text, const char *otherwise, const char **ret_kept)
{
	if (!text)
		text = otherwise;
	*ret_kept = text ? arena_string(&s3->arena, bytes_of(text)) : NULL;
	return text && !*ret_kept ? ERR_NOMEM : ERR_OK;
}

static err_t add_place(struct s3 *s3, const struct s3_elsewhere *from, struct s3_place *into,
		       struct text *why)
{
	TRY(check(from, why));
	TRY(keep(s3, from->bucket, NULL, &into->bucket));
	TRY(keep(s3, from->endpoint, NULL, &into->there.endpoint));
	TRY(keep(s3, from->region, s3->options.region, &into->there.region));
	TRY(keep(s3, from->ca_file, NULL, &into->there.ca_file));
	TRY(keep(s3, from->name, from->bucket, &into->there.name));
	TRY(read_keys(s3, from->credentials, &into->there, why));
	log_info("s3", "the bucket %s lies at %s as %s", into->bucket, into->there.endpoint,
		 into->there.name);
	return ERR_OK;
}

static int by_bucket(const void *left, const void *right)
{
	const struct s3_place *a = left, *b = right;

	return strcmp(a->bucket, b->bucket);
}

err_t s3_places_load(struct s3 *s3, struct text *why)
{
	size_t count = s3->options.elsewhere_count;

	s3->places = arena_array(&s3->arena, count + 1, sizeof *s3->places);
	if (!s3->places)
		return ERR_NOMEM;
	memset(s3->places, 0, (count + 1) * sizeof *s3->places);
	for (size_t i = 0; i < count; i++) {
		TRY(add_place(s3, &s3->options.elsewhere[i], &s3->places[i], why));
		s3->place_count++;
	}
	qsort(s3->places, count, sizeof *s3->places, by_bucket);
	s3->started_ms = s3_now_ms(s3);
	s3->options.elsewhere = NULL; /* lent for this */
	return ERR_OK;
}

const struct api_elsewhere *s3_place_of(const struct s3 *s3, struct bytes bucket)
{
	for (size_t i = 0; i < s3->place_count; i++)
		if (bytes_eq_str(bucket, s3->places[i].bucket))
			return &s3->places[i].there;
	return NULL;
}

const struct api_elsewhere *s3_elsewhere_of(const struct api_service *service, struct bytes label)
{
	return s3_place_of(service->state, label);
}
