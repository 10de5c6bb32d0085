/*
 * graph: looking around in the graph: GET /graph/search, /graph/entity/NAME, /graph/neighbours.
 * Reads on a thread of the pool, since a change of the library may be in the way.
 */
#ifndef RAG_API_GRAPH_H
#define RAG_API_GRAPH_H

#include "rag/api/call.h"

void graph_search(struct call *call);	    /* ?q=…&limit=… */
void graph_entity_named(struct call *call); /* /graph/entity/NAME */
void graph_neighbours(struct call *call);   /* ?name=…&depth=1…3&limit=1…1000 */

#endif
