/*
 * list: a doubly linked ring that its members embed. Belonging costs no allocation.
 *
 *     struct list_node streams = LIST_INIT(streams);      // the head
 *     list_append(&streams, &stream->link);
 *     list_for_each (&streams, node) { s = container_of(node, struct stream, link); ... }
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct list_node {
	struct list_node *next, *prev;
};

#define LIST_INIT(head)          \
	{                        \
		&(head), &(head) \
	}

static inline void list_init(struct list_node *node)
{
	node->next = node->prev = node;
}

static inline bool list_empty(const struct list_node *head)
{
	return head->next == head;
}

static inline void list_insert_after(struct list_node *where, struct list_node *node)
{
	node->prev = where;
	node->next = where->next;
	where->next->prev = node;
	where->next = node;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
	list_insert_after(head->prev, node);
}

static inline void list_prepend(struct list_node *head, struct list_node *node)
{
	list_insert_after(head, node);
}

/* Leaves the node alone in a ring of its own, so removing twice is harmless. */
static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* NULL when empty. */
static inline struct list_node *list_first(const struct list_node *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list_node *list_pop(struct list_node *head)
{
	struct list_node *node = list_first(head);

	if (node)
		list_remove(node);
	return node;
}

#define list_for_each(head, node) \
	for (struct list_node *node = (head)->next; node != (head); node = node->next)

/* The current node may be removed or freed in the body; its neighbours may not. */
#define list_for_each_safe(head, node)                                                          \
	for (struct list_node *node = (head)->next, *node##_next_ = node->next; node != (head); \
	     node = node##_next_, node##_next_ = node->next)

#endif
