#include "web/server/answer.h"

/*
 * No script or style but the site's own files, nothing from elsewhere, no frames, no forms sent
 * anywhere, and no talking but to where the page came from.
 */
static const char content_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'";

static const struct {
	const char *name, *value;
} always[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy", content_policy },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
};

static void field_add(struct web_answer *answer, const char *name, const char *value)
{
	assert(answer->head.field_count < WEB_FIELDS_MAX);
	answer->fields[answer->head.field_count++] = (struct http_field){ bytes_of(name),
									  bytes_of(value) };
	answer->head.fields = answer->fields;
}

static void begin(struct web_answer *answer, uint16_t status, const char *type, struct bytes body)
{
	memset(answer, 0, sizeof *answer);
	answer->head.is_response = true;
	answer->head.version = HTTP_1_1;
	answer->head.status = status;
	answer->head.reason = bytes_of(http_reason(status));
	answer->head.framing = status == 304 ? HTTP_BODY_NONE : HTTP_BODY_LENGTH;
	answer->head.length = body.len;
	answer->body = body;
	if (type)
		field_add(answer, "Content-Type", type);
	for (size_t i = 0; i < COUNT(always); i++)
		field_add(answer, always[i].name, always[i].value);
}

/* RFC 9110 §13.1.2: a list, "*", or tags with W/ before them, which compare alike here. */
static bool none_match_names(struct bytes list, const char *etag)
{
	struct bytes part;

	if (bytes_eq_str(bytes_trim(list), "*"))
		return true;
	while (bytes_cut(&list, ',', &part)) {
		part = bytes_trim(part);
		if (bytes_starts(part, BYTES("W/")))
			part = bytes_from(part, 2);
		if (bytes_eq_str(part, etag))
			return true;
	}
	return false;
}

static void send_file(const struct site_file *file, struct bytes if_none_match,
		      struct web_answer *answer)
{
	bool known = if_none_match.len && none_match_names(if_none_match, file->etag);

	begin(answer, known ? 304 : 200, known ? NULL : file->type,
	      known ? BYTES_NONE : file->body);
	field_add(answer, "ETag", file->etag);
	/* Kept, but asked about each time: page and script always come from the same version. */
	field_add(answer, "Cache-Control", "no-cache");
}

static void send_not_found(const struct site *site, struct web_answer *answer)
{
	const struct site_file *page = site_find(site, BYTES("/404.html"));

	if (page)
		begin(answer, 404, page->type, page->body);
	else
		begin(answer, 404, "text/plain; charset=utf-8",
		      BYTES("There is nothing at this address.\n"));
	field_add(answer, "Cache-Control", "no-store");
}

void web_answer(const struct site *site, struct bytes method, struct bytes path,
		struct bytes if_none_match, struct web_answer *ret_answer)
{
	const struct site_file *file;

	if (!bytes_eq_str(method, "GET") && !bytes_eq_str(method, "HEAD")) {
		begin(ret_answer, 405, "text/plain; charset=utf-8",
		      BYTES("This server takes GET and HEAD.\n"));
		field_add(ret_answer, "Allow", "GET, HEAD");
		return;
	}
	file = site_find(site, path);
	if (file)
		send_file(file, if_none_match, ret_answer);
	else
		send_not_found(site, ret_answer);
}

void web_refuse(uint16_t status, struct web_answer *ret_answer)
{
	begin(ret_answer, status, "text/plain; charset=utf-8",
	      BYTES("The request cannot be read.\n"));
}
