"""Custom resources by a function, wait conditions, and what is said to a stack while it is at work."""
import contextlib
import json
import sqlite3
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

import clients
import harness
from harness import until
from stack_helpers import changed, fault_of, gone, made, physical, resource_states, rested, status

CODE = """
import cfnresponse
def go(event, context):
    props, type = event["ResourceProperties"], event["RequestType"]
    if props.get("Silent") == "true" and type != "Delete":
        return
    status = cfnresponse.FAILED if props.get("Fail") == "true" and type != "Delete" else cfnresponse.SUCCESS
    old = event.get("OldResourceProperties", {}).get("Word", "")
    cfnresponse.send(event, context, status, {"Echo": props["Word"], "Old": old},
                     props.get("Id") or event.get("PhysicalResourceId") or "made", reason="it was asked to")
"""


def template(**properties):
    return json.dumps({"Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.11", "Handler": "index.go", "Timeout": 10,
                                                                     "Role": {"Fn::GetAtt": "Role.Arn"}, "Code": {"ZipFile": CODE}}},
        "Thing": {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": "Function.Arn"}, **properties}}},
        "Outputs": {"Echo": {"Value": {"Fn::GetAtt": "Thing.Echo"}}, "Old": {"Value": {"Fn::GetAtt": ["Thing", "Old"]}},
                    "Id": {"Value": {"Ref": "Thing"}}}})


@pytest.fixture(scope="module")
def weir():
    pytest.importorskip("boto3")
    with harness.Weir(auth="sigv4") as running:
        yield running


@pytest.fixture
def stacks(weir):
    return clients.boto("cloudformation", weir)


def outputs(stack):
    return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}


def reasons(stacks, name):
    return " ".join(e.get("ResourceStatusReason", "") for e in stacks.describe_stack_events(StackName=name)["StackEvents"])


def test_a_function_makes_changes_and_deletes_a_resource(weir, stacks):
    stack = made(stacks, "s", template(Word="one", Count=3, Deep={"Flag": True}))
    assert outputs(stack) == {"Echo": "one", "Old": "", "Id": "made"}
    stack = changed(stacks, "s", template(Word="two"))
    assert outputs(stack) == {"Echo": "two", "Old": "one", "Id": "made"}
    stack = changed(stacks, "s", template(Word="three", Id="other"))
    assert outputs(stack) == {"Echo": "three", "Old": "two", "Id": "other"}
    changed(stacks, "s", template(Word="four", Fail=True), want="UPDATE_ROLLBACK_COMPLETE")
    assert "Received response status [FAILED] from custom resource. Message returned: it was asked to" in reasons(stacks, "s")
    assert physical(stacks, "s")["Thing"] == "other"
    gone(stacks, "s")


def test_one_that_fails_or_says_nothing_fails_its_stack(weir, stacks):
    made(stacks, "f", template(Word="one", Fail=True), want="ROLLBACK_COMPLETE")
    assert "it was asked to" in reasons(stacks, "f")
    gone(stacks, "f")
    made(stacks, "f", template(Word="one", Silent=True, ServiceTimeout=6), want="ROLLBACK_COMPLETE")
    assert "did not receive a response from your Custom Resource" in reasons(stacks, "f")
    gone(stacks, "f")
    made(stacks, "f", json.dumps({"Resources": {"T": {"Type": "Custom::T", "Properties": {"ServiceToken": "x"}}}}), want="ROLLBACK_COMPLETE")
    assert "Invalid service token" in reasons(stacks, "f")
    gone(stacks, "f")


# ---- Wait conditions ----

WAITS = {"Resources": {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Wait": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60", "Count": 2}}},
    "Outputs": {"Data": {"Value": {"Fn::GetAtt": "Wait.Data"}}}}


def put(url, **told):
    request = urllib.request.Request(url, method="PUT", data=json.dumps(told).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def handle_of(stacks, name):
    until(lambda: physical(stacks, name).get("Handle"), 20, "the handle", despite=Exception)
    return physical(stacks, name)["Handle"]


def test_a_wait_condition_waits_for_its_signals_also_over_a_kill(weir, stacks):
    stacks.create_stack(StackName="w", TemplateBody=json.dumps(WAITS))
    url = handle_of(stacks, "w")
    assert put(url, Status="SUCCESS", UniqueId="a", Data="one") == 200
    assert put(url, Status="SUCCESS", UniqueId="a", Data="again") == 200, "one counts once"
    assert put(url, Status="WELL", UniqueId="b") == 400 and put(url[:-1] + "x", Status="SUCCESS", UniqueId="b") == 403
    weir.kill()
    weir.start()
    assert status(stacks, "w") == "CREATE_IN_PROGRESS"
    assert put(url, Status="SUCCESS", UniqueId="b", Data="two") == 200
    assert json.loads(outputs(rested(stacks, "w", "CREATE_COMPLETE"))["Data"]) == {"a": "one", "b": "two"}
    assert put(url, Status="SUCCESS", UniqueId="c") == 403, "the address held as long as the stack was made"
    gone(stacks, "w")
    stacks.create_stack(StackName="w", TemplateBody=json.dumps(WAITS))
    assert put(handle_of(stacks, "w"), Status="FAILURE", UniqueId="a", Reason="no disk") == 200
    rested(stacks, "w", "ROLLBACK_COMPLETE")
    assert "WaitCondition received failed message: 'no disk' for uniqueId: a" in reasons(stacks, "w")
    gone(stacks, "w")


def test_a_wait_condition_that_hears_too_little_fails(weir, stacks):
    made(stacks, "w", json.dumps(WAITS).replace('"60"', '"1"'), want="ROLLBACK_COMPLETE")
    assert "WaitCondition timed out. Received 0 conditions when expecting 2" in reasons(stacks, "w")
    gone(stacks, "w")


def test_a_creation_policy_waits_for_signals(weir, stacks):
    def signal(name, state="SUCCESS", resource="Ready"):
        try:
            stacks.signal_resource(StackName="p", LogicalResourceId=resource, UniqueId=name, Status=state)
        except botocore.exceptions.ClientError as error:
            return str(error)
        return ""
    template = {"Parameters": {"Count": {"Type": "Number", "Default": 2}},
                "Resources": {"Ready": {"Type": "AWS::CloudFormation::WaitCondition", "CreationPolicy": {
                    "ResourceSignal": {"Count": {"Ref": "Count"}, "Timeout": "PT1M"}}}}}
    stacks.create_stack(StackName="p", TemplateBody=json.dumps(template))
    until(lambda: signal("a") == "", 20, "the first signal")
    assert signal("a") == "", "one counts once"
    weir.kill()
    weir.start()
    assert status(stacks, "p") == "CREATE_IN_PROGRESS"
    assert "Resource None does not exist for stack p" in signal("b", resource="None")
    assert signal("b") == ""
    rested(stacks, "p", "CREATE_COMPLETE")
    assert "is in CREATE_COMPLETE state and cannot be signaled" in signal("c")
    gone(stacks, "p")
    stacks.create_stack(StackName="p", TemplateBody=json.dumps(template))
    until(lambda: signal("bad", "FAILURE") == "", 20, "the bad signal")
    rested(stacks, "p", "ROLLBACK_COMPLETE")
    assert "Received FAILURE signal with UniqueId bad" in reasons(stacks, "p")
    gone(stacks, "p")
    made(stacks, "p", json.dumps(template).replace("PT1M", "PT1S"), want="ROLLBACK_COMPLETE")
    assert "Failed to receive 2 resource signal(s) within the specified duration" in reasons(stacks, "p")
    gone(stacks, "p")
    other = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "CreationPolicy": {"ResourceSignal": {}}}}}
    assert "CreationPolicy (of Logs) is not supported" in fault_of(stacks.create_stack, StackName="o", TemplateBody=json.dumps(other))


# ---- What ends it from outside: alarms, time ----

def test_an_alarm_that_watches_over_a_stack_turns_it_back(weir, stacks):
    alarms = clients.boto("cloudwatch", weir)
    alarms.put_metric_alarm(AlarmName="bad", Namespace="n", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
                            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching")
    arn = alarms.describe_alarms()["MetricAlarms"][0]["AlarmArn"]

    def watched(minutes, arn=arn):
        return {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}], "MonitoringTimeInMinutes": minutes}

    def alarm_until(name, ends):
        """It is evaluated again and again, so that it has to be said again and again."""
        def turned():
            alarms.set_alarm_state(AlarmName="bad", StateValue="ALARM", StateReason="test")
            return status(stacks, name).startswith(ends)
        until(turned, 30, f"{name} turned back")

    def template(days):
        return json.dumps({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "watched", "RetentionInDays": days}}}})
    until(lambda: alarms.describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK", 20, "the alarm at rest")
    stacks.create_stack(StackName="a", TemplateBody=template(7), RollbackConfiguration=watched(0))
    assert rested(stacks, "a", "CREATE_COMPLETE")["RollbackConfiguration"] == watched(0)
    stacks.update_stack(StackName="a", TemplateBody=template(14), RollbackConfiguration=watched(1))
    until(lambda: resource_states(stacks, "a") == {"Logs": "UPDATE_COMPLETE"}, 20, "the update done")
    assert status(stacks, "a") == "UPDATE_IN_PROGRESS", "it is still watched"
    weir.kill()
    weir.start()
    alarm_until("a", "UPDATE_ROLLBACK")
    rested(stacks, "a", "UPDATE_ROLLBACK_COMPLETE")
    assert f"Rollback trigger {arn} is in ALARM state." in reasons(stacks, "a")
    assert clients.boto("logs", weir).describe_log_groups(logGroupNamePrefix="watched")["logGroups"][0]["retentionInDays"] == 7
    stacks.update_stack(StackName="a", TemplateBody=template(14), RollbackConfiguration={"RollbackTriggers": [], "MonitoringTimeInMinutes": 1})
    until(lambda: resource_states(stacks, "a") == {"Logs": "UPDATE_COMPLETE"}, 20, "the update done")
    stacks.cancel_update_stack(StackName="a")
    rested(stacks, "a", "UPDATE_ROLLBACK_COMPLETE")
    stacks.create_stack(StackName="w", TemplateBody=json.dumps(WAITS), RollbackConfiguration=watched(0, arn + "x"))
    rested(stacks, "w", "ROLLBACK_COMPLETE")
    assert f"Rollback trigger {arn}x does not exist." in reasons(stacks, "w")
    for wrong in (watched(181), watched(0, "bad"), {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::SNS::Topic"}]}):
        fault_of(stacks.create_stack, StackName="x", TemplateBody=template(7), RollbackConfiguration=wrong)
    gone(stacks, "a")
    gone(stacks, "w")


def test_a_creation_that_takes_too_long_is_given_up(weir, stacks):
    """The shortest time is a minute: the deadline is moved while nobody looks."""
    stacks.create_stack(StackName="late", TemplateBody=json.dumps(WAITS), TimeoutInMinutes=1)
    handle_of(stacks, "late")
    assert stacks.describe_stacks(StackName="late")["Stacks"][0]["TimeoutInMinutes"] == 1
    weir.stop()
    with contextlib.closing(sqlite3.connect(f"{weir.data}/weir.db")) as store, store:
        store.execute("UPDATE resource SET body = json_set(body, '$.Deadline', 1) WHERE kind = 'cloudformation.stack'")
    weir.start()
    rested(stacks, "late", "ROLLBACK_COMPLETE")
    assert "Stack creation time exceeded the specified timeout. Rollback requested by user." in reasons(stacks, "late")
    assert "Resource creation cancelled" in reasons(stacks, "late")
    gone(stacks, "late")


# ---- Giving up, and going on ----

def test_an_update_that_is_cancelled_goes_back(weir, stacks):
    one = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "kept", "RetentionInDays": 7}}}}
    more = json.loads(json.dumps({"Resources": {**one["Resources"], **WAITS["Resources"]}}).replace('"RetentionInDays": 7', '"RetentionInDays": 14'))
    made(stacks, "c", json.dumps(one))
    assert "cannot be called from current stack status" in fault_of(stacks.cancel_update_stack, StackName="c")
    stacks.update_stack(StackName="c", TemplateBody=json.dumps(more))
    handle_of(stacks, "c")
    until(lambda: "Wait" in physical(stacks, "c"), 20, "the wait")
    stacks.cancel_update_stack(StackName="c")
    rested(stacks, "c", "UPDATE_ROLLBACK_COMPLETE")
    assert "Resource creation cancelled" in reasons(stacks, "c") and set(physical(stacks, "c")) == {"Logs"}
    assert clients.boto("logs", weir).describe_log_groups(logGroupNamePrefix="kept")["logGroups"][0]["retentionInDays"] == 7
    gone(stacks, "c")


def test_going_back_goes_on_where_it_failed(weir, stacks):
    """The filter's group vanished meanwhile: the way back fails at the filter until the group is there, or it is skipped."""
    logs = clients.boto("logs", weir)
    logs.create_log_group(logGroupName="outside")

    def of(pattern, **more):
        return json.dumps({"Resources": {
            "Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": {
                "LogGroupName": "outside", "FilterPattern": pattern,
                "MetricTransformations": [{"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}]}}, **more}})

    waits = {name: {**part, "DependsOn": "Filter"} for name, part in WAITS["Resources"].items()}
    for skipped in (False, True):
        made(stacks, "r", of("one"))
        stacks.update_stack(StackName="r", TemplateBody=of("two", **waits))
        url = handle_of(stacks, "r")
        logs.delete_log_group(logGroupName="outside")
        put(url, Status="FAILURE", UniqueId="a", Reason="enough")
        rested(stacks, "r", "UPDATE_ROLLBACK_FAILED")
        assert "not in UPDATE_FAILED state" in fault_of(stacks.continue_update_rollback, StackName="r", ResourcesToSkip=["Handle"])
        if not skipped:
            logs.create_log_group(logGroupName="outside")
        stacks.continue_update_rollback(StackName="r", **({"ResourcesToSkip": ["Filter"]} if skipped else {}))
        rested(stacks, "r", "UPDATE_ROLLBACK_COMPLETE")
        assert set(physical(stacks, "r")) == {"Filter"}
        if not skipped:
            assert logs.describe_metric_filters(logGroupName="outside")["metricFilters"][0]["filterPattern"] == "one"
        gone(stacks, "r")


# ---- Stack policies, and drift ----

def log_groups(days=7, name="one", *more):
    return json.dumps({"Resources": {
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}},
        **{m: {"Type": "AWS::Logs::LogGroup"} for m in more}}})


def policy(*denied):
    return json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": list(denied), "Resource": "LogicalResourceId/Logs"}]})


def test_a_stack_policy_holds_at_every_update_but_where_one_says_otherwise(weir, stacks):
    logs = clients.boto("logs", weir)
    stacks.create_stack(StackName="p", TemplateBody=log_groups(), StackPolicyBody=policy("Update:Replace", "Update:Delete"))
    rested(stacks, "p", "CREATE_COMPLETE")
    changed(stacks, "p", log_groups(14))
    for template, action in ((log_groups(14, "two"), "Update:Replace"), (log_groups(14, "one", "More").replace('"Logs"', '"Other"').replace(
            '"one"', '"other"'), "Update:Delete")):
        changed(stacks, "p", template, want="UPDATE_ROLLBACK_COMPLETE")
        assert f"Statement [#2] does not allow [{action}] for resource [LogicalResourceId/Logs]" in reasons(stacks, "p")
        assert set(physical(stacks, "p")) == {"Logs"} and physical(stacks, "p")["Logs"] == "one"
    stacks.update_stack(StackName="p", TemplateBody=log_groups(14, "two"), StackPolicyDuringUpdateBody=policy("Update:Delete"))
    rested(stacks, "p", "UPDATE_COMPLETE")
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"] if g["logGroupName"] in ("one", "two")] == ["two"]
    assert json.loads(stacks.get_stack_policy(StackName="p")["StackPolicyBody"])["Statement"][1]["Action"][0] == "Update:Replace"
    stacks.set_stack_policy(StackName="p", StackPolicyBody=policy("Update:Modify"))
    changed(stacks, "p", log_groups(30, "two"), want="UPDATE_ROLLBACK_COMPLETE")
    assert "Error validating stack policy" in fault_of(stacks.set_stack_policy, StackName="p", StackPolicyBody="{}")
    gone(stacks, "p")


def test_what_was_changed_behind_a_stack_is_found(weir, stacks):
    logs = clients.boto("logs", weir)

    def look():
        asked = stacks.detect_stack_drift(StackName="d")["StackDriftDetectionId"]
        found = stacks.describe_stack_drift_detection_status(StackDriftDetectionId=asked)
        assert found["DetectionStatus"] == "DETECTION_COMPLETE"
        return found["StackDriftStatus"], found["DriftedStackResourceCount"]

    made(stacks, "d", log_groups(7, "seen", "Gone"))
    assert look() == ("IN_SYNC", 0)
    logs.put_retention_policy(logGroupName="seen", retentionInDays=90)
    logs.delete_log_group(logGroupName=physical(stacks, "d")["Gone"])
    assert look() == ("DRIFTED", 2)
    drifts = {d["LogicalResourceId"]: d for d in stacks.describe_stack_resource_drifts(StackName="d")["StackResourceDrifts"]}
    assert drifts["Gone"]["StackResourceDriftStatus"] == "DELETED" and drifts["Logs"]["StackResourceDriftStatus"] == "MODIFIED"
    difference = drifts["Logs"]["PropertyDifferences"][0]
    assert (difference["PropertyPath"], difference["ExpectedValue"], difference["ActualValue"]) == ("/RetentionInDays", "7", "90")
    assert stacks.describe_stacks(StackName="d")["Stacks"][0]["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    logs.put_retention_policy(logGroupName="seen", retentionInDays=7)
    one = stacks.detect_stack_resource_drift(StackName="d", LogicalResourceId="Logs")["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "IN_SYNC"
    gone(stacks, "d")
