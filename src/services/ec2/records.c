/*
 * records: reading and writing them, and the small things on JSON that all files need.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "net/address.h"

static struct store_txn *txn_of(const struct api_call *call)
{
	return ((struct ec2_call *)call->transaction)->txn;
}

/* ---- JSON ---- */

err_t ec2_set(json_t *object, const char *key, json_t *value)
{
	return value && !json_object_set_new(object, key, value) ? ERR_OK : ERR_NOMEM;
}

err_t ec2_append(json_t *array, json_t *value)
{
	return value && !json_array_append_new(array, value) ? ERR_OK : ERR_NOMEM;
}

err_t ec2_answer_true(struct api_call *call)
{
	return ec2_set(call->output, "Return", json_true());
}

/* ---- Ids and CIDRs ---- */

void ec2_id(const struct ec2 *ec2, const char *prefix, const char *what, char out[EC2_ID_BYTES])
{
	char text[256], hex[SHA256_HEX_BYTES + 1];
	int len = snprintf(text, sizeof text, "%s/%s/%s%s", ec2->options.account,
			   ec2->options.region, prefix, what);

	sha256_hex(bytes_make(text, size_min((size_t)len, sizeof text - 1)), hex);
	snprintf(out, EC2_ID_BYTES, "%s%.17s", prefix, hex);
}

void ec2_random_id(const char *prefix, char out[EC2_ID_BYTES])
{
	char hex[18];

	random_hex(hex, 17);
	snprintf(out, EC2_ID_BYTES, "%s%s", prefix, hex);
}

err_t ec2_cidr(struct api_call *call, const char *text, unsigned family, struct cidr *ret_cidr,
	       char out[EC2_CIDR_BYTES])
{
	char ip[ADDRESS_TEXT_BYTES];

	if (cidr_parse(bytes_of(text), ret_cidr) || ret_cidr->base.family != family)
		return api_fault(call, "InvalidParameterValue",
				 family == 6 ? "IPv6 CIDR block %s is malformed"
					     : "CIDR block %s is malformed",
				 text);
	address_format_ip(&ret_cidr->base, ip);
	snprintf(out, EC2_CIDR_BYTES, "%s/%u", ip, ret_cidr->bits);
	return ERR_OK;
}

/* ---- Kinds ---- */

const struct ec2_kind *ec2_kind_of_id(const char *id)
{
	for (size_t i = 0; i < ec2_kind_count; i++)
		if (bytes_starts(bytes_of(id), bytes_of(ec2_kinds[i]->prefix)))
			return ec2_kinds[i];
	return NULL;
}

/* ---- Records ---- */

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t ec2_list(struct api_call *call, const struct ec2_kind *kind, json_t **ret_list)
{
	json_t *list = json_array();

	TRY(ec2_hold(call, list));
	TRY(store_each(txn_of(call), kind->kind, NULL, NULL, append_body, list));
	*ret_list = list;
	return ERR_OK;
}

err_t ec2_find(struct api_call *call, const struct ec2_kind *kind, const char *id,
	       json_t **ret_body)
{
	json_t *body;
	err_t err;

	if (strncmp(id, kind->prefix, strlen(kind->prefix)) != 0)
		return api_fault(call, kind->malformed, "Invalid id: \"%s\" (expecting \"%s...\")",
				 id, kind->prefix);
	err = store_get(txn_of(call), kind->kind, id, &body, NULL);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, kind->missing, "The %s '%s' does not exist", kind->noun, id);
	TRY(err);
	TRY(ec2_hold(call, body));
	*ret_body = body;
	return ERR_OK;
}

err_t ec2_find_input(struct api_call *call, const struct ec2_kind *kind, json_t **ret_body)
{
	const char *id = ec2_text(call->input, kind->id);

	if (!id)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter %s", kind->id);
	return ec2_find(call, kind, id, ret_body);
}

static struct store_resource resource_of(const struct ec2_kind *kind, json_t *body)
{
	const char *vpc = kind == &ec2_vpcs ? NULL : ec2_text(body, "VpcId");

	return (struct store_resource){ .kind = kind->kind,
					.id = ec2_text(body, kind->id),
					.parent = vpc ? vpc : "",
					.body = body };
}

err_t ec2_add(struct api_call *call, const struct ec2_kind *kind, json_t *body)
{
	struct store_resource resource;

	TRY(ec2_hold(call, body));
	resource = resource_of(kind, body);
	((struct ec2_call *)call->transaction)->wrote = true;
	return store_insert(txn_of(call), &resource);
}

err_t ec2_save(struct api_call *call, const struct ec2_kind *kind, json_t *body)
{
	struct store_resource resource = resource_of(kind, body);

	((struct ec2_call *)call->transaction)->wrote = true;
	return store_update(txn_of(call), &resource);
}

err_t ec2_drop(struct api_call *call, const struct ec2_kind *kind, const char *id)
{
	((struct ec2_call *)call->transaction)->wrote = true;
	return store_delete(txn_of(call), kind->kind, id);
}

err_t ec2_any(struct api_call *call, const struct ec2_kind *kind, const char *path,
	      const char *value, bool *ret_any)
{
	json_t *list, *body;
	size_t index;

	*ret_any = false;
	TRY(ec2_list(call, kind, &list));
	json_array_foreach (list, index, body)
		if (ec2_path_has(body, path, value))
			*ret_any = true;
	return ERR_OK;
}
