/*
 * managed: policies that AWS keeps and stacks name. Same names and reach, statements in our words.
 */
#include <stdio.h>

#include "services/iam/iam_internal.h"

#define STATEMENT(effect, rest) "{\"Effect\":\"" effect "\"," rest "}"
#define POLICY(statements)	"{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ALLOW(actions)		POLICY(STATEMENT("Allow", "\"Action\":[" actions "],\"Resource\":\"*\""))

#define WRITES_LOGS "\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\""
#define READS_ECR                                                            \
	"\"ecr:GetAuthorizationToken\",\"ecr:BatchCheckLayerAvailability\"," \
	"\"ecr:GetDownloadUrlForLayer\",\"ecr:BatchGetImage\""

static const struct iam_managed policies[] = {
	{ "/", "AdministratorAccess", ALLOW("\"*\"") },
	{ "/", "PowerUserAccess",
	  POLICY(STATEMENT(
		  "Allow",
		  "\"NotAction\":[\"iam:*\",\"organizations:*\",\"account:*\"],"
		  "\"Resource\":\"*\"") "," STATEMENT("Allow",
						      "\"Action\":[\"iam:ListRoles\",\"iam:GetRole\"],"
						      "\"Resource\":\"*\"")) },
	{ "/", "ReadOnlyAccess",
	  ALLOW("\"cloudformation:Describe*\",\"cloudformation:Get*\",\"cloudformation:List*\","
		"\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"ec2:Describe*\",\"ec2:Get*\",\"ecs:Describe*\",\"ecs:List*\","
		"\"elasticloadbalancing:Describe*\",\"elasticloadbalancing:Get*\","
		"\"iam:Get*\",\"iam:List*\",\"lambda:Get*\",\"lambda:List*\","
		"\"logs:Describe*\",\"logs:Get*\",\"logs:FilterLogEvents\",\"logs:List*\","
		"\"s3:Get*\",\"s3:List*\",\"s3:Head*\",\"sts:GetCallerIdentity\"") },
	{ "/", "IAMFullAccess", ALLOW("\"iam:*\"") },
	{ "/", "IAMReadOnlyAccess", ALLOW("\"iam:Get*\",\"iam:List*\"") },
	{ "/", "ElasticLoadBalancingFullAccess",
	  ALLOW("\"elasticloadbalancing:*\",\"ec2:Describe*\"") },
	{ "/", "ElasticLoadBalancingReadOnly",
	  ALLOW("\"elasticloadbalancing:Describe*\",\"elasticloadbalancing:Get*\"") },
	{ "/", "AmazonEC2FullAccess",
	  ALLOW("\"ec2:*\",\"elasticloadbalancing:*\",\"cloudwatch:*\"") },
	{ "/", "AmazonEC2ReadOnlyAccess",
	  ALLOW("\"ec2:Describe*\",\"elasticloadbalancing:Describe*\",\"cloudwatch:Describe*\","
		"\"cloudwatch:Get*\",\"cloudwatch:List*\"") },
	{ "/", "AmazonS3FullAccess", ALLOW("\"s3:*\"") },
	{ "/", "AmazonS3ReadOnlyAccess", ALLOW("\"s3:Get*\",\"s3:List*\",\"s3:Head*\"") },
	{ "/", "AmazonECS_FullAccess",
	  ALLOW("\"ecs:*\",\"elasticloadbalancing:*\",\"ec2:Describe*\",\"cloudwatch:*\","
		"\"logs:*\"") },
	{ "/", "AWSLambda_FullAccess", ALLOW("\"lambda:*\",\"logs:Describe*\",\"logs:Get*\"") },
	{ "/", "CloudWatchFullAccess", ALLOW("\"cloudwatch:*\",\"logs:*\"") },
	{ "/", "CloudWatchReadOnlyAccess",
	  ALLOW("\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\","
		"\"logs:Describe*\",\"logs:Get*\",\"logs:FilterLogEvents\"") },
	{ "/", "CloudWatchLogsFullAccess", ALLOW("\"logs:*\"") },
	{ "/", "CloudWatchLogsReadOnlyAccess",
	  ALLOW("\"logs:Describe*\",\"logs:Get*\",\"logs:List*\",\"logs:FilterLogEvents\"") },
	{ "/", "CloudWatchAgentServerPolicy",
	  ALLOW("\"cloudwatch:PutMetricData\",\"ec2:DescribeTags\"," WRITES_LOGS) },
	{ "/", "AmazonSSMManagedInstanceCore",
	  ALLOW("\"ssm:UpdateInstanceInformation\",\"ssmmessages:*\",\"ec2messages:*\"") },
	{ "/", "AmazonEC2ContainerRegistryReadOnly", ALLOW(READS_ECR) },
	{ "/service-role/", "AmazonECSTaskExecutionRolePolicy",
	  ALLOW(READS_ECR ",\"logs:CreateLogStream\",\"logs:PutLogEvents\"") },
	{ "/service-role/", "AmazonEC2ContainerServiceforEC2Role",
	  ALLOW(READS_ECR ",\"ecs:Poll\",\"ecs:RegisterContainerInstance\",\"ecs:Submit*\","
			  "\"logs:CreateLogStream\",\"logs:PutLogEvents\"") },
	{ "/service-role/", "AWSLambdaBasicExecutionRole", ALLOW(WRITES_LOGS) },
	{ "/service-role/", "AWSLambdaVPCAccessExecutionRole",
	  ALLOW(WRITES_LOGS ",\"ec2:CreateNetworkInterface\",\"ec2:DeleteNetworkInterface\","
			    "\"ec2:DescribeNetworkInterfaces\",\"ec2:DescribeSubnets\"") },
};

static const char prefix[] = "arn:aws:iam::aws:policy";

const struct iam_managed *iam_managed_find(const char *arn)
{
	struct bytes rest = bytes_of(arn);

	if (!bytes_starts(rest, bytes_of(prefix)))
		return NULL;
	rest = bytes_from(rest, sizeof prefix - 1);
	for (size_t i = 0; i < COUNT(policies); i++) {
		size_t path = strlen(policies[i].path);

		if (bytes_starts(rest, bytes_of(policies[i].path)) &&
		    bytes_eq_str(bytes_from(rest, path), policies[i].name))
			return &policies[i];
	}
	return NULL;
}

const struct iam_managed *iam_managed_at(size_t index)
{
	return index < COUNT(policies) ? &policies[index] : NULL;
}

json_t *iam_managed_body(const struct iam_managed *managed)
{
	char arn[160], id[IAM_ID_BYTES + 1] = "ANPAAAAAAAAAAAAAAAAAA";
	unsigned number = (unsigned)(managed - policies);

	id[19] = (char)('A' + number / 26);
	id[20] = (char)('A' + number % 26);
	snprintf(arn, sizeof arn, "%s%s%s", prefix, managed->path, managed->name);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:[{s:s, s:s, s:I}], s:[]}",
			 "PolicyName", managed->name, "PolicyId", id, "Arn", arn, "Path",
			 managed->path, "DefaultVersionId", "v1", "IsAttachable", 1, "CreateDate",
			 (json_int_t)1420070400000, "UpdateDate", (json_int_t)1420070400000,
			 "Versions", "VersionId", "v1", "Document", managed->document, "CreateDate",
			 (json_int_t)1420070400000, "Tags");
}
