"""Functions behind a load balancer: what users set up with boto3, and what their HTTP clients see."""
import datetime
import json
import pathlib

import pytest

import clients
from harness import Raw, Weir, free_port, get, until
from test_lambda import ROLE, TRUST, make, package, refused

pytest.importorskip("boto3")

ECHO = """
import os, time
def go(event, context):
    headers = event.get("headers") or {}
    if headers.get("user-agent") == "ELB-HealthChecker/2.0":
        return {"statusCode": 200, "headers": {}, "body": "fine"}
    if event["path"] == "/slow": time.sleep(2)
    if event["path"] == "/raise": raise ValueError("no")
    if event["path"] == "/odd": return "hello"
    import json
    return {"statusCode": 200, "statusDescription": "200 OK", "headers": {"Content-Type": "application/json"},
            "body": json.dumps(event), "isBase64Encoded": False}
"""

# A program of one's own: it streams a token each time that somebody lets it.
STREAM = """#!/usr/bin/python3
import http.client, os, time
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
base = "/2018-06-01/runtime/invocation/"
while True:
    ask = http.client.HTTPConnection(host)
    ask.request("GET", base + "next")
    work = ask.getresponse()
    work.read()
    out = http.client.HTTPConnection(host)
    out.putrequest("POST", base + work.headers["Lambda-Runtime-Aws-Request-Id"] + "/response")
    out.putheader("Content-Type", "application/vnd.awslambda.http-integration-response")
    out.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    out.putheader("Transfer-Encoding", "chunked")
    out.endheaders()
    def say(data):
        out.send(b"%x\\r\\n%s\\r\\n" % (len(data), data))
    folder = os.environ["TOKENS"]
    try:
        say(b'{"statusCode":200,"headers":{"Content-Type":"text/event-stream"}}' + bytes(8))
        for i in range(100000):
            say(b"data: token %d\\n\\n" % i)
            while not os.path.exists(folder + "/%d" % i) and not os.path.exists(folder + "/endless"):
                if os.path.exists(folder + "/end"): break
                time.sleep(0.01)
            if os.path.exists(folder + "/end"): break
        out.send(b"0\\r\\n\\r\\n")
        out.getresponse().read()
    except OSError:
        open(folder + "/left", "w").close()
"""


@pytest.fixture(scope="module")
def weir():
    with Weir("--lambda-retry-seconds", "1", auth="sigv4") as running:
        clients.boto("iam", running).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
        yield running


@pytest.fixture(scope="module")
def functions(weir):
    return clients.boto("lambda", weir)


@pytest.fixture(scope="module")
def elbv2(weir):
    return clients.boto("elbv2", weir)


def allow(functions, name, group):
    functions.add_permission(FunctionName=name, StatementId="elb", Action="lambda:InvokeFunction",
                             Principal="elasticloadbalancing.amazonaws.com", SourceArn=group)


def arn_of(functions, name):
    return functions.get_function_configuration(FunctionName=name)["FunctionArn"]


def group_of(elbv2, name, **attributes):
    group = elbv2.create_target_group(Name=name, TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    if attributes:
        elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[
            {"Key": k.replace("__", "."), "Value": v} for k, v in attributes.items()])
    return group


def listen(weir, elbv2, name, group):
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    port = free_port()
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                          DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    return port


@pytest.fixture(scope="module")
def echo(weir, functions, elbv2):
    make(functions, "echo", package(app__py=ECHO))
    group = group_of(elbv2, "echo")
    allow(functions, "echo", group)
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": arn_of(functions, "echo")}])
    return listen(weir, elbv2, "echo", group), group


def post(port, path, body, headers=""):
    return get(port, path, method="POST", headers=f"{headers}Content-Length: {len(body.encode())}\r\n", body=body)


def health(elbv2, group):
    return elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]


def test_a_group_of_functions_is_as_aws_makes_it(elbv2):
    group = elbv2.create_target_group(Name="made", TargetType="lambda")["TargetGroups"][0]
    assert not {"Protocol", "Port", "VpcId", "ProtocolVersion", "HealthCheckPort", "HealthCheckProtocol"} & group.keys()
    assert group["HealthCheckEnabled"] is False and group["TargetType"] == "lambda"
    assert (group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == (35, 30)
    arn = group["TargetGroupArn"]
    rows = {a["Key"]: a["Value"] for a in elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]}
    assert rows["lambda.multi_value_headers.enabled"] == "false" and rows["stickiness.enabled"] == "false"
    assert "deregistration_delay.timeout_seconds" not in rows and len(rows) == 8

    def modify(key, value):
        return refused(lambda: elbv2.modify_target_group_attributes(TargetGroupArn=arn,
                                                                    Attributes=[{"Key": key, "Value": value}]))
    assert modify("deregistration_delay.timeout_seconds", "10")[1] == \
        "A target group with target type 'lambda' does not support the attribute deregistration_delay.timeout_seconds"
    assert modify("stickiness.enabled", "true")[0] == modify("slow_start.duration_seconds", "30")[0] == \
        "InvalidConfigurationRequest"
    for more in ({"Protocol": "HTTP"}, {"Port": 80}, {"VpcId": "vpc-1"}):
        assert refused(lambda: elbv2.create_target_group(Name="more", TargetType="lambda", **more))[0] == "ValidationError"
    ip = elbv2.create_target_group(Name="alb", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    elbv2.delete_target_group(TargetGroupArn=ip)
    assert refused(lambda: elbv2.create_target_group(Name="alb", TargetType="alb", Protocol="HTTP", Port=80,
                                                     VpcId="vpc-1"))[0] == "InvalidConfigurationRequest"


def test_only_what_may_be_invoked_is_registered(functions, elbv2):
    make(functions, "closed", package(app__py=ECHO))
    group, arn = group_of(elbv2, "closed"), arn_of(functions, "closed")

    def register(*ids):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": i} for i in ids])
    code, words, _ = refused(register, arn)
    assert code == "AccessDenied" and words == \
        f"elasticloadbalancing principal does not have permission to invoke {arn} from target group {group}"
    assert refused(register, arn + "x")[0] == refused(register, "10.0.0.1")[0] == "InvalidTarget"
    allow(functions, "closed", group)
    assert refused(register, arn, arn)[0] == "TooManyTargets"
    register(arn)
    assert health(elbv2, group)[0]["TargetHealth"]["State"] == "unused"
    assert refused(register, arn_of(functions, "closed") + ":$LATEST")[0] == "TooManyTargets"
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": arn}])
    assert health(elbv2, group) == []


def test_a_request_becomes_an_event_and_the_answer_a_response(weir, echo):
    port, group = echo
    answer = get(port, "/a/b?x=1&y=%20", headers="X-Two: 1\r\nx-two: 2\r\n")
    event = json.loads(answer.body)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert answer.headers["server"] == "awselb/2.0"
    assert event["requestContext"] == {"elb": {"targetGroupArn": group}}
    assert (event["httpMethod"], event["path"]) == ("GET", "/a/b")
    assert event["queryStringParameters"] == {"x": "1", "y": "%20"}
    assert event["headers"]["x-two"] == "2" and event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-port"] == str(port) and event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert event["body"] == "" and event["isBase64Encoded"] is False
    posted = json.loads(post(port, "/p", '{"é":1}', "Content-Type: application/json\r\n").body)
    assert json.loads(posted["body"]) == {"é": 1} and posted["isBase64Encoded"] is False
    assert json.loads(post(port, "/p", "abc").body)["isBase64Encoded"] is True
    line = weir.access_lines(1)[0].split(" ")
    assert line[4] == "-" and line[8:10] == ["200", "-"] and group in line


def errors_of(weir, group):
    now = datetime.datetime.now(datetime.timezone.utc)
    found = clients.boto("cloudwatch", weir).get_metric_statistics(
        Namespace="AWS/ApplicationELB", MetricName="LambdaUserError", Period=60, Statistics=["Sum"],
        Dimensions=[{"Name": "TargetGroup", "Value": group.split(":")[-1]}],
        StartTime=now - datetime.timedelta(minutes=10), EndTime=now + datetime.timedelta(minutes=1))
    return sum(p["Sum"] for p in found["Datapoints"])


def test_what_a_function_does_wrong_is_502_and_said_in_the_log(weir, functions, echo):
    port, group = echo
    assert get(port, "/raise").status == get(port, "/odd").status == 502
    functions.put_function_concurrency(FunctionName="echo", ReservedConcurrentExecutions=0)
    assert get(port, "/throttled").status == 502
    functions.delete_function_concurrency(FunctionName="echo")
    functions.remove_permission(FunctionName="echo", StatementId="elb")
    assert get(port, "/denied").status == 502
    allow(functions, "echo", group)
    until(lambda: get(port, "/").status == 200, what="the permission")
    log = pathlib.Path(weir.data) / "logs" / "access.log"
    for path, reason in (("raise", "LambdaUnhandled"), ("odd", "LambdaInvalidResponse"),
                         ("throttled", "LambdaThrottling"), ("denied", "LambdaAccessDenied")):
        until(lambda: any(f"/{path} HTTP" in line and f'"{reason}"' in line for line in log.read_text().splitlines()),
              what=f"the line of /{path}")
    assert weir.metric("weir_lambda_user_errors_total") >= 4
    until(lambda: errors_of(weir, group) >= 4, what="the errors by target group alone")
    metrics = clients.boto("cloudwatch", weir).list_metrics(Namespace="AWS/ApplicationELB", Dimensions=[
        {"Name": "TargetGroup", "Value": group.split(":")[-1]}])["Metrics"]
    views = sorted(len(m["Dimensions"]) for m in metrics if m["MetricName"] == "LambdaUserError")
    assert views == [1, 2], "by target group, and with its load balancer; by no zone"
    names = {m["MetricName"] for m in metrics}
    assert "HealthyHostCount" in names and "RequestCountPerTarget" not in names
    assert get(port, "/large", method="POST", headers="Content-Length: 1048577\r\n").status == 413


def test_a_client_that_leaves_is_460(weir, echo):
    port, _ = echo
    client = Raw(port)
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    client.reset()
    log = pathlib.Path(weir.data) / "logs" / "access.log"
    until(lambda: any("/slow HTTP" in line and " 460 - " in line for line in log.read_text().splitlines()), what="the 460")


def test_health_checks_invoke_the_function(elbv2, echo):
    _, group = echo
    assert health(elbv2, group)[0]["TargetHealth"] == {
        "State": "unavailable", "Reason": "Target.HealthCheckDisabled",
        "Description": "Health checks are not enabled for this target"}
    elbv2.modify_target_group(TargetGroupArn=group, HealthCheckEnabled=True)
    until(lambda: health(elbv2, group)[0]["TargetHealth"]["State"] == "healthy", what="a healthy function")
    elbv2.modify_target_group(TargetGroupArn=group, HealthCheckEnabled=False)
    until(lambda: health(elbv2, group)[0]["TargetHealth"]["State"] == "unavailable", what="no health checks")


def test_a_function_that_streams_is_heard_token_by_token(weir, functions, elbv2, tmp_path):
    make(functions, "stream", package(bootstrap=STREAM), runtime="provided.al2023", handler="x", Timeout=60,
         Environment={"Variables": {"TOKENS": str(tmp_path)}})
    group = group_of(elbv2, "stream", weir__lambda__response_streaming__enabled="true")
    allow(functions, "stream", group)
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": arn_of(functions, "stream")}])
    port = listen(weir, elbv2, "stream", group)
    with Raw(port) as client:
        client.send("GET /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"text/event-stream" in client.read_until("\r\n\r\n")
        for i in range(3):
            client.read_until(f"data: token {i}\n\n")  # the next is not written before this one was read
            (tmp_path / str(i)).touch()
        (tmp_path / "end").touch()
        client.read_until("0\r\n\r\n")

    for mark in ("end", "0", "1", "2"):
        (tmp_path / mark).unlink()
    with Raw(port) as client:
        client.send("GET /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_until("data: token 0\n\n")
        client.reset()
    (tmp_path / "endless").touch()  # who writes on learns that nobody listens
    until((tmp_path / "left").exists, what="the function's own word that its client left")
