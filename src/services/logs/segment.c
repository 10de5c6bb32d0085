#include "services/logs/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* As it lies in the file, in this machine's order of bytes; the length follows once more. */
struct head {
	uint32_t length; /* of the whole record */
	uint32_t check;	 /* over what follows it */
	uint64_t time_ms, ingested_ms, sequence;
	uint32_t stream, message_bytes;
};

enum {
	HEAD_BYTES = sizeof(struct head),
	TAIL_BYTES = sizeof(uint32_t),
	CHECKED_FROM = offsetof(struct head, time_ms),
	MARK_EVERY_BYTES = 64 * 1024,
};
_Static_assert(HEAD_BYTES == 40, "no padding in what is on disk");
_Static_assert(SEGMENT_RECORD_BYTES_MAX > HEAD_BYTES + SEGMENT_MESSAGE_BYTES_MAX + TAIL_BYTES,
	       "every message fits a record");

/* ---- Names ---- */

static void path_of(const struct segment *segment, const char *folder, char out[SEGMENT_PATH_BYTES])
{
	if (segment->sealed)
		snprintf(out, SEGMENT_PATH_BYTES, "%s/%08llx-%llx-%llx-%llx-%x.sealed", folder,
			 (unsigned long long)segment->number, (unsigned long long)segment->first_ms,
			 (unsigned long long)segment->last_ms,
			 (unsigned long long)segment->last_sequence, segment->count);
	else
		snprintf(out, SEGMENT_PATH_BYTES, "%s/%08llx.open", folder,
			 (unsigned long long)segment->number);
}

bool segment_of_name(const char *name, struct segment *ret_segment)
{
	unsigned long long number, first, last, sequence;
	struct segment segment = { .in_order = true };
	unsigned count;
	int end = 0;

	if (sscanf(name, "%8llx-%llx-%llx-%llx-%x.sealed%n", &number, &first, &last, &sequence,
		   &count, &end) == 5 &&
	    end && !name[end]) {
		segment.sealed = true;
		segment.first_ms = first;
		segment.last_ms = last;
		segment.last_sequence = sequence;
		segment.count = count;
	} else if (sscanf(name, "%8llx.open%n", &number, &end) != 1 || !end || name[end]) {
		return false;
	}
	segment.number = number;
	*ret_segment = segment;
	return true;
}

/* ---- Records ---- */

static uint32_t check_of(struct bytes record)
{
	return (uint32_t)bytes_hash(bytes_from(record, CHECKED_FROM), 0);
}

void segment_encode(struct text *out, const struct event *event)
{
	struct head head = {
		.length = (uint32_t)(HEAD_BYTES + event->message.len + TAIL_BYTES),
		.time_ms = event->time_ms,
		.ingested_ms = event->ingested_ms,
		.sequence = event->sequence,
		.stream = event->stream,
		.message_bytes = (uint32_t)event->message.len,
	};
	size_t start = out->len;

	assert(event->message.len <= SEGMENT_MESSAGE_BYTES_MAX);
	text_add(out, bytes_make(&head, sizeof head));
	text_add(out, event->message);
	text_add(out, bytes_make(&head.length, TAIL_BYTES));
	if (text_err(out))
		return;
	head.check = check_of(bytes_make(out->at + start, head.length));
	memcpy(out->at + start, &head, sizeof head);
}

/* Lengths are believed only as far as they stay inside. */
static bool record_at(const struct segment *segment, size_t offset, struct head *ret_head,
		      struct bytes *ret_record)
{
	uint32_t tail;

	if (offset > segment->bytes || segment->bytes - offset < HEAD_BYTES + TAIL_BYTES)
		return false;
	memcpy(ret_head, segment->map + offset, HEAD_BYTES);
	if (ret_head->length > segment->bytes - offset ||
	    ret_head->message_bytes > SEGMENT_MESSAGE_BYTES_MAX ||
	    ret_head->length != HEAD_BYTES + ret_head->message_bytes + TAIL_BYTES)
		return false;
	memcpy(&tail, segment->map + offset + ret_head->length - TAIL_BYTES, TAIL_BYTES);
	*ret_record = bytes_make(segment->map + offset, ret_head->length);
	return tail == ret_head->length;
}

static struct event_key key_of(const struct head *head)
{
	return (struct event_key){ head->time_ms, head->sequence };
}

static struct event event_of(const struct head *head, struct bytes record)
{
	return (struct event){
		.time_ms = head->time_ms,
		.ingested_ms = head->ingested_ms,
		.sequence = head->sequence,
		.stream = head->stream,
		.message = bytes_make(record.at + HEAD_BYTES, head->message_bytes),
	};
}

/* ---- Marks ---- */

/* Room for one more at `at`; the rest moves up. */
static err_t mark_insert(struct segment *segment, uint32_t at, struct mark mark)
{
	if (segment->mark_count == segment->mark_cap) {
		uint32_t cap = segment->mark_cap ? segment->mark_cap * 2 : 64;
		struct mark *more = realloc(segment->marks, cap * sizeof *more);

		if (!more)
			return ERR_NOMEM;
		segment->marks = more;
		segment->mark_cap = cap;
	}
	memmove(segment->marks + at + 1, segment->marks + at,
		(segment->mark_count - at) * sizeof *segment->marks);
	segment->marks[at] = mark;
	segment->mark_count++;
	return ERR_OK;
}

/* The first mark not before `key`. */
static uint32_t mark_find(const struct segment *segment, struct event_key key)
{
	uint32_t low = 0, high = segment->mark_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (event_key_cmp(segment->marks[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

err_t segment_note(struct segment *segment, const struct event *event, uint32_t offset)
{
	struct mark mark = { { event->time_ms, event->sequence }, offset };
	uint32_t at = segment->mark_count;

	if (at && event_key_cmp(segment->marks[at - 1].key, mark.key) > 0) {
		at = mark_find(segment, mark.key);
		segment->in_order = false;
	}
	TRY(mark_insert(segment, at, mark));
	if (!segment->count || event->time_ms < segment->first_ms)
		segment->first_ms = event->time_ms;
	if (!segment->count || event->time_ms > segment->last_ms)
		segment->last_ms = event->time_ms;
	if (event->sequence > segment->last_sequence)
		segment->last_sequence = event->sequence;
	segment->count++;
	return ERR_OK;
}

static err_t mark_sealed(struct segment *segment)
{
	size_t offset = 0, due = 0;
	struct bytes record;
	struct head head;

	while (record_at(segment, offset, &head, &record)) {
		if (offset >= due) {
			TRY(mark_insert(segment, segment->mark_count,
					(struct mark){ key_of(&head), (uint32_t)offset }));
			due = offset + MARK_EVERY_BYTES;
		}
		offset += head.length;
	}
	if (offset != segment->bytes)
		log_error("logs", "segment %08llx is damaged at byte %zu of %u",
			  (unsigned long long)segment->number, offset, segment->bytes);
	return ERR_OK;
}

void segment_fini(struct segment *segment)
{
	assert(!segment->walkers);
	free(segment->marks);
	segment->marks = NULL;
}

/* ---- Files ---- */

err_t segment_enter(struct segment *segment, const char *folder)
{
	char path[SEGMENT_PATH_BYTES];
	void *map;
	int fd;

	if (segment->walkers++)
		return ERR_OK;
	path_of(segment, folder, path);
	fd = segment->bytes ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	map = fd < 0 ? MAP_FAILED : mmap(NULL, segment->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED) {
		segment->walkers = 0;
		return ERR_SYSTEM;
	}
	segment->map = map;
	segment->map_bytes = segment->bytes;
	if (segment->sealed && !segment->marks && mark_sealed(segment)) {
		segment_leave(segment);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void segment_leave(struct segment *segment)
{
	assert(segment->walkers);
	if (--segment->walkers)
		return;
	munmap((void *)segment->map, segment->map_bytes);
	segment->map = NULL;
}

err_t segment_scan(struct segment *segment, const char *folder,
		   void (*each)(void *owner, const struct event *event), void *owner)
{
	char path[SEGMENT_PATH_BYTES];
	struct bytes record;
	struct head head;
	size_t offset = 0;
	err_t err;

	assert(!segment->sealed && !segment->count);
	if (!segment->bytes)
		return ERR_OK;
	TRY(segment_enter(segment, folder));
	err = ERR_OK;
	while (!err && record_at(segment, offset, &head, &record) &&
	       check_of(record) == head.check) {
		struct event event = event_of(&head, record);

		err = segment_note(segment, &event, (uint32_t)offset);
		each(owner, &event);
		offset += head.length;
	}
	segment_leave(segment);
	if (!err && offset != segment->bytes) {
		path_of(segment, folder, path);
		log_warn("logs", "%s: a torn end of %zu bytes is cut off", path,
			 segment->bytes - offset);
		segment->bytes = (uint32_t)offset;
		err = truncate(path, (off_t)offset) ? ERR_SYSTEM : ERR_OK;
	}
	return err;
}

static err_t write_all(int fd, struct bytes data)
{
	while (data.len) {
		ssize_t wrote = write(fd, data.at, data.len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return ERR_SYSTEM;
		data = bytes_from(data, (size_t)wrote);
	}
	return ERR_OK;
}

/* A record half-written would end what the next opening believes: cut it off at once. */
err_t segment_write(struct segment *segment, const char *folder, struct bytes records)
{
	char path[SEGMENT_PATH_BYTES];
	err_t err;
	int fd;

	assert(!segment->sealed && !segment->walkers);
	path_of(segment, folder, path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYSTEM;
	err = write_all(fd, records);
	if (err && ftruncate(fd, segment->bytes))
		log_error("logs", "%s cannot be cut: %s", path, strerror(errno));
	close(fd);
	if (!err)
		segment->bytes += (uint32_t)records.len;
	return err;
}

/* The records by key, to a file of their own. */
static err_t write_sorted(struct segment *segment, const char *folder, const char *to)
{
	struct text sorted = TEXT_INIT(SEGMENT_BYTES + SEGMENT_RECORD_BYTES_MAX);
	struct bytes record;
	struct head head;
	err_t err;
	int fd;

	TRY(segment_enter(segment, folder));
	for (uint32_t i = 0; i < segment->mark_count; i++)
		if (record_at(segment, segment->marks[i].offset, &head, &record))
			text_add(&sorted, record);
	segment_leave(segment);
	err = text_err(&sorted);
	fd = err ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		err = write_all(fd, text_bytes(&sorted));
		close(fd);
	} else if (!err) {
		err = ERR_SYSTEM;
	}
	text_fini(&sorted);
	return err;
}

err_t segment_seal(struct segment *segment, const char *folder)
{
	char open_path[SEGMENT_PATH_BYTES], sealed_path[SEGMENT_PATH_BYTES];
	char sorted_path[SEGMENT_PATH_BYTES + 8];
	const char *from = open_path;

	assert(!segment->sealed);
	path_of(segment, folder, open_path);
	if (!segment->in_order) {
		snprintf(sorted_path, sizeof sorted_path, "%s.sort", open_path);
		TRY(write_sorted(segment, folder, sorted_path));
		from = sorted_path;
	}
	segment->sealed = true;
	path_of(segment, folder, sealed_path);
	if (rename(from, sealed_path)) {
		segment->sealed = false;
		return ERR_SYSTEM;
	}
	if (from == sorted_path)
		unlink(open_path); /* a kill before this: opening finds both, and drops it */
	free(segment->marks);
	segment->marks = NULL;
	segment->mark_count = segment->mark_cap = 0;
	return ERR_OK;
}

void segment_unlink(const struct segment *segment, const char *folder)
{
	char path[SEGMENT_PATH_BYTES];

	path_of(segment, folder, path);
	if (unlink(path) && errno != ENOENT)
		log_error("logs", "%s cannot be removed: %s", path, strerror(errno));
}

/* ---- Walking ---- */

static size_t offset_of(const struct segment *segment, uint32_t place)
{
	return segment->sealed ? place : segment->marks[place].offset;
}

bool segment_event(const struct segment *segment, uint32_t place, struct event *ret_event)
{
	struct bytes record;
	struct head head;

	if (!record_at(segment, offset_of(segment, place), &head, &record))
		return false;
	*ret_event = event_of(&head, record);
	return true;
}

bool segment_move(const struct segment *segment, bool back, uint32_t *place)
{
	struct bytes record;
	struct head head;
	uint32_t length;

	if (!segment->sealed) {
		if (back ? *place == 0 : *place + 1 >= segment->mark_count)
			return false;
		*place += back ? UINT32_MAX : 1;
		return true;
	}
	if (!back) {
		if (!record_at(segment, *place, &head, &record))
			return false;
		*place += head.length;
		return *place < segment->bytes;
	}
	if (*place < HEAD_BYTES + TAIL_BYTES)
		return false;
	memcpy(&length, segment->map + *place - TAIL_BYTES, TAIL_BYTES);
	if (length > *place || !record_at(segment, *place - length, &head, &record))
		return false;
	*place -= length;
	return true;
}

static bool seek_sealed(struct segment *segment, struct event_key key, bool back,
			uint32_t *ret_place)
{
	uint32_t mark = mark_find(segment, key);
	size_t offset = mark ? segment->marks[mark - 1].offset : 0;
	struct bytes record;
	struct head head;
	bool before = false;

	while (record_at(segment, offset, &head, &record) &&
	       event_key_cmp(key_of(&head), key) < 0) {
		*ret_place = (uint32_t)offset;
		before = true;
		offset += head.length;
	}
	if (back)
		return before;
	*ret_place = (uint32_t)offset;
	return offset < segment->bytes;
}

bool segment_seek(struct segment *segment, struct event_key key, bool back, uint32_t *ret_place)
{
	uint32_t at;

	if (segment->sealed)
		return seek_sealed(segment, key, back, ret_place);
	at = mark_find(segment, key);
	if (back ? at == 0 : at == segment->mark_count)
		return false;
	*ret_place = back ? at - 1 : at;
	return true;
}
