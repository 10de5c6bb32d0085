"""HTTP/2 from clients: what passes, at once and bounded; and what a hostile one may do."""
import json
import shutil
import subprocess
import time

import pytest

import chromium
from harness import Raw, Target, Weir, get, until

pytest.importorskip("h2", reason="python3-h2 is not installed")
from http2 import CONTINUATION, DATA, GET, H2, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, Frames, frame  # noqa: E402
from tls import Pair, fixed, https  # noqa: E402


def script(c):
    path = c.head.split()[1]
    if path == b"/stream":
        c.start_stream()
        for i in range(20):
            c.chunk(f"data: {i}\n\n")
            time.sleep(0.02)
        c.end_stream()
    elif path == b"/forever":
        c.start_stream()
        c.chunk("data: x\n\n")
        c.target.gone = c.wait_gone()
        return False
    elif path == b"/broken":
        c.start_stream()
        c.chunk("half")
        return False
    elif path == b"/large":
        c.answer(b"x" * 5_000_000)
    elif path.startswith(b"/early"):  # answers before it has read the request
        c.send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        c.wait_gone()
        return False
    elif path == b"/trailers":
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")
    else:
        c.answer(c.head.split(b"\r\n")[0] + b"|" + c.body())


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("h2"), "a", "a.example", "localhost")
    with Weir() as weir, Target(script) as target:
        balancer, group = weir.balancer(), weir.group()
        weir.register(group, target.port)
        port, _ = https(weir, balancer, pair.upload(weir), group)
        weir.wait_healthy(group)
        yield weir, target, port, balancer


def test_curl_speaks_http2(base):
    weir, _, port, _ = base
    out = subprocess.run(["curl", "-sk", "--http2", "-w", "|%{http_version}|%{http_code}", f"https://localhost:{port}/x?y", "-d", "body"],
                         capture_output=True, text=True, check=True).stdout
    assert out == "POST /x?y HTTP/1.1|body|2|200"
    line = until(lambda: [l for l in weir.access_lines() if "/x?y" in l], what="the line")[0]
    assert line.startswith("h2 ") and f'"POST https://localhost:{port}/x?y HTTP/2.0"' in line and "TLSv1.2" in line


def test_tokens_of_many_streams_arrive_one_by_one(base):
    _, _, port, _ = base
    with H2(port) as client:
        streams = [client.request("/stream") for _ in range(10)]
        client.read(lambda c: c.ended >= set(streams))
        for stream in streams:
            assert client.heads[stream]["content-type"] == "text/event-stream"
            assert "transfer-encoding" not in client.heads[stream] and "connection" not in client.heads[stream]
            pieces = [at for at, of, data in client.arrived if of == stream and data]
            assert len(pieces) == 20 and pieces[-1] - pieces[0] > 0.3
            assert client.bodies[stream] == b"".join(b"data: %d\n\n" % i for i in range(20))


def test_one_slow_stream_does_not_hold_up_another(base):
    _, _, port, _ = base
    with H2(port) as client:
        client.acknowledge = False
        client.conn.increment_flow_control_window(50_000_000)
        slow = client.request("/large")
        client.read(lambda c: len(c.bodies.get(slow, b"")) == 65535)
        assert client.get("/quick")[1] == b"GET /quick HTTP/1.1|"
        assert len(client.bodies[slow]) == 65535
        client.conn.increment_flow_control_window(6_000_000, slow)
        client.flush()
        client.read(lambda c: slow in c.ended)
        assert len(client.bodies[slow]) == 5_000_000


def test_a_large_upload_comes_whole(base):
    _, _, port, _ = base
    body = b"0123456789abcdef" * 40_000
    with H2(port) as client:
        stream = client.request("/up", "POST", end=False)
        left = body
        while left:
            room = min(client.conn.local_flow_control_window(stream), 16384, len(left))
            if room:
                client.data(stream, left[:room], end=room == len(left))
                left = left[room:]
            else:
                client.read(lambda c: c.conn.local_flow_control_window(stream) > 0)
        client.read(lambda c: stream in c.ended)
        assert client.bodies[stream] == b"POST /up HTTP/1.1|" + body


@pytest.fixture(scope="module")
def fixed_port(base):
    weir, _, _, balancer = base
    pair = Pair(weir.data, "b", "localhost")
    return https(weir, balancer, pair.upload(weir))[0]


@pytest.mark.parametrize("who", ["target", "balancer"])
def test_an_upload_that_is_answered_early_is_refused_and_the_connection_goes_on(base, fixed_port, who):
    _, _, port, _ = base
    with H2(port if who == "target" else fixed_port) as client:
        for _ in range(2):
            stream = client.request("/early", "POST", fields=[("content-length", "8000000")], end=False)
            client.data(stream, b"x" * 1000)
            client.read(lambda c: stream in c.resets)
            assert client.heads[stream][":status"] == ("413" if who == "target" else "200") and stream in client.ended
            assert client.resets[stream] == 0, "NO_ERROR"
        assert client.get("/on")[0][":status"] == "200"


def test_a_reset_reaches_the_target_at_once(base):
    _, target, port, _ = base
    target.gone = None
    with H2(port) as client:
        stream = client.request("/forever")
        client.read(lambda c: c.bodies.get(stream))
        client.reset(stream)
        until(lambda: target.gone is not None, 2, "the target to hear")
        assert client.get("/on")[0][":status"] == "200"


def test_a_broken_answer_is_reset_and_trailers_pass(base):
    _, _, port, _ = base
    with H2(port) as client:
        stream = client.request("/broken")
        client.read(lambda c: stream in c.resets)
        assert client.bodies[stream] == b"half" and client.resets[stream] == 2
        stream = client.request("/trailers")
        client.read(lambda c: stream in c.ended)
        assert client.trailers[stream] == {"x-sum": "7"}


def test_heads_that_are_too_large_get_an_answer_of_their_own(base):
    _, _, port, _ = base
    with H2(port) as client:
        assert client.get("/", fields=[(f"x-{i}", "v" * 12000) for i in range(6)])[0][":status"] == "400"
        assert client.get("/" + "p" * 17000)[0][":status"] == "414"
        assert client.get("/", method="TRACE")[0][":status"] == "405"
        assert client.get("/ok")[0][":status"] == "200"


def test_http2_can_be_turned_off(base):
    weir, _, port, balancer = base
    curl = ["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version}", f"https://localhost:{port}/"]
    version = lambda: subprocess.run(curl, capture_output=True, text=True, check=True).stdout
    weir.elbv2("ModifyLoadBalancerAttributes", LoadBalancerArn=balancer, Attributes=[{"Key": "routing.http2.enabled", "Value": "false"}])
    until(lambda: version() == "1.1", what="HTTP/1.1")
    weir.elbv2("ModifyLoadBalancerAttributes", LoadBalancerArn=balancer, Attributes=[{"Key": "routing.http2.enabled", "Value": "true"}])
    until(lambda: version() == "2", what="HTTP/2")


def test_a_clear_listener_does_not_speak_it(base):
    weir, _, _, balancer = base
    port, _ = weir.listener(balancer, actions=[fixed("clear")])
    with Raw(port) as raw:
        raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert raw.read_all().startswith(b"HTTP/1.1 ")


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")
def test_h2load_is_content(base):
    _, _, port, _ = base
    out = subprocess.run(["h2load", "-n3000", "-c10", "-m20", f"https://localhost:{port}/"], capture_output=True, text=True, check=True).stdout
    assert "3000 succeeded, 0 failed" in out and "Application protocol: h2" in out


@pytest.mark.skipif(not chromium.CHROMIUM, reason="Chromium is not installed")
def test_a_browser_speaks_http2(base, tmp_path):
    weir, _, port, _ = base
    assert "GET /browser HTTP/1.1|" in chromium.dumped(f"https://localhost:{port}/browser", tmp_path)
    line = until(lambda: [l for l in weir.access_lines() if ":%d/browser " % port in l], what="the line")[0]
    assert line.startswith("h2 ") and "Chrome" in line


CALM, PROTOCOL, FLOW, COMPRESSION = 11, 1, 3, 9
HOSTILE = {
    "rapid resets": (b"".join(frame(HEADERS, 5, s, GET) + frame(RST_STREAM, 0, s, bytes(4)) for s in range(1, 3001, 2)), {CALM}),
    "resets that we are made to send": (b"".join(frame(HEADERS, 5, s, GET) + frame(WINDOW_UPDATE, 0, s, bytes(4)) for s in range(1, 3001, 2)),
                                        {CALM, PROTOCOL}),
    "pings": (frame(PING, 0, 0, bytes(8)) * 2000, {CALM}),
    "settings": (frame(SETTINGS, 0, 0) * 2000, {CALM}),
    "priorities": (frame(PRIORITY, 0, 3, bytes([0, 0, 0, 1, 1])) * 2000, {CALM}),
    "data with nothing in it": (frame(HEADERS, 4, 1, GET.replace(b"\x82", b"\x83")) + frame(DATA, 0, 1) * 2000, {CALM}),
    "windows in crumbs": (frame(HEADERS, 5, 1, GET) + frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 9000, {CALM}),
    "a head without end": (frame(HEADERS, 1, 1, GET) + frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y") * 1000, {CALM, PROTOCOL, 2}),
    "a window beyond all bounds": (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, {FLOW}),
    "nonsense in a head": (frame(HEADERS, 5, 1, b"\xff" * 100), {COMPRESSION}),
    "a frame too large": (b"\x00\x50\x00" + b"\x00" * 6 + bytes(0x5000), {6, PROTOCOL}),
    "data on no stream": (frame(DATA, 0, 0, b"x"), {PROTOCOL}),
    "settings that are none": (frame(SETTINGS, 0, 0, b"x"), {6}),
    "a push from a client": (frame(5, 4, 1, bytes(4)), {PROTOCOL}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_frames_end_their_own_connection(base, what):
    _, _, port, _ = base
    data, codes = HOSTILE[what]
    with H2(port) as other, Frames(port) as client:
        for at in range(0, len(data), 16000):
            client.send(data[at:at + 16000])
        assert client.goaway() in codes | {None}, "cut, and why"
        assert other.get("/still")[0][":status"] == "200"


def test_a_bomb_of_references_costs_nothing(base):
    weir, _, port, _ = base
    rss = lambda: int([l for l in open(f"/proc/{weir.process.pid}/status") if l.startswith("VmHWM")][0].split()[1])
    with H2(port) as other, Frames(port) as client:
        before = rss()
        client.send(frame(HEADERS, 5, 1, GET + b"\x40\x01b\x7f\xa1\x1e" + b"v" * 4000))
        for s in range(3, 203, 2):
            client.send(frame(HEADERS, 5, s, GET + b"\xbe" * 16000))
        assert other.get("/still")[0][":status"] == "200"
        assert rss() - before < 40_000, "kilobytes"


def test_a_broken_chunk_gets_its_400(base):
    weir, _, _, balancer = base
    group = weir.group("plain")
    with Target(lambda c: c.body() and c.answer()) as target:
        weir.register(group, target.port)
        port, _ = weir.listener(balancer, group)
        weir.wait_healthy(group)
        with Raw(port) as raw:
            raw.send("POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            until(lambda: any(b"/bad" in r for r in target.requests), what="the request")
            raw.send("zz\r\n")
            assert raw.read_all().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    line = until(lambda: [l for l in weir.access_lines() if "/bad" in l], what="the line")[0]
    assert " 400 - " in line
