#include "rag/store/passages_feed.h"

static void position(void *owner, struct feed_position *ret_position)
{
	struct passages_state state;

	*ret_position = (struct feed_position){ 0, 0 };
	if (passages_state(owner, &state) == ERR_OK)
		*ret_position = (struct feed_position){ state.generation, state.change };
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

static err_t commit(void *owner, uint64_t generation, uint64_t change)
{
	return passages_commit(owner, generation, change);
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
		.commit = commit,
		.publish = publish,
		.drop = drop,
	};
}
