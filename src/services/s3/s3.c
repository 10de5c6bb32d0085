/*
 * s3: the service's life.
 */
#include <stdlib.h>

#include "services/s3/s3_internal.h"

enum { ARENA_BYTES = 1024 * 1024 };

static const struct api_fault_status statuses[] = {
	{ "NoSuchBucket", 404 },
	{ "NoSuchKey", 404 },
	{ "NoSuchVersion", 404 },
	{ "NoSuchUpload", 404 },
	{ "NoSuchTagSet", 404 },
	{ "NoSuchBucketPolicy", 404 },
	{ "NoSuchCORSConfiguration", 404 },
	{ "NoSuchWebsiteConfiguration", 404 },
	{ "NoSuchLifecycleConfiguration", 404 },
	{ "NoSuchObjectLockConfiguration", 404 },
	{ "NoSuchPublicAccessBlockConfiguration", 404 },
	{ "ServerSideEncryptionConfigurationNotFoundError", 404 },
	{ "ReplicationConfigurationNotFoundError", 404 },
	{ "ObjectLockConfigurationNotFoundError", 404 },
	{ "OwnershipControlsNotFoundError", 404 },
	{ "BucketAlreadyOwnedByYou", 409 },
	{ "BucketNotEmpty", 409 },
	{ "PreconditionFailed", 412 },
	{ "InvalidRange", 416 },
	{ "InvalidPartNumber", 416 },
	{ "MethodNotAllowed", 405 },
	{ "NotModified", 304 },
	{ "NotImplemented", 501 },
	{ "InternalError", 500 },
	{ NULL, 0 },
};

static const struct api_fault_name names[] = {
	{ "ValidationError", "InvalidArgument" },
	{ "InternalFailure", "InternalError" },
	{ NULL, NULL },
};

static err_t end(struct api_call *call, err_t verdict)
{
	return s3_end(call, verdict);
}

/* ---- Leftovers ---- */

static bool is_known(void *owner, const char *file)
{
	struct s3 *s3 = owner;
	struct store_txn *txn;
	char *id = NULL;
	err_t err = store_begin(s3->options.store, &txn);

	if (err)
		return true; /* who cannot ask removes nothing */
	err = store_name_get(txn, S3_FILE, file, &id);
	store_rollback(txn);
	free(id);
	return err != ERR_NOT_FOUND;
}

/* A reset takes all names away at once, and no handler is there to remove their files. */
static void on_changes(struct store_listener *listener, const struct store_change *changes,
		       size_t count)
{
	struct s3 *s3 = container_of(listener, struct s3, listener);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].kind, S3_BUCKET) != 0 || changes[i].what != STORE_DELETED)
			continue;
		files_sweep(s3->files, is_known, s3);
		return;
	}
}

/* ---- Life ---- */

static err_t open_all(struct s3 *s3, struct text *why)
{
	static const char *const aliases[] = { "s3", "s3api", NULL };
	const struct s3_options *options = &s3->options;

	s3->service = (struct api_service){
		.name = "s3",
		.aliases = aliases,
		.protocol = API_REST_XML,
		.version = "2006-03-01",
		.xml_namespace = "http://s3.amazonaws.com/doc/2006-03-01/",
		.host_word = "s3",
		.elsewhere = s3_elsewhere_of,
		.fault_names = names,
		.fault_statuses = statuses,
		.operations = s3_operations,
		.operation_count = s3_operation_count,
		.begin = s3_begin,
		.end = end,
		.state = s3,
	};
	TRY(s3_places_load(s3, why));
	TRY(files_open(options->folder, options->loop, &s3->files, why));
	TRY(api_register(options->api, &s3->service));
	s3->listener.on_changes = on_changes;
	store_listen(options->store, &s3->listener);
	files_sweep(s3->files, is_known, s3);
	outbox_open(&s3->notices, &(struct outbox_options){ .loop = options->loop,
							    .store = options->store,
							    .kind = S3_NOTICE,
							    .service = "s3",
							    .deliver = options->notify,
							    .owner = options->owner });
	return ERR_OK;
}

err_t s3_create(const struct s3_options *options, struct s3 **ret_s3, struct text *why)
{
	struct s3 *s3 = calloc(1, sizeof *s3);
	err_t err = ERR_OK;

	if (!s3)
		return ERR_NOMEM;
	arena_init(&s3->arena, ARENA_BYTES);
	s3->options = *options;
	s3->options.account = arena_string(&s3->arena, bytes_of(options->account));
	s3->options.region = arena_string(&s3->arena, bytes_of(options->region));
	s3->options.folder = arena_string(&s3->arena, bytes_of(options->folder));
	if (!s3->options.account || !s3->options.region || !s3->options.folder)
		err = ERR_NOMEM;
	if (!err)
		err = open_all(s3, why);
	if (err) {
		files_close(s3->files);
		arena_fini(&s3->arena);
		free(s3);
		return err;
	}
	*ret_s3 = s3;
	return ERR_OK;
}

void s3_destroy(struct s3 *s3)
{
	if (!s3)
		return;
	outbox_close(&s3->notices);
	files_close(s3->files);
	arena_fini(&s3->arena);
	free(s3);
}
