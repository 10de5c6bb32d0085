#include "rag/graph/extract.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "rag/text/pairs.h"
#include "rag/text/sentence.h"
#include "rag/text/whole.h"
#include "rag/text/words.h"

enum {
	SENTENCE_MENTIONS_MAX = 16,
	SENTENCES_MAX = 200,
	NEGATION_REACH = 48, /* bytes before a cue in which a "not" denies it */
	PAIRS_MAX = 6,	     /* names of one sentence that are related to each other */
};

#define WEIGHT_SENTENCE 1.0f
#define WEIGHT_PASSAGE	0.3f
#define WEIGHT_GIVEN	3.0f /* said by the document's own structure */
#define WEIGHT_ITEM	10.0f

/* ---- Mentions ---- */

struct noted {
	char key[NAME_KEY_MAX];
	struct bytes name;
	enum entity_kind kind;
};

/* Words of a sentence, for names of several. */
struct sentence_words {
	struct bytes text;
	struct word at[220];
	unsigned count;
};

/* A passage while it is read. Too large for a stack. */
struct reading {
	struct noted mentions[EXTRACT_MENTIONS_MAX];
	struct extract_relation relations[EXTRACT_RELATIONS_MAX];
	unsigned mention_count, relation_count;
	struct sentence_words words; /* of the sentence at hand */
};

/* The number of the mention, or SIZE_MAX when there is no room. */
static size_t mention(struct reading *x, const char *key, struct bytes name, enum entity_kind kind)
{
	struct noted *m;

	for (unsigned i = 0; i < x->mention_count; i++)
		if (strcmp(x->mentions[i].key, key) == 0)
			return i;
	if (x->mention_count == EXTRACT_MENTIONS_MAX)
		return SIZE_MAX;
	m = &x->mentions[x->mention_count];
	memcpy(m->key, key, strlen(key) + 1);
	m->name = name;
	m->kind = kind;
	return x->mention_count++;
}

static size_t mention_name(struct reading *x, struct bytes name, enum entity_kind kind)
{
	char key[NAME_KEY_MAX];

	return name_key(name, key) ? mention(x, key, name, kind) : SIZE_MAX;
}

static void relate(struct reading *x, size_t from, size_t to, enum relation_kind kind, float weight)
{
	if (from == to || from == SIZE_MAX || to == SIZE_MAX)
		return;
	for (unsigned i = 0; i < x->relation_count; i++) {
		struct extract_relation *r = &x->relations[i];

		if (r->from == from && r->to == to && r->kind == kind) {
			r->weight += weight;
			return;
		}
	}
	if (x->relation_count < EXTRACT_RELATIONS_MAX)
		x->relations[x->relation_count++] =
			(struct extract_relation){ (uint16_t)from, (uint16_t)to, kind, weight };
}

static void words_of(struct bytes text, struct sentence_words *w)
{
	w->text = text;
	w->count = 0;
	for (size_t at = 0; w->count < COUNT(w->at) && words_next(text, &at, &w->at[w->count]);)
		w->count++;
}

static struct bytes name_of(const struct sentence_words *w, unsigned from, unsigned count)
{
	return bytes_make(w->text.at + w->at[from].from,
			  w->at[from + count - 1].to - w->at[from].from);
}

/* As name_key of that name. */
static bool key_of(const struct sentence_words *w, unsigned from, unsigned count,
		   char ret_key[NAME_KEY_MAX])
{
	size_t len = 0;

	for (unsigned i = from; i < from + count && name_key_add(ret_key, &len, &w->at[i]);)
		i++;
	ret_key[len] = '\0';
	return len > 1;
}

/* Nothing but one blank or hyphen between the words of a name. */
static bool is_run(const struct sentence_words *w, unsigned from, unsigned count)
{
	for (unsigned i = from + 1; i < from + count; i++) {
		size_t gap = w->at[i].from - w->at[i - 1].to;

		if (gap != 1 || !strchr(" -'", w->text.at[w->at[i - 1].to]))
			return false;
	}
	return true;
}

static bool is_capital(const struct sentence_words *w, unsigned i)
{
	char c = w->text.at[w->at[i].from];

	return c >= 'A' && c <= 'Z' && w->at[i].to - w->at[i].from > 1;
}

/* How many words from `at` are one known name, and of what kind; 0: none. */
static unsigned known_at(const struct sentence_words *w, unsigned at, enum entity_kind *ret_kind)
{
	const struct word *first = &w->at[at];
	bool may_begin = name_may_begin(word_stem(first));
	char key[NAME_KEY_MAX];

	if (first->is_stop)
		return 0;
	for (unsigned n = EXTRACT_WORDS_MAX; may_begin && n >= 2; n--)
		if (at + n <= w->count && !w->at[at + n - 1].is_stop && is_run(w, at, n) &&
		    key_of(w, at, n, key) && strchr(key, ' ') && name_is_listed(key, ret_kind))
			return n;
	key_of(w, at, 1, key);
	return name_kind(name_of(w, at, 1), key, ret_kind) ? 1 : 0;
}

/* "Mayo Clinic": capitals in the middle of a sentence. */
static unsigned capitals_at(const struct sentence_words *w, unsigned at)
{
	unsigned n = 0;

	if (at == 0)
		return 0;
	while (n < EXTRACT_WORDS_MAX && at + n < w->count && is_capital(w, at + n) &&
	       !w->at[at + n].is_stop && is_run(w, at, n + 1))
		n++;
	return n >= 2 ? n : 0;
}

static unsigned mentions_in(struct reading *x, const struct sentence_words *w,
			    size_t found[SENTENCE_MENTIONS_MAX])
{
	unsigned count = 0;

	for (unsigned at = 0; at < w->count && count < SENTENCE_MENTIONS_MAX;) {
		enum entity_kind kind = ENTITY_CONCEPT;
		unsigned n = known_at(w, at, &kind);
		size_t m;

		if (n == 0)
			n = capitals_at(w, at);
		if (n == 0) {
			at++;
			continue;
		}
		m = mention_name(x, name_of(w, at, n), kind);
		if (m != SIZE_MAX)
			found[count++] = m;
		at += n;
	}
	return count;
}

/* ---- What a sentence says ---- */

#define BIT(kind) (1u << ENTITY_##kind)
#define ILLS	  (BIT(CONDITION) | BIT(EFFECT))
#define AGENTS	  (BIT(DRUG) | BIT(INGREDIENT) | BIT(CLASS))

static const struct cue {
	const char *words; /* lower case */
	enum relation_kind kind;
	unsigned objects;
} cues[] = {
	{ "contraindicated", RELATION_CONTRAINDICATED, ILLS | BIT(POPULATION) | AGENTS },
	{ "should not be used", RELATION_CONTRAINDICATED, ILLS | BIT(POPULATION) | AGENTS },
	{ "do not use", RELATION_CONTRAINDICATED, ILLS | BIT(POPULATION) | AGENTS },
	{ "metabolized by", RELATION_METABOLISED, BIT(ENZYME) },
	{ "metabolised by", RELATION_METABOLISED, BIT(ENZYME) },
	{ "substrate of", RELATION_METABOLISED, BIT(ENZYME) },
	{ "inhibit", RELATION_INHIBITS, BIT(ENZYME) },
	{ "induce", RELATION_INDUCES, BIT(ENZYME) },
	{ "concomitant", RELATION_INTERACTS, AGENTS | BIT(ENZYME) },
	{ "coadminist", RELATION_INTERACTS, AGENTS | BIT(ENZYME) },
	{ "co-administ", RELATION_INTERACTS, AGENTS | BIT(ENZYME) },
	{ "interact", RELATION_INTERACTS, AGENTS | BIT(ENZYME) },
	{ "in combination with", RELATION_INTERACTS, AGENTS },
	{ "together with", RELATION_INTERACTS, AGENTS },
	{ "at the same time", RELATION_INTERACTS, AGENTS },
	{ "along with", RELATION_INTERACTS, AGENTS },
	{ "indicated", RELATION_TREATS, ILLS },
	{ "used to treat", RELATION_TREATS, ILLS },
	{ "treatment of", RELATION_TREATS, ILLS },
	{ "treats", RELATION_TREATS, ILLS },
	{ "relieve", RELATION_TREATS, ILLS },
	{ "reduce the risk of", RELATION_TREATS, ILLS },
	{ "can cause", RELATION_CAUSES, ILLS },
	{ "may cause", RELATION_CAUSES, ILLS },
	{ "side effect", RELATION_CAUSES, ILLS },
	{ "adverse reaction", RELATION_CAUSES, ILLS },
	{ "have been reported", RELATION_CAUSES, ILLS },
	{ "increased risk", RELATION_CAUSES, ILLS },
	{ "dose", RELATION_DOSE, BIT(DOSE) },
	{ "dosage", RELATION_DOSE, BIT(DOSE) },
	{ " take ", RELATION_DOSE, BIT(DOSE) },
};

/* What every sentence under a label's heading says without saying it. */
static const struct cue section_cues[] = {
	{ "34084-4", RELATION_CAUSES, ILLS },
	{ "34067-9", RELATION_TREATS, ILLS },
	{ "55105-1", RELATION_TREATS, ILLS },
	{ "34070-3", RELATION_CONTRAINDICATED, ILLS | BIT(POPULATION) | AGENTS },
	{ "34073-7", RELATION_INTERACTS, AGENTS | BIT(ENZYME) },
};

static struct pairs cue_pairs;
static pthread_once_t cues_once = PTHREAD_ONCE_INIT;

static void cues_note(void)
{
	for (size_t i = 0; i < COUNT(cues); i++)
		pairs_add(&cue_pairs, cues[i].words);
}

static size_t find_nocase(struct bytes text, struct bytes needle)
{
	for (size_t i = 0; i + needle.len <= text.len; i++)
		if (bytes_eq_nocase(bytes_make(text.at + i, needle.len), needle))
			return i;
	return SIZE_MAX;
}

static bool is_denied(struct bytes sentence, size_t cue_at)
{
	static const char *const negations[] = { " not ",    "no evidence", "did not",
						 "without ", " never ",	    "no clinically" };
	size_t from = cue_at > NEGATION_REACH ? cue_at - NEGATION_REACH : 0;
	struct bytes before = bytes_make(sentence.at + from, cue_at - from);

	for (size_t i = 0; i < COUNT(negations); i++)
		if (find_nocase(before, bytes_of(negations[i])) != SIZE_MAX)
			return true;
	return false;
}

static const struct cue *cue_of(struct bytes sentence, struct bytes code)
{
	uint32_t found = 0; /* a bit for each cue that was met, since its first place counts */
	const struct cue *best = NULL;

	_Static_assert(COUNT(cues) <= 32, "a bit for each");
	for (size_t at = 0; at + 1 < sentence.len; at++) {
		struct bytes here = bytes_from(sentence, at);

		for (size_t i = 0; pairs_may(&cue_pairs, sentence, at) && i < COUNT(cues); i++) {
			if (found >> i & 1 || !bytes_starts_nocase(here, bytes_of(cues[i].words)))
				continue;
			found |= UINT32_C(1) << i;
			if ((!best || &cues[i] < best) && !is_denied(sentence, at))
				best = &cues[i];
		}
	}
	if (best)
		return best;
	for (size_t i = 0; code.len && i < COUNT(section_cues); i++)
		if (bytes_eq_str(code, section_cues[i].words))
			return &section_cues[i];
	return NULL;
}

static bool is_agent(const struct reading *x, size_t m)
{
	return (1u << x->mentions[m].kind & AGENTS) != 0;
}

/* Quantities of a sentence about dosing are things to find, too. */
static unsigned doses_in(struct reading *x, struct bytes sentence, size_t found[], unsigned room)
{
	struct whole whole;
	unsigned count = 0;

	for (size_t at = 0; count < room && whole_next(sentence, &at, &whole);) {
		size_t m;

		if (!whole.is_quantity || !bytes_ends(bytes_of(whole.text), BYTES("mg")))
			continue;
		m = mention(x, whole.text,
			    bytes_make(sentence.at + whole.from, whole.to - whole.from),
			    ENTITY_DOSE);
		if (m != SIZE_MAX)
			found[count++] = m;
	}
	return count;
}

static void read_sentence(struct reading *x, struct bytes sentence, struct bytes code,
			  size_t subject)
{
	const struct cue *cue = cue_of(sentence, code);
	size_t found[SENTENCE_MENTIONS_MAX], agent = SIZE_MAX;
	unsigned count;

	words_of(sentence, &x->words);
	count = mentions_in(x, &x->words, found);
	if (cue && cue->kind == RELATION_DOSE)
		count += doses_in(x, sentence, found + count, SENTENCE_MENTIONS_MAX - count);
	/* Who does it: the document's medicine, else one of the sentence, else its subject. */
	if (subject != SIZE_MAX && is_agent(x, subject))
		agent = subject;
	for (unsigned i = 0; i < count && agent == SIZE_MAX; i++)
		agent = is_agent(x, found[i]) ? found[i] : agent;
	agent = agent == SIZE_MAX ? subject : agent;
	for (unsigned i = 0; i < count; i++) {
		if (cue && (cue->objects & 1u << x->mentions[found[i]].kind))
			relate(x, agent, found[i], cue->kind, WEIGHT_SENTENCE);
		else
			relate(x, agent, found[i], RELATION_RELATED, WEIGHT_PASSAGE);
	}
	for (unsigned i = 0; i < count && i < PAIRS_MAX; i++)
		for (unsigned k = i + 1; k < count && k < PAIRS_MAX; k++)
			if (found[i] != agent && found[k] != agent)
				relate(x, found[i], found[k], RELATION_RELATED, WEIGHT_SENTENCE);
}

/* ---- What the document says of itself ---- */

static void given(struct reading *x, const json_t *value, size_t subject, enum entity_kind kind,
		  enum relation_kind relation, struct bytes within)
{
	const json_t *one;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach (value, i, one)
			given(x, one, subject, kind, relation, within);
		return;
	}
	if (json_is_object(value))
		value = json_object_get(value, "name");
	if (json_is_string(value)) {
		struct bytes name = bytes_make(json_string_value(value), json_string_length(value));
		/* The slice in the passage, which outlives the JSON. */
		size_t at = find_nocase(within, name);

		if (at == SIZE_MAX)
			return;
		relate(x, mention_name(x, bytes_make(within.at + at, name.len), kind), subject,
		       relation, WEIGHT_GIVEN);
	}
}

static size_t read_subject(struct reading *x, const struct passage *passage)
{
	struct bytes name = passage->subject.len ? passage->subject : passage->title;
	enum entity_kind kind = passage->subject.len ? ENTITY_DRUG : ENTITY_CONCEPT;
	char key[NAME_KEY_MAX];

	if (!passage->subject.len && words_count(name) <= EXTRACT_WORDS_MAX) {
		name_key(name, key);
		name_kind(name, key, &kind);
	}
	return mention_name(x, name, kind);
}

static void read_metadata(struct reading *x, const struct passage *passage, size_t subject)
{
	static const struct {
		const char *name;
		enum entity_kind kind;
		enum relation_kind relation;
	} members[] = {
		{ "ingredients", ENTITY_INGREDIENT, RELATION_PART_OF },
		{ "active_ingredients", ENTITY_INGREDIENT, RELATION_PART_OF },
		{ "brand", ENTITY_DRUG, RELATION_RELATED },
		{ "class", ENTITY_CLASS, RELATION_MEMBER_OF },
		{ "route", ENTITY_ROUTE, RELATION_RELATED },
		{ "dose_form", ENTITY_FORM, RELATION_RELATED },
		{ "labeler", ENTITY_ORGANIZATION, RELATION_RELATED },
	};
	json_t *root;

	if (!passage->metadata.len || subject == SIZE_MAX)
		return;
	root = json_loadb(passage->metadata.at, passage->metadata.len, 0, NULL);
	for (size_t i = 0; i < COUNT(members); i++)
		given(x, json_object_get(json_object_get(root, "metadata"), members[i].name),
		      subject, members[i].kind, members[i].relation, passage->metadata);
	json_decref(root);
}

/* A table, figure or equation: an entity of its own, tied to all that it names. */
static void read_item(struct reading *x, const struct passage *passage)
{
	static const enum entity_kind kinds[PASSAGE_KINDS] = {
		[PASSAGE_TABLE] = ENTITY_TABLE,
		[PASSAGE_IMAGE] = ENTITY_FIGURE,
		[PASSAGE_EQUATION] = ENTITY_EQUATION,
	};
	struct bytes name = bytes_upto(passage->body, bytes_index(passage->body, '\n'));
	unsigned named = x->mention_count;
	char key[NAME_KEY_MAX];
	size_t item;

	if (passage->kind != PASSAGE_TABLE && passage->kind != PASSAGE_IMAGE &&
	    passage->kind != PASSAGE_EQUATION)
		return;
	snprintf(key, sizeof key, "item %.*s", (int)size_min(passage->id.len, 80), passage->id.at);
	item = mention(x, key, bytes_upto(name, 80), kinds[passage->kind]);
	for (unsigned i = 0; i < named; i++)
		relate(x, item, i, RELATION_BELONGS, WEIGHT_ITEM);
}

/* One allocation: the extract, and behind it mentions, relations and keys. */
static struct extract *keep(const struct reading *x)
{
	size_t mentions = x->mention_count * sizeof(struct extract_mention);
	size_t relations = x->relation_count * sizeof *x->relations, keys = 0;
	struct extract_mention *to;
	struct extract *kept;
	char *at;

	for (unsigned i = 0; i < x->mention_count; i++)
		keys += strlen(x->mentions[i].key) + 1;
	kept = malloc(sizeof *kept + mentions + relations + keys);
	if (!kept)
		return NULL;
	to = (struct extract_mention *)(kept + 1);
	at = (char *)to + mentions;
	memcpy(at, x->relations, relations);
	*kept = (struct extract){ to, (const struct extract_relation *)at, x->mention_count,
				  x->relation_count };
	at += relations;
	for (unsigned i = 0; i < x->mention_count; i++) {
		size_t size = strlen(x->mentions[i].key) + 1;

		to[i] = (struct extract_mention){ memcpy(at, x->mentions[i].key, size),
						  x->mentions[i].name, x->mentions[i].kind };
		at += size;
	}
	return kept;
}

err_t extract_passage(const struct passage *passage, struct extract **ret_extract)
{
	struct reading *x = malloc(sizeof *x);
	size_t subject, at = 0;
	struct extract *kept;
	struct span span;

	if (!x)
		return ERR_NOMEM;
	x->mention_count = x->relation_count = 0;
	pthread_once(&cues_once, cues_note);
	subject = read_subject(x, passage);
	read_metadata(x, passage, subject);
	for (unsigned n = 0; n < SENTENCES_MAX && sentence_next(passage->body, &at, &span); n++)
		read_sentence(x, bytes_make(passage->body.at + span.from, span.to - span.from),
			      passage->code, subject);
	read_item(x, passage);
	kept = keep(x);
	free(x);
	if (!kept)
		return ERR_NOMEM;
	*ret_extract = kept;
	return ERR_OK;
}
