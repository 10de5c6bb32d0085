#include "services/elbv2/tls.h"

#include <stdlib.h>

#include "base/log.h"
#include "conn/conn.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/elbv2_internal.h"

/* Two days until a ticket is good for nothing: three keys, the newest so old at most. */
enum { ROTATION_MS = 16 * 3600 * 1000, CERTIFICATES_MAX = 26 };

struct tls_listener {
	char *arn;
	json_t *settings; /* what the context was made of */
	struct tls_context *context;
	uint64_t round; /* of the refresh that saw it last */
};

static void listener_free(struct tls_listener *listener)
{
	if (!listener)
		return;
	tls_context_unref(listener->context);
	json_decref(listener->settings);
	free(listener->arn);
	free(listener);
}

/* ---- Life ---- */

static void on_rotation(struct timer *timer)
{
	struct elbv2 *elbv2 = container_of(timer, struct elbv2, tls.rotation);

	tls_tickets_rotate(elbv2->tls.tickets);
	timer_set(elbv2->options.loop, timer, loop_now_ms(elbv2->options.loop) + ROTATION_MS);
}

err_t tls_listeners_init(struct elbv2 *elbv2)
{
	struct tls_listeners *tls = &elbv2->tls;

	tls->by_arn = (struct map)MAP_INIT;
	tls->rotation.on_expired = on_rotation;
	TRY(tls_tickets_create(&tls->tickets));
	timer_set(elbv2->options.loop, &tls->rotation,
		  loop_now_ms(elbv2->options.loop) + ROTATION_MS);
	return ERR_OK;
}

void tls_listeners_fini(struct elbv2 *elbv2)
{
	map_for_each (&elbv2->tls.by_arn, slot)
		listener_free(slot->value);
	map_fini(&elbv2->tls.by_arn);
	timer_cancel(&elbv2->tls.rotation);
	tls_tickets_unref(elbv2->tls.tickets);
}

bool tls_listeners_note(struct elbv2 *elbv2, const struct store_change *changes, size_t count)
{
	bool ours = false;

	for (size_t i = 0; i < count; i++)
		ours = ours || strcmp(changes[i].kind, "acm.certificate") == 0 ||
		       strcmp(changes[i].kind, "iam.server_certificate") == 0 ||
		       strcmp(changes[i].kind, KIND_TRUST_STORE) == 0 ||
		       strcmp(changes[i].kind, KIND_REVOCATION) == 0;
	elbv2->tls.stale = elbv2->tls.stale || ours;
	return ours;
}

/* ---- Making a context ---- */

static const json_t *load_balancer_of(const struct elbv2 *elbv2, const json_t *listener)
{
	const char *arn = get_string(api_part(listener), "LoadBalancerArn");
	const struct mirror_record *record = map_get(&elbv2->mirror.by_id[MIRROR_LOAD_BALANCERS],
						     bytes_of(arn));

	return record ? record->body : NULL;
}

static const char *default_certificate(const json_t *listener)
{
	const json_t *list = json_object_get(api_part(listener), "Certificates");

	return get_string(json_array_get(list, 0), "CertificateArn");
}

/* All that a context depends on. NULL on no memory. */
static json_t *settings_of(const struct elbv2 *elbv2, const json_t *listener)
{
	const json_t *balancer = load_balancer_of(elbv2, listener);
	json_t *more = json_object_get(listener, "certificates");

	return json_pack("{s:s, s:s, s:O?, s:O?, s:b}", "policy",
			 get_string(api_part(listener), "SslPolicy"), "certificate",
			 default_certificate(listener), "more", more, "mutual",
			 json_object_get(api_part(listener), "MutualAuthentication"), "http2",
			 balancer && attribute_true(RESOURCE_LOAD_BALANCER, balancer,
						    "routing.http2.enabled"));
}

struct found {
	struct identity *at[CERTIFICATES_MAX];
	unsigned count;
};

static void found_fini(struct found *found)
{
	for (unsigned i = 0; i < found->count; i++)
		identity_unref(found->at[i]);
}

static err_t find(const struct elbv2 *elbv2, const char *arn, struct found *found)
{
	err_t err;

	assert(found->count < COUNT(found->at));
	err = elbv2->options.identity(elbv2->options.owner, arn, &found->at[found->count]);
	if (err) {
		log_error("elbv2", "certificate %s cannot be used: %s", arn,
			  err == ERR_AGAIN ? "it is not issued" : err_words(err));
		return err;
	}
	found->count++;
	return ERR_OK;
}

enum tls_client_auth tls_client_auth_of(const json_t *mutual)
{
	const char *mode = get_string(mutual, "Mode");

	if (mode && strcmp(mode, "verify") == 0)
		return TLS_CLIENT_VERIFIED;
	return mode && strcmp(mode, "passthrough") == 0 ? TLS_CLIENT_ASKED : TLS_CLIENT_ANONYMOUS;
}

static err_t add_client_auth(const struct elbv2 *elbv2, const json_t *mutual,
			     struct tls_server_options *options)
{
	const char *advertise = get_string(mutual, "AdvertiseTrustStoreCaNames");

	options->client = tls_client_auth_of(mutual);
	options->ignore_expiry = get_true(mutual, "IgnoreClientCertificateExpiry");
	options->advertise_authorities = advertise && strcmp(advertise, "on") == 0;
	if (options->client != TLS_CLIENT_VERIFIED)
		return ERR_OK;
	return trust_of_store(elbv2, get_string(mutual, "TrustStoreArn"), &options->trust);
}

static err_t make(const struct elbv2 *elbv2, const char *arn, const json_t *settings,
		  struct tls_context **ret_context)
{
	const json_t *more = json_object_get(settings, "more"), *item;
	struct found found = { .count = 0 };
	struct tls_policy policy;
	struct tls_server_options options = {
		.policy = &policy,
		.identities = found.at,
		.http2 = get_true(settings, "http2"),
		.tickets = elbv2->tls.tickets,
		.name = bytes_of(arn),
	};
	size_t i;
	err_t err = ssl_policy_get(get_string(settings, "policy"), &policy);

	if (!err)
		err = find(elbv2, get_string(settings, "certificate"), &found);
	json_array_foreach (more, i, item)
		if (!err)
			err = find(elbv2, json_string_value(item), &found);
	options.identity_count = found.count;
	if (!err)
		err = add_client_auth(elbv2, json_object_get(settings, "mutual"), &options);
	if (!err)
		err = tls_context_for_clients(&options, ret_context);
	trust_unref(options.trust);
	found_fini(&found);
	return err;
}

/* ---- Refreshing ---- */

static struct tls_listener *entry_of(struct tls_listeners *tls, const char *arn)
{
	struct tls_listener *entry = map_get(&tls->by_arn, bytes_of(arn));

	if (entry)
		return entry;
	entry = calloc(1, sizeof *entry);
	if (entry)
		entry->arn = bytes_dup(bytes_of(arn));
	if (!entry || !entry->arn || map_put(&tls->by_arn, bytes_of(arn), entry, NULL)) {
		listener_free(entry);
		return NULL;
	}
	return entry;
}

static void refresh(struct elbv2 *elbv2, const json_t *listener)
{
	const char *arn = resource_arn(RESOURCE_LISTENER, listener);
	struct tls_listener *entry = entry_of(&elbv2->tls, arn);
	json_t *settings = settings_of(elbv2, listener);
	struct tls_context *context = NULL;
	err_t err = entry && settings ? ERR_OK : ERR_NOMEM;

	if (entry)
		entry->round = elbv2->tls.round;
	if (!err && entry->context && !elbv2->tls.stale && json_equal(settings, entry->settings)) {
		json_decref(settings);
		return;
	}
	if (!err)
		err = make(elbv2, arn, settings, &context);
	if (err) {
		json_decref(settings);
		log_error("elbv2", "listener %s %s: %s", arn,
			  entry && entry->context ? "goes on with the certificates it had"
						  : "serves nobody",
			  err_words(err));
		return;
	}
	tls_context_unref(entry->context);
	json_decref(entry->settings);
	entry->context = context;
	entry->settings = settings;
}

/* One pass removes one: what a map's walk stands on may not go under it. */
static bool drop_one_gone(struct tls_listeners *tls)
{
	map_for_each (&tls->by_arn, slot) {
		struct tls_listener *listener = slot->value;

		if (listener->round == tls->round)
			continue;
		map_remove(&tls->by_arn, bytes_of(listener->arn));
		listener_free(listener);
		return true;
	}
	return false;
}

static bool is_https(const json_t *listener)
{
	return strcmp(get_string(api_part(listener), "Protocol"), "HTTPS") == 0;
}

void tls_listeners_refresh(struct elbv2 *elbv2)
{
	elbv2->tls.round++;
	mirror_each(&elbv2->mirror, MIRROR_LISTENERS, node) if (is_https(mirror_body(node)))
		refresh(elbv2, mirror_body(node));
	elbv2->tls.stale = false;
	while (drop_one_gone(&elbv2->tls))
		;
}

struct tls_context *tls_listener_context(const struct elbv2 *elbv2, const char *listener_arn)
{
	const struct tls_listener *listener = map_get(&elbv2->tls.by_arn, bytes_of(listener_arn));

	return listener ? listener->context : NULL;
}

/* ---- Who uses what ---- */

static bool uses(const json_t *listener, const char *certificate_arn)
{
	const json_t *more = json_object_get(listener, "certificates"), *item;
	size_t i;

	if (!is_https(listener))
		return false;
	if (strcmp(default_certificate(listener), certificate_arn) == 0)
		return true;
	json_array_foreach (more, i, item)
		if (strcmp(json_string_value(item), certificate_arn) == 0)
			return true;
	return false;
}

json_t *tls_listeners_users(const struct elbv2 *elbv2, const char *certificate_arn)
{
	json_t *arns = json_object(), *list = json_array(), *value;
	const char *arn;

	mirror_each(&elbv2->mirror, MIRROR_LISTENERS,
		    node) if (uses(mirror_body(node), certificate_arn))
		json_object_set_new(arns,
				    get_string(api_part(mirror_body(node)), "LoadBalancerArn"),
				    json_true());
	json_object_foreach (arns, arn, value)
		json_array_append_new(list, json_string(arn));
	json_decref(arns);
	return list;
}
