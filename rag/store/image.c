#include "rag/store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum {
	HEADER_BYTES = 64, /* what follows is aligned as if it began at 0 */
	BUFFER_BYTES = 1 << 20,
	ALIGN = 8,
	LANES = 4,
	STRIPE = LANES * 8,
};

#define IMAGE_MAGIC UINT64_C(0x7845444e49474152) /* "RAGINDEx", backwards on other machines */
#define HASH_PRIME  UINT64_C(0x9E3779B97F4A7C15)

struct header {
	uint64_t magic;
	uint32_t version, bytes;
	uint64_t library, generation, change, payload, sum, header_sum;
};
_Static_assert(sizeof(struct header) == HEADER_BYTES, "no holes");

/* ---- The sum: four lanes, so that a hundred megabytes take a few milliseconds ---- */

struct sum {
	uint64_t lane[LANES];
};

static void sum_init(struct sum *s)
{
	for (unsigned i = 0; i < LANES; i++)
		s->lane[i] = HASH_PRIME * (i + 1);
}

static uint64_t turned(uint64_t x)
{
	return x << 29 | x >> 35;
}

/* Whole stripes; the last bytes of the file are filled up with zeros. */
static void sum_add(struct sum *s, const char *at, size_t len)
{
	for (size_t i = 0; i + STRIPE <= len; i += STRIPE)
		for (unsigned k = 0; k < LANES; k++) {
			uint64_t word;

			memcpy(&word, at + i + k * 8, 8);
			s->lane[k] = turned(s->lane[k] ^ word) * HASH_PRIME;
		}
}

static uint64_t sum_end(const struct sum *s)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < LANES; i++)
		all = turned(all ^ s->lane[i]) * HASH_PRIME;
	return all ^ all >> 32;
}

static uint64_t header_sum(const struct header *header)
{
	struct header copy = *header;
	struct sum s;

	copy.header_sum = 0;
	sum_init(&s);
	sum_add(&s, (const char *)&copy, sizeof copy);
	return sum_end(&s);
}

/* ---- Writing ---- */

struct image_writer {
	int fd;
	char *path, *partial;
	char *buffer; /* a multiple of STRIPE */
	size_t held;
	uint64_t written; /* of the payload, without what is held */
	struct sum sum;
	err_t err;
};

void image_discard(struct image_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0) {
		close(w->fd);
		(void)unlink(w->partial);
	}
	free(w->path);
	free(w->partial);
	free(w->buffer);
	free(w);
}

static err_t failed(const struct image_writer *w)
{
	log_error("store", "the index cannot be kept in %s: %m", w->partial);
	return ERR_STORE;
}

static err_t write_at(struct image_writer *w, const char *at, size_t len, off_t where)
{
	while (len) {
		ssize_t n = pwrite(w->fd, at, len, where);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(w);
		at += n;
		len -= (size_t)n;
		where += n;
	}
	return ERR_OK;
}

err_t image_create(const char *path, struct image_writer **ret_writer)
{
	struct image_writer *w = calloc(1, sizeof *w);

	if (!w)
		return ERR_NOMEM;
	w->fd = -1;
	sum_init(&w->sum);
	w->path = bytes_dup(bytes_of(path));
	w->buffer = malloc(BUFFER_BYTES);
	if (!w->path || !w->buffer || asprintf(&w->partial, "%s.part", path) < 0) {
		w->partial = NULL;
		image_discard(w);
		return ERR_NOMEM;
	}
	w->fd = open(w->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (w->fd < 0) {
		err_t err = failed(w);

		image_discard(w);
		return err;
	}
	*ret_writer = w;
	return ERR_OK;
}

static void flush(struct image_writer *w)
{
	sum_add(&w->sum, w->buffer, w->held);
	if (!w->err)
		w->err = write_at(w, w->buffer, w->held, (off_t)(HEADER_BYTES + w->written));
	w->written += w->held;
	w->held = 0;
}

void image_put_more(struct image_writer *w, const void *at, size_t len)
{
	const char *from = at;

	while (len) {
		size_t n = size_min(len, BUFFER_BYTES - w->held);

		memcpy(w->buffer + w->held, from, n);
		w->held += n;
		from += n;
		len -= n;
		if (w->held == BUFFER_BYTES)
			flush(w);
	}
}

static void fill_up(struct image_writer *w, size_t to)
{
	static const char zeros[STRIPE];
	size_t over = (size_t)(w->written + w->held) % to;

	if (over)
		image_put_more(w, zeros, to - over);
}

void image_put(struct image_writer *w, const void *at, size_t size, size_t count)
{
	fill_up(w, ALIGN);
	image_put_more(w, at, size * count);
}

static err_t sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return synced ? ERR_OK : ERR_STORE;
}

err_t image_finish(struct image_writer *w, const struct image_name *name)
{
	struct header header = { .magic = IMAGE_MAGIC,
				 .version = IMAGE_VERSION,
				 .bytes = HEADER_BYTES,
				 .library = name->library,
				 .generation = name->generation,
				 .change = name->change };
	err_t err;

	fill_up(w, STRIPE);
	flush(w);
	header.payload = w->written;
	header.sum = sum_end(&w->sum);
	header.header_sum = header_sum(&header);
	err = w->err;
	if (!err)
		err = write_at(w, (const char *)&header, sizeof header, 0);
	if (!err && fsync(w->fd) != 0)
		err = failed(w);
	if (!err && rename(w->partial, w->path) != 0)
		err = failed(w);
	if (!err) {
		close(w->fd);
		w->fd = -1;
		err = sync_folder(w->path);
	}
	image_discard(w);
	return err;
}

/* ---- Reading ---- */

struct image {
	char *base; /* the mapping, with the header */
	size_t len;
};

void image_close(struct image *image)
{
	if (!image)
		return;
	if (image->base)
		munmap(image->base, image->len);
	free(image);
}

/* Read once, not through the mapping: what nobody uses of it is not held in memory. */
static bool payload_is_whole(int fd, const struct header *header)
{
	char *buffer = malloc(BUFFER_BYTES);
	uint64_t at = 0;
	struct sum s;

	sum_init(&s);
	while (buffer && at < header->payload) {
		size_t wanted = (size_t)(header->payload - at < BUFFER_BYTES ? header->payload - at
									     : BUFFER_BYTES);
		ssize_t n = pread(fd, buffer, wanted, (off_t)(HEADER_BYTES + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)wanted) /* of a regular file that is long enough */
			break;
		sum_add(&s, buffer, wanted);
		at += wanted;
	}
	free(buffer);
	return at == header->payload && sum_end(&s) == header->sum;
}

static const char *what_is_wrong(int fd, struct header *header)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    pread(fd, header, sizeof *header, 0) != sizeof *header)
		return "it is cut short";
	if (header->magic != IMAGE_MAGIC || header->header_sum != header_sum(header))
		return "it is damaged";
	if (header->version != IMAGE_VERSION || header->bytes != HEADER_BYTES)
		return "it is of another version";
	if (header->payload % STRIPE || (uint64_t)st.st_size != HEADER_BYTES + header->payload)
		return "it is cut short";
	return payload_is_whole(fd, header) ? NULL : "it is damaged";
}

err_t image_open(const char *path, struct image **ret_image, struct image_name *ret_name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct image *image;
	struct header header;
	const char *wrong;
	void *base;

	if (fd < 0)
		return ERR_NOT_FOUND;
	wrong = what_is_wrong(fd, &header);
	if (wrong) {
		log_warn("store", "the index %s is made anew: %s", path, wrong);
		close(fd);
		return ERR_NOT_FOUND;
	}
	base = mmap(NULL, (size_t)(HEADER_BYTES + header.payload), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE, fd, 0);
	close(fd);
	image = base == MAP_FAILED ? NULL : calloc(1, sizeof *image);
	if (!image) {
		if (base != MAP_FAILED)
			munmap(base, (size_t)(HEADER_BYTES + header.payload));
		return ERR_NOT_FOUND;
	}
	image->base = base;
	image->len = (size_t)(HEADER_BYTES + header.payload);
	*ret_image = image;
	*ret_name = (struct image_name){ header.library, header.generation, header.change };
	return ERR_OK;
}

bool image_has(const struct image *image, const void *at)
{
	const char *p = at;

	return image && p >= image->base && p < image->base + image->len;
}

void *image_take(struct image_cursor *c, size_t size, size_t count)
{
	size_t from = (c->at + ALIGN - 1) / ALIGN * ALIGN;
	size_t room = c->image->len - HEADER_BYTES;

	if (c->bad || from > room || count > (room - from) / size) {
		c->bad = true;
		return NULL;
	}
	c->at = from + size * count;
	return c->image->base + HEADER_BYTES + from;
}

struct bytes image_range(struct image_cursor *c, struct bytes pool, uint64_t at, uint64_t len)
{
	if (c->bad || at > pool.len || len > pool.len - at) {
		c->bad = true;
		return BYTES_NONE;
	}
	return bytes_make(pool.at + at, (size_t)len);
}
