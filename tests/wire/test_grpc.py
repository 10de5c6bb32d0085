"""gRPC through HTTPS listeners to groups of GRPC and HTTP2, with grpcio on both sides."""
import concurrent.futures
import contextlib
import threading

import pytest

from harness import Weir, free_port, get, until

grpc = pytest.importorskip("grpc", reason="python3-grpcio is not installed")
from tls import Pair, https  # noqa: E402


class Service(grpc.GenericRpcHandler):
    """Messages are bytes; methods by name."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.heard = []

    def service(self, details):
        kinds = {"/t.S/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                 "/t.S/Server": grpc.unary_stream_rpc_method_handler(self.server),
                 "/t.S/Client": grpc.stream_unary_rpc_method_handler(self.client),
                 "/t.S/Both": grpc.stream_stream_rpc_method_handler(self.both),
                 "/t.S/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                 "/t.S/Forever": grpc.unary_stream_rpc_method_handler(self.forever)}
        return kinds.get(details.method)

    def unary(self, message, context):
        self.heard = list(context.invocation_metadata())
        context.set_trailing_metadata((("x-after", "trailer"),))
        return b"got " + message

    def server(self, message, _):
        for i in range(10):
            self.taken.acquire(timeout=60)
            yield b"%d" % i

    def client(self, messages, _):
        return b"+".join(messages)

    def both(self, messages, _):
        for message in messages:
            yield b"re:" + message

    def fail(self, _, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")

    def forever(self, _, context):
        context.add_callback(self.cancelled.set)
        yield b"x"
        self.cancelled.wait(20)


@contextlib.contextmanager
def serving(credentials=None, port=0):
    service = Service()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), [service], options=[("grpc.so_reuseport", 0)])
    server.ports = server.add_secure_port(f"127.0.0.1:{port}", credentials) if credentials else server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield service, server.ports, server
    finally:
        server.stop(0)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("grpc"), "a", "a.example", "localhost")


@pytest.fixture(scope="module")
def weir():
    with Weir() as started:
        yield started


def channel(pair, port):
    credentials = grpc.ssl_channel_credentials(pair.path.read_bytes())
    return grpc.secure_channel(f"localhost:{port}", credentials)


@pytest.fixture(scope="module", params=["GRPC", "GRPC over TLS", "HTTP2"])
def front(request, weir, pair):
    """(service, channel, port)"""
    tls = "TLS" in request.param
    version = request.param.split()[0]
    credentials = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.path.read_bytes())]) if tls else None
    name = request.param.replace(" ", "").lower()
    more = {"Matcher": {"HttpCode": "200-499"}} if version == "HTTP2" else {}
    with serving(credentials) as (service, target, _):
        group = weir.group(name, ProtocolVersion=version, Protocol="HTTPS" if tls else "HTTP",
                           HealthCheckProtocol="HTTPS" if tls else "HTTP", **more)
        weir.register(group, target)
        port, _ = https(weir, weir.balancer(name), pair.upload(weir), group)
        weir.wait_healthy(group)
        with channel(pair, port) as opened:
            yield service, opened, port


def test_unary_calls_bring_message_and_trailers(front):
    service, opened, _ = front
    answer, call = opened.unary_unary("/t.S/Unary").with_call(b"hi", timeout=10, metadata=(("x-mine", "1"),))
    assert answer == b"got hi"
    assert dict(call.trailing_metadata())["x-after"] == "trailer"
    heard = dict(service.heard)
    assert heard["x-mine"] == "1" and "x-amzn-trace-id" in heard and heard["x-forwarded-proto"] == "https"


def test_server_streams_arrive_one_by_one(front):
    service, opened, _ = front
    service.taken = threading.Semaphore(1)  # each is sent when the one before was taken
    arrived = []
    for message in opened.unary_stream("/t.S/Server")(b"go", timeout=60):
        arrived.append(message)
        service.taken.release()
    assert arrived == [b"%d" % i for i in range(10)]


def test_client_streams_are_heard(front):
    _, opened, _ = front
    assert opened.stream_unary("/t.S/Client")(iter([b"a", b"b" * 200_000, b"c"]), timeout=10) == b"a+" + b"b" * 200_000 + b"+c"


def test_both_speak_in_turn(front):
    _, opened, _ = front
    turns = threading.Semaphore(1)

    def asking():
        for i in range(5):
            turns.acquire()
            yield b"%d" % i

    answers = []
    for answer in opened.stream_stream("/t.S/Both")(asking(), timeout=10):
        answers.append(answer)
        turns.release()
    assert answers == [b"re:%d" % i for i in range(5)]


def test_a_status_of_the_target_passes(front):
    _, opened, _ = front
    with pytest.raises(grpc.RpcError) as caught:
        opened.unary_unary("/t.S/Fail")(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION and caught.value.details() == "not today"
    with pytest.raises(grpc.RpcError) as caught:
        opened.unary_unary("/t.S/None")(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_call_that_is_cancelled_is_cancelled_at_the_target(front):
    service, opened, _ = front
    service.cancelled.clear()
    call = opened.unary_stream("/t.S/Forever")(b"", timeout=10)
    assert next(call) == b"x"
    call.cancel()
    assert service.cancelled.wait(3)


def test_many_calls_at_once(front):
    _, opened, _ = front
    calls = [opened.unary_unary("/t.S/Unary").future(b"%d" % i, timeout=20) for i in range(300)]
    assert [c.result() for c in calls] == [b"got %d" % i for i in range(300)]


def test_errors_of_the_balancer_are_grpc_statuses_and_counted(weir, pair):
    group = weir.group("gone", ProtocolVersion="GRPC")
    port, _ = https(weir, weir.balancer("gone"), pair.upload(weir), group)
    with channel(pair, port) as opened:
        with pytest.raises(grpc.RpcError) as caught:
            opened.unary_unary("/t.S/Unary")(b"", timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE and caught.value.details() == "unavailable"
        weir.register(group, free_port())
        with pytest.raises(grpc.RpcError) as caught:
            opened.unary_unary("/t.S/Unary")(b"", timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    line = until(lambda: [l for l in weir.access_lines() if "/gone/" in l], what="the line")[0]
    assert line.startswith("grpcs ") and " 503 - " in line
    assert weir.metric("weir_grpc_requests_total") > 0


def test_health_is_what_the_matcher_makes_of_the_status(weir, pair):
    with serving() as (_, target, _):
        group = weir.group("codes", ProtocolVersion="GRPC", Matcher={"GrpcCode": "0"}, UnhealthyThresholdCount=2)
        weir.register(group, target)
        https(weir, weir.balancer("codes"), pair.upload(weir), group)
        until(lambda: weir.health(group)[target] == "unhealthy", 20, "an answer of 12, not 0")
        row = weir.elbv2("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
        assert row["Reason"] == "Target.ResponseCodeMismatch" and "[12]" in row["Description"]
        weir.elbv2("ModifyTargetGroup", TargetGroupArn=group, Matcher={"GrpcCode": "0-12"}, HealthyThresholdCount=2)
        weir.wait_healthy(group)


def test_http1_does_not_get_in(weir, pair, front):
    _, _, port = front
    from tls import Tls
    with Tls(port) as client:
        assert client.get("/t.S/Unary").status == 464
