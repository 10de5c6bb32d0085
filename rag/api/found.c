#include "rag/api/found.h"

#include "base/encode.h"

static void string(struct text *out, const char *name, struct bytes value)
{
	text_printf(out, "\"%s\":\"", name);
	encode_json(out, value);
	text_add_char(out, '"');
}

static void strings(struct text *out, const char *const names[], const struct bytes values[],
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_add_str(out, i ? "," : "");
		string(out, names[i], values[i]);
	}
}

void found_place(struct text *out, const struct passage *p)
{
	static const char *const names[] = { "chunk_id", "document_id", "title",
					     "file",	 "section",	"source" };
	const struct bytes values[] = {
		p->id, p->document, p->title, p->file, p->section, p->source
	};

	strings(out, names, values, COUNT(names));
	if (p->code.len) {
		text_add_char(out, ',');
		string(out, "section_code", p->code);
	}
	if (p->page_from)
		text_printf(out, ",\"page\":%u,\"page_to\":%u", p->page_from, p->page_to);
}

/* References are per file, numbered in the order in which their files are first met. */
static unsigned reference_of(const struct evidence *evidence, unsigned at)
{
	unsigned number = 0;

	for (unsigned i = 0; i <= at; i++) {
		bool met = false;

		for (unsigned k = 0; k < i && !met; k++)
			met = bytes_eq(evidence->ranked[k].passage.document,
				       evidence->ranked[i].passage.document);
		number += !met;
		if (bytes_eq(evidence->ranked[i].passage.document,
			     evidence->ranked[at].passage.document))
			return number;
	}
	return number;
}

static void chunk(struct text *out, const struct evidence *evidence, unsigned at)
{
	const struct evidence_passage *e = &evidence->ranked[at];
	const struct passage *p = &e->passage;

	text_printf(out, "%s{\"reference_id\":\"%u\",", at ? "," : "", reference_of(evidence, at));
	string(out, "content", p->body);
	text_add_char(out, ',');
	string(out, "file_path", p->file);
	text_add_char(out, ',');
	found_place(out, p);
	text_printf(out,
		    ",\"span\":[%llu,%llu],\"scores\":{\"bm25\":%.6f,\"vector\":%.6f,"
		    "\"graph\":%.6f,\"rerank\":%.6f,\"final\":%.6f},\"coverage\":%.4f",
		    (unsigned long long)p->char_from, (unsigned long long)p->char_to,
		    e->scores.bm25, e->scores.vector, e->scores.graph, e->scores.rerank,
		    e->scores.final, e->coverage);
	if (e->commands)
		text_add_str(out, ",\"flags\":[\"instructions\"]");
	text_add_char(out, '}');
}

static void references(struct text *out, const struct evidence *evidence)
{
	unsigned last = 0;

	for (unsigned i = 0; i < evidence->ranked_count; i++) {
		const struct passage *p = &evidence->ranked[i].passage;
		unsigned number = reference_of(evidence, i);

		if (number <= last)
			continue;
		text_printf(out, "%s{\"reference_id\":\"%u\",", last ? "," : "", number);
		string(out, "file_path", p->file);
		text_add_char(out, ',');
		string(out, "document_id", p->document);
		text_add_char(out, ',');
		string(out, "title", p->title);
		text_add_char(out, '}');
		last = number;
	}
}

/* The number of the reference whose passage that is, or 0. */
static unsigned reference_of_passage(const struct evidence *evidence, struct bytes passage_id)
{
	for (unsigned i = 0; i < evidence->ranked_count; i++)
		if (bytes_eq(evidence->ranked[i].passage.id, passage_id))
			return reference_of(evidence, i);
	return 0;
}

static void source_of(struct text *out, const struct evidence *evidence, struct bytes passage_id)
{
	unsigned number = reference_of_passage(evidence, passage_id);

	string(out, "source_id", passage_id);
	if (number)
		text_printf(out, ",\"reference_id\":\"%u\"", number);
	text_add_char(out, '}');
}

static void entities(struct text *out, const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->entity_count; i++) {
		const struct evidence_entity *e = &evidence->entities[i];

		text_add_str(out, i ? ",{" : "{");
		string(out, "entity_name", e->name);
		text_printf(out, ",\"entity_type\":\"%s\",\"mentions\":%u,",
			    entity_kind_names[e->kind], e->mentions);
		source_of(out, evidence, e->passage_id);
	}
}

static void relations(struct text *out, const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->relation_count; i++) {
		const struct evidence_relation *r = &evidence->relations[i];

		text_add_str(out, i ? ",{" : "{");
		string(out, "src_id", r->from);
		text_add_char(out, ',');
		string(out, "tgt_id", r->to);
		text_printf(out, ",\"keywords\":\"%s\",\"weight\":%.2f,\"evidence\":%u,",
			    relation_kind_names[r->kind], (double)r->weight, r->evidence);
		source_of(out, evidence, r->passage_id);
	}
}

static void keywords(struct text *out, const struct question *question)
{
	text_add_str(out, "\"keywords\":{\"high_level\":[");
	if (question->intent != INTENT_GENERAL)
		text_printf(out, "\"%s\"", question_intent_names[question->intent]);
	text_add_str(out, "],\"low_level\":[");
	for (unsigned i = 0; i < question->term_count; i++) {
		text_add_str(out, i ? ",\"" : "\"");
		encode_json(out, question->terms[i].forms[0].word);
		text_add_char(out, '"');
	}
	text_add_str(out, "]}");
}

void found_write(struct text *out, const struct found *found)
{
	const struct evidence *e = found->evidence;

	text_add_str(out, "{\"status\":\"success\",");
	string(out, "message",
	       e->ranked_count ? BYTES("Query executed successfully")
			       : BYTES("Nothing was found that fits the question."));
	text_add_str(out, ",\"data\":{\"entities\":[");
	entities(out, e);
	text_add_str(out, "],\"relationships\":[");
	relations(out, e);
	text_add_str(out, "],\"chunks\":[");
	for (unsigned i = 0; i < e->ranked_count; i++)
		chunk(out, e, i);
	text_add_str(out, "],\"references\":[");
	references(out, e);
	text_printf(out, "]},\"metadata\":{\"query_mode\":\"%s\",", found->mode);
	keywords(out, found->question);
	text_printf(out,
		    ",\"generation\":%llu,\"processing_info\":{\"candidates\":%llu,"
		    "\"final_chunks_count\":%u,\"answerable\":%s,\"took_us\":%llu}}}\n",
		    (unsigned long long)e->generation, (unsigned long long)e->candidates,
		    e->ranked_count, e->count ? "true" : "false",
		    (unsigned long long)found->took_us);
}
