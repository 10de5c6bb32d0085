#include "engine/docker_text.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

enum { PULL_LINE_MAX = 64 * 1024, STREAM_TROUBLE = 3 };

void docker_image_split(struct bytes reference, struct bytes *ret_image, struct bytes *ret_tag)
{
	size_t colon = SIZE_MAX;

	*ret_image = reference;
	*ret_tag = BYTES_NONE;
	for (size_t i = reference.len; i-- > 0;) {
		if (reference.at[i] == '@')
			return; /* a digest says it all */
		if (reference.at[i] == '/')
			break;
		if (reference.at[i] == ':' && colon == SIZE_MAX)
			colon = i;
	}
	if (bytes_index(reference, '@') != SIZE_MAX)
		return;
	*ret_tag = BYTES("latest");
	if (colon == SIZE_MAX)
		return;
	*ret_image = bytes_upto(reference, colon);
	*ret_tag = bytes_from(reference, colon + 1);
}

/* ---- Pulling ---- */

void docker_pull_init(struct docker_pull *pull)
{
	*pull = (struct docker_pull){ .error = "" };
	text_init(&pull->line, PULL_LINE_MAX);
}

static void read_line(struct docker_pull *pull)
{
	json_t *line = json_loadb(text_str(&pull->line), pull->line.len, 0, NULL);
	const char *error = json_string_value(json_object_get(line, "error"));

	if (error)
		snprintf(pull->error, sizeof pull->error, "%s", error);
	json_decref(line);
	text_clear(&pull->line);
}

void docker_pull_feed(struct docker_pull *pull, struct bytes data)
{
	while (data.len) {
		size_t end = bytes_index(data, '\n');

		text_add(&pull->line, bytes_upto(data, end));
		if (end == SIZE_MAX)
			return;
		read_line(pull);
		data = bytes_from(data, end + 1);
	}
}

void docker_pull_fini(struct docker_pull *pull)
{
	if (pull->line.len)
		read_line(pull);
	text_fini(&pull->line);
}

/* ---- Logs ---- */

void docker_logs_begin(struct docker_logs *logs, const struct docker_mark *mark)
{
	*logs = (struct docker_logs){ .seen = *mark, .after = *mark };
}

/* The entry's time is known: was it here before? */
static void decide(struct docker_logs *logs)
{
	int order = strcmp(logs->stamp, logs->after.stamp);

	logs->in_stamp = false;
	logs->skipping = order < 0 || (order == 0 && logs->repeated++ < logs->after.entries);
	if (logs->skipping)
		return;
	if (strcmp(logs->stamp, logs->seen.stamp) == 0) {
		logs->seen.entries++;
		return;
	}
	memcpy(logs->seen.stamp, logs->stamp, sizeof logs->seen.stamp);
	logs->seen.entries = 1;
}

static size_t take_stamp(struct docker_logs *logs, struct bytes data)
{
	size_t i = 0;

	while (i < data.len && data.at[i] != ' ' && logs->stamp_len < DOCKER_STAMP_BYTES - 1)
		logs->stamp[logs->stamp_len++] = data.at[i++];
	if (i == data.len)
		return i;
	logs->stamp[logs->stamp_len] = '\0';
	decide(logs);
	return data.at[i] == ' ' ? i + 1 : i;
}

static size_t take_head(struct docker_logs *logs, struct bytes data)
{
	size_t n = size_min(sizeof logs->head - logs->head_len, data.len);

	memcpy(logs->head + logs->head_len, data.at, n);
	logs->head_len = (uint8_t)(logs->head_len + n);
	if (logs->head_len < sizeof logs->head)
		return n;
	logs->left = (uint32_t)logs->head[4] << 24 | (uint32_t)logs->head[5] << 16 |
		     (uint32_t)logs->head[6] << 8 | logs->head[7];
	logs->head_len = logs->left ? sizeof logs->head : 0;
	/* The engine's own words about the log are no line of it, and have no time. */
	logs->skipping = logs->head[0] == STREAM_TROUBLE;
	logs->in_stamp = !logs->skipping;
	logs->stamp_len = 0;
	return n;
}

void docker_logs_feed(struct docker_logs *logs, struct bytes data, struct text *out)
{
	while (data.len) {
		struct bytes piece;
		size_t taken;

		if (logs->head_len < sizeof logs->head) {
			data = bytes_from(data, take_head(logs, data));
			continue;
		}
		piece = bytes_upto(data, logs->left);
		taken = piece.len;
		if (logs->in_stamp)
			taken = take_stamp(logs, piece);
		else if (!logs->skipping)
			text_add(out, piece);
		data = bytes_from(data, taken);
		logs->left -= (uint32_t)taken;
		if (!logs->left)
			logs->head_len = 0;
	}
}

void docker_since(const struct docker_mark *mark, char out[DOCKER_STAMP_BYTES])
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest = strptime(mark->stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	int digits = 0;

	out[0] = '\0';
	if (!rest)
		return;
	while (rest[0] == '.' && digits < 9 && rest[1 + digits] >= '0' && rest[1 + digits] <= '9')
		digits++;
	snprintf(out, DOCKER_STAMP_BYTES, "%lld.%.*s", (long long)timegm(&tm), digits ? digits : 1,
		 digits ? rest + 1 : "0");
}
