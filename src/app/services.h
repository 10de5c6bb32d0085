/*
 * services: which AWS services there are, what each is given, and the order of their lives. They
 * do not know each other: what one tells another passes here.
 */
#ifndef APP_SERVICES_H
#define APP_SERVICES_H

#include "app/weir.h"

/* Makes the API and registers every service with it; on failure `why` may hold a sentence. */
err_t services_start(struct weir *weir, struct text *why);

/* Their end, but for logs, which the store still tells of changes: weir_stop ends those. */
void services_stop(struct weir *weir);

#endif
