/* file_err: what a user is told of a file that could not be made. */
#include "base/file_err.h"

#include <errno.h>

#include "tests/check.h"

TEST(each_errno_that_says_something_to_users_has_its_error)
{
	static const struct {
		int number;
		err_t err;
	} rows[] = {
		{ ENOENT, ERR_NOT_FOUND }, { ENOTDIR, ERR_NOT_FOUND }, { EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED },	   { ENOMEM, ERR_NOMEM },      { ENOSPC, ERR_NO_SPACE },
		{ EDQUOT, ERR_NO_SPACE },  { EIO, ERR_SYSTEM },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_ERR(file_err(rows[i].number), rows[i].err);
}
