#include "rag/doc/document.h"

#include <stdio.h>

#include "base/encode.h"

err_t document_title_of_file(struct arena *arena, struct bytes file, struct bytes *ret_title)
{
	size_t slash = SIZE_MAX, dot = SIZE_MAX;
	struct bytes copy;
	char *at;

	for (size_t i = 0; i < file.len; i++)
		if (file.at[i] == '/')
			slash = i;
	file = slash == SIZE_MAX ? file : bytes_from(file, slash + 1);
	for (size_t i = 1; i < file.len; i++)
		if (file.at[i] == '.')
			dot = i;
	TRY(arena_copy(arena, bytes_upto(file, dot), &copy));
	at = (char *)copy.at;
	for (size_t i = 0; i < copy.len; i++)
		if (at[i] == '-' || at[i] == '_')
			at[i] = ' ';
	*ret_title = copy;
	return ERR_OK;
}

err_t document_fact(struct arena *arena, struct document *document, const char *name,
		    struct bytes value, bool is_list)
{
	struct document_fact *fact, **tail = &document->facts;

	if (value.len == 0 || document->fact_count == DOCUMENT_FACTS_MAX)
		return ERR_OK;
	for (; *tail; tail = &(*tail)->next)
		if (bytes_eq_str((*tail)->name, name) &&
		    (!is_list || bytes_eq((*tail)->value, value)))
			return ERR_OK; /* the first of a name counts; a list holds each once */
	fact = arena_new(arena, struct document_fact);
	if (!fact)
		return ERR_NOMEM;
	fact->is_list = is_list;
	TRY(arena_copy(arena, bytes_of(name), &fact->name));
	TRY(arena_copy(arena, value, &fact->value));
	*tail = fact;
	document->fact_count++;
	return ERR_OK;
}

err_t document_warn(struct arena *arena, struct document *document, const char *format, ...)
{
	char words[240];
	va_list args;
	char *copy;

	if (document->warning_count == DOCUMENT_WARNINGS_MAX)
		return ERR_OK;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	copy = arena_string(arena, bytes_of(words));
	if (!copy)
		return ERR_NOMEM;
	document->warnings[document->warning_count++] = copy;
	return ERR_OK;
}

static void json_string_add(struct text *out, struct bytes value)
{
	text_add_char(out, '"');
	encode_json(out, value);
	text_add_char(out, '"');
}

static bool name_came_before(const struct document *document, const struct document_fact *fact)
{
	for (const struct document_fact *f = document->facts; f != fact; f = f->next)
		if (bytes_eq(f->name, fact->name))
			return true;
	return false;
}

void document_facts_json(struct text *out, const struct document *document)
{
	bool first = true;

	text_add_char(out, '{');
	for (const struct document_fact *f = document->facts; f; f = f->next) {
		const char *comma = "";

		if (name_came_before(document, f))
			continue;
		text_add_str(out, first ? "" : ",");
		first = false;
		json_string_add(out, f->name);
		text_add_char(out, ':');
		if (!f->is_list) {
			json_string_add(out, f->value);
			continue;
		}
		text_add_char(out, '[');
		for (const struct document_fact *g = f; g; g = g->next) {
			if (!bytes_eq(g->name, f->name))
				continue;
			text_add_str(out, comma);
			comma = ",";
			json_string_add(out, g->value);
		}
		text_add_char(out, ']');
	}
	text_add_char(out, '}');
}
