/*
 * A kept index whose sum is right and whose insides are not: what is taken of it is refused or can
 * be searched, changed and put down. The input is a list of patches (four bytes say where, one says
 * what) to the file of a small generation.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "rag/retrieve/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PASSAGES = 24, PATCH_BYTES = 5, HEADER_BYTES = 64, PATCHES_MAX = 64 };

static char path[64], *payload;
static size_t payload_len;

static err_t add(struct generation *g, unsigned n)
{
	char id[16], document[16], body[120];
	struct passage p = { .title = BYTES("Zorvex"), .subject = BYTES("zorvexine") };
	struct corpus_entry *entry;

	snprintf(id, sizeof id, "chk_%u", n);
	snprintf(document, sizeof document, "doc_%u", n % 5);
	snprintf(body, sizeof body, "Zorvex %u may cause nausea and treats headache. Take %u mg.",
		 n, n);
	p.id = bytes_of(id);
	p.document = p.file = bytes_of(document);
	p.body = bytes_of(body);
	p.ordinal = n;
	entry = entry_new(&p);
	return entry ? generation_add(g, entry, NULL) : ERR_NOMEM;
}

/* The file of a generation as it should be, without its header. */
static void prepare(void)
{
	struct image_writer *writer;
	struct image_name name;
	struct generation *g;
	long len;
	FILE *f;

	log_setup(LOG_LEVEL_ERROR, NULL);
	snprintf(path, sizeof path, "/dev/shm/weir-fuzz-index-%d", (int)getpid());
	if (generation_new(1, 1, &g))
		abort();
	for (unsigned n = 0; n < PASSAGES; n++)
		if (add(g, n))
			abort();
	if (likeness_refresh(g))
		abort();
	for (uint32_t i = 0; i < PASSAGES; i += 2)
		if (!generation_vector(g, generation_at(g, i)) || !entry_words(generation_at(g, i)))
			abort();
	generation_remove(g, BYTES("chk_7"), NULL);
	if (generation_put(g, path, &writer, &name) || image_finish(writer, &name))
		abort();
	generation_free(g);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) <= HEADER_BYTES)
		abort();
	payload_len = (size_t)len - HEADER_BYTES;
	payload = malloc(payload_len);
	if (!payload || fseek(f, HEADER_BYTES, SEEK_SET) ||
	    fread(payload, 1, payload_len, f) != payload_len)
		abort();
	fclose(f);
}

/* Most of the file is the table of the vectors, where any number will do. */
static size_t place_of(const uint8_t *patch)
{
	uint32_t at;

	memcpy(&at, patch, sizeof at);
	if (at % 4)
		return at / 4 % (payload_len < 16384 ? payload_len : 16384);
	return payload_len - 1 - at / 4 % (payload_len < 32768 ? payload_len : 32768);
}

static bool on_entry(void *owner, struct corpus_entry *entry)
{
	struct generation *g = owner;

	(void)entry_about(entry);
	(void)entry_words(entry);
	(void)generation_vector(g, entry);
	(void)generation_neighbour(g, entry, 1);
	return true;
}

static void use(struct generation *g)
{
	const struct postings_form form = { BYTES("nausea"), 1 };
	const struct postings_wish wish = { &form, 1, 1 };
	struct postings_hit hits[8];
	uint32_t ids[8];
	unsigned count;

	(void)postings_search(generation_postings(g), &wish, 1, NULL, hits, 8, &count);
	(void)graph_link(generation_graph(g), BYTES("zorvexine for headache and nausea"), ids, 8);
	generation_each(g, on_entry, g);
	(void)add(g, 100);
	generation_remove(g, BYTES("chk_3"), NULL);
	generation_forget(g, BYTES("doc_1"));
	(void)add(g, 101);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image_name name = { 1, 1, 9 };
	struct image_writer *writer;
	struct generation *g;
	char *copy;

	if (!payload)
		prepare();
	copy = malloc(payload_len);
	if (!copy || image_create(path, &writer))
		abort();
	memcpy(copy, payload, payload_len);
	for (size_t i = 0; i + PATCH_BYTES <= size && i < PATCHES_MAX * PATCH_BYTES;
	     i += PATCH_BYTES)
		copy[place_of(data + i)] = (char)data[i + 4];
	image_put_more(writer, copy, payload_len);
	free(copy);
	if (image_finish(writer, &name))
		abort();
	if (generation_take(path, 1, 1, &g) == ERR_OK) {
		use(g);
		generation_free(g);
	} else if (size < PATCH_BYTES) {
		abort(); /* nothing was changed */
	}
	(void)unlink(path);
	return 0;
}
