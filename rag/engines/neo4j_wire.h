/*
 * neo4j_wire: Neo4j's Query API as JSON: addresses, statements and answers. Pure.
 *
 * Facts of the API that matter here: an error after the head was sent comes inside a 202; what
 * may be tried again is told by the code's beginning ("Neo.TransientError."), not by the status;
 * older servers send `values` as one flat list, newer ones as rows.
 */
#ifndef RAG_ENGINES_NEO4J_WIRE_H
#define RAG_ENGINES_NEO4J_WIRE_H

#include <jansson.h>

#include "base/text.h"

/*
 * Appends the HTTP base of a URI as people write it: bolt and neo4j go to port 7474, with +s to
 * https on 7473 (443 for hosts of *.databases.neo4j.io), +ssc to https with any certificate
 * (*ret_any_certificate); http(s) stays as it is. A Bolt port is dropped. ERR_INVALID.
 */
err_t neo4j_base(struct text *out, struct bytes uri, bool *ret_any_certificate);

/* The statement set: each one fixed line; values are parameters, nothing is ever spliced in. */
enum neo4j_statement {
	NEO4J_CONSTRAINT,
	NEO4J_FULLTEXT,
	NEO4J_PUT_ENTITIES,   /* $rows */
	NEO4J_PUT_RELATIONS,  /* $rows */
	NEO4J_DROP_RELATIONS, /* $keys */
	NEO4J_DROP_ENTITIES,  /* $pks */
	NEO4J_WIPE,	      /* $ws; repeat until it returns 0 */
	NEO4J_NEIGHBOURS,     /* $pks, $limit: the eight columns below */
	NEO4J_TOUCHED,	      /* and $types: the same of relations of those alone */
	NEO4J_STATEMENTS,
};
extern const char *const neo4j_statements[NEO4J_STATEMENTS];

enum neo4j_outcome {
	NEO4J_DONE,
	NEO4J_AGAIN, /* transient: the same may work in a while */
	NEO4J_WRONG, /* it will not work */
};

/* What an answer says; `code` gets the error's code, "" for none. */
enum neo4j_outcome neo4j_outcome(long status, const json_t *answer, char code[80]);

/* Of NEO4J_NEIGHBOURS and NEO4J_TOUCHED. */
enum neo4j_column {
	NEO4J_PK,
	NEO4J_OTHER_PK,
	NEO4J_OTHER_NAME,
	NEO4J_OTHER_TYPE,
	NEO4J_KEY,
	NEO4J_TYPE,
	NEO4J_WEIGHT,
	NEO4J_CHUNKS,
	NEO4J_COLUMNS,
};
/* The value in a row of so many columns, in either form of `values`; NULL: no such row. */
const json_t *neo4j_value(const json_t *answer, size_t columns, size_t row, size_t column);

/* The first number of the first row, in either form of `values`; 0 when there is none. */
int64_t neo4j_number(const json_t *answer);

#endif
