/*
 * query: the routes that look things up: what retrieval alone finds (POST /query/data).
 */
#ifndef RAG_API_QUERY_H
#define RAG_API_QUERY_H

#include "rag/api/call.h"

/* Answers at once when something is wrong with the request or the server, else later. */
void query_data(struct call *call);

#endif
