#include "engine/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	CPU_UNITS = 1024,	    /* of one processor */
	WEIGHT_PER_PROCESSOR = 100, /* cpu.weight's default */
	WEIGHT_MAX = 10000,
	NAME_LEN = 21, /* "weir-" and 16 digits */
};

/* Where version 2 is mounted: alone, or beside version 1. */
static const char *mount_point(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char path[128];

	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(path, sizeof path, "%s/cgroup.procs", places[i]);
		if (access(path, F_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* The group Weir itself runs in: "0::/system.slice/weir.service". */
static bool own_group(char out[CGROUP_BYTES / 2])
{
	char line[CGROUP_BYTES / 2];
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof line, file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, CGROUP_BYTES / 2, "%s", strcmp(line + 3, "/") == 0 ? "" : line + 3);
		found = true;
	}
	fclose(file);
	return found;
}

/* A name that the folder decides: another start of Weir finds the same. */
static bool path_of(const char *folder, char out[CGROUP_BYTES])
{
	const char *mount = mount_point();
	char own[CGROUP_BYTES / 2];

	if (!mount || !own_group(own))
		return false;
	return snprintf(out, CGROUP_BYTES, "%s%s/weir-%016llx", mount, own,
			(unsigned long long)bytes_hash(bytes_of(folder), 0)) < CGROUP_BYTES;
}

static void set(const char *group, const char *name, unsigned long long value)
{
	char path[CGROUP_BYTES + 32], text[32];
	int fd, len;

	snprintf(path, sizeof path, "%s/%s", group, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* that controller is not ours to use: the keeper looks instead */
	len = snprintf(text, sizeof text, "%llu", value);
	if (write(fd, text, (size_t)len) < 0)
		errno = 0;
	close(fd);
}

bool cgroup_make(const char *folder, uint64_t memory_bytes, uint32_t processes_max,
		 uint32_t cpu_units, char out[CGROUP_BYTES])
{
	uint64_t weight = (uint64_t)cpu_units * WEIGHT_PER_PROCESSOR / CPU_UNITS;

	if (!path_of(folder, out) || (mkdir(out, 0755) && errno != EEXIST))
		return false;
	if (memory_bytes)
		set(out, "memory.max", memory_bytes);
	if (processes_max)
		set(out, "pids.max", processes_max);
	if (cpu_units)
		set(out, "cpu.weight", weight < 1 ? 1 : weight > WEIGHT_MAX ? WEIGHT_MAX : weight);
	return true;
}

void cgroup_remove(const char *folder)
{
	char path[CGROUP_BYTES];

	if (path_of(folder, path))
		rmdir(path);
}

void cgroup_sweep(uint32_t old_seconds)
{
	const char *mount = mount_point();
	char own[CGROUP_BYTES / 2], base[CGROUP_BYTES];
	const struct dirent *entry;
	struct stat found;
	DIR *folder;

	if (!mount || !own_group(own))
		return;
	snprintf(base, sizeof base, "%s%s", mount, own);
	folder = opendir(base);
	while (folder && (entry = readdir(folder)) != NULL)
		/* The kernel refuses to remove one that somebody is in. */
		if (strncmp(entry->d_name, "weir-", 5) == 0 && strlen(entry->d_name) == NAME_LEN &&
		    fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
		    time(NULL) > found.st_ctime + (time_t)old_seconds)
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
	if (folder)
		closedir(folder);
}
