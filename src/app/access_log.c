#include "app/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum {
	BUFFER_BYTES = 64 * 1024, /* a full one is handed over at once */
	RECORD_BYTES = 40 * 1024, /* the longest record: a 16 KiB URI, escaped, twice */
	FLUSH_MS = 200,
	BUFFERS_WAITING_MAX = 256, /* 32 MiB of text that the disk did not take yet */
	SPARES = 4,
	FILE_BYTES = 64 * 1024 * 1024,
	FILES_KEPT = 5,
};

struct buffer {
	struct buffer *next; /* handed over before this one */
	struct text lines, objects, connections;
};

/* One thread's; attached threads find theirs by `mine`. */
struct writer_end {
	struct access_log *log;
	struct loop *loop;
	struct timer flush;
	struct buffer *filling;
};

struct file {
	const char *name;
	int fd;
	uint64_t bytes;
	bool failing; /* said once, until a write succeeds */
};

struct access_log {
	char *folder;
	_Atomic uint64_t dropped;
	atomic_bool reopen;

	/* Workers push, the writer takes all at once: no lock. The semaphore only wakes it. */
	_Atomic(struct buffer *) waiting;
	_Atomic unsigned waiting_count;
	_Atomic(struct buffer *) spares[SPARES]; /* written ones, for any worker to fill again */
	sem_t wake;
	atomic_bool stop;

	/* the writer thread's alone */
	pthread_t thread;
	struct file lines, objects, connections;
};

static _Thread_local struct writer_end *mine;

/* ---- The writer's side ---- */

static void path_of(const struct access_log *log, const struct file *file, unsigned age,
		    char out[4096])
{
	if (age)
		snprintf(out, 4096, "%s/%s.%u", log->folder, file->name, age);
	else
		snprintf(out, 4096, "%s/%s", log->folder, file->name);
}

static void file_open(struct access_log *log, struct file *file)
{
	struct stat info;
	char path[4096];

	path_of(log, file, 0, path);
	file->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file->fd < 0) {
		log_error("app", "%s cannot be opened: %s", path, strerror(errno));
		return;
	}
	file->bytes = fstat(file->fd, &info) ? 0 : (uint64_t)info.st_size;
}

static void file_close(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* access.log.4 becomes .5, …, access.log becomes .1. */
static void file_rotate(struct access_log *log, struct file *file)
{
	char from[4096], to[4096];

	file_close(file);
	for (unsigned age = FILES_KEPT; age > 0; age--) {
		path_of(log, file, age - 1, from);
		path_of(log, file, age, to);
		rename(from, to);
	}
	file_open(log, file);
}

/* What a full disk took of a batch goes too: half a line would spoil the next one. */
static void file_drop(struct access_log *log, struct file *file, uint64_t whole)
{
	if (!file->failing)
		log_error("app", "%s cannot be written: %s; lines are dropped until it can be",
			  file->name, strerror(errno));
	file->failing = true;
	atomic_fetch_add(&log->dropped, 1);
	if (file->bytes > whole && ftruncate(file->fd, (off_t)whole) == 0)
		file->bytes = whole;
}

static void file_write(struct access_log *log, struct file *file, struct bytes text)
{
	uint64_t whole;

	if (!text.len)
		return;
	if (file->fd < 0)
		file_open(log, file);
	if (file->bytes + text.len > FILE_BYTES && file->bytes)
		file_rotate(log, file);
	whole = file->bytes;
	while (text.len && file->fd >= 0) {
		ssize_t wrote = write(file->fd, text.at, text.len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			file_drop(log, file, whole);
			return;
		}
		file->bytes += (uint64_t)wrote;
		text = bytes_from(text, (size_t)wrote);
	}
	if (file->failing && !text.len) {
		log_info("app", "%s is written again", file->name);
		file->failing = false;
	}
}

static void buffer_free(struct buffer *buffer)
{
	text_fini(&buffer->lines);
	text_fini(&buffer->objects);
	text_fini(&buffer->connections);
	free(buffer);
}

/* All that waits, oldest first. */
static struct buffer *take_waiting(struct access_log *log)
{
	struct buffer *newest = atomic_exchange(&log->waiting, NULL), *oldest = NULL;

	while (newest) {
		struct buffer *before = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = before;
	}
	return oldest;
}

/* Back to the workers, or to the system when they have enough. */
static void give_back(struct access_log *log, struct buffer *buffer)
{
	text_clear(&buffer->lines);
	text_clear(&buffer->objects);
	text_clear(&buffer->connections);
	for (size_t i = 0; i < SPARES; i++) {
		struct buffer *none = NULL;

		if (atomic_compare_exchange_strong(&log->spares[i], &none, buffer))
			return;
	}
	buffer_free(buffer);
}

static void write_waiting(struct access_log *log)
{
	struct buffer *buffer = take_waiting(log);

	while (buffer) {
		struct buffer *next = buffer->next;

		file_write(log, &log->lines, text_bytes(&buffer->lines));
		file_write(log, &log->objects, text_bytes(&buffer->objects));
		file_write(log, &log->connections, text_bytes(&buffer->connections));
		give_back(log, buffer);
		atomic_fetch_sub(&log->waiting_count, 1);
		buffer = next;
	}
}

static void *write_all(void *owner)
{
	struct access_log *log = owner;

	while (!atomic_load(&log->stop)) {
		while (sem_wait(&log->wake) && errno == EINTR)
			;
		if (atomic_exchange(&log->reopen, false)) {
			file_close(&log->lines);
			file_close(&log->objects);
			file_close(&log->connections);
		}
		write_waiting(log);
	}
	write_waiting(log);
	return NULL;
}

/* ---- The workers' side ---- */

static void hand_over(struct writer_end *end)
{
	struct buffer *buffer = end->filling;
	struct access_log *log = end->log;

	timer_cancel(&end->flush);
	end->filling = NULL;
	if (!buffer)
		return;
	if (atomic_fetch_add(&log->waiting_count, 1) >= BUFFERS_WAITING_MAX) {
		atomic_fetch_sub(&log->waiting_count, 1);
		atomic_fetch_add(&log->dropped, 1);
		buffer_free(buffer);
		return;
	}
	buffer->next = atomic_load(&log->waiting);
	while (!atomic_compare_exchange_weak(&log->waiting, &buffer->next, buffer))
		;
	sem_post(&log->wake);
}

static void on_flush(struct timer *timer)
{
	hand_over(container_of(timer, struct writer_end, flush));
}

static struct buffer *take_spare(struct access_log *log)
{
	for (size_t i = 0; i < SPARES; i++) {
		struct buffer *spare = atomic_exchange(&log->spares[i], NULL);

		if (spare)
			return spare;
	}
	return NULL;
}

/* Whole at once: over main.c's mmap threshold, so a burst of buffers leaves no heap behind. */
static struct buffer *buffer_create(void)
{
	struct buffer *buffer = calloc(1, sizeof *buffer);

	if (!buffer)
		return NULL;
	text_init(&buffer->lines, BUFFER_BYTES + RECORD_BYTES);
	text_init(&buffer->objects, BUFFER_BYTES + RECORD_BYTES);
	text_init(&buffer->connections, BUFFER_BYTES + RECORD_BYTES); /* grows: most have few */
	text_reserve(&buffer->lines, BUFFER_BYTES + RECORD_BYTES);
	text_reserve(&buffer->objects, BUFFER_BYTES + RECORD_BYTES);
	return buffer;
}

static struct buffer *buffer_of(struct writer_end *end)
{
	if (end->filling)
		return end->filling;
	end->filling = take_spare(end->log);
	if (!end->filling)
		end->filling = buffer_create();
	if (!end->filling)
		return NULL;
	timer_set(end->loop, &end->flush, loop_now_ms(end->loop) + FLUSH_MS);
	return end->filling;
}

void access_log_record(struct access_log *log, const struct access_record *record)
{
	struct buffer *buffer;

	assert(mine && mine->log == log);
	buffer = buffer_of(mine);
	if (!buffer) {
		atomic_fetch_add(&log->dropped, 1);
		return;
	}
	if (record->phase == ACCESS_END)
		access_line(&buffer->lines, record);
	access_json(&buffer->objects, record);
	if (buffer->lines.len >= BUFFER_BYTES || buffer->objects.len >= BUFFER_BYTES)
		hand_over(mine);
}

void access_log_connection(struct access_log *log, const struct connection_record *record)
{
	struct buffer *buffer;

	assert(mine && mine->log == log);
	buffer = buffer_of(mine);
	if (!buffer) {
		atomic_fetch_add(&log->dropped, 1);
		return;
	}
	connection_line(&buffer->connections, record);
	if (buffer->connections.len >= BUFFER_BYTES)
		hand_over(mine);
}

err_t access_log_attach(struct access_log *log, struct loop *loop)
{
	assert(!mine);
	mine = calloc(1, sizeof *mine);
	if (!mine)
		return ERR_NOMEM;
	mine->log = log;
	mine->loop = loop;
	mine->flush.on_expired = on_flush;
	return ERR_OK;
}

void access_log_detach(struct access_log *log)
{
	if (!mine)
		return;
	assert(mine->log == log);
	hand_over(mine);
	free(mine);
	mine = NULL;
}

/* ---- Life ---- */

err_t access_log_create(const char *data, struct access_log **ret_log, struct text *why)
{
	struct access_log *log = calloc(1, sizeof *log);
	char folder[4096];

	if (!log)
		return ERR_NOMEM;
	snprintf(folder, sizeof folder, "%s/logs", data);
	log->folder = bytes_dup(bytes_of(folder));
	log->lines = (struct file){ .name = "access.log", .fd = -1 };
	log->objects = (struct file){ .name = "access.jsonl", .fd = -1 };
	log->connections = (struct file){ .name = "connection.log", .fd = -1 };
	sem_init(&log->wake, 0, 0);
	if (!log->folder || (mkdir(folder, 0700) && errno != EEXIST)) {
		text_printf(why, "%s cannot be made: %s", folder, strerror(errno));
		free(log->folder);
		free(log);
		return ERR_SYSTEM;
	}
	if (pthread_create(&log->thread, NULL, write_all, log)) {
		free(log->folder);
		free(log);
		return ERR_SYSTEM;
	}
	*ret_log = log;
	return ERR_OK;
}

void access_log_destroy(struct access_log *log)
{
	if (!log)
		return;
	atomic_store(&log->stop, true);
	sem_post(&log->wake);
	pthread_join(log->thread, NULL);
	file_close(&log->lines);
	file_close(&log->objects);
	file_close(&log->connections);
	for (size_t i = 0; i < SPARES; i++)
		if (log->spares[i])
			buffer_free(log->spares[i]);
	sem_destroy(&log->wake);
	free(log->folder);
	free(log);
}

void access_log_reopen(struct access_log *log)
{
	atomic_store(&log->reopen, true);
	sem_post(&log->wake);
}

uint64_t access_log_dropped(const struct access_log *log)
{
	return atomic_load(&log->dropped);
}
