#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 3000, WAIT_STEP_MS = 10 };

static err_t err_of(int number)
{
	return number == EACCES || number == EPERM || number == EROFS ? ERR_DENIED : ERR_SYSTEM;
}

static err_t make_directory(const char *directory, struct text *why)
{
	struct stat info;

	if (mkdir(directory, 0700) == 0)
		return ERR_OK;
	if (errno != EEXIST) {
		text_printf(why, "The data directory %s cannot be made: %s.", directory,
			    strerror(errno));
		return err_of(errno);
	}
	if (stat(directory, &info) == 0 && !S_ISDIR(info.st_mode)) {
		text_printf(why, "%s is to be the data directory, but it is a file.", directory);
		return ERR_SYSTEM;
	}
	return ERR_OK;
}

/* Who wrote itself in; 0: nobody that can be read. */
static uint64_t read_holder(int fd)
{
	char pid[24] = "";
	ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
	struct bytes digits = bytes_make(pid, len > 0 ? (size_t)len : 0);
	uint64_t number;

	if (digits.len && digits.at[digits.len - 1] == '\n')
		digits.len--;
	return bytes_to_u64(digits, INT_MAX, &number) ? 0 : number;
}

static void say_who(int fd, const char *directory, struct text *why)
{
	uint64_t number = read_holder(fd);

	if (!number)
		text_printf(why, "The data directory %s is in use by another Weir.", directory);
	else
		text_printf(
			why,
			"The data directory %s is in use by another Weir (process %u): stop it, "
			"or name another directory with --data.",
			directory, (unsigned)number);
}

static err_t write_pid(int fd)
{
	char pid[24];
	int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		return ERR_SYSTEM;
	return ERR_OK;
}

/*
 * A child that a Weir forked just before it was killed holds the lock until it executes its own
 * program: for milliseconds, but a supervisor may be as quick. Who is dead is waited for.
 */
static bool take(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = WAIT_STEP_MS * 1000000 };

	for (unsigned waited = 0; fcntl(fd, F_OFD_SETLK, &whole) != 0; waited += WAIT_STEP_MS) {
		int number = errno;
		uint64_t holder = read_holder(fd);

		if ((number != EAGAIN && number != EACCES) || waited >= WAIT_MS || !holder ||
		    kill((pid_t)holder, 0) == 0 || errno != ESRCH) {
			errno = number;
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

err_t lock_take(const char *directory, int *ret_fd, struct text *why)
{
	char path[PATH_MAX];
	err_t err = ERR_IN_USE;
	int fd;

	if (snprintf(path, sizeof path, "%s/weir.lock", directory) >= (int)sizeof path) {
		text_add_str(why, "The path of the data directory is too long.");
		return ERR_INVALID;
	}
	TRY(make_directory(directory, why));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = err_of(errno);
		text_printf(why, "%s cannot be opened: %s.", path, strerror(errno));
		return err;
	}
	/*
	 * A lock of the open file, not of the process: a second store in this process is refused
	 * too, and closing some other handle of the file does not drop it.
	 */
	if (!take(fd)) {
		if (errno == EAGAIN || errno == EACCES) {
			say_who(fd, directory, why);
		} else {
			text_printf(why, "%s cannot be locked: %s.", path, strerror(errno));
			err = ERR_SYSTEM;
		}
	} else {
		err = write_pid(fd);
		if (err)
			text_printf(why, "%s cannot be written: %s.", path, strerror(errno));
	}
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return ERR_OK;
}

void lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}
