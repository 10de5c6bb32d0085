/*
 * Documents of the offices before 2007, and RTF: read by catdoc's programs, as children that have
 * no network and little of everything else.
 *
 * A document's lines are its paragraphs, a workbook's sheets come as CSV, slides as lines. Which
 * slide a line is of is not told reliably, so there are no pages.
 */
#include "rag/doc/legacy.h"

#include "engine/converter.h"
#include "rag/doc/csv.h"
#include "rag/doc/parse.h"

enum {
	CHILD_MS = 15 * 1000, /* they are quick; damaged files can send them in circles */
	SHEET_BREAK = '\f',
};

static const uint64_t child_memory = 512ULL * 1024 * 1024;

/* A path, since the two others take their input for closed when none is named. */
static char *const catdoc_arguments[] = { "catdoc", "-d", "utf-8", "-w", "/dev/stdin", NULL };
static char *const xls2csv_arguments[] = { "xls2csv", "-d", "utf-8", "/dev/stdin", NULL };
static char *const catppt_arguments[] = { "catppt", "-d", "utf-8", "/dev/stdin", NULL };

typedef void (*read_fn)(struct builder *b, struct bytes words);

void legacy_lines_read(struct builder *b, struct bytes words)
{
	struct bytes line;

	while (bytes_cut(&words, '\n', &line)) {
		while (line.len && (line.at[0] == SHEET_BREAK || line.at[0] == '\r'))
			line = bytes_from(line, 1);
		if (bytes_trim(line).len)
			builder_text(b, BLOCK_TEXT, line);
	}
}

void legacy_sheets_read(struct builder *b, struct bytes words)
{
	struct bytes sheet;

	while (bytes_cut(&words, SHEET_BREAK, &sheet))
		if (bytes_trim(sheet).len)
			csv_table(b, sheet, ',');
}

/* What the program wrote of the document. */
static err_t run(const struct parse_input *input, char *const *arguments, struct text *words,
		 struct parse_why *why)
{
	const struct converter_options options = {
		.program = arguments[0],
		.arguments = arguments,
		.input = input->data,
		.output_max = DOCUMENT_MAX_BYTES,
		.time_ms = CHILD_MS,
		.memory_max = child_memory,
		.cancelled = input->cancelled,
	};
	struct text complaints = TEXT_INIT(2048);
	err_t err = converter_run(&options, words, &complaints);

	text_fini(&complaints);
	if (err == ERR_NOT_FOUND)
		return parse_refuse(
			why, "unsupported_media",
			"It is of an office before 2007: install catdoc to have it read, "
			"or save it as docx, xlsx, pptx or PDF.");
	if (err == ERR_EXPIRED)
		return parse_refuse(why, "deadline", "It takes longer than %d seconds to read.",
				    CHILD_MS / 1000);
	if (err == ERR_INVALID)
		return parse_refuse(why, "malformed",
				    "%s cannot read it: it is damaged, or protected by a password.",
				    arguments[0]);
	return err;
}

static err_t read_with(const struct parse_input *input, struct arena *arena, char *const *arguments,
		       read_fn read, struct document *ret_document, struct parse_why *why)
{
	struct text words = TEXT_INIT(DOCUMENT_MAX_BYTES);
	struct builder *b = arena_new(arena, struct builder);
	err_t err;

	if (!b)
		return ERR_NOMEM;
	builder_init(b, arena, input->file);
	err = run(input, arguments, &words, why);
	if (!err) {
		read(b, text_bytes(&words));
		err = builder_finish(b, ret_document);
	}
	text_fini(&words);
	builder_fini(b);
	return err;
}

err_t doc_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	return read_with(input, arena, catdoc_arguments, legacy_lines_read, ret_document, ret_why);
}

err_t xls_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	return read_with(input, arena, xls2csv_arguments, legacy_sheets_read, ret_document,
			 ret_why);
}

err_t ppt_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	return read_with(input, arena, catppt_arguments, legacy_lines_read, ret_document, ret_why);
}
