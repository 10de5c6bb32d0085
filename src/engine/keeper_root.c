#include "engine/keeper_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static void write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0)
		errno = 0;
	close(fd);
}

/* As root a view of the mounts; else as a user who is root of nothing but that view. */
static bool own_mounts(void)
{
	char line[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return false;
		write_line("/proc/self/setgroups", "deny");
		snprintf(line, sizeof line, "%u %u 1\n", uid, uid);
		write_line("/proc/self/uid_map", line);
		snprintf(line, sizeof line, "%u %u 1\n", gid, gid);
		write_line("/proc/self/gid_map", line);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool join(char out[PATH_BYTES], const char *folder, const char *name)
{
	return snprintf(out, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES;
}

/* The image below, what the program writes above it; `out` is where both are one. */
static bool lay_over(const char *root, const char *folder, char out[PATH_BYTES])
{
	char upper[PATH_BYTES], work[PATH_BYTES], options[3 * PATH_BYTES];

	/* These mean something in the options of an overlay. */
	if (strpbrk(root, ",:\\") || strpbrk(folder, ",:\\"))
		return false;
	if (!join(out, folder, "root") || !join(upper, folder, "upper") ||
	    !join(work, folder, "work"))
		return false;
	mkdir(out, 0755);
	mkdir(upper, 0755);
	mkdir(work, 0755);
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", root, upper, work);
	return mount("overlay", out, "overlay", MS_NOSUID | MS_NODEV, options) == 0;
}

/* As if `root` were the root already: the image's links lead nowhere else. */
static int open_inside(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* "/dev/null" of this machine at "dev/null" of the root, which is made when it is missing. */
static void bring(int root, const char *folder, const char *name)
{
	char path[128], target[64];
	int parent = open_inside(root, folder, O_PATH | O_DIRECTORY), fd;

	if (parent < 0 && mkdirat(root, folder, 0755) == 0)
		parent = open_inside(root, folder, O_PATH | O_DIRECTORY);
	if (parent < 0)
		return;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	close(parent);
	fd = open_inside(root, path, O_PATH);
	if (fd < 0)
		return;
	snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
	snprintf(path, sizeof path, "/%s/%s", folder, name);
	(void)!mount(path, target, NULL, MS_BIND, NULL);
	close(fd);
}

static void bring_processes(int root)
{
	char target[64];
	int fd;

	mkdirat(root, "proc", 0755);
	fd = open_inside(root, "proc", O_PATH | O_DIRECTORY);
	if (fd < 0)
		return;
	snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
	(void)!mount("/proc", target, NULL, MS_BIND | MS_REC, NULL);
	close(fd);
}

bool keeper_enter_root(const char *root, const char *folder, bool *ret_entered)
{
	static const char *const files[][2] = {
		{ "dev", "null" },   { "dev", "zero" },	       { "dev", "full" },
		{ "dev", "random" }, { "dev", "tty" },	       { "dev", "urandom" },
		{ "etc", "hosts" },  { "etc", "resolv.conf" },
	};
	char over[PATH_BYTES];
	int fd;

	*ret_entered = own_mounts();
	if (!*ret_entered)
		return true;
	if (!lay_over(root, folder, over) && snprintf(over, sizeof over, "%s", root) >= PATH_BYTES)
		return false;
	fd = open(over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		bring(fd, files[i][0], files[i][1]);
	bring_processes(fd);
	close(fd);
	return chroot(over) == 0 && chdir("/") == 0;
}
