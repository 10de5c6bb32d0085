#include "rag/doc/ocr.h"

#include "engine/converter.h"

enum {
	CHILD_MS = 60 * 1000,
	TSV_MAX = 32 * 1024 * 1024,
	COLUMNS = 12,
	CONFIDENCE_MIN = 20,
};

static const uint64_t child_memory = 2048ULL * 1024 * 1024;

struct word_row {
	uint64_t block, paragraph, confidence;
	struct bytes word;
};

/* level page block par line word left top width height conf text */
static bool row_read(struct bytes line, struct word_row *row)
{
	struct bytes columns[COLUMNS] = { BYTES_NONE }, rest = line;
	unsigned count = 0;

	while (count < COLUMNS && bytes_cut(&rest, '\t', &columns[count]))
		count++;
	if (count < COLUMNS || !bytes_eq_str(columns[0], "5") ||
	    bytes_to_u64(columns[2], UINT32_MAX, &row->block) ||
	    bytes_to_u64(columns[3], UINT32_MAX, &row->paragraph))
		return false;
	row->word = bytes_trim(columns[11]);
	if (bytes_to_u64(bytes_upto(columns[10], bytes_index(columns[10], '.')), 100,
			 &row->confidence))
		row->confidence = 0;
	return row->word.len > 0 && row->confidence >= CONFIDENCE_MIN;
}

void ocr_tsv_add(struct builder *b, struct bytes tsv)
{
	struct text para = TEXT_INIT(1 << 20);
	uint64_t block = 0, paragraph = 0;
	struct word_row row;
	struct bytes line;

	while (bytes_cut(&tsv, '\n', &line)) {
		if (!row_read(line, &row))
			continue;
		if (row.block != block || row.paragraph != paragraph) {
			builder_text(b, BLOCK_TEXT, text_bytes(&para));
			text_clear(&para);
		}
		block = row.block;
		paragraph = row.paragraph;
		text_add_str(&para, para.len ? " " : "");
		text_add(&para, row.word);
	}
	builder_text(b, BLOCK_TEXT, text_bytes(&para));
	text_fini(&para);
}

err_t ocr_add(struct builder *b, struct bytes image, const _Atomic bool *cancelled,
	      struct parse_why *why)
{
	char *const arguments[] = { "tesseract", "stdin", "stdout", "tsv", NULL };
	const struct converter_options options = {
		.program = arguments[0],
		.arguments = arguments,
		.input = image,
		.output_max = TSV_MAX,
		.time_ms = CHILD_MS,
		.memory_max = child_memory,
		.cancelled = cancelled,
	};
	struct text tsv = TEXT_INIT(TSV_MAX), complaints = TEXT_INIT(2048);
	err_t err = converter_run(&options, &tsv, &complaints);

	if (!err)
		ocr_tsv_add(b, text_bytes(&tsv));
	else if (err == ERR_NOT_FOUND)
		err = parse_refuse(why, "needs_ocr",
				   "It is an image: install tesseract-ocr to have it read.");
	else if (err == ERR_EXPIRED)
		err = parse_refuse(why, "deadline", "It takes longer than %d seconds to read.",
				   CHILD_MS / 1000);
	else if (err == ERR_INVALID || err == ERR_TOO_LARGE)
		err = parse_refuse(why, "malformed", "tesseract cannot read it: %.120s",
				   complaints.len ? text_str(&complaints) : "it gave up.");
	text_fini(&tsv);
	text_fini(&complaints);
	return err;
}

err_t image_read(const struct parse_input *input, struct arena *arena,
		 struct document *ret_document, struct parse_why *ret_why)
{
	struct builder *b = arena_new(arena, struct builder);
	struct document_asset *asset;
	struct bytes title;
	err_t err;

	if (!b)
		return ERR_NOMEM;
	builder_init(b, arena, input->file);
	asset = builder_asset(b, input->data, format_media_type(format_sniff(input)));
	err = document_title_of_file(arena, input->file, &title);
	if (!err)
		err = ocr_add(b, input->data, input->cancelled, ret_why);
	if (!err && b->document.blocks) {
		builder_image(b, asset, BYTES_NONE, title, BYTES_NONE);
		err = builder_finish(b, ret_document);
	} else if (!err) {
		err = parse_refuse(ret_why, "empty", "No words can be read in this image.");
	}
	builder_fini(b);
	return err;
}
