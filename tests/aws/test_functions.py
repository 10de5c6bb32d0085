"""The three Lambda functions in C, from their packages: tasks started, waited for, asked and stopped."""
import json
import subprocess
import time

import pytest

import clients
from ecs_harness import program
from harness import BUILD, TOP, Weir, free_port, until

pytest.importorskip("boto3")

ROLE = "arn:aws:iam::000000000000:role/functions"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ALLOWED = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ecs:*", "elasticloadbalancing:*", "iam:PassRole"], "Resource": "*"}]}
# A stand-in for the RAG server that notes what it was asked.
SERVER = """#!/usr/bin/env -S python3 -S
import http.server, json, os, sys, time
STARTED = time.monotonic()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200 if time.monotonic() - STARTED > 0.5 else 503, {"status": "healthy"})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("@FOLDER@/asked", "a") as notes:
            notes.write(json.dumps(asked) + "\\n")
        if asked.get("query") == "fail":
            return self.answer(503, {"error": "busy"})
        if asked.get("query") == "sleep":
            time.sleep(60)
        self.answer(200, {"path": self.path, "asked": asked, "key": self.headers.get("Idempotency-Key")})
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    done = subprocess.run([TOP / "package_alb_lambdas.sh", BUILD / "functions-release", folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


class Stack:
    def __init__(self, weir, packages, folder):
        self.weir, self.packages, self.folder = weir, packages, folder
        self.iam, self.ecs, self.functions = (clients.boto(n, weir) for n in ("iam", "ecs", "lambda"))
        self.elbv2 = clients.boto("elbv2", weir)
        self.iam.create_role(RoleName="functions", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.iam.put_role_policy(RoleName="functions", PolicyName="all", PolicyDocument=json.dumps(ALLOWED))
        self.ecs.create_cluster(clusterName="rag")
        self.ec2 = clients.boto("ec2", weir)
        self.subnets = [one["SubnetId"] for one in self.ec2.describe_subnets()["Subnets"]][:2]
        self.ecs.register_task_definition(
            family="rag", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[{"name": "rag", "image": program(folder, "rag", SERVER.replace("@FOLDER@", str(folder))), "portMappings": [{"containerPort": 8000}]}])
        self.variables = {"ECS_CLUSTER": "rag", "ECS_TASK_DEFINITION": "rag", "ECS_SUBNETS": ",".join(self.subnets)}

    def make(self, name, package, **variables):
        code = (self.packages / f"{package}_alb.zip").read_bytes()
        self.functions.create_function(FunctionName=name, Runtime="provided.al2023", Role=ROLE, Handler="bootstrap", Timeout=30,
                                       Code={"ZipFile": code}, Environment={"Variables": {**self.variables, **variables}})
        self.functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def invoke(self, name, event, **more):
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        return answer, json.loads(answer["Payload"].read() or b"null")

    def running(self):
        return self.ecs.list_tasks(cluster="rag", desiredStatus="RUNNING")["taskArns"]


@pytest.fixture(scope="module")
def stack(packages, tmp_path_factory):
    with Weir("--lambda-retry-seconds", "1", auth="sigv4") as weir:
        yield Stack(weir, packages, tmp_path_factory.mktemp("programs"))


def test_a_question_starts_a_task_is_answered_and_stops_it(stack):
    stack.make("query", "rag_query")
    answer, value = stack.invoke("query", {"query": "How do I sleep better?", "mode": "mix"})
    assert "FunctionError" not in answer
    assert value["statusCode"] == 200, value
    told = json.loads(value["body"])
    assert told["path"] == "/query" and told["asked"] == {"query": "How do I sleep better?", "mode": "mix"}
    assert stack.running() == []


def test_a_question_goes_through_the_balancer_where_one_is_named(stack):
    group = stack.elbv2.create_target_group(
        Name="rag", Protocol="HTTP", Port=8000, VpcId=stack.ec2.describe_vpcs()["Vpcs"][0]["VpcId"], TargetType="ip", HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    balancer = stack.elbv2.create_load_balancer(Name="rag", Subnets=stack.subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    port = free_port()
    stack.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    stack.make("balanced", "rag_query_multimodal", ALB_ENDPOINT=f"127.0.0.1:{port}", ALB_TARGET_GROUP_ARN=group)
    answer, value = stack.invoke("balanced", {"httpMethod": "POST", "body": json.dumps({"query": "q", "multimodal_content": []})})
    assert value["statusCode"] == 200, value
    assert json.loads(value["body"])["path"] == "/query/multimodal"
    assert stack.running() == []
    health = stack.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert all(h["TargetHealth"]["State"] == "draining" for h in health)


def test_requests_that_lack_something_start_nothing(stack):
    stack.make("strict", "rag_query_multimodal")
    for event, words in [({}, "query"), ({"query": "q"}, "multimodal_content"), ({"body": "no json"}, "JSON")]:
        value = stack.invoke("strict", event)[1]
        assert value["statusCode"] == 400 and words in value["body"]
    assert stack.running() == []


def test_documents_of_an_s3_event_are_processed_once_each(stack):
    stack.make("documents", "document_processor")
    event = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "papers"},
                                                                  "object": {"key": "in+box/sleep%21.pdf", "versionId": "7"}}},
                         {"eventName": "ObjectRemoved:Delete", "s3": {"bucket": {"name": "papers"}, "object": {"key": "gone"}}}]}
    keys = []
    for _ in range(2):  # S3 may tell twice
        value = stack.invoke("documents", event)[1]
        assert value["statusCode"] == 200, value
        [result] = json.loads(value["body"])["results"]
        assert result["answer"]["asked"]["source"] == {"s3": {"bucket": "papers", "key": "in box/sleep!.pdf", "version_id": "7"}}
        keys.append(result["answer"]["key"])
    assert keys[0] == keys[1] and len(keys[0]) == 64
    assert stack.invoke("documents", {"Records": [event["Records"][1]]})[1]["statusCode"] == 200
    assert stack.running() == []


def test_an_upload_is_processed_by_itself(stack):
    stack.make("uploads", "document_processor")
    s3, arn = clients.boto("s3", stack.weir), "arn:aws:lambda:us-east-1:000000000000:function:uploads"
    s3.create_bucket(Bucket="papers")
    stack.functions.add_permission(FunctionName="uploads", StatementId="papers", Action="lambda:InvokeFunction",
                                   Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::papers")
    s3.put_bucket_notification_configuration(Bucket="papers", NotificationConfiguration={"LambdaFunctionConfigurations": [
        {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".pdf"}]}}}]})
    s3.put_object(Bucket="papers", Key="new box/night!.pdf", Body=b"%PDF")
    s3.put_object(Bucket="papers", Key="new box/night.txt", Body=b"not of the kind")
    asked = stack.folder / "asked"
    until(lambda: asked.exists() and '"new box/night!.pdf"' in asked.read_text(), 60, "the document's way through function and task")
    assert json.loads(asked.read_text().splitlines()[-1])["source"] == {"s3": {"bucket": "papers", "key": "new box/night!.pdf"}}
    assert "night.txt" not in asked.read_text()
    until(lambda: stack.running() == [], what="no task")


def test_no_task_is_left_when_the_server_fails_or_is_too_slow(stack):
    stack.make("failing", "rag_query")
    assert stack.invoke("failing", {"query": "fail"})[1]["statusCode"] == 503
    assert stack.running() == []
    stack.functions.update_function_configuration(FunctionName="failing", Timeout=12)
    value = stack.invoke("failing", {"query": "sleep"})[1]
    assert value["statusCode"] == 504, f"its time was over before it answered: {value}"
    assert stack.running() == []


def test_a_program_that_is_not_there_is_told_and_nothing_stays(stack):
    stack.ecs.register_task_definition(
        family="nothing", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "rag", "image": "weir/no-such-program", "portMappings": [{"containerPort": 8000}]}])
    stack.make("lost", "rag_query", ECS_TASK_DEFINITION="nothing")
    value = stack.invoke("lost", {"query": "q"})[1]
    assert value["statusCode"] == 502 and "stopped before it ran" in value["body"], value
    assert stack.running() == []


def test_an_event_that_nobody_waits_for_has_its_task_stopped_too(stack):
    stack.make("unheard", "document_processor")
    sent = stack.functions.invoke(FunctionName="unheard", InvocationType="Event", Payload=json.dumps(
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]}))
    assert sent["StatusCode"] == 202
    until(lambda: [t for t in stack.ecs.describe_tasks(cluster="rag", tasks=stack.ecs.list_tasks(
        cluster="rag", desiredStatus="STOPPED")["taskArns"] or ["x"])["tasks"] if t.get("startedBy") == "unheard"], 20, "its task, stopped")
    assert stack.running() == []
