/*
 * resource_tags: which tags a resource has, as its own service says. Asked when a policy's
 * condition wants to know, before the transaction in which that policy is evaluated.
 */
#include "api/at.h"
#include "services/iam/iam_internal.h"

/* What of an ARN the service takes as the name. */
enum name_of { WHOLE, LAST, BEHIND_SECRET, BEHIND_STACK, PARAMETER, LOG_GROUP, BUCKET };

static const struct tagged {
	const char *prefix, *service, *operation, *member;
	enum name_of name;
	bool list;	  /* the member takes a list of names */
	const char *tags; /* path to them in the answer */
	const char *key;  /* the service's own key in front of a tag's; NULL: there is none */
} tagged[] = {
	{ "arn:aws:elasticloadbalancing:", "elbv2", "DescribeTags", "ResourceArns", WHOLE, true,
	  "TagDescriptions.0.Tags", "elasticloadbalancing:ResourceTag/" },
	{ "arn:aws:ec2:", "ec2", "DescribeTags", "Filters", LAST, false, "Tags",
	  "ec2:ResourceTag/" },
	{ "arn:aws:ecs:", "ecs", "ListTagsForResource", "resourceArn", WHOLE, false, "tags",
	  "ecs:ResourceTag/" },
	{ "arn:aws:logs:", "logs", "ListTagsForResource", "resourceArn", LOG_GROUP, false, "tags",
	  NULL },
	{ "arn:aws:lambda:", "lambda", "ListTags", "Resource", WHOLE, false, "Tags", NULL },
	{ "arn:aws:cloudwatch:", "cloudwatch", "ListTagsForResource", "ResourceARN", WHOLE, false,
	  "Tags", NULL },
	{ "arn:aws:acm:", "acm", "ListTagsForCertificate", "CertificateArn", WHOLE, false, "Tags",
	  NULL },
	{ "arn:aws:secretsmanager:", "secretsmanager", "DescribeSecret", "SecretId", BEHIND_SECRET,
	  false, "Tags", "secretsmanager:ResourceTag/" },
	{ "arn:aws:ssm:", "ssm", "ListTagsForResource", "ResourceId", PARAMETER, false, "TagList",
	  "ssm:resourceTag/" },
	{ "arn:aws:cloudformation:", "cloudformation", "DescribeStacks", "StackName", BEHIND_STACK,
	  false, "Stacks.0.Tags", NULL },
	{ "arn:aws:s3:::", "s3", "GetBucketTagging", "Bucket", BUCKET, false, "TagSet", NULL },
};

static const struct tagged *row_of(const char *arn)
{
	for (size_t i = 0; i < COUNT(tagged); i++)
		if (bytes_starts(bytes_of(arn), bytes_of(tagged[i].prefix)))
			return &tagged[i];
	return NULL;
}

/* What follows `mark`, up to `end`; all of `arn` where there is no mark. */
static struct bytes behind(const char *arn, const char *mark, char end)
{
	const char *found = strstr(arn, mark);
	struct bytes rest = bytes_of(found ? found + strlen(mark) : arn), part;

	bytes_cut(&rest, end, &part);
	return part;
}

static struct bytes name_in(const struct tagged *row, const char *arn)
{
	const char *at;

	switch (row->name) {
	case WHOLE: break;
	case LAST: at = strrchr(arn, '/'); return bytes_of(at ? at + 1 : arn);
	case BEHIND_SECRET: return behind(arn, ":secret:", '\0');
	case BEHIND_STACK: return behind(arn, ":stack/", '/');
	case PARAMETER: return behind(arn, ":parameter", '\0');
	case LOG_GROUP:
		at = strstr(arn, ":log-stream:");
		return at ? bytes_make(arn, (size_t)(at - arn)) : bytes_of(arn);
	case BUCKET: return behind(arn, ":::", '/');
	}
	return bytes_of(arn);
}

static json_t *question(const struct tagged *row, const char *name)
{
	if (strcmp(row->member, "Filters") == 0)
		return json_pack("{s:[{s:s, s:[s]}]}", "Filters", "Name", "resource-id", "Values",
				 name);
	if (row->name == PARAMETER)
		return json_pack("{s:s, s:s}", "ResourceType", "Parameter", row->member, name);
	return row->list ? json_pack("{s:[s]}", row->member, name)
			 : json_pack("{s:s}", row->member, name);
}

/* A parameter "a/b" is asked as such; one whose name begins with a slash has both its slashes. */
static err_t ask(struct iam *iam, struct api_call *call, const struct tagged *row,
		 struct bytes name, json_t **ret_tags)
{
	const struct api_caller house = { .account = iam->options.account,
					  .region = iam->options.region,
					  .is_root = true };
	char *text = arena_string(call->arena, name);
	json_t *input = text ? question(row, text) : NULL, *output = NULL;
	struct api_fault fault;
	err_t err = input ? api_call(call->api, &house, row->service, row->operation, input,
				     &output, &fault)
			  : ERR_NOMEM;

	json_decref(input);
	*ret_tags = err ? NULL : json_incref((json_t *)json_at(output, row->tags));
	json_decref(output);
	return err == ERR_NOMEM ? err : ERR_OK;
}

static err_t tags_of(struct iam *iam, struct api_call *call, const char *arn, json_t **ret_tags)
{
	const struct tagged *row = row_of(arn);
	struct bytes name;

	*ret_tags = NULL;
	/* What is to be made has no tags yet; a stack's ARN ends so too, for its id is not known.
	 */
	if (!row || (bytes_ends(bytes_of(arn), BYTES("/*")) && row->name != BEHIND_STACK))
		return ERR_OK;
	name = name_in(row, arn);
	TRY(ask(iam, call, row, name, ret_tags));
	/* The ARN does not tell whether the name has the slash. */
	if (!*ret_tags && row->name == PARAMETER && name.len > 1)
		return ask(iam, call, row, bytes_from(name, 1), ret_tags);
	return ERR_OK;
}

err_t iam_tags_of_resources(struct iam *iam, struct api_call *call, const json_t *arns,
			    json_t **ret_tags)
{
	json_t *all = json_object(), *arn, *tags;
	err_t err = all ? ERR_OK : ERR_NOMEM;
	size_t i;

	json_array_foreach (arns, i, arn) {
		err = err ? err : tags_of(iam, call, json_string_value(arn), &tags);
		if (err || !tags)
			continue;
		if (json_object_set_new(all, json_string_value(arn), tags))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(all);
	else
		*ret_tags = all;
	return err;
}

const char *iam_tag_key_of(const char *arn)
{
	const struct tagged *row = row_of(arn);

	return bytes_starts(bytes_of(arn), BYTES("arn:aws:iam::")) ? "iam:ResourceTag/"
	       : row						   ? row->key
								   : NULL;
}
