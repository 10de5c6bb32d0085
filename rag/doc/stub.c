/*
 * Formats that are recognised and not read yet: refused by name, not as rubbish.
 */
#include "rag/doc/parse.h"

static err_t refuse(const struct parse_input *input, struct parse_why *why)
{
	return parse_refuse(why, "unsupported_media",
			    "Documents of this kind (%s) are not read yet.",
			    format_media_type(format_sniff(input)));
}

#define NOT_YET(name)                                                        \
	err_t name(const struct parse_input *input, struct arena *arena,     \
		   struct document *ret_document, struct parse_why *ret_why) \
	{                                                                    \
		(void)arena;                                                 \
		(void)ret_document;                                          \
		return refuse(input, ret_why);                               \
	}

NOT_YET(docx_read)
NOT_YET(pptx_read)
NOT_YET(xlsx_read)
NOT_YET(odt_read)
NOT_YET(epub_read)
NOT_YET(pdf_read)
NOT_YET(image_read)
