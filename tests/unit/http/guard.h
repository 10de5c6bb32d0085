/* Bytes that end where reading on is a crash. */
#ifndef TESTS_UNIT_HTTP_GUARD_H
#define TESTS_UNIT_HTTP_GUARD_H

#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"

enum { GUARD_BYTES = 128 * 1024 };

/* One place, made once; each call puts other bytes there. */
static inline struct bytes guard_put(struct bytes b)
{
	static char *room;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!room) {
		room = mmap(NULL, GUARD_BYTES + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert(room != MAP_FAILED);
		assert(mprotect(room + GUARD_BYTES, page, PROT_NONE) == 0);
	}
	assert(b.len <= GUARD_BYTES);
	if (b.len)
		memcpy(room + GUARD_BYTES - b.len, b.at, b.len);
	return bytes_make(room + GUARD_BYTES - b.len, b.len);
}

#endif
