"""Stacks in stacks, by templates that lie in S3: with the real clients, and `aws cloudformation package`."""
import json

import pytest

import clients
import harness
from stack_helpers import changed, fault_of, given, gone, made, physical, rested, status

CHILD = {"Parameters": {"Name": {"Type": "String"}, "Days": {"Type": "Number", "Default": 7}},
         "Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {
             "LogGroupName": {"Ref": "Name"}, "RetentionInDays": {"Ref": "Days"}}}},
         "Outputs": {"Name": {"Value": {"Ref": "Logs"}}, "Arn": {"Value": {"Fn::GetAtt": "Logs.Arn"}}}}


@pytest.fixture(scope="module")
def weir():
    pytest.importorskip("boto3")
    with harness.Weir(auth="sigv4") as running:
        clients.boto("s3", running).create_bucket(Bucket="templates")
        yield running


@pytest.fixture
def stacks(weir):
    return clients.boto("cloudformation", weir)


def put(weir, key, template):
    """Where it lies."""
    clients.boto("s3", weir).put_object(Bucket="templates", Key=key, Body=json.dumps(template).encode())
    return f"http://127.0.0.1:{weir.api_port}/templates/{key}"


def groups(weir):
    found = clients.boto("logs", weir).describe_log_groups()["logGroups"]
    return {g["logGroupName"]: g.get("retentionInDays") for g in found}


def parent(url, **parameters):
    return {"Resources": {
        "Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": parameters}},
        "More": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "${Child.Outputs.Name}-more"}}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Arn"]}}}}


def test_a_stack_in_a_stack_is_made_changed_and_deleted_with_it(weir, stacks):
    url = put(weir, "a/child one.json", CHILD).replace(" ", "%20")
    made(stacks, "top", json.dumps(parent(url, Name="in")))
    assert groups(weir) == {"in": 7, "in-more": None}
    child = physical(stacks, "top")["Child"]
    shown = stacks.describe_stacks(StackName=child)["Stacks"][0]
    top = stacks.describe_stacks(StackName="top")["Stacks"][0]
    assert shown["ParentId"] == shown["RootId"] == top["StackId"] and shown["StackName"].startswith("top-Child-")
    assert top["Outputs"][0]["OutputValue"].endswith(":log-group:in:*")
    assert child in [s["StackId"] for s in stacks.list_stacks()["StackSummaries"]]
    changed(stacks, "top", json.dumps(parent(url, Name="in", Days=30)))
    assert groups(weir) == {"in": 30, "in-more": None} and status(stacks, child) == "UPDATE_COMPLETE"
    changed(stacks, "top", json.dumps(parent(url, Name="out", Days=30)))
    assert groups(weir) == {"out": 30, "out-more": None}
    gone(stacks, "top")
    assert groups(weir) == {} and status(stacks, child) == "DELETE_COMPLETE"


def test_new_words_at_the_same_url_are_an_update(weir, stacks):
    url = put(weir, "same.json", CHILD)
    made(stacks, "top", json.dumps(parent(url, Name="in")))
    put(weir, "same.json", json.loads(json.dumps(CHILD).replace('"Default": 7', '"Default": 14')))
    changed(stacks, "top", json.dumps(parent(url, Name="in")))
    assert groups(weir) == {"in": 14, "in-more": None}
    changed(stacks, "top", json.dumps(parent(url, Name="in")))
    gone(stacks, "top")


def test_a_failed_nested_creation_says_which_and_leaves_nothing(weir, stacks):
    url = put(weir, "child.json", CHILD)
    made(stacks, "top", json.dumps(parent(url, Name="in", Days=8)), want="ROLLBACK_COMPLETE")
    failed = [e for e in stacks.describe_stack_events(StackName="top")["StackEvents"] if e["ResourceStatus"] == "CREATE_FAILED"]
    assert failed[0]["LogicalResourceId"] == "Child"
    assert "was not successfully created: The following resource(s) failed to create: [Logs]" in failed[0]["ResourceStatusReason"]
    assert groups(weir) == {}
    gone(stacks, "top")
    for wrong, words in ((url + "x", "there is no object 'child.jsonx'"), ("ftp://x", "must be a supported URL")):
        made(stacks, "wrong", json.dumps(parent(wrong, Name="in")), want="ROLLBACK_COMPLETE")
        reasons = [e.get("ResourceStatusReason", "") for e in stacks.describe_stack_events(StackName="wrong")["StackEvents"]]
        assert any(words in reason for reason in reasons), reasons
        gone(stacks, "wrong")


def test_when_the_parent_goes_back_its_children_and_theirs_do(weir, stacks):
    """Three stacks deep: the leaf replaces its group, then the top fails: the old group is back, not made anew."""
    leaf = put(weir, "leaf.json", CHILD)
    middle = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Leaf": {"Type": "AWS::CloudFormation::Stack", "Properties": {
        "TemplateURL": leaf, "Parameters": {"Name": {"Ref": "Name"}}}}}, "Outputs": {"Name": {"Value": {"Fn::GetAtt": "Leaf.Outputs.Name"}},
                                                                                  "Arn": {"Value": "x"}}}
    url = put(weir, "middle.json", middle)
    made(stacks, "top", json.dumps(parent(url, Name="old")))
    logs = clients.boto("logs", weir)
    logs.create_log_stream(logGroupName="old", logStreamName="kept")
    bad = parent(url, Name="new")
    bad["Resources"]["Bad"] = {"Type": "AWS::Logs::LogGroup", "DependsOn": "More", "Properties": {"RetentionInDays": 8}}
    changed(stacks, "top", json.dumps(bad), want="UPDATE_ROLLBACK_COMPLETE")
    assert set(groups(weir)) == {"old", "old-more"}
    assert logs.describe_log_streams(logGroupName="old")["logStreams"][0]["logStreamName"] == "kept"
    child = physical(stacks, "top")["Child"]
    assert status(stacks, child) == status(stacks, physical(stacks, child)["Leaf"]) == "UPDATE_ROLLBACK_COMPLETE"
    root = stacks.describe_stacks(StackName=physical(stacks, child)["Leaf"])["Stacks"][0]
    assert root["RootId"] != root["ParentId"] == child
    changed(stacks, "top", json.dumps(parent(url, Name="new")))
    assert set(groups(weir)) == {"new", "new-more"}
    gone(stacks, "top")
    assert groups(weir) == {}


def test_kills_leave_nested_stacks_whole(weir, stacks):
    url = put(weir, "child.json", CHILD)
    for turn in range(3):
        stacks.create_stack(StackName="top", TemplateBody=json.dumps(parent(url, Name="in")))
        weir.kill()
        weir.start()
        rested(stacks, "top", "CREATE_COMPLETE")
        stacks.update_stack(StackName="top", TemplateBody=json.dumps(parent(url, Name="out", Days=14)))
        weir.kill()
        weir.start()
        rested(stacks, "top", "UPDATE_COMPLETE")
        assert groups(weir) == {"out": 14, "out-more": None}
        stacks.delete_stack(StackName="top")
        weir.kill()
        weir.start()
        gone(stacks, "top")
        assert groups(weir) == {}


def test_package_and_deploy_by_the_command_line(weir, stacks, tmp_path):
    commands = clients.command_lines()
    if not commands:
        pytest.skip("no aws command line on this machine")
    aws = clients.Cli(commands[0][1], weir)
    (tmp_path / "child.json").write_text(json.dumps(CHILD))
    (tmp_path / "top.json").write_text(json.dumps(parent("child.json", Name="in")))
    code, out, errors = aws.run("cloudformation", "package", "--template-file", str(tmp_path / "top.json"), "--s3-bucket", "templates",
                                "--s3-prefix", "packed", "--use-json", "--output-template-file", str(tmp_path / "packed.json"))
    assert code == 0, errors
    # Not waited for by the command line, which looks every 30 s.
    code, out, errors = aws.run("cloudformation", "deploy", "--template-file", str(tmp_path / "packed.json"), "--stack-name", "cli",
                                "--s3-bucket", "templates", "--force-upload", "--no-execute-changeset")
    assert code == 0 and "Changeset created successfully" in out, errors
    stacks.execute_change_set(StackName="cli", ChangeSetName=stacks.list_change_sets(StackName="cli")["Summaries"][0]["ChangeSetName"])
    rested(stacks, "cli", "CREATE_COMPLETE")
    assert groups(weir) == {"in": 7, "in-more": None}
    gone(stacks, "cli")


def test_a_template_by_url_is_read_as_its_caller_may(weir, stacks):
    url = put(weir, "large.json", {**CHILD, "Metadata": {"Much": "x" * 100_000}})
    stacks.create_stack(StackName="url", TemplateURL=url, Parameters=given({"Name": "by-url"}))
    rested(stacks, "url", "CREATE_COMPLETE")
    assert stacks.get_template_summary(TemplateURL=url.replace(f"127.0.0.1:{weir.api_port}", "s3.us-east-1.amazonaws.com"))["Parameters"]
    host = url.replace(f"127.0.0.1:{weir.api_port}/templates", "templates.s3.amazonaws.com")
    assert stacks.validate_template(TemplateURL=host)["Parameters"]
    assert "there is no object" in fault_of(stacks.validate_template, TemplateURL=url + "x")
    assert "S3 error" in fault_of(stacks.create_stack, StackName="none", TemplateURL=put(weir, "huge.json", {"Metadata": "x" * 1_100_000}))
    gone(stacks, "url")


def test_a_template_includes_what_lies_in_s3_once(weir, stacks):
    put(weir, "parts/logs.json", {"Inner": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "Name"}}}})
    put(weir, "parts/days.json", {"RetentionInDays": 14})

    def include(key):
        return {"Name": "AWS::Include", "Parameters": {"Location": {"Fn::Sub": "s3://templates/${Folder}/" + key}}}

    template = json.dumps({
        "Parameters": {"Name": {"Type": "String", "Default": "inside"}, "Folder": {"Type": "String", "Default": "parts"}},
        "Resources": {"Fn::Transform": include("logs.json"), "Outer": {"Type": "AWS::Logs::LogGroup", "Properties": {
            "LogGroupName": "outside", "Fn::Transform": include("days.json")}}}})
    made(stacks, "inc", template)
    assert groups(weir) == {"inside": None, "outside": 14}
    put(weir, "parts/role.json", {"R": {"Type": "AWS::IAM::Role", "Properties": {}}})
    summary = stacks.get_template_summary(TemplateBody=template.replace("logs.json", "role.json"))
    assert sorted(summary["ResourceTypes"]) == ["AWS::IAM::Role", "AWS::Logs::LogGroup"] and summary["DeclaredTransforms"] == ["AWS::Include"]
    assert summary["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    processed = stacks.get_template(StackName="inc", TemplateStage="Processed")["TemplateBody"]
    assert "Inner" in json.dumps(processed) and "Inner" not in json.dumps(stacks.get_template(StackName="inc")["TemplateBody"])
    put(weir, "parts/days.json", {"RetentionInDays": 30})
    changed(stacks, "inc", template)
    assert groups(weir) == {"inside": None, "outside": 30}
    for wrong, words in ((template.replace("days.json", "none.json"), "there is no object 'parts/none.json'"),
                         (template.replace("AWS::Include", "Own::Macro"), "No transform named Own::Macro found")):
        assert words in fault_of(stacks.update_stack, StackName="inc", TemplateBody=wrong)
    gone(stacks, "inc")


def test_loops_make_resources_and_an_update_takes_some_away(weir, stacks):
    template = json.dumps({
        "Transform": "AWS::LanguageExtensions", "Parameters": {"Names": {"Type": "CommaDelimitedList"}},
        "Resources": {"Fn::ForEach::Groups": ["Name", {"Ref": "Names"}, {"Logs${Name}": {
            "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "loop-${Name}"}}}}]},
        "Outputs": {"Count": {"Value": {"Fn::Length": {"Ref": "Names"}}}}})
    made(stacks, "loop", template, Names="a,b,c")
    assert set(physical(stacks, "loop")) == {"Logsa", "Logsb", "Logsc"} and set(groups(weir)) == {"loop-a", "loop-b", "loop-c"}
    stack = changed(stacks, "loop", template, Names="b,d")
    assert set(groups(weir)) == {"loop-b", "loop-d"} and stack["Outputs"][0]["OutputValue"] == "2"
    assert "Logsd" in json.dumps(stacks.get_template(StackName="loop", TemplateStage="Processed")["TemplateBody"])
    gone(stacks, "loop")
