#include "services/cloudformation/object_url.h"

#include <string.h>

#include "base/encode.h"

static err_t put(char *room, size_t max, struct bytes part, bool decode)
{
	struct text text = TEXT_INIT(max);
	err_t err = ERR_OK;

	if (decode)
		err = decode_percent(&text, part, false);
	else
		text_add(&text, part);
	if (!err)
		err = text_err(&text);
	if (!err && text.len && strlen(text_str(&text)) == text.len)
		memcpy(room, text_str(&text), text.len + 1);
	else
		err = ERR_SYNTAX;
	text_fini(&text);
	return err;
}

/* "BUCKET.s3.…" and "BUCKET.s3-REGION.…" name the bucket; "s3.…" and others do not. */
static struct bytes bucket_of_host(struct bytes host)
{
	static const struct bytes marks[] = { { ".s3.", 4 }, { ".s3-", 4 } };

	for (size_t i = 0; i < COUNT(marks); i++) {
		size_t at = bytes_find(host, marks[i]);

		if (at != SIZE_MAX && at > 0)
			return bytes_upto(host, at);
	}
	return BYTES_NONE;
}

static err_t take_version(struct bytes query, char *room)
{
	struct bytes pair;

	while (query.len && bytes_cut(&query, '&', &pair))
		if (bytes_starts(pair, BYTES("versionId=")))
			return put(room, VERSION_CHARS_MAX, bytes_from(pair, 10), true);
	return ERR_OK;
}

err_t object_url_parse(struct bytes url, struct object_url *ret_url)
{
	bool s3 = bytes_starts(url, BYTES("s3://"));
	struct bytes rest, host, bucket, query = BYTES_NONE;
	size_t at;

	*ret_url = (struct object_url){ .bucket = "" };
	if (!s3 && !bytes_starts(url, BYTES("https://")) && !bytes_starts(url, BYTES("http://")))
		return ERR_SYNTAX;
	rest = bytes_from(url, bytes_find(url, BYTES("//")) + 2);
	at = bytes_index(rest, '?');
	if (at != SIZE_MAX && !s3) {
		query = bytes_from(rest, at + 1);
		rest = bytes_upto(rest, at);
	}
	at = bytes_index(rest, '/');
	if (at == SIZE_MAX)
		return ERR_SYNTAX;
	host = bytes_upto(rest, at);
	rest = bytes_from(rest, at + 1);
	bucket = s3 ? host : bucket_of_host(host);
	if (!bucket.len) {
		at = bytes_index(rest, '/');
		if (at == SIZE_MAX)
			return ERR_SYNTAX;
		bucket = bytes_upto(rest, at);
		rest = bytes_from(rest, at + 1);
	}
	TRY(put(ret_url->bucket, BUCKET_CHARS_MAX, bucket, false));
	TRY(put(ret_url->key, KEY_BYTES_MAX, rest, !s3));
	return take_version(query, ret_url->version);
}
