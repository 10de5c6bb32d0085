/*
 * What users upload: certificates, chains, keys, bundles of authorities, revocation lists. Whatever
 * it is, it is read or refused with a reason; facts are whole; what passes one check passes it
 * again.
 *
 * Input: PEM or DER, taken as each of them; a NUL separates certificate, chain and key.
 */
#include <stdlib.h>

#include "crypto/identity.h"
#include "crypto/trust.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void read_identity(struct bytes rest)
{
	struct identity_pems pems = { BYTES_NONE, BYTES_NONE, BYTES_NONE };
	enum identity_problem problem, again;
	struct identity *identity = NULL, *second = NULL;
	err_t err;

	bytes_cut(&rest, '\0', &pems.certificate);
	bytes_cut(&rest, '\0', &pems.chain);
	bytes_cut(&rest, '\0', &pems.key);
	err = identity_read(&pems, BYTES("x"), 0, &identity, &problem);
	REQUIRE(!err || problem);
	REQUIRE(identity_problem_words(problem)[0]);
	REQUIRE(identity_read(&pems, BYTES("x"), 0, &second, &again) == err && again == problem);
	if (!err) {
		identity_covers(identity, BYTES("a.example"));
		identity_unref(identity);
		identity_unref(second);
	}
}

static void read_facts(struct bytes pem)
{
	struct certificate_facts facts;
	struct arena arena;

	arena_init(&arena, 4 << 20);
	if (!certificate_facts(pem, &arena, &facts)) {
		REQUIRE(facts.subject && facts.issuer && facts.serial && facts.key_algorithm);
		for (const char *const *name = facts.dns_names; *name; name++)
			REQUIRE(strlen(*name) <= pem.len);
	}
	arena_fini(&arena);
}

static void read_bundle(struct bytes bundle)
{
	struct trust *trust;
	const char *why;
	unsigned count;
	err_t err = trust_check_bundle(bundle, &count, &why);

	if (err) {
		REQUIRE(err == ERR_LIMIT || why);
		return;
	}
	REQUIRE(count > 0 && !trust_create(bundle, NULL, 0, &trust));
	trust_unref(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_make(data, size);
	uint64_t count;

	read_identity(input);
	read_facts(input);
	read_bundle(input);
	trust_count_revoked(input, &count);
	return 0;
}
