/*
 * cloudformation_internal: what the files of this folder share.
 *
 * A stack's record holds what DescribeStacks answers, and besides, under names that no answer has:
 *
 *   Template (text), Given {parameter: text}   what it is made of
 *   Resolved {SSM name: value}                 what parameters of SSM types came to
 *   Processed (text)                           the template with what it includes, if it does
 *   Before {Template, Processed, Given, Resolved, Tags}  during an update: what it was made of
 *   Work {Kind, Steps {logical id: {Do, Needs, State}}, Reason}    what is to be done
 *   Cleanup [resource]                         replaced ones that go when all is well
 *   Policy, PolicyNow (texts)                  what updates may do, always and this once
 *   Held                                       a parent says when it cleans up (nested.h)
 *   DeletionMode                               of the last DeleteStack
 *   Deadline, RollbackConfiguration            what ends its work from outside (triggers.h)
 *
 * A resource's record (id: STACK-ID|LOGICAL-ID, parent: the stack) holds what DescribeStackResource
 * answers, and Properties (worked out), Attributes, Ref, Token (its names end in it), and while it
 * is made or changed Calls (calls.c), Tagged (tags.c), Asked and Signals (answers.h). What may be a
 * secret lies sealed in the store (sealed.c); in memory it is open.
 */
#ifndef SERVICES_CLOUDFORMATION_INTERNAL_H
#define SERVICES_CLOUDFORMATION_INTERNAL_H

#include "api/at.h"
#include "services/cloudformation/check.h"
#include "services/cloudformation/cloudformation.h"

#define KIND_STACK	"cloudformation.stack"
#define KIND_RESOURCE	"cloudformation.resource"
#define KIND_EVENT	"cloudformation.event"
#define KIND_CHANGE_SET "cloudformation.change_set"

#define DELETION_FORCED "FORCE_DELETE_STACK"

enum {
	CFN_ARENA_BYTES_MAX = 1024 * 1024,
	TOKEN_CHARS = 12,
	STEP_CALLS_MAX = 8, /* steps in one turn of the loop */
	TICK_MS = 5,
	POLL_MS = 200,
};

struct cloudformation {
	struct cloudformation_options options;
	struct arena arena;
	struct api_service service;
	struct timer timer;
	struct list_node stacks; /* struct stack: those at work */
	char endpoint[256];	 /* "http://127.0.0.1:4566": where the API is */
	/* Whose part the stacks of the next call are; NULL: nobody's. */
	const struct stack *parent;
};

/* ---- A stack in memory, while somebody looks at it or works on it (stack.c) ---- */

struct stack {
	struct list_node link;
	struct cloudformation *cfn;
	char *id;
	json_t *body;	   /* the record */
	json_t *resources; /* {logical id: record} */
	struct template template;
	json_t *values;	  /* parameters */
	json_t *resolved; /* {SSM name: value}: of stack_read */
	json_t *conditions;
	struct text why;
	uint64_t look_ms; /* when to look again at the alarms that watch over it */
	uint64_t poll_ms; /* when to look again at what takes its time; 0: at once */
};

/* ERR_NOT_FOUND. `name` is a name or an id. Free with stack_free. */
err_t stack_load(struct cloudformation *cfn, const char *name, struct stack **ret_stack);
/* From a body in memory (a new reference), without resources. */
err_t stack_make(struct cloudformation *cfn, json_t *body, struct stack **ret_stack);
void stack_free(struct stack *stack); /* NULL is welcome */

/*
 * Reads the template and works its parameters out, from what the body says. ERR_INVALID and words
 * in stack->why. May be called again after a change.
 */
err_t stack_open(struct stack *stack);
/* The same of any {Template, Processed, Given}. Where parameters are wrong the template is there.
 */
err_t stack_read(struct stack *stack, const json_t *from, struct template *ret_template,
		 json_t **ret_values);
/* An eval of this stack; `eval` borrows all of it. */
void stack_eval(struct stack *stack, struct eval *eval);
/* Which resources there shall be: those without a condition or whose condition holds. */
err_t stack_wanted(struct stack *stack, json_t **ret_names);

/* One transaction: the stack's body, one resource (or NULL: none; logical id), one event each. */
struct save {
	const char *resource; /* logical id: its record as it is now; deleted when it is no more */
	const char *event;    /* status of the resource, or of the stack without one; NULL: none */
	const char *reason;   /* may be NULL */
	bool drop;	      /* the resource's record goes, though it is still in memory */
	const json_t *of;     /* whose event it is, of a resource that was replaced */
	bool initiated;	      /* an event before says that it was begun to be made */
};
err_t stack_save(struct stack *stack, const struct save *save);
err_t stack_insert(struct stack *stack); /* a new one: name and record; ERR_EXISTS */
err_t stack_gone(struct stack *stack);	 /* deleted: its name is free, its record stays */

/* How a resource's record lies in the store; `id` is the room for its id, the body the caller's to
 * decref. */
err_t stack_resource_row(const struct stack *stack, const json_t *record, char id[1024],
			 struct store_resource *ret_row);

/* ---- What lies sealed (sealed.c) ---- */
/* As they lie in the store: new references. */
err_t sealed_stack(const struct cloudformation *cfn, const json_t *body, json_t **ret_copy);
err_t sealed_resource(const struct cloudformation *cfn, const json_t *record, json_t **ret_copy);
err_t sealed_open(const struct cloudformation *cfn, json_t *body); /* what came from there */
/* Secrets in stack->why become ****. */
void sealed_mask(struct stack *stack);

/* Status of the stack, with its event, saved. */
err_t stack_status(struct stack *stack, const char *status, const char *reason);

/* ---- Small things (stack.c) ---- */
const char *text_at(const json_t *object, const char *key); /* "" when absent */
void put_text(json_t *object, const char *key, const char *text);
void put_new(json_t *object, const char *key, json_t *value);
uint64_t now_ms(const struct cloudformation *cfn);
void make_token(char out[TOKEN_CHARS + 1]); /* capital letters and digits */
bool is_at_work(const json_t *body);
bool is_gone(const json_t *record); /* a resource that its stack has deleted or left */
void record_strip(json_t *record);  /* to what Describe shows of it */
bool ends_in(const char *text, const char *end);

/* Whether its policy lets an update do that to a resource (control.c); why it does not. */
err_t stack_may(struct stack *stack, const char *action, const char *logical, const char *type);

/* ---- What names mean (source.c) ---- */
extern const struct eval_source stack_source; /* owner: struct stack */
/* The same for parameters: what they came to once, they are until the next update. */
extern const struct eval_source stack_parameter_source;

/* ---- The engine (engine.c) ---- */
/* Plans: sets Work. All need stack_open. */
err_t engine_plan_create(struct stack *stack);
err_t engine_plan_update(struct stack *stack, const char *kind); /* UPDATE, UPDATE_ROLLBACK */
err_t engine_plan_delete(struct stack *stack, const char *kind); /* DELETE, ROLLBACK */
/* Takes the stack over and works on it until its work is done. */
void engine_start(struct stack *stack);
/* Whether an update is being undone. */
bool engine_goes_back(const struct stack *stack);
/* The one at work, or NULL. */
struct stack *engine_stack(const struct cloudformation *cfn, const char *id);
/* Gives a creation or an update up: what is under way counts as failed, and it goes back. */
void engine_give_up(struct stack *stack, const char *reason);
/* Ends what a kill cut short, before another plan takes the place of this one. */
void engine_catch_up(struct stack *stack);
void engine_tick(struct timer *timer);

/* ---- Types (types.c, type_*.c) ---- */

/* One resource while something is done to it. */
struct resource_step {
	struct stack *stack;
	const struct resource_type *type;
	json_t *record;		  /* PhysicalResourceId, Attributes and Ref are set here */
	const json_t *properties; /* worked out: what it shall be */
	const json_t *before;	  /* what it was; NULL when it is made */
	struct arena *arena;
	struct text *why; /* gets the sentence of a failure */
	bool back;	  /* on the way back: some of it may be so already */
	bool notes;	  /* its calls are noted as they are made (calls.c) */
	bool again;	  /* a kill cut it short */
	json_t *noted;	  /* then: the calls that were made, but for those told already */
};

/*
 * ERR_OK: done; ERR_AGAIN: under way, ask again; ERR_INVALID and a sentence. A NULL pointer where
 * the general way is enough.
 */
typedef err_t (*resource_fn)(struct resource_step *step);
/* Adds to the general call's input what a property says in words of its own. */
typedef err_t (*resource_input_fn)(struct resource_step *step, json_t *input);

struct resource_type {
	const char *name, *service; /* "AWS::EC2::VPC", "ec2" */
	/*
	 * Every property: NAME, with "!" when a change of it replaces the resource, "#" when the
	 * operation takes its value as JSON text, "-" when the general call leaves it alone, and
	 * "=MEMBER" when the operation calls it so. "*": any.
	 */
	const char *properties;
	const char *create; /* operation */
	const char *id;	    /* path to the physical id in its answer; NULL: the name */
	const char *named;  /* property that names it; made up when absent; NULL: it has no name */
	unsigned name_max;
	bool small; /* its service begins names with small letters; templates with capitals */
	/* How Tags go: "vpc" (TagSpecifications), "Tags", "map:tags", "later" (not with the
	 * creation); NULL: it has none. */
	const char *tags;
	const char *drop, *drop_by; /* operation that deletes, and its member for the physical id */
	const char *gone;	    /* fault codes that mean it is gone already */
	const char *already;	    /* those that mean it is so already: fine on the way back */
	const char *update, *update_by; /* operation that changes; NULL: `updated` does it all */
	const char *without;		/* JSON: what properties are that are named no more */
	const char *read, *read_by;	/* operation that describes; "VpcIds[]" takes a list */
	const char *found;		/* path to its description in that answer */
	/* Of GetAtt: NAME or NAME=path, in the description; "Outputs.*": all that begin so. */
	const char *attributes;
	const char *ref;	    /* attribute that Ref gives; NULL: the physical id */
	resource_input_fn complete; /* before create */
	resource_fn created, updated, dropping; /* after create, at update, before drop */
	resource_fn make, settled, remove;	/* instead of the general ways; settled: polled */
	bool always; /* an update asks `updated` though no property differs */
};

/* Rows lie together by service: one table a file, all of them named in types.c. */
struct type_table {
	const struct resource_type *rows;
	size_t count;
};
extern const struct type_table *const type_tables[]; /* ends with NULL */
const struct resource_type *type_named(const char *name);
/* For struct check: what is known. */
bool type_known(void *owner, const char *type, const char **ret_nearest);
bool type_property_known(void *owner, const char *type, const char *property,
			 const char **ret_nearest);
bool type_attribute_known(void *owner, const char *type, const char *attribute,
			  const char **ret_nearest);

/* ---- Calls (calls.c) ---- */

/* One operation of a service as the stack's owner. The input is taken over. */
err_t call_api(struct resource_step *step, const char *service, const char *operation,
	       json_t *input, json_t **ret_output);
/* Whether the failure that `why` tells is one of the codes of `codes`. */
bool failed_with(const struct text *why, const char *codes);
void calls_forget(json_t *record); /* the step is over: what it called need not be known */

/* ---- Tags (tags.c) ---- */

/* ERR_INVALID and a sentence: one of the resource's own tags begins with "aws:". */
err_t tags_check(struct resource_step *step);
/* The resource's tags and its stack's, [{Key, Value}]; a new reference. */
json_t *own_tags(const struct resource_step *step);
/* All of them, into a creation's input, as its row says. */
void add_tags(struct resource_step *step, json_t *input);
/* Whether it carries others than it shall with these properties. */
bool tags_differ(const struct stack *stack, const struct resource_type *type, const json_t *record,
		 const json_t *properties);
/* Puts on what is missing, takes off what is too much. */
err_t tags_apply(struct resource_step *step);

/* ---- The general ways (resource.c) ---- */
err_t resource_create(struct resource_step *step);
err_t resource_update(struct resource_step *step);
err_t resource_delete(struct resource_step *step);
/* Whether `after` needs a new one; *ret_changed: whether there is a difference at all. */
bool resource_replaces(const struct resource_type *type, const json_t *before, const json_t *after,
		       bool *ret_changed);

/* One word of a row's properties, taken apart. */
struct property_row {
	char name[96], member[96];
	bool replaces, json_text, special;
};
/* The next of a row's properties; `words` begins with all of them. False at the end. */
bool next_property(const char **words, struct property_row *row);
/* What its service says of it: the whole answer. */
err_t resource_read(struct resource_step *step, json_t **ret_answer);
/* Reads its description and from it attributes and Ref. */
err_t resource_describe(struct resource_step *step);
const char *physical_id(const struct resource_step *step);
void set_physical_id(struct resource_step *step, const char *id);
/* Keys with small first letters all the way down, but for those of maps that users name. */
json_t *with_small_letters(const json_t *value);
/* STACK-LOGICAL-TOKEN, cut so that it fits; the arena's. NULL: no memory. */
const char *made_name(struct resource_step *step);
json_t *property(const struct resource_step *step, const char *name); /* borrowed; NULL */
bool property_changed(const struct resource_step *step, const char *name);
/* A whole number, also one that came as a text; `otherwise` when it is absent. */
err_t number_property(struct resource_step *step, const char *name, uint64_t most,
		      uint64_t otherwise, uint64_t *ret_number);

/* ---- Operations ---- */
extern const struct api_operation cloudformation_operations[];
extern const size_t cloudformation_operation_count;
static inline struct cloudformation *cfn_of(const struct api_call *call)
{
	return call->service->state;
}
#define CFN_OPERATION(name) err_t cfn_##name(struct api_call *call)
CFN_OPERATION(create_stack);
CFN_OPERATION(update_stack);
CFN_OPERATION(delete_stack);
CFN_OPERATION(describe_stacks);
CFN_OPERATION(list_stacks);
CFN_OPERATION(describe_stack_events);
CFN_OPERATION(describe_stack_resource);
CFN_OPERATION(describe_stack_resources);
CFN_OPERATION(list_stack_resources);
CFN_OPERATION(get_template);
CFN_OPERATION(get_template_summary);
CFN_OPERATION(validate_template);
CFN_OPERATION(list_exports);
CFN_OPERATION(list_imports);
CFN_OPERATION(update_termination_protection);
CFN_OPERATION(detect_stack_drift);
CFN_OPERATION(detect_stack_resource_drift);
CFN_OPERATION(describe_stack_drift_detection_status);
CFN_OPERATION(describe_stack_resource_drifts);
CFN_OPERATION(set_stack_policy);
CFN_OPERATION(get_stack_policy);
CFN_OPERATION(cancel_update_stack);
CFN_OPERATION(signal_resource);
CFN_OPERATION(continue_update_rollback);
CFN_OPERATION(create_change_set);
CFN_OPERATION(describe_change_set);
CFN_OPERATION(execute_change_set);
CFN_OPERATION(delete_change_set);
CFN_OPERATION(list_change_sets);

#endif
