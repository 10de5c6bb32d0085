"""What an update would change and why, what parameters are at an update, and what events tell of it."""
import json

import pytest

import clients
from stack_helpers import changed, fault_of, given, group_template, made, physical, rested, status


@pytest.fixture
def stacks(weir):
    pytest.importorskip("boto3")
    return clients.boto("cloudformation", weir)


def test_change_sets_show_before_they_act(stacks, weir):
    made(stacks, "s", group_template(80))
    body = json.loads(group_template(80, extra="-new"))
    body["Resources"]["More"] = {"Type": "AWS::Logs::LogGroup"}
    del body["Resources"]["Group"], body["Outputs"]["GroupId"]
    stacks.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=json.dumps(body))
    shown = stacks.describe_change_set(StackName="s", ChangeSetName="c")
    assert shown["Status"] == "CREATE_COMPLETE" and shown["ExecutionStatus"] == "AVAILABLE"
    seen = {c["ResourceChange"]["LogicalResourceId"]: (c["ResourceChange"]["Action"], c["ResourceChange"].get("Replacement"))
            for c in shown["Changes"]}
    assert seen == {"Logs": ("Modify", "True"), "More": ("Add", None), "Group": ("Remove", None)}
    assert status(stacks, "s") == "CREATE_COMPLETE", "nothing happened yet"
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    rested(stacks, "s", "UPDATE_COMPLETE")
    assert set(physical(stacks, "s")) == {"Logs", "More"}
    stacks.create_change_set(StackName="s", ChangeSetName="none", TemplateBody=json.dumps(body))
    shown = stacks.describe_change_set(StackName="s", ChangeSetName="none")
    assert shown["Status"] == "FAILED" and "didn't contain changes" in shown["StatusReason"]
    stacks.delete_change_set(StackName="s", ChangeSetName="none")
    assert stacks.list_change_sets(StackName="s")["Summaries"] == []


def test_a_change_set_says_why_each_property_changes(stacks):
    template = json.dumps({
        "Parameters": {"Cidr": {"Type": "String", "Default": "10.7.0.0/16"}},
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Cidr"}}},
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": {"Fn::Select": [0, {"Fn::Cidr": [
                {"Fn::GetAtt": "Vpc.CidrBlock"}, 2, 8]}]}}},
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "d", "VpcId": {"Ref": "Vpc"}}},
            "Word": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::Sub": "in ${Subnet}"}}},
            "Other": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "one"}}}})
    made(stacks, "s", template)
    stacks.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=template.replace('"one"', '"two"'), Parameters=given({"Cidr": "10.8.0.0/16"}))
    rows = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in stacks.describe_change_set(StackName="s", ChangeSetName="c")["Changes"]}

    def why(name):
        return [(d["Target"]["Name"], d["Target"]["RequiresRecreation"], d["Evaluation"], d["ChangeSource"], d.get("CausingEntity"))
                for d in rows[name]["Details"]]
    assert {name: row["Replacement"] for name, row in rows.items()} == {
        "Vpc": "True", "Subnet": "True", "Group": "True", "Word": "False", "Other": "False"}
    assert why("Vpc") == [("CidrBlock", "Always", "Static", "ParameterReference", "Cidr")]
    assert why("Subnet") == [("VpcId", "Always", "Static", "ResourceReference", "Vpc"),
                             ("CidrBlock", "Conditionally", "Dynamic", "ResourceAttribute", "Vpc.CidrBlock")]
    assert why("Word") == [("Value", "Never", "Static", "ResourceReference", "Subnet")]
    assert why("Other") == [("Value", "Never", "Static", "DirectModification", None)]
    stacks.execute_change_set(StackName="s", ChangeSetName="c")
    rested(stacks, "s", "UPDATE_COMPLETE")
    assert "changeSetName" in fault_of(stacks.create_change_set, StackName="s", ChangeSetName="1c", TemplateBody=template)
    stacks.create_change_set(StackName="s", ChangeSetName="tags", UsePreviousTemplate=True, Tags=[{"Key": "a", "Value": "b"}],
                             Parameters=[{"ParameterKey": "Cidr", "UsePreviousValue": True}])
    shown = stacks.describe_change_set(StackName="s", ChangeSetName="tags")
    assert {tuple(c["ResourceChange"]["Scope"]) for c in shown["Changes"]} == {("Tags",)}


# ---- Parameters of before, and of SSM ----

def test_a_previous_value_is_what_it_was_whatever_the_default_is_now(stacks, weir):
    def template(default):
        return json.dumps({"Parameters": {"Days": {"Type": "Number", "Default": default}},
                           "Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}}}})
    previous = {"ParameterKey": "Days", "UsePreviousValue": True}
    made(stacks, "s", template(7))
    for wrong in ({"StackName": "s", "UsePreviousTemplate": True, "Parameters": [previous, {"ParameterKey": "None", "UsePreviousValue": True}]},
                  {"StackName": "s", "UsePreviousTemplate": True, "Parameters": [previous]}):
        assert fault_of(stacks.update_stack, **wrong) in (
            "No updates are to be performed.", "Invalid input for parameter key None. Cannot specify usePreviousValue as true for a "
            "parameter key not in the previous template")
    stacks.update_stack(StackName="s", TemplateBody=template(14), Parameters=[previous])
    assert rested(stacks, "s", "UPDATE_COMPLETE")["Parameters"] == [{"ParameterKey": "Days", "ParameterValue": "7"}]
    assert clients.boto("logs", weir).describe_log_groups()["logGroups"][0]["retentionInDays"] == 7


def test_a_parameter_of_ssm_is_read_at_each_update_and_kept_for_the_way_back(stacks, weir):
    ssm = clients.boto("ssm", weir)
    ssm.put_parameter(Name="/tag", Type="String", Value="one")
    template = {"Parameters": {"Tag": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/tag"}},
                "Resources": {"Word": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Tag"}}}}}
    stack = made(stacks, "s", json.dumps(template))
    assert stack["Parameters"] == [{"ParameterKey": "Tag", "ParameterValue": "/tag", "ResolvedValue": "one"}]
    word = physical(stacks, "s")["Word"]
    assert fault_of(stacks.update_stack, StackName="s", UsePreviousTemplate=True) == "No updates are to be performed."
    ssm.put_parameter(Name="/tag", Type="String", Value="two", Overwrite=True)
    stacks.update_stack(StackName="s", UsePreviousTemplate=True)
    assert rested(stacks, "s", "UPDATE_COMPLETE")["Parameters"][0]["ResolvedValue"] == "two"
    assert ssm.get_parameter(Name=word)["Parameter"]["Value"] == "two"
    ssm.put_parameter(Name="/tag", Type="String", Value="three", Overwrite=True)
    template["Resources"]["Bad"] = {"Type": "AWS::Logs::LogGroup", "DependsOn": "Word", "Properties": {"RetentionInDays": 8}}
    changed(stacks, "s", json.dumps(template), want="UPDATE_ROLLBACK_COMPLETE")
    assert ssm.get_parameter(Name=word)["Parameter"]["Value"] == "two"


# ---- Words ----

def test_events_tell_in_awss_words_and_order(stacks, weir):
    def template(port, name="web"):
        return json.dumps({"Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
            "Group": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {
                "Name": name, "Port": port, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}}}}})

    def told(name):
        events = stacks.describe_stack_events(StackName=name)["StackEvents"][::-1]
        return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in events]
    made(stacks, "s", template(80))
    assert told("s") == [
        ("s", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Vpc", "CREATE_IN_PROGRESS", None), ("Vpc", "CREATE_IN_PROGRESS", "Resource creation Initiated"), ("Vpc", "CREATE_COMPLETE", None),
        ("Group", "CREATE_IN_PROGRESS", None), ("Group", "CREATE_IN_PROGRESS", "Resource creation Initiated"), ("Group", "CREATE_COMPLETE", None),
        ("s", "CREATE_COMPLETE", None)]
    made(stacks, "taken", template(81), want="ROLLBACK_COMPLETE")
    reason = next(reason for _, state, reason in told("taken") if state == "CREATE_FAILED")
    assert reason.startswith('Resource handler returned message: "A target group with the same name') and "(Service: ElasticLoadBalancingV2, Status Code: 400" in reason
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")
    changed(stacks, "s", template(8080), want="UPDATE_ROLLBACK_COMPLETE")
    assert ("Group", "UPDATE_FAILED", "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            "Rename web and update the stack again.") in told("s")
    changed(stacks, "s", template(8080, "web2"))
    replaced = "Requested update requires the creation of a new physical resource; hence creating one."
    assert told("s")[-7:] == [
        ("Group", "UPDATE_IN_PROGRESS", replaced), ("Group", "UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Group", "UPDATE_COMPLETE", None), ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
        ("Group", "DELETE_IN_PROGRESS", None), ("Group", "DELETE_COMPLETE", None), ("s", "UPDATE_COMPLETE", None)]
