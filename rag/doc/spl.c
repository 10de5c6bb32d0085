/*
 * Structured Product Labeling: the FDA's drug labels. Sections have LOINC codes; the products at
 * the front have ingredients, NDC numbers, forms and routes. https://www.fda.gov/media/84201 (the
 * implementation guide).
 */
#include "rag/doc/markup.h"
#include "rag/doc/parse.h"

static const struct {
	const char *code, *name;
} sections[] = {
	{ "34066-1", "Boxed warning" },
	{ "34067-9", "Indications and usage" },
	{ "34068-7", "Dosage and administration" },
	{ "34069-5", "How supplied" },
	{ "34070-3", "Contraindications" },
	{ "34071-1", "Warnings" },
	{ "34072-9", "General precautions" },
	{ "34073-7", "Drug interactions" },
	{ "34074-5", "Drug and laboratory test interactions" },
	{ "34076-0", "Information for patients" },
	{ "34077-8", "Teratogenic effects" },
	{ "34079-4", "Labor and delivery" },
	{ "34080-2", "Nursing mothers" },
	{ "34081-0", "Pediatric use" },
	{ "34082-8", "Geriatric use" },
	{ "34083-6", "Carcinogenesis, mutagenesis, impairment of fertility" },
	{ "34084-4", "Adverse reactions" },
	{ "34088-5", "Overdosage" },
	{ "34089-3", "Description" },
	{ "34090-1", "Clinical pharmacology" },
	{ "34091-9", "Animal pharmacology and toxicology" },
	{ "34092-7", "Clinical studies" },
	{ "34093-5", "References" },
	{ "42227-9", "Drug abuse and dependence" },
	{ "42228-7", "Pregnancy" },
	{ "42229-5", "" }, /* "SPL unclassified": its title says what it is */
	{ "42230-3", "Patient package insert" },
	{ "42231-1", "Medication guide" },
	{ "42232-9", "Precautions" },
	{ "43678-2", "Dosage forms and strengths" },
	{ "43679-0", "Mechanism of action" },
	{ "43680-8", "Nonclinical toxicology" },
	{ "43681-6", "Pharmacodynamics" },
	{ "43682-4", "Pharmacokinetics" },
	{ "43683-2", "Recent major changes" },
	{ "43684-0", "Use in specific populations" },
	{ "43685-7", "Warnings and precautions" },
	{ "44425-7", "Storage and handling" },
	{ "50565-1", "Keep out of reach of children" },
	{ "50566-9", "Stop use" },
	{ "50567-7", "When using" },
	{ "50568-5", "Ask a doctor or pharmacist before use" },
	{ "50569-3", "Ask a doctor before use" },
	{ "50570-1", "Do not use" },
	{ "51727-6", "Inactive ingredients" },
	{ "51945-4", "Package label" },
	{ "53413-1", "Pregnancy or breast feeding" },
	{ "53414-9", "Pregnancy or breast feeding" },
	{ "55105-1", "Purpose" },
	{ "55106-9", "Active ingredient" },
	{ "60561-8", "Other safety information" },
};

static const char loinc_system[] = "2.16.840.1.113883.6.1";
static const char ndc_system[] = "2.16.840.1.113883.6.69";

struct label {
	struct builder *builder;
	struct markup markup;
	struct bytes product, generic, labeler;
	unsigned depth;
};

static const char *section_name(struct bytes code)
{
	for (size_t i = 0; i < COUNT(sections); i++)
		if (bytes_eq_str(code, sections[i].code))
			return sections[i].name;
	return "";
}

/* ---- The front: products, and who makes them ---- */

static struct bytes words_of(struct label *l, const xmlNode *node)
{
	struct text raw = TEXT_INIT(256 * 1024), clean = TEXT_INIT(256 * 1024);
	struct bytes copy = BYTES_NONE;

	xml_text(node, &raw);
	clean_text(&clean, text_bytes(&raw), false);
	if (!l->builder->err)
		l->builder->err = arena_copy(l->builder->arena, text_bytes(&clean), &copy);
	text_fini(&raw);
	text_fini(&clean);
	return copy;
}

static void fact(struct label *l, const char *name, struct bytes value, bool is_list)
{
	if (!l->builder->err)
		l->builder->err = document_fact(l->builder->arena, &l->builder->document, name,
						value, is_list);
}

static void take_code(struct label *l, const xmlNode *code)
{
	if (bytes_eq_str(xml_attribute(code, "codeSystem"), ndc_system))
		fact(l, "ndc", xml_attribute(code, "code"), true);
}

static void take_ingredient(struct label *l, const xmlNode *node)
{
	bool active = bytes_starts(xml_attribute(node, "classCode"), BYTES("ACT")) ||
		      xml_is(node, "activeIngredient");
	const char *const names[] = { xml_child(node, "ingredientSubstance") ? "ingredientSubstance"
				      : active ? "activeIngredientSubstance"
					       : "inactiveIngredientSubstance",
				      "name", NULL };

	fact(l, active ? "ingredients" : "inactive_ingredients", words_of(l, xml_find(node, names)),
	     true);
}

/* One product: its names, NDC numbers, ingredients, form and route, wherever below they stand. */
static void product_walk(struct label *l, const xmlNode *node, unsigned depth)
{
	if (depth > 40)
		return;
	for (const xmlNode *n = node->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (xml_is(n, "code")) {
			take_code(l, n);
		} else if (xml_is(n, "name") && (xml_is(node, "manufacturedProduct") ||
						 xml_is(node, "manufacturedMedicine"))) {
			struct bytes name = words_of(l, n);

			l->product = l->product.len ? l->product : name;
			fact(l, "products", name, true);
		} else if (xml_is(n, "genericMedicine")) {
			struct bytes name = words_of(l, xml_child(n, "name"));

			l->generic = l->generic.len ? l->generic : name;
			fact(l, "generic_names", name, true);
		} else if (xml_is(n, "ingredient") || xml_is(n, "activeIngredient") ||
			   xml_is(n, "inactiveIngredient")) {
			take_ingredient(l, n);
		} else if (xml_is(n, "formCode")) {
			fact(l, "dose_forms", xml_attribute(n, "displayName"), true);
		} else if (xml_is(n, "routeCode")) {
			fact(l, "routes", xml_attribute(n, "displayName"), true);
		} else {
			product_walk(l, n, depth + 1);
		}
	}
}

static void front_read(struct label *l, const xmlNode *root)
{
	static const char *const labeler[] = { "author", "assignedEntity",
					       "representedOrganization", "name", NULL };

	l->labeler = words_of(l, xml_find(root, labeler));
	fact(l, "set_id", xml_attribute(xml_child(root, "setId"), "root"), false);
	fact(l, "version", xml_attribute(xml_child(root, "versionNumber"), "value"), false);
	fact(l, "effective", xml_attribute(xml_child(root, "effectiveTime"), "value"), false);
	fact(l, "label_type", xml_attribute(xml_child(root, "code"), "displayName"), false);
	fact(l, "labeler", l->labeler, false);
}

/* "HUMIRA (adalimumab), AbbVie Inc.": what a reader tells labels apart by. */
static void name_label(struct label *l, const xmlNode *root)
{
	struct document *d = &l->builder->document;
	struct bytes generic = bytes_eq_nocase(l->generic, l->product) ? BYTES_NONE : l->generic;
	char *title;

	d->category = BYTES("medicine");
	d->subject = l->generic.len ? l->generic : l->product;
	if (l->product.len) {
		title = arena_printf(l->builder->arena, "%.*s%s%.*s%s%s%.*s", BYTES_ARG(l->product),
				     generic.len ? " (" : "", BYTES_ARG(generic),
				     generic.len ? ")" : "", l->labeler.len ? ", " : "",
				     BYTES_ARG(l->labeler));
		builder_title(l->builder, bytes_of(title));
	} else {
		builder_title(l->builder, words_of(l, xml_child(root, "title")));
	}
	title = arena_printf(l->builder->arena, "Drug label%s%.*s, set id %.*s, version %.*s",
			     l->labeler.len ? " of " : "", BYTES_ARG(l->labeler),
			     BYTES_ARG(xml_attribute(xml_child(root, "setId"), "root")),
			     BYTES_ARG(xml_attribute(xml_child(root, "versionNumber"), "value")));
	if (title)
		d->sources[d->source_count++] = bytes_of(title);
}

/* ---- Sections ---- */

static void body_walk(struct label *l, const xmlNode *body);

static void section_walk(struct label *l, const xmlNode *section)
{
	const xmlNode *code = xml_child(section, "code"), *text = xml_child(section, "text");
	bool loinc = bytes_eq_str(xml_attribute(code, "codeSystem"), loinc_system);
	struct bytes number = loinc ? xml_attribute(code, "code") : BYTES_NONE;
	struct bytes title = words_of(l, xml_child(section, "title"));
	bool boxed = bytes_eq_str(number, "34066-1"), was_boxed = l->builder->boxed;
	unsigned level = l->depth < DOCUMENT_SECTION_DEPTH ? l->depth : DOCUMENT_SECTION_DEPTH;

	if (xml_child(section, "subject"))
		product_walk(l, xml_child(section, "subject"), 0);
	if (title.len == 0)
		title = bytes_of(section_name(number));
	/* An unclassified part belongs to the section it stands in. */
	if (bytes_eq_str(number, "42229-5"))
		number = BYTES_NONE;
	builder_heading(l->builder, level, title, number);
	l->builder->boxed = boxed || was_boxed;
	if (text) {
		l->markup = (struct markup){ .builder = l->builder };
		markup_walk(&l->markup, text);
		markup_end(&l->markup);
	}
	body_walk(l, section);
	l->builder->boxed = was_boxed;
}

static void body_walk(struct label *l, const xmlNode *body)
{
	l->depth++;
	for (const xmlNode *c = xml_child(body, "component");
	     c && l->depth < 100 && !l->builder->err; c = xml_next(c, "component"))
		for (const xmlNode *s = xml_child(c, "section"); s; s = xml_next(s, "section"))
			section_walk(l, s);
	l->depth--;
}

static err_t label_read(const struct parse_input *input, struct arena *arena, const xmlNode *root,
			struct document *ret_document)
{
	static const char *const body[] = { "component", "structuredBody", NULL };
	struct builder *b = arena_new(arena, struct builder);
	struct label l = { .builder = b };
	err_t err;

	if (!b)
		return ERR_NOMEM;
	builder_init(b, arena, input->file);
	front_read(&l, root);
	if (xml_find(root, body))
		body_walk(&l, xml_find(root, body));
	name_label(&l, root);
	err = builder_finish(b, ret_document);
	builder_fini(b);
	return err;
}

err_t spl_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	xmlDoc *tree = xml_open(input->data);
	const xmlNode *root = tree ? xmlDocGetRootElement(tree) : NULL;
	err_t err;

	if (!root) {
		if (tree)
			xmlFreeDoc(tree);
		return parse_refuse(ret_why, "malformed",
				    "This is no well-formed XML, or it declares entities.");
	}
	if (xml_is(root, "document"))
		err = label_read(input, arena, root, ret_document);
	else
		err = parse_refuse(ret_why, "malformed",
				   "This HL7 document is no drug label: its root is <%.60s>.",
				   (const char *)root->name);
	xmlFreeDoc(tree);
	return err;
}
