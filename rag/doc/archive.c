#include "rag/doc/archive.h"

#include <stdlib.h>
#include <zip.h>

enum { IMAGE_MAX_BYTES = 16 * 1024 * 1024, NAME_MAX_BYTES = 1024 };

static const uint64_t inflated_max = 512ULL * 1024 * 1024;

struct archive {
	zip_t *zip;
	uint64_t inflated;
};

err_t archive_open(struct bytes data, struct archive **ret_archive, struct parse_why *why)
{
	struct archive *a = calloc(1, sizeof *a);
	zip_source_t *source;
	zip_error_t error;

	if (!a)
		return ERR_NOMEM;
	zip_error_init(&error);
	source = zip_source_buffer_create(data.at, data.len, 0, &error);
	a->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
	zip_error_fini(&error);
	if (!a->zip) {
		zip_source_free(source);
		free(a);
		return parse_refuse(why, "malformed", "It is damaged: its parts cannot be read.");
	}
	if (zip_get_num_entries(a->zip, 0) > ARCHIVE_PARTS_MAX) {
		archive_close(a);
		return parse_refuse(why, "too_large", "It has more than %d parts.",
				    ARCHIVE_PARTS_MAX);
	}
	*ret_archive = a;
	return ERR_OK;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	zip_discard(a->zip);
	free(a);
}

static err_t inflate_part(zip_file_t *file, char *at, uint64_t size)
{
	uint64_t got = 0;

	while (got < size) {
		zip_int64_t n = zip_fread(file, at + got, size - got);

		if (n <= 0)
			return ERR_SYNTAX;
		got += (uint64_t)n;
	}
	return ERR_OK;
}

err_t archive_read(struct archive *a, const char *name, struct bytes *ret_data,
		   struct parse_why *why)
{
	zip_stat_t stat;
	zip_file_t *file;
	char *at;
	err_t err;

	if (zip_stat(a->zip, name, 0, &stat) != 0)
		return ERR_NOT_FOUND;
	if (!(stat.valid & ZIP_STAT_SIZE) || !(stat.valid & ZIP_STAT_COMP_SIZE))
		return parse_refuse(why, "malformed", "It is damaged: a part has no size.");
	a->inflated += stat.size;
	if (stat.size > inflated_max || a->inflated > inflated_max ||
	    (stat.size > 1024 * 1024 && stat.size / ARCHIVE_RATIO_MAX > stat.comp_size))
		return parse_refuse(why, "too_large", "It unfolds to more than is read (%.100s).",
				    name);
	file = zip_fopen(a->zip, name, 0);
	at = file ? malloc(stat.size + 1) : NULL;
	if (file && !at) {
		zip_fclose(file);
		return ERR_NOMEM;
	}
	err = file ? inflate_part(file, at, stat.size) : ERR_SYNTAX;
	if (file)
		zip_fclose(file);
	if (err) {
		free(at);
		return parse_refuse(why, "malformed", "It is damaged or encrypted: %.100s.", name);
	}
	at[stat.size] = '\0';
	*ret_data = bytes_make(at, stat.size);
	return ERR_OK;
}

err_t archive_xml(struct archive *a, const char *name, xmlDoc **ret_tree, struct parse_why *why)
{
	struct bytes data;

	TRY(archive_read(a, name, &data, why));
	*ret_tree = xml_open(data);
	free((char *)data.at);
	if (*ret_tree && xmlDocGetRootElement(*ret_tree))
		return ERR_OK;
	if (*ret_tree)
		xmlFreeDoc(*ret_tree);
	return parse_refuse(why, "malformed",
			    "It is damaged: %.100s is no well-formed XML, or declares entities.",
			    name);
}

const char *archive_name(struct archive *a, unsigned n)
{
	return n < zip_get_num_entries(a->zip, 0) ? zip_get_name(a->zip, n, 0) : NULL;
}

/* ---- Names that point to each other ---- */

char *archive_resolve(struct arena *arena, const char *from, struct bytes to)
{
	struct text path = TEXT_INIT(NAME_MAX_BYTES);
	struct bytes part, base = bytes_of(from);
	char *name = NULL;
	bool inside = true;

	if (to.len && to.at[0] == '/') {
		to = bytes_from(to, 1);
	} else {
		while (base.len && base.at[base.len - 1] != '/')
			base.len--;
		text_add(&path, base);
	}
	while (inside && bytes_cut(&to, '/', &part)) {
		if (bytes_eq_str(part, "."))
			continue;
		if (bytes_eq_str(part, "..")) {
			inside = path.len > 0;
			while (path.len && path.at[--path.len] == '/')
				;
			while (path.len && path.at[path.len - 1] != '/')
				path.len--;
			continue;
		}
		text_add(&path, part);
		text_add_str(&path, to.at ? "/" : "");
	}
	if (inside && path.len && !text_err(&path))
		name = arena_string(arena, text_bytes(&path));
	text_fini(&path);
	return name;
}

/* "word/document.xml" has its relationships in "word/_rels/document.xml.rels". */
static char *relations_of(struct arena *arena, const char *part)
{
	const char *slash = strrchr(part, '/');
	int folder = slash ? (int)(slash + 1 - part) : 0;

	return arena_printf(arena, "%.*s_rels/%s.rels", folder, part, part + folder);
}

err_t archive_related(struct archive *a, const char *part, struct bytes id, struct arena *arena,
		      char **ret_name)
{
	char *relations = relations_of(arena, part);
	struct parse_why ignored;
	xmlDoc *tree;
	err_t err = ERR_NOT_FOUND;

	if (!relations)
		return ERR_NOMEM;
	if (archive_xml(a, relations, &tree, &ignored))
		return ERR_NOT_FOUND;
	for (const xmlNode *n = xml_child(xmlDocGetRootElement(tree), "Relationship"); n;
	     n = xml_next(n, "Relationship")) {
		if (!bytes_eq(xml_attribute(n, "Id"), id) ||
		    bytes_eq_str(xml_attribute(n, "TargetMode"), "External"))
			continue;
		*ret_name = archive_resolve(arena, part, xml_attribute(n, "Target"));
		err = *ret_name ? ERR_OK : ERR_NOT_FOUND;
		break;
	}
	xmlFreeDoc(tree);
	return err;
}

struct document_asset *archive_image(struct archive *a, struct builder *b, const char *name)
{
	struct parse_why ignored;
	struct bytes data, kept;
	struct document_asset *asset = NULL;

	if (!name || archive_read(a, name, &data, &ignored))
		return NULL;
	if (data.len <= IMAGE_MAX_BYTES) {
		const struct parse_input input = { .data = data };
		enum format format = format_sniff(&input);

		if (format >= FORMAT_PNG && format <= FORMAT_WEBP &&
		    arena_copy(b->arena, data, &kept) == ERR_OK)
			asset = builder_asset(b, kept, format_media_type(format));
	}
	free((char *)data.at);
	return asset;
}
