/*
 * tls_context: versions, ciphers and certificates, for either side; and what a server decides while
 * a client says hello: by whose context it goes on, and which certificates fit the name.
 */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/tls1.h>

#include "crypto/digest.h"
#include "crypto/tls_internal.h"
#include "crypto/trust_internal.h"

/* Faster to slower, and none but what ALB has. */
static const char usual_groups[] = "X25519:P-256:P-384:P-521";

/*
 * The parts A B C D E of the policies, in their order of preference (reference §3.9). Security
 * level 0, since TLS 1.0 and 1.1 sign with SHA-1, and targets may have old keys.
 */
static const char target_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:"
	"ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:"
	"ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:"
	"AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA:@SECLEVEL=0";

/* ---- Making and ending ---- */

static err_t context_new(SSL_CTX *ssl, struct tls_context **ret_context)
{
	struct tls_context *context = calloc(1, sizeof *context);

	if (context) {
		atomic_init(&context->refs, 1);
		context->wire = tls_wire_method();
	}
	if (!context || !ssl || !context->wire) {
		SSL_CTX_free(ssl);
		tls_context_unref(context);
		return ERR_NOMEM;
	}
	context->ssl = ssl;
	*ret_context = context;
	return ERR_OK;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
	return context;
}

void tls_context_unref(struct tls_context *context)
{
	if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (unsigned i = 0; i < context->identity_count; i++)
		identity_unref(context->identities[i]);
	free(context->identities);
	tls_tickets_unref(context->tickets);
	trust_unref(context->trust);
	free(context->name);
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->wire);
	free(context);
}

/* No cache of sessions: it would be a lock that all workers share. */
static void set_common(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
}

/* ---- Toward targets ---- */

/* The session is the connection's own to keep: a cache would be shared by all targets. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_memory *memory = tls_of(ssl)->memory;

	if (!memory)
		return 0;
	SSL_SESSION_free(memory->session);
	memory->session = session; /* its reference, with the 1 below */
	return 1;
}

/* Targets too old for secure renegotiation are welcome, since nobody renegotiates. */
static bool set_up_client(SSL_CTX *ssl, const struct tls_target_options *options)
{
	static const unsigned char http2[] = { 2, 'h', '2' };

	set_common(ssl);
	SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ssl, on_session);
	return SSL_CTX_set_cipher_list(ssl, target_ciphers) &&
	       SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl,
					     options->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) &&
	       (!options->http2 || SSL_CTX_set_alpn_protos(ssl, http2, sizeof http2) == 0);
}

err_t tls_context_for_targets(const struct tls_target_options *options,
			      struct tls_context **ret_context)
{
	TRY(context_new(SSL_CTX_new(TLS_client_method()), ret_context));
	if (set_up_client((*ret_context)->ssl, options))
		return ERR_OK;
	ERR_clear_error();
	tls_context_unref(*ret_context);
	return ERR_SYSTEM;
}

/* ---- Policies ---- */

static int version_number(unsigned minor)
{
	return TLS1_VERSION + (int)minor;
}
_Static_assert(TLS1_3_VERSION == TLS1_VERSION + 3, "minor versions count up");

static unsigned count_names(const char *list)
{
	unsigned count = *list != '\0';

	for (; *list; list++)
		count += *list == ':';
	return count;
}

/*
 * TLS 1.0 and 1.1 sign with SHA-1, which security level 1 forbids. What the library was built
 * without is left out of a list silently, so the names are counted.
 */
static bool set_ciphers(SSL_CTX *ssl, const struct tls_policy *policy)
{
	unsigned wanted = count_names(policy->ciphers) + count_names(policy->suites), have = 0;
	STACK_OF(SSL_CIPHER) * all;

	SSL_CTX_set_security_level(ssl, policy->oldest < 2 ? 0 : 1);
	if (!SSL_CTX_set_ciphersuites(ssl, policy->suites) ||
	    (policy->ciphers[0] && !SSL_CTX_set_cipher_list(ssl, policy->ciphers)))
		return false;
	all = SSL_CTX_get_ciphers(ssl);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const char *version = SSL_CIPHER_get_version(sk_SSL_CIPHER_value(all, i));

		/* Without a list for TLS 1.2 the library's own stands there, unused. */
		have += policy->ciphers[0] || strcmp(version, "TLSv1.3") == 0;
	}
	return have == wanted;
}

static bool has_fips(void)
{
	EVP_MD *found = EVP_MD_fetch(NULL, "SHA256", "fips=yes");

	EVP_MD_free(found);
	return found != NULL;
}

static err_t set_policy(SSL_CTX *ssl, const struct tls_policy *policy)
{
	bool set = (!policy->fips || has_fips()) && set_ciphers(ssl, policy) &&
		   SSL_CTX_set1_groups_list(ssl, policy->groups ? policy->groups : usual_groups) &&
		   SSL_CTX_set_min_proto_version(ssl, version_number(policy->oldest)) &&
		   SSL_CTX_set_max_proto_version(ssl, version_number(policy->newest));

	ERR_clear_error();
	return set ? ERR_OK : ERR_NOT_FOUND;
}

static SSL_CTX *server_ssl(const struct tls_policy *policy)
{
	return SSL_CTX_new_ex(NULL, policy->fips ? "fips=yes" : NULL, TLS_server_method());
}

err_t tls_policy_check(const struct tls_policy *policy)
{
	SSL_CTX *ssl = server_ssl(policy);
	err_t err = ssl ? set_policy(ssl, policy) : ERR_NOT_FOUND;

	ERR_clear_error();
	SSL_CTX_free(ssl);
	return err;
}

/* ---- Which certificate ---- */

/* Whether `a` goes before `b`, of the same kind of key: reference/alb.md §3.9. */
static bool is_better(const struct identity *a, const struct identity *b)
{
	if (!b)
		return true;
	if (a->hash_bits != b->hash_bits)
		return a->hash_bits > b->hash_bits;
	if (a->key_bits != b->key_bits)
		return a->key_bits > b->key_bits;
	return a->not_after_s > b->not_after_s;
}

/* A client may know EC, but not this curve. */
static bool is_usable(SSL *ssl, const struct identity *identity)
{
	return !identity->is_ec ||
	       SSL_check_chain(ssl, identity->certificate, identity->key, identity->chain) &
		       CERT_PKEY_EE_PARAM;
}

static int show(SSL *ssl, const struct identity *identity)
{
	return !identity ||
	       SSL_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1);
}

/*
 * The best of each kind of key is offered; OpenSSL takes EC where the client can, since ECDSA
 * stands first in our order of ciphers and signatures. No match leaves the default.
 */
static int on_certificate(SSL *ssl, void *owner)
{
	struct tls_context *context = owner;
	struct bytes host = bytes_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	const struct identity *best[2] = { NULL, NULL }; /* by is_ec */

	for (unsigned i = 0; host.len && i < context->identity_count; i++) {
		const struct identity *identity = context->identities[i];

		if (identity_covers(identity, host) && is_better(identity, best[identity->is_ec]) &&
		    is_usable(ssl, identity))
			best[identity->is_ec] = identity;
	}
	if (!best[0] && !best[1])
		return 1;
	SSL_certs_clear(ssl);
	return show(ssl, best[0]) && show(ssl, best[1]);
}

bool tls_context_covers(const struct tls_context *context, struct bytes host)
{
	for (unsigned i = 0; i < context->identity_count; i++)
		if (identity_covers(context->identities[i], host))
			return true;
	return false;
}

/* ---- Hello ---- */

/* RFC 6066 §3: a list with one host name. */
static struct bytes asked_host(SSL *ssl)
{
	const unsigned char *at;
	size_t len;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) || len < 5 ||
	    at[2] != TLSEXT_NAMETYPE_host_name || len - 5 != (size_t)(at[3] << 8 | at[4]))
		return BYTES("");
	return bytes_make(at + 5, len - 5);
}

/* What belongs to a context and does not come along with SSL_set_SSL_CTX. */
static bool go_by(SSL *ssl, struct tls_context *context)
{
	const struct tls_policy *policy = &context->policy;

	SSL_set_SSL_CTX(ssl, context->ssl);
	SSL_set_security_level(ssl, policy->oldest < 2 ? 0 : 1);
	SSL_clear_options(ssl, SSL_OP_NO_TICKET);
	SSL_set_options(ssl, SSL_CTX_get_options(context->ssl));
	SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(context->ssl));
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context->ssl),
		       SSL_CTX_get_verify_callback(context->ssl));
	return SSL_set_ciphersuites(ssl, policy->suites) &&
	       (!policy->ciphers[0] || SSL_set_cipher_list(ssl, policy->ciphers)) &&
	       SSL_set1_groups_list(ssl, policy->groups ? policy->groups : usual_groups) &&
	       SSL_set_min_proto_version(ssl, version_number(policy->oldest)) &&
	       SSL_set_max_proto_version(ssl, version_number(policy->newest));
}

static int on_hello(SSL *ssl, int *alert, void *unused)
{
	struct tls *tls = tls_of(ssl);
	struct tls_context *chosen = tls->first;

	(void)unused;
	if (tls->events->choose)
		chosen = tls->events->choose(tls->owner, asked_host(ssl));
	if (!chosen) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (chosen == tls->context)
		return SSL_CLIENT_HELLO_SUCCESS;
	tls_context_unref(tls->context);
	tls->context = tls_context_ref(chosen);
	if (go_by(ssl, chosen))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

/* A name that is heard is confirmed. */
static int on_host(SSL *ssl, int *alert, void *unused)
{
	(void)alert, (void)unused;
	return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK
								  : SSL_TLSEXT_ERR_NOACK;
}

/* Nothing of ours among what the client names: HTTP/1.1 without saying so. */
static int on_application(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
			  const unsigned char *names, unsigned int names_len, void *owner)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	const struct tls_context *context = owner;
	unsigned skip = context->http2 ? 0 : 3;
	unsigned char *found;

	(void)ssl;
	if (SSL_select_next_proto(&found, ret_len, ours + skip, (unsigned)sizeof ours - 1 - skip,
				  names, names_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = found;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- From clients ---- */

static bool set_tickets(SSL_CTX *ssl, const struct tls_server_options *options)
{
	uint8_t owner[SHA256_BYTES];

	sha256(options->name, owner);
	if (!options->tickets || options->client != TLS_CLIENT_ANONYMOUS) {
		SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ssl, 0);
	} else {
		SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, tls_ticket_key);
	}
	return SSL_CTX_set_session_id_context(ssl, owner, sizeof owner);
}

static bool advertise(SSL_CTX *ssl, const struct trust *trust)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_deep_copy(trust->names, X509_NAME_dup,
							    X509_NAME_free);

	if (names)
		SSL_CTX_set_client_CA_list(ssl, names);
	return names != NULL;
}

/* OpenSSL compares nothing with the names: they are advice to clients that have several. */
static bool set_client_auth(SSL_CTX *ssl, const struct tls_server_options *options,
			    struct tls_context *context)
{
	switch (options->client) {
	case TLS_CLIENT_ANONYMOUS: return true;
	case TLS_CLIENT_ASKED:
		SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ssl, client_chain_accept, context);
		return true;
	case TLS_CLIENT_VERIFIED: break;
	}
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, client_chain_verify, context);
	return SSL_CTX_set1_verify_cert_store(ssl, options->trust->store) &&
	       (!options->advertise_authorities || advertise(ssl, options->trust));
}

static bool set_up_server(SSL_CTX *ssl, const struct tls_server_options *options)
{
	const struct identity *first = options->identities[0];

	set_common(ssl);
	SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_client_hello_cb(ssl, on_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, on_host);
	return set_tickets(ssl, options) &&
	       SSL_CTX_use_cert_and_key(ssl, first->certificate, first->key, first->chain, 1);
}

static err_t keep_options(struct tls_context *context, const struct tls_server_options *options)
{
	context->policy = *options->policy;
	context->http2 = options->http2;
	context->client = options->client;
	context->ignore_expiry = options->ignore_expiry;
	context->trust = options->trust ? trust_ref(options->trust) : NULL;
	context->name = bytes_dup(options->name);
	if (!context->name)
		return ERR_NOMEM;
	if (options->tickets)
		context->tickets = tls_tickets_ref(options->tickets);
	context->identities = calloc(options->identity_count, sizeof(struct identity *));
	if (!context->identities)
		return ERR_NOMEM;
	for (unsigned i = 0; i < options->identity_count; i++)
		context->identities[i] = identity_ref(options->identities[i]);
	context->identity_count = options->identity_count;
	return ERR_OK;
}

err_t tls_context_for_clients(const struct tls_server_options *options,
			      struct tls_context **ret_context)
{
	struct tls_context *context;
	err_t err;

	assert(options->identity_count > 0);
	TRY(context_new(server_ssl(options->policy), &context));
	err = keep_options(context, options);
	if (!err)
		err = set_policy(context->ssl, options->policy);
	if (!err && (!set_up_server(context->ssl, options) ||
		     !set_client_auth(context->ssl, options, context)))
		err = ERR_SYSTEM;
	ERR_clear_error();
	if (err) {
		tls_context_unref(context);
		return err;
	}
	SSL_CTX_set_cert_cb(context->ssl, on_certificate, context);
	SSL_CTX_set_alpn_select_cb(context->ssl, on_application, context);
	*ret_context = context;
	return ERR_OK;
}
