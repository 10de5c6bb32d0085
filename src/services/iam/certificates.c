/*
 * certificates: server certificates: uploaded whole, shown without their keys.
 */
#include "services/iam/iam_internal.h"

#include "crypto/identity.h"

/* ---- Upload ---- */

static err_t refuse(struct api_call *call, enum identity_problem problem)
{
	static const char *const codes[] = {
		[IDENTITY_NO_KEY] = "MalformedCertificate",
		[IDENTITY_KEY_ENCRYPTED] = "MalformedCertificate",
		[IDENTITY_KEY_MISMATCH] = "KeyPairMismatch",
		[IDENTITY_KEY_KIND] = "MalformedCertificate",
	};
	const char *code = (size_t)problem < COUNT(codes) ? codes[problem] : NULL;

	return api_fault(call, code ? code : "MalformedCertificate",
			 "The server certificate cannot be uploaded: %s.",
			 identity_problem_words(problem));
}

static err_t check(struct api_call *call, const struct identity_pems *pems)
{
	enum identity_problem problem;
	struct identity *identity = NULL;
	err_t err = identity_read(pems, BYTES("uploaded"), iam_now_ms(iam_of(call)->iam) / 1000,
				  &identity, &problem);

	identity_unref(identity);
	if (err == ERR_NOMEM)
		return err;
	/* IAM, other than ACM, takes one without a chain whoever signed it. */
	return problem && problem != IDENTITY_CHAIN_MISSING ? refuse(call, problem) : ERR_OK;
}

static err_t set_expiration(json_t *body, struct bytes pem)
{
	struct certificate_facts facts;
	struct arena arena;
	err_t err;

	arena_init(&arena, 1 << 20);
	err = certificate_facts(pem, &arena, &facts);
	if (!err && json_object_set_new(body, "Expiration",
					json_integer((json_int_t)facts.not_after_s * 1000)))
		err = ERR_NOMEM;
	arena_fini(&arena);
	return err;
}

static err_t count_room(struct api_call *call)
{
	uint64_t count;

	TRY(store_count(iam_of(call)->txn, iam_certificate.kind, NULL, &count));
	if (count >= IAM_CERTIFICATES_MAX)
		return api_fault(call, "LimitExceeded",
				 "Cannot exceed quota for ServerCertificatesPerAccount: %d",
				 IAM_CERTIFICATES_MAX);
	return ERR_OK;
}

static char *arn_of(struct api_call *call, const char *path, const char *name)
{
	return arena_printf(call->arena, "arn:aws:iam::%s:server-certificate%s%s",
			    iam_of(call)->iam->options.account, path, name);
}

static err_t make(struct api_call *call, const char *name, json_t **ret_body)
{
	const char *path = iam_text(call->input, "Path"), *arn;
	const char *chain = iam_text(call->input, "CertificateChain");
	char id[IAM_ID_BYTES + 1];

	path = path ? path : "/";
	arn = arn_of(call, path, name);
	if (!arn)
		return ERR_NOMEM;
	iam_make_id(iam_certificate.prefix, id);
	*ret_body = iam_hold(
		call, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:[]}", iam_certificate.name,
				name, "Path", path, iam_certificate.id, id, "Arn", arn,
				"UploadDate", (json_int_t)iam_now_ms(iam_of(call)->iam),
				"CertificateBody", iam_text(call->input, "CertificateBody"),
				"CertificateChain", chain ? chain : "", "Tags"));
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

static json_t *metadata(const json_t *body)
{
	static const char *const members[] = {
		"Path",	     "ServerCertificateName", "ServerCertificateId", "Arn", "UploadDate",
		"Expiration"
	};
	json_t *shown = json_object();

	for (size_t i = 0; shown && i < COUNT(members); i++)
		if (json_object_set(shown, members[i], json_object_get(body, members[i]))) {
			json_decref(shown);
			return NULL;
		}
	return shown;
}

static err_t show(json_t *answer, const json_t *body)
{
	json_t *tags = json_object_get(body, "Tags");

	if (json_object_set_new(answer, "ServerCertificateMetadata", metadata(body)))
		return ERR_NOMEM;
	return json_array_size(tags) && json_object_set(answer, "Tags", tags) ? ERR_NOMEM : ERR_OK;
}

err_t iam_upload_certificate(struct api_call *call)
{
	const char *name = iam_text(call->input, iam_certificate.name);
	const struct identity_pems pems = {
		bytes_of(iam_text(call->input, "CertificateBody")),
		bytes_of(iam_text(call->input, "CertificateChain")),
		bytes_of(iam_text(call->input, "PrivateKey")),
	};
	json_t *body;
	err_t err;

	TRY(check(call, &pems));
	TRY(count_room(call));
	TRY(make(call, name, &body));
	TRY(iam_add_tags(call, body));
	TRY(set_expiration(body, pems.certificate));
	TRY(iam_seal(iam_of(call)->iam, pems.key, iam_text(body, iam_certificate.id), "Key", body));
	err = iam_insert(call, iam_certificate.kind, iam_id_of_name(call->arena, name), "", body);
	if (err == ERR_EXISTS)
		return api_fault(call, "EntityAlreadyExists",
				 "The Server Certificate with name %s already exists.", name);
	TRY(err);
	return show(call->output, body);
}

/* ---- Looking ---- */

static err_t named(struct api_call *call, json_t **ret_body)
{
	return iam_get(call, &iam_certificate, iam_text(call->input, iam_certificate.name),
		       ret_body);
}

err_t iam_get_certificate(struct api_call *call)
{
	json_t *body, *answer = json_object();
	const char *chain;

	if (json_object_set_new(call->output, "ServerCertificate", answer))
		return ERR_NOMEM;
	TRY(named(call, &body));
	TRY(show(answer, body));
	chain = iam_text(body, "CertificateChain");
	if (json_object_set(answer, "CertificateBody", json_object_get(body, "CertificateBody")) ||
	    (chain[0] && json_object_set(answer, "CertificateChain",
					 json_object_get(body, "CertificateChain"))))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t iam_list_certificates(struct api_call *call)
{
	struct bytes prefix = bytes_of(iam_text(call->input, "PathPrefix"));
	json_t *all, *body, *items = iam_hold(call, json_array());
	size_t i;

	if (!items)
		return ERR_NOMEM;
	TRY(iam_all(call, iam_certificate.kind, NULL, &all));
	json_array_foreach (all, i, body)
		if (bytes_starts(bytes_of(iam_text(body, "Path")), prefix) &&
		    json_array_append_new(items, metadata(body)))
			return ERR_NOMEM;
	return iam_page(call, "ServerCertificateMetadataList", items, iam_certificate.name);
}

/* ---- Changing ---- */

static err_t check_unused(struct api_call *call, const json_t *body)
{
	const struct iam *iam = iam_of(call)->iam;
	json_t *users = iam_hold(call,
				 iam->options.users(iam->options.owner, iam_text(body, "Arn")));

	if (!users)
		return ERR_NOMEM;
	if (json_array_size(users))
		return api_fault(call, "DeleteConflict",
				 "Certificate: %s is currently in use by %s",
				 iam_text(body, iam_certificate.id),
				 json_string_value(json_array_get(users, 0)));
	return ERR_OK;
}

err_t iam_delete_certificate(struct api_call *call)
{
	json_t *body;

	TRY(named(call, &body));
	TRY(check_unused(call, body));
	return iam_remove(call, iam_certificate.kind,
			  iam_id_of_name(call->arena, iam_text(body, iam_certificate.name)));
}

/* A new name or path is a new ARN, which listeners do not know: only what is unused may move. */
err_t iam_update_certificate(struct api_call *call)
{
	const char *new_name = iam_text(call->input, "NewServerCertificateName");
	const char *new_path = iam_text(call->input, "NewPath"), *old_id, *new_id, *arn;
	json_t *body;
	err_t err;

	TRY(named(call, &body));
	old_id = iam_id_of_name(call->arena, iam_text(body, iam_certificate.name));
	if (!new_name)
		new_name = arena_string(call->arena,
					bytes_of(iam_text(body, iam_certificate.name)));
	if (!new_path)
		new_path = arena_string(call->arena, bytes_of(iam_text(body, "Path")));
	arn = new_name && new_path ? arn_of(call, new_path, new_name) : NULL;
	new_id = arn ? iam_id_of_name(call->arena, new_name) : NULL;
	if (!old_id || !new_id)
		return ERR_NOMEM;
	if (strcmp(arn, iam_text(body, "Arn")) == 0)
		return ERR_OK;
	TRY(check_unused(call, body));
	if (json_object_set_new(body, iam_certificate.name, json_string(new_name)) ||
	    json_object_set_new(body, "Path", json_string(new_path)) ||
	    json_object_set_new(body, "Arn", json_string(arn)))
		return ERR_NOMEM;
	if (strcmp(old_id, new_id) == 0)
		return iam_put(call, iam_certificate.kind, old_id, body);
	TRY(iam_remove(call, iam_certificate.kind, old_id));
	err = iam_insert(call, iam_certificate.kind, new_id, "", body);
	return err == ERR_EXISTS
		       ? api_fault(call, "EntityAlreadyExists",
				   "The Server Certificate with name %s already exists.", new_name)
		       : err;
}

/* ---- For listeners ---- */

static err_t read_body(const struct iam *iam, const json_t *body, const char *arn,
		       struct identity **ret_identity)
{
	const struct identity_pems pems = {
		bytes_of(iam_text(body, "CertificateBody")),
		bytes_of(iam_text(body, "CertificateChain")),
		bytes_of(iam_text(body, "Key")),
	};

	if (strcmp(iam_text(body, "Arn"), arn) != 0)
		return ERR_NOT_FOUND;
	return identity_read_sealed(iam->options.seal_key, &pems,
				    bytes_of(iam_text(body, iam_certificate.id)), bytes_of(arn),
				    ret_identity);
}

err_t iam_identity(struct iam *iam, const char *arn, struct identity **ret_identity)
{
	const char *slash = strrchr(arn, '/');
	struct store_txn *txn;
	struct arena arena;
	json_t *body = NULL;
	err_t err;

	if (!slash)
		return ERR_NOT_FOUND;
	arena_init(&arena, 4096);
	TRY(store_begin(iam->options.store, &txn));
	err = store_get(txn, iam_certificate.kind, iam_id_of_name(&arena, slash + 1), &body, NULL);
	store_rollback(txn);
	arena_fini(&arena);
	if (!err)
		err = read_body(iam, body, arn, ret_identity);
	json_decref(body);
	return err;
}
