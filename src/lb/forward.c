#include "lb/forward.h"

#include "lb/rewrite.h"

/* ---- Fields ---- */

/* Fields of one head being written; the array has room for all that can come. */
struct fields {
	struct http_field *at;
	unsigned count, cap;
};

static err_t fields_make(struct arena *arena, unsigned cap, struct fields *ret_fields)
{
	struct http_field *at = arena_array(arena, cap, sizeof *at);

	if (!at)
		return ERR_NOMEM;
	*ret_fields = (struct fields){ at, 0, cap };
	return ERR_OK;
}

static void fields_add(struct fields *fields, struct bytes name, struct bytes value)
{
	assert(fields->count < fields->cap);
	fields->at[fields->count++] = (struct http_field){ name, value };
}

static bool is_one_of(struct bytes name, const struct bytes *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_eq_nocase(name, names[i]))
			return true;
	return false;
}

/* Of this connection, not of the message (RFC 9110 §7.6.1). */
static const struct bytes hop_by_hop[] = {
	{ "Connection", 10 }, { "Keep-Alive", 10 }, { "Proxy-Connection", 16 },
	{ "TE", 2 },	      { "Upgrade", 7 },
};

/* Whether Connection lists anything but what it says by itself; spares a search for each field. */
static bool connection_lists(const struct http_head *head)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (bytes_eq_nocase(field->name, BYTES("Connection")) &&
		    !bytes_eq_nocase(field->value, BYTES("keep-alive")) &&
		    !bytes_eq_nocase(field->value, BYTES("close")))
			return true;
	}
	return false;
}

struct hops {
	const struct http_head *head;
	bool lists;
	bool keep_upgrade;
};

static bool is_hop(const struct hops *hops, struct bytes name)
{
	if (hops->keep_upgrade && bytes_eq_nocase(name, BYTES("Upgrade")))
		return false;
	if (is_one_of(name, hop_by_hop, COUNT(hop_by_hop)))
		return true;
	/* Host is named so that no client can talk it away. */
	return hops->lists && !bytes_eq_nocase(name, BYTES("Host")) &&
	       http_has_token(hops->head, BYTES("Connection"), name);
}

/* ---- X-Forwarded-For ---- */

static const struct bytes xff_name = { "X-Forwarded-For", 15 };

bool forward_xff_too_long(const struct http_head *head)
{
	unsigned addresses = 0;

	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes rest = head->fields[i].value, part;

		if (!bytes_eq_nocase(head->fields[i].name, xff_name))
			continue;
		while (bytes_cut(&rest, ',', &part))
			addresses += bytes_trim(part).len > 0;
	}
	return addresses > XFF_ADDRESSES_MAX;
}

static size_t client_text(const struct forward_options *options, char out[ADDRESS_TEXT_BYTES])
{
	if (options->listener->load_balancer->xff_client_port)
		return address_format(&options->client, out);
	return address_format_ip(&options->client, out);
}

/* All that came, in order, and the client at the end. */
static err_t xff_value(const struct http_head *head, const struct forward_options *options,
		       struct arena *arena, struct bytes *ret_value)
{
	char client[ADDRESS_TEXT_BYTES];
	size_t client_len = client_text(options, client), len = client_len;
	char *at, *end;

	for (unsigned i = 0; i < head->field_count; i++)
		if (bytes_eq_nocase(head->fields[i].name, xff_name) && head->fields[i].value.len)
			len += head->fields[i].value.len + 2;
	at = end = arena_alloc(arena, len);
	if (!at)
		return ERR_NOMEM;
	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes value = head->fields[i].value;

		if (!bytes_eq_nocase(head->fields[i].name, xff_name) || !value.len)
			continue;
		memcpy(end, value.at, value.len);
		memcpy(end + value.len, ", ", 2);
		end += value.len + 2;
	}
	memcpy(end, client, client_len);
	*ret_value = bytes_make(at, len);
	return ERR_OK;
}

/* ---- Host ---- */

static bool port_is_default(const struct forward_options *options)
{
	return options->listener->port == (options->tls ? 443 : 80);
}

/* Lower case; without a port where the listener has the scheme's own, else with one. */
static err_t host_value(struct bytes host, const struct forward_options *options,
			struct arena *arena, struct bytes *ret_host)
{
	struct bytes name = host_without_port(host), port = BYTES_NONE;
	char *at;

	if (!port_is_default(options)) {
		port = bytes_from(host, size_min(name.len + 1, host.len));
		if (port.len == 0)
			port = options->listener->port_text;
	}
	at = arena_alloc(arena, name.len + 1 + port.len);
	if (!at)
		return ERR_NOMEM;
	for (size_t i = 0; i < name.len; i++)
		at[i] = ascii_lower(name.at[i]);
	*ret_host = bytes_make(at, name.len);
	if (port.len) {
		at[name.len] = ':';
		memcpy(at + name.len + 1, port.at, port.len);
		ret_host->len += 1 + port.len;
	}
	return ERR_OK;
}

static bool target_is_absolute(const struct http_head *head)
{
	return head->target.len > 0 && head->target.at[0] != '/' && head->target.at[0] != '*';
}

/* ---- What stays of the client's fields ---- */

static bool name_is_valid(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return name.len > 0;
}

/* What would not be this field on the wire, but another, or several. */
static bool field_is_sendable(const struct http_field *field)
{
	for (size_t i = 0; i < field->name.len; i++) {
		unsigned char c = (unsigned char)field->name.at[i];

		if (c <= ' ' || c == 0x7f || c == ':')
			return false;
	}
	for (size_t i = 0; i < field->value.len; i++) {
		char c = field->value.at[i];

		if (c == '\r' || c == '\n' || c == '\0')
			return false;
	}
	return field->name.len > 0;
}

/* Replaced by the balancer's own, whatever the client sent. */
static const struct bytes replaced[] = {
	{ "X-Forwarded-Proto", 17 },
	{ "X-Forwarded-Port", 16 },
	{ "X-Amzn-Trace-Id", 15 },
	{ "Expect", 6 },
};

/*
 * What targets take as the balancer's word on who somebody is. Many of them cannot tell "_" from
 * "-" in a name (CGI, WSGI), so neither do we.
 */
static bool claims_identity(struct bytes name)
{
	static const struct bytes identity[] = { { "x-amzn-oidc-accesstoken", 23 },
						 { "x-amzn-oidc-identity", 20 },
						 { "x-amzn-oidc-data", 16 } };

	for (size_t i = 0; i < COUNT(identity); i++) {
		size_t at = 0;

		while (at < name.len && name.len == identity[i].len &&
		       (name.at[at] == '_' ? '-' : ascii_lower(name.at[at])) == identity[i].at[at])
			at++;
		if (at && at == name.len)
			return true;
	}
	return false;
}

struct keeping {
	const struct plan_listener *listener;
	struct hops hops;
	bool keep_host, keep_xff, drop_invalid;
	struct forwarded *forwarded;
};

/* What the listener says of the connection, no client says in its place. */
static bool is_tls_field(const struct plan_listener *listener, struct bytes name)
{
	if (bytes_starts_nocase(name, BYTES("X-Amzn-Mtls-Clientcert")))
		return true;
	for (unsigned i = 0; i < TLS_FIELDS; i++)
		if (listener->tls_fields[i].len && bytes_eq_nocase(listener->tls_fields[i], name))
			return true;
	return false;
}

static bool keeps(const struct keeping *keeping, const struct http_field *field)
{
	bool valid;

	if (is_hop(&keeping->hops, field->name) ||
	    is_one_of(field->name, replaced, COUNT(replaced)) || claims_identity(field->name) ||
	    is_tls_field(keeping->listener, field->name))
		return false;
	if (bytes_eq_nocase(field->name, BYTES("Host")))
		return keeping->keep_host && field_is_sendable(field);
	if (bytes_eq_nocase(field->name, xff_name))
		return keeping->keep_xff && field_is_sendable(field);
	if (!field_is_sendable(field)) {
		keeping->forwarded->dropped_invalid = true;
		return false;
	}
	valid = name_is_valid(field->name);
	if (!valid && keeping->drop_invalid)
		keeping->forwarded->dropped_invalid = true;
	else if (!valid)
		keeping->forwarded->forwarded_invalid = true;
	return valid || !keeping->drop_invalid;
}

/* ---- The request ---- */

/* Three X-Forwarded-*, Host, X-Amzn-Trace-Id, who it is, and what TLS adds. */
enum { IDENTITY_FIELDS = 3 };
enum { OWN_FIELDS_MAX = 5 + IDENTITY_FIELDS + TLS_FIELDS };

struct making {
	const struct http_head *head;
	const struct route_facts *facts;
	const struct forward_options *options;
	struct arena *arena;
	struct forwarded *forwarded;
};

static err_t add_forwarded_fields(const struct making *m, struct fields *fields)
{
	struct bytes xff;

	if (m->options->listener->load_balancer->xff_mode == XFF_APPEND) {
		TRY(xff_value(m->head, m->options, m->arena, &xff));
		fields_add(fields, xff_name, xff);
	}
	fields_add(fields, BYTES("X-Forwarded-Proto"),
		   m->options->tls ? BYTES("https") : BYTES("http"));
	fields_add(fields, BYTES("X-Forwarded-Port"), m->options->listener->port_text);
	return ERR_OK;
}

/* false in *ret_added: the client's own Host lines pass untouched. */
static err_t add_host(const struct making *m, struct fields *fields, bool *ret_added)
{
	bool preserve = m->options->listener->load_balancer->preserve_host;
	struct bytes host = m->facts->host;

	*ret_added = true;
	if (m->forwarded->transformed_host.at) {
		host = m->forwarded->transformed_host;
	} else if (!preserve) {
		TRY(host_value(host, m->options, m->arena, &host));
	} else if (!target_is_absolute(m->head) && http_value(m->head, BYTES("Host")).len) {
		*ret_added = false;
		return ERR_OK;
	}
	fields_add(fields, BYTES("Host"), host);
	return ERR_OK;
}

static void add_identity(const struct forward_identity *identity, struct fields *fields)
{
	if (!identity)
		return;
	fields_add(fields, BYTES("x-amzn-oidc-accesstoken"), identity->access_token);
	fields_add(fields, BYTES("x-amzn-oidc-identity"), identity->subject);
	fields_add(fields, BYTES("x-amzn-oidc-data"), identity->data);
}

static bool is_websocket(const struct http_head *head)
{
	return (head->flags & HTTP_FLAG_UPGRADE) &&
	       http_has_token(head, BYTES("Upgrade"), BYTES("websocket"));
}

static err_t make_fields(const struct making *m, bool upgrade, struct fields *fields)
{
	const struct plan_load_balancer *lb = m->options->listener->load_balancer;
	struct keeping keeping = {
		.listener = m->options->listener,
		.hops = { m->head, connection_lists(m->head), upgrade },
		.keep_xff = lb->xff_mode == XFF_PRESERVE,
		.drop_invalid = lb->drop_invalid_fields,
		.forwarded = m->forwarded,
	};
	bool host_added;

	TRY(fields_make(m->arena, m->head->field_count + OWN_FIELDS_MAX, fields));
	TRY(add_forwarded_fields(m, fields));
	TRY(add_host(m, fields, &host_added));
	fields_add(fields, BYTES("X-Amzn-Trace-Id"), m->options->trace_id);
	for (unsigned i = 0; i < TLS_FIELDS; i++)
		if (m->options->listener->tls_fields[i].len && m->options->tls_values[i].len)
			fields_add(fields, m->options->listener->tls_fields[i],
				   m->options->tls_values[i]);
	add_identity(m->options->identity, fields);
	keeping.keep_host = !host_added;
	for (unsigned i = 0; i < m->head->field_count; i++)
		if (keeps(&keeping, &m->head->fields[i]))
			fields_add(fields, m->head->fields[i].name, m->head->fields[i].value);
	return ERR_OK;
}

/* "/path?query", whatever form the client used. */
static err_t origin_form(const struct making *m, struct bytes *ret_target)
{
	const struct route_facts *facts = m->facts;
	char *at;

	if (!target_is_absolute(m->head)) {
		*ret_target = m->head->target;
		return ERR_OK;
	}
	at = arena_printf(m->arena, "%.*s%s%.*s", BYTES_ARG(facts->path),
			  facts->query.at ? "?" : "", BYTES_ARG(facts->query));
	if (!at)
		return ERR_NOMEM;
	*ret_target = bytes_of(at);
	return ERR_OK;
}

static err_t transform(const struct making *m, struct bytes *target)
{
	struct rewriting rewriting = {
		.rule = m->options->rule,
		.host = m->facts->host,
		.uri = *target,
		.regex = route_scratch_regex(m->options->scratch),
		.arena = m->arena,
	};
	err_t err = rewrite(&rewriting);

	m->forwarded->transform = rewriting.status;
	TRY(err);
	m->forwarded->transformed_host = rewriting.ret_host;
	m->forwarded->transformed_uri = rewriting.ret_uri;
	if (rewriting.ret_uri.at)
		*target = rewriting.ret_uri;
	return ERR_OK;
}

static bool ends_a_target(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/*
 * ALB forwards a target with a blank or a control byte in it (SpaceInUri, AmbiguousUri), where the
 * next parser may see its end. We forward it too, but with those bytes percent-encoded (RFC 3986
 * §2.1): one request line, read one way.
 */
static err_t make_unambiguous(const struct making *m, struct bytes *target)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t odd = 0;
	char *at, *end;

	for (size_t i = 0; i < target->len; i++)
		odd += ends_a_target(target->at[i]);
	if (odd == 0)
		return ERR_OK;
	at = end = arena_alloc(m->arena, target->len + 2 * odd);
	if (!at)
		return ERR_NOMEM;
	for (size_t i = 0; i < target->len; i++) {
		unsigned char c = (unsigned char)target->at[i];

		if (!ends_a_target(target->at[i])) {
			*end++ = (char)c;
			continue;
		}
		*end++ = '%';
		*end++ = hex[c >> 4];
		*end++ = hex[c & 15];
	}
	*target = bytes_make(at, (size_t)(end - at));
	return ERR_OK;
}

err_t forward_request(const struct http_head *head, const struct route_facts *facts,
		      const struct forward_options *options, struct arena *arena,
		      struct forwarded *ret_forwarded)
{
	struct making m = { head, facts, options, arena, ret_forwarded };
	bool upgrade = is_websocket(head);
	struct bytes target;
	struct fields fields;

	*ret_forwarded = (struct forwarded){ .transform = TRANSFORM_NONE };
	TRY(origin_form(&m, &target));
	TRY(transform(&m, &target));
	TRY(make_unambiguous(&m, &target));
	TRY(make_fields(&m, upgrade, &fields));
	ret_forwarded->head = (struct http_head){
		.version = HTTP_1_1,
		.framing = head->framing,
		.length = head->length,
		.flags = HTTP_FLAG_KEEP_ALIVE | HTTP_FLAG_HAS_HOST |
			 (head->flags & (HTTP_FLAG_HAS_LENGTH | HTTP_FLAG_TE_TRAILERS)) |
			 (upgrade ? HTTP_FLAG_UPGRADE : 0),
		.method = head->method,
		.target = target,
		.authority = facts->host,
		.fields = fields.at,
		.field_count = fields.count,
	};
	return ERR_OK;
}

void forward_uncoded(struct http_head *head)
{
	struct http_field *fields = (struct http_field *)head->fields; /* forward_request's own */
	unsigned kept = 0;

	for (unsigned i = 0; i < head->field_count; i++)
		if (!bytes_eq_nocase(fields[i].name, BYTES("Accept-Encoding")))
			fields[kept++] = fields[i];
	head->field_count = kept;
}

/* ---- The response ---- */

static bool listener_sets(const struct plan_listener *listener, struct bytes name)
{
	for (unsigned i = 0; i < listener->response_header_count; i++)
		if (bytes_eq_nocase(listener->response_headers[i].name, name))
			return true;
	return false;
}

err_t forward_response(const struct http_head *head, const struct plan_listener *listener,
		       const struct bytes *cookies, unsigned cookie_count, struct arena *arena,
		       struct http_head *ret_head)
{
	struct hops hops = { head, connection_lists(head), head->status == 101 };
	struct fields fields;

	TRY(fields_make(arena, head->field_count + listener->response_header_count + cookie_count,
			&fields));
	for (unsigned i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (!is_hop(&hops, field->name) && !listener_sets(listener, field->name))
			fields_add(&fields, field->name, field->value);
	}
	for (unsigned i = 0; i < listener->response_header_count; i++)
		fields_add(&fields, listener->response_headers[i].name,
			   listener->response_headers[i].value);
	for (unsigned i = 0; i < cookie_count; i++)
		fields_add(&fields, BYTES("Set-Cookie"), cookies[i]);

	*ret_head = *head;
	ret_head->fields = fields.at;
	ret_head->field_count = fields.count;
	return ERR_OK;
}
