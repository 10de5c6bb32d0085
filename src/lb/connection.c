#include "lb/connection.h"

#include <stdlib.h>

#include "base/when.h"

enum { CERTIFICATE_MAX = 512 * 1024, PEM_MAX = 256 * 1024 };

/* ---- The line ---- */

static void add_word(struct text *out, struct bytes word)
{
	text_add_char(out, ' ');
	text_add(out, word.len ? word : BYTES("-"));
}

/* A subject is whatever a client wrote into it: nothing in it ends the quotes or the line. */
static void add_quoted(struct text *out, struct bytes words)
{
	text_add_str(out, " \"");
	for (size_t i = 0; i < words.len; i++) {
		unsigned char c = (unsigned char)words.at[i];

		if (c < ' ' || c >= 0x7f || c == '"')
			text_printf(out, "\\x%02X", c);
		else
			text_add_char(out, (char)c);
	}
	text_add_str(out, words.len ? "\"" : "-\"");
}

static void add_ip(struct text *out, const struct address *address)
{
	char ip[ADDRESS_TEXT_BYTES];

	add_word(out, bytes_make(ip, address_format_ip(address, ip)));
}

void connection_line(struct text *out, const struct connection_record *record)
{
	char time[WHEN_ISO_BYTES + 1];

	when_iso_us(record->time_unix_us, time);
	text_add_str(out, time);
	add_ip(out, &record->client);
	text_printf(out, " %u %u", record->client.port, record->listener_port);
	add_word(out, record->protocol);
	add_word(out, record->cipher);
	if (record->handshake_us >= 0)
		text_printf(out, " %lld.%03lld", (long long)record->handshake_us / 1000000,
			    (long long)record->handshake_us / 1000 % 1000);
	else
		text_add_str(out, " -");
	add_quoted(out, record->subject);
	add_word(out, record->validity);
	add_word(out, record->serial);
	add_word(out, record->verify_status);
	add_word(out, record->conn_trace_id);
	add_word(out, record->group);
	add_word(out, record->load_balancer_id);
	add_ip(out, &record->local);
	text_add_char(out, '\n');
}

/* ---- Fields ---- */

static bool stays(char c)
{
	char low = ascii_lower(c);

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || strchr("-_.~+=/", c);
}

/* URL-encoded, but for + = / */
static err_t encode(struct bytes pem, struct arena *arena, struct bytes *ret_value)
{
	struct text text = TEXT_INIT(3 * PEM_MAX);
	err_t err;

	text_reserve(&text, pem.len + pem.len / 8);
	for (size_t i = 0; i < pem.len; i++) {
		if (pem.at[i] && stays(pem.at[i]))
			text_add_char(&text, pem.at[i]);
		else
			text_printf(&text, "%%%02X", (unsigned char)pem.at[i]);
	}
	err = text_err(&text);
	if (!err)
		err = arena_copy(arena, text_bytes(&text), ret_value);
	text_fini(&text);
	return err;
}

static err_t fill(const struct tls *tls, struct client_certificate *certificate)
{
	struct bytes *values = certificate->values;

	TRY(tls_client_certificate(tls, &certificate->arena, &certificate->facts));
	values[TLS_FIELD_CLIENT_SERIAL] = certificate->facts.serial;
	values[TLS_FIELD_CLIENT_ISSUER] = certificate->facts.issuer;
	values[TLS_FIELD_CLIENT_SUBJECT] = certificate->facts.subject;
	values[TLS_FIELD_CLIENT_VALIDITY] = certificate->facts.validity;
	TRY(encode(certificate->facts.leaf_pem, &certificate->arena,
		   &values[TLS_FIELD_CLIENT_LEAF]));
	return encode(certificate->facts.chain_pem, &certificate->arena,
		      &values[TLS_FIELD_CLIENT_CHAIN]);
}

err_t client_certificate_read(const struct tls *tls, struct client_certificate **ret_certificate)
{
	struct client_certificate *certificate = calloc(1, sizeof *certificate);
	err_t err;

	if (!certificate)
		return ERR_NOMEM;
	arena_init(&certificate->arena, CERTIFICATE_MAX);
	err = fill(tls, certificate);
	if (err) {
		client_certificate_free(certificate);
		return err;
	}
	*ret_certificate = certificate;
	return ERR_OK;
}

void client_certificate_free(struct client_certificate *certificate)
{
	if (!certificate)
		return;
	arena_fini(&certificate->arena);
	free(certificate);
}
