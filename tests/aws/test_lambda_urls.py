"""Function URLs: answers that stream, pages of other origins, signatures; seen by HTTP clients."""
import http.client
import json

import pytest

import clients
from harness import Raw, Weir, until
from test_lambda import TRUST, make, package, refused

pytest.importorskip("boto3")
from botocore.auth import SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

# A program of one's own, whose request's path says how it answers.
STREAM = r"""#!/usr/bin/python3
import http.client, json, os, time
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
folder = os.environ["TOKENS"]
base = "/2018-06-01/runtime/invocation/"
HTTP = "application/vnd.awslambda.http-integration-response"

def answer(out, path):
    def begin(kind):
        out.putheader("Content-Type", kind)
        out.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        out.putheader("Transfer-Encoding", "chunked")
        out.endheaders()
    def say(data):
        out.send(b"%x\r\n%s\r\n" % (len(data), data))
    if path == "/plain":
        begin("text/plain")
        say(b"no prelude")
    elif path == "/odd":
        begin(HTTP)
        say(b'{"statusCode": "what"}' + bytes(8) + b"body")
    elif path == "/endless-prelude":
        begin(HTTP)
        for i in range(100):
            say(b" " * 1024)
    elif path == "/broken":
        begin(HTTP)
        say(b'{"statusCode":200}' + bytes(8) + b"half of it")
        while not os.path.exists(folder + "/break"):
            time.sleep(0.01)
        out.send(b"0\r\nLambda-Runtime-Function-Error-Type: Runtime.Odd\r\n\r\n")
        return
    elif path == "/flood":
        begin(HTTP)
        say(b'{"headers":{"Content-Type":"application/octet-stream"}}' + bytes(8))
        for i in range(48):
            say(b"x" * (1 << 20))
            open(folder + "/flood", "a").write("x")
    else:
        begin(HTTP)
        prelude = {"statusCode": 201, "headers": {"Content-Type": "text/event-stream", "X-Kind": "tokens",
                   "Access-Control-Allow-Origin": "its own"}, "cookies": ["a=1", "b=2"]}
        whole = json.dumps(prelude).encode() + bytes(8)
        for part in (whole[:9], whole[9:-3], whole[-3:] + b"data: first\n\n"):
            say(part)
        for i in range(100000):
            say(b"data: token %d\n\n" % i)
            while not os.path.exists(folder + "/%d" % i) and not os.path.exists(folder + "/endless"):
                if os.path.exists(folder + "/end"): break
                time.sleep(0.01)
            if os.path.exists(folder + "/end"): break
    out.send(b"0\r\n\r\n")

while True:
    ask = http.client.HTTPConnection(host)
    ask.request("GET", base + "next")
    work = ask.getresponse()
    event = json.loads(work.read())
    call = base + work.headers["Lambda-Runtime-Aws-Request-Id"]
    out = http.client.HTTPConnection(host)
    try:
        if event["rawPath"] == "/raise":
            out.request("POST", call + "/error", '{"errorType":"Odd","errorMessage":"no"}')
        elif event["rawPath"] == "/whole":
            out.request("POST", call + "/response", '{"statusCode":204}', {"Content-Type": "application/json"})
        else:
            out.putrequest("POST", call + "/response")
            answer(out, event["rawPath"])
        out.getresponse().read()
    except OSError:
        open(folder + "/left", "w").close()
"""

ECHO = """
def go(event, context):
    if event["rawPath"] == "/raise": raise ValueError("no")
    return {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "its own", "X-Method": event["requestContext"]["http"]["method"]},
            "body": "echo"}
"""


@pytest.fixture(scope="module")
def weir():
    with Weir(auth="sigv4") as running:
        clients.boto("iam", running).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
        yield running


@pytest.fixture(scope="module")
def functions(weir):
    return clients.boto("lambda", weir)


def signed(service, url, *keys, method="GET", body=None):
    request = AWSRequest(method, url, {"Host": url.split("/")[2]}, json.dumps(body) if body else None)
    SigV4Auth(Credentials(*keys), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def url_config(weir, method, name, query="", **body):
    """CreateFunctionUrlConfig (POST), Update… (PUT), Get…: signed by hand, as old SDKs know no InvokeMode."""
    url = f"http://127.0.0.1:{weir.api_port}/2021-10-31/functions/{name}/url{query}"
    status, text = weir.request(method, "/" + url.split("/", 3)[3], json.dumps(body) if body else None,
                                signed("lambda", url, *weir.keys(), method=method, body=body))
    assert status in (200, 201), text
    return json.loads(text)


def open_url(functions, name, **more):
    functions.add_permission(FunctionName=name, StatementId="all", Action="lambda:InvokeFunctionUrl", Principal="*",
                             FunctionUrlAuthType="NONE")
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE", **more)
    return made["FunctionUrl"].split("/")[2]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def stream(weir, functions, tokens):
    make(functions, "stream", package(bootstrap=STREAM), "x", "provided.al2023", Timeout=120,
         Environment={"Variables": {"TOKENS": str(tokens)}})
    host = open_url(functions, "stream", Cors={"AllowOrigins": ["http://app.test"], "ExposeHeaders": ["X-Kind"]})
    assert url_config(weir, "PUT", "stream", InvokeMode="RESPONSE_STREAM")["InvokeMode"] == "RESPONSE_STREAM"
    return host


def ask(weir, host, path="/", method="GET", **headers):
    """The Host header names the URL, the address is Weir's: no resolver is asked."""
    connection = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=60)
    connection.request(method, path, headers={"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}})
    answer = connection.getresponse()
    answer.text = answer.read()
    connection.close()
    return answer


def test_a_streamed_answer_is_relayed_token_by_token(weir, stream, tokens):
    with Raw(weir.api_port) as client:
        client.send(f"GET /chat HTTP/1.1\r\nHost: {stream}\r\nOrigin: http://app.test\r\n\r\n")
        head = client.read_until("\r\n\r\n").decode()
        assert head.startswith("HTTP/1.1 201 ") and "\r\nX-Kind: tokens\r\n" in head
        assert "\r\nContent-Type: text/event-stream\r\n" in head and head.count("Content-Type") == 1
        assert "\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" in head and "\r\nVary: Origin\r\n" in head
        assert "\r\nAccess-Control-Allow-Origin: http://app.test\r\n" in head and "its own" not in head
        assert "\r\nAccess-Control-Expose-Headers: X-Kind\r\n" in head
        client.read_until("data: first\n\n")
        for i in range(3):
            client.read_until(f"data: token {i}\n\n")  # the next is not written before this one was read
            (tokens / str(i)).touch()
        (tokens / "end").touch()
        client.read_until("0\r\n\r\n")
        client.send(f"HEAD /chat HTTP/1.1\r\nHost: {stream}\r\n\r\n")  # the connection is good for more
        head = client.read_until("\r\n\r\n").decode()
        assert head.startswith("HTTP/1.1 201 ") and "Access-Control-Allow-Origin" not in head
        client.send(f"GET /plain HTTP/1.1\r\nHost: {stream}\r\n\r\n")
        client.read_until("no prelude\r\n0\r\n\r\n")
    for mark in ("0", "1", "2", "end"):
        (tokens / mark).unlink()


def test_a_client_that_leaves_is_told_to_the_function(weir, stream, tokens):
    with Raw(weir.api_port) as client:
        client.send(f"GET /chat HTTP/1.1\r\nHost: {stream}\r\n\r\n")
        client.read_until("data: token 0\n\n")
        client.reset()
    (tokens / "endless").touch()  # who writes on learns that nobody listens
    until((tokens / "left").exists, 30, "the function's own word that its client left")
    (tokens / "endless").unlink()
    assert ask(weir, stream, "/plain").text == b"no prelude"


def test_a_function_that_fails_in_the_middle_cuts_its_answer(weir, stream, tokens):
    with Raw(weir.api_port) as client:
        client.send(f"GET /broken HTTP/1.1\r\nHost: {stream}\r\n\r\n")
        client.read_until("half of it")
        (tokens / "break").touch()
        try:
            rest = client.read_all()
        except ConnectionResetError:
            rest = b""
        assert b"0\r\n" not in rest, "nobody may take it for whole"


@pytest.mark.parametrize("path", ["/raise", "/odd", "/endless-prelude"])
def test_a_failure_before_the_head_is_a_bad_gateway(weir, stream, path):
    answer = ask(weir, stream, path, Origin="http://app.test")
    assert (answer.status, answer.text) == (502, b"Internal Server Error")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://app.test"
    plain = ask(weir, stream, "/plain")
    assert (plain.status, plain.text, plain.headers["Content-Type"]) == (200, b"no prelude", "text/plain")


def test_what_a_function_answers_whole_is_passed_on_as_it_is(weir, stream):
    answer = ask(weir, stream, "/whole")
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (200, b'{"statusCode":204}', "application/json")


def test_a_slow_reader_holds_the_function_up_and_gets_all(weir, stream, tokens):
    seen = []

    def stands_still():
        seen.append((tokens / "flood").stat().st_size)
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    with Raw(weir.api_port, 60) as client:
        client.send(f"GET /flood HTTP/1.0\r\nHost: {stream}\r\n\r\n")
        until(stands_still, 60, "a function that waits for its reader", despite=FileNotFoundError)
        assert client.read_until("\r\n\r\n").startswith(b"HTTP/1.")
        count = len(client.buffer)
        while data := client.socket.recv(1 << 20):
            count += len(data)
        assert count == 48 << 20


def test_preflights_are_answered_by_the_url_itself(weir, functions):
    make(functions, "cors", package(app__py=ECHO))
    cors = {"AllowOrigins": ["https://app.test", "http://localhost:3000"], "AllowMethods": ["GET", "PATCH"], "AllowCredentials": True,
            "AllowHeaders": ["content-type", "x-own"], "ExposeHeaders": ["x-method", "date"], "MaxAge": 300}
    host = open_url(functions, "cors", Cors=cors)
    assert functions.get_function_url_config(FunctionName="cors")["Cors"] == cors
    asks = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": "x-own"}
    yes = ask(weir, host, "/a", "OPTIONS", Origin="https://app.test", **asks)
    assert (yes.status, yes.text, yes.headers["X-Method"]) == (200, b"", None)
    assert {name: yes.headers["Access-Control-" + name] for name in
            ("Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Max-Age", "Expose-Headers")} == {
        "Allow-Origin": "https://app.test", "Allow-Methods": "GET,PATCH", "Allow-Headers": "content-type,x-own",
        "Allow-Credentials": "true", "Max-Age": "300", "Expose-Headers": None}
    no = ask(weir, host, "/a", "OPTIONS", Origin="https://app.test.evil", **asks)
    assert no.status == 200 and not any(name.startswith("Access-Control") for name in no.headers)
    bare = ask(weir, host, "/a", "OPTIONS", Origin="https://app.test")
    assert bare.headers["X-Method"] == "OPTIONS", "that is no preflight"
    answer = ask(weir, host, Origin="http://localhost:3000")
    assert answer.text == b"echo" and answer.headers.get_all("Access-Control-Allow-Origin") == ["http://localhost:3000"]
    assert answer.headers["Access-Control-Expose-Headers"] == "x-method,date" and answer.headers["Access-Control-Max-Age"] is None
    assert answer.headers["Vary"] == "Origin"
    assert ask(weir, host, "/raise", Origin="http://localhost:3000").headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Access-Control-Allow-Origin" not in ask(weir, host, Origin="https://other.test").headers

    changed = functions.update_function_url_config(FunctionName="cors", Cors={"AllowOrigins": ["*"], "AllowMethods": ["*"]})
    assert changed["Cors"] == {"AllowOrigins": ["*"], "AllowMethods": ["*"]}
    assert url_config(weir, "GET", "cors")["InvokeMode"] == "BUFFERED"
    assert ask(weir, host, Origin="https://other.test").headers["Access-Control-Allow-Origin"] == "*"
    assert functions.update_function_url_config(FunctionName="cors", AuthType="NONE")["Cors"] == changed["Cors"]
    assert "Cors" not in functions.update_function_url_config(FunctionName="cors", Cors={})
    own = ask(weir, host, "/a", "OPTIONS", Origin="https://other.test", **asks)
    assert (own.headers["X-Method"], own.headers["Access-Control-Allow-Origin"]) == ("OPTIONS", "its own"), "the function's own affair"
    for wrong, word in (({"AllowMethods": ["FETCH"]}, "FETCH"), ({"AllowOrigins": ["app.test"]}, "origin"), ({"MaxAge": 86401}, "86400"),
                        ({"AllowHeaders": ["a\r\nb: c"]}, "header field")):
        code, words, status = refused(functions.update_function_url_config, FunctionName="cors", Cors=wrong)
        assert status == 400 and word in words, (code, words)


def test_iam_urls_stream_to_who_signs_and_let_preflights_in(weir, functions, stream):
    functions.create_alias(FunctionName="stream", Name="closed", FunctionVersion="$LATEST")
    host = url_config(weir, "POST", "stream", "?Qualifier=closed", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM",
                      Cors={"AllowOrigins": ["*"], "AllowHeaders": ["authorization", "x-amz-date"]})["FunctionUrl"].split("/")[2]

    def signs(*keys):
        return signed("lambda", f"http://{host}/plain", *keys)

    answer = ask(weir, host, "/plain", **signs(*weir.keys()))
    assert (answer.status, answer.text) == (200, b"no prelude")
    access, secret = weir.keys()[:2]
    assert ask(weir, host, "/plain", **signs(access, secret + "x")).status == 403
    assert ask(weir, host, "/other", **signs(*weir.keys())).status == 403, "another path was signed"
    nobody = ask(weir, host, "/plain", Origin="https://app.test")
    assert nobody.status == 403 and nobody.headers["Access-Control-Allow-Origin"] == "*", "the page may read why"
    asked = ask(weir, host, "/plain", "OPTIONS", Origin="https://app.test", Access_Control_Request_Method="GET")
    assert asked.status == 200 and asked.headers["Access-Control-Allow-Headers"] == "authorization,x-amz-date"
    iam = clients.boto("iam", weir)
    iam.create_user(UserName="eve")
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    eve = (key["AccessKeyId"], key["SecretAccessKey"])
    assert ask(weir, host, "/plain", **signs(*eve)).status == 403
    iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}]}))
    assert ask(weir, host, "/plain", **signs(*eve)).text == b"no prelude"
