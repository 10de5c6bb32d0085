/*
 * What ragd reads from others: a client's request, a document, a model's stream. The first byte
 * chooses which.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rag/api/request.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/markdown.h"
#include "rag/model/completion.h"
#include "rag/model/sse_reader.h"
#include "rag/retrieve/question.h"
#include "rag/text/sentence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(struct bytes in)
{
	const struct chat_request_parts parts = {
		.body = in,
		.content_type = BYTES("application/json"),
		.accept = bytes_upto(in, 32),
		.query = bytes_upto(in, 64),
	};
	struct chat_request read;
	struct fault fault;

	if (chat_request_read(&parts, &read, &fault) == ERR_OK) {
		if (read.message.len == 0 || read.top_k == 0)
			abort();
		chat_request_fini(&read);
	} else if (fault.kind == FAULT_NONE || !fault.message[0]) {
		abort();
	}
}

static err_t on_chunk(void *owner, const struct passage *chunk)
{
	const struct document *document = owner;
	struct text shown = TEXT_INIT(1 << 22);
	struct span span;

	if (chunk->char_from > chunk->char_to || chunk->char_to > document->text.len)
		abort();
	if (chunk->kind == PASSAGE_TEXT &&
	    (chunk->body.at < document->text.at ||
	     chunk->body.at + chunk->body.len > document->text.at + document->text.len))
		abort();
	for (size_t at = 0; sentence_next(chunk->body, &at, &span);) {
		if (span.from >= span.to || span.to > chunk->body.len || at < span.to)
			abort();
		sentence_show(&shown, bytes_make(chunk->body.at + span.from, span.to - span.from));
		if (sentence_list_end(chunk->body, span.to) < span.to)
			abort();
	}
	text_fini(&shown);
	return ERR_OK;
}

static void document(struct bytes in)
{
	struct document read;
	struct arena arena;

	arena_init(&arena, 64 << 20);
	if (markdown_parse(&arena, BYTES("a.md"), in, &read) == ERR_OK)
		if (chunk_document(&read, CHUNK_SECTIONS, on_chunk, &read))
			abort();
	arena_fini(&arena);
}

static void question(struct bytes in)
{
	struct question read;

	question_read(bytes_upto(in, in.len / 2), bytes_from(in, in.len / 2), &read);
	for (unsigned i = 0; i < read.term_count; i++)
		if (read.terms[i].form_count == 0 || !read.terms[i].forms[0].word.len)
			abort();
}

static bool on_data(void *owner, struct bytes data)
{
	struct completion_piece piece;
	struct text out = TEXT_INIT(1 << 20);

	completion_piece(data, &piece);
	if (piece.content)
		cite_filter_feed(owner, bytes_of(piece.content), &out);
	cite_filter_feed(owner, data, &out);
	cite_filter_end(owner, &out);
	text_fini(&out);
	free(piece.content);
	return true;
}

static void stream(struct bytes in)
{
	struct cite_filter filter = { .references = 3 };
	struct sse_reader reader;

	sse_reader_init(&reader);
	(void)sse_reader_feed(&reader, in, on_data, &filter);
	sse_reader_fini(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size == 0)
		return 0;
	in = bytes_make(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: request(in); break;
	case 1: document(in); break;
	case 2: question(in); break;
	default: stream(in); break;
	}
	return 0;
}
