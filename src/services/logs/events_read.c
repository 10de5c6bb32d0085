/*
 * events_read: the segments of a time range merged by time. Each has a cursor; the cursors stand
 * in the order of what they give next. A cursor enters its segment only when its turn comes, so
 * that a page opens as few files as it can.
 */
#include <stdlib.h>

#include "services/logs/events_internal.h"

enum { EVENT_COST_BYTES = 64 }; /* of stepping over an event, beside what `each` looked at */

struct cursor {
	struct segment *segment;
	struct event_key next; /* before it entered: a bound */
	uint32_t place;
	bool entered;
};

struct merge {
	struct cursor *cursors;
	unsigned first, count; /* those before `first` are at their end */
	bool back;
	struct event_key start; /* forward: from here on; back: before this */
	const char *folder;
};

/* Whether a comes before b on this way. */
static bool precedes(const struct merge *merge, struct event_key a, struct event_key b)
{
	int order = event_key_cmp(a, b);

	return merge->back ? order > 0 : order < 0;
}

/* The head may have moved past others: back to its place. */
static void settle(struct merge *merge)
{
	for (unsigned i = merge->first; i + 1 < merge->count; i++) {
		struct cursor moved = merge->cursors[i];

		if (!precedes(merge, merge->cursors[i + 1].next, moved.next))
			return;
		merge->cursors[i] = merge->cursors[i + 1];
		merge->cursors[i + 1] = moved;
	}
}

static void finish_head(struct merge *merge)
{
	struct cursor *head = &merge->cursors[merge->first++];

	if (head->entered)
		segment_leave(head->segment);
	head->entered = false;
}

static err_t enter_head(struct merge *merge)
{
	struct cursor *head = &merge->cursors[merge->first];
	struct event event;

	TRY(segment_enter(head->segment, merge->folder));
	head->entered = true;
	if (!segment_seek(head->segment, merge->start, merge->back, &head->place) ||
	    !segment_event(head->segment, head->place, &event)) {
		finish_head(merge);
		return ERR_OK;
	}
	head->next = (struct event_key){ event.time_ms, event.sequence };
	settle(merge);
	return ERR_OK;
}

/* The next event; *ret_ended when there is none. */
static err_t peek(struct merge *merge, struct event *ret_event, bool *ret_ended)
{
	while (merge->first < merge->count) {
		struct cursor *head = &merge->cursors[merge->first];

		if (!head->entered) {
			TRY(enter_head(merge));
			continue;
		}
		if (segment_event(head->segment, head->place, ret_event)) {
			*ret_ended = false;
			return ERR_OK;
		}
		finish_head(merge);
	}
	*ret_ended = true;
	return ERR_OK;
}

static void advance(struct merge *merge)
{
	struct cursor *head = &merge->cursors[merge->first];
	struct event event;

	if (!segment_move(head->segment, merge->back, &head->place) ||
	    !segment_event(head->segment, head->place, &event)) {
		finish_head(merge);
		return;
	}
	head->next = (struct event_key){ event.time_ms, event.sequence };
	settle(merge);
}

static int order_forward(const void *a, const void *b)
{
	return event_key_cmp(((const struct cursor *)a)->next, ((const struct cursor *)b)->next);
}

static int order_back(const void *a, const void *b)
{
	return order_forward(b, a);
}

/* A cursor for each segment that can hold something of the range. */
static err_t merge_init(struct merge *merge, struct event_group *group,
			const struct events_range *range)
{
	uint64_t start_ms = merge->start.time_ms;

	merge->cursors = calloc(group->segment_count + 1, sizeof *merge->cursors);
	if (!merge->cursors)
		return ERR_NOMEM;
	for (unsigned i = 0; i < group->segment_count; i++) {
		struct segment *segment = &group->segments[i];
		bool before = segment->last_ms < (merge->back ? range->from_ms : start_ms);
		bool after = segment->first_ms > (merge->back ? start_ms : range->to_ms);

		if (!segment->count || before || after)
			continue;
		merge->cursors[merge->count].segment = segment;
		merge->cursors[merge->count++].next =
			merge->back ? (struct event_key){ segment->last_ms, UINT64_MAX }
				    : (struct event_key){ segment->first_ms, 0 };
	}
	qsort(merge->cursors, merge->count, sizeof *merge->cursors,
	      merge->back ? order_back : order_forward);
	return ERR_OK;
}

static void merge_fini(struct merge *merge)
{
	while (merge->first < merge->count)
		finish_head(merge);
	free(merge->cursors);
}

/* Forward the first key wanted, back the first one not wanted. */
static struct event_key start_of(const struct events_range *range)
{
	struct event_key start = { range->back ? range->to_ms : range->from_ms, 0 };

	if (!range->has_start)
		return start;
	if (range->back)
		return event_key_cmp(range->start, start) < 0 ? range->start : start;
	return event_key_cmp(range->start, start) < 0
		       ? start
		       : (struct event_key){ range->start.time_ms, range->start.sequence + 1 };
}

static err_t walk(struct merge *merge, const struct events_range *range, events_each_fn each,
		  void *owner, struct event_key *ret_last, bool *ret_ended)
{
	size_t work = 0;

	while (work < EVENTS_PAGE_WORK_BYTES) {
		struct event event;
		size_t cost = 0;
		bool ended;

		TRY(peek(merge, &event, &ended));
		if (ended || (range->back ? event.time_ms < range->from_ms
					  : event.time_ms >= range->to_ms)) {
			*ret_ended = true;
			return ERR_OK;
		}
		if (!each(owner, &event, &cost))
			return ERR_OK;
		*ret_last = (struct event_key){ event.time_ms, event.sequence };
		work += cost + EVENT_COST_BYTES;
		advance(merge);
	}
	return ERR_OK;
}

err_t events_read(struct events *events, const char *name, const struct events_range *range,
		  events_each_fn each, void *owner, struct event_key *ret_last, bool *ret_ended)
{
	struct event_group *group = events_group(events, name);
	struct merge merge = { .back = range->back, .start = start_of(range) };
	err_t err;

	*ret_ended = !group;
	if (!group)
		return ERR_OK;
	merge.folder = group->folder;
	err = merge_init(&merge, group, range);
	if (!err)
		err = walk(&merge, range, each, owner, ret_last, ret_ended);
	merge_fini(&merge);
	return err;
}
