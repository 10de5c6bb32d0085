#include "app/access_events.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/when.h"
#include "net/mailbox.h"

enum {
	BATCH_BYTES = 64 * 1024,
	RECORD_BYTES = 160 * 1024, /* the longest: a 16 KiB URI, every byte escaped, twice */
	BATCHES_WAITING_MAX = 256,
	FLUSH_MS = 200,
	LINES_MAX = 1024, /* of one write */
	NAME_BYTES = 600,
};

/* In a batch, before its load balancer's id and its line. */
struct line_head {
	uint64_t time_ms;
	uint32_t id_bytes;
	uint32_t line_bytes; /* the log event's; 0: none */
	uint32_t alb_bytes;  /* ALB's own line, for the bucket; 0: nobody wants it */
	enum elbv2_log log;  /* which it belongs to */
};

struct batch {
	struct loop_job job; /* its place in the mailbox; never run */
	struct text records;
};

/* One thread's. */
struct worker_end {
	struct access_events *events;
	struct loop *loop;
	struct timer flush;
	struct batch *filling;
};

struct access_events {
	struct loop *control;
	struct logs *logs; /* NULL once finished */
	struct log_delivery *delivery;
	struct store_listener listener;
	struct mailbox mailbox; /* batches; whoever fills it posts `wake` */
	struct loop_job wake;
	_Atomic unsigned waiting;
	_Atomic uint64_t dropped;
};

static _Thread_local struct worker_end *mine;

/* ---- The line ---- */

/* What came from outside must not end the field, nor the line. */
static void add_escaped(struct text *out, struct bytes value)
{
	size_t plain = 0;

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
			continue;
		text_add(out, bytes_make(value.at + plain, i - plain));
		text_printf(out, "\\x%02X", c);
		plain = i + 1;
	}
	text_add(out, bytes_from(value, plain));
}

static void add_address(struct text *out, const struct address *address)
{
	char room[ADDRESS_TEXT_BYTES];

	if (!address->family) {
		text_add_str(out, " - -");
		return;
	}
	text_add_char(out, ' ');
	text_add(out, bytes_make(room, address_format_ip(address, room)));
	text_add_char(out, ' ');
	text_add_u64(out, address->port);
}

static void add_seconds(struct text *out, int64_t us)
{
	uint64_t ms = us < 0 ? 0 : ((uint64_t)us + 500) / 1000;
	char thousandths[4] = { '.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
				(char)('0' + ms % 10) };

	if (us < 0) {
		text_add_str(out, " -1");
		return;
	}
	text_add_char(out, ' ');
	text_add_u64(out, ms / 1000);
	text_add(out, bytes_make(thousandths, sizeof thousandths));
}

static void add_status(struct text *out, uint16_t status)
{
	if (!status) {
		text_add_str(out, " -");
		return;
	}
	text_add_char(out, ' ');
	text_add_u64(out, status);
}

static const char *version_of(enum http_version version)
{
	return version == HTTP_1_0 ? "HTTP/1.0" : version == HTTP_2 ? "HTTP/2.0" : "HTTP/1.1";
}

static void add_request(struct text *out, const struct access_record *record)
{
	text_add_str(out, " \"");
	if (record->method.len) {
		add_escaped(out, record->method);
		text_add_char(out, ' ');
		add_escaped(out, record->uri);
		text_add_char(out, ' ');
		text_add_str(out, version_of(record->version));
	} else {
		text_add_str(out, "- - -");
	}
	text_add_char(out, '"');
}

void access_event_line(struct text *out, const struct access_record *record)
{
	char when[WHEN_ISO_BYTES + 1];

	assert(record->phase == ACCESS_END);
	when_iso_us(record->time_unix_us, when);
	text_add_str(out, when);
	text_add_char(out, ' ');
	if (record->trace_id.len)
		add_escaped(out, record->trace_id);
	else
		text_add_char(out, '-');
	add_address(out, &record->client);
	add_address(out, &record->target);
	add_seconds(out, record->request_us);
	add_seconds(out, record->target_us);
	add_seconds(out, record->response_us);
	add_status(out, record->elb_status);
	add_status(out, record->target_status);
	text_add_char(out, ' ');
	text_add_u64(out, record->received_bytes);
	text_add_char(out, ' ');
	text_add_u64(out, record->sent_bytes);
	add_request(out, record);
}

/* ---- The control thread's side ---- */

/* "app/NAME/ID" to the group's name; false when it is none. */
static bool group_name(struct bytes id, char out[NAME_BYTES])
{
	struct bytes rest = id, part;

	if (!bytes_cut(&rest, '/', &part) || !bytes_cut(&rest, '/', &part) || !part.len)
		return false;
	return snprintf(out, NAME_BYTES, "/aws/applicationelb/%.*s", BYTES_ARG(part)) < NAME_BYTES;
}

/* Lines of one load balancer, which stand together. */
struct run {
	struct bytes id;
	struct logs_line lines[LINES_MAX];
	size_t count;
};

static void write_run(struct access_events *events, struct run *run)
{
	char group[NAME_BYTES], stream[NAME_BYTES];
	err_t err;

	if (!run->count || !group_name(run->id, group) || run->id.len >= NAME_BYTES)
		return;
	snprintf(stream, sizeof stream, "%.*s", BYTES_ARG(run->id));
	err = logs_write(events->logs, group, stream, run->lines, run->count);
	run->count = 0;
	if (!err)
		return;
	atomic_fetch_add(&events->dropped, 1);
	log_error("app", "access records cannot be written to the log group %s: %s", group,
		  err_words(err));
}

static void add_to_run(struct access_events *events, struct run *run, struct bytes id,
		       uint64_t time_ms, struct bytes line)
{
	if (run->count == LINES_MAX || !bytes_eq(run->id, id))
		write_run(events, run);
	run->id = id;
	run->lines[run->count++] = (struct logs_line){ time_ms, line };
}

static void write_batch(struct access_events *events, struct bytes records)
{
	struct run *run = calloc(1, sizeof *run);

	while (run && records.len) {
		struct line_head head;
		struct bytes id;

		memcpy(&head, records.at, sizeof head);
		id = bytes_upto(bytes_from(records, sizeof head), head.id_bytes);
		records = bytes_from(records, sizeof head + head.id_bytes);
		if (head.line_bytes)
			add_to_run(events, run, id, head.time_ms,
				   bytes_upto(records, head.line_bytes));
		records = bytes_from(records, head.line_bytes);
		if (head.alb_bytes)
			log_delivery_line(events->delivery, head.log, id,
					  bytes_upto(records, head.alb_bytes));
		records = bytes_from(records, head.alb_bytes);
	}
	if (run)
		write_run(events, run);
	free(run);
}

static void take_batches(struct access_events *events)
{
	struct loop_job *job = mailbox_take(&events->mailbox);

	while (job) {
		struct batch *batch = container_of(job, struct batch, job);

		job = job->next;
		write_batch(events, text_bytes(&batch->records));
		text_fini(&batch->records);
		free(batch);
		atomic_fetch_sub(&events->waiting, 1);
	}
	if (events->delivery)
		log_delivery_sync(events->delivery);
}

static void on_wake(struct loop_job *job)
{
	take_batches(container_of(job, struct access_events, wake));
}

/* A new load balancer has its group before its first request, so that it can be asked for. */
static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct access_events *events = container_of(listener, struct access_events, listener);

	for (size_t i = 0; i < count && events->logs; i++) {
		const char *id = strstr(changes[i].id, ":loadbalancer/");
		char group[NAME_BYTES];
		err_t err;

		if (strcmp(changes[i].kind, "elbv2.load_balancer") != 0 ||
		    changes[i].what != STORE_INSERTED || !id ||
		    !group_name(bytes_of(id + strlen(":loadbalancer/")), group))
			continue;
		err = logs_make_group(events->logs, group);
		if (err)
			log_error("app", "the log group %s cannot be made: %s", group,
				  err_words(err));
	}
}

/* ---- The workers' side ---- */

static void hand_over(struct worker_end *end)
{
	struct access_events *events = end->events;
	struct batch *batch = end->filling;

	timer_cancel(&end->flush);
	end->filling = NULL;
	if (!batch)
		return;
	if (text_err(&batch->records) ||
	    atomic_fetch_add(&events->waiting, 1) >= BATCHES_WAITING_MAX) {
		if (!text_err(&batch->records))
			atomic_fetch_sub(&events->waiting, 1);
		atomic_fetch_add(&events->dropped, 1);
		text_fini(&batch->records);
		free(batch);
		return;
	}
	if (mailbox_put(&events->mailbox, &batch->job))
		loop_post(events->control, &events->wake);
}

static void on_flush(struct timer *timer)
{
	hand_over(container_of(timer, struct worker_end, flush));
}

static struct batch *batch_of(struct worker_end *end)
{
	if (end->filling)
		return end->filling;
	end->filling = calloc(1, sizeof *end->filling);
	if (!end->filling)
		return NULL;
	text_init(&end->filling->records, BATCH_BYTES + RECORD_BYTES);
	timer_set(end->loop, &end->flush, loop_now_ms(end->loop) + FLUSH_MS);
	return end->filling;
}

/* A batch that takes a record, with the record's beginning in it; NULL: there is no memory. */
static struct batch *begin_record(struct access_events *events, struct line_head *head,
				  struct bytes id, size_t *ret_start)
{
	struct batch *batch = batch_of(mine);

	assert(mine->events == events);
	if (!batch) {
		atomic_fetch_add(&events->dropped, 1);
		return NULL;
	}
	*ret_start = batch->records.len;
	head->id_bytes = (uint32_t)id.len;
	text_add(&batch->records, bytes_make(head, sizeof *head));
	text_add(&batch->records, id);
	return batch;
}

static void end_record(struct batch *batch, const struct line_head *head, size_t start)
{
	if (!text_err(&batch->records))
		memcpy(batch->records.at + start, head, sizeof *head);
	if (text_err(&batch->records) || batch->records.len >= BATCH_BYTES)
		hand_over(mine);
}

void access_events_record(struct access_events *events, const struct access_record *record)
{
	struct line_head head = { .time_ms = record->time_unix_us / 1000, .log = ELBV2_ACCESS_LOG };
	struct batch *batch;
	size_t start, before;

	assert(mine);
	if (record->phase != ACCESS_END)
		return;
	batch = begin_record(events, &head, record->load_balancer_id, &start);
	if (!batch)
		return;
	before = batch->records.len;
	access_event_line(&batch->records, record);
	head.line_bytes = (uint32_t)(batch->records.len - before);
	before = batch->records.len;
	if (log_delivery_wanted(events->delivery, ELBV2_ACCESS_LOG))
		access_line(&batch->records, record);
	head.alb_bytes = (uint32_t)(batch->records.len - before);
	end_record(batch, &head, start);
}

void access_events_connection(struct access_events *events, const struct connection_record *record)
{
	struct line_head head = { .time_ms = record->time_unix_us / 1000,
				  .log = ELBV2_CONNECTION_LOG };
	struct batch *batch;
	size_t start, before;

	assert(mine);
	if (!log_delivery_wanted(events->delivery, ELBV2_CONNECTION_LOG))
		return;
	batch = begin_record(events, &head, record->load_balancer_id, &start);
	if (!batch)
		return;
	before = batch->records.len;
	connection_line(&batch->records, record);
	head.alb_bytes = (uint32_t)(batch->records.len - before);
	end_record(batch, &head, start);
}

err_t access_events_attach(struct access_events *events, struct loop *loop)
{
	assert(!mine);
	mine = calloc(1, sizeof *mine);
	if (!mine)
		return ERR_NOMEM;
	mine->events = events;
	mine->loop = loop;
	mine->flush.on_expired = on_flush;
	return ERR_OK;
}

void access_events_detach(struct access_events *events)
{
	if (!mine)
		return;
	assert(mine->events == events);
	hand_over(mine);
	free(mine);
	mine = NULL;
}

/* ---- Life ---- */

err_t access_events_create(struct loop *control, struct logs *logs, struct store *store,
			   struct access_events **ret_events)
{
	struct access_events *events = calloc(1, sizeof *events);

	if (!events)
		return ERR_NOMEM;
	events->control = control;
	events->logs = logs;
	events->wake.run = on_wake;
	events->listener.on_changes = on_changes;
	store_listen(store, &events->listener);
	*ret_events = events;
	return ERR_OK;
}

void access_events_deliver(struct access_events *events, struct log_delivery *delivery)
{
	events->delivery = delivery;
}

/* `wake` may still lie in the control loop's mailbox: it will find nothing. */
void access_events_finish(struct access_events *events)
{
	if (!events)
		return;
	take_batches(events);
	events->logs = NULL;
	events->delivery = NULL;
}

void access_events_destroy(struct access_events *events)
{
	free(events);
}

uint64_t access_events_dropped(const struct access_events *events)
{
	return atomic_load(&events->dropped);
}
