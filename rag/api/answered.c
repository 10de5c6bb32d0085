#include "rag/api/answered.h"

#include <stdlib.h>

#include "crypto/digest.h"

bool answered_key_fits(struct bytes key)
{
	if (key.len == 0 || key.len > ANSWERED_KEY_MAX_BYTES)
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] <= ' ' || key.at[i] >= 0x7F)
			return false;
	return true;
}

struct kept {
	struct list_node link;
	struct answered_name name;
	uint64_t at_ms;
	char *body;
	size_t len;
};

void answered_init(struct answered *answered)
{
	*answered = (struct answered){ .count = 0 };
	list_init(&answered->all);
}

static void forget(struct answered *answered, struct kept *a)
{
	list_remove(&a->link);
	answered->count--;
	answered->bytes -= a->len;
	free(a->body);
	free(a);
}

void answered_fini(struct answered *answered)
{
	if (!answered->all.next)
		return; /* never begun */
	list_for_each_safe (&answered->all, node)
		forget(answered, container_of(node, struct kept, link));
}

/* Each part with its length before it, so that no two requests look alike. */
static void add_part(struct text *out, struct bytes part)
{
	text_printf(out, "%zu ", part.len);
	text_add(out, part);
}

void answered_name(const struct answered_parts *parts, struct answered_name *ret_name)
{
	uint8_t body[SHA256_BYTES];
	struct text words = TEXT_INIT(256 * 1024);

	add_part(&words, parts->path);
	add_part(&words, parts->client);
	add_part(&words, parts->key);
	sha256(text_bytes(&words), ret_name->key);
	text_clear(&words);
	sha256(parts->body, body);
	add_part(&words, parts->query);
	add_part(&words, parts->accept);
	add_part(&words, bytes_make((const char *)body, sizeof body));
	sha256(text_bytes(&words), ret_name->request);
	text_fini(&words);
}

err_t answered_find(struct answered *answered, const struct answered_name *name, uint64_t now_ms,
		    struct bytes *ret_body)
{
	list_for_each_safe (&answered->all, node) {
		struct kept *a = container_of(node, struct kept, link);

		if (now_ms - a->at_ms >= ANSWERED_KEPT_MS) {
			forget(answered, a);
		} else if (memcmp(a->name.key, name->key, sizeof name->key) == 0) {
			if (memcmp(a->name.request, name->request, sizeof name->request) != 0)
				return ERR_CONFLICT;
			*ret_body = bytes_make(a->body, a->len);
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

void answered_put(struct answered *answered, const struct answered_name *name, struct bytes body,
		  uint64_t now_ms)
{
	struct kept *a = calloc(1, sizeof *a);

	if (a)
		a->body = bytes_dup(body);
	if (!a || !a->body || body.len > ANSWERED_MAX_BYTES / 4) {
		free(a ? a->body : NULL);
		free(a);
		return;
	}
	a->name = *name;
	a->at_ms = now_ms;
	a->len = body.len;
	list_prepend(&answered->all, &a->link);
	answered->count++;
	answered->bytes += a->len;
	while (answered->count > ANSWERED_MAX || answered->bytes > ANSWERED_MAX_BYTES)
		forget(answered, container_of(answered->all.prev, struct kept, link));
}
