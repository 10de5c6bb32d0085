"""CloudWatch Logs with the real clients: the document's command, groups, streams, events, patterns, and what survives."""
import base64
import gzip
import json
import pathlib
import subprocess
import time

import botocore.exceptions
import pytest

import clients
import harness
from harness import Target, get, until
from test_lambda import TRUST, make, package

SEED = r"""aws logs filter-log-events \
    --log-group-name /aws/applicationelb/mindr-alb \
    --start-time $(date -d '5 minutes ago' +%s)000 \
    --filter-pattern '[timestamp, request_id, client_ip, client_port, target_ip, target_port, request_processing_time, target_processing_time >= 30, response_processing_time, elb_status_code, target_status_code, received_bytes, sent_bytes, "\"POST /chat HTTP/1.1\""]'"""


@pytest.fixture
def logs(weir):
    pytest.importorskip("boto3")
    return clients.boto("logs", weir)


@pytest.fixture
def stream(logs):
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return {"logGroupName": "g", "logStreamName": "s"}


def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def now():
    return int(time.time() * 1000)


def put(logs, messages, group="g", stream="s", start=None):
    start = start or now() - 60000
    return logs.put_log_events(logGroupName=group, logStreamName=stream,
                               logEvents=[{"timestamp": start + i, "message": m} for i, m in enumerate(messages)])


def shell(aws, command):
    """A command of the document as a shell runs it; only where `aws` lies and answers is ours."""
    script = f'aws() {{ "{aws.path}" --endpoint-url http://127.0.0.1:{aws.weir.api_port} "$@"; }}\n{command}'
    done = subprocess.run(["bash", "-c", script], env=aws.weir.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["events"]


def test_the_documents_command_finds_slow_chats(aws):
    def slow_chat(c):
        c.body()
        if b"/chat" in c.head:
            time.sleep(0.6)
        c.answer("done")
    with Target(slow_chat) as target, harness.Weir(auth="sigv4") as weir:
        aws.weir = weir
        client = clients.boto("elbv2", weir)
        subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
        vpc = clients.boto("ec2", weir).describe_vpcs()["Vpcs"][0]["VpcId"]
        balancer = client.create_load_balancer(Name="mindr-alb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        assert shell(aws, SEED) == [], "the group is there before the first request"
        group = client.create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": target.port}])
        port = harness.free_port()
        client.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                               DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        until(lambda: client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "healthy")
        headers = "Content-Length: 2\r\n"
        get(port, "/chat", method="POST", headers=headers, body="{}")
        get(port, "/chat", method="GET")
        get(port, "/other", method="POST", headers=headers, body="{}")
        every = "aws logs filter-log-events --log-group-name /aws/applicationelb/mindr-alb"
        events = until(lambda: (found := shell(aws, every)) and len(found) == 3 and found, 10, "three events")

        found = shell(aws, SEED.replace(">= 30", ">= 0.5"))
        assert len(found) == 1 and found[0]["message"].endswith('"POST /chat HTTP/1.1"')
        fields = found[0]["message"].split(" ", 13)
        assert len(fields) == 14 and fields[1].startswith("Root=1-") and fields[2] == fields[4] == "127.0.0.1"
        assert fields[5] == str(target.port) and 0.5 <= float(fields[7]) < 5 and fields[9:11] == ["200", "200"]
        assert int(fields[11]) > 0 and int(fields[12]) > 0
        assert found[0]["logStreamName"] == balancer.split(":loadbalancer/")[1]
        assert shell(aws, SEED.replace(">= 30", "< 0.5")) == [] and shell(aws, SEED) == []
        assert len({e["eventId"] for e in events}) == 3

        weir.kill()
        weir.start()
        assert [e["eventId"] for e in shell(aws, every)] == [e["eventId"] for e in events], "events survive kill -9"


def test_the_last_request_before_the_end_is_an_event():
    with Target() as target, harness.Weir() as weir:
        port, _, _ = weir.behind(target)
        get(port, "/last")
        assert weir.stop() == 0, weir.log[-4000:]
        weir.start()
        events = weir.call("logs", "FilterLogEvents", logGroupName="/aws/applicationelb/lb")["events"]
        assert [e["message"].split(" ", 13)[13] for e in events] == ['"GET /last HTTP/1.1"']


def test_the_commands_of_the_cli(aws):
    aws("logs", "create-log-group", "--log-group-name", "/app/one", "--tags", "team=x")
    aws("logs", "create-log-stream", "--log-group-name", "/app/one", "--log-stream-name", "s")
    at = now()
    answer = aws("logs", "put-log-events", "--log-group-name", "/app/one", "--log-stream-name", "s", "--log-events",
                 f"timestamp={at},message=hello", f"timestamp={at + 1},message=goodbye")
    assert answer["nextSequenceToken"]
    assert [e["message"] for e in aws("logs", "get-log-events", "--log-group-name", "/app/one", "--log-stream-name", "s")["events"]] == [
        "hello", "goodbye"]
    assert [e["message"] for e in aws("logs", "filter-log-events", "--log-group-name", "/app/one", "--filter-pattern", "?hello ?nothing")["events"]] == [
        "hello"]
    aws("logs", "put-retention-policy", "--log-group-name", "/app/one", "--retention-in-days", "7")
    group = aws("logs", "describe-log-groups", "--log-group-name-prefix", "/app")["logGroups"][0]
    assert group["retentionInDays"] == 7 and group["arn"].endswith(":log-group:/app/one:*") and group["storedBytes"] > 0
    streams = aws("logs", "describe-log-streams", "--log-group-name", "/app/one", "--order-by", "LastEventTime")["logStreams"]
    assert (streams[0]["firstEventTimestamp"], streams[0]["lastEventTimestamp"]) == (at, at + 1)
    aws("logs", "delete-log-group", "--log-group-name", "/app/one")
    code, _, errors = aws.run("logs", "delete-log-group", "--log-group-name", "/app/one")
    assert code != 0 and "ResourceNotFoundException" in errors


def test_groups_streams_and_tags(logs):
    for i in range(55):
        logs.create_log_group(logGroupName=f"/x/{i:02}")
    pages = list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/x/", PaginationConfig={"PageSize": 20}))
    assert [len(p["logGroups"]) for p in pages] == [20, 20, 15]
    names = [g["logGroupName"] for p in pages for g in p["logGroups"]]
    assert names == sorted(names) and len(set(names)) == 55
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="/07")["logGroups"]] == ["/x/07"]
    assert code_of(logs.create_log_group, logGroupName="/x/07") == "ResourceAlreadyExistsException"
    for wrong in ({"logGroupName": "a b"}, {"logGroupName": ""}, {"logGroupName": "x" * 513}, {}, {"logGroupName": "k", "kmsKeyId": "arn:aws:kms:x"}):
        assert code_of(logs.create_log_group, **wrong) == "InvalidParameterException", wrong
    assert code_of(logs.describe_log_groups, limit=51) == "InvalidParameterException"
    assert code_of(logs.describe_log_groups, nextToken="nonsense") == "InvalidParameterException"
    assert code_of(logs.put_retention_policy, logGroupName="/x/07", retentionInDays=8) == "InvalidParameterException"

    arn = logs.describe_log_groups(logGroupNamePrefix="/x/07")["logGroups"][0]["arn"][:-2]
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"} == logs.list_tags_log_group(logGroupName="/x/07")["tags"]
    logs.tag_log_group(logGroupName="/x/07", tags={"c": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn + ":*")["tags"] == {"b": "2", "c": "3"}

    for name in ("b", "a/1", "a/2"):
        logs.create_log_stream(logGroupName="/x/07", logStreamName=name)
    put(logs, ["x"], "/x/07", "a/2")
    assert code_of(logs.create_log_stream, logGroupName="/x/07", logStreamName="b") == "ResourceAlreadyExistsException"
    assert code_of(logs.create_log_stream, logGroupName="/x/07", logStreamName="a:b") == "InvalidParameterException"
    assert code_of(logs.create_log_stream, logGroupName="/none", logStreamName="b") == "ResourceNotFoundException"
    listed = logs.describe_log_streams(logGroupName="/x/07", limit=2)
    assert [s["logStreamName"] for s in listed["logStreams"]] == ["a/1", "a/2"]
    assert [s["logStreamName"] for s in logs.describe_log_streams(logGroupName="/x/07", nextToken=listed["nextToken"])["logStreams"]] == ["b"]
    assert logs.describe_log_streams(logGroupName="/x/07", orderBy="LastEventTime", descending=True)["logStreams"][0]["logStreamName"] == "a/2"
    assert len(logs.describe_log_streams(logGroupName="/x/07", logStreamNamePrefix="a/")["logStreams"]) == 2
    logs.delete_log_stream(logGroupName="/x/07", logStreamName="a/2")
    assert logs.filter_log_events(logGroupName="/x/07")["events"] == []
    assert code_of(logs.get_log_events, logGroupName="/x/07", logStreamName="a/2") == "ResourceNotFoundException"


def test_events_are_read_forward_and_backward(logs, stream):
    put(logs, [f"m{i}" for i in range(25)])
    first = logs.get_log_events(**stream, limit=10, startFromHead=True)
    assert [e["message"] for e in first["events"]] == [f"m{i}" for i in range(10)]
    second = logs.get_log_events(**stream, limit=10, nextToken=first["nextForwardToken"])
    assert [e["message"] for e in second["events"]] == [f"m{i}" for i in range(10, 20)]
    third = logs.get_log_events(**stream, limit=10, nextToken=second["nextForwardToken"])
    assert len(third["events"]) == 5
    end = logs.get_log_events(**stream, limit=10, nextToken=third["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == third["nextForwardToken"]
    last = logs.get_log_events(**stream, limit=10)
    assert [e["message"] for e in last["events"]] == [f"m{i}" for i in range(15, 25)]
    before = logs.get_log_events(**stream, limit=10, nextToken=last["nextBackwardToken"])
    assert [e["message"] for e in before["events"]] == [f"m{i}" for i in range(5, 15)]
    put(logs, ["new"], start=now())
    assert [e["message"] for e in logs.get_log_events(**stream, nextToken=end["nextForwardToken"])["events"]] == ["new"]
    assert code_of(logs.get_log_events, **stream, nextToken="f/x") == "InvalidParameterException"


def test_the_rules_of_putting(logs, stream):
    at, day = now(), 24 * 3600 * 1000

    def events(*times):
        return [{"timestamp": t, "message": "m"} for t in times]
    assert code_of(logs.put_log_events, **stream, logEvents=events(at, at - 1)) == "InvalidParameterException"
    assert code_of(logs.put_log_events, **stream, logEvents=events(at - day - 1000, at)) == "InvalidParameterException"
    assert code_of(logs.put_log_events, **stream, logEvents=[]) == "InvalidParameterException"
    assert code_of(logs.put_log_events, **stream, logEvents=[{"timestamp": at, "message": "x" * 600000}] * 2) == "InvalidParameterException"
    assert code_of(logs.put_log_events, logGroupName="g", logStreamName="none", logEvents=events(at)) == "ResourceNotFoundException"
    assert logs.put_log_events(**stream, logEvents=events(at - 15 * day))["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert logs.put_log_events(**stream, logEvents=events(at, at + 3 * 3600 * 1000), sequenceToken="any")["rejectedLogEventsInfo"] == {
        "tooNewLogEventStartIndex": 1}
    assert [e["timestamp"] for e in logs.filter_log_events(logGroupName="g")["events"]] == [at]
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    assert logs.put_log_events(**stream, logEvents=events(at - 5 * day))["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_filtering_merges_streams_in_order_of_time(logs, stream):
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    at = now() - 60000
    for i in range(6):
        put(logs, [f"{'st'[i % 2]}{i}"], stream="st"[i % 2], start=at + (5 - i))
    filtered = logs.filter_log_events(logGroupName="g")["events"]
    assert [e["message"] for e in filtered] == ["t5", "s4", "t3", "s2", "t1", "s0"]
    assert [e["message"] for e in logs.filter_log_events(logGroupName="g", logStreamNames=["t"])["events"]] == ["t5", "t3", "t1"]
    assert len(logs.filter_log_events(logGroupName="g", logStreamNamePrefix="s")["events"]) == 3
    assert [e["message"] for e in logs.filter_log_events(logGroupName="g", startTime=at + 2, endTime=at + 3)["events"]] == ["t3", "s2"]
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="g", PaginationConfig={"PageSize": 4}))
    assert [e["eventId"] for p in pages for e in p["events"]] == [e["eventId"] for e in filtered]
    assert code_of(logs.filter_log_events, logGroupName="g", filterPattern="[a") == "InvalidParameterException"
    assert code_of(logs.filter_log_events, logGroupName="none") == "ResourceNotFoundException"


def test_patterns_extract_values(logs, stream):
    found = logs.test_metric_filter(filterPattern="[ip, user, ..., status = 4*, bytes]", logEventMessages=[
        '127.0.0.1 frank [10/Oct/2000:13:25:15 -0700] "GET /x HTTP/1.0" 404 1534', "127.0.0.1 x y 200 5"])["matches"]
    assert len(found) == 1 and found[0]["eventNumber"] == 1 and found[0]["extractedValues"]["$status"] == "404"
    found = logs.test_metric_filter(filterPattern='{ $.a[0].b >= 3 && $.c = "x*" }', logEventMessages=[
        '{"a": [{"b": 3}], "c": "xyz"}', '{"a": [{"b": 2}], "c": "xyz"}', "no json"])["matches"]
    assert [m["extractedValues"] for m in found] == [{"$.a[0].b": "3", "$.c": "xyz"}]
    assert code_of(logs.start_query, logGroupName="g", startTime=0, endTime=1, queryString="fields @message") == "InvalidOperationException"


def test_metric_filters_make_metrics_of_events(weir, logs, cloudwatch, stream):
    logs.put_metric_filter(logGroupName="g", filterName="slow", filterPattern="[ip, path, seconds > 1]", metricTransformations=[
        {"metricName": "Seconds", "metricNamespace": "Mine", "metricValue": "$seconds", "unit": "Seconds", "dimensions": {"Path": "$path"}}])
    logs.put_metric_filter(logGroupName="g", filterName="errors", filterPattern="ERROR", metricTransformations=[
        {"metricName": "Errors", "metricNamespace": "Mine", "metricValue": "1", "defaultValue": 0}])
    good = {"metricName": "M", "metricNamespace": "Mine", "metricValue": "1"}
    for wrong in ({"unit": "Furlongs"}, {"metricName": "a:b"}, {"metricNamespace": "AWS/ApplicationELB"}, {"metricValue": "$x"},
                  {"dimensions": {"A": "$path"}, "defaultValue": 0}):
        assert code_of(logs.put_metric_filter, logGroupName="g", filterName="wrong", filterPattern="[ip, path]",
                       metricTransformations=[{**good, **wrong}]) == "InvalidParameterException", wrong
    assert [f["filterName"] for f in logs.describe_metric_filters(logGroupName="g")["metricFilters"]] == ["errors", "slow"]
    at = now()
    put(logs, ["10.0.0.1 /chat 2.5", "10.0.0.1 /chat 0.5", "10.0.0.2 /chat 4", "ERROR one two"], start=at)

    def statistics(name, *dimensions):
        found = cloudwatch.get_metric_statistics(
            Namespace="Mine", MetricName=name, Dimensions=[{"Name": n, "Value": v} for n, v in dimensions], Period=3600,
            StartTime=at // 1000 - 7200, EndTime=at // 1000 + 3600, Statistics=["Sum", "SampleCount", "Maximum"])["Datapoints"]
        return sum(p["Sum"] for p in found), sum(p["SampleCount"] for p in found), max((p["Maximum"] for p in found), default=None)

    assert statistics("Seconds", ("Path", "/chat")) == (6.5, 2, 4)
    assert statistics("Errors") == (1, 1, 1)
    put(logs, ["all is well"], start=at + 10)
    assert statistics("Errors") == (1, 2, 1), "the default value counts where nothing matched"
    logs.delete_metric_filter(logGroupName="g", filterName="errors")
    put(logs, ["ERROR unseen"], start=at + 20)
    assert statistics("Errors") == (1, 2, 1)
    weir.kill()
    weir.start()
    found = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert [f["filterName"] for f in found] == ["slow"]
    put(logs, ["10.0.0.1 /chat 8"], start=at + 30)
    assert statistics("Seconds", ("Path", "/chat"))[2] == 8


# Keeps each event it is sent in a file of its own.
KEEPER = """
import json, os
def go(event, context):
    with open(os.environ["NOTES"] + "/" + context.aws_request_id + ".part", "w") as file:
        json.dump(event, file)
    os.rename(file.name, file.name[:-5] + ".json")
"""


def test_subscriptions_send_events_to_functions(weir, logs, stream, tmp_path):
    clients.boto("iam", weir).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
    functions = clients.boto("lambda", weir)
    make(functions, "keeper", package(app__py=KEEPER), Environment={"Variables": {"NOTES": str(tmp_path)}})
    arn = functions.get_function_configuration(FunctionName="keeper")["FunctionArn"]
    asked = {"logGroupName": "g", "filterName": "slow", "filterPattern": "[path, seconds > 1]", "destinationArn": arn}

    def told(count):
        """The messages that came so far, once there are `count` events."""
        def read():
            found = [json.loads(gzip.decompress(base64.b64decode(json.loads(path.read_text())["awslogs"]["data"])))
                     for path in sorted(tmp_path.glob("*.json"))]
            return sum(len(m["logEvents"]) for m in found) >= count and found
        return until(read, 30, f"{count} events")

    assert code_of(logs.put_subscription_filter, **asked) == "InvalidParameterException", "the function does not let logs.amazonaws.com invoke it"
    functions.add_permission(FunctionName="keeper", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com",
                             SourceArn=f"arn:aws:logs:{harness.REGION}:{harness.ACCOUNT}:log-group:g:*")
    logs.create_log_group(logGroupName="/aws/lambda/keeper2")
    for wrong in ({"destinationArn": "arn:aws:kinesis:us-east-1:000000000000:stream/x"}, {"destinationArn": arn + "2", "logGroupName": "/aws/lambda/keeper2"},
                  {"filterPattern": "[a"}, {"distribution": "Random"}, {"roleArn": "arn:aws:iam::000000000000:role/runner"}):
        assert code_of(logs.put_subscription_filter, **{**asked, **wrong}) == "InvalidParameterException", wrong
    logs.put_subscription_filter(**asked)
    found = logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
    assert [(f["filterName"], f["destinationArn"], f["distribution"]) for f in found] == [("slow", arn, "ByLogStream")]

    at = now()
    put(logs, ["/chat 2.5", "/chat 0.5", "/chat 4"], start=at)
    message = told(2)[0]
    assert {k: v for k, v in message.items() if k != "logEvents"} == {
        "messageType": "DATA_MESSAGE", "owner": harness.ACCOUNT, "logGroup": "g", "logStream": "s", "subscriptionFilters": ["slow"]}
    stored = {e["message"]: e for e in logs.filter_log_events(logGroupName="g")["events"]}
    assert message["logEvents"] == [{"id": stored[m]["eventId"], "timestamp": t, "message": m} for m, t in (("/chat 2.5", at), ("/chat 4", at + 2))]

    logs.put_subscription_filter(**{**asked, "filterName": "all", "filterPattern": ""})
    assert code_of(logs.put_subscription_filter, **{**asked, "filterName": "third"}) == "LimitExceededException"
    logs.delete_subscription_filter(logGroupName="g", filterName="slow")
    assert code_of(logs.delete_subscription_filter, logGroupName="g", filterName="slow") == "ResourceNotFoundException"
    put(logs, ["after"], start=at + 10)
    weir.kill()
    weir.start()
    assert "after" in [e["message"] for m in told(3) for e in m["logEvents"]], "what was put before the kill is told after it"
    assert [f["filterName"] for f in logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]] == ["all"]


def test_weir_logs_follows(weir, logs, stream):
    command = [str(harness.BUILD / "weir"), "logs", "-f", "g", "--filter", "keep", "--data", weir.data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        try:
            put(logs, ["keep 1", "drop"], start=now())
            assert tail.stdout.readline().endswith("keep 1\n")
            put(logs, ["drop", "keep 2"], start=now())
            assert tail.stdout.readline().endswith("keep 2\n")
        finally:
            tail.terminate()
    assert (pathlib.Path(weir.data) / "events").stat().st_mode & 0o777 == 0o700
    assert all(f.stat().st_mode & 0o777 == 0o600 for f in (pathlib.Path(weir.data) / "events").rglob("*") if f.is_file())
