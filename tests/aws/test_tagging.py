"""The Resource Groups Tagging API: tags of every service by one door, both ways."""
import botocore.exceptions
import pytest

import clients
from harness import ACCOUNT, REGION
from stack_helpers import gone, made, physical


@pytest.fixture
def tagging(weir):
    pytest.importorskip("boto3")
    return clients.boto("resourcegroupstaggingapi", weir)


@pytest.fixture
def things(weir, elbv2, ec2, cloudwatch):
    """One resource in each of four services: {type: ARN}."""
    logs = clients.boto("logs", weir)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    logs.create_log_group(logGroupName="g")
    cloudwatch.put_metric_alarm(AlarmName="a", MetricName="m", Namespace="n", Statistic="Sum", Period=60, EvaluationPeriods=1,
                                Threshold=1, ComparisonOperator="GreaterThanThreshold")
    return {
        "elasticloadbalancing:targetgroup": elbv2.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
            "TargetGroupArn"],
        "ec2:security-group": f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/" + ec2.create_security_group(
            GroupName="s", Description="d", VpcId=vpc)["GroupId"],
        "logs:log-group": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g",
        "cloudwatch:alarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a"}


def arns(tagging, **filters):
    pages = tagging.get_paginator("get_resources").paginate(**filters)
    return {row["ResourceARN"]: {t["Key"]: t["Value"] for t in row["Tags"]} for page in pages for row in page["ResourceTagMappingList"]}


def test_tags_of_every_service_are_set_found_and_taken_by_one_door(tagging, things, elbv2):
    every = list(things.values())
    assert arns(tagging) == {}
    assert tagging.tag_resources(ResourceARNList=every, Tags={"team": "rag", "stage": "dev"})["FailedResourcesMap"] == {}
    assert arns(tagging) == {arn: {"team": "rag", "stage": "dev"} for arn in every}
    group = things["elasticloadbalancing:targetgroup"]
    assert len(elbv2.describe_tags(ResourceArns=[group])["TagDescriptions"][0]["Tags"]) == 2, "the service itself has them"
    tagging.tag_resources(ResourceARNList=[group], Tags={"stage": "prod"})
    assert list(arns(tagging, TagFilters=[{"Key": "stage", "Values": ["prod", "test"]}])) == [group]
    assert len(arns(tagging, TagFilters=[{"Key": "stage", "Values": ["dev"]}, {"Key": "team"}])) == 3
    assert list(arns(tagging, ResourceTypeFilters=["ec2:security-group"])) == [things["ec2:security-group"]]
    assert set(arns(tagging, ResourceTypeFilters=["logs", "cloudwatch"])) == {things["logs:log-group"], things["cloudwatch:alarm"]}
    assert tagging.get_tag_keys()["TagKeys"] == ["stage", "team"]
    assert tagging.get_tag_values(Key="stage")["TagValues"] == ["dev", "prod"]
    assert tagging.untag_resources(ResourceARNList=every, TagKeys=["stage"])["FailedResourcesMap"] == {}
    assert arns(tagging) == {arn: {"team": "rag"} for arn in every}


def test_pages_of_resources_neither_repeat_nor_hide(tagging, things):
    tagging.tag_resources(ResourceARNList=list(things.values()), Tags={"a": "1"})
    found, token = [], ""
    while True:
        page = tagging.get_resources(ResourcesPerPage=3, PaginationToken=token)
        found += [row["ResourceARN"] for row in page["ResourceTagMappingList"]]
        token = page["PaginationToken"]
        if not token:
            break
        assert len(page["ResourceTagMappingList"]) == 3
    assert found == sorted(things.values())


def test_who_cannot_be_tagged_is_said_and_the_others_are(tagging, things):
    gone = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:none"
    odd = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t"
    failed = tagging.tag_resources(ResourceARNList=[gone, odd, things["logs:log-group"]], Tags={"a": "1"})["FailedResourcesMap"]
    assert set(failed) == {gone, odd} and failed[gone]["StatusCode"] == 400 and "does not exist" in failed[gone]["ErrorMessage"]
    assert list(arns(tagging)) == [things["logs:log-group"]]
    for wrong in ({"PaginationToken": "%%%"}, {"ResourceARNList": [gone], "TagFilters": [{"Key": "a"}]}, {"ResourcesPerPage": 1000}):
        with pytest.raises(botocore.exceptions.ClientError):
            tagging.get_resources(**wrong)


def test_the_command_line_finds_what_it_tagged(aws, things):
    group = things["logs:log-group"]
    aws("resourcegroupstaggingapi", "tag-resources", "--resource-arn-list", group, "--tags", "team=rag")
    found = aws("resourcegroupstaggingapi", "get-resources", "--tag-filters", "Key=team,Values=rag")["ResourceTagMappingList"]
    assert found == [{"ResourceARN": group, "Tags": [{"Key": "team", "Value": "rag"}]}]


# ---- Keys that begin with aws: ----

def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def test_nobody_but_weir_gives_keys_that_begin_with_aws(weir, things, elbv2, ec2, cloudwatch):
    names = ("logs", "s3", "ssm", "secretsmanager", "iam", "ecs", "cloudformation", "acm", "lambda")
    logs, s3, ssm, secrets, iam, ecs, stacks, acm, functions = (clients.boto(name, weir) for name in names)
    mine = [{"Key": "aws:x", "Value": "y"}]
    small, upper = [{"key": "aws:x", "value": "y"}], [{"Key": "AWS:X", "Value": "y"}]
    s3.create_bucket(Bucket="tagged-bucket")
    ssm.put_parameter(Name="p", Type="String", Value="v")
    secrets.create_secret(Name="s", SecretString="v")
    iam.create_user(UserName="u")
    cluster = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    alarm, group = things["cloudwatch:alarm"], things["elasticloadbalancing:targetgroup"]
    for code, call, values in (
            ("InvalidTag", s3.put_bucket_tagging, {"Bucket": "tagged-bucket", "Tagging": {"TagSet": mine}}),
            ("InvalidTag", s3.put_object, {"Bucket": "tagged-bucket", "Key": "k", "Tagging": "aws:x=y"}),
            ("ValidationException", ssm.add_tags_to_resource, {"ResourceType": "Parameter", "ResourceId": "p", "Tags": mine}),
            ("ValidationException", ssm.remove_tags_from_resource, {"ResourceType": "Parameter", "ResourceId": "p", "TagKeys": ["aws:x"]}),
            ("ValidationException", ssm.put_parameter, {"Name": "q", "Type": "String", "Value": "v", "Tags": upper}),
            ("InvalidParameterException", secrets.tag_resource, {"SecretId": "s", "Tags": mine}),
            ("InvalidParameterException", secrets.untag_resource, {"SecretId": "s", "TagKeys": ["aws:x"]}),
            ("InvalidParameterException", secrets.create_secret, {"Name": "t", "SecretString": "v", "Tags": upper}),
            ("InvalidInput", iam.tag_user, {"UserName": "u", "Tags": mine}),
            ("InvalidInput", iam.untag_user, {"UserName": "u", "TagKeys": ["aws:x"]}),
            ("InvalidParameterException", ecs.tag_resource, {"resourceArn": cluster, "tags": small}),
            ("InvalidParameterException", ecs.untag_resource, {"resourceArn": cluster, "tagKeys": ["aws:x"]}),
            ("InvalidParameterException", logs.tag_log_group, {"logGroupName": "g", "tags": {"aws:x": "y"}}),
            ("InvalidParameterException", logs.untag_log_group, {"logGroupName": "g", "tags": ["aws:x"]}),
            ("InvalidParameterValue", cloudwatch.tag_resource, {"ResourceARN": alarm, "Tags": mine}),
            ("InvalidParameterValue", cloudwatch.untag_resource, {"ResourceARN": alarm, "TagKeys": ["aws:x"]}),
            ("InvalidTagException", acm.request_certificate, {"DomainName": "a.example", "Tags": mine}),
            ("InvalidParameterValueException", functions.tag_resource, {"Resource": function, "Tags": {"aws:x": "y"}}),
            ("ResourceNotFoundException", functions.tag_resource, {"Resource": function, "Tags": {"x": "y"}}),
            ("ValidationError", elbv2.add_tags, {"ResourceArns": [group], "Tags": mine}),
            ("InvalidParameterValue", ec2.create_tags, {"Resources": [things["ec2:security-group"].split("/")[1]], "Tags": mine}),
            ("ValidationError", stacks.create_stack, {"StackName": "s", "TemplateBody": "Resources: {L: {Type: 'AWS::Logs::LogGroup'}}",
                                                      "Tags": mine})):
        assert code_of(call, **values) == code, (call, values)
    assert arns(clients.boto("resourcegroupstaggingapi", weir)) == {}


def test_those_of_a_stack_do_not_count_and_stay(weir):
    """Fifty of one's own and AWS's three; then other tags from outside, which leave those three."""
    own = "[" + ", ".join(f"{{Key: k{n}, Value: v}}" for n in range(50)) + "]"
    template = f"""
Resources:
  Bucket: {{Type: AWS::S3::Bucket, Properties: {{Tags: {own}}}}}
  Logs: {{Type: AWS::Logs::LogGroup, Properties: {{Tags: {own}}}}}
  User: {{Type: AWS::IAM::User, Properties: {{Tags: {own}}}}}
  Cluster: {{Type: AWS::ECS::Cluster, Properties: {{Tags: {own}}}}}
  Secret: {{Type: AWS::SecretsManager::Secret, Properties: {{SecretString: s, Tags: {own}}}}}
  Network: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.9.0.0/16, Tags: {own}}}}}
  Alarm: {{Type: AWS::CloudWatch::Alarm, Properties: {{MetricName: m, Namespace: n, Statistic: Sum, Period: 60, EvaluationPeriods: 1,
          Threshold: 1, ComparisonOperator: GreaterThanThreshold, Tags: {own}}}}}
"""
    stacks, s3, logs = (clients.boto(name, weir) for name in ("cloudformation", "s3", "logs"))
    made(stacks, "many", template)
    ids = physical(stacks, "many")
    assert len(s3.get_bucket_tagging(Bucket=ids["Bucket"])["TagSet"]) == 53
    assert len(logs.list_tags_log_group(logGroupName=ids["Logs"])["tags"]) == 53
    logs.tag_log_group(logGroupName=ids["Logs"], tags={"k0": "other"})
    assert code_of(logs.tag_log_group, logGroupName=ids["Logs"], tags={"more": "x"}) == "TooManyTagsException"
    s3.put_bucket_tagging(Bucket=ids["Bucket"], Tagging={"TagSet": [{"Key": "one", "Value": "x"}]})
    assert len(s3.get_bucket_tagging(Bucket=ids["Bucket"])["TagSet"]) == 4
    s3.delete_bucket_tagging(Bucket=ids["Bucket"])
    assert {t["Key"] for t in s3.get_bucket_tagging(Bucket=ids["Bucket"])["TagSet"]} == {
        f"aws:cloudformation:{name}" for name in ("stack-name", "stack-id", "logical-id")}
    gone(stacks, "many")
    made(stacks, "wrong", "Resources: {L: {Type: 'AWS::Logs::LogGroup', Properties: {Tags: [{Key: 'aws:cloudformation:stack-id', Value: x}]}}}",
         want="ROLLBACK_COMPLETE")
    gone(stacks, "wrong")
