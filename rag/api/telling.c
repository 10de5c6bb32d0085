#include "rag/api/telling.h"

#include <stdlib.h>

#include "crypto/digest.h"
#include "rag/answer/safety.h"

enum {
	NAME_MAX_BYTES = 2 * REQUEST_MAX_BYTES,
	REFERENCES_MAX_BYTES = 2 * 1024 * 1024,
	KEPT_ONE_MAX_BYTES = TELLINGS_MAX_BYTES / 16,
};

bool telling_fits(const struct chat_request *request)
{
	enum safety_kind safety = safety_of(request->message, false);

	return json_array_size(request->history) == 0 && request->previous.len == 0 &&
	       !request->items && safety != SAFETY_EMERGENCY && safety != SAFETY_CRISIS;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add_normal(struct text *out, struct bytes message)
{
	struct bytes m = bytes_trim(message);

	for (size_t i = 0; i < m.len; i++)
		if (!is_space(m.at[i]))
			text_add_char(out, ascii_lower(m.at[i]));
		else if (!is_space(m.at[i - 1]))
			text_add_char(out, ' ');
}

bool telling_name(const struct telling_question *question, struct telling_name *ret_name)
{
	const struct chat_request *r = question->request;
	struct text words = TEXT_INIT(NAME_MAX_BYTES);
	char *filter = r->filter ? json_dumps(r->filter, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	bool whole;

	text_printf(&words, "%llu %llu %u %d %u %a %d %d %zu %s %zu ",
		    (unsigned long long)question->generation, (unsigned long long)question->changes,
		    question->role, (int)r->mode, r->top_k, r->score_min, r->no_rerank,
		    r->context_only, strlen(question->model), question->model,
		    filter ? strlen(filter) : 0);
	text_add(&words, bytes_of(filter));
	add_normal(&words, r->message);
	whole = !text_err(&words) && (filter || !r->filter);
	if (whole)
		sha256(text_bytes(&words), ret_name->at);
	text_fini(&words);
	free(filter);
	return whole;
}

/* ---- One ---- */

struct telling *telling_new(const struct telling_name *name)
{
	struct telling *telling = calloc(1, sizeof *telling);

	if (!telling)
		return NULL;
	telling->holders = 1;
	telling->name = *name;
	text_init(&telling->said, TELLING_MAX_BYTES);
	arena_init(&telling->arena, REFERENCES_MAX_BYTES);
	return telling;
}

struct telling *telling_hold(struct telling *telling)
{
	telling->holders++;
	return telling;
}

void telling_release(struct telling *telling)
{
	if (!telling)
		return;
	assert(telling->holders > 0);
	if (--telling->holders)
		return;
	text_fini(&telling->said);
	arena_fini(&telling->arena);
	free(telling);
}

static err_t copy_passage(struct arena *arena, const struct passage *from,
			  const struct passage **ret_passage)
{
	struct passage *to = arena_new(arena, struct passage);

	if (!to)
		return ERR_NOMEM;
	*to = *from;
	struct bytes *const slices[] = { &to->id,      &to->document, &to->title,  &to->file,
					 &to->section, &to->code,     &to->source, &to->category,
					 &to->subject, &to->metadata, &to->item,   &to->body };

	for (size_t i = 0; i < COUNT(slices); i++)
		TRY(arena_copy(arena, *slices[i], slices[i]));
	*ret_passage = to;
	return ERR_OK;
}

err_t telling_refer(struct telling *telling, const struct answer *answer, uint64_t generation)
{
	struct answer *kept = &telling->answer;

	telling->generation = generation;
	kept->no_context = answer->no_context;
	for (unsigned i = 0; i < answer->reference_count; i++) {
		struct answer_reference *r = &kept->references[i];

		*r = answer->references[i];
		TRY(copy_passage(&telling->arena, r->passage, &r->passage));
		TRY(arena_copy(&telling->arena, r->quote, &r->quote));
	}
	kept->reference_count = answer->reference_count;
	telling_say(telling, &(struct said){ .kind = SAID_REFERENCES });
	return ERR_OK;
}

/* As it stands in `said`, before its words; a notice's are three strings. */
struct record {
	uint32_t kind, cites, weak, len;
};

static struct bytes string_with_nul(const char *string)
{
	return bytes_make(string, strlen(string) + 1);
}

void telling_say(struct telling *telling, const struct said *said)
{
	const struct event_notice *n = &said->notice;
	const struct bytes parts[] = {
		said->kind == SAID_NOTICE ? string_with_nul(n->code) : said->words,
		said->kind == SAID_NOTICE ? string_with_nul(n->severity) : BYTES_NONE,
		said->kind == SAID_NOTICE ? string_with_nul(n->message) : BYTES_NONE,
	};
	const struct record record = {
		.kind = said->kind,
		.cites = said->cites,
		.weak = said->weak,
		.len = (uint32_t)(parts[0].len + parts[1].len + parts[2].len),
	};
	size_t before = telling->said.len;

	assert(!telling->over);
	text_add(&telling->said, bytes_make((const char *)&record, sizeof record));
	for (size_t i = 0; i < COUNT(parts); i++)
		text_add(&telling->said, parts[i]);
	if (text_err(&telling->said))
		telling->said.len = before; /* whole records alone are heard */
}

bool telling_next(const struct telling *telling, size_t *at, struct said *ret_said)
{
	struct record record;
	const char *words;

	if (*at == telling->said.len)
		return false;
	memcpy(&record, telling->said.at + *at, sizeof record);
	words = telling->said.at + *at + sizeof record;
	*at += sizeof record + record.len;
	assert(*at <= telling->said.len);
	*ret_said = (struct said){
		.kind = (enum said_kind)record.kind,
		.words = bytes_make(words, record.len),
		.cites = record.cites,
		.weak = record.weak,
	};
	if (record.kind == SAID_NOTICE) {
		struct event_notice *n = &ret_said->notice;

		n->code = words;
		n->severity = n->code + strlen(n->code) + 1;
		n->message = n->severity + strlen(n->severity) + 1;
	}
	return true;
}

/* ---- Those that are kept ---- */

static size_t bytes_of_one(const struct telling *telling)
{
	return sizeof *telling + telling->said.cap + telling->arena.used_bytes;
}

void tellings_init(struct tellings *tellings, uint64_t kept_ms)
{
	*tellings = (struct tellings){ .kept_ms = kept_ms };
	list_init(&tellings->all);
}

static void forget(struct tellings *tellings, struct telling *telling)
{
	list_remove(&telling->link);
	tellings->count--;
	tellings->bytes -= bytes_of_one(telling);
	telling_release(telling);
}

void tellings_fini(struct tellings *tellings)
{
	if (!tellings->all.next)
		return; /* never begun */
	list_for_each_safe (&tellings->all, node)
		forget(tellings, container_of(node, struct telling, link));
}

struct telling *tellings_find(struct tellings *tellings, const struct telling_name *name,
			      uint64_t now_ms)
{
	list_for_each_safe (&tellings->all, node) {
		struct telling *t = container_of(node, struct telling, link);

		if (now_ms - t->at_ms >= tellings->kept_ms) {
			forget(tellings, t);
		} else if (memcmp(t->name.at, name->at, sizeof name->at) == 0) {
			list_remove(&t->link);
			list_prepend(&tellings->all, &t->link);
			return t;
		}
	}
	return NULL;
}

void tellings_put(struct tellings *tellings, struct telling *telling, uint64_t now_ms)
{
	struct telling *before = tellings_find(tellings, &telling->name, now_ms);

	assert(telling->over && !text_err(&telling->said));
	if (before)
		forget(tellings, before);
	if (tellings->kept_ms == 0 || bytes_of_one(telling) > KEPT_ONE_MAX_BYTES)
		return;
	telling->at_ms = now_ms;
	list_prepend(&tellings->all, &telling_hold(telling)->link);
	tellings->count++;
	tellings->bytes += bytes_of_one(telling);
	while (tellings->count > TELLINGS_MAX || tellings->bytes > TELLINGS_MAX_BYTES)
		forget(tellings, container_of(tellings->all.prev, struct telling, link));
}
