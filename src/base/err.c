#include "base/err.h"

#include "base/base.h"

static const struct err_row {
	const char *name, *words;
	enum err_whose whose;
} rows[] = {
	[ERR_OK] = { "OK", "ok", ERR_WHOSE_NOBODY },
#define ERR(name, whose, words) [ERR_##name] = { #name, words, ERR_WHOSE_##whose },
#include "base/err.def"
#undef ERR
};

static const struct err_row *row_of(err_t err)
{
	assert((unsigned)err < COUNT(rows));
	return &rows[err];
}

const char *err_name(err_t err)
{
	return row_of(err)->name;
}

const char *err_words(err_t err)
{
	return row_of(err)->words;
}

enum err_whose err_whose(err_t err)
{
	return row_of(err)->whose;
}
