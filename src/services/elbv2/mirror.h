/*
 * mirror: our records as of the last commit, decoded, so that making a plan need not read and
 * parse the whole store for every small change. The store stays the truth: the change feed says
 * what to read again, and what cannot be noted is made up for by reading all.
 *
 * Internal to the folder; the control thread.
 */
#ifndef SERVICES_ELBV2_MIRROR_H
#define SERVICES_ELBV2_MIRROR_H

#include <jansson.h>

#include "base/list.h"
#include "base/map.h"
#include "store/store.h"

enum mirrored {
	MIRROR_LOAD_BALANCERS,
	MIRROR_LISTENERS,
	MIRROR_RULES,
	MIRROR_TARGET_GROUPS,
	MIRROR_TARGETS,
	MIRROR_USES,
	MIRROR_KINDS,
};

struct mirror_record {
	struct list_node link; /* in mirror.all[kind], order of creation */
	char *id;
	json_t *body;
};

struct mirror {
	struct list_node all[MIRROR_KINDS];
	struct map by_id[MIRROR_KINDS];
	size_t count[MIRROR_KINDS];
	struct list_node changed; /* noted, not read yet */
	bool stale;		  /* read everything */
};

void mirror_init(struct mirror *mirror); /* empty and stale */
void mirror_fini(struct mirror *mirror);

/* From the change feed, where the store may not be read. True when a record of ours changed. */
bool mirror_note(struct mirror *mirror, const struct store_change *changes, size_t count);

/* Reads what changed. On failure the mirror is stale and the next call reads all. */
err_t mirror_refresh(struct mirror *mirror, struct store *store);

/* for each body of a kind: struct mirror_record *record = container_of(node, …, link) */
#define mirror_each(mirror, kind, node) list_for_each (&(mirror)->all[kind], node)

static inline json_t *mirror_body(const struct list_node *node)
{
	return container_of(node, struct mirror_record, link)->body;
}

#endif
