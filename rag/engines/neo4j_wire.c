#include "rag/engines/neo4j_wire.h"

#include <stdio.h>

const char *const neo4j_statements[NEO4J_STATEMENTS] = {
	[NEO4J_CONSTRAINT] = "CREATE CONSTRAINT rag_entity_key IF NOT EXISTS FOR (n:RagEntity) "
			     "REQUIRE n.pk IS UNIQUE",
	[NEO4J_FULLTEXT] =
		"CREATE FULLTEXT INDEX rag_entity_name IF NOT EXISTS FOR (n:RagEntity) ON "
		"EACH [n.name]",
	[NEO4J_PUT_ENTITIES] = "UNWIND $rows AS r MERGE (n:RagEntity {pk:r.pk}) SET n.ws=r.ws, "
			       "n.name=r.name, n.type=r.type, n.mentions=r.mentions",
	[NEO4J_PUT_RELATIONS] =
		"UNWIND $rows AS r MATCH (a:RagEntity {pk:r.src}) MATCH (b:RagEntity {pk:r.dst}) MERGE "
		"(a)-[e:RAG_REL {key:r.key}]->(b) SET e.type=r.type, e.weight=r.weight, "
		"e.chunks=r.chunks",
	[NEO4J_DROP_RELATIONS] = "UNWIND $keys AS k MATCH ()-[e:RAG_REL {key:k}]->() DELETE e",
	[NEO4J_DROP_ENTITIES] = "UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk}) DETACH DELETE n",
	[NEO4J_WIPE] =
		"MATCH (n:RagEntity) WHERE n.ws=$ws WITH n LIMIT 10000 DETACH DELETE n RETURN "
		"count(n)",
	[NEO4J_NEIGHBOURS] =
		"UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk})-[e:RAG_REL]-(m:RagEntity) RETURN pk, "
		"m.pk, m.name, m.type, e.key, e.type, e.weight, e.chunks ORDER BY e.weight DESC LIMIT "
		"$limit",
	[NEO4J_TOUCHED] =
		"UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk})-[e:RAG_REL]-(m:RagEntity) WHERE e.type "
		"IN $types RETURN pk, m.pk, m.name, m.type, e.key, e.type, e.weight, e.chunks ORDER BY "
		"e.weight DESC LIMIT $limit",
};

static const struct scheme {
	const char *prefix;
	bool secure, any_certificate, verbatim;
} schemes[] = {
	{ "neo4j+ssc://", true, true, false }, { "bolt+ssc://", true, true, false },
	{ "neo4j+s://", true, false, false },  { "bolt+s://", true, false, false },
	{ "neo4j://", false, false, false },   { "bolt://", false, false, false },
	{ "https://", true, false, true },     { "http://", false, false, true },
};

static bool is_host_byte(char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	       strchr(".-_[]:", c);
}

err_t neo4j_base(struct text *out, struct bytes uri, bool *ret_any_certificate)
{
	for (size_t i = 0; i < COUNT(schemes); i++) {
		const struct scheme *s = &schemes[i];
		struct bytes host = uri;
		const char *port;
		size_t end;

		if (!bytes_starts_nocase(uri, bytes_of(s->prefix)))
			continue;
		*ret_any_certificate = s->any_certificate;
		host = bytes_from(uri, strlen(s->prefix));
		end = bytes_index(host, '/');
		host = bytes_upto(host, end);
		for (size_t k = 0; k < host.len; k++)
			if (!host.at[k] || !is_host_byte(host.at[k]))
				return ERR_INVALID;
		if (s->verbatim) {
			text_printf(out, "%s%.*s", s->prefix, BYTES_ARG(host));
			return host.len ? text_err(out) : ERR_INVALID;
		}
		/* A Bolt port says nothing about HTTP; the colons of an IPv6 address stay. */
		if (host.len && host.at[0] == '[')
			host = bytes_upto(host, bytes_index(host, ']') + 1);
		else
			host = bytes_upto(host, bytes_index(host, ':'));
		if (host.len == 0)
			return ERR_INVALID;
		port = !s->secure					? ":7474"
		       : bytes_ends(host, BYTES(".databases.neo4j.io")) ? ""
									: ":7473";
		text_printf(out, "http%s://%.*s%s", s->secure ? "s" : "", BYTES_ARG(host), port);
		return text_err(out);
	}
	return ERR_INVALID;
}

enum neo4j_outcome neo4j_outcome(long status, const json_t *answer, char code[80])
{
	const json_t *errors = json_object_get(answer, "errors");
	const char *first = json_string_value(json_object_get(json_array_get(errors, 0), "code"));

	snprintf(code, 80, "%s", first ? first : "");
	if (first && strncmp(first, "Neo.TransientError.", 19) == 0)
		return NEO4J_AGAIN;
	if (first || json_array_size(errors))
		return NEO4J_WRONG;
	if (status >= 200 && status < 300)
		return NEO4J_DONE;
	return status == 503 || status == 429 ? NEO4J_AGAIN : NEO4J_WRONG;
}

const json_t *neo4j_value(const json_t *answer, size_t columns, size_t row, size_t column)
{
	const json_t *values = json_object_get(json_object_get(answer, "data"), "values");
	const json_t *fields = json_object_get(json_object_get(answer, "data"), "fields");

	if (json_array_size(fields) != columns)
		return NULL;
	if (json_is_array(json_array_get(values, 0)))
		return json_array_get(json_array_get(values, row), column);
	return json_array_get(values, row * columns + column);
}

int64_t neo4j_number(const json_t *answer)
{
	const json_t *values = json_object_get(json_object_get(answer, "data"), "values");
	const json_t *first = json_array_get(values, 0);

	if (json_is_array(first))
		first = json_array_get(first, 0);
	return json_is_number(first) ? (int64_t)json_number_value(first) : 0;
}
