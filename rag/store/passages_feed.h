/*
 * passages_feed: the full-text index of store/passages as a listener of the feed.
 */
#ifndef RAG_STORE_PASSAGES_FEED_H
#define RAG_STORE_PASSAGES_FEED_H

#include "rag/store/feed.h"
#include "store/passages.h"

/* `passages` is borrowed and outlives the listener. */
struct feed_listener passages_feed(struct passages *passages);

#endif
