/* What is written in a certificate, in the words of the API and the logs. */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "base/text.h"
#include "crypto/openssl_internal.h"

enum { NAME_BYTES_MAX = 16 * 1024, DNS_NAMES_MAX = 1000 };

int64_t x509_time(const ASN1_TIME *time)
{
	int days, seconds;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int64_t sum = 0;

	if (epoch && ASN1_TIME_diff(&days, &seconds, epoch, time))
		sum = (int64_t)days * 86400 + seconds;
	ASN1_TIME_free(epoch);
	return sum;
}

/* What was written into a memory BIO, as a string of the arena; frees the BIO. */
static const char *take(BIO *bio, struct arena *arena)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);
	const char *text = NULL;

	if (len >= 0 && len <= NAME_BYTES_MAX)
		text = arena_string(arena, bytes_make(at, (size_t)len));
	BIO_free(bio);
	return text;
}

const char *x509_name(const X509_NAME *name, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio)
		return NULL;
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	return take(bio, arena);
}

/* The last entry of a kind, which is the most specific; "" when there is none. */
static const char *entry(const X509_NAME *name, int kind, struct arena *arena)
{
	unsigned char *utf8 = NULL;
	int at = -1, last = -1, len;
	const char *text;

	while ((at = X509_NAME_get_index_by_NID(name, kind, at)) >= 0)
		last = at;
	if (last < 0)
		return "";
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (len < 0)
		return "";
	text = arena_string(arena, bytes_make(utf8, (size_t)len));
	OPENSSL_free(utf8);
	return text;
}

static const char *serial_of(const X509 *certificate, struct arena *arena)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	const char *text = hex ? arena_string(arena, bytes_of(hex)) : NULL;

	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

/* ---- Algorithms ---- */

static const char *key_algorithm(EVP_PKEY *key, struct arena *arena)
{
	char group[64];
	size_t len;

	if (key && EVP_PKEY_is_a(key, "RSA") == 1)
		return arena_printf(arena, "RSA_%d", EVP_PKEY_get_bits(key));
	if (key && EVP_PKEY_is_a(key, "EC") == 1 &&
	    EVP_PKEY_get_group_name(key, group, sizeof group, &len))
		return arena_printf(arena, "EC_%s", group);
	return arena_string(arena, BYTES("UNKNOWN"));
}

static const char *signature_algorithm(const X509 *certificate, struct arena *arena)
{
	int hash = NID_undef, key = NID_undef;
	char *text, *at;

	if (!OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, &key) ||
	    hash == NID_undef) /* PSS names its hash elsewhere */
		return arena_string(arena,
				    bytes_of(OBJ_nid2ln(X509_get_signature_nid(certificate))));
	text = arena_printf(arena, "%sWITH%s", OBJ_nid2sn(hash),
			    key == NID_rsaEncryption	      ? "RSA"
			    : key == NID_X9_62_id_ecPublicKey ? "ECDSA"
							      : OBJ_nid2sn(key));
	for (at = text; at && *at; at++)
		*at = ascii_upper(*at);
	return text;
}

/* ---- Lists ---- */

static err_t dns_names(X509 *certificate, struct arena *arena, const char *const **ret_names)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = all ? sk_GENERAL_NAME_num(all) : 0;
	const char **names = arena_array(arena, (size_t)count + 1, sizeof *names);
	size_t used = 0;

	for (int i = 0; names && i < count && used < DNS_NAMES_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			names[used++] = arena_string(
				arena, bytes_make(ASN1_STRING_get0_data(name->d.dNSName),
						  (size_t)ASN1_STRING_length(name->d.dNSName)));
	}
	GENERAL_NAMES_free(all);
	*ret_names = names;
	return names && (!used || names[used - 1]) ? ERR_OK : ERR_NOMEM;
}

static const struct {
	uint32_t bit;
	const char *name;
} usages[] = {
	{ KU_DIGITAL_SIGNATURE, "DIGITAL_SIGNATURE" },
	{ KU_NON_REPUDIATION, "NON_REPUDIATION" },
	{ KU_KEY_ENCIPHERMENT, "KEY_ENCIPHERMENT" },
	{ KU_DATA_ENCIPHERMENT, "DATA_ENCIPHERMENT" },
	{ KU_KEY_AGREEMENT, "KEY_AGREEMENT" },
	{ KU_KEY_CERT_SIGN, "CERTIFICATE_SIGNING" },
	{ KU_CRL_SIGN, "CRL_SIGNING" },
	{ KU_ENCIPHER_ONLY, "ENCIPHER_ONLY" },
	{ KU_DECIPHER_ONLY, "DECIPHER_ONLY" },
};

static err_t key_usages(X509 *certificate, struct arena *arena, const char *const **ret_usages)
{
	const char **list = arena_array(arena, COUNT(usages) + 1, sizeof *list);
	uint32_t bits = X509_get_key_usage(certificate); /* all ones: it does not say */
	size_t used = 0;

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; bits != UINT32_MAX && i < COUNT(usages); i++)
		if (bits & usages[i].bit)
			list[used++] = usages[i].name;
	*ret_usages = list;
	return ERR_OK;
}

static err_t extended_key_usages(X509 *certificate, struct arena *arena,
				 const char *const **ret_usages)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	int count = all ? sk_ASN1_OBJECT_num(all) : 0;
	const char **list = arena_array(arena, (size_t)count + 1, sizeof *list);
	err_t err = list ? ERR_OK : ERR_NOMEM;

	for (int i = 0; !err && i < count; i++) {
		char oid[128];

		OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(all, i), 1);
		list[i] = arena_string(arena, bytes_of(oid));
		if (!list[i])
			err = ERR_NOMEM;
	}
	EXTENDED_KEY_USAGE_free(all);
	*ret_usages = list;
	return err;
}

/* ---- All of it ---- */

static uint64_t since_1970(const ASN1_TIME *time)
{
	int64_t seconds = x509_time(time);

	return seconds > 0 ? (uint64_t)seconds : 0;
}

err_t x509_facts(X509 *certificate, struct arena *arena, struct certificate_facts *ret_facts)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const X509_NAME *issuer = X509_get_issuer_name(certificate);
	struct certificate_facts facts = {
		.subject = x509_name(subject, arena),
		.issuer = x509_name(issuer, arena),
		.common_name = entry(subject, NID_commonName, arena),
		.issuer_name = entry(issuer, NID_organizationName, arena),
		.serial = serial_of(certificate, arena),
		.not_before_s = since_1970(X509_get0_notBefore(certificate)),
		.not_after_s = since_1970(X509_get0_notAfter(certificate)),
		.key_algorithm = key_algorithm(X509_get0_pubkey(certificate), arena),
		.signature_algorithm = signature_algorithm(certificate, arena),
		.self_signed = X509_check_issued(certificate, certificate) == X509_V_OK,
		.authority = X509_check_ca(certificate) > 0,
	};

	if (facts.issuer_name && !facts.issuer_name[0])
		facts.issuer_name = entry(issuer, NID_commonName, arena);
	if (!facts.subject || !facts.issuer || !facts.common_name || !facts.issuer_name ||
	    !facts.serial || !facts.key_algorithm || !facts.signature_algorithm)
		return ERR_NOMEM;
	TRY(dns_names(certificate, arena, &facts.dns_names));
	TRY(key_usages(certificate, arena, &facts.key_usages));
	TRY(extended_key_usages(certificate, arena, &facts.extended_key_usages));
	ERR_clear_error();
	*ret_facts = facts;
	return ERR_OK;
}

err_t certificate_facts(struct bytes pem, struct arena *arena, struct certificate_facts *ret_facts)
{
	STACK_OF(X509) * all;
	err_t err = x509_read_all(pem, IDENTITY_CHAIN_MAX, &all);

	if (err)
		return err == ERR_NOMEM ? err : ERR_SYNTAX;
	err = x509_facts(sk_X509_value(all, 0), arena, ret_facts);
	sk_X509_pop_free(all, X509_free);
	return err;
}
