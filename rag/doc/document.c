#include "rag/doc/document.h"

#include "base/encode.h"
#include "base/text.h"

struct heading {
	struct bytes words;
	unsigned level;
};

struct parser {
	struct arena *arena;
	struct document *document;
	struct document_section **tail;
	struct heading stack[DOCUMENT_SECTION_DEPTH];
	unsigned depth;
	bool saw_title; /* the first heading, which names the document and no section of it */
	bool in_front;	/* still among the lines that say who the document is */
	bool in_fence;	/* between ``` and ```: a # is no heading there */
	bool in_yaml;
	size_t body_from, body_to; /* of the section being read; empty when equal */
};

bool document_wants(struct bytes file)
{
	static const char *const endings[] = { ".txt", ".text", ".md", ".markdown" };

	for (size_t i = 0; i < COUNT(endings); i++) {
		struct bytes ending = bytes_of(endings[i]);

		if (file.len > ending.len &&
		    bytes_eq_nocase(bytes_from(file, file.len - ending.len), ending))
			return true;
	}
	return false;
}

static struct bytes trim_all(struct bytes b)
{
	while (b.len && strchr(" \t\r\n", b.at[0]))
		b = bytes_from(b, 1);
	while (b.len && strchr(" \t\r\n", b.at[b.len - 1]))
		b.len--;
	return b;
}

static err_t section_path(struct parser *p, struct bytes *ret_path)
{
	struct text path = TEXT_INIT(4096);
	err_t err;

	for (unsigned i = 0; i < p->depth; i++) {
		if (i > 0)
			text_add_str(&path, " \xE2\x80\xBA ");
		text_add(&path, p->stack[i].words);
	}
	err = text_err(&path);
	if (!err)
		err = arena_copy(p->arena, text_bytes(&path), ret_path);
	text_fini(&path);
	return err;
}

/* Ends the section being read; one without text leaves no trace. */
static err_t section_close(struct parser *p)
{
	struct bytes body = trim_all(
		bytes_make(p->document->text.at + p->body_from, p->body_to - p->body_from));
	struct document_section *section;

	p->body_from = p->body_to;
	if (body.len == 0)
		return ERR_OK;
	section = arena_new(p->arena, struct document_section);
	if (!section)
		return ERR_NOMEM;
	section->body = body;
	TRY(section_path(p, &section->path));
	*p->tail = section;
	p->tail = &section->next;
	return ERR_OK;
}

/* "## Dose ##" gives level 2 and "Dose"; level 0 is no heading. */
static struct heading heading_of(struct bytes line)
{
	struct heading heading = { BYTES_NONE, 0 };

	while (heading.level < line.len && line.at[heading.level] == '#')
		heading.level++;
	if (heading.level == 0 || heading.level > 6 || heading.level == line.len ||
	    (line.at[heading.level] != ' ' && line.at[heading.level] != '\t'))
		return (struct heading){ BYTES_NONE, 0 };
	heading.words = bytes_trim(bytes_from(line, heading.level));
	while (heading.words.len && heading.words.at[heading.words.len - 1] == '#')
		heading.words.len--;
	heading.words = bytes_trim(heading.words);
	return heading;
}

static err_t on_heading(struct parser *p, struct heading heading)
{
	TRY(section_close(p));
	if (!p->saw_title && heading.level == 1) {
		p->saw_title = true;
		p->in_front = true;
		if (!p->document->title.len)
			p->document->title = heading.words;
		return ERR_OK;
	}
	p->in_front = false;
	while (p->depth > 0 && p->stack[p->depth - 1].level >= heading.level)
		p->depth--;
	assert(p->depth < DOCUMENT_SECTION_DEPTH);
	p->stack[p->depth++] = heading;
	return ERR_OK;
}

/* "Name: value" where the name is one word that begins with a capital or, in YAML, any letter. */
static bool on_front_line(struct parser *p, struct bytes line)
{
	size_t colon = bytes_index(line, ':');
	struct bytes name, value;

	if (colon == SIZE_MAX || colon == 0 || colon > 24)
		return false;
	name = bytes_upto(line, colon);
	for (size_t i = 0; i < name.len; i++)
		if (ascii_lower(name.at[i]) < 'a' || ascii_lower(name.at[i]) > 'z')
			return false;
	value = bytes_trim(bytes_from(line, colon + 1));
	if (value.len == 0)
		return p->in_yaml;
	if (bytes_eq_nocase(name, BYTES("Title")))
		p->document->title = value;
	else if (bytes_eq_nocase(name, BYTES("Category")))
		p->document->category = value;
	else if (bytes_eq_nocase(name, BYTES("Source")) &&
		 p->document->source_count < DOCUMENT_SOURCES_MAX)
		p->document->sources[p->document->source_count++] = value;
	return true;
}

static err_t on_line(struct parser *p, struct bytes line, size_t from, size_t to)
{
	struct bytes words = trim_all(line);
	struct heading heading;

	if (p->in_yaml || (from == 0 && bytes_eq_str(words, "---"))) {
		if (from > 0 && bytes_eq_str(words, "---"))
			p->in_yaml = false;
		else
			p->in_yaml = from == 0 || on_front_line(p, words) || words.len > 0;
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (bytes_starts(words, BYTES("```")))
		p->in_fence = !p->in_fence;
	heading = p->in_fence ? (struct heading){ BYTES_NONE, 0 } : heading_of(words);
	if (heading.level && heading.words.len) {
		TRY(on_heading(p, heading));
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (p->in_front && (words.len == 0 || on_front_line(p, words))) {
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (words.len)
		p->in_front = false;
	p->body_to = to;
	return ERR_OK;
}

/* "tips/sleep-well.md" is called "sleep well" for want of a better name. */
static err_t title_from_file(struct arena *arena, struct bytes file, struct bytes *ret_title)
{
	size_t slash = SIZE_MAX, dot = file.len;
	struct bytes copy;
	char *at;

	for (size_t i = 0; i < file.len; i++)
		if (file.at[i] == '/')
			slash = i;
	file = slash == SIZE_MAX ? file : bytes_from(file, slash + 1);
	for (size_t i = 0; i < file.len; i++)
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

err_t document_parse(struct arena *arena, struct bytes file, struct bytes text,
		     struct document *ret_document)
{
	struct document document = { .file = file, .text = text };
	struct parser p = { .arena = arena, .document = &document, .in_front = true };
	size_t at = 0;

	if (text.len > DOCUMENT_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (!utf8_valid(text) || (text.len && memchr(text.at, '\0', text.len)))
		return ERR_SYNTAX;
	if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
		at = 3; /* the byte order mark of old editors */
	p.tail = &document.sections;
	p.body_from = p.body_to = at;
	while (at < text.len) {
		size_t end = bytes_index(bytes_from(text, at), '\n');
		size_t next = end == SIZE_MAX ? text.len : at + end + 1;

		TRY(on_line(&p, bytes_make(text.at + at, next - at), at, next));
		at = next;
	}
	TRY(section_close(&p));
	if (!document.sections)
		return ERR_SYNTAX;
	if (!document.title.len)
		TRY(title_from_file(arena, file, &document.title));
	*ret_document = document;
	return ERR_OK;
}
