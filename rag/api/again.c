#include "rag/api/again.h"

#include <pthread.h>

#include "crypto/digest.h"
#include "net/clock.h"

/* ---- Keys whose first request is being worked at ---- */

struct at_work {
	struct list_node link;
	struct bytes key;
};

static pthread_mutex_t at_work_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list_node at_work_all = LIST_INIT(at_work_all);

static bool at_work_begin(struct at_work *self)
{
	bool alone = true;

	pthread_mutex_lock(&at_work_lock);
	list_for_each (&at_work_all, node)
		alone &= !bytes_eq(container_of(node, struct at_work, link)->key, self->key);
	if (alone)
		list_append(&at_work_all, &self->link);
	pthread_mutex_unlock(&at_work_lock);
	return alone;
}

static void at_work_end(struct at_work *self)
{
	pthread_mutex_lock(&at_work_lock);
	list_remove(&self->link);
	pthread_mutex_unlock(&at_work_lock);
}

/* ---- What changes documents ---- */

static void keep(struct task *task, struct bytes key, struct bytes digest, uint64_t now_ms)
{
	struct library *library = task->service->library;

	if (task->fault.kind || text_err(&task->out) || library_begin(library))
		return;
	if (library_idem_put(library, key, digest, task->status, text_bytes(&task->out),
			     now_ms + ANSWERED_KEPT_MS))
		library_rollback(library);
	else
		(void)library_commit(library);
}

static void work_once(struct task *task, struct bytes key)
{
	char digest[SHA256_HEX_BYTES + 1];
	uint64_t status, now_ms = clock_unix_ms();
	struct bytes body;
	err_t err;

	sha256_hex(text_bytes(&task->body), digest);
	err = library_idem_get(task->service->library, key, bytes_of(digest), now_ms, &task->arena,
			       &status, &body);
	if (err == ERR_OK) {
		counts_one(&task->service->counts.idempotency.hits);
		task->status = (uint16_t)status;
		text_add(&task->out, body);
	} else if (err == ERR_CONFLICT) {
		task_refuse(task, FAULT_MISMATCH, "",
			    "This Idempotency-Key was used for a request with another body.");
	} else {
		counts_one(&task->service->counts.idempotency.misses);
		task->work(task);
		keep(task, key, bytes_of(digest), now_ms);
	}
}

void again_work(struct task *task)
{
	struct text key = TEXT_INIT(4096);
	struct at_work self;

	text_printf(&key, "%.*s %.*s %.*s", BYTES_ARG(task->path), BYTES_ARG(task->client),
		    BYTES_ARG(task->idempotency_key));
	self.key = text_bytes(&key);
	if (text_err(&key)) {
		task_failed(task, text_err(&key));
	} else if (!at_work_begin(&self)) {
		task_refuse(task, FAULT_BUSY, "",
			    "The first request with this Idempotency-Key is not over yet.");
	} else {
		work_once(task, self.key);
		at_work_end(&self);
	}
	text_fini(&key);
}
