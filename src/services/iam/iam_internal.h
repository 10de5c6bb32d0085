/*
 * iam_internal: what the files of this folder share.
 *
 * A record's body is the object as Get answers it (times in milliseconds, documents as they came),
 * and besides, under names that no answer has:
 *
 *   users, roles   Inline {name: document}, Attached [ARN], Tags
 *   groups         Inline, Attached
 *   users          Groups [name]
 *   profiles       RoleNames [name]
 *   certificates   CertificateBody, CertificateChain, Key (sealed for ServerCertificateId), Tags
 *   policies       Versions [{VersionId, Document, CreateDate}], NextVersion
 *   keys           Sealed (the secret, for AccessKeyId)
 *   sessions       Sealed, Token, Expires, Arn, UserId, RoleName or UserName, Policy
 *
 * Ids are names in small letters (names differ by more than case), ARNs of policies, key ids.
 */
#ifndef SERVICES_IAM_IAM_INTERNAL_H
#define SERVICES_IAM_IAM_INTERNAL_H

#include "services/iam/evaluate.h"
#include "services/iam/iam.h"

#define IAM_KEY	    "iam.access_key"
#define IAM_SESSION "iam.session"
#define IAM_POLICY  "iam.policy"

enum {
	IAM_ID_BYTES = 21,
	IAM_SECRET_RANDOM_BYTES = 30, /* 40 letters of base64 */
	IAM_ATTACHED_MAX = 10,
	IAM_TAGS_MAX = 50,
	IAM_VERSIONS_MAX = 5,
	IAM_KEYS_MAX = 2,
	IAM_GROUPS_OF_USER_MAX = 10,
	IAM_CERTIFICATES_MAX = 20,
	IAM_TRUST_CHARS_MAX = 2048,
	IAM_MANAGED_CHARS_MAX = 6144,
	IAM_USER_INLINE_CHARS_MAX = 2048,
	IAM_ROLE_INLINE_CHARS_MAX = 10240,
	IAM_GROUP_INLINE_CHARS_MAX = 5120,
};

struct iam {
	struct iam_options options;
	struct arena arena;
	struct api_service service;
	struct arena lent; /* of the last iam_find_key */
};

/* One call's transaction and the bodies it read. */
struct iam_call {
	struct iam *iam;
	struct store_txn *txn;
	json_t *held;
	bool wrote;
	bool bounded; /* the last evaluation failed at a permissions boundary */
};

struct iam_entity {
	const char *kind, *name, *wrapper, *id, *prefix; /* "iam.user", "UserName", "User", … */
	const char *arn;				 /* "user" */
	const char *words, *title;			 /* "user", "User" */
};
extern const struct iam_entity iam_user, iam_role, iam_group, iam_profile, iam_certificate;

/* ---- records.c ---- */
static inline struct iam_call *iam_of(const struct api_call *call)
{
	return call->transaction;
}
const char *iam_text(const json_t *object, const char *key); /* NULL: absent */
json_t *iam_hold(struct api_call *call, json_t *json);	     /* owned by the call; NULL stays */
uint64_t iam_now_ms(const struct iam *iam);
void iam_make_id(const char *prefix, char out[IAM_ID_BYTES + 1]);
char *iam_make_secret(struct arena *arena); /* NULL on no memory */

/* The record, held by the call; NoSuchEntity in AWS's words. */
err_t iam_get(struct api_call *call, const struct iam_entity *entity, const char *name,
	      json_t **ret_body);
err_t iam_put(struct api_call *call, const char *kind, const char *id, json_t *body);
err_t iam_insert(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body);
err_t iam_remove(struct api_call *call, const char *kind, const char *id);
const char *iam_id_of_name(struct arena *arena, const char *name);
/* All bodies of a kind as one array, held. */
err_t iam_all(struct api_call *call, const char *kind, const char *parent, json_t **ret_bodies);
err_t iam_check(struct api_call *call, const char *document, enum policy_kind kind,
		size_t chars_max, const char *what);
/* The page of `items` that Marker and MaxItems ask for, sorted by `key` (NULL: items are texts). */
err_t iam_page(struct api_call *call, const char *list, json_t *items, const char *key);
json_t *iam_escaped(const char *document); /* percent-encoded, as IAM answers documents */
/* Merges what Tags of the input say; checks number and names. */
err_t iam_add_tags(struct api_call *call, json_t *body);
err_t iam_drop_tags(struct api_call *call, json_t *body);

/* ---- secrets.c: what is sealed ---- */
/* `plain` as `member` of the body, sealed for `whose`. */
err_t iam_seal(const struct iam *iam, struct bytes plain, const char *whose, const char *member,
	       json_t *body);
/* Of a key or session, which has its AccessKeyId. ERR_DENIED: sealed with another key. */
err_t iam_seal_secret(const struct iam *iam, const char *secret, json_t *body);
err_t iam_open_secret(const struct iam *iam, const json_t *body, struct arena *arena,
		      const char **ret_secret);
err_t iam_seal_old_secrets(const struct iam *iam); /* those that came before sealing did */

/* ---- managed.c: policies of AWS, known by ARN ---- */
struct iam_managed {
	const char *path, *name, *document;
};
const struct iam_managed *iam_managed_find(const char *arn);
const struct iam_managed *iam_managed_at(size_t index); /* NULL at the end */
json_t *iam_managed_body(const struct iam_managed *managed);

/* The document that a managed policy's ARN stands for now: a new reference. ERR_NOT_FOUND. */
err_t iam_default_document(struct store_txn *txn, const char *arn, json_t **ret_document);

extern const struct api_operation iam_operations[];
extern const size_t iam_operation_count;

#define IAM_OPERATION(function) err_t iam_##function(struct api_call *call)

/* ---- entities.c ---- */
IAM_OPERATION(create_entity);
IAM_OPERATION(get_entity);
IAM_OPERATION(list_entities);
IAM_OPERATION(update_name);
IAM_OPERATION(update_role);
IAM_OPERATION(update_trust);
IAM_OPERATION(delete_entity);
IAM_OPERATION(tag_entity);
IAM_OPERATION(untag_entity);
IAM_OPERATION(list_entity_tags);
json_t *iam_shown(const json_t *body); /* the part of a record that answers show: a new reference */
/* ---- groups.c ---- */
IAM_OPERATION(add_member);
IAM_OPERATION(remove_member);
IAM_OPERATION(get_group);
IAM_OPERATION(list_groups_of_user);
err_t iam_check_no_members(struct api_call *call, const char *group); /* DeleteConflict */
err_t iam_rename_group(struct api_call *call, const char *old, const char *name);
/* ---- boundary.c ---- */
IAM_OPERATION(put_boundary);
IAM_OPERATION(delete_boundary);
err_t iam_set_boundary(struct api_call *call, json_t *body, const char *arn);
const char *iam_boundary_of(const json_t *body); /* an ARN; NULL: none */
/* ---- profiles.c ---- */
IAM_OPERATION(create_profile);
IAM_OPERATION(get_profile);
IAM_OPERATION(list_profiles);
IAM_OPERATION(delete_profile);
IAM_OPERATION(add_role);
IAM_OPERATION(remove_role);
IAM_OPERATION(list_profiles_of_role);
/* ---- certificates.c ---- */
IAM_OPERATION(upload_certificate);
IAM_OPERATION(get_certificate);
IAM_OPERATION(list_certificates);
IAM_OPERATION(update_certificate);
IAM_OPERATION(delete_certificate);
/* ---- inline.c ---- */
IAM_OPERATION(put_inline);
IAM_OPERATION(get_inline);
IAM_OPERATION(list_inline);
IAM_OPERATION(delete_inline);
IAM_OPERATION(attach);
IAM_OPERATION(detach);
IAM_OPERATION(list_attached);
/* ---- policies.c ---- */
IAM_OPERATION(create_policy);
IAM_OPERATION(get_policy);
IAM_OPERATION(list_policies);
IAM_OPERATION(delete_policy);
IAM_OPERATION(create_version);
IAM_OPERATION(get_version);
IAM_OPERATION(list_versions);
IAM_OPERATION(delete_version);
IAM_OPERATION(set_default_version);
IAM_OPERATION(list_policy_entities);
IAM_OPERATION(tag_policy);
IAM_OPERATION(untag_policy);
IAM_OPERATION(list_policy_tags);
/* ---- access_keys.c ---- */
IAM_OPERATION(create_key);
IAM_OPERATION(list_keys);
IAM_OPERATION(update_key);
IAM_OPERATION(delete_key);

/* ---- iam.c: the transaction around a call, for STS's operations, too ---- */
err_t iam_begin(struct iam *iam, struct api_call *call);
err_t iam_end(struct api_call *call, err_t verdict);

/* ---- principal.c: who asks, and what the policies say ---- */
struct iam_principal {
	const struct iam_entity *entity; /* NULL: the root, or nobody any more */
	json_t *body, *session;		 /* session: NULL with lasting keys */
};
/* Held by the call; an unknown key is a principal without a body. */
err_t iam_principal(struct api_call *call, struct iam_principal *ret_principal);

enum { IAM_CONTEXT_KEYS_MAX = 320 }; /* tags of the caller, the call, the resource twice */
struct iam_context {
	struct policy_key keys[IAM_CONTEXT_KEYS_MAX];
	size_t count;
};
/* What conditions may ask about the call: aws:username, aws:RequestTag/…, sts:ExternalId, … */
err_t iam_context(struct api_call *call, const struct iam_principal *principal,
		  struct iam_context *ret_context);
/* The tags of a resource, in any service's form, as aws:ResourceTag/KEY and the service's own. */
err_t iam_context_add_tags(struct api_call *call, struct iam_context *context, const char *arn,
			   const json_t *tags);
err_t iam_context_add(struct api_call *call, struct iam_context *context, const char *name,
		      const char *value); /* a NULL value is absent */
/* Identity policies and session policies together. */
err_t iam_evaluate(struct api_call *call, const struct iam_principal *principal,
		   const struct policy_request *request, enum policy_effect *ret_effect);

/* ---- resources.c: the ARNs a call is about, as a held array; ["*"] when it names none ---- */
err_t iam_resources(struct api_call *call, json_t **ret_arns);
/* The tags of a user, role, profile or policy; borrowed of the call. NULL: it has none. */
err_t iam_own_tags(struct api_call *call, const char *arn, json_t **ret_tags);

/* ---- resource_tags.c ---- */

/*
 * {arn: tags}, tags in their service's form, of those ARNs that have any; IAM's own are not among
 * them. Asks other services: no transaction may be open. A new reference.
 */
err_t iam_tags_of_resources(struct iam *iam, struct api_call *call, const json_t *arns,
			    json_t **ret_tags);
/* "ec2:ResourceTag/" of what is EC2's; NULL: aws:ResourceTag/ alone asks for these tags. */
const char *iam_tag_key_of(const char *arn);

/* The roles that the input hands to a service, one after the other: *at begins with 0. */
bool iam_passed_role(const struct api_call *call, size_t *at, const char **ret_role,
		     const char **ret_service);

/* The entity that the operation is about; of users the caller when the input names none. */
err_t iam_named(struct api_call *call, const struct iam_entity **ret_entity, const char **ret_name);
err_t iam_get_policy_record(struct api_call *call, const char *arn, json_t **ret_body);

#endif
