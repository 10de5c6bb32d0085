#include "services/cloudformation/cloudformation_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "services/cloudformation/expand.h"

static bool note_working(void *owner, const struct store_resource *resource)
{
	if (is_at_work(resource->body))
		json_array_append_new(owner, json_string(resource->id));
	return true;
}

/* What was at work when Weir ended goes on. */
static err_t take_up(struct cloudformation *cfn)
{
	json_t *ids = json_array(), *id;
	struct store_txn *txn;
	size_t i;
	err_t err = store_begin(cfn->options.store, &txn);

	if (!err) {
		err = store_each(txn, KIND_STACK, NULL, NULL, note_working, ids);
		store_rollback(txn);
	}
	json_array_foreach (ids, i, id) {
		struct stack *stack;

		if (err || stack_load(cfn, json_string_value(id), &stack))
			continue;
		if (stack_open(stack))
			log_warn("cloudformation", "%s: %s", stack->id, text_str(&stack->why));
		log_info("cloudformation", "stack %s goes on", text_at(stack->body, "StackName"));
		engine_start(stack);
	}
	json_decref(ids);
	return err;
}

err_t cloudformation_create(const struct cloudformation_options *options,
			    struct cloudformation **ret_cloudformation)
{
	static const char *const aliases[] = { NULL };
	struct cloudformation *cfn = calloc(1, sizeof *cfn);
	err_t err;

	if (!cfn)
		return ERR_NOMEM;
	arena_init(&cfn->arena, CFN_ARENA_BYTES_MAX);
	list_init(&cfn->stacks);
	cfn->timer.on_expired = engine_tick;
	cfn->options = *options;
	cfn->options.account = arena_string(&cfn->arena, bytes_of(options->account));
	cfn->options.region = arena_string(&cfn->arena, bytes_of(options->region));
	cfn->service = (struct api_service){
		.name = "cloudformation",
		.aliases = aliases,
		.protocol = API_QUERY,
		.version = "2010-05-15",
		.xml_namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/",
		.operations = cloudformation_operations,
		.operation_count = cloudformation_operation_count,
		.state = cfn,
	};
	err = cfn->options.account && cfn->options.region
		      ? api_register(options->api, &cfn->service)
		      : ERR_NOMEM;
	if (!err)
		err = take_up(cfn);
	if (err)
		cloudformation_destroy(cfn);
	else
		*ret_cloudformation = cfn;
	return err;
}

void cloudformation_set_endpoint(struct cloudformation *cfn, const char *url)
{
	snprintf(cfn->endpoint, sizeof cfn->endpoint, "%s", url);
}

err_t cloudformation_check(struct bytes text,
			   void (*problem)(void *owner, unsigned line, const char *words),
			   void *owner)
{
	struct text why = TEXT_INIT(4096);
	struct template template;
	struct check check = {
		.template = &template,
		.problem = problem,
		.type = type_known,
		.property = type_property_known,
		.attribute = type_attribute_known,
		.owner = owner,
		.strict = true,
	};
	err_t err = template_parse(text, &template, &why);

	if (err) {
		problem(owner, 0, text_str(&why)); /* its words name the line */
	} else {
		json_t *sample = parameters_sample(&template);

		err = template_expand(&template, sample, &why);
		if (err)
			problem(owner, 0, text_str(&why));
		else
			err = template_check(&check);
		json_decref(sample);
		template_fini(&template);
	}
	text_fini(&why);
	return err;
}

void cloudformation_destroy(struct cloudformation *cfn)
{
	if (!cfn)
		return;
	timer_cancel(&cfn->timer);
	list_for_each_safe (&cfn->stacks, node)
		stack_free(container_of(node, struct stack, link));
	explicit_bzero(cfn->options.seal_key, sizeof cfn->options.seal_key);
	arena_fini(&cfn->arena);
	free(cfn);
}
