#include "crypto/tls_tickets.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "crypto/random.h"
#include "crypto/tls_internal.h"

enum { GENERATIONS = 3, WORDS = 20 };

struct ticket_key {
	union {
		struct {
			uint8_t name[16], aes[32], hmac[32];
		};
		uint32_t words[WORDS];
	};
};
_Static_assert(sizeof(struct ticket_key) == WORDS * sizeof(uint32_t), "keys are whole words");

/*
 * A sequence lock: who reads while somebody writes reads again. Odd while it is written. Words are
 * atomic, so that a torn read is only ever thrown away.
 */
struct tls_tickets {
	_Atomic uint32_t sequence;
	_Atomic uint32_t words[GENERATIONS][WORDS]; /* the newest first */
	_Atomic unsigned refs;
};

static void write_key(struct tls_tickets *tickets, unsigned at, const struct ticket_key *key)
{
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&tickets->words[at][i], key->words[i], memory_order_relaxed);
}

static void read_key(struct tls_tickets *tickets, unsigned at, struct ticket_key *ret_key)
{
	for (unsigned i = 0; i < WORDS; i++)
		ret_key->words[i] = atomic_load_explicit(&tickets->words[at][i],
							 memory_order_relaxed);
}

static void read_all(struct tls_tickets *tickets, struct ticket_key keys[GENERATIONS])
{
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&tickets->sequence, memory_order_acquire);
		for (unsigned i = 0; i < GENERATIONS; i++)
			read_key(tickets, i, &keys[i]);
		/* A read-modify-write of nothing: what was read above is not read after it. */
		after = atomic_fetch_add_explicit(&tickets->sequence, 0, memory_order_acq_rel);
	} while (before != after || before & 1);
}

err_t tls_tickets_create(struct tls_tickets **ret_tickets)
{
	struct tls_tickets *tickets = calloc(1, sizeof *tickets);

	if (!tickets)
		return ERR_NOMEM;
	atomic_init(&tickets->refs, 1);
	for (unsigned i = 0; i < GENERATIONS; i++)
		tls_tickets_rotate(tickets);
	*ret_tickets = tickets;
	return ERR_OK;
}

struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets)
{
	atomic_fetch_add_explicit(&tickets->refs, 1, memory_order_relaxed);
	return tickets;
}

void tls_tickets_unref(struct tls_tickets *tickets)
{
	if (!tickets || atomic_fetch_sub_explicit(&tickets->refs, 1, memory_order_acq_rel) > 1)
		return;
	explicit_bzero(tickets, sizeof *tickets);
	free(tickets);
}

void tls_tickets_rotate(struct tls_tickets *tickets)
{
	struct ticket_key key;

	atomic_fetch_add_explicit(&tickets->sequence, 1, memory_order_acq_rel);
	for (unsigned i = GENERATIONS - 1; i > 0; i--) {
		read_key(tickets, i - 1, &key);
		write_key(tickets, i, &key);
	}
	random_bytes(&key, sizeof key);
	write_key(tickets, 0, &key);
	atomic_fetch_add_explicit(&tickets->sequence, 1, memory_order_release);
	explicit_bzero(&key, sizeof key);
}

/* ---- For OpenSSL: 1 done, 2 done and to be sealed anew, 0 not ours, -1 failed ---- */

static int use(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
	       EVP_MAC_CTX *mac, int sealing)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->hmac,
						  sizeof key->hmac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	if (!EVP_MAC_CTX_set_params(mac, params) ||
	    !EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv, sealing))
		return -1;
	return 1;
}

static int use_newest(const struct ticket_key *key, unsigned char *name, unsigned char *iv,
		      EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, sizeof key->name);
	random_bytes(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
	return use(key, iv, cipher, mac, 1);
}

static int use_named(const struct ticket_key *keys, const unsigned char *name,
		     const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	for (unsigned i = 0; i < GENERATIONS; i++) {
		int result;

		if (memcmp(name, keys[i].name, sizeof keys[i].name) != 0) /* names are public */
			continue;
		result = use(&keys[i], iv, cipher, mac, 0);
		return result == 1 && i > 0 ? 2 : result;
	}
	return 0;
}

int tls_ticket_key(SSL *ssl, unsigned char name[16], unsigned char iv[EVP_MAX_IV_LENGTH],
		   EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct ticket_key keys[GENERATIONS];
	int result;

	read_all(tls_of(ssl)->first->tickets, keys);
	result = sealing ? use_newest(&keys[0], name, iv, cipher, mac)
			 : use_named(keys, name, iv, cipher, mac);
	explicit_bzero(keys, sizeof keys);
	return result;
}
