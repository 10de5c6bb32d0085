"""The Resource Groups Tagging API: tags of every service by one door, both ways."""
import botocore.exceptions
import pytest

import clients
from harness import ACCOUNT, REGION


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
