"""Stacks by the real clients: made, changed, rolled back, deleted; and what became of their resources."""
import json
import os
import pathlib
import random
import time

import pytest

import clients
from harness import TOP, Weir, free_port, get, until
from stack_helpers import changed, fault_of, given, gone, group_template, made, physical, resource_states, rested, status

NETWORK = (pathlib.Path(__file__).parent / "templates/network.yml").read_text()


@pytest.fixture
def stacks(weir):
    pytest.importorskip("boto3")
    return clients.boto("cloudformation", weir)


# ---- The whole way ----

def test_deploy_by_the_command_line_carries_traffic_and_delete_leaves_nothing(weir, stacks, ec2, elbv2, tmp_path):
    commands = clients.command_lines()
    if not commands:
        pytest.skip("no aws command line on this machine")
    aws = clients.Cli(commands[0][1], weir)
    file, port = tmp_path / "network.yml", free_port()
    file.write_text(NETWORK)
    code, out, errors = aws.run("cloudformation", "deploy", "--template-file", str(file), "--stack-name", "demo", "--capabilities",
                                "CAPABILITY_IAM", "--parameter-overrides", f"ListenerPort={port}")
    assert code == 0 and "Successfully created/updated stack - demo" in out, errors
    assert get(port).body == b"hello from dev"
    stack = stacks.describe_stacks(StackName="demo")["Stacks"][0]
    url = next(o for o in stack["Outputs"] if o["OutputKey"] == "Url")
    assert url["OutputValue"].endswith(f":{port}") and url["ExportName"] == "demo-url"
    code, out, errors = aws.run("cloudformation", "deploy", "--template-file", str(file), "--stack-name", "demo", "--capabilities",
                                "CAPABILITY_IAM", "--no-fail-on-empty-changeset")
    assert code == 0 and "No changes to deploy" in out + errors
    changed(stacks, "demo", NETWORK, ListenerPort=port, Environment="prod")
    assert get(port).body == b"hello from prod"
    gone(stacks, "demo")
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert [v["IsDefault"] for v in ec2.describe_vpcs()["Vpcs"]] == [True]
    assert clients.boto("iam", weir).list_roles()["Roles"] == []
    assert stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"][0]["StackName"] == "demo"


def test_an_update_changes_what_differs_and_replaces_what_must_be(stacks, ec2, weir):
    logs = clients.boto("logs", weir)
    made(stacks, "s", group_template(80))
    before = physical(stacks, "s")
    changed(stacks, "s", group_template(80, 443, retention=14))
    assert physical(stacks, "s") == before, "nothing was replaced"
    rules = ec2.describe_security_groups(GroupIds=[before["Group"]])["SecurityGroups"][0]["IpPermissions"]
    assert sorted(r["FromPort"] for r in rules) == [80, 443]
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
    changed(stacks, "s", group_template(443, extra="-new"))
    after = physical(stacks, "s")
    assert after["Group"] == before["Group"] and after["Logs"] == "g-new"
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == ["g-new"], "the replaced one went"
    assert "No updates are to be performed" in fault_of(stacks.update_stack, StackName="s", TemplateBody=group_template(443, extra="-new"))


def test_a_failed_creation_leaves_nothing_and_says_why(stacks, ec2, weir):
    groups = len(ec2.describe_security_groups()["SecurityGroups"])
    made(stacks, "s", group_template(80, retention=8), want="ROLLBACK_COMPLETE")
    events = stacks.describe_stack_events(StackName="s")["StackEvents"]
    failed = next(e for e in events if e["ResourceStatus"] == "CREATE_FAILED")
    assert failed["LogicalResourceId"] == "Logs" and "'8' at 'retentionInDays'" in failed["ResourceStatusReason"]
    rolling = next(e for e in events if e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert "The following resource(s) failed to create: [Logs]" in rolling["ResourceStatusReason"]
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == groups
    assert "can not be updated" in fault_of(stacks.update_stack, StackName="s", TemplateBody=group_template(80))
    gone(stacks, "s")


def test_a_failed_update_goes_back_to_what_was(stacks, ec2, weir):
    logs = clients.boto("logs", weir)
    made(stacks, "s", group_template(80))
    before = physical(stacks, "s")
    stack = changed(stacks, "s", json.dumps({**json.loads(group_template(443, extra="-new")), "Resources": {
        **json.loads(group_template(443, extra="-new"))["Resources"],
        "Bad": {"Type": "AWS::Logs::LogGroup", "DependsOn": ["Group", "Logs"], "Properties": {"RetentionInDays": 8}}}}),
        want="UPDATE_ROLLBACK_COMPLETE")
    assert physical(stacks, "s") == before, "the replaced one is back, not made anew"
    rules = ec2.describe_security_groups(GroupIds=[before["Group"]])["SecurityGroups"][0]["IpPermissions"]
    assert [r["FromPort"] for r in rules] == [80]
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == ["g"]
    assert json.loads(stacks.get_template(StackName="s")["TemplateBody"] if isinstance(
        stacks.get_template(StackName="s")["TemplateBody"], str) else json.dumps(
            stacks.get_template(StackName="s")["TemplateBody"])) == json.loads(group_template(80))
    assert {o["OutputKey"] for o in stack["Outputs"]} == {"GroupId", "LogName"}
    changed(stacks, "s", group_template(8080))


# ---- Tags, and properties that are named no more ----

TAGGED = """
Parameters: {Days: {Type: Number, Default: 7}}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16, EnableDnsHostnames: true, Tags: [{Key: own, Value: one}]}}
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow,
         Action: 'sts:AssumeRole', Principal: {Service: ecs.amazonaws.com}}]}, Description: words,
         Tags: [{Key: own, Value: one}]}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {Tags: [{Key: own, Value: one}]}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Days, Tags: [{Key: own, Value: one}]}}
  Word: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: w, Tags: {own: one}}}
  Targets: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {Port: 80, Protocol: HTTP, VpcId: !Ref Vpc,
            HealthCheckPath: /health, Tags: [{Key: own, Value: one}]}}
"""


def test_tags_follow_the_template_and_the_stack_forth_and_back(weir, stacks, ec2, elbv2):
    iam, s3, logs, ssm = (clients.boto(name, weir) for name in ("iam", "s3", "logs", "ssm"))

    def seen():
        ids = physical(stacks, "t")
        found = {
            "Vpc": ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"][0]["Tags"],
            "Role": iam.list_role_tags(RoleName=ids["Role"])["Tags"],
            "Bucket": s3.get_bucket_tagging(Bucket=ids["Bucket"])["TagSet"],
            "Word": ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=ids["Word"])["TagList"],
            "Targets": elbv2.describe_tags(ResourceArns=[ids["Targets"]])["TagDescriptions"][0]["Tags"],
        }
        found = {name: {t["Key"]: t["Value"] for t in tags} for name, tags in found.items()}
        found["Logs"] = logs.list_tags_log_group(logGroupName=ids["Logs"])["tags"]
        return found

    def update(template, tags, want="UPDATE_COMPLETE", **parameters):
        stacks.update_stack(StackName="t", TemplateBody=template, Capabilities=["CAPABILITY_IAM"], Parameters=given(parameters),
                            Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        rested(stacks, "t", want)

    def of(**tags):
        return {name: {**tags, "aws:cloudformation:stack-name": "t", "aws:cloudformation:stack-id": stack_id,
                       "aws:cloudformation:logical-id": name} for name in ids}

    stacks.create_stack(StackName="t", TemplateBody=TAGGED, Capabilities=["CAPABILITY_IAM"], Tags=[{"Key": "team", "Value": "a"}])
    stack_id = rested(stacks, "t", "CREATE_COMPLETE")["StackId"]
    ids = physical(stacks, "t")
    assert seen() == of(own="one", team="a")
    update(TAGGED, {"team": "b", "more": "x"})
    assert seen() == of(own="one", team="b", more="x")
    stacks.detect_stack_drift(StackName="t")
    drifts = stacks.describe_stack_resource_drifts(StackName="t", StackResourceDriftStatusFilters=["MODIFIED", "DELETED"])
    assert drifts["StackResourceDrifts"] == []
    update(TAGGED.replace("own", "other"), {}, "UPDATE_ROLLBACK_COMPLETE", Days=8)
    assert seen() == of(own="one", team="b", more="x") and physical(stacks, "t") == ids
    less = TAGGED.replace("own", "other").replace(" HealthCheckPath: /health,", "").replace(" Description: words,", "")
    update(less.replace(", EnableDnsHostnames: true", ""), {"team": "b"})
    assert seen() == of(other="one", team="b") and physical(stacks, "t") == ids
    assert elbv2.describe_target_groups(TargetGroupArns=[ids["Targets"]])["TargetGroups"][0]["HealthCheckPath"] == "/"
    assert iam.get_role(RoleName=ids["Role"])["Role"].get("Description", "") == ""
    assert not ec2.describe_vpc_attribute(VpcId=ids["Vpc"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    for call, values in ((ec2.create_tags, {"Tags": [{"Key": "aws:x", "Value": "y"}]}),
                         (ec2.delete_tags, {"Tags": [{"Key": "aws:cloudformation:stack-name"}]})):
        assert "reserved" in fault_of(call, Resources=[ids["Vpc"]], **values)
    ec2.delete_tags(Resources=[ids["Vpc"]])
    assert seen()["Vpc"] == of()["Vpc"], "those of AWS stay"
    gone(stacks, "t")


# ---- Rules between stacks, and bad input ----

def test_exports_bind_the_stacks_that_import_them(stacks):
    exporting = {"Resources": {"L": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "shared"}}},
                 "Outputs": {"Name": {"Value": {"Ref": "L"}, "Export": {"Name": "shared-name"}}}}
    importing = {"Resources": {"L": {"Type": "AWS::Logs::LogGroup", "Properties": {
        "LogGroupName": {"Fn::Sub": ["${N}-more", {"N": {"Fn::ImportValue": "shared-name"}}]}}}}}
    made(stacks, "one", json.dumps(exporting))
    made(stacks, "two", json.dumps(importing))
    assert physical(stacks, "two")["L"] == "shared-more"
    assert stacks.list_exports()["Exports"][0]["Name"] == "shared-name"
    assert stacks.list_imports(ExportName="shared-name")["Imports"] == ["two"]
    assert "in use by two" in fault_of(stacks.delete_stack, StackName="one")
    gone(stacks, "two")
    gone(stacks, "one")
    made(stacks, "three", json.dumps(importing), want="ROLLBACK_COMPLETE")


def test_protection_retention_and_secrets(stacks, weir):
    template = {"Parameters": {"Secret": {"Type": "String", "NoEcho": True}},
                "Resources": {"L": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "Properties": {"LogGroupName": "kept"}}}}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template), EnableTerminationProtection=True, Parameters=given({"Secret": "hush"}))
    stack = rested(stacks, "s", "CREATE_COMPLETE")
    assert stack["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
    assert "TerminationProtection is enabled" in fault_of(stacks.delete_stack, StackName="s")
    stacks.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    gone(stacks, "s")
    assert [g["logGroupName"] for g in clients.boto("logs", weir).describe_log_groups()["logGroups"]] == ["kept"]


@pytest.mark.parametrize("template, words", [
    ("Resources: [", "this is not YAML"),
    ("A: &a [1]\nB: *a", "no YAML anchors and aliases"),
    ("Resources: {A: {Type: 'AWS::EC2::VPX'}}", "Unrecognized resource types: [AWS::EC2::VPX]; did you mean 'AWS::EC2::VPC'? (line 1)"),
    ("Resources:\n  A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlok: x}}", "did you mean 'CidrBlock'? (line 2)"),
    ("Resources:\n  A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref B}}", "Unresolved resource dependencies [B]"),
    ("Resources:\n  A: {Type: 'AWS::EC2::VPC', DependsOn: B}\n  B: {Type: 'AWS::EC2::VPC', DependsOn: A}",
     "Circular dependency between resources: [A, B]"),
    ("Resources:\n  A: {Type: 'AWS::IAM::Role', Properties: {RoleName: a, AssumeRolePolicyDocument: {}}}",
     "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
    ("Parameters: {P: {Type: String}}\nResources: {A: {Type: 'AWS::Logs::LogGroup'}}", "Parameters: [P] must have values"),
    ("Resources: {A: {Type: 'AWS::Logs::LogGroup', Properties: " + "{a: " * 100 + "1" + "}" * 100 + "}}", "nested too deep"),
    ("[" * 5000, "nested too deep"),
    ('{"A": ' + "[" * 5000, "maximum parsing depth"),
    ("A:\n  B: 1\n C: 2", "line 3: this is not YAML"),
    ('{"A": 1,\n "B" 2}', "line 2: this is not JSON"),
    ("a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{m}, *{m}]\n" for m, n in zip("abcdefgh", "bcdefghi")), "line 1: CloudFormation takes no YAML anchors"),
    ("Resources:\n  A: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !Ref B}}\n"
     "  B: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: !Sub '${A}'}}", "Circular dependency between resources: [A, B]"),
    ("Metadata: '" + "x" * 51200 + "'", "less than or equal to 51200"),
], ids=lambda text: text[:24])
def test_a_bad_template_is_refused_with_its_reason_and_nothing_is_touched(stacks, template, words):
    assert words in fault_of(stacks.create_stack, StackName="s", TemplateBody=template)
    assert stacks.describe_stacks()["Stacks"] == []


def test_a_stack_that_is_asked_for_something_bad_stays_as_it_is(stacks):
    made(stacks, "s", group_template(80))
    before, events = physical(stacks, "s"), len(stacks.describe_stack_events(StackName="s")["StackEvents"])
    for bad in ("Resources: [", "A: &a [1]\nB: *a", "[" * 5000, "Metadata: '" + "x" * 51200 + "'"):
        fault_of(stacks.update_stack, StackName="s", TemplateBody=bad)
        fault_of(stacks.create_change_set, StackName="s", ChangeSetName="c", TemplateBody=bad)
    assert status(stacks, "s") == "CREATE_COMPLETE" and physical(stacks, "s") == before
    assert len(stacks.describe_stack_events(StackName="s")["StackEvents"]) == events
    assert stacks.list_change_sets(StackName="s")["Summaries"] == []


# ---- What must be acknowledged ----

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.amazonaws.com"}}]}}}


def test_rights_names_and_macros_must_be_acknowledged(stacks):
    def needed(template, *capabilities, by=stacks):
        return fault_of(by.create_stack, StackName="s", TemplateBody=json.dumps(template), Capabilities=list(capabilities))

    role = {"Resources": {"R": ROLE}}
    named = {"Resources": {"R": {**ROLE, "Properties": {**ROLE["Properties"], "RoleName": "r"}}}}
    macro = {"Transform": "AWS::LanguageExtensions", "Resources": {"L": {"Type": "AWS::Logs::LogGroup"}}}
    both = {**macro, **role}
    with Weir("--stack-roles", "asked", auth="sigv4") as strict:
        by = clients.boto("cloudformation", strict)
        assert needed(role, by=by) == needed(role, "CAPABILITY_AUTO_EXPAND", by=by) == "Requires capabilities : [CAPABILITY_IAM]"
        assert needed(both, by=by) == "Requires capabilities : [CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]"
    assert needed(named, "CAPABILITY_IAM") == "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    assert needed(macro, "CAPABILITY_NAMED_IAM") == "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    assert needed(both) == "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    summary = stacks.get_template_summary(TemplateBody=json.dumps(both))
    assert summary["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"] and summary["DeclaredTransforms"] == [macro["Transform"]]
    assert summary["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    stacks.create_change_set(StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(macro))
    assert stacks.describe_change_set(StackName="s", ChangeSetName="c")["Status"] == "CREATE_COMPLETE", "its outcome is shown first"
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    rested(stacks, "s", "CREATE_COMPLETE")
    gone(stacks, "s")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(role))
    rested(stacks, "s", "CREATE_COMPLETE")
    gone(stacks, "s")


# ---- Failures, and what one may do then ----

def test_a_failed_creation_stays_or_goes_as_its_maker_said(stacks, weir):
    logs = clients.boto("logs", weir)
    bad = json.dumps({"Resources": {"Good": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "good"}}, "Bad": {
        "Type": "AWS::Logs::LogGroup", "DependsOn": "Good", "Properties": {"RetentionInDays": 8}}}})
    for way in ({"OnFailure": "DO_NOTHING"}, {"DisableRollback": True}):
        stacks.create_stack(StackName="s", TemplateBody=bad, **way)
        rested(stacks, "s", "CREATE_FAILED")
        assert "good" in [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]]
        if "OnFailure" in way:
            changed(stacks, "s", bad.replace(": 8", ": 14"))
        gone(stacks, "s")
        assert logs.describe_log_groups()["logGroups"] == []
    stack_id = stacks.create_stack(StackName="s", TemplateBody=bad, OnFailure="DELETE")["StackId"]
    rested(stacks, stack_id, "DELETE_COMPLETE")
    assert logs.describe_log_groups()["logGroups"] == []


def test_what_cannot_be_deleted_is_said_and_may_be_left(stacks, weir):
    s3, logs = clients.boto("s3", weir), clients.boto("logs", weir)
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Logs": {"Type": "AWS::Logs::LogGroup"}}}
    made(stacks, "s", json.dumps(template))
    bucket = physical(stacks, "s")["Bucket"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    assert "DELETE_FAILED state" in fault_of(stacks.delete_stack, StackName="s", RetainResources=["Bucket"])
    stacks.delete_stack(StackName="s")
    rested(stacks, "s", "DELETE_FAILED")
    assert resource_states(stacks, "s") == {"Bucket": "DELETE_FAILED", "Logs": "DELETE_COMPLETE"}
    assert logs.describe_log_groups()["logGroups"] == []
    reasons = [e.get("ResourceStatusReason", "") for e in stacks.describe_stack_events(StackName="s")["StackEvents"]]
    assert any("not empty" in reason for reason in reasons), reasons
    for name in ("None", "Logs"):
        assert "does not exist" in fault_of(stacks.delete_stack, StackName="s", RetainResources=[name])
    stacks.delete_stack(StackName="s", RetainResources=["Bucket"])
    until(lambda: stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"], 30, "the stack gone")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def lies_in(folder, secret):
    """The files below a folder that hold it."""
    return [str(path) for path in pathlib.Path(folder).rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_secrets_lie_sealed_and_are_told_nowhere(weir, stacks):
    secret, other = "hunter2-of-the-first-kind", "hunter2-of-the-other-kind"
    template = json.dumps({
        "Parameters": {"Word": {"Type": "String", "NoEcho": True}},
        "Resources": {"Kept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Word"}}},
                      "User": {"Type": "AWS::IAM::User"},
                      "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "User"}}},
                      "KeyKept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {
                          "Fn::GetAtt": "Key.SecretAccessKey"}}}}})
    made(stacks, "s", template, Word=secret)
    ssm = clients.boto("ssm", weir)
    key = ssm.get_parameter(Name=physical(stacks, "s")["KeyKept"])["Parameter"]["Value"]
    stacks.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=template, Parameters=given({"Word": other}), Capabilities=["CAPABILITY_IAM"])
    for word in (secret, other, key):
        assert lies_in(weir.data, word) == []
    shown = stacks.describe_change_set(StackName="s", ChangeSetName="c")["Parameters"] + stacks.describe_stacks()["Stacks"][0]["Parameters"]
    assert [p["ParameterValue"] for p in shown] == ["****", "****"]
    weir.kill()
    weir.start()
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    rested(stacks, "s", "UPDATE_COMPLETE")
    assert ssm.get_parameter(Name=physical(stacks, "s")["Kept"])["Parameter"]["Value"] == other
    bad = json.loads(template)
    bad["Resources"]["Logs"] = {"Type": "AWS::Logs::LogGroup", "DependsOn": "Kept", "Properties": {"LogGroupName": {"Fn::Sub": "a b ${Word}"}}}
    changed(stacks, "s", json.dumps(bad), want="UPDATE_ROLLBACK_COMPLETE", Word=secret)
    reasons = [e.get("ResourceStatusReason", "") for e in stacks.describe_stack_events(StackName="s")["StackEvents"]]
    assert any("****" in reason for reason in reasons) and not any(secret in reason for reason in reasons)
    for word in (secret, other, key):
        assert lies_in(weir.data, word) == []
    gone(stacks, "s")


def test_a_stack_is_deleted_by_force_where_it_failed_without(weir, stacks):
    """By the newest command line: older ones do not know the option."""
    s3 = clients.boto("s3", weir)
    able = [aws for _, path in clients.command_lines() for aws in [clients.Cli(path, weir)]
            if "Unknown options" not in aws.run("cloudformation", "delete-stack", "--stack-name", "none", "--deletion-mode", "STANDARD")[2]]
    if not able:
        pytest.skip("no aws command line that knows --deletion-mode on this machine")
    force = ("cloudformation", "delete-stack", "--stack-name", "s", "--deletion-mode", "FORCE_DELETE_STACK")
    stack_id = made(stacks, "s", json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Logs": {
        "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "Bucket"}}}}}))["StackId"]
    bucket = physical(stacks, "s")["Bucket"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    code, _, errors = able[0].run(*force)
    assert code and "only when you delete a stack in the DELETE_FAILED state" in errors
    stacks.delete_stack(StackName="s")
    rested(stacks, "s", "DELETE_FAILED")
    able[0](*force)
    rested(stacks, stack_id, "DELETE_COMPLETE")
    assert resource_states(stacks, stack_id) == {"Bucket": "DELETE_SKIPPED", "Logs": "DELETE_COMPLETE"}
    assert able[0]("cloudformation", "describe-stacks", "--stack-name", stack_id)["Stacks"][0]["DeletionMode"] == "FORCE_DELETE_STACK"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    assert "does not exist" in fault_of(stacks.describe_stack_resources, PhysicalResourceId=bucket)


def test_questions_about_what_is_not_there(stacks):
    assert fault_of(stacks.describe_stacks, StackName="none") == "Stack with id none does not exist"
    stacks.delete_stack(StackName="none")
    assert "does not exist" in fault_of(stacks.update_stack, StackName="none", TemplateBody=group_template(1))
    made(stacks, "s", group_template(80))
    assert "already exists" in fault_of(stacks.create_stack, StackName="s", TemplateBody=group_template(80))
    summary = stacks.get_template_summary(TemplateBody=NETWORK)
    assert summary["Capabilities"] == ["CAPABILITY_IAM"] and "AWS::EC2::VPC" in summary["ResourceTypes"]
    assert {p["ParameterKey"]: p.get("DefaultValue") for p in stacks.validate_template(TemplateBody=NETWORK)["Parameters"]} == {
        "Environment": "dev", "ListenerPort": "80"}


# ---- Kills ----

def test_a_kill_at_any_instant_leaves_a_stack_whole(weir, stacks, ec2, elbv2):
    """WEIR_KILLS: how many; each while a stack is made, changed, or deleted. Whole: everything is there once, or gone."""
    def whole():
        return (len(ec2.describe_vpcs()["Vpcs"]) - 1, len(elbv2.describe_load_balancers()["LoadBalancers"]),
                len(ec2.describe_security_groups()["SecurityGroups"]) - 1, len(clients.boto("iam", weir).list_roles()["Roles"]))

    def killed_within(seconds):
        time.sleep(random.uniform(0, seconds))
        weir.kill()
        weir.start()

    made(stacks, "measure", NETWORK, ListenerPort=free_port())
    there = whole()
    stacks.detect_stack_drift(StackName="measure")
    drifts = stacks.describe_stack_resource_drifts(StackName="measure")["StackResourceDrifts"]
    assert {d["StackResourceDriftStatus"] for d in drifts} == {"IN_SYNC"} and len(drifts) > 5, drifts
    changed(stacks, "measure", NETWORK, ListenerPort=free_port(), Environment="prod")
    gone(stacks, "measure")
    nothing = (0, 0, 0, 0)
    assert whole() == nothing
    for turn in range(max(1, int(os.environ.get("WEIR_KILLS", "9")) // 3)):
        name, port = f"k{turn}", free_port()
        stacks.create_stack(StackName=name, TemplateBody=NETWORK, Capabilities=["CAPABILITY_IAM"], Parameters=given({"ListenerPort": port}))
        killed_within(0.15)
        rested(stacks, name, "CREATE_COMPLETE")
        assert whole() == there and get(port).body == b"hello from dev"
        stacks.update_stack(StackName=name, TemplateBody=NETWORK, Capabilities=["CAPABILITY_IAM"],
                            Parameters=given({"ListenerPort": port, "Environment": "prod"}))
        killed_within(0.1)
        rested(stacks, name, "UPDATE_COMPLETE")
        assert whole() == there and get(port).body == b"hello from prod"
        stacks.delete_stack(StackName=name)
        killed_within(0.15)
        gone(stacks, name)
        assert whole() == nothing


# ---- Tasks, buckets, parameters, secrets ----

RAG = """
Parameters: {Port: {Type: Number}}
Resources:
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {Name: rag/token, SecretString: hush}}
  Word: {Type: AWS::SSM::Parameter, Properties: {Name: /rag/word, Type: String, Value: sleep}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}, Tags: [{Key: a, Value: b}]}}
  Cluster: {Type: AWS::ECS::Cluster}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/ecs/${Word}'}}
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Subnets: [SUBNETS]}
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {Port: 8000, Protocol: HTTP, TargetType: ip, VpcId: VPC, HealthCheckPath: /health, HealthCheckIntervalSeconds: 5,
                 HealthCheckTimeoutSeconds: 2, HealthyThresholdCount: 2}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref Balancer, Port: !Ref Port, Protocol: HTTP,
                 DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: '256'
      Memory: '512'
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions:
        - Name: rag
          Image: weir/ragd
          PortMappings: [{ContainerPort: 8000}]
          Environment: [{Name: RAG_DOCUMENTS, Value: FOLDER}]
          LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: !Ref Logs, awslogs-region: !Ref AWS::Region, awslogs-stream-prefix: rag}}
  Service:
    Type: AWS::ECS::Service
    DependsOn: Listener
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      DesiredCount: 1
      LaunchType: FARGATE
      LoadBalancers: [{ContainerName: rag, ContainerPort: 8000, TargetGroupArn: !Ref Targets}]
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [SUBNETS]}}
Outputs:
  Bucket: {Value: !Ref Bucket}
  BucketArn: {Value: !GetAtt Bucket.Arn}
  Service: {Value: !GetAtt Service.Name}
  Password: {Value: '{{resolve:secretsmanager:rag/token:SecretString}}'}
"""


def test_a_service_of_tasks_behind_a_balancer_is_a_stack(weir, stacks, ec2):
    subnets = ec2.describe_subnets()["Subnets"][:2]
    template = RAG.replace("SUBNETS", ", ".join(s["SubnetId"] for s in subnets)).replace("VPC", subnets[0]["VpcId"])
    template = template.replace("FOLDER", str(TOP / "rag/samples"))
    port = free_port()
    stacks.create_stack(StackName="rag", TemplateBody=template, Parameters=given({"Port": port}))
    stack = rested(stacks, "rag", "CREATE_COMPLETE", 60)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    until(lambda: get(port, "/health").status == 200, 20, "the task behind the balancer")
    stacks.detect_stack_drift(StackName="rag")
    drifts = stacks.describe_stack_resource_drifts(StackName="rag")["StackResourceDrifts"]
    assert {d["StackResourceDriftStatus"] for d in drifts} == {"IN_SYNC"} and len(drifts) > 5, drifts
    s3 = clients.boto("s3", weir)
    assert s3.get_bucket_versioning(Bucket=outputs["Bucket"])["Status"] == "Enabled"
    assert outputs["BucketArn"] == f"arn:aws:s3:::{outputs['Bucket']}" and outputs["Password"] == "hush"
    assert clients.boto("ecs", weir).describe_services(cluster=physical(stacks, "rag")["Cluster"], services=[outputs["Service"]])[
        "services"][0]["runningCount"] == 1
    gone(stacks, "rag")
    assert s3.list_buckets()["Buckets"] == []
    assert clients.boto("ssm", weir).describe_parameters()["Parameters"] == []
