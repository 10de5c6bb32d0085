/*
 * program: which program an image name stands for, without a container runtime.
 *
 *   weir/ragd:latest                       a program beside ours, whatever registry or tag is named
 *   000000000000.dkr.ecr.….com/weir/ragd   the same
 *   file:/opt/chat                         a folder, which is the working directory; the command's
 *                                          first word, or else `bootstrap`, is a path inside it
 *   file:/opt/chat/server                  a program
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include <limits.h>

#include "base/text.h"

struct program {
	char path[PATH_MAX];
	char directory[PATH_MAX]; /* "": its own folder */
	bool takes_first;	  /* the command's first word named the program, and is none of its
				     arguments */
};

/*
 * `folder` is where Weir's own programs are; `first` the command's first word or NULL.
 * ERR_NOT_FOUND with a sentence in `why` when the name stands for nothing here.
 */
err_t program_find(const char *folder, const char *image, const char *first,
		   struct program *ret_program, struct text *why);

/* Whether the name is one for a program here ("file:", and, with `own`, weir/NAME), not an image.
 */
bool program_is_named(const char *image, bool own);

/* The folder of the running program. */
err_t program_folder(char out[PATH_MAX]);

#endif
