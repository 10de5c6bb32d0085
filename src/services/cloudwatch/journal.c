#include "services/cloudwatch/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum {
	LOG_BYTES_MAX = 64 * 1024 * 1024,
	NOTED_BYTES_MAX = 64 * 1024 * 1024,
	LINE_BYTES_MAX = 256 * 1024,
	PATH_BYTES = 4096,
};

struct journal {
	struct series_set *set;
	char *directory;
	unsigned number; /* of the log that is written */
	int fd;
	uint64_t log_bytes;
	struct text noted;
};

/* ---- Lines ---- */

static void add_line(struct text *out, struct bytes key, const struct point *point, unsigned rings)
{
	size_t start = out->len;

	text_printf(out, "%u %lld %.17g %.17g %.17g %.17g", rings, (long long)point->at_s,
		    point->count, point->sum, point->min, point->max);
	for (uint32_t i = 0; i < point->sketch.count; i++)
		text_printf(out, " %d:%.9g", point->sketch.at[i].index,
			    (double)point->sketch.at[i].weight);
	text_add_char(out, '\t');
	text_add(out, key);
	if (text_err(out))
		return;
	text_printf(out, "\t%016llx\n",
		    (unsigned long long)bytes_hash(bytes_from(text_bytes(out), start), 0));
}

static bool sound(struct bytes line, struct bytes *ret_body)
{
	char hash[17];

	if (line.len < 18 || line.at[line.len - 17] != '\t')
		return false;
	*ret_body = bytes_upto(line, line.len - 17);
	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)bytes_hash(*ret_body, 0));
	return memcmp(hash, line.at + line.len - 16, 16) == 0;
}

/* " 12:3.5 13:1 …" up to the tab */
static err_t parse_sketch(const char *at, struct sketch *sketch)
{
	while (*at == ' ') {
		char *end;
		long index = strtol(at, &end, 10);
		double weight;

		if (*end != ':')
			return ERR_SYNTAX;
		at = end + 1;
		weight = strtod(at, &end);
		if (end == at || index < INT32_MIN || index > INT32_MAX)
			return ERR_SYNTAX;
		TRY(sketch_add_bucket(sketch, (int32_t)index, weight));
		at = end;
	}
	return *at ? ERR_SYNTAX : ERR_OK;
}

static err_t parse_numbers(const char *text, struct point *point, unsigned *ret_rings)
{
	double *fields[] = { &point->count, &point->sum, &point->min, &point->max };
	char *end;
	const char *at;
	long rings = strtol(text, &end, 10);

	if (end == text || rings < 1 || rings > (SERIES_FINE | SERIES_COARSE))
		return ERR_SYNTAX;
	at = end;
	point->at_s = strtoll(at, &end, 10);
	if (end == at || point->at_s < 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < COUNT(fields); i++) {
		at = end;
		*fields[i] = strtod(at, &end);
		if (end == at || !isfinite(*fields[i]))
			return ERR_SYNTAX;
	}
	*ret_rings = (unsigned)rings;
	return parse_sketch(end, &point->sketch);
}

err_t journal_parse(struct bytes line, struct bytes *ret_key, struct point *ret_point,
		    unsigned *ret_rings)
{
	struct point point = { 0 };
	struct bytes body, numbers, key;
	char *text;
	err_t err;

	if (!sound(line, &body))
		return ERR_SYNTAX;
	key = body;
	if (!bytes_cut(&key, '\t', &numbers) || !key.len)
		return ERR_SYNTAX;
	text = bytes_dup(numbers);
	err = text ? parse_numbers(text, &point, ret_rings) : ERR_NOMEM;
	free(text);
	if (err) {
		point_fini(&point);
		return err;
	}
	*ret_key = key;
	*ret_point = point;
	return ERR_OK;
}

/* ---- Files ---- */

static void path_of(const struct journal *journal, unsigned number, const char *kind,
		    char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/samples-%u.%s", journal->directory, number, kind);
}

static err_t write_all(int fd, struct bytes data)
{
	while (data.len) {
		ssize_t taken = write(fd, data.at, data.len);

		if (taken < 0 && errno == EINTR)
			continue;
		if (taken <= 0)
			return ERR_SYSTEM;
		data = bytes_from(data, (size_t)taken);
	}
	return ERR_OK;
}

static err_t replay_line(struct journal *journal, struct bytes line, unsigned *bad)
{
	struct point point = { 0 };
	struct bytes key;
	unsigned rings;
	err_t err = journal_parse(line, &key, &point, &rings);

	if (!err) {
		err = series_add_by_key(journal->set, key, &point, rings);
		point_fini(&point);
	}
	if (err == ERR_NOMEM)
		return err;
	*bad += err != ERR_OK;
	return ERR_OK;
}

/* A file that is not there holds nothing. */
static err_t replay(struct journal *journal, const char *kind)
{
	char path[PATH_BYTES], *line = NULL;
	size_t cap = 0;
	unsigned bad = 0;
	ssize_t len;
	FILE *file;
	err_t err = ERR_OK;

	path_of(journal, journal->number, kind, path);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? ERR_OK : ERR_SYSTEM;
	while (!err && (len = getline(&line, &cap, file)) > 0)
		err = line[len - 1] == '\n'
			      ? replay_line(journal, bytes_make(line, (size_t)len - 1), &bad)
			      : ERR_OK;
	free(line);
	fclose(file);
	if (bad)
		log_warn("cloudwatch", "%s: %u damaged lines left out", path, bad);
	return err;
}

static err_t write_ring(int fd, struct text *buffer, const struct series *series,
			const struct ring *ring, unsigned rings)
{
	for (size_t i = 0; i < ring->count; i++) {
		add_line(buffer, series->key, &ring->at[ring->start + i], rings);
		if (buffer->len < LINE_BYTES_MAX)
			continue;
		TRY(text_err(buffer));
		TRY(write_all(fd, text_bytes(buffer)));
		text_clear(buffer);
	}
	return text_err(buffer);
}

static err_t write_series(const struct journal *journal, int fd)
{
	struct text buffer = TEXT_INIT(4 * LINE_BYTES_MAX);
	err_t err = ERR_OK;

	list_for_each (&journal->set->all, node) {
		const struct series *series = container_of(node, struct series, link);

		if (!err)
			err = write_ring(fd, &buffer, series, &series->fine, SERIES_FINE);
		if (!err)
			err = write_ring(fd, &buffer, series, &series->coarse, SERIES_COARSE);
	}
	if (!err)
		err = write_all(fd, text_bytes(&buffer));
	text_fini(&buffer);
	return err;
}

static err_t write_snapshot(const struct journal *journal, unsigned number)
{
	char path[PATH_BYTES], part[PATH_BYTES];
	int fd;
	err_t err;

	path_of(journal, number, "snapshot", path);
	path_of(journal, number, "part", part);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	err = write_series(journal, fd);
	if (!err && fsync(fd))
		err = ERR_SYSTEM;
	close(fd);
	if (!err && rename(part, path))
		err = ERR_SYSTEM;
	if (err)
		unlink(part);
	return err;
}

static void unlink_number(const struct journal *journal, unsigned number)
{
	static const char *const kinds[] = { "snapshot", "log", "part" };
	char path[PATH_BYTES];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		path_of(journal, number, kinds[i], path);
		unlink(path);
	}
}

/* Everything into snapshot N+1, and on with log N+1. On failure log N goes on. */
static err_t turn_over(struct journal *journal)
{
	unsigned next = journal->number + 1;
	char path[PATH_BYTES];
	int fd;

	path_of(journal, next, "log", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	if (write_snapshot(journal, next)) {
		close(fd);
		unlink(path);
		return ERR_SYSTEM;
	}
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = fd;
	unlink_number(journal, journal->number);
	journal->number = next;
	journal->log_bytes = 0;
	return ERR_OK;
}

/* The number of the newest snapshot; 0 when there is none yet. */
static err_t find_number(struct journal *journal)
{
	DIR *folder = opendir(journal->directory);
	struct dirent *entry;

	if (!folder)
		return ERR_SYSTEM;
	while ((entry = readdir(folder))) {
		struct bytes name = bytes_of(entry->d_name);
		uint64_t number;

		if (!bytes_starts(name, BYTES("samples-")) || !bytes_ends(name, BYTES(".snapshot")))
			continue;
		name = bytes_from(bytes_upto(name, name.len - 9), 8);
		if (!bytes_to_u64(name, UINT32_MAX - 1, &number) && number > journal->number)
			journal->number = (unsigned)number;
	}
	closedir(folder);
	return ERR_OK;
}

err_t journal_open(const char *directory, struct series_set *set, int64_t now_s,
		   struct journal **ret_journal)
{
	struct journal *journal = calloc(1, sizeof *journal);
	err_t err;

	if (!journal)
		return ERR_NOMEM;
	journal->set = set;
	journal->fd = -1;
	journal->directory = bytes_dup(bytes_of(directory));
	text_init(&journal->noted, NOTED_BYTES_MAX);
	err = !journal->directory ? ERR_NOMEM : ERR_OK;
	if (!err && mkdir(directory, 0700) && errno != EEXIST)
		err = ERR_SYSTEM;
	if (!err)
		err = find_number(journal);
	if (!err)
		err = replay(journal, "snapshot");
	if (!err)
		err = replay(journal, "log");
	if (!err) {
		series_trim(set, now_s);
		err = turn_over(journal);
	}
	if (err) {
		journal_close(journal);
		return err;
	}
	*ret_journal = journal;
	return ERR_OK;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	text_fini(&journal->noted);
	free(journal->directory);
	free(journal);
}

void journal_note(struct journal *journal, struct bytes key, const struct point *point,
		  unsigned rings)
{
	add_line(&journal->noted, key, point, rings);
}

err_t journal_write(struct journal *journal)
{
	err_t err = text_err(&journal->noted);

	if (!err)
		err = write_all(journal->fd, text_bytes(&journal->noted));
	journal->log_bytes += journal->noted.len;
	text_clear(&journal->noted);
	/* After a failure too: a torn line must not swallow the next one. */
	if (err || journal->log_bytes > LOG_BYTES_MAX) {
		err_t turned = turn_over(journal);

		if (turned)
			log_error("cloudwatch", "%s: no snapshot could be written: %s",
				  journal->directory, err_words(turned));
		else
			err = ERR_OK; /* the snapshot has it all */
	}
	return err;
}
