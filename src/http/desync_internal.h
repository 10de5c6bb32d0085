/* What the parser needs of desync: names that a careless peer reads as framing fields. */
#ifndef HTTP_DESYNC_INTERNAL_H
#define HTTP_DESYNC_INTERNAL_H

#include "base/bytes.h"

enum desync_similarity { DESYNC_DISTANT, DESYNC_SAME_LETTERS, DESYNC_IDENTICAL };

/* `framing_name` in lower case. reference/alb.md §10.3, the walk a-f with its quirks. */
enum desync_similarity desync_similarity(struct bytes framing_name, struct bytes name);

#define DESYNC_TE BYTES("transfer-encoding")
#define DESYNC_CL BYTES("content-length")

#endif
