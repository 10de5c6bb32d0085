/*
 * sources: where resources and their tags are found, and how they are told new ones: rows.
 */
#include <string.h>

#include "services/tagging/tagging_internal.h"

#define ELBV2_TAGS                                                               \
	.tags_operation = "DescribeTags", .by = "ResourceArns", .by_list = true, \
	.tags = "TagDescriptions.0.Tags"

const struct tag_source tag_sources[] = {
	{ "elasticloadbalancing:loadbalancer", "elbv2", "DescribeLoadBalancers", "LoadBalancers",
	  "LoadBalancerArn", "NextMarker", "Marker", ELBV2_TAGS },
	{ "elasticloadbalancing:targetgroup", "elbv2", "DescribeTargetGroups", "TargetGroups",
	  "TargetGroupArn", "NextMarker", "Marker", ELBV2_TAGS },
	{ "logs:log-group", "logs", "DescribeLogGroups", "logGroups", "logGroupArn", "nextToken",
	  "nextToken", .tags_operation = "ListTagsForResource", .by = "resourceArn",
	  .tags = "tags" },
	{ "cloudwatch:alarm", "cloudwatch", "DescribeAlarms", "MetricAlarms", "AlarmArn",
	  "NextToken", "NextToken", .tags_operation = "ListTagsForResource", .by = "ResourceARN",
	  .tags = "Tags" },
	{ "acm:certificate", "acm", "ListCertificates", "CertificateSummaryList", "CertificateArn",
	  "NextToken", "NextToken", .tags_operation = "ListTagsForCertificate",
	  .by = "CertificateArn", .tags = "Tags" },
	{ "ecs:cluster", "ecs", "ListClusters", "clusterArns", "", "nextToken", "nextToken",
	  .tags_operation = "ListTagsForResource", .by = "resourceArn", .tags = "tags" },
	{ "ecs:task-definition", "ecs", "ListTaskDefinitions", "taskDefinitionArns", "",
	  "nextToken", "nextToken", .tags_operation = "ListTagsForResource", .by = "resourceArn",
	  .tags = "tags" },
	{ "lambda:function", "lambda", "ListFunctions", "Functions", "FunctionArn", "NextMarker",
	  "Marker", .tags_operation = "ListTags", .by = "Resource", .tags = "Tags" },
	{ "secretsmanager:secret", "secretsmanager", "ListSecrets", "SecretList", "ARN",
	  "NextToken", "NextToken", .tags = "Tags" },
	{ "cloudformation:stack", "cloudformation", "DescribeStacks", "Stacks", "StackId",
	  "NextToken", "NextToken", .tags = "Tags" },
};
const size_t tag_source_count = COUNT(tag_sources);

static const struct tag_sink sinks[] = {
	{ "arn:aws:elasticloadbalancing:", "elbv2", "AddTags", "RemoveTags", "ResourceArns", true,
	  SINK_ARN, SINK_UPPER, "Tags", "TagKeys" },
	{ "arn:aws:ec2:", "ec2", "CreateTags", "DeleteTags", "Resources", true, SINK_ID, SINK_UPPER,
	  "Tags", NULL },
	{ "arn:aws:logs:", "logs", "TagResource", "UntagResource", "resourceArn", false, SINK_ARN,
	  SINK_MAP, "tags", "tagKeys" },
	{ "arn:aws:cloudwatch:", "cloudwatch", "TagResource", "UntagResource", "ResourceARN", false,
	  SINK_ARN, SINK_UPPER, "Tags", "TagKeys" },
	{ "arn:aws:acm:", "acm", "AddTagsToCertificate", "RemoveTagsFromCertificate",
	  "CertificateArn", false, SINK_ARN, SINK_UPPER, "Tags", NULL },
	{ "arn:aws:ecs:", "ecs", "TagResource", "UntagResource", "resourceArn", false, SINK_ARN,
	  SINK_LOWER, "tags", "tagKeys" },
	{ "arn:aws:lambda:", "lambda", "TagResource", "UntagResource", "Resource", false, SINK_ARN,
	  SINK_MAP, "Tags", "TagKeys" },
	{ "arn:aws:secretsmanager:", "secretsmanager", "TagResource", "UntagResource", "SecretId",
	  false, SINK_ARN, SINK_UPPER, "Tags", "TagKeys" },
};

const struct tag_sink *tag_sink_of(const char *arn)
{
	for (size_t i = 0; i < COUNT(sinks); i++)
		if (bytes_starts(bytes_of(arn), bytes_of(sinks[i].prefix)))
			return &sinks[i];
	return NULL;
}
