/*
 * The parsers' pure parts, and the rules of going out: what tests over HTTP cannot reach one by
 * one.
 */
#include "tests/check.h"

#include <stdlib.h>

#include "base/encode.h"
#include "engine/converter.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/archive.h"
#include "rag/doc/ocr.h"
#include "rag/doc/parse.h"
#include "rag/doc/pdf.h"
#include "rag/ingest/remote.h"

static struct arena arena;

static struct document parse(const char *file, struct bytes data)
{
	const struct parse_input input = { .file = bytes_of(file), .data = data };
	struct document document;
	struct parse_why why;

	arena_init(&arena, 64 << 20);
	CHECK_OK(parse_document(&input, &arena, &document, &why), "%s", why.words);
	return document;
}

static enum format sniff(const char *file, const char *type, struct bytes data)
{
	return format_sniff(&(struct parse_input){
		.file = bytes_of(file), .media_type = bytes_of(type), .data = data });
}

TEST(what_the_bytes_are_counts_more_than_what_they_are_called)
{
	CHECK_EQ(sniff("a.txt", "", BYTES("%PDF-1.7")), FORMAT_PDF);
	CHECK_EQ(sniff("a.pdf", "application/pdf", BYTES("words")), FORMATS);
	CHECK_EQ(sniff("a.xml", "", BYTES("<?xml?><document xmlns=\"urn:hl7-org:v3\">")),
		 FORMAT_SPL);
	CHECK_EQ(sniff("a.xml", "", BYTES("<?xml?><a/>")), FORMAT_XML);
	CHECK_EQ(sniff("a", "text/csv; charset=x", BYTES("a,b")), FORMAT_CSV);
	CHECK_EQ(sniff("a", "", BYTES(" <!DOCTYPE HTML>")), FORMAT_HTML);
	CHECK_EQ(sniff("a.docx", "", BYTES("PK\x03\x04")), FORMAT_DOCX);
	CHECK_EQ(sniff("a.bin", "", bytes_make("a\0b", 3)), FORMATS);
	CHECK_EQ(sniff("a.bin", "", BYTES("plain words")), FORMAT_TEXT);
}

static const char label[] =
	"<?xml version=\"1.0\"?><document xmlns=\"urn:hl7-org:v3\"><setId root=\"s-1\"/>"
	"<versionNumber value=\"3\"/><author><assignedEntity><representedOrganization><name>Maker"
	"</name></representedOrganization></assignedEntity></author><component><structuredBody>"
	"<component><section><code code=\"48780-1\" codeSystem=\"2.16.840.1.113883.6.1\"/><subject>"
	"<manufacturedProduct><manufacturedProduct><code code=\"1234-5\" "
	"codeSystem=\"2.16.840.1.113883.6.69\"/><name>Brand</name><asEntityWithGeneric>"
	"<genericMedicine><name>generica</name></genericMedicine></asEntityWithGeneric><ingredient "
	"classCode=\"ACTIB\"><ingredientSubstance><name>GENERICA SODIUM</name></ingredientSubstance>"
	"</ingredient></manufacturedProduct></manufacturedProduct></subject></section></component>"
	"<component><section><code code=\"34066-1\" codeSystem=\"2.16.840.1.113883.6.1\"/><text>"
	"<paragraph>Mind the <content>box</content>.</paragraph></text></section></component>"
	"<component><section><code code=\"34084-4\" codeSystem=\"2.16.840.1.113883.6.1\"/><title>6 "
	"ADVERSE</title><text><list><item>nausea</item></list></text><component><section><code "
	"code=\"42229-5\" codeSystem=\"2.16.840.1.113883.6.1\"/><title>6.1 Trials</title><text>"
	"<paragraph>Rash was seen.</paragraph></text></section></component></section></component>"
	"</structuredBody></component></document>";

TEST(a_label_gives_coded_sections_and_its_products_names)
{
	struct document d = parse("x.xml", bytes_make(label, sizeof label - 1));
	const struct block *box = d.blocks, *list = box->next, *trial = list->next;
	struct text facts = TEXT_INIT(4096);

	CHECK_BYTES(d.title, "Brand (generica), Maker");
	CHECK_BYTES(d.subject, "generica");
	CHECK_BYTES(d.category, "medicine");
	CHECK_EQ(box->kind, BLOCK_BOXED);
	CHECK_BYTES(box->path, "Boxed warning");
	CHECK_BYTES(box->text, "Mind the box.");
	CHECK_BYTES(list->code, "34084-4");
	CHECK_BYTES(trial->path, "6 ADVERSE \xE2\x80\xBA 6.1 Trials");
	CHECK_BYTES(trial->code, "34084-4");
	document_facts_json(&facts, &d);
	CHECK(strstr(text_str(&facts), "\"ndc\":[\"1234-5\"]"), "%s", text_str(&facts));
	CHECK(strstr(text_str(&facts), "\"ingredients\":[\"GENERICA SODIUM\"]"));
	text_fini(&facts);
	arena_fini(&arena);
}

static const char layout[] =
	"<html><body><doc><page width=\"612\" height=\"792\"><flow><block><line yMin=\"60\" "
	"yMax=\"80\"><word yMin=\"60\" yMax=\"80\">Big</word><word yMin=\"60\" "
	"yMax=\"80\">head</word></line></block><block><line yMin=\"100\" yMax=\"110\"><word "
	"yMin=\"100\" yMax=\"110\">inter-</word></line><line yMin=\"112\" yMax=\"122\"><word "
	"yMin=\"112\" yMax=\"122\">action of many small words</word></line></block></flow></page>"
	"<page width=\"612\" height=\"792\"></page></doc></body></html>";

TEST(a_pdfs_layout_gives_headings_by_size_and_joins_what_lines_part)
{
	struct builder *b;
	struct document d;
	unsigned pages = 0, empty = 0;

	arena_init(&arena, 1 << 20);
	b = arena_new(&arena, struct builder);
	builder_init(b, &arena, BYTES("a.pdf"));
	CHECK_OK(pdf_layout_read(b, bytes_make(layout, sizeof layout - 1), &pages, &empty));
	CHECK_OK(builder_finish(b, &d));
	CHECK_EQ(pages, 2);
	CHECK_EQ(empty, 1);
	CHECK_BYTES(d.title, "Big head");
	CHECK_BYTES(d.blocks->text, "interaction of many small words");
	CHECK_EQ(d.blocks->page, 1);
	CHECK_EQ(d.warning_count, 1);
	CHECK_STR(d.warnings[0], "page 2: no text layer");
	builder_fini(b);
	arena_fini(&arena);
}

TEST(a_long_heading_is_cut_between_characters_in_the_path_of_its_section)
{
	static char heading[2001];
	struct builder *b;
	struct document d;

	for (size_t i = 0; i + 1 < sizeof heading; i += 2)
		memcpy(heading + i, "\xc3\xa9", 2);
	for (size_t before = 0; before < 2; before++) {
		arena_init(&arena, 1 << 20);
		b = arena_new(&arena, struct builder);
		builder_init(b, &arena, BYTES("a.docx"));
		heading[0] = 'x';
		heading[1] = 'x';
		builder_heading(b, 1, bytes_from(bytes_of(heading), before), BYTES_NONE);
		builder_text(b, BLOCK_TEXT, BYTES("words"));
		CHECK_OK(builder_finish(b, &d));
		CHECK(utf8_valid(d.blocks->path) && d.blocks->path.len >= 999);
		builder_fini(b);
		arena_fini(&arena);
	}
}

TEST(words_that_tesseract_doubts_are_left_out)
{
	struct builder *b;
	struct document d;

	arena_init(&arena, 1 << 20);
	b = arena_new(&arena, struct builder);
	builder_init(b, &arena, BYTES("a.png"));
	ocr_tsv_add(
		b,
		BYTES("level\tpage\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96.1\tGood\n"
		      "5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t3.0\tb@d\n5\t1\t1\t1\t2\t1\t0\t0\t9\t9\t91\t"
		      "words\n5\t1\t2\t1\t1\t1\t0\t0\t9\t9\t90\tApart\n5\t1\n"));
	CHECK_OK(builder_finish(b, &d));
	CHECK_BYTES(d.blocks->text, "Good words");
	CHECK_BYTES(d.blocks->next->text, "Apart");
	builder_fini(b);
	arena_fini(&arena);
}

TEST(a_name_in_an_archive_never_leads_above_it)
{
	arena_init(&arena, 1 << 20);
	CHECK_STR(archive_resolve(&arena, "ppt/slides/s.xml", BYTES("../media/a.png")),
		  "ppt/media/a.png");
	CHECK_STR(archive_resolve(&arena, "ppt/slides/s.xml", BYTES("/word/./b.xml")),
		  "word/b.xml");
	CHECK(!archive_resolve(&arena, "a.xml", BYTES("../etc/passwd")));
	CHECK(!archive_resolve(&arena, "a/b.xml", BYTES("../../x")));
	arena_fini(&arena);
}

static err_t on_chunk(void *owner, const struct passage *chunk)
{
	unsigned *seen = owner;

	CHECK_EQ(chunk->kind, PASSAGE_TABLE);
	CHECK(chunk->words <= CHUNK_WORDS_MAX + 20);
	CHECK(bytes_find(chunk->body, BYTES("Name: n")) != SIZE_MAX);
	CHECK(bytes_find(chunk->item, BYTES("[\"Name\",\"Dose\"]")) != SIZE_MAX);
	++*seen;
	return ERR_OK;
}

TEST(a_long_table_is_cut_by_rows_each_with_the_header)
{
	struct text csv = TEXT_INIT(1 << 20);
	struct document d;
	unsigned seen = 0;

	text_add_str(&csv, "Name,Dose\n");
	for (unsigned i = 0; i < 100; i++)
		text_printf(&csv, "n%u,\"%u mg, twice\"\n", i, i);
	d = parse("t.csv", text_bytes(&csv));
	CHECK_OK(chunk_document(&d, CHUNK_SECTIONS, on_chunk, &seen));
	CHECK_EQ(seen, 3, "100 rows, 40 at most in each");
	text_fini(&csv);
	arena_fini(&arena);
}

/* ---- Children ---- */

static err_t run(char *const *arguments, struct bytes input, uint32_t time_ms, struct text *out)
{
	const struct converter_options options = { .program = arguments[0],
						   .arguments = arguments,
						   .input = input,
						   .output_max = 65536,
						   .time_ms = time_ms,
						   .memory_max = 1 << 30 };
	struct text complaints = TEXT_INIT(2048);
	err_t err = converter_run(&options, out, &complaints);

	text_fini(&complaints);
	return err;
}

TEST(a_converter_is_bounded_in_time_output_and_reach)
{
	char *const cat[] = { "cat", "/dev/stdin", NULL }, *const sleep[] = { "sleep", "60", NULL };
	char *const yes[] = { "yes", NULL }, *const none[] = { "no-such-program", NULL };
	char *const fails[] = { "false", NULL };
	char *const reach[] = { "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9 || echo $?", NULL };
	struct text out = TEXT_INIT(65536);

	CHECK_OK(run(cat, BYTES("through"), 5000, &out));
	CHECK_STR(text_str(&out), "through");
	text_clear(&out);
	CHECK_ERR(run(sleep, BYTES_NONE, 200, &out), ERR_EXPIRED);
	CHECK_ERR(run(yes, BYTES_NONE, 5000, &out), ERR_TOO_LARGE);
	text_clear(&out);
	CHECK_ERR(run(none, BYTES_NONE, 5000, &out), ERR_NOT_FOUND);
	CHECK_ERR(run(fails, BYTES_NONE, 5000, &out), ERR_INVALID);
	text_clear(&out);
	(void)run(reach, BYTES_NONE, 5000, &out);
	CHECK_STR(text_str(&out), "1\n", "no socket is to be had");
	text_fini(&out);
}

/* ---- Going out ---- */

TEST(addresses_that_are_not_public_are_known)
{
	static const uint8_t closed4[][4] = { { 127, 0, 0, 1 },	      { 10, 1, 2, 3 },
					      { 169, 254, 169, 254 }, { 192, 168, 0, 1 },
					      { 172, 31, 0, 1 },      { 100, 64, 0, 1 },
					      { 0, 0, 0, 0 },	      { 224, 0, 0, 1 },
					      { 255, 255, 255, 255 } };
	static const uint8_t open4[][4] = { { 8, 8, 8, 8 }, { 172, 32, 0, 1 }, { 100, 128, 0, 1 } };
	static const uint8_t loop6[16] = { [15] = 1 }, local6[16] = { 0xFE, 0x80 };
	static const uint8_t imds6[16] = { 0xFD, 0, 0x0E, 0xC2 }, open6[16] = { 0x26, 6, 0x47 };
	static const uint8_t mapped[16] = { [10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1 };
	static const uint8_t six_to_four[16] = { 0x20, 0x02, 10, 0, 0, 1 };

	for (size_t i = 0; i < COUNT(closed4); i++)
		CHECK(!address_is_public(closed4[i], false), "%zu", i);
	for (size_t i = 0; i < COUNT(open4); i++)
		CHECK(address_is_public(open4[i], false), "%zu", i);
	CHECK(!address_is_public(loop6, true) && !address_is_public(local6, true));
	CHECK(!address_is_public(imds6, true) && !address_is_public(mapped, true));
	CHECK(!address_is_public(six_to_four, true) && address_is_public(open6, true));
}

static bool source_is_fine(const char *json, const struct settings *settings)
{
	json_t *root = json_loads(json, JSON_DECODE_ANY, NULL), *origin;
	char words[240];

	CHECK(root, "%s", json);
	origin = json_is_object(root) ? origin_of_s3(root, settings, words, sizeof words)
				      : origin_of_url(root, settings, words, sizeof words);
	json_decref(root);
	json_decref(origin);
	return origin != NULL;
}

TEST(only_listed_buckets_and_hosts_may_be_asked)
{
	const struct settings s = { .s3_bucket = "labels, other-bucket",
				    .s3_prefix = "in/",
				    .url_hosts = "docs.example.org" };

	CHECK(source_is_fine("{\"bucket\":\"labels\",\"key\":\"in/a b.xml\"}", &s));
	CHECK(!source_is_fine("{\"bucket\":\"labels\",\"key\":\"out/a.xml\"}", &s));
	CHECK(!source_is_fine("{\"bucket\":\"secrets\",\"key\":\"in/a\"}", &s));
	CHECK(!source_is_fine("{\"bucket\":\"a/../b\",\"key\":\"in/a\"}", &s));
	CHECK(source_is_fine("\"https://docs.example.org/a.pdf\"", &s));
	CHECK(!source_is_fine("\"http://docs.example.org/a.pdf\"", &s));
	CHECK(!source_is_fine("\"https://docs.example.org:8443/a\"", &s));
	CHECK(!source_is_fine("\"https://docs.example.org@127.0.0.1/a\"", &s));
	CHECK(!source_is_fine("\"https://169.254.169.254/latest\"", &s));
	CHECK(!source_is_fine("\"file:///etc/passwd\"", &s));
}

TEST(the_signature_of_a_get_is_the_one_aws_computes)
{
	/* Made by botocore's S3SigV4Auth for the same request. */
	const struct s3_request request = {
		.access_key = "AKIDEXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		.session_token = "",
		.region = "us-east-1",
		.host = "127.0.0.1:4566",
		.path = "/labels/in/a%20b.xml",
		.query = "",
		.when = "20261002T100000Z",
	};
	struct text out = TEXT_INIT(2048);

	s3_authorization(&out, &request);
	CHECK(strstr(text_str(&out),
		     "Signature=0b9ae60c3f93466a2d0546140c0cbc6fef2a3a09aebc81356eb2b6cbf2a436b3"),
	      "%s", text_str(&out));
	text_fini(&out);
}
