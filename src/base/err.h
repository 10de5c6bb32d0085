/*
 * err: failures as rows of a table (err.def). ERR_OK is 0, so `if (err)` reads well.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

typedef enum err {
	ERR_OK = 0,
#define ERR(name, whose, words) ERR_##name,
#include "base/err.def"
#undef ERR
	ERR_COUNT,
} err_t;

enum err_whose {
	ERR_WHOSE_NOBODY,
	ERR_WHOSE_OURS,
	ERR_WHOSE_CALLER, /* whoever called the API or the command line */
	ERR_WHOSE_CLIENT,
	ERR_WHOSE_TARGET,
	ERR_WHOSE_PEER, /* either end of a connection */
};

const char *err_name(err_t err);  /* "NOMEM"; never NULL */
const char *err_words(err_t err); /* "out of memory"; never NULL */
enum err_whose err_whose(err_t err);

#endif
