#include "services/elbv2/mirror.h"

#include <stdlib.h>

#include "services/elbv2/elbv2_internal.h"

static const char *const kinds[MIRROR_KINDS] = {
	[MIRROR_LOAD_BALANCERS] = KIND_LOAD_BALANCER,
	[MIRROR_LISTENERS] = KIND_LISTENER,
	[MIRROR_RULES] = KIND_RULE,
	[MIRROR_TARGET_GROUPS] = KIND_TARGET_GROUP,
	[MIRROR_TARGETS] = KIND_TARGET,
	[MIRROR_USES] = KIND_USE,
};

struct change {
	struct list_node link;
	enum mirrored kind;
	char *id;
};

static void change_free(struct change *change)
{
	if (change)
		free(change->id);
	free(change);
}

static void record_free(struct mirror_record *record)
{
	if (record) {
		free(record->id);
		json_decref(record->body);
	}
	free(record);
}

static void forget_changes(struct mirror *mirror)
{
	struct list_node *node;

	while ((node = list_pop(&mirror->changed)) != NULL)
		change_free(container_of(node, struct change, link));
}

static void forget_records(struct mirror *mirror)
{
	struct list_node *node;

	for (unsigned i = 0; i < MIRROR_KINDS; i++) {
		while ((node = list_pop(&mirror->all[i])) != NULL)
			record_free(container_of(node, struct mirror_record, link));
		map_fini(&mirror->by_id[i]);
		mirror->by_id[i] = (struct map)MAP_INIT;
		mirror->count[i] = 0;
	}
}

void mirror_init(struct mirror *mirror)
{
	*mirror = (struct mirror){ .stale = true };
	for (unsigned i = 0; i < MIRROR_KINDS; i++)
		list_init(&mirror->all[i]);
	list_init(&mirror->changed);
}

void mirror_fini(struct mirror *mirror)
{
	forget_changes(mirror);
	forget_records(mirror);
}

/* ---- The feed ---- */

static bool note_one(struct mirror *mirror, enum mirrored kind, const char *id)
{
	struct change *change = calloc(1, sizeof *change);

	if (change)
		change->id = bytes_dup(bytes_of(id));
	if (!change || !change->id) {
		change_free(change);
		return false;
	}
	change->kind = kind;
	list_append(&mirror->changed, &change->link);
	return true;
}

bool mirror_note(struct mirror *mirror, const struct store_change *changes, size_t count)
{
	bool ours = false;

	for (size_t i = 0; i < count; i++) {
		for (unsigned k = 0; k < MIRROR_KINDS; k++) {
			if (strcmp(kinds[k], changes[i].kind) != 0)
				continue;
			ours = true;
			if (!mirror->stale && !note_one(mirror, (enum mirrored)k, changes[i].id))
				mirror->stale = true;
		}
	}
	return ours;
}

/* ---- Reading ---- */

/* The body is borrowed. */
static err_t keep(struct mirror *mirror, enum mirrored kind, const char *id, json_t *body)
{
	struct mirror_record *record = map_get(&mirror->by_id[kind], bytes_of(id));
	err_t err;

	if (record) {
		json_decref(record->body);
		record->body = json_incref(body);
		return ERR_OK;
	}
	record = calloc(1, sizeof *record);
	if (!record)
		return ERR_NOMEM;
	record->id = bytes_dup(bytes_of(id));
	record->body = json_incref(body);
	err = record->id ? map_put(&mirror->by_id[kind], bytes_of(id), record, NULL) : ERR_NOMEM;
	if (err) {
		record_free(record);
		return err;
	}
	list_append(&mirror->all[kind], &record->link);
	mirror->count[kind]++;
	return ERR_OK;
}

static void drop(struct mirror *mirror, enum mirrored kind, const char *id)
{
	struct mirror_record *record = map_remove(&mirror->by_id[kind], bytes_of(id));

	if (!record)
		return; /* made and gone between two looks */
	list_remove(&record->link);
	mirror->count[kind]--;
	record_free(record);
}

/* What was deleted and made again between two looks keeps its place: order matters to nobody then.
 */
static err_t read_change(struct mirror *mirror, struct store_txn *txn, const struct change *change)
{
	json_t *body;
	err_t err = store_get(txn, kinds[change->kind], change->id, &body, NULL);

	if (err == ERR_NOT_FOUND) {
		drop(mirror, change->kind, change->id);
		return ERR_OK;
	}
	TRY(err);
	err = keep(mirror, change->kind, change->id, body);
	json_decref(body);
	return err;
}

struct reading {
	struct mirror *mirror;
	enum mirrored kind;
	err_t err;
};

static bool read_record(void *owner, const struct store_resource *resource)
{
	struct reading *reading = owner;

	reading->err = keep(reading->mirror, reading->kind, resource->id, resource->body);
	return !reading->err;
}

static err_t read_all(struct mirror *mirror, struct store_txn *txn)
{
	struct reading reading = { .mirror = mirror };

	forget_records(mirror);
	for (unsigned i = 0; i < MIRROR_KINDS; i++) {
		reading.kind = (enum mirrored)i;
		TRY(store_each(txn, kinds[i], NULL, NULL, read_record, &reading));
		TRY(reading.err);
	}
	return ERR_OK;
}

static err_t read_changes(struct mirror *mirror, struct store_txn *txn)
{
	list_for_each (&mirror->changed, node)
		TRY(read_change(mirror, txn, container_of(node, struct change, link)));
	return ERR_OK;
}

err_t mirror_refresh(struct mirror *mirror, struct store *store)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(store, &txn));
	err = mirror->stale ? read_all(mirror, txn) : read_changes(mirror, txn);
	store_rollback(txn);
	mirror->stale = err != ERR_OK;
	forget_changes(mirror);
	return err;
}
