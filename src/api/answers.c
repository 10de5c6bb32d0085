#include "api/answers.h"

#include <stdlib.h>

enum { ID_BYTES = 36, ID_DISTANCE_MAX = 512 };

struct answer {
	struct list_node link;
	const void *service, *operation;
	char *input; /* in one spelling */
	char *body;
	size_t len, id_at; /* SIZE_MAX: it holds no id */
};

void answers_init(struct answers *answers)
{
	*answers = (struct answers){ .count = 0 };
	list_init(&answers->all);
}

static void drop(struct answers *answers, struct answer *answer)
{
	list_remove(&answer->link);
	answers->count--;
	answers->bytes -= answer->len;
	free(answer->input);
	free(answer->body);
	free(answer);
}

void answers_fini(struct answers *answers)
{
	list_for_each_safe (&answers->all, node)
		drop(answers, container_of(node, struct answer, link));
}

void answers_forget(struct answers *answers, const void *service)
{
	list_for_each_safe (&answers->all, node) {
		struct answer *answer = container_of(node, struct answer, link);

		if (answer->service == service)
			drop(answers, answer);
	}
}

static char *spell(const json_t *input)
{
	char *text = json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);

	if (text && strlen(text) <= ANSWER_KEY_BYTES_MAX)
		return text;
	free(text);
	return NULL;
}

static struct answer *find(struct answers *answers, const struct question_key *key,
			   const char *input)
{
	list_for_each (&answers->all, node) {
		struct answer *answer = container_of(node, struct answer, link);

		if (answer->service == key->service && answer->operation == key->operation &&
		    strcmp(answer->input, input) == 0)
			return answer;
	}
	return NULL;
}

bool answers_find(struct answers *answers, const struct question_key *key, const char *request_id,
		  struct text *body)
{
	char *input = spell(key->input);
	struct answer *answer = input ? find(answers, key, input) : NULL;
	size_t before = body->len;

	free(input);
	if (!answer)
		return false;
	text_add(body, bytes_make(answer->body, answer->len));
	if (!text_err(body) && answer->id_at != SIZE_MAX)
		memcpy(body->at + before + answer->id_at, request_id, ID_BYTES);
	list_remove(&answer->link);
	list_append(&answers->all, &answer->link);
	return true;
}

/* Nearer to the end than anything a caller could have named. */
static size_t find_id(struct bytes body, const char *request_id)
{
	size_t from = body.len > ID_DISTANCE_MAX ? body.len - ID_DISTANCE_MAX : 0;
	size_t at = bytes_find(bytes_from(body, from), bytes_make(request_id, ID_BYTES));

	return at == SIZE_MAX ? SIZE_MAX : from + at;
}

static struct answer *make(const struct question_key *key, const char *request_id,
			   struct bytes body)
{
	struct answer *answer = calloc(1, sizeof *answer);

	if (!answer)
		return NULL;
	answer->service = key->service;
	answer->operation = key->operation;
	answer->input = spell(key->input);
	answer->body = bytes_dup(body);
	answer->len = body.len;
	answer->id_at = find_id(body, request_id);
	if (answer->input && answer->body)
		return answer;
	free(answer->input);
	free(answer->body);
	free(answer);
	return NULL;
}

void answers_keep(struct answers *answers, const struct question_key *key, const char *request_id,
		  struct bytes body)
{
	struct answer *answer;

	assert(strlen(request_id) == ID_BYTES);
	if (!body.len || body.len > ANSWER_BYTES_MAX)
		return;
	answer = make(key, request_id, body);
	if (!answer)
		return;
	list_append(&answers->all, &answer->link);
	answers->count++;
	answers->bytes += answer->len;
	while (answers->count > ANSWERS_MAX || answers->bytes > ANSWERS_BYTES_MAX)
		drop(answers, container_of(answers->all.next, struct answer, link));
}
