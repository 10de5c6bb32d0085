/* What goes over the wire: requests read, events written. */
#include "tests/check.h"

#include <jansson.h>

#include "rag/answer/speech.h"
#include "rag/api/access.h"
#include "rag/api/multipart.h"
#include "rag/api/events.h"

static err_t read_body(const char *body, const char *type, const char *accept,
		       struct chat_request *request, struct fault *fault)
{
	const struct chat_request_parts parts = {
		.body = bytes_of(body),
		.content_type = bytes_of(type),
		.accept = bytes_of(accept),
	};

	return chat_request_read(&parts, request, fault);
}

TEST(the_form_of_the_answer_follows_accept_and_stream)
{
	static const struct {
		const char *accept, *body;
		enum chat_form form;
	} cases[] = {
		{ "", "{\"message\":\"a\"}", CHAT_SSE },
		{ "*/*", "{\"message\":\"a\"}", CHAT_SSE },
		{ "text/event-stream", "{\"message\":\"a\"}", CHAT_SSE },
		{ "application/json", "{\"message\":\"a\"}", CHAT_JSON },
		{ "application/json, text/event-stream", "{\"message\":\"a\"}", CHAT_SSE },
		{ "application/json;q=0.9", "{\"message\":\"a\"}", CHAT_JSON },
		{ "application/json", "{\"message\":\"a\",\"stream\":true}", CHAT_SSE },
		{ "text/event-stream", "{\"message\":\"a\",\"stream\":false}", CHAT_JSON },
		{ "application/x-ndjson", "{\"message\":\"a\"}", CHAT_NDJSON },
		{ "application/x-ndjson", "{\"message\":\"a\",\"stream\":false}", CHAT_JSON },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct chat_request request;
		struct fault fault;

		CHECK_OK(read_body(cases[i].body, "application/json", cases[i].accept, &request,
				   &fault));
		CHECK_EQ(request.form, cases[i].form, "%s %s", cases[i].accept, cases[i].body);
		chat_request_fini(&request);
	}
}

TEST(content_types_of_json_and_of_plain_curl_are_read)
{
	static const struct {
		const char *type, *body;
		bool fine;
	} cases[] = {
		{ "", "{\"message\":\"a\"}", true },
		{ "application/json; charset=utf-8", "{\"message\":\"a\"}", true },
		{ "APPLICATION/JSON", "{\"message\":\"a\"}", true },
		{ "application/ld+json", "{\"message\":\"a\"}", true },
		{ "text/plain", "{\"message\":\"a\"}", true },
		{ "application/x-www-form-urlencoded", "{\"message\":\"a\"}", true },
		{ "application/x-www-form-urlencoded", "message=a", false },
		{ "multipart/form-data", "{\"message\":\"a\"}", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct chat_request request;
		struct fault fault = { .kind = FAULT_NONE };
		err_t err = read_body(cases[i].body, cases[i].type, "", &request, &fault);

		CHECK_EQ(err == ERR_OK, cases[i].fine, "%s", cases[i].type);
		if (err)
			CHECK_EQ(fault.kind, FAULT_MEDIA);
		else
			chat_request_fini(&request);
	}
}

TEST(the_last_user_turn_is_the_question_before)
{
	struct chat_request request;
	struct fault fault;

	CHECK_OK(read_body(
		"{\"message\":\" a \",\"history\":[{\"role\":\"user\",\"content\":\"one\"},"
		"{\"role\":\"user\",\"content\":\"two\"},"
		"{\"role\":\"assistant\",\"content\":\"three\"}]}",
		"", "", &request, &fault));
	CHECK_BYTES(request.message, "a");
	CHECK_BYTES(request.previous, "two");
	CHECK_EQ(request.top_k, TOP_K_DEFAULT);
	CHECK(request.include_references);
	chat_request_fini(&request);
}

TEST(deep_json_is_refused_before_it_is_parsed)
{
	struct chat_request request;
	struct fault fault;
	char body[4096];

	memset(body, '[', sizeof body);
	body[sizeof body - 1] = '\0';
	CHECK_ERR(read_body(body, "", "", &request, &fault), ERR_INVALID);
	CHECK_EQ(fault.kind, FAULT_BAD_JSON);
	CHECK_OK(read_body("{\"message\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", "", "",
			   &request, &fault),
		 "brackets in a string are no depth");
	chat_request_fini(&request);
}

static struct reindex_request reindex(const char *body)
{
	struct reindex_request request;
	struct fault fault;

	CHECK_OK(reindex_request_read(bytes_of(body), BYTES_NONE, &request, &fault), "%s", body);
	return request;
}

TEST(a_reindex_says_what_is_to_be_read_again)
{
	static const char *const refused[] = {
		"{\"scope\":\"some\"}",
		"{\"scope\":1}",
		"{\"scope\":\"documents\"}",
		"{\"scope\":\"documents\",\"document_ids\":[]}",
		"{\"stages\":[]}",
		"{\"stages\":[\"parse\",\"dance\"]}",
		"{\"stages\":\"parse\"}",
		"{\"dry_run\":1}",
		"{\"scope\":\"documents\",\"document_ids\":[1]}",
	};
	struct reindex_request request;
	struct fault fault;

	CHECK_EQ(reindex("").scope, INGEST_ALL);
	CHECK_EQ(reindex(" \n").scope, INGEST_ALL);
	request = reindex("{\"scope\":\"failed\",\"reason\":\"x\",\"dry_run\":true}");
	CHECK_EQ(request.scope, INGEST_FAILED);
	CHECK(request.dry_run && !request.keep_passages);
	json_decref(request.root);
	request = reindex("{\"scope\":\"documents\",\"document_ids\":[\"doc_1\"]}");
	CHECK_EQ(json_array_size(request.ids), 1);
	json_decref(request.root);
	request = reindex("{\"stages\":[\"embed\",\"graph\"]}");
	CHECK(request.keep_passages);
	json_decref(request.root);
	for (size_t i = 0; i < COUNT(refused); i++) {
		CHECK_ERR(reindex_request_read(bytes_of(refused[i]), BYTES_NONE, &request, &fault),
			  ERR_INVALID, "%s", refused[i]);
		CHECK_EQ(fault.kind, FAULT_INVALID);
		CHECK(fault.field[0] == '/' && fault.message[0]);
	}
}

static void part_is(struct multipart *m, const char *name, const char *file, const char *data)
{
	struct multipart_part part;

	CHECK_OK(multipart_next(m, &part));
	CHECK_BYTES(part.name, name);
	CHECK_BYTES(part.filename, file);
	CHECK_BYTES(part.data, data);
}

TEST(a_form_comes_apart_into_its_fields_and_files)
{
	static const char body[] =
		"preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA\r\n--B"
		"\r\n--x y\r\ncontent-disposition: form-data; filename=\"a;\\\"b.txt\"; name=file\r\n"
		"Content-Type: text/plain\r\n\r\none\r\n--x\r\n\r\n--x y\r\n"
		"Content-Disposition: form-data; name=empty; filename=\"\"\r\n\r\n\r\n--x y--\r\n";
	struct multipart m;
	struct multipart_part part;

	CHECK_OK(multipart_begin(&m, BYTES("multipart/form-data; boundary=\"x y\""),
				 bytes_make(body, sizeof body - 1)));
	part_is(&m, "title", "", "A\r\n--B");
	part_is(&m, "file", "a;\\\"b.txt", "one\r\n--x\r\n");
	part_is(&m, "empty", "", "");
	CHECK_ERR(multipart_next(&m, &part), ERR_NOT_FOUND);
	for (size_t cut = 0; cut + 5 < sizeof body;
	     cut++) { /* any cut is an error, never a crash */
		err_t err;

		CHECK_OK(multipart_begin(&m, BYTES("multipart/form-data; boundary=\"x y\""),
					 bytes_make(body, cut)));
		while ((err = multipart_next(&m, &part)) == ERR_OK)
			;
		CHECK_EQ(err, ERR_SYNTAX, "%zu", cut);
	}
	CHECK_ERR(multipart_begin(&m, BYTES("multipart/form-data"),
				  bytes_make(body, sizeof body - 1)),
		  ERR_SYNTAX);
	CHECK_ERR(multipart_begin(&m, BYTES("text/plain; boundary=x"),
				  bytes_make(body, sizeof body - 1)),
		  ERR_SYNTAX);
}

TEST(keys_have_roles_and_clients_a_rate)
{
	static struct access access;
	struct text why = TEXT_INIT(1024);
	uint32_t wait_ms;

	CHECK_OK(access_init(&access, "", 0, &why));
	CHECK_EQ(access_role(&access, BYTES_NONE, BYTES_NONE), ACCESS_ADMIN);
	CHECK_OK(access_init(&access,
			     "read:0123456789abcdef, write:fedcba9876543210,plainkey01234567", 60,
			     &why));
	CHECK_EQ(access_role(&access, BYTES("0123456789abcdef"), BYTES_NONE), ACCESS_READ);
	CHECK_EQ(access_role(&access, BYTES_NONE, BYTES("bearer fedcba9876543210")), ACCESS_WRITE);
	CHECK_EQ(access_role(&access, BYTES("plainkey01234567"), BYTES_NONE), ACCESS_ADMIN);
	CHECK_EQ(access_role(&access, BYTES("0123456789abcdeF"), BYTES_NONE), ACCESS_NOBODY);
	CHECK_EQ(access_role(&access, BYTES_NONE, BYTES("Basic 0123456789abcdef")), ACCESS_NOBODY);
	for (unsigned i = 0; i < 60; i++)
		CHECK(access_take(&access, BYTES("me"), 5000, &wait_ms), "%u", i);
	CHECK(!access_take(&access, BYTES("me"), 5000, &wait_ms));
	CHECK(wait_ms > 0 && wait_ms <= 1001, "%u", wait_ms);
	CHECK(access_take(&access, BYTES("you"), 5000, &wait_ms));
	CHECK(access_take(&access, BYTES("me"), 5000 + 1001, &wait_ms));
	CHECK_ERR(access_init(&access, "read:short", 0, &why), ERR_INVALID);
	CHECK_ERR(access_init(&access, "king:0123456789abcdef", 0, &why), ERR_INVALID);
	text_fini(&why);
}

/* ---- Events ---- */

static struct text out = TEXT_INIT(EVENT_MAX_BYTES);

static const char *written(void)
{
	static char copy[4096];

	CHECK_OK(text_err(&out));
	CHECK(out.len < sizeof copy);
	memcpy(copy, text_str(&out), out.len + 1);
	text_fini(&out);
	text_init(&out, EVENT_MAX_BYTES);
	return copy;
}

TEST(events_have_the_three_forms)
{
	const struct event_notice notice = { "safety", "info", "be \"careful\"" };
	const struct event_start start = { "msg_1", "req_1", "m", 7 };

	event_start(&out, CHAT_SSE, &start);
	CHECK_STR(written(),
		  "event: start\ndata: {\"type\":\"start\",\"id\":\"msg_1\",\"request_id\":"
		  "\"req_1\",\"model\":\"m\",\"generation\":7}\n\n");
	event_start(&out, CHAT_NDJSON, &start);
	CHECK_STR(written(), "");
	event_delta(&out, CHAT_SSE, BYTES("a\nb\xC3\xA9"), 2);
	CHECK_STR(written(), "event: delta\ndata: {\"type\":\"delta\",\"text\":\"a\\nb\xC3\xA9\","
			     "\"cites\":[\"2\"]}\n\n");
	event_delta(&out, CHAT_NDJSON, BYTES("a"), 2);
	CHECK_STR(written(), "{\"response\":\"a\"}\n");
	event_notice(&out, CHAT_SSE, &notice);
	CHECK_STR(written(),
		  "event: notice\ndata: {\"type\":\"notice\",\"code\":\"safety\",\"severity\":"
		  "\"info\",\"message\":\"be \\\"careful\\\"\"}\n\n");
	event_heartbeat(&out, CHAT_SSE, 1500, "generating");
	CHECK_STR(written(), "event: heartbeat\ndata: {\"type\":\"heartbeat\",\"elapsed_ms\":1500,"
			     "\"stage\":\"generating\"}\n\n");
	event_heartbeat(&out, CHAT_NDJSON, 1500, "generating");
	CHECK_STR(written(),
		  "{\"type\":\"heartbeat\",\"elapsed_ms\":1500,\"stage\":\"generating\"}\n");
	event_done(&out, CHAT_SSE, &(struct event_done){ "stop", 1, 2, 3, 4, 5, true, 0 });
	CHECK_STR(
		written(),
		"event: done\ndata: {\"type\":\"done\",\"finish_reason\":\"stop\",\"usage\":"
		"{\"prompt_tokens\":1,\"completion_tokens\":2},\"timings_ms\":{\"retrieve\":     3,"
		"\"first_token\":     4,\"total\":     5},\"grounded\":true,\"weak_sentences\":0}\n\n");
	text_fini(&out);
}

TEST(faults_say_the_same_before_and_after_the_200)
{
	struct fault fault;

	fault_set(&fault, FAULT_QUEUE_FULL, "/x", "No %s.", "room");
	fault.retry_after_ms = 2000;
	fault_body(&out, &fault, BYTES("req_1"));
	CHECK_STR(written(),
		  "{\"error\":{\"code\":\"queue_full\",\"message\":\"No room.\",\"request_id\":"
		  "\"req_1\",\"field\":\"/x\",\"retry_after_ms\":2000},\"detail\":\"No room.\"}\n");
	event_error(&out, CHAT_NDJSON, &fault, BYTES("req_1"));
	CHECK_STR(written(),
		  "{\"error\":{\"code\":\"queue_full\",\"message\":\"No room.\",\"request_id\":"
		  "\"req_1\",\"field\":\"/x\",\"retry_after_ms\":2000}}\n");
	CHECK_EQ(fault_status(FAULT_QUEUE_FULL), 429);
	text_fini(&out);
}

TEST(whole_answers_and_events_are_json_whatever_a_document_says)
{
	const struct passage passage = {
		.id = BYTES("chk_1"),
		.document = BYTES("doc_1"),
		.title = BYTES("A \"title\"\n\x01"),
		.file = BYTES("a\\b.md"),
		.score = 0.5,
	};
	const struct answer answer = {
		.references = { { &passage, BYTES("quote \xFF \xE2\x80\xA8"), 3, 9 } },
		.reference_count = 1,
	};
	const struct whole_answer whole = {
		.start = { "msg_1", "req_1", "m", 1 },
		.words = BYTES("w\"\t"),
		.answer = &answer,
		.notices = BYTES("{}"),
		.done = { .finish_reason = "stop" },
	};
	json_t *root;

	whole_answer(&out, &whole);
	root = json_loadb(out.at, out.len, 0, NULL);
	CHECK(root, "%s", text_str(&out));
	CHECK_STR(json_string_value(json_object_get(root, "answer")), "w\"\t");
	json_decref(root);
	text_clear(&out);
	event_references(&out, CHAT_NDJSON, &answer, true);
	root = json_loadb(out.at, out.len, 0, NULL);
	CHECK(root, "%s", text_str(&out));
	CHECK_EQ(json_integer_value(json_array_get(
			 json_object_get(json_array_get(json_object_get(root, "references"), 0),
					 "span"),
			 1)),
		 9);
	json_decref(root);
	text_fini(&out);
}

TEST(speech_says_the_answer_word_by_word)
{
	const struct answer answer = {
		.sentences = { { BYTES("One two."), 1, false },
			       { BYTES("Three."), 2, true },
			       { BYTES("Nothing cited here."), 0, false } },
		.sentence_count = 3,
	};
	struct speech speech = { .answer = &answer };
	struct text whole = TEXT_INIT(4096), piece = TEXT_INIT(4096), spoken = TEXT_INIT(4096);
	unsigned cite, pieces = 0, cites = 0;

	while (speech_next(&speech, &piece, &cite)) {
		CHECK(piece.len > 0);
		text_add(&spoken, text_bytes(&piece));
		pieces++;
		cites = cites * 10 + cite;
	}
	answer_write(&whole, &answer);
	CHECK_STR(text_str(&spoken), "One two. [1]\n\nThree. [2] Nothing cited here.");
	CHECK_STR(text_str(&whole), text_str(&spoken));
	CHECK_EQ(pieces, 8);
	CHECK_EQ(cites, 102000, "each where its sentence closes");
	text_fini(&whole);
	text_fini(&piece);
	text_fini(&spoken);
}
