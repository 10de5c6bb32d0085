#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "store/library_internal.h"

enum { VECTOR_TEXT_MAX = 1024 * 1024 };

bool library_keeps_vectors(const struct library *library)
{
	return strcmp(library->kind, "postgres") == 0;
}

bool library_finds_vectors(const struct library *library)
{
	return library->finds_vectors;
}

static double number_of(struct bytes text)
{
	char copy[64];

	snprintf(copy, sizeof copy, "%.*s", BYTES_ARG(bytes_upto(text, sizeof copy - 1)));
	return strtod(copy, NULL);
}

err_t library_vectors(struct library *library, struct bytes model, library_vector_fn each,
		      void *owner)
{
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt = sql_bind(sql, LIBRARY_VECTORS, "s", model);
	err_t err = ERR_OK, end;

	while (!err && sql_row(stmt)) {
		struct library_vector vector = {
			.id = sql_text(stmt, 0),
			.digest = sql_text(stmt, 1),
			.dimensions = (uint32_t)sql_number(stmt, 2),
			.scale = (float)number_of(sql_text(stmt, 3)),
			.data = sql_text(stmt, 4),
		};

		if (vector.data.len == vector.dimensions)
			err = each(owner, &vector);
	}
	end = sql_done(sql, stmt);
	library_read_end(library, sql);
	return err ? err : end;
}

/* "[0.25,-0.5]" */
static void write_vector(struct text *out, const struct library_vector *vector)
{
	text_add_char(out, '[');
	for (uint32_t i = 0; i < vector->dimensions; i++)
		text_printf(out, "%s%.9g", i ? "," : "",
			    (double)((float)(signed char)vector->data.at[i] * vector->scale));
	text_add_char(out, ']');
}

err_t library_vector_put(struct library *library, struct bytes model,
			 const struct library_vector *v)
{
	struct sql *sql = library_writing(library);
	struct text embedding = TEXT_INIT(VECTOR_TEXT_MAX);
	uint64_t dimensions = v->dimensions;
	char scale[40];
	err_t err;

	snprintf(scale, sizeof scale, "%.9g", (double)v->scale);
	if (!library->finds_vectors)
		return sql_later(sql, LIBRARY_VECTOR_PUT, "sssusb", model, v->id, v->digest,
				 dimensions, bytes_of(scale), v->data);
	write_vector(&embedding, v);
	err = text_err(&embedding);
	if (!err)
		err = sql_later(sql, LIBRARY_VECTOR_PUT_FOUND, "sssusbs", model, v->id, v->digest,
				dimensions, bytes_of(scale), v->data, text_bytes(&embedding));
	text_fini(&embedding);
	return err;
}

err_t library_vectors_prune(struct library *library)
{
	return sql_do(library_writing(library), LIBRARY_VECTORS_PRUNE, "");
}

err_t library_vectors_near(struct library *library, struct bytes model,
			   const struct library_vector *question, unsigned limit,
			   library_near_fn each, void *owner)
{
	struct text embedding = TEXT_INIT(VECTOR_TEXT_MAX);
	struct sql *sql = library_read_begin(library);
	struct sql_stmt *stmt;
	err_t err;

	write_vector(&embedding, question);
	stmt = sql_bind(sql, LIBRARY_VECTORS_NEAR, "ssuu", text_bytes(&embedding), model,
			(uint64_t)question->dimensions, (uint64_t)limit);
	while (sql_row(stmt))
		if (!each(owner, sql_text(stmt, 0), number_of(sql_text(stmt, 1))))
			break;
	err = sql_done(sql, stmt);
	library_read_end(library, sql);
	text_fini(&embedding);
	return err;
}
