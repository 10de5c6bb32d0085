"""Answers that take long: nothing held back, nothing lost, nobody left waiting."""
import pathlib
import threading
import time

import pytest

from harness import Raw, Target, get, until


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/x-ndjson", "text/plain"])
def test_each_chunk_arrives_when_it_is_sent(weir, content_type):
    taken = threading.Semaphore(0)  # what was sent: the next follows then only, so nothing may be held back for it

    def script(c):
        c.start_stream(content_type)
        for i in range(20):
            taken.acquire(timeout=60)
            c.chunk(f"data: {i}\n\n")
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("\r\n\r\n")
            for i in range(20):
                taken.release()
                raw.read_until(f"data: {i}\n\n")
            raw.read_until("0\r\n\r\n")


@pytest.mark.parametrize("state", ["waiting", "streaming"])
def test_the_target_learns_at_once_that_the_client_left(weir, state):
    gone = []

    def script(c):
        if state == "streaming":
            c.start_stream()
            c.chunk("data: 1\n\n")
        c.wait_gone(50)  # longer than is waited for it below, shorter than the idle timeout
        gone.append(True)
        return False
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        for ending in ("close", "reset"):
            gone.clear()
            raw = Raw(port)
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if state == "streaming":
                raw.read_until("data: 1\n\n")
            else:
                until(lambda: len(target.requests) and target.connections[-1].head, 5)
                time.sleep(0.1)
            getattr(raw, ending)()
            until(lambda: gone, 5, "the target's notice")
    codes = [line.split(" ")[8] for line in weir.access_lines(2)]
    assert set(codes) == ({"460"} if state == "waiting" else {"200"})


def test_a_target_that_dies_mid_answer_leaves_a_truncated_answer(weir):
    def script(c):
        c.start_stream()
        c.chunk("data: half\n\n")
        time.sleep(0.1)
        return False
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                text = raw.read_all()
            except ConnectionResetError:
                text = raw.buffer
        assert b"data: half" in text and not text.endswith(b"0\r\n\r\n")


def test_heartbeats_keep_a_silent_stream_alive(weir):
    seen = threading.Event()

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        seen.wait(60)
        c.chunk("data: 2\n\n")
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target, tg={"weir.stream.heartbeat.interval_seconds": 1})
        with Raw(port) as raw:
            started = time.monotonic()
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while raw.buffer.count(b": ping\n") < 3:
                assert raw.more()
            silent = time.monotonic() - started
            seen.set()
            answer = raw.response()
    pings = answer.body.count(b": ping\n")
    assert answer.body == b"data: 1\n\n" + b": ping\n" * pings + b"data: 2\n\n"
    assert silent >= 3, "one a second"
    assert weir.metric("weir_heartbeats_sent_total") >= 2


def test_the_idle_timeout_cuts_a_silent_stream_and_says_504_before_the_head(weir):
    def script(c):
        if b"/head" in c.head:
            c.start_stream()
            c.chunk("data: 1\n\n")
        c.wait_gone(60)
        return False
    with Target(script) as target:
        port, _, _ = weir.behind(target, lb={"idle_timeout.timeout_seconds": 1})
        started = time.monotonic()
        assert get(port, "/none").status == 504
        assert time.monotonic() - started > 0.9
        with Raw(port) as raw:
            raw.send("GET /head HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                text = raw.read_all()
            except ConnectionResetError:
                text = raw.buffer
        assert b"data: 1" in text and not text.endswith(b"0\r\n\r\n")


def test_a_stalled_upload_gives_408(weir, target):
    port, _, _ = weir.behind(target, lb={"idle_timeout.timeout_seconds": 1})
    with Raw(port) as raw:
        raw.send("GET / HTTP/1.1\r\nHost: x\r\nX-Half")
        assert raw.response().status == 408
    with Raw(port) as raw:
        assert raw.read_all() == b"", "an idle connection is closed without a word"


def test_a_slow_reader_holds_its_target_back(weir):
    sent = []

    def script(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n")
        block = b"x" * 65536
        c.socket.settimeout(1.5)
        try:
            while True:
                c.socket.sendall(block)
                sent.append(len(block))
        except OSError:
            return False
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            until(lambda: sent, 5)
            time.sleep(1.5)
            assert sum(sent) < 30_000_000, "the sockets' buffers and 32 KiB, not the answer"


def test_a_change_elsewhere_cuts_no_stream(weir):
    release = threading.Event()

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        release.wait(20)
        c.chunk("data: 2\n\n")
        c.end_stream()
    with Target(script) as target, Target() as other:
        port, group, balancer = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("data: 1\n\n")
            second = weir.group("second")
            weir.register(second, other.port)
            rules = weir.elbv2("DescribeListeners", LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
            weir.elbv2("CreateRule", ListenerArn=rules, Priority=1, Conditions=[{"Field": "path-pattern", "Values": ["/b*"]}],
                       Actions=[{"Type": "forward", "TargetGroupArn": second}])
            weir.elbv2("ModifyLoadBalancerAttributes", LoadBalancerArn=balancer,
                       Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "100"}])
            weir.set_group(group, **{"load_balancing.algorithm.type": "least_outstanding_requests"})
            weir.elbv2("ModifyListener", ListenerArn=rules, DefaultActions=[{"Type": "forward", "TargetGroupArn": second}])
            assert get(port).status == 200, "new requests follow the new rule"
            assert len(other.requests) == 1
            weir.elbv2("DeleteListener", ListenerArn=rules)
            release.set()
            raw.read_until("data: 2\n\n")
            raw.read_until("0\r\n\r\n")


def test_a_draining_target_finishes_its_streams_and_gets_no_new_ones(weir):
    release = threading.Event()

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        release.wait(20)
        c.end_stream()
    with Target(script) as target, Target() as other:
        port, group, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("data: 1\n\n")
            weir.register(group, other.port)
            weir.wait_healthy(group, 2)
            weir.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": target.port}])
            assert weir.health(group)[target.port] == "draining"
            for _ in range(6):
                assert get(port).body == b"hello"
            assert len(target.requests) == 1
            release.set()
            raw.read_until("0\r\n\r\n")
        until(lambda: target.port not in weir.health(group), 5, "the early end of the drain")


def test_the_deregistration_delay_ends_with_a_cut_that_looks_cut(weir):
    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        c.wait_gone(60)
        return False
    with Target(script) as target:
        port, group, _ = weir.behind(target, tg={"deregistration_delay.timeout_seconds": 1})
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("data: 1\n\n")
            started = time.monotonic()
            weir.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": target.port}])
            try:
                text = raw.read_all()
            except ConnectionResetError:
                text = raw.buffer
            assert b"0\r\n\r\n" not in text and time.monotonic() - started > 0.9
    until(lambda: "drain_deadline" in weir.access_lines(1, "access.jsonl")[-1], 5, "the end reason in the log")


def test_the_live_table_shows_a_running_stream(weir):
    release = threading.Event()

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        release.wait(20)
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("POST /chat HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            raw.read_until("data: 1\n\n")
            status, text = weir.request("GET", "/_weir/streams")
            assert status == 200 and b"POST /chat" in text and b"streaming" in text
            release.set()
            raw.read_until("0\r\n\r\n")


def test_many_streams_at_once_lose_nothing(weir):
    def script(c):
        c.start_stream()
        for i in range(5):
            time.sleep(0.1)
            c.chunk(f"data: {i}\n\n")
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        peers = [Raw(port, 30) for _ in range(200)]
        for peer in peers:
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        want = b"".join(b"data: %d\n\n" % i for i in range(5))
        assert all(peer.response().body == want for peer in peers)
        for peer in peers:
            peer.close()


def test_the_json_twin_tells_the_start_of_a_stream_and_every_end(weir):
    def script(c):
        c.start_stream()
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        get(port)
        lines = weir.access_lines(2, "access.jsonl")
    assert '"event":"start"' in lines[0] and '"end_reason":"complete"' in lines[-1]
    assert pathlib.Path(weir.data, "logs", "access.jsonl").stat().st_mode & 0o077 == 0
