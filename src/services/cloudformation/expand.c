#include "services/cloudformation/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LOOP "Fn::ForEach::"

enum { NESTED_LOOPS_MAX = 5, LOOP_TEXT_BYTES_MAX = 64 * 1024 };

struct expansion {
	const struct template *template;
	const json_t *parameters;
	struct map lines; /* of the new values */
	unsigned values, loops;
	struct text *why;
};

bool template_transforms(const struct template *template, const char *transform)
{
	const json_t *given = json_object_get(template->root, "Transform"), *one;
	size_t i;

	if (json_is_string(given))
		return strcmp(json_string_value(given), transform) == 0;
	json_array_foreach ((json_t *)given, i, one) {
		if (json_is_string(one) && strcmp(json_string_value(one), transform) == 0)
			return true;
	}
	return false;
}

static err_t refuse(struct expansion *e, const json_t *where, const char *words)
{
	unsigned line = template_line(e->template, where);

	text_printf(e->why, "Template error: Fn::ForEach: %s", words);
	if (line)
		text_printf(e->why, " (line %u)", line);
	return ERR_INVALID;
}

/* ---- One turn of a loop: its name becomes the value ---- */

struct binding {
	const char *name, *value;
	char plain[256]; /* for &{name}: letters and digits alone */
};

static void bind(struct binding *binding, const char *name, const char *value)
{
	size_t len = 0;

	*binding = (struct binding){ .name = name, .value = value };
	for (; *value && len + 1 < sizeof binding->plain; value++)
		if (isalnum((unsigned char)*value))
			binding->plain[len++] = *value;
}

/* "${Name}" and "&{Name}" in a text. */
static err_t put_in(struct expansion *e, const struct binding *binding, const char *text,
		    struct text *out)
{
	size_t len = strlen(binding->name);

	for (; *text; text++) {
		bool marked = (text[0] == '$' || text[0] == '&') && text[1] == '{';

		if (marked && strncmp(text + 2, binding->name, len) == 0 && text[2 + len] == '}') {
			text_add_str(out, text[0] == '$' ? binding->value : binding->plain);
			text += 2 + len;
		} else {
			text_add_char(out, *text);
		}
	}
	if (text_err(out))
		text_add_str(e->why, "Template error: Fn::ForEach makes a text that is too long");
	return text_err(out);
}

static err_t note(struct expansion *e, const json_t *from, const json_t *made)
{
	const struct bytes key = bytes_make(&made, sizeof made);
	void *line = map_get(&e->template->lines, bytes_make(&from, sizeof from));

	if (!line) /* a copy of a turn's, not the template's own */
		line = map_get(&e->lines, bytes_make(&from, sizeof from));
	if (++e->values > TEMPLATE_VALUES_MAX) {
		text_printf(e->why, "Template error: Fn::ForEach makes more than %d values",
			    TEMPLATE_VALUES_MAX);
		return ERR_TOO_LARGE;
	}
	if (json_is_boolean(made) || json_is_null(made))
		return ERR_OK; /* jansson has one of each */
	return map_put(&e->lines, key, line, NULL);
}

static err_t bound(struct expansion *e, const struct binding *binding, const json_t *value,
		   json_t **ret_value);

static err_t bound_text(struct expansion *e, const struct binding *binding, const char *text,
			json_t **ret_value)
{
	struct text out = TEXT_INIT(LOOP_TEXT_BYTES_MAX);
	err_t err = put_in(e, binding, text, &out);

	if (!err) {
		*ret_value = json_string(text_str(&out));
		err = *ret_value ? ERR_OK : ERR_NOMEM;
	}
	text_fini(&out);
	return err;
}

static err_t bound_object(struct expansion *e, const struct binding *binding, const json_t *value,
			  json_t *made)
{
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)value, key, item) {
		struct text name = TEXT_INIT(LOOP_TEXT_BYTES_MAX);
		json_t *inside = NULL;
		err_t err = put_in(e, binding, key, &name);

		if (!err)
			err = bound(e, binding, item, &inside);
		if (!err && json_object_set_new(made, text_str(&name), inside))
			err = ERR_NOMEM;
		text_fini(&name);
		TRY(err);
	}
	return ERR_OK;
}

static err_t bound_list(struct expansion *e, const struct binding *binding, const json_t *value,
			json_t *made)
{
	json_t *item, *inside;
	size_t i;

	json_array_foreach ((json_t *)value, i, item) {
		TRY(bound(e, binding, item, &inside));
		if (json_array_append_new(made, inside))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

/* A copy with the name's value in the name's place. */
static err_t bound(struct expansion *e, const struct binding *binding, const json_t *value,
		   json_t **ret_value)
{
	const char *function;
	const json_t *argument;
	json_t *made;
	err_t err;

	if (is_function(value, &function, &argument) && strcmp(function, "Ref") == 0 &&
	    json_is_string(argument) && strcmp(json_string_value(argument), binding->name) == 0) {
		*ret_value = json_string(binding->value);
		return *ret_value ? note(e, value, *ret_value) : ERR_NOMEM;
	}
	if (json_is_string(value)) {
		TRY(bound_text(e, binding, json_string_value(value), ret_value));
		return note(e, value, *ret_value);
	}
	if (!json_is_object(value) && !json_is_array(value)) {
		*ret_value = json_incref((json_t *)value);
		return note(e, value, *ret_value);
	}
	made = json_is_object(value) ? json_object() : json_array();
	err = made ? note(e, value, made) : ERR_NOMEM;
	if (!err)
		err = json_is_object(value) ? bound_object(e, binding, value, made)
					    : bound_list(e, binding, value, made);
	if (err)
		json_decref(made);
	else
		*ret_value = made;
	return err;
}

/* ---- Loops ---- */

static err_t expand(struct expansion *e, const json_t *value, json_t **ret_value);

static err_t expand_members(struct expansion *e, const json_t *value, json_t *into);

/* What the loop goes through: a list, or what functions of parameters make one. */
static err_t collection_of(struct expansion *e, const json_t *where, const json_t *given,
			   json_t **ret_list)
{
	json_t *conditions = json_object();
	struct eval eval = { .template = e->template,
			     .parameters = e->parameters,
			     .conditions = conditions,
			     .account = "",
			     .region = "",
			     .stack_name = "",
			     .stack_id = "",
			     .why = e->why };
	err_t err = conditions ? evaluate(&eval, given, ret_list) : ERR_NOMEM;

	json_decref(conditions);
	if (err == ERR_AGAIN)
		return refuse(e, where, "what it goes through may ask for parameters only");
	if (!err && !json_is_array(*ret_list)) {
		json_decref(*ret_list);
		return refuse(e, where, "what it goes through is no list");
	}
	return err;
}

static err_t one_turn(struct expansion *e, const json_t *where, const char *name,
		      const json_t *item, const json_t *body, json_t *into)
{
	struct text value = TEXT_INIT(LOOP_TEXT_BYTES_MAX);
	struct binding binding;
	json_t *copy = NULL;
	err_t err = scalar_text(item, &value);

	if (err == ERR_INVALID)
		err = refuse(e, where, "what it goes through holds something else than texts");
	bind(&binding, name, text_str(&value));
	if (!err)
		err = bound(e, &binding, body, &copy);
	if (!err)
		err = expand_members(e, copy, into);
	json_decref(copy);
	text_fini(&value);
	return err;
}

static err_t run_loop(struct expansion *e, const json_t *loop, json_t *into)
{
	const char *name = json_string_value(json_array_get(loop, 0));
	const json_t *body = json_array_get(loop, 2), *item;
	json_t *list = NULL;
	size_t i;
	err_t err;

	if (json_array_size(loop) != 3 || !name || !name[0] || !json_is_object(body))
		return refuse(e, loop, "it takes a name, a list, and a map of what to repeat");
	if (e->loops == NESTED_LOOPS_MAX)
		return refuse(e, loop, "loops are nested too deep");
	TRY(collection_of(e, loop, json_array_get(loop, 1), &list));
	e->loops++;
	err = ERR_OK;
	json_array_foreach (list, i, item)
		err = err ? err : one_turn(e, loop, name, item, body, into);
	e->loops--;
	json_decref(list);
	return err;
}

static err_t expand_members(struct expansion *e, const json_t *value, json_t *into)
{
	const char *key;
	json_t *item, *made;

	json_object_foreach ((json_t *)value, key, item) {
		if (strncmp(key, LOOP, sizeof LOOP - 1) == 0) {
			TRY(run_loop(e, item, into));
			continue;
		}
		if (json_object_get(into, key))
			return refuse(e, value, "it makes a name twice");
		TRY(expand(e, item, &made));
		if (json_object_set_new(into, key, made))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t expand_list(struct expansion *e, const json_t *value, json_t *into)
{
	json_t *item, *made;
	size_t i;

	json_array_foreach ((json_t *)value, i, item) {
		TRY(expand(e, item, &made));
		if (json_array_append_new(into, made))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t expand(struct expansion *e, const json_t *value, json_t **ret_value)
{
	json_t *made;
	err_t err;

	if (!json_is_object(value) && !json_is_array(value)) {
		*ret_value = json_incref((json_t *)value);
		return note(e, value, *ret_value);
	}
	made = json_is_object(value) ? json_object() : json_array();
	err = made ? note(e, value, made) : ERR_NOMEM;
	if (!err)
		err = json_is_object(value) ? expand_members(e, value, made)
					    : expand_list(e, value, made);
	if (err)
		json_decref(made);
	else
		*ret_value = made;
	return err;
}

err_t template_expand(struct template *template, const json_t *parameters, struct text *why)
{
	struct expansion e = {
		.template = template, .parameters = parameters, .lines = MAP_INIT, .why = why
	};
	json_t *root = NULL;
	err_t err;

	if (!template_transforms(template, "AWS::LanguageExtensions"))
		return ERR_OK;
	err = expand(&e, template->root, &root);
	if (err) {
		map_fini(&e.lines);
		return err;
	}
	json_decref(template->root);
	map_fini(&template->lines);
	template->root = root;
	template->lines = e.lines;
	return ERR_OK;
}

/* ---- Parameters that nobody gave ---- */

static json_t *sample_of(const json_t *declaration)
{
	const char *type = json_string_value(json_object_get(declaration, "Type"));
	const json_t *value = json_object_get(declaration, "Default");
	struct text text = TEXT_INIT(LOOP_TEXT_BYTES_MAX);
	struct bytes rest, part;
	json_t *made;

	if (!value)
		value = json_array_get(json_object_get(declaration, "AllowedValues"), 0);
	if (!value || scalar_text(value, &text))
		text_add_str(&text, "Value");
	if (!type || !strstr(type, "List")) {
		made = json_string(text_str(&text));
		text_fini(&text);
		return made;
	}
	made = json_array();
	rest = text_bytes(&text);
	while (bytes_cut(&rest, ',', &part)) {
		part = bytes_trim(part);
		json_array_append_new(made, json_stringn(part.len ? part.at : "", part.len));
	}
	text_fini(&text);
	return made;
}

json_t *parameters_sample(const struct template *template)
{
	json_t *values = json_object(), *declaration;
	const char *name;

	json_object_foreach (json_object_get(template->root, "Parameters"), name, declaration)
		json_object_set_new(values, name, sample_of(declaration));
	return values;
}
