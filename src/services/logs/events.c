#include "services/logs/events_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char streams_name[] = "streams";

/* ---- A stream's times ---- */

static unsigned stream_place(const struct event_group *group, uint32_t stream)
{
	unsigned low = 0, high = group->stream_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (group->streams[middle].stream < stream)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static err_t add_times(struct event_group *group, const struct stream_times *times)
{
	unsigned at = stream_place(group, times->stream);
	struct stream_times *have = &group->streams[at];

	if (at < group->stream_count && have->stream == times->stream) {
		if (times->first_ms < have->first_ms)
			have->first_ms = times->first_ms;
		if (times->last_ms > have->last_ms)
			have->last_ms = times->last_ms;
		if (times->last_ingested_ms > have->last_ingested_ms)
			have->last_ingested_ms = times->last_ingested_ms;
		return ERR_OK;
	}
	if (group->stream_count == group->stream_cap) {
		unsigned cap = group->stream_cap ? group->stream_cap * 2 : 8;
		struct stream_times *more = realloc(group->streams, cap * sizeof *more);

		if (!more)
			return ERR_NOMEM;
		group->streams = more;
		group->stream_cap = cap;
	}
	memmove(group->streams + at + 1, group->streams + at,
		(group->stream_count - at) * sizeof *group->streams);
	group->streams[at] = *times;
	group->stream_count++;
	return ERR_OK;
}

static void note_event(void *owner, const struct event *event)
{
	struct event_group *group = owner;
	struct stream_times times = { event->stream, event->time_ms, event->time_ms,
				      event->ingested_ms };

	if (add_times(group, &times))
		log_error("logs", "out of memory: a stream's times are not noted");
	if (event->sequence > group->sequence)
		group->sequence = event->sequence;
}

/* What the sealed segments know of the streams; the open one is scanned at each start. */
static void read_streams(struct event_group *group)
{
	char path[SEGMENT_PATH_BYTES], line[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", group->folder, streams_name);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file)) {
		unsigned long long first, last, ingested;
		unsigned stream;

		if (sscanf(line, "%u %llu %llu %llu", &stream, &first, &last, &ingested) == 4)
			add_times(group, &(struct stream_times){ stream, first, last, ingested });
	}
	if (file)
		fclose(file);
}

static err_t write_streams(const struct event_group *group)
{
	char path[SEGMENT_PATH_BYTES], fresh[SEGMENT_PATH_BYTES + 8];
	FILE *file;
	bool failed;

	snprintf(path, sizeof path, "%s/%s", group->folder, streams_name);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	file = fopen(fresh, "we");
	if (!file)
		return ERR_SYSTEM;
	failed = fchmod(fileno(file), 0600) != 0;
	for (unsigned i = 0; i < group->stream_count; i++) {
		const struct stream_times *times = &group->streams[i];

		fprintf(file, "%u %llu %llu %llu\n", times->stream,
			(unsigned long long)times->first_ms, (unsigned long long)times->last_ms,
			(unsigned long long)times->last_ingested_ms);
	}
	failed |= ferror(file) != 0;
	failed |= fclose(file) != 0;
	return failed || rename(fresh, path) ? ERR_SYSTEM : ERR_OK;
}

/* ---- Groups ---- */

static void group_free(struct event_group *group)
{
	for (unsigned i = 0; i < group->segment_count; i++)
		segment_fini(&group->segments[i]);
	free(group->segments);
	free(group->streams);
	free(group->folder);
	free(group->name);
	free(group);
}

static err_t add_segment(struct event_group *group, const struct segment *segment)
{
	if (group->segment_count == group->segment_cap) {
		unsigned cap = group->segment_cap ? group->segment_cap * 2 : 8;
		struct segment *more = realloc(group->segments, cap * sizeof *more);

		if (!more)
			return ERR_NOMEM;
		group->segments = more;
		group->segment_cap = cap;
	}
	group->segments[group->segment_count++] = *segment;
	return ERR_OK;
}

static err_t group_new(struct events *events, const char *name, struct event_group **ret_group)
{
	struct event_group *group = calloc(1, sizeof *group);
	char folder[SEGMENT_PATH_BYTES];
	err_t err = ERR_NOMEM;

	if (!group)
		return ERR_NOMEM;
	snprintf(folder, sizeof folder, "%s/%s", events->folder, name);
	group->name = bytes_dup(bytes_of(name));
	group->folder = bytes_dup(bytes_of(folder));
	if (group->name && group->folder)
		err = map_put(&events->groups, bytes_of(name), group, NULL);
	if (err) {
		group_free(group);
		return err;
	}
	*ret_group = group;
	return ERR_OK;
}

static int order_of_segments(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return (int)right->sealed - (int)left->sealed;
}

static void remove_segment(struct events *events, struct event_group *group, unsigned at)
{
	struct segment *segment = &group->segments[at];

	segment_unlink(segment, group->folder);
	events->bytes -= segment->bytes;
	segment_fini(segment);
	group->segment_count--;
	memmove(segment, segment + 1, (group->segment_count - at) * sizeof *segment);
}

/* A kill while one was sealed leaves it twice; the sealed one, which stands first, is whole. */
static void drop_twins(struct events *events, struct event_group *group)
{
	for (unsigned i = 1; i < group->segment_count;)
		if (group->segments[i].number == group->segments[i - 1].number)
			remove_segment(events, group, i);
		else
			i++;
}

/* Names and sizes only. */
static err_t list_segments(struct events *events, struct event_group *group)
{
	DIR *folder = opendir(group->folder);
	struct dirent *entry;
	err_t err = ERR_OK;

	if (!folder)
		return ERR_SYSTEM;
	while (!err && (entry = readdir(folder))) {
		struct segment segment;
		struct stat info;

		if (!segment_of_name(entry->d_name, &segment) ||
		    fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) ||
		    info.st_size > SEGMENT_BYTES + SEGMENT_RECORD_BYTES_MAX)
			continue;
		segment.bytes = (uint32_t)info.st_size;
		events->bytes += segment.bytes;
		if (segment.last_sequence > group->sequence)
			group->sequence = segment.last_sequence;
		err = add_segment(group, &segment);
	}
	closedir(folder);
	if (group->segment_count)
		qsort(group->segments, group->segment_count, sizeof *group->segments,
		      order_of_segments);
	drop_twins(events, group);
	return err;
}

static struct segment *open_segment(struct event_group *group)
{
	struct segment *last;

	if (!group->segment_count)
		return NULL;
	last = &group->segments[group->segment_count - 1];
	return last->sealed ? NULL : last;
}

static err_t load(struct events *events, struct event_group *group)
{
	struct segment *segment = open_segment(group);
	uint32_t before;

	read_streams(group);
	if (segment) {
		before = segment->bytes;
		TRY(segment_scan(segment, group->folder, note_event, group));
		events->bytes -= before - segment->bytes;
	}
	group->loaded = true;
	return ERR_OK;
}

struct event_group *events_group(struct events *events, const char *name)
{
	struct event_group *group = map_get(&events->groups, bytes_of(name));
	err_t err;

	if (!group || group->loaded)
		return group;
	err = load(events, group);
	if (!err)
		return group;
	log_error("logs", "%s cannot be read: %s", group->folder, err_words(err));
	return NULL;
}

/* ---- Life ---- */

static err_t find_groups(struct events *events)
{
	DIR *folder = opendir(events->folder);
	struct dirent *entry;
	err_t err = ERR_OK;

	if (!folder)
		return ERR_SYSTEM;
	while (!err && (entry = readdir(folder))) {
		struct event_group *group;

		if (entry->d_name[0] == '.')
			continue;
		err = group_new(events, entry->d_name, &group);
		if (!err)
			err = list_segments(events, group);
	}
	closedir(folder);
	return err;
}

err_t events_open(const char *folder, uint64_t bytes_max, struct events **ret_events,
		  struct text *why)
{
	struct events *events = calloc(1, sizeof *events);
	err_t err = ERR_OK;

	if (!events)
		return ERR_NOMEM;
	events->bytes_max = bytes_max;
	events->folder = bytes_dup(bytes_of(folder));
	if (!events->folder)
		err = ERR_NOMEM;
	else if (mkdir(folder, 0700) && errno != EEXIST)
		err = ERR_SYSTEM;
	if (!err)
		err = find_groups(events);
	if (err) {
		text_printf(why, "%s cannot be opened: %s", folder,
			    err == ERR_SYSTEM ? strerror(errno) : err_words(err));
		events_close(events);
		return err;
	}
	*ret_events = events;
	return ERR_OK;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	map_for_each (&events->groups, slot)
		group_free(slot->value);
	map_fini(&events->groups);
	free(events->folder);
	free(events);
}

void events_each_group(struct events *events, void (*each)(void *owner, const char *group),
		       void *owner)
{
	size_t count = 0;
	char **names = calloc(events->groups.count + 1, sizeof *names);

	map_for_each (&events->groups, slot)
		if (names)
			names[count++] = bytes_dup(bytes_make(slot->key, slot->key_len));
	for (size_t i = 0; i < count; i++) {
		if (names[i])
			each(owner, names[i]);
		free(names[i]);
	}
	free(names);
}

/* ---- Bounds ---- */

/* The segment whose newest event is the oldest of all; false when there is none. */
static bool oldest_segment(struct events *events, struct event_group **ret_group, unsigned *ret_at)
{
	uint64_t oldest_ms = UINT64_MAX;

	map_for_each (&events->groups, slot) {
		struct event_group *group = slot->value;

		events_group(events, group->name); /* an open segment's times are known then */
		for (unsigned i = 0; i < group->segment_count; i++)
			if (group->segments[i].last_ms < oldest_ms) {
				oldest_ms = group->segments[i].last_ms;
				*ret_group = group;
				*ret_at = i;
			}
	}
	return oldest_ms != UINT64_MAX;
}

static void keep_bound(struct events *events)
{
	struct event_group *group;
	unsigned at;

	while (events->bytes > events->bytes_max && oldest_segment(events, &group, &at))
		remove_segment(events, group, at);
}

void events_expire(struct events *events, const char *name, uint64_t before_ms)
{
	struct event_group *group = events_group(events, name);

	for (unsigned i = 0; group && i < group->segment_count;)
		if (group->segments[i].count && group->segments[i].last_ms < before_ms)
			remove_segment(events, group, i);
		else
			i++;
}

/* Also what a kill left half-made. */
static void unlink_all(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

void events_drop(struct events *events, const char *name)
{
	struct event_group *group = map_remove(&events->groups, bytes_of(name));

	if (!group)
		return;
	while (group->segment_count)
		remove_segment(events, group, group->segment_count - 1);
	unlink_all(group->folder);
	if (rmdir(group->folder) && errno != ENOENT)
		log_error("logs", "%s cannot be removed: %s", group->folder, strerror(errno));
	group_free(group);
}

uint64_t events_bytes(struct events *events, const char *name)
{
	const struct event_group *group = map_get(&events->groups, bytes_of(name));
	uint64_t bytes = 0;

	for (unsigned i = 0; group && i < group->segment_count; i++)
		bytes += group->segments[i].bytes;
	return bytes;
}

const struct stream_times *events_stream_times(struct events *events, const char *name,
					       uint32_t stream)
{
	const struct event_group *group = events_group(events, name);
	unsigned at = group ? stream_place(group, stream) : 0;

	if (!group || at == group->stream_count || group->streams[at].stream != stream)
		return NULL;
	return &group->streams[at];
}

/* ---- Appending ---- */

static err_t group_for_writing(struct events *events, const char *name,
			       struct event_group **ret_group)
{
	struct event_group *group = events_group(events, name);

	if (!group) {
		if (map_get(&events->groups, bytes_of(name)))
			return ERR_SYSTEM; /* it is there and cannot be read */
		TRY(group_new(events, name, &group));
		group->loaded = true;
	}
	if (mkdir(group->folder, 0700) && errno != EEXIST)
		return ERR_SYSTEM;
	*ret_group = group;
	return ERR_OK;
}

/* Streams first: a sealed segment is never scanned again. */
static err_t seal(struct event_group *group, struct segment *segment)
{
	TRY(write_streams(group));
	return segment_seal(segment, group->folder);
}

/* The open segment, with room for these bytes. */
static err_t segment_for(struct event_group *group, size_t bytes, struct segment **ret_segment)
{
	struct segment *segment = open_segment(group);
	struct segment fresh = { .in_order = true };

	if (segment && segment->bytes + bytes > SEGMENT_BYTES && segment->bytes) {
		TRY(seal(group, segment));
		segment = NULL;
	}
	if (!segment) {
		if (group->segment_count)
			fresh.number = group->segments[group->segment_count - 1].number + 1;
		TRY(add_segment(group, &fresh));
		segment = open_segment(group);
	}
	*ret_segment = segment;
	return ERR_OK;
}

/* One write for as many as fit a segment. */
static err_t append_some(struct events *events, struct event_group *group, struct event *list,
			 size_t count)
{
	struct text records = TEXT_INIT(SEGMENT_BYTES + SEGMENT_RECORD_BYTES_MAX);
	struct segment *segment;
	uint32_t offset = 0;
	err_t err;

	for (size_t i = 0; i < count; i++)
		segment_encode(&records, &list[i]);
	err = text_err(&records);
	if (!err)
		err = segment_for(group, records.len, &segment);
	if (!err) {
		offset = segment->bytes;
		err = segment_write(segment, group->folder, text_bytes(&records));
	}
	if (!err)
		events->bytes += records.len;
	for (size_t i = 0; !err && i < count; i++) {
		size_t start = offset;
		uint32_t length;

		err = segment_note(segment, &list[i], (uint32_t)start);
		memcpy(&length, records.at + (start - (segment->bytes - records.len)),
		       sizeof length);
		offset += length;
		note_event(group, &list[i]);
	}
	text_fini(&records);
	return err;
}

err_t events_append(struct events *events, const char *name, struct event *list, size_t count)
{
	struct event_group *group;
	size_t from = 0, bytes = 0;

	TRY(group_for_writing(events, name, &group));
	for (size_t i = 0; i < count; i++) {
		list[i].sequence = group->sequence + 1 + i - from;
		bytes += list[i].message.len + 64;
		if (bytes < SEGMENT_BYTES / 2 && i + 1 < count)
			continue;
		TRY(append_some(events, group, list + from, i + 1 - from));
		from = i + 1;
		bytes = 0;
	}
	keep_bound(events);
	return ERR_OK;
}
