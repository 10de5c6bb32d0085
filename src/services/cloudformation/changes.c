/*
 * changes: what an update would change, and why, without doing any of it: the resources of a change
 * set. Those that others need are looked at first, for what is replaced has another id, and all
 * that asks for it changes as well.
 */
#include "services/cloudformation/changes.h"

#include <string.h>

struct changes {
	struct stack *stack; /* as it would be: template, values */
	const json_t *were;  /* the parameters as they are; NULL: unknown */
	json_t *needs;	     /* {logical id: [logical id]} */
	json_t *looked;	     /* {logical id: "" or its Replacement} */
	json_t *list;
};

static const json_t *resource_named(const struct changes *c, const char *logical)
{
	return json_object_get(json_object_get(c->stack->template.root, "Resources"), logical);
}

static const char *replacement_of(const struct changes *c, const char *logical)
{
	return text_at(c->looked, logical);
}

/* ---- Why a property changes ---- */

struct cause {
	const struct changes *changes;
	const char *source, *entity; /* NULL: none found */
	bool is_static;
	char room[600];
};

static bool parameter_changed(const struct changes *c, const char *name)
{
	const json_t *now = json_object_get(c->stack->values, name);
	const json_t *was = json_object_get(c->were, name);

	return now && (!was || !json_equal((json_t *)now, (json_t *)was));
}

/* The first reference that explains it counts; one that is sure counts more. */
static err_t look_for_cause(void *owner, const struct reference *reference)
{
	struct cause *cause = owner;
	const struct changes *c = cause->changes;
	const char *replaced = replacement_of(c, reference->name);
	bool is_new = resource_named(c, reference->name) &&
		      !json_object_get(c->stack->resources, reference->name);

	if (cause->source && cause->is_static)
		return ERR_OK;
	if (reference->kind == REFERENCE_REF && parameter_changed(c, reference->name)) {
		cause->source = "ParameterReference";
		cause->is_static = true;
	} else if (reference->kind == REFERENCE_REF && (replaced[0] || is_new)) {
		cause->source = "ResourceReference";
		cause->is_static = strcmp(replaced, "True") == 0;
	} else if (reference->kind == REFERENCE_ATTRIBUTE && (replaced[0] || is_new)) {
		cause->source = "ResourceAttribute";
		snprintf(cause->room, sizeof cause->room, "%.255s.%.255s", reference->name,
			 reference->attribute);
		cause->entity = cause->room;
		return ERR_OK;
	} else {
		return ERR_OK;
	}
	snprintf(cause->room, sizeof cause->room, "%.255s", reference->name);
	cause->entity = cause->room;
	return ERR_OK;
}

static void add_detail(json_t *details, const char *attribute, const char *name, bool replaces,
		       const struct cause *cause)
{
	json_t *target = json_pack("{s:s, s:s}", "Attribute", attribute, "RequiresRecreation",
				   !replaces	      ? "Never"
				   : cause->is_static ? "Always"
						      : "Conditionally");

	if (name)
		put_text(target, "Name", name);
	json_array_append_new(details,
			      json_pack("{s:o, s:s, s:s, s:s*}", "Target", target, "Evaluation",
					cause->is_static ? "Static" : "Dynamic", "ChangeSource",
					cause->source, "CausingEntity", cause->entity));
}

/* ---- One resource ---- */

/* ERR_AGAIN: it depends on what is still to be made. */
static err_t value_now(struct changes *c, const json_t *given, json_t **ret_value)
{
	struct eval eval;

	*ret_value = NULL;
	if (!given)
		return ERR_OK;
	stack_eval(c->stack, &eval);
	text_clear(&c->stack->why);
	return evaluate(&eval, given, ret_value);
}

static void look_at_property(struct changes *c, const json_t *given, const json_t *was,
			     const struct property_row *row, json_t *details)
{
	struct cause cause = { .changes = c };
	json_t *value;
	err_t err = value_now(c, given, &value);
	bool same = !err && (value == was || (value && was && json_equal(value, (json_t *)was)) ||
			     (json_is_null(value) && !was));

	json_decref(value);
	references_each(given, look_for_cause, &cause);
	if (same && (!cause.source || strcmp(cause.source, "ParameterReference") == 0))
		return;
	if (!cause.source) {
		cause.source = "DirectModification";
		cause.is_static = !err;
	}
	if (strcmp(row->name, "Tags") == 0)
		add_detail(details, "Tags", NULL, false, &cause);
	else
		add_detail(details, "Properties", row->name, row->replaces, &cause);
}

static void look_at_properties(struct changes *c, const struct resource_type *type,
			       const json_t *resource, const json_t *record, json_t *details)
{
	const json_t *given = json_object_get(resource, "Properties");
	const json_t *was = json_object_get(record, "Properties");
	struct property_row row = { .replaces = false };
	const char *words = type->properties, *name;
	json_t *value;

	if (strcmp(words, "*") != 0) {
		while (next_property(&words, &row))
			look_at_property(c, json_object_get(given, row.name),
					 json_object_get(was, row.name), &row, details);
		return;
	}
	json_object_foreach ((json_t *)given, name, value) {
		snprintf(row.name, sizeof row.name, "%s", name);
		look_at_property(c, value, json_object_get(was, name), &row, details);
	}
}

/* The stack's own tags, and what its type looks for at every update. */
static void look_at_the_rest(struct changes *c, const struct resource_type *type,
			     const json_t *resource, const json_t *record, json_t *details)
{
	struct cause cause = { .source = "DirectModification", .is_static = true };
	json_t *properties = NULL;

	if (json_array_size(details))
		return;
	if (!value_now(c, json_object_get(resource, "Properties"), &properties) &&
	    tags_differ(c->stack, type, record, properties))
		add_detail(details, "Tags", NULL, false, &cause);
	json_decref(properties);
	cause.source = "Automatic";
	cause.is_static = false;
	if (type->always)
		add_detail(details, "Properties", NULL, false, &cause);
}

/* "True", "Conditional" or "False". */
static const char *replacement_by(const json_t *details)
{
	const char *replacement = "False", *recreation;
	json_t *detail;
	size_t i;

	json_array_foreach ((json_t *)details, i, detail) {
		recreation = text_at(json_object_get(detail, "Target"), "RequiresRecreation");
		if (strcmp(recreation, "Always") == 0)
			return "True";
		if (strcmp(recreation, "Conditionally") == 0)
			replacement = "Conditional";
	}
	return replacement;
}

static json_t *scope_of(const json_t *details)
{
	json_t *scope = json_array(), *detail;
	bool tags = false, properties = false;
	size_t i;

	json_array_foreach ((json_t *)details, i, detail) {
		bool is_tags = strcmp(text_at(json_object_get(detail, "Target"), "Attribute"),
				      "Tags") == 0;

		tags = tags || is_tags;
		properties = properties || !is_tags;
	}
	if (properties)
		json_array_append_new(scope, json_string("Properties"));
	if (tags)
		json_array_append_new(scope, json_string("Tags"));
	return scope;
}

/* `replacement` NULL: it is not modified. */
static void add(struct changes *c, const char *action, const char *logical, const char *type,
		json_t *details, const char *replacement)
{
	const json_t *record = json_object_get(c->stack->resources, logical);
	json_t *change = json_pack("{s:s, s:s, s:s, s:o, s:O, s:s*}", "Action", action,
				   "LogicalResourceId", logical, "ResourceType", type, "Scope",
				   scope_of(details), "Details", details, "Replacement",
				   replacement);

	if (text_at(record, "PhysicalResourceId")[0])
		put_text(change, "PhysicalResourceId", text_at(record, "PhysicalResourceId"));
	json_array_append_new(
		c->list, json_pack("{s:s, s:o}", "Type", "Resource", "ResourceChange", change));
}

static void look_at(struct changes *c, const char *logical)
{
	const json_t *resource = resource_named(c, logical);
	const json_t *record = json_object_get(c->stack->resources, logical);
	const char *type_name = text_at(resource, "Type"), *replacement;
	const struct resource_type *type = type_named(type_name);
	bool other = strcmp(text_at(record, "ResourceType"), type_name) != 0;
	json_t *details = json_array();

	if (!record) {
		add(c, "Add", logical, type_name, details, NULL);
	} else if (type) {
		look_at_properties(c, type, resource, record, details);
		look_at_the_rest(c, type, resource, record, details);
		replacement = other ? "True" : replacement_by(details);
		if (strcmp(replacement, "False") != 0)
			put_text(c->looked, logical, replacement);
		if (other || json_array_size(details))
			add(c, "Modify", logical, type_name, details, replacement);
	}
	json_decref(details);
}

/* What it needs first; there are no circles. */
static void visit(struct changes *c, const char *logical)
{
	json_t *need;
	size_t i;

	if (json_object_get(c->looked, logical))
		return;
	put_text(c->looked, logical, "");
	json_array_foreach (json_object_get(c->needs, logical), i, need)
		visit(c, json_string_value(need));
	look_at(c, logical);
}

/* ---- All of them ---- */

static void look_for_removals(struct changes *c)
{
	json_t *record, *none = json_array();
	const char *logical;

	json_object_foreach (c->stack->resources, logical, record)
		if (!json_object_get(c->looked, logical) && !is_gone(record))
			add(c, "Remove", logical, text_at(record, "ResourceType"), none, NULL);
	json_decref(none);
}

err_t changes_find(struct stack *stack, json_t *body, json_t **ret_changes)
{
	struct changes c = { .stack = stack, .looked = json_object(), .list = json_array() };
	struct template template = { .root = NULL };
	json_t *was = stack->body, *names = NULL, *name, *were = NULL;
	size_t i;
	err_t err;

	if (text_at(was, "Template")[0] && !stack_read(stack, was, &template, &were))
		c.were = were;
	if (template.root)
		template_fini(&template);
	stack->body = body;
	err = stack_open(stack);
	if (!err)
		err = stack_wanted(stack, &names);
	if (!err)
		err = resource_needs(&stack->template, names, &c.needs, &stack->why);
	if (!err) {
		json_array_foreach (names, i, name)
			visit(&c, json_string_value(name));
		look_for_removals(&c);
	}
	stack->body = was;
	json_decref(names);
	json_decref(were);
	json_decref(c.needs);
	json_decref(c.looked);
	*ret_changes = c.list;
	return err;
}
