#include "engine/family.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, MICROSECONDS = 1000000 };

/* Appends the children of `pid`; returns the new count. */
static unsigned add_children(pid_t pid, pid_t *out, unsigned count, unsigned max)
{
	char path[64], text[4096];
	FILE *file;
	int child;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "re");
	if (!file)
		return count;
	setvbuf(file, text, _IOFBF, sizeof text);
	while (count < max && fscanf(file, "%d", &child) == 1)
		out[count++] = child;
	fclose(file);
	return count;
}

unsigned family_of(pid_t root, pid_t *out, unsigned max)
{
	unsigned count = add_children(root, out, 0, max);

	for (unsigned i = 0; i < count && count < max; i++)
		count = add_children(out[i], out, count, max);
	return count;
}

uint64_t family_memory(pid_t pid)
{
	unsigned long long size = 0, resident = 0, shared = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu %llu", &size, &resident, &shared) != 3)
		resident = shared = 0;
	fclose(file);
	return (resident > shared ? resident - shared : 0) * PAGE_BYTES;
}

uint64_t family_cpu_us(pid_t pid)
{
	unsigned long long user = 0, kernel = 0;
	long long reaped_user = 0, reaped_kernel = 0;
	char path[64], line[1024], *name_end;
	size_t got;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	got = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[got] = '\0';
	/* The name stands in brackets and may hold anything. */
	name_end = strrchr(line, ')');
	if (!name_end ||
	    sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld",
		   &user, &kernel, &reaped_user, &reaped_kernel) != 4)
		return 0;
	return (user + kernel + (unsigned long long)(reaped_user + reaped_kernel)) * MICROSECONDS /
	       (unsigned long long)sysconf(_SC_CLK_TCK);
}
