"""Lambda through boto3 and both CLIs: functions that run, fail, stream, are throttled and retried."""
import base64
import hashlib
import http.client
import io
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import zipfile

import pytest

import clients
from harness import Weir, until

botocore = pytest.importorskip("botocore")
from botocore.exceptions import ClientError  # noqa: E402

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
ROLE = "arn:aws:iam::000000000000:role/runner"
HANDLER = """
import os, sys, time
COUNT = 0
def go(event, context):
    global COUNT
    COUNT += 1
    print("asked", event.get("say"))
    if event.get("sleep"): time.sleep(event["sleep"])
    if event.get("raise"): raise ValueError(event["raise"])
    if event.get("exit") is not None: os._exit(event["exit"])
    if event.get("eat"): return len(bytearray(event["eat"] * 1024 * 1024))
    if event.get("giant"): return "x" * event["giant"]
    if event.get("touch"): open(event["touch"], "a").write("x")
    if event.get("sts"):
        import boto3
        return boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).get_caller_identity()["Arn"]
    return {"event": event, "count": COUNT, "version": context.function_version, "pid": os.getpid(),
            "stage": os.environ.get("STAGE"), "left": context.get_remaining_time_in_millis()}
"""


def package(**files):
    """A zip; "__" in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name.replace("__", "."))
            info.external_attr = 0o755 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def weir():
    with Weir("--lambda-retry-seconds", "1", auth="sigv4") as running:
        clients.boto("iam", running).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
        yield running


@pytest.fixture(scope="module")
def functions(weir):
    return clients.boto("lambda", weir)


def make(functions, name, code=None, handler="app.go", runtime="python3.11", **more):
    functions.create_function(FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler,
                              Code={"ZipFile": code or package(app__py=HANDLER)}, **{"Timeout": 10, **more})
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def invoke(functions, name, event=None, **more):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), **more)
    return answer, json.loads(answer["Payload"].read() or b"null")


def refused(call, *args, **more):
    with pytest.raises(ClientError) as caught:
        call(*args, **more)
    error = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def plain(functions):
    make(functions, "plain", Environment={"Variables": {"STAGE": "test"}})
    return "plain"


def test_a_function_answers_and_its_environment_is_used_again(functions, plain):
    first, one = invoke(functions, plain, {"say": "hi"}, LogType="Tail")
    _, two = invoke(functions, plain)
    assert first["StatusCode"] == 200 and first["ExecutedVersion"] == "$LATEST" and "FunctionError" not in first
    assert one["event"] == {"say": "hi"} and one["stage"] == "test" and 0 < one["left"] <= 10000
    assert two["pid"] == one["pid"] and two["count"] == one["count"] + 1
    lines = base64.b64decode(first["LogResult"]).decode().splitlines()
    assert lines[0].startswith("START RequestId: ") and lines[1] == "asked hi" and lines[2].startswith("END RequestId: ")
    assert lines[3].startswith("REPORT RequestId: ") and "Memory Size: 128 MB\tMax Memory Used: " in lines[3]


def test_what_it_prints_is_in_its_log_group(weir, functions, plain):
    invoke(functions, plain, {"say": "logged words"})
    logs = clients.boto("logs", weir)
    until(lambda: logs.filter_log_events(logGroupName="/aws/lambda/plain", filterPattern='"asked logged words"')["events"],
          what="the line in the log", despite=logs.exceptions.ResourceNotFoundException)
    stream = logs.describe_log_streams(logGroupName="/aws/lambda/plain")["logStreams"][0]["logStreamName"]
    assert "/[$LATEST]" in stream


def test_errors_of_the_function_are_told_as_its_own(functions, plain):
    answer, value = invoke(functions, plain, {"raise": "on purpose"})
    assert answer["FunctionError"] == "Unhandled"
    assert value["errorType"] == "ValueError" and value["errorMessage"] == "on purpose" and value["stackTrace"]


@pytest.mark.parametrize("event, kind, words", [
    ({"exit": 3}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ({"exit": 0}, "Runtime.ExitError", "Runtime exited without providing a reason"),
    ({"eat": 400}, "Runtime.ExitError", "signal: killed"),
    ({"giant": 7000000}, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291556 bytes)"),
])
def test_an_environment_that_dies_or_answers_too_much_is_told_in_aws_words(functions, plain, event, kind, words):
    answer, value = invoke(functions, plain, event)
    if "eat" in event and not answer.get("FunctionError"):
        pytest.fail("a function held more memory than it was given")
    assert answer["FunctionError"] == "Unhandled"
    if "eat" in event and value["errorType"] == "MemoryError":
        return  # the allocation itself was refused
    assert value["errorType"] == kind and words in value["errorMessage"]
    assert invoke(functions, plain)[1]["event"] == {}  # the next one gets a fresh environment


def test_a_name_of_one_letter_will_do(functions):
    make(functions, "x")
    assert invoke(functions, "x")[1]["event"] == {}


def test_a_timeout_kills_what_runs(functions):
    make(functions, "slow", Timeout=1)
    answer, value = invoke(functions, "slow", {"sleep": 30}, LogType="Tail")
    assert value["errorType"] == "Sandbox.Timedout" and value["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "Task timed out after 1.00 seconds" in base64.b64decode(answer["LogResult"]).decode()
    assert invoke(functions, "slow")[1]["count"] == 1


@pytest.mark.parametrize("name, code, kind, words", [
    ("none", package(readme="x"), "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    ("text", package(bootstrap="no program"), "Runtime.InvalidEntrypoint", "exec format error"),
    ("dies", package(bootstrap="#!/bin/sh\nexit 4\n"), "Runtime.ExitError", "exit status 4"),
])
def test_a_bootstrap_that_does_not_start_is_told(functions, name, code, kind, words):
    make(functions, name, code, "x", "provided.al2023")
    answer, value = invoke(functions, name)
    assert answer["FunctionError"] == "Unhandled" and value["errorType"] == kind and words in value["errorMessage"]


def test_a_module_that_cannot_be_imported_is_told(functions):
    make(functions, "broken", package(app__py="import nothing_like_it"))
    answer, value = invoke(functions, "broken")
    assert answer["FunctionError"] == "Unhandled" and value["errorType"] == "Runtime.ImportModuleError"


def test_node_functions_run_where_node_is(functions):
    try:
        make(functions, "node", package(index__mjs="export const handler = async (e) => ({ twice: e.n * 2 });"),
             "index.handler", "nodejs20.x")
    except ClientError as error:
        if "not installed" in str(error):
            pytest.skip("no node here")
        raise
    assert invoke(functions, "node", {"n": 21})[1] == {"twice": 42}


def test_functions_call_the_api_as_their_role(functions):
    make(functions, "caller", package(app__py=HANDLER), MemorySize=256)
    answer, value = invoke(functions, "caller", {"sts": True})
    if value and isinstance(value, dict) and value.get("errorType") == "ModuleNotFoundError":
        pytest.skip("the interpreter has no boto3")
    assert value == "arn:aws:sts::000000000000:assumed-role/runner/caller"


@pytest.mark.parametrize("change, code, words", [
    ({"Code": {"ZipFile": b"not a zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
    ({"Code": {"ZipFile": package(**{"../evil": "x"})}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
    ({"Role": "arn:aws:iam::000000000000:role/nobody"}, "InvalidParameterValueException", "cannot be assumed by Lambda"),
    ({"Runtime": "ruby3.2"}, "InvalidParameterValueException", "runtime parameter of ruby3.2 is not supported"),
    ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:x:1"]}, "InvalidParameterValueException", "no layers"),
    ({"Timeout": 901}, "ValidationException", "900"),
    ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "reserved keys"),
    ({"Environment": {"Variables": {"BIG": "x" * 5000}}}, "InvalidParameterValueException", "4KB"),
])
def test_what_would_not_act_is_refused(functions, change, code, words):
    request = {"FunctionName": "refused", "Runtime": "provided.al2023", "Role": ROLE, "Handler": "x",
               "Code": {"ZipFile": package(bootstrap="x")}, **change}
    got = refused(functions.create_function, **request)
    assert got[0] == code and words in got[1] and got[2] == 400


def test_a_zip_that_grows_too_large_is_refused(functions):
    bomb = package(bomb=b"\0" * (260 * 1024 * 1024 + 2300000))
    got = refused(functions.create_function, FunctionName="bomb", Runtime="provided.al2023", Role=ROLE, Handler="x",
                  Code={"ZipFile": bomb})
    assert got[:2] == ("InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")


def test_the_same_name_twice_and_names_that_are_not_there(functions, plain):
    assert refused(functions.create_function, FunctionName=plain, Runtime="provided.al2023", Role=ROLE, Handler="x",
                   Code={"ZipFile": package(bootstrap="x")}) == ("ResourceConflictException", "Function already exist: plain", 409)
    assert refused(functions.invoke, FunctionName="nobody") == (
        "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody", 404)
    assert refused(functions.invoke, FunctionName=plain, Payload=b"{no json")[0] == "InvalidRequestContentException"
    assert functions.invoke(FunctionName=plain, InvocationType="DryRun")["StatusCode"] == 204


def test_versions_keep_their_code_and_aliases_move(functions):
    make(functions, "moving", package(app__py="def go(e, c): return 'one ' + c.function_version"))
    one = functions.publish_version(FunctionName="moving")
    assert one["Version"] == "1" and functions.publish_version(FunctionName="moving")["Version"] == "1"
    functions.create_alias(FunctionName="moving", Name="live", FunctionVersion="1")
    functions.update_function_code(FunctionName="moving", ZipFile=package(app__py="def go(e, c): return 'two ' + c.function_version"))
    functions.get_waiter("function_updated_v2").wait(FunctionName="moving", WaiterConfig={"Delay": 1})
    assert invoke(functions, "moving")[1] == "two $LATEST"
    answer, value = invoke(functions, "moving", Qualifier="live")
    assert value == "one 1" and answer["ExecutedVersion"] == "1"
    assert functions.publish_version(FunctionName="moving")["Version"] == "2"
    functions.update_alias(FunctionName="moving", Name="live", FunctionVersion="2")
    assert invoke(functions, "moving:live")[1] == "two 2"
    assert [v["Version"] for v in functions.list_versions_by_function(FunctionName="moving")["Versions"]] == ["$LATEST", "1", "2"]
    assert refused(functions.delete_function, FunctionName="moving", Qualifier="2")[0] == "ResourceConflictException"
    functions.delete_function(FunctionName="moving", Qualifier="1")
    assert refused(functions.invoke, FunctionName="moving", Qualifier="1")[0] == "ResourceNotFoundException"


def test_configuration_changes_act_on_the_next_invocation(functions):
    make(functions, "changing", Environment={"Variables": {"STAGE": "a"}})
    before = invoke(functions, "changing")[1]
    functions.update_function_configuration(FunctionName="changing", Environment={"Variables": {"STAGE": "b"}}, MemorySize=256)
    after = invoke(functions, "changing")[1]
    assert (before["stage"], after["stage"]) == ("a", "b") and after["pid"] != before["pid"]
    assert functions.get_function(FunctionName="changing")["Configuration"]["MemorySize"] == 256


def test_reserved_concurrency_throttles(functions):
    make(functions, "narrow")
    functions.put_function_concurrency(FunctionName="narrow", ReservedConcurrentExecutions=1)
    held = threading.Thread(target=invoke, args=(functions, "narrow", {"sleep": 2}))
    held.start()
    time.sleep(1)
    got = refused(functions.invoke, FunctionName="narrow")
    held.join()
    assert got[0] == "TooManyRequestsException" and got[2] == 429
    assert invoke(functions, "narrow")[0]["StatusCode"] == 200
    assert functions.get_function(FunctionName="narrow")["Concurrency"]["ReservedConcurrentExecutions"] == 1


def test_provisioned_concurrency_keeps_environments_ready(functions):
    make(functions, "ready", package(app__py="import time\nborn = time.time()\ndef go(e, c): return {'born': born}"))
    functions.publish_version(FunctionName="ready")
    functions.put_provisioned_concurrency_config(FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=2)
    until(lambda: functions.get_provisioned_concurrency_config(FunctionName="ready", Qualifier="1")["Status"] == "READY",
          what="two environments")
    asked = time.time()
    assert invoke(functions, "ready", Qualifier="1")[1]["born"] < asked, "it was there before"
    functions.delete_provisioned_concurrency_config(FunctionName="ready", Qualifier="1")


def test_asynchronous_invocations_are_retried_and_end_at_a_destination(functions, tmp_path):
    make(functions, "failing", package(app__py=f"def go(e, c):\n open('{tmp_path}/tries', 'a').write('x')\n raise ValueError('never')"))
    make(functions, "hears", package(app__py=f"import json\ndef go(e, c): open('{tmp_path}/heard', 'w').write(json.dumps(e))"))
    functions.put_function_event_invoke_config(
        FunctionName="failing", MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:lambda:us-east-1:000000000000:function:hears"}})
    assert functions.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"n": 1}')["StatusCode"] == 202
    until((tmp_path / "heard").exists, 15, "the destination's call")
    time.sleep(0.2)
    heard = json.loads((tmp_path / "heard").read_text())
    assert (tmp_path / "tries").read_text() == "xx"
    assert heard["requestContext"]["condition"] == "RetriesExhausted" and heard["requestContext"]["approximateInvokeCount"] == 2
    assert heard["requestPayload"] == {"n": 1} and heard["responsePayload"]["errorMessage"] == "never"


def test_what_waits_for_a_function_that_is_stopped_goes_to_its_destination(functions, tmp_path):
    make(functions, "stopped", package(app__py="def go(e, c): pass"))
    make(functions, "hears-it", package(app__py=f"import json, os\ndef go(e, c):\n open('{tmp_path}/part', 'w').write(json.dumps(e))\n"
                                                f" os.rename('{tmp_path}/part', '{tmp_path}/heard')"))
    functions.put_function_event_invoke_config(
        FunctionName="stopped", DestinationConfig={"OnFailure": {"Destination": "arn:aws:lambda:us-east-1:000000000000:function:hears-it"}})
    functions.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    functions.invoke(FunctionName="stopped", InvocationType="Event", Payload=b'{"n": 2}')
    until((tmp_path / "heard").exists, 15, "the destination's call")
    heard = json.loads((tmp_path / "heard").read_text())
    assert heard["requestContext"]["condition"] == "ZeroReservedConcurrency" and heard["requestContext"]["approximateInvokeCount"] == 0
    assert heard["requestPayload"] == {"n": 2} and "responsePayload" not in heard


def test_a_streamed_answer_comes_as_events(functions, plain):
    call = getattr(functions, "invoke_with_response_stream", None)
    if not call:
        pytest.skip("this boto3 does not know response streams")
    pieces = [e for e in call(FunctionName=plain, Payload=b"{}")["EventStream"]]
    assert "InvokeComplete" in pieces[-1]


def test_permissions_make_a_policy(functions, plain):
    functions.add_permission(FunctionName=plain, StatementId="lb", Action="lambda:InvokeFunction",
                             Principal="elasticloadbalancing.amazonaws.com", SourceArn="arn:aws:s3:::x*")
    policy = json.loads(functions.get_policy(FunctionName=plain)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "elasticloadbalancing.amazonaws.com"}
    assert policy["Statement"][0]["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::x*"}}
    functions.remove_permission(FunctionName=plain, StatementId="lb")
    assert refused(functions.get_policy, FunctionName=plain)[0] == "ResourceNotFoundException"


ECHO = """
import json
import os
def go(event, context):
    if event["rawPath"] == "/teapot":
        return {"statusCode": 418, "headers": {"X-Kind": "teapot"}, "cookies": ["a=1", "b=2"], "body": "c2hvcnQ=", "isBase64Encoded": True}
    if event["rawPath"] == "/broken":
        return {"statusCode": "what"}
    return event
"""


def ask_url(weir, url, path="/", method="GET", body=None, headers=None):
    host = url.split("/")[2]
    connection = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=20)
    connection.request(method, path, body, {"Host": host, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def test_function_urls_are_served_under_a_name_of_their_own(weir, functions):
    make(functions, "echo", package(app__py=ECHO))
    made = functions.create_function_url_config(FunctionName="echo", AuthType="NONE")
    url = made["FunctionUrl"]
    assert url.endswith(f".lambda-url.us-east-1.localhost:{weir.api_port}/")
    assert ask_url(weir, url)[0].status == 403, "nobody may, before the policy says so"
    functions.add_permission(FunctionName="echo", StatementId="all", Action="lambda:InvokeFunctionUrl", Principal="*",
                             FunctionUrlAuthType="NONE")
    answer, text = ask_url(weir, url, "/a%20b?x=1&x=2&y=%21", "POST", b'{"n": 1}',
                           {"Content-Type": "application/json", "Cookie": "k=v; l=w", "X-Two": "one"})
    event = json.loads(text)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert event["version"] == "2.0" and event["rawPath"] == "/a b" and event["rawQueryString"] == "x=1&x=2&y=%21"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "!"} and event["cookies"] == ["k=v", "l=w"]
    assert event["headers"]["x-two"] == "one" and event["body"] == '{"n": 1}' and event["isBase64Encoded"] is False
    assert event["requestContext"]["http"]["method"] == "POST" and event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    answer, text = ask_url(weir, url, "/teapot")
    assert (answer.status, text, answer.headers["X-Kind"]) == (418, b"short", "teapot")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"] and "Cache-Control" not in answer.headers
    assert ask_url(weir, url, "/broken")[0].status == 502
    assert ask_url(weir, url.replace("://", "://x"))[0].status == 403
    functions.delete_function_url_config(FunctionName="echo")
    assert ask_url(weir, url)[0].status == 403


def test_function_urls_with_iam_want_a_signature(weir, functions):
    make(functions, "closed", package(app__py=ECHO))
    url = functions.create_function_url_config(FunctionName="closed", AuthType="AWS_IAM")["FunctionUrl"]
    assert ask_url(weir, url)[0].status == 403
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(*weir.keys()), "lambda", "us-east-1").add_auth(request)
    answer, text = ask_url(weir, url, headers=dict(request.headers))
    assert answer.status == 200, text


def test_users_need_lambda_invokefunction(weir, functions, plain):
    iam = clients.boto("iam", weir)
    iam.create_user(UserName="eve")
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    import boto3
    as_eve = boto3.client("lambda", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                          aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    code, words, _ = refused(as_eve.invoke, FunctionName=plain)
    assert code.startswith("AccessDenied") and "lambda:InvokeFunction" in words
    iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"arn:aws:lambda:us-east-1:000000000000:function:{plain}"}]}))
    assert as_eve.invoke(FunctionName=plain)["StatusCode"] == 200


def test_the_package_can_be_had_back_and_may_come_from_a_bucket(weir, functions):
    s3 = clients.boto("s3", weir)
    s3.create_bucket(Bucket="code")
    zipped = package(app__py="def go(e, c): return 'from s3'")
    s3.put_object(Bucket="code", Key="f.zip", Body=zipped)
    functions.create_function(FunctionName="fetched", Runtime="python3.11", Role=ROLE, Handler="app.go",
                              Code={"S3Bucket": "code", "S3Key": "f.zip"})
    functions.get_waiter("function_active_v2").wait(FunctionName="fetched", WaiterConfig={"Delay": 1})
    assert invoke(functions, "fetched")[1] == "from s3"
    location = functions.get_function(FunctionName="fetched")["Code"]["Location"]
    path = "/" + location.split("/", 3)[3]
    assert weir.request("GET", path) == (200, zipped)
    assert weir.request("GET", path[:-1] + ("0" if path[-1] != "0" else "1"))[0] == 403
    assert refused(functions.update_function_code, FunctionName="fetched", S3Bucket="code", S3Key="none")[0] == "InvalidParameterValueException"
    digest = base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    s3.put_object(Bucket="code", Key="large.zip", Body=package(app__py="def go(e, c): return 'large'", large=os.urandom(9 << 20)))
    dry = functions.update_function_code(FunctionName="fetched", S3Bucket="code", S3Key="f.zip", DryRun=True)
    assert (dry["CodeSha256"], dry["CodeSize"]) == (digest, len(zipped))
    made = functions.update_function_code(FunctionName="fetched", S3Bucket="code", S3Key="large.zip", Publish=True)
    assert made["CodeSize"] > 9 << 20 and made["Version"] == "1" and made["CodeSha256"] != digest
    functions.get_waiter("function_updated_v2").wait(FunctionName="fetched", WaiterConfig={"Delay": 1})
    assert invoke(functions, "fetched")[1] == "large"
    s3.put_object(Bucket="code", Key="no.zip", Body=b"this is no zip")
    for operation, more in ((functions.update_function_code, {"FunctionName": "fetched"}), (functions.create_function, None)):
        given = {"S3Bucket": "code", "S3Key": "no.zip"}
        more = {**more, **given} if more else {"FunctionName": "unmade", "Runtime": "python3.11", "Role": ROLE, "Handler": "app.go", "Code": given}
        assert refused(operation, **more)[:2] == ("InvalidParameterValueException",
                                                  "Could not unzip uploaded file. Please check your file, then try to upload again.")
    assert refused(functions.get_function, FunctionName="unmade")[0] == "ResourceNotFoundException"
    assert invoke(functions, "fetched")[1] == "large", "what was refused changed nothing"


def test_metrics_reach_cloudwatch(weir, functions, plain):
    invoke(functions, plain)
    metrics = clients.boto("cloudwatch", weir)
    names = until(lambda: {m["MetricName"] for m in metrics.list_metrics(
        Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": plain}])["Metrics"]}, 15, "metrics")
    assert {"Invocations", "Errors", "Duration", "ConcurrentExecutions"} <= names


def test_functions_and_waiting_events_survive_a_kill(tmp_path):
    weir = Weir("--lambda-retry-seconds", "1", data=tmp_path / "data", auth="sigv4")
    weir.start()
    clients.boto("iam", weir).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
    functions = clients.boto("lambda", weir)
    make(functions, "kept", package(app__py=f"import time\ndef go(e, c):\n open('{tmp_path}/ran', 'a').write('x')\n time.sleep(e.get('s', 0))"))
    functions.invoke(FunctionName="kept", InvocationType="Event", Payload=b'{"s": 3}')
    until((tmp_path / "ran").exists, what="the first run")
    weir.kill()
    with weir:
        functions = clients.boto("lambda", weir)
        assert invoke(functions, "kept")[0]["StatusCode"] == 200
        until(lambda: len((tmp_path / "ran").read_text()) >= 3, 15, "the second run of the event")
        functions.delete_function(FunctionName="kept")
        assert functions.list_functions()["Functions"] == []


@pytest.mark.parametrize("aws", [path for _, path in clients.command_lines()])
def test_the_command_line(weir, functions, plain, aws, tmp_path):
    run = lambda *words: subprocess.run([aws, "--endpoint-url", f"http://127.0.0.1:{weir.api_port}", "lambda", *words],
                                        env=weir.environment(), capture_output=True, text=True, timeout=60)
    (tmp_path / "f.zip").write_bytes(package(app__py=HANDLER))
    name = "cli-" + str(len(aws))
    made = run("create-function", "--function-name", name, "--runtime", "python3.11", "--role", ROLE, "--handler", "app.go",
               "--zip-file", f"fileb://{tmp_path}/f.zip")
    assert made.returncode == 0, made.stderr
    assert run("wait", "function-active-v2", "--function-name", name).returncode == 0
    asked = run("invoke", "--function-name", name, "--cli-binary-format", "raw-in-base64-out", "--payload", '{"say": "cli"}',
                str(tmp_path / "out.json"))
    if asked.returncode and "cli-binary-format" in asked.stderr:
        asked = run("invoke", "--function-name", name, "--payload", '{"say": "cli"}', str(tmp_path / "out.json"))
    assert asked.returncode == 0 and json.loads(asked.stdout)["StatusCode"] == 200, asked.stderr
    assert json.loads((tmp_path / "out.json").read_text())["event"] == {"say": "cli"}
    assert run("delete-function", "--function-name", name).returncode == 0
