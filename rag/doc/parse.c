#include "rag/doc/parse.h"

#include <stdio.h>

#include "rag/doc/charset.h"
#include "rag/doc/markdown.h"

static const struct format_row {
	const char *name, *media_type, *endings;
	parse_fn parse;
} formats[FORMATS] = {
#define FORMAT(name, media_type, endings, parse) \
	[FORMAT_##name] = { #name, media_type, endings, parse },
#include "rag/doc/formats.def"
#undef FORMAT
};

const char *format_name(enum format format)
{
	return format < FORMATS ? formats[format].name : "unknown";
}

const char *format_media_type(enum format format)
{
	return format < FORMATS ? formats[format].media_type : "application/octet-stream";
}

err_t parse_refuse(struct parse_why *why, const char *code, const char *format, ...)
{
	va_list args;

	why->code = code;
	va_start(args, format);
	vsnprintf(why->words, sizeof why->words, format, args);
	va_end(args);
	return ERR_SYNTAX;
}

/* ---- What it is ---- */

static enum format by_ending(struct bytes file)
{
	for (unsigned i = 0; i < FORMATS; i++) {
		struct bytes rest = bytes_of(formats[i].endings), ending;

		while (bytes_cut(&rest, ' ', &ending))
			if (ending.len && file.len > ending.len &&
			    bytes_eq_nocase(bytes_from(file, file.len - ending.len), ending))
				return (enum format)i;
	}
	return FORMATS;
}

static enum format by_media_type(struct bytes given)
{
	struct bytes type = bytes_trim(bytes_upto(given, bytes_index(given, ';')));

	for (unsigned i = 0; i < FORMATS; i++)
		if (bytes_eq_nocase(type, bytes_of(formats[i].media_type)))
			return (enum format)i;
	if (bytes_eq_nocase(type, BYTES("application/xhtml+xml")))
		return FORMAT_HTML;
	if (bytes_eq_nocase(type, BYTES("text/xml")))
		return FORMAT_XML;
	if (bytes_eq_nocase(type, BYTES("text/rtf")))
		return FORMAT_RTF;
	if (bytes_eq_nocase(type, BYTES("application/x-ndjson")))
		return FORMAT_JSONL;
	return FORMATS;
}

static bool has(struct bytes data, const char *words)
{
	return bytes_find(data, bytes_of(words)) != SIZE_MAX;
}

/* Which of the formats that are zip files: by the first names in it. */
static enum format zip_kind(struct bytes data, enum format hint)
{
	struct bytes head = bytes_upto(data, 4096);

	if (has(head, "mimetypeapplication/epub+zip"))
		return FORMAT_EPUB;
	if (has(head, "mimetypeapplication/vnd.oasis.opendocument.text"))
		return FORMAT_ODT;
	if (hint == FORMAT_DOCX || hint == FORMAT_PPTX || hint == FORMAT_XLSX ||
	    hint == FORMAT_ODT || hint == FORMAT_EPUB)
		return hint;
	if (has(data, "word/document.xml"))
		return FORMAT_DOCX;
	if (has(data, "ppt/presentation.xml"))
		return FORMAT_PPTX;
	return has(data, "xl/workbook.xml") ? FORMAT_XLSX : FORMATS;
}

/* Whether a compound file has a stream of that name: names are UTF-16 in its directory. */
static bool has_stream(struct bytes data, const char *name)
{
	char wide[64];
	size_t len = strlen(name);

	assert(2 * len <= sizeof wide);
	for (size_t i = 0; i < len; i++) {
		wide[2 * i] = name[i];
		wide[2 * i + 1] = '\0';
	}
	return bytes_find(data, bytes_make(wide, 2 * len)) != SIZE_MAX;
}

/* Which of the formats before 2007, which are all compound files. */
static enum format compound_kind(struct bytes data)
{
	if (has_stream(data, "WordDocument"))
		return FORMAT_DOC;
	if (has_stream(data, "PowerPoint Document"))
		return FORMAT_PPT;
	if (has_stream(data, "Workbook") || has_stream(data, "Book"))
		return FORMAT_XLS;
	return FORMATS;
}

static enum format xml_kind(struct bytes data, enum format hint)
{
	struct bytes head = bytes_upto(data, 4096);

	if (has(head, "urn:hl7-org:v3"))
		return FORMAT_SPL;
	if (has(head, "<html") || has(head, "<!DOCTYPE html") || has(head, "<HTML"))
		return FORMAT_HTML;
	return hint == FORMAT_HTML ? FORMAT_HTML : FORMAT_XML;
}

static enum format by_magic(struct bytes data, enum format hint)
{
	struct bytes text = data;

	if (has(bytes_upto(data, 1024), "%PDF-"))
		return FORMAT_PDF;
	if (bytes_starts(data, BYTES("PK\x03\x04")))
		return zip_kind(data, hint);
	if (bytes_starts(data, BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")))
		return compound_kind(data);
	if (bytes_starts(data, BYTES("{\\rtf")))
		return FORMAT_RTF;
	if (bytes_starts(data, BYTES("\x89PNG\r\n\x1A\n")))
		return FORMAT_PNG;
	if (bytes_starts(data, BYTES("\xFF\xD8\xFF")))
		return FORMAT_JPEG;
	if (bytes_starts(data, BYTES("II*\0")) || bytes_starts(data, BYTES("MM\0*")))
		return FORMAT_TIFF;
	if (bytes_starts(data, BYTES("RIFF")) && data.len > 12 &&
	    memcmp(data.at + 8, "WEBP", 4) == 0)
		return FORMAT_WEBP;
	if (bytes_starts(text, BYTES("\xEF\xBB\xBF")))
		text = bytes_from(text, 3);
	while (text.len && strchr(" \t\r\n", text.at[0]))
		text = bytes_from(text, 1);
	if (bytes_starts(text, BYTES("<?xml")))
		return xml_kind(text, hint);
	if (bytes_starts_nocase(text, BYTES("<!doctype html")) ||
	    bytes_starts_nocase(text, BYTES("<html")))
		return FORMAT_HTML;
	return FORMATS;
}

/* A name or type that promises one of these is not believed when the bytes say otherwise. */
static bool is_binary(enum format format)
{
	return format >= FORMAT_DOCX && format <= FORMAT_WEBP;
}

enum format format_sniff(const struct parse_input *input)
{
	enum format name = by_ending(input->file), type = by_media_type(input->media_type), magic;

	if (type == FORMAT_CONTENT_LIST)
		return type;
	magic = by_magic(input->data, name < FORMATS ? name : type);
	if (magic < FORMATS)
		return magic;
	if (name < FORMATS && !is_binary(name))
		return name == FORMAT_XML ? xml_kind(input->data, name) : name;
	if (type < FORMATS && !is_binary(type))
		return type;
	if (is_binary(name) || is_binary(type) ||
	    (input->data.len && memchr(input->data.at, '\0', input->data.len)))
		return FORMATS;
	return FORMAT_TEXT;
}

bool format_wants(struct bytes file)
{
	return by_ending(file) < FORMATS;
}

/* ---- Reading ---- */

err_t text_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
		struct parse_why *ret_why)
{
	struct bytes text = BYTES_NONE;
	err_t err = charset_decode(arena, input->data, &text);

	if (err == ERR_SYNTAX)
		return parse_refuse(ret_why, "malformed", "These bytes are no text.");
	TRY(err);
	err = markdown_parse(arena, input->file, text, ret_document);
	if (err == ERR_SYNTAX)
		return parse_refuse(ret_why, "empty", "There is no text in it.");
	return err;
}

err_t parse_document(const struct parse_input *input, struct arena *arena,
		     struct document *ret_document, struct parse_why *ret_why)
{
	enum format format = format_sniff(input);
	struct document document = { .file = input->file };
	err_t err;

	*ret_why = (struct parse_why){ .code = "malformed" };
	if (input->data.len == 0)
		return parse_refuse(ret_why, "empty", "The document has no bytes.");
	if (format == FORMATS)
		return parse_refuse(ret_why, "unsupported_media",
				    "This is none of the formats that are read here; see the list "
				    "in GET /version.");
	err = formats[format].parse(input, arena, &document, ret_why);
	if (err == ERR_TOO_LARGE)
		return parse_refuse(ret_why, "too_large",
				    "More text, tables or blocks than are "
				    "read of one document.");
	if (err == ERR_SYNTAX && !ret_why->words[0])
		return parse_refuse(ret_why, "empty", "There is no text in it.");
	if (err == ERR_NOMEM && arena->used_bytes > arena->max_bytes / 2)
		return parse_refuse(ret_why, "too_large",
				    "It takes more memory to read than a "
				    "document may.");
	TRY(err);
	*ret_document = document;
	return ERR_OK;
}
