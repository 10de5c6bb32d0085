"""The whole daemon under ThreadSanitizer: traffic on several workers while everything changes."""
import base64
import io
import json
import threading
import time
import zipfile

from harness import Raw, Target, Weir, get, until


def test_traffic_while_plans_change_targets_drain_and_streams_are_listed():
    def script(c):
        if b"/stream" in c.head:
            c.start_stream()
            for i in range(10):
                time.sleep(0.02)
                c.chunk(f"data: {i}\n\n")
            c.end_stream()
        else:
            c.answer()
    stop, statuses, cut = threading.Event(), [], []

    def small(port):
        while not stop.is_set():
            statuses.append(get(port).status)

    def streams(port):
        while not stop.is_set():
            with Raw(port, 30) as raw:
                raw.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = raw.response()
                if answer.body.count(b"data:") != 10:
                    cut.append(answer.body)
    with Weir(workers=3) as weir, Target(script) as one, Target(script) as two:
        port, group, balancer = weir.behind(one, two)
        threads = [threading.Thread(target=work, args=(port,)) for work in (small, small, streams, streams)]
        for thread in threads:
            thread.start()
        algorithms = ["round_robin", "least_outstanding_requests", "weighted_random"]
        for n in range(12):
            weir.set_group(group, **{"load_balancing.algorithm.type": algorithms[n % 3]})
            weir.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": two.port}])
            weir.request("GET", "/_weir/streams")
            weir.request("GET", "/_weir/metrics")
            other, _ = weir.listener(balancer, group)
            get(other)
            until(lambda: two.port not in weir.health(group), 10, "the end of the drain")
            weir.register(group, two.port)
            weir.elbv2("DescribeTargetHealth", TargetGroupArn=group)
        stop.set()
        for thread in threads:
            thread.join()
        assert not cut and set(statuses) == {200} and len(statuses) > 20
    assert "ThreadSanitizer" not in weir.log


def test_a_drain_with_streams_running_on_every_worker():
    def script(c):
        c.start_stream()
        for i in range(30):
            time.sleep(0.02)
            c.chunk(f"data: {i}\n\n")
        c.end_stream()
    with Target(script) as target:
        weir = Weir(workers=3)
        weir.start()
        port, _, _ = weir.behind(target)
        peers = [Raw(port, 30) for _ in range(12)]
        for peer in peers:
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.read_until("data: 0\n\n")
        weir.process.terminate()
        for peer in peers:
            peer.read_until("data: 29\n\n")
            peer.read_until("0\r\n\r\n")
        assert weir.stop() == 0
    assert "ThreadSanitizer" not in weir.log


# Streams ten events from a function, in the form that balancers pass on.
STREAMING = """#!/usr/bin/python3
import http.client, os
host, base = os.environ["AWS_LAMBDA_RUNTIME_API"], "/2018-06-01/runtime/invocation/"
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
    try:
        for piece in [b'{"headers":{"Content-Type":"text/event-stream"}}' + bytes(8)] + [b"data: x\\n\\n" + b" " * 9000] * 10 + [b""]:
            out.send(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
        out.getresponse().read()
    except OSError:
        pass
"""


def test_functions_answer_every_worker_while_clients_leave():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o755 << 16
        files.writestr(info, STREAMING)
    role = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    with Weir(workers=3) as weir:
        weir.call("iam", "CreateRole", RoleName="f", AssumeRolePolicyDocument=json.dumps(role))
        arn = weir.call("lambda", "CreateFunction", FunctionName="f", Runtime="provided.al2023", Handler="x", Timeout=30,
                        Role="arn:aws:iam::000000000000:role/f",
                        Code={"ZipFile": base64.b64encode(archive.getvalue()).decode()})["FunctionArn"]
        until(lambda: weir.call("lambda", "GetFunctionConfiguration", FunctionName="f")["State"] == "Active", 30, "the function")
        group = weir.elbv2("CreateTargetGroup", Name="f", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
        weir.set_group(group, **{"weir.lambda.response_streaming.enabled": "true"})
        weir.call("lambda", "AddPermission", FunctionName="f", StatementId="elb", Action="lambda:InvokeFunction",
                  Principal="elasticloadbalancing.amazonaws.com", SourceArn=group)
        weir.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": arn}])
        port, _ = weir.listener(weir.balancer(), group)
        wrong = []

        def ask(leaves):
            for _ in range(6):
                with Raw(port, 60) as raw:
                    raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    if leaves:
                        raw.read_until("data: x")
                        raw.reset()
                    elif raw.response().body.count(b"data: x") != 10:
                        wrong.append(raw.buffer)
        threads = [threading.Thread(target=ask, args=(n % 2,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
    assert "ThreadSanitizer" not in weir.log
