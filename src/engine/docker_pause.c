#include "engine/docker_pause.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_err.h"
#include "crypto/digest.h"

enum { BLOCK_BYTES = 512, PROGRAM_BYTES_MAX = 3 * 1024 * 1024 };

static const char name_in_image[] = "weir-pause";

/* ---- A tar: POSIX ustar, each file at a multiple of 512 bytes, two empty blocks at the end ----
 */

struct tar_head {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_head) == BLOCK_BYTES, "a header is a block");

static void add_file(struct text *out, const char *name, unsigned mode, struct bytes data)
{
	static const char zeros[BLOCK_BYTES];
	struct tar_head head = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	const unsigned char *bytes = (const unsigned char *)&head;
	unsigned sum = 0;

	snprintf(head.name, sizeof head.name, "%s", name);
	snprintf(head.mode, sizeof head.mode, "%07o", mode);
	snprintf(head.uid, sizeof head.uid, "%07o", 0);
	snprintf(head.gid, sizeof head.gid, "%07o", 0);
	snprintf(head.size, sizeof head.size, "%011zo", data.len);
	snprintf(head.time, sizeof head.time, "%011o", 0);
	/* The sum is made with blanks where it stands. */
	memset(head.sum, ' ', sizeof head.sum);
	for (size_t i = 0; i < sizeof head; i++)
		sum += bytes[i];
	snprintf(head.sum, sizeof head.sum, "%06o", sum);
	text_add(out, bytes_make((const char *)&head, sizeof head));
	text_add(out, data);
	text_add(out, bytes_make(zeros, (BLOCK_BYTES - data.len % BLOCK_BYTES) % BLOCK_BYTES));
}

static void end_tar(struct text *out)
{
	static const char zeros[2 * BLOCK_BYTES];

	text_add(out, bytes_make(zeros, sizeof zeros));
}

/* ---- The image ---- */

static err_t add_json(struct text *out, const char *name, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (!text)
		return ERR_NOMEM;
	add_file(out, name, 0644, bytes_of(text));
	free(text);
	return ERR_OK;
}

static const char *architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
	return "unknown";
#endif
}

err_t docker_pause_image(struct bytes program, struct text *out)
{
	struct text layer = TEXT_INIT(DOCKER_PAUSE_BYTES_MAX);
	char hex[SHA256_HEX_BYTES + 1], digest[SHA256_HEX_BYTES + 16];
	err_t err;

	add_file(&layer, name_in_image, 0755, program);
	end_tar(&layer);
	sha256_hex(text_bytes(&layer), hex);
	snprintf(digest, sizeof digest, "sha256:%s", hex);
	err = text_err(&layer);
	if (!err)
		err = add_json(out, "config.json",
			       json_pack("{s:s, s:s, s:{s:[s]}, s:{s:s, s:[s]}}", "architecture",
					 architecture(), "os", "linux", "config", "Entrypoint",
					 "/weir-pause", "rootfs", "type", "layers", "diff_ids",
					 digest));
	add_file(out, "layer.tar", 0644, text_bytes(&layer));
	text_fini(&layer);
	if (!err)
		err = add_json(out, "manifest.json",
			       json_pack("[{s:s, s:[s], s:[s]}]", "Config", "config.json",
					 "RepoTags", DOCKER_PAUSE_IMAGE, "Layers", "layer.tar"));
	end_tar(out);
	return err ? err : text_err(out);
}

err_t docker_pause_archive(const char *program, struct text *out)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *at;
	err_t err = ERR_OK;

	if (fd < 0)
		return file_err(errno);
	if (fstat(fd, &st) || st.st_size < 1 || st.st_size > PROGRAM_BYTES_MAX) {
		close(fd);
		return ERR_TOO_LARGE;
	}
	at = malloc((size_t)st.st_size);
	if (!at)
		err = ERR_NOMEM;
	else if (read(fd, at, (size_t)st.st_size) != st.st_size)
		err = ERR_SYSTEM;
	else
		err = docker_pause_image(bytes_make(at, (size_t)st.st_size), out);
	free(at);
	close(fd);
	return err;
}
