/*
 * link_filter: takes the addresses out of Markdown links and images while a model streams, but
 * for those of this server's own assets: an address can carry away what the conversation holds,
 * and an image is fetched without anybody's click. Pure; any cut of the bytes.
 *
 * "[see here](https://x.example/?q=…)" becomes "[see here]", "![a](b)" becomes "[a]". Addresses
 * that begin with "/assets/" stay.
 */
#ifndef RAG_MODEL_LINK_FILTER_H
#define RAG_MODEL_LINK_FILTER_H

#include "base/text.h"

enum { LINK_HELD_MAX = 200 };

struct link_filter {
	bool bang;     /* a '!' is held: it may open an image */
	bool bracket;  /* the last that passed was ']' */
	bool inside;   /* an address is being held */
	bool dropping; /* it is too long, or has been told apart: nothing of it passes */
	char held[LINK_HELD_MAX];
	unsigned held_len;
};

void link_filter_feed(struct link_filter *filter, struct bytes in, struct text *out);
void link_filter_end(struct link_filter *filter, struct text *out);

#endif
