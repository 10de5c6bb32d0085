#include "base/file_err.h"

#include <errno.h>

err_t file_err(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR: return ERR_NOT_FOUND;
	case EACCES:
	case EPERM: return ERR_DENIED;
	case ENOMEM: return ERR_NOMEM;
	case ENOSPC:
	case EDQUOT: return ERR_NO_SPACE;
	default: return ERR_SYSTEM;
	}
}
