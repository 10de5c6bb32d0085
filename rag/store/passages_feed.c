#include "rag/store/passages_feed.h"

/* Of the generation that is read alone: one that was being built is fed anew. */
static uint64_t position(void *owner, uint64_t generation)
{
	struct passages_state state;

	if (passages_state(owner, &state) || state.generation != generation)
		return 0;
	return state.change;
}

static err_t begin(void *owner, uint64_t generation)
{
	return passages_begin(owner, generation);
}

static err_t add(void *owner, uint64_t generation, const struct passage *passage)
{
	return passages_add(owner, generation, passage);
}

static err_t take_out(void *owner, uint64_t generation, struct bytes id)
{
	return passages_remove(owner, generation, id);
}

static err_t forget(void *owner, uint64_t generation, struct bytes document_id)
{
	return passages_forget(owner, generation, document_id);
}

static err_t commit(void *owner, uint64_t generation, uint64_t change)
{
	return passages_commit(owner, generation, change);
}

static void discard(void *owner, uint64_t generation)
{
	(void)generation;
	passages_rollback(owner);
}

static err_t publish(void *owner, uint64_t generation, uint64_t change)
{
	return passages_publish(owner, generation, change);
}

static void drop(void *owner, uint64_t generation)
{
	passages_drop(owner, generation);
}

struct feed_listener passages_feed(struct passages *passages)
{
	return (struct feed_listener){
		.name = "full text",
		.owner = passages,
		.position = position,
		.begin = begin,
		.add = add,
		.remove = take_out,
		.forget = forget,
		.commit = commit,
		.discard = discard,
		.publish = publish,
		.drop = drop,
	};
}
