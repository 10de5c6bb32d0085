"""Helpers for tests of stacks."""
import json

import botocore.exceptions
import pytest

from harness import until


def status(stacks, name):
    return stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def rested(stacks, name, want, seconds=30):
    """Waits until nothing is in progress; the stack."""
    until(lambda: not status(stacks, name).endswith("IN_PROGRESS"), seconds, f"stack {name} at rest")
    stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    failures = [e for e in stacks.describe_stack_events(StackName=name)["StackEvents"] if e["ResourceStatus"].endswith("FAILED")]
    assert stack["StackStatus"] == want, failures
    return stack


def made(stacks, name, template, want="CREATE_COMPLETE", **parameters):
    stacks.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], Parameters=given(parameters))
    return rested(stacks, name, want)


def changed(stacks, name, template, want="UPDATE_COMPLETE", **parameters):
    stacks.update_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], Parameters=given(parameters))
    return rested(stacks, name, want)


def given(parameters):
    return [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in parameters.items()]


def physical(stacks, name):
    rows = stacks.describe_stack_resources(StackName=name)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in rows}


def resource_states(stacks, name):
    return {r["LogicalResourceId"]: r["ResourceStatus"] for r in stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]}


def gone(stacks, name):
    stacks.delete_stack(StackName=name)

    def is_gone():
        try:
            return status(stacks, name) == "DELETE_COMPLETE"
        except botocore.exceptions.ClientError as error:
            return "does not exist" in str(error)
    until(is_gone, 30, f"stack {name} gone")


def fault_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Message"]


def group_template(*rules, retention=7, extra=""):
    """A security group and a log group: quick to make."""
    return json.dumps({
        "Resources": {
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {
                "GroupDescription": "d", "SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": p, "ToPort": p, "CidrIp": "10.0.0.0/8"} for p in rules]}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"g{extra}", "RetentionInDays": retention}}},
        "Outputs": {"GroupId": {"Value": {"Fn::GetAtt": "Group.GroupId"}}, "LogName": {"Value": {"Ref": "Logs"}}}})
