#include "app/log_delivery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/gunzip.h"
#include "base/log.h"
#include "base/map.h"
#include "base/when.h"
#include "crypto/random.h"
#include "net/blocking.h"

enum {
	WINDOW_MS = 5 * 60 * 1000,
	REFRESH_MS = 100, /* between two looks at all load balancers, when they change often */
	BUFFER_BYTES = 64 * 1024,
	LINE_BYTES = 64 * 1024,
	FILE_BYTES = 16 * 1024 * 1024, /* a fuller one goes before the window ends */
	PACKED_BYTES = 20 * 1024 * 1024,
	NAME_BYTES = 512,
	PATH_BYTES = 4096,
	FILES_AT_ONCE = 64,
};

/* What the names of a log's objects begin with. */
static const char *const log_prefixes[ELBV2_LOGS] = {
	[ELBV2_ACCESS_LOG] = "",
	[ELBV2_CONNECTION_LOG] = "conn_log.",
	[ELBV2_HEALTH_CHECK_LOG] = "health_check_log_",
};

/* A log that a load balancer delivers. */
struct source {
	enum elbv2_log log;
	char *name; /* "app.NAME.ID" behind the log's prefix */
	char *bucket, *prefix;
	struct text buffer;
	int fd; /* of NAME.open; -1: none yet */
	uint64_t bytes;
	bool listed; /* while looking at all */
};

struct parcel {
	struct blocking_job job;
	struct log_delivery *delivery;
	char name[NAME_BYTES]; /* of the closed file */
	struct text packed;
	err_t err;
};

struct log_delivery {
	struct log_delivery_options options;
	struct arena arena;
	char *folder;
	struct store_listener listener;
	struct timer refresh, window;
	uint64_t refreshed_ms;
	struct map sources; /* by "app/NAME/ID" behind the log's prefix */
	atomic_bool wanted[ELBV2_LOGS];
	struct blocking_pool *pool;
	unsigned on_way;
	bool finished;
};

static uint64_t now_ms(const struct log_delivery *d)
{
	return loop_unix_us(d->options.loop) / 1000;
}

static uint64_t window_end(const struct log_delivery *d)
{
	return (now_ms(d) / WINDOW_MS + 1) * WINDOW_MS;
}

static void path_of(const struct log_delivery *d, const char *name, const char *suffix,
		    char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/%s%s", d->folder, name, suffix);
}

/* ---- Files of lines ---- */

static void write_out(struct log_delivery *d, struct source *source)
{
	struct bytes rest = text_bytes(&source->buffer);
	char path[PATH_BYTES];

	path_of(d, source->name, ".open", path);
	if (source->fd < 0)
		source->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	while (rest.len) {
		ssize_t wrote = source->fd < 0 ? -1 : write(source->fd, rest.at, rest.len);

		if (wrote < 0 && source->fd >= 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			log_error("app", "log lines of %s are lost: %s", source->name,
				  strerror(errno));
			break;
		}
		source->bytes += (uint64_t)wrote;
		rest = bytes_from(rest, (size_t)wrote);
	}
	text_clear(&source->buffer);
}

/* The object's own part of its name: LB_END_IP_RANDOM. */
static void close_file(struct log_delivery *d, const char *name, uint64_t end_ms)
{
	char stamp[WHEN_ISO_BYTES + 1], random[9], closed[NAME_BYTES], from[PATH_BYTES],
		to[PATH_BYTES];

	when_basic(end_ms, stamp);
	random_hex(random, 8);
	snprintf(closed, sizeof closed, "%s_%.13sZ_%s_%s", name, stamp, d->options.node_ip, random);
	path_of(d, name, ".open", from);
	path_of(d, closed, ".log", to);
	if (rename(from, to) && errno != ENOENT)
		log_error("app", "%s cannot be renamed: %s", from, strerror(errno));
}

static void close_source(struct log_delivery *d, struct source *source, uint64_t end_ms)
{
	if (source->buffer.len)
		write_out(d, source);
	if (source->fd < 0)
		return;
	close(source->fd);
	source->fd = -1;
	source->bytes = 0;
	close_file(d, source->name, end_ms);
}

/* ---- Delivery ---- */

/* Of a file "app.NAME.ID_20261002T1005Z_…". */
static struct source *source_of(struct log_delivery *d, const char *file)
{
	map_for_each (&d->sources, slot) {
		struct source *source = slot->value;
		size_t len = strlen(source->name);

		if (strncmp(file, source->name, len) == 0 && file[len] == '_')
			return source;
	}
	return NULL;
}

/* To its object's key, by the date of its window's end. */
static bool key_of(const struct log_delivery *d, const struct source *source, const char *name,
		   char out[PATH_BYTES])
{
	const char *date = name + strlen(source->name) + 1, *kind = log_prefixes[source->log];

	return snprintf(out, PATH_BYTES,
			"%s%sAWSLogs/%s/elasticloadbalancing/%s/%.4s/%.2s/%.2s/"
			"%s%s_elasticloadbalancing_%s_%s.log.gz",
			source->prefix, source->prefix[0] ? "/" : "", d->options.account,
			d->options.region, date, date + 4, date + 6, kind, d->options.account,
			d->options.region, name + strlen(kind)) < 1024;
}

static err_t pack(struct parcel *parcel)
{
	char path[PATH_BYTES], *lines;
	ssize_t got = 0;
	size_t len = 0;
	int fd;

	path_of(parcel->delivery, parcel->name, ".log", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	lines = fd < 0 ? NULL : malloc(FILE_BYTES + 2 * BUFFER_BYTES + LINE_BYTES);
	while (lines && len < FILE_BYTES + 2 * BUFFER_BYTES + LINE_BYTES &&
	       (got = read(fd, lines + len, FILE_BYTES + 2 * BUFFER_BYTES + LINE_BYTES - len)) > 0)
		len += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (lines && got >= 0)
		parcel->err = gzip(bytes_make(lines, len), &parcel->packed);
	else
		parcel->err = ERR_SYSTEM;
	free(lines);
	return parcel->err;
}

static void pack_work(struct blocking_job *job)
{
	pack(container_of(job, struct parcel, job));
}

static void put_parcel(struct parcel *parcel)
{
	struct log_delivery *d = parcel->delivery;
	struct source *source = source_of(d, parcel->name);
	char key[PATH_BYTES], path[PATH_BYTES];
	err_t err = parcel->err;

	path_of(d, parcel->name, ".log", path);
	if (!source || !key_of(d, source, parcel->name, key)) {
		log_warn("app", "the logs %s have no bucket any more", parcel->name);
		unlink(path);
		return;
	}
	if (!err)
		err = s3_put(d->options.s3, source->bucket, key, "application/x-gzip",
			     text_bytes(&parcel->packed));
	if (err == ERR_NOT_FOUND)
		log_warn("app", "the bucket %s is gone, and with it the logs %s", source->bucket,
			 parcel->name);
	else if (err)
		log_error("app", "the logs %s wait for the next time: %s", parcel->name,
			  err_words(err));
	if (!err || err == ERR_NOT_FOUND)
		unlink(path);
}

static void free_parcel(struct parcel *parcel)
{
	text_fini(&parcel->packed);
	free(parcel);
}

static void pack_done(struct blocking_job *job)
{
	struct parcel *parcel = container_of(job, struct parcel, job);

	parcel->delivery->on_way--;
	if (!parcel->delivery->finished)
		put_parcel(parcel);
	free_parcel(parcel);
}

static struct parcel *new_parcel(struct log_delivery *d, const char *file)
{
	struct parcel *parcel = calloc(1, sizeof *parcel);

	if (!parcel)
		return NULL;
	parcel->delivery = d;
	parcel->job.work = pack_work;
	parcel->job.done = pack_done;
	parcel->job.loop = d->options.loop;
	text_init(&parcel->packed, PACKED_BYTES);
	snprintf(parcel->name, sizeof parcel->name, "%.*s", (int)(strlen(file) - 4), file);
	return parcel;
}

static bool has_suffix(const char *name, const char *suffix)
{
	return bytes_ends(bytes_of(name), bytes_of(suffix)) && strlen(name) < NAME_BYTES - 8;
}

/* All that is closed; `now`: on this thread, for the end. One go at a time. */
static void deliver(struct log_delivery *d, bool now)
{
	struct dirent *entry;
	DIR *folder = !now && d->on_way ? NULL : opendir(d->folder);

	while (folder && (entry = readdir(folder)) && (now || d->on_way < FILES_AT_ONCE)) {
		struct parcel *parcel;

		if (!has_suffix(entry->d_name, ".log") || !(parcel = new_parcel(d, entry->d_name)))
			continue;
		if (now) {
			pack(parcel);
			put_parcel(parcel);
			free_parcel(parcel);
		} else {
			d->on_way++;
			blocking_submit(d->pool, &parcel->job);
		}
	}
	if (folder)
		closedir(folder);
}

/* ---- Who delivers where ---- */

static void free_source(struct log_delivery *d, struct source *source)
{
	close_source(d, source, window_end(d));
	text_fini(&source->buffer);
	free(source->name);
	free(source->bucket);
	free(source->prefix);
	free(source);
}

/* What it is found by; empty for what is no load balancer's id. */
static struct bytes source_key(enum elbv2_log log, struct bytes id, char out[NAME_BYTES])
{
	int len = snprintf(out, NAME_BYTES, "%s%.*s", log_prefixes[log], BYTES_ARG(id));

	return bytes_make(out, len < NAME_BYTES / 2 ? (size_t)len : 0);
}

static struct source *new_source(struct log_delivery *d, enum elbv2_log log, struct bytes key)
{
	struct source *source = key.len ? calloc(1, sizeof *source) : NULL;

	if (!source)
		return NULL;
	source->log = log;
	source->fd = -1;
	text_init(&source->buffer, 2 * BUFFER_BYTES + LINE_BYTES);
	source->name = bytes_dup(key);
	if (!source->name || map_put(&d->sources, key, source, NULL)) {
		free(source->name);
		free(source);
		return NULL;
	}
	for (char *at = source->name; *at; at++)
		if (*at == '/')
			*at = '.';
	return source;
}

static void on_target(void *owner, const struct elbv2_log_target *target)
{
	struct log_delivery *d = owner;
	char room[NAME_BYTES];
	struct bytes key = source_key(target->log, bytes_of(target->load_balancer_id), room);
	struct source *source = map_get(&d->sources, key);
	char *bucket = bytes_dup(bytes_of(target->bucket));
	char *prefix = bytes_dup(bytes_of(target->prefix));

	if (!source)
		source = new_source(d, target->log, key);
	if (!source || !bucket || !prefix) {
		free(bucket);
		free(prefix);
		return;
	}
	free(source->bucket);
	free(source->prefix);
	source->bucket = bucket;
	source->prefix = prefix;
	source->listed = true;
}

/* One that delivers no more has its last lines delivered first. */
static void drop_unlisted(struct log_delivery *d)
{
	bool closed = false;

	map_for_each (&d->sources, slot) {
		struct source *source = slot->value;

		if (source->listed || (source->fd < 0 && !source->buffer.len))
			continue;
		close_source(d, source, window_end(d));
		closed = true;
	}
	if (closed)
		deliver(d, true);
	for (bool again = true; again;) {
		again = false;
		map_for_each (&d->sources, slot) {
			struct source *source = slot->value;

			if (source->listed)
				continue;
			map_remove(&d->sources, bytes_make(slot->key, slot->key_len));
			free_source(d, source);
			again = true;
			break;
		}
	}
}

static void refresh(struct log_delivery *d)
{
	bool wanted[ELBV2_LOGS] = { false };

	d->refreshed_ms = loop_now_ms(d->options.loop);
	map_for_each (&d->sources, slot)
		((struct source *)slot->value)->listed = false;
	if (elbv2_each_log_target(d->options.elbv2, on_target, d))
		return; /* as it was: better than none */
	drop_unlisted(d);
	map_for_each (&d->sources, slot)
		wanted[((struct source *)slot->value)->log] = true;
	for (size_t i = 0; i < ELBV2_LOGS; i++)
		atomic_store(&d->wanted[i], wanted[i]);
}

static void on_refresh(struct timer *timer)
{
	refresh(container_of(timer, struct log_delivery, refresh));
}

/* Inside a commit: the look comes later. */
static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct log_delivery *d = container_of(listener, struct log_delivery, listener);
	bool ours = false;

	for (size_t i = 0; i < count; i++)
		ours = ours || strcmp(changes[i].kind, "elbv2.load_balancer") == 0;
	if (ours && !d->finished && !timer_armed(&d->refresh))
		timer_set(d->options.loop, &d->refresh, d->refreshed_ms + REFRESH_MS);
}

/* ---- Windows ---- */

static void set_window(struct log_delivery *d)
{
	timer_set(d->options.loop, &d->window,
		  loop_now_ms(d->options.loop) + (window_end(d) - now_ms(d)));
}

static void on_window(struct timer *timer)
{
	struct log_delivery *d = container_of(timer, struct log_delivery, window);
	uint64_t end_ms = (now_ms(d) + WINDOW_MS / 2) / WINDOW_MS * WINDOW_MS;

	map_for_each (&d->sources, slot)
		close_source(d, slot->value, end_ms);
	deliver(d, false);
	set_window(d);
}

/* ---- Lines ---- */

bool log_delivery_wanted(const struct log_delivery *d, enum elbv2_log log)
{
	return d && atomic_load_explicit(&d->wanted[log], memory_order_relaxed);
}

void log_delivery_line(struct log_delivery *d, enum elbv2_log log, struct bytes id,
		       struct bytes line)
{
	char room[NAME_BYTES];
	struct source *source = d->finished ? NULL
					    : map_get(&d->sources, source_key(log, id, room));

	if (!source)
		return;
	text_add(&source->buffer, line);
	if (source->buffer.len >= BUFFER_BYTES || text_err(&source->buffer))
		write_out(d, source);
	if (source->bytes < FILE_BYTES)
		return;
	close_source(d, source, window_end(d));
	deliver(d, false);
}

void log_delivery_sync(struct log_delivery *d)
{
	map_for_each (&d->sources, slot) {
		struct source *source = slot->value;

		if (source->buffer.len)
			write_out(d, source);
	}
}

/* ---- Life ---- */

/* What an earlier daemon did not get to close. */
static void close_leftovers(struct log_delivery *d)
{
	char name[NAME_BYTES];
	struct dirent *entry;
	DIR *folder = opendir(d->folder);

	while (folder && (entry = readdir(folder))) {
		if (!has_suffix(entry->d_name, ".open"))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(strlen(entry->d_name) - 5),
			 entry->d_name);
		close_file(d, name, window_end(d));
	}
	if (folder)
		closedir(folder);
}

static err_t open_all(struct log_delivery *d, struct text *why)
{
	const struct log_delivery_options *from = &d->options;

	d->folder = arena_printf(&d->arena, "%s/logs/delivery", from->data);
	d->options.account = arena_string(&d->arena, bytes_of(from->account));
	d->options.region = arena_string(&d->arena, bytes_of(from->region));
	d->options.node_ip = arena_string(&d->arena, bytes_of(from->node_ip));
	if (!d->folder || !d->options.account || !d->options.region || !d->options.node_ip)
		return ERR_NOMEM;
	if (mkdir(d->folder, 0700) && errno != EEXIST) {
		text_printf(why, "%s cannot be made: %s", d->folder, strerror(errno));
		return ERR_SYSTEM;
	}
	TRY(blocking_pool_create(1, &d->pool));
	d->listener.on_changes = on_changes;
	d->refresh.on_expired = on_refresh;
	d->window.on_expired = on_window;
	store_listen(from->store, &d->listener);
	close_leftovers(d);
	refresh(d);
	deliver(d, false);
	set_window(d);
	return ERR_OK;
}

err_t log_delivery_create(const struct log_delivery_options *options,
			  struct log_delivery **ret_delivery, struct text *why)
{
	struct log_delivery *d = calloc(1, sizeof *d);

	if (!d)
		return ERR_NOMEM;
	d->options = *options;
	arena_init(&d->arena, 64 * 1024);
	*ret_delivery = d; /* at home with a half-made one: the store may know it */
	return open_all(d, why);
}

void log_delivery_finish(struct log_delivery *d)
{
	if (!d || d->finished)
		return;
	timer_cancel(&d->refresh);
	timer_cancel(&d->window);
	map_for_each (&d->sources, slot)
		close_source(d, slot->value, window_end(d));
	if (d->pool) {
		blocking_pool_destroy(d->pool);
		loop_settle(d->options.loop);
	}
	d->pool = NULL;
	if (d->options.s3)
		deliver(d, true);
	d->finished = true;
}

void log_delivery_destroy(struct log_delivery *d)
{
	if (!d)
		return;
	map_for_each (&d->sources, slot)
		free_source(d, slot->value);
	map_fini(&d->sources);
	arena_fini(&d->arena);
	free(d);
}
