#include "tests/check.h"

#include <stdio.h>

#include "base/text.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/folder.h"
#include "rag/doc/markdown.h"
#include "rag/doc/parse.h"
#include "rag/text/words.h"

static struct arena arena;

static struct document parse(const char *file, const char *text)
{
	struct document document;

	arena_init(&arena, 1 << 20);
	CHECK_OK(markdown_parse(&arena, bytes_of(file), bytes_of(text), &document));
	return document;
}

TEST(a_document_says_who_it_is_at_its_top)
{
	struct document d = parse("a.md",
				  "# Sleep\nSource: WHO, \"Sleep\"\nSource: NHS\n"
				  "Category: lifestyle\n\nSleep well.\n\n## How\n\nLie down.\n");

	CHECK_BYTES(d.title, "Sleep");
	CHECK_EQ(d.source_count, 2);
	CHECK_BYTES(d.sources[0], "WHO, \"Sleep\"");
	CHECK_BYTES(d.category, "lifestyle");
	CHECK_BYTES(d.blocks->path, "");
	CHECK_BYTES(d.blocks->text, "Sleep well.");
	CHECK_BYTES(d.blocks->next->path, "How");
	CHECK_BYTES(d.blocks->next->text, "Lie down.");
	CHECK(!d.blocks->next->next);
	arena_fini(&arena);
}

TEST(front_matter_between_dashes_is_understood)
{
	struct document d = parse("a.md",
				  "---\ntitle: Rest\ntags: [a, b]\nsource: X\n---\nBody.\n");

	CHECK_BYTES(d.title, "Rest");
	CHECK_BYTES(d.sources[0], "X");
	CHECK_BYTES(d.blocks->text, "Body.");
	arena_fini(&arena);
}

TEST(plain_text_without_any_marks_is_one_section_named_by_its_file)
{
	struct document d = parse("notes/night-rest.txt", "Just some words.\nMore of them.");

	CHECK_BYTES(d.title, "night rest");
	CHECK_BYTES(d.blocks->text, "Just some words.\nMore of them.");
	CHECK(!d.blocks->next);
	arena_fini(&arena);
}

TEST(headings_nest_and_a_hash_in_code_is_none)
{
	struct document d = parse(
		"a.md", "# T\n\n## A\n\none\n\n### B\n\ntwo\n\n```\n# no\n```\n\n## C\n\nthree\n");

	CHECK_BYTES(d.blocks->path, "A");
	CHECK_BYTES(d.blocks->next->path, "A \xE2\x80\xBA B");
	CHECK_BYTES(d.blocks->next->text, "two\n\n```\n# no\n```");
	CHECK_BYTES(d.blocks->next->next->path, "C");
	arena_fini(&arena);
}

TEST(a_heading_of_any_length_names_its_section)
{
	static char text[8192];
	struct document d;

	memset(text, 'a', sizeof text - 1);
	memcpy(text, "# T\n\n## ", 8);
	memcpy(text + sizeof text - 9, "\n\nwords\n", 9);
	text[sizeof text - 1] = '\0';
	d = parse("a.md", text);
	CHECK_EQ(d.blocks->path.len, 1000);
	arena_fini(&arena);
}

TEST(a_first_paragraph_that_looks_like_a_field_stays_text)
{
	struct document d = parse("a.md", "# T\n\nFirst words.\nNote: this stays.\n");

	CHECK_BYTES(d.blocks->text, "First words.\nNote: this stays.");
	arena_fini(&arena);
}

TEST(what_is_no_text_is_refused)
{
	struct document d;

	arena_init(&arena, 1 << 20);
	CHECK_ERR(markdown_parse(&arena, BYTES("a.txt"), BYTES(""), &d), ERR_SYNTAX);
	CHECK_ERR(markdown_parse(&arena, BYTES("a.txt"), BYTES(" \n\t\n"), &d), ERR_SYNTAX);
	CHECK_ERR(markdown_parse(&arena, BYTES("a.txt"), BYTES("a\0b"), &d), ERR_SYNTAX);
	CHECK_ERR(markdown_parse(&arena, BYTES("a.txt"), BYTES("\xFF\xFE"), &d), ERR_SYNTAX);
	CHECK_ERR(markdown_parse(&arena, BYTES("a.md"), BYTES("# Only a title\n"), &d), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST(files_are_wanted_by_their_endings)
{
	CHECK(format_wants(BYTES("a.md")) && format_wants(BYTES("A.TXT")));
	CHECK(format_wants(BYTES("a.pdf")) && format_wants(BYTES("A.docx")));
	CHECK(!format_wants(BYTES("a.exe")) && !format_wants(BYTES(".md")));
	CHECK(!format_wants(BYTES("md")));
}

struct chunk_check {
	struct bytes text;
	unsigned count, longest;
	size_t covered_to; /* in characters */
	bool gap;
};

static err_t on_chunk(void *owner, const struct passage *chunk)
{
	struct chunk_check *c = owner;
	size_t from = (size_t)(chunk->body.at - c->text.at);

	CHECK(chunk->body.at >= c->text.at && from + chunk->body.len <= c->text.len);
	CHECK_EQ(chunk->char_from, characters_before(c->text, from));
	CHECK_EQ(chunk->char_to, characters_before(c->text, from + chunk->body.len));
	CHECK_EQ(chunk->ordinal, c->count);
	c->gap |= chunk->char_from > c->covered_to + 8; /* more than the white space between */
	c->covered_to = chunk->char_to;
	c->longest = chunk->words > c->longest ? chunk->words : c->longest;
	c->count++;
	return ERR_OK;
}

TEST(a_long_section_is_cut_between_sentences_with_an_overlap_and_no_gap)
{
	struct text text = TEXT_INIT(1 << 20);
	struct chunk_check check = { .count = 0 };
	struct document d;

	text_add_str(&text, "# Long\n\n");
	check.covered_to = text.len;
	for (unsigned i = 0; i < 200; i++)
		text_printf(&text,
			    "Sentence number %u speaks of \xC3\xA4pples and some other things. ",
			    i);
	d = parse("long.md", text_str(&text));
	check.text = text_bytes(&text);
	CHECK_OK(chunk_document(&d, CHUNK_SECTIONS, on_chunk, &check));
	CHECK(check.count >= 6 && check.count <= 9, "%u", check.count);
	CHECK(check.longest <= CHUNK_WORDS_MAX, "%u", check.longest);
	CHECK(!check.gap);
	CHECK(check.covered_to + 2 >= characters_before(check.text, text.len));
	arena_fini(&arena);
	text_fini(&text);
}

TEST(a_short_section_is_one_chunk_and_chunks_never_cross_headings)
{
	struct document d = parse("a.md", "# T\n\nA b c.\n\n## S\n\nD e f.\n\n## U\n\nG h i.\n");
	struct chunk_check check = { .text = d.text };

	check.covered_to = d.text.len;
	CHECK_OK(chunk_document(&d, CHUNK_SECTIONS, on_chunk, &check));
	CHECK_EQ(check.count, 3);
	CHECK_EQ(check.longest, 3);
	arena_fini(&arena);
}

struct folder_check {
	unsigned files, failed;
	struct text names;
};

static err_t on_file(void *owner, struct bytes file, struct bytes text, err_t why)
{
	struct folder_check *f = owner;

	(void)text;
	f->files++;
	f->failed += why != ERR_OK;
	text_printf(&f->names, "%.*s ", BYTES_ARG(file));
	return ERR_OK;
}

TEST(a_folder_is_read_in_order_without_hidden_files_and_links)
{
	char directory[] = "/tmp/weir-rag-folder-XXXXXX", command[512];
	struct folder_check f = { .names = TEXT_INIT(4096) };

	CHECK(mkdtemp(directory));
	snprintf(
		command, sizeof command,
		"cd %s && mkdir sub .git && echo x > b.md && echo y > sub/a.txt && echo z > .h.md && "
		"echo w > .git/c.md && ln -s /etc/hostname l.md && echo p > skip.exe",
		directory);
	CHECK_EQ(system(command), 0);
	CHECK_OK(folder_read(directory, 1 << 20, on_file, &f));
	CHECK_STR(text_str(&f.names), "b.md sub/a.txt ");
	CHECK_EQ(f.failed, 0);
	snprintf(command, sizeof command, "rm -r %s", directory);
	CHECK_EQ(system(command), 0);
	CHECK_ERR(folder_read(directory, 1 << 20, on_file, &f), ERR_NOT_FOUND);
	text_fini(&f.names);
}
