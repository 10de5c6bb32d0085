"""HTTPS target groups and health checks: TLS between the balancer and its targets."""
import contextlib
import hashlib
import pathlib
import random
import socket
import ssl
import subprocess
import threading
import time

import pytest

import harness
import tls
from harness import Raw, Target, get, until


def make_certificate(folder, name, *options):
    """Key and certificate in one file."""
    path = pathlib.Path(folder) / f"{name}.pem"
    key = pathlib.Path(folder) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(path),
                    "-subj", f"/CN={name}", *options], check=True, capture_output=True)
    path.write_text(key.read_text() + path.read_text())
    return path


def expire(path):
    """Signed anew, to have ended yesterday."""
    key = path.with_suffix(".key")
    done = subprocess.run(["openssl", "x509", "-in", str(path), "-signkey", str(key), "-days", "-1"], check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + done.stdout)
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    made = {"self-signed": make_certificate(folder, "127.0.0.1", "-days", "10"),
            "expired": expire(make_certificate(folder, "expired", "-days", "10")),
            "wrong name": make_certificate(folder, "somebody.else.example", "-days", "10",
                                           "-addext", "subjectAltName=DNS:somebody.else.example")}
    return made


class TlsConnection(harness.Connection):
    def run(self):
        try:
            self.socket = self.target.context.wrap_socket(self.socket, server_side=True)
        except OSError as error:
            self.target.failures.append(error)
            self.socket.close()
            return
        super().run()

    def cut(self):
        """FIN without close_notify."""
        raw = socket.socket(fileno=self.socket.detach())
        raw.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
        raw.close()

    def finish(self):
        """close_notify, then FIN."""
        with contextlib.suppress(OSError):
            self.socket.unwrap().close()


class TlsTarget(Target):
    def __init__(self, certificate, script=None, context=None):
        self.context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.failures = []
        super().__init__(script)

    def accept(self):
        while not self.closing:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            connection = TlsConnection(self, accepted)
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()


class answering(Target):
    """Says the same to every hello, then hangs up."""

    def __init__(self, said):
        self.said = said
        super().__init__()

    def accept(self):
        while not self.closing:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            with accepted, contextlib.suppress(OSError):
                accepted.recv(4096)
                accepted.sendall(self.said)


@pytest.fixture
def certificate(certificates):
    return certificates["self-signed"]


def behind(weir, *targets, tg=None, healthy=True, check="HTTPS", name="secure"):
    balancer = weir.balancer(name)
    group = weir.group(name, attributes=tg, Protocol="HTTPS", Port=443, HealthCheckProtocol=check, HealthyThresholdCount=2)
    weir.register(group, *[t.port for t in targets])
    port, _ = weir.listener(balancer, group)
    if healthy:
        weir.wait_healthy(group, len(targets))
    return port, group


def test_an_https_group_is_described_as_it_was_made(weir):
    group = weir.group("g", Protocol="HTTPS", Port=8443, HealthCheckProtocol="HTTPS", HealthCheckPath="/up")
    row = weir.elbv2("DescribeTargetGroups", TargetGroupArns=[group])["TargetGroups"][0]
    assert (row["Protocol"], row["ProtocolVersion"], row["HealthCheckProtocol"]) == ("HTTPS", "HTTP1", "HTTPS")
    plain = weir.group("h", Protocol="HTTPS", Port=8443)
    row = weir.elbv2("DescribeTargetGroups", TargetGroupArns=[plain])["TargetGroups"][0]
    assert row["HealthCheckProtocol"] == "HTTP", "AWS's default, whatever the group speaks"


@pytest.mark.parametrize("kind", ["self-signed", "expired", "wrong name"])
def test_a_targets_certificate_is_not_judged(weir, certificates, kind):
    with TlsTarget(certificates[kind]) as target:
        port, _ = behind(weir, target)
        with Raw(port) as raw:
            for _ in range(3):
                raw.send("GET /hello HTTP/1.1\r\nHost: shop.example\r\n\r\n")
                answer = raw.response()
                assert (answer.status, answer.body) == (200, b"hello")
        assert len([c for c in target.connections if c.head and b"/hello" in c.head]) == 1, "the connection stays warm"
        head = target.requests[0].decode()
    assert f"Host: shop.example:{port}\r\n" in head
    assert "X-Forwarded-Proto: http\r\n" in head and f"X-Forwarded-Port: {port}\r\n" in head
    assert b"Host: 127.0.0.1" in target.probes[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2"])
def test_old_versions_of_tls_are_spoken_to_targets(weir, certificate, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with TlsTarget(certificate, context=context) as target:
        port, _ = behind(weir, target)
        assert get(port).body == b"hello"


def test_a_target_that_wants_tls_1_3_alone_is_502_and_counted(weir, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with TlsTarget(certificate, context=context) as target:
        port, group = behind(weir, target, healthy=False)
        assert get(port).status == 502
        assert weir.metric("weir_target_tls_negotiation_errors_total") > 0
        assert weir.metric("weir_target_connection_errors_total") == 0


def test_each_token_arrives_when_it_is_sent(weir, certificate):
    taken = threading.Semaphore(0)  # what was sent: the next follows then only, so nothing may be held back for it

    def script(c):
        c.start_stream()
        for i in range(20):
            taken.acquire(timeout=60)
            c.chunk(f"data: {i}\n\n")
        c.end_stream()
    with TlsTarget(certificate, script) as target:
        port, _ = behind(weir, target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("\r\n\r\n")
            for i in range(20):
                taken.release()
                raw.read_until(f"data: {i}\n\n")
            raw.read_until("0\r\n\r\n")


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_the_target_learns_at_once_that_the_client_left(weir, certificate, ending):
    gone = []

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        with contextlib.suppress(OSError):
            c.wait_gone(50)  # longer than is waited for it below, shorter than the idle timeout
        gone.append(True)
        return False
    with TlsTarget(certificate, script) as target:
        port, _ = behind(weir, target)
        raw = Raw(port)
        raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        raw.read_until("data: 1\n\n")
        getattr(raw, ending)()
        until(lambda: gone, 5, "the target's notice")


def test_large_bodies_pass_whole_both_ways(weir, certificate):
    body = random.Random(1).randbytes(20 * 1024 * 1024)
    seen = []

    def script(c):
        got = bytearray(c.buffer)
        while len(got) < len(body) and (data := c.socket.recv(1 << 20)):
            got += data
        seen.append(hashlib.sha256(got).hexdigest())
        c.answer(bytes(got))
        return False
    with TlsTarget(certificate, script) as target:
        port, _ = behind(weir, target)
        with Raw(port, 60) as raw:
            sender = threading.Thread(target=raw.send, args=(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body,))
            sender.start()
            head = raw.read_until("\r\n\r\n")
            got = bytearray(raw.buffer)
            while len(got) < len(body) and (data := raw.socket.recv(1 << 20)):
                got += data
            sender.join()
    assert head.startswith(b"HTTP/1.1 200 ") and got == body
    assert seen == [hashlib.sha256(body).hexdigest()]


def test_a_client_that_does_not_read_holds_the_target_back(weir, certificate):
    sent = [0]

    def script(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            c.send(b"x" * 65536)
            sent[0] += 65536
    with TlsTarget(certificate, script) as target:
        port, _ = behind(weir, target)
        with Raw(port, 60) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            raw.read_until("\r\n\r\n")
            held = -1
            while sent[0] != held:  # until nothing moves any more
                held = sent[0]
                time.sleep(0.5)
            assert held < 64 * 1024 * 1024, "it went on"
            left = 67108864 - len(raw.buffer)
            while left:
                left -= len(raw.socket.recv(1 << 20)) or pytest.fail(f"closed {left} bytes before the end")


@pytest.mark.parametrize("ending", ["finish", "cut"])
def test_an_answer_that_ends_with_the_connection_is_whole_only_after_tlss_own_end(weir, certificate, ending):
    def script(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it")
        time.sleep(0.1)
        getattr(c, ending)()
        return False
    with TlsTarget(certificate, script) as target:
        port, _ = behind(weir, target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if ending == "finish":
                assert raw.response().body == b"all of it"
            else:
                with contextlib.suppress(ConnectionResetError):
                    raw.read_all()
                assert not raw.buffer.endswith(b"0\r\n\r\n")
    until(lambda: '"event":"end"' in "".join(weir.access_lines(1, "access.jsonl")), 5, "the line of its end")
    end = weir.access_lines(1, "access.jsonl")[-1]
    assert ('"target_truncated"' in end, '"complete"' in end) == (ending == "cut", ending == "finish"), end


def test_a_target_that_speaks_plain_http_is_502(weir):
    with answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as target:
        port, group = behind(weir, target, healthy=False)
        assert get(port).status == 502
        assert weir.metric("weir_target_tls_negotiation_errors_total") >= 1
        until(lambda: weir.health(group)[target.port] == "unhealthy", 20, "an HTTPS health check of plain HTTP")


def test_a_target_that_stalls_the_handshake_is_504(weir):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        balancer = weir.balancer()
        group = weir.group(attributes={"weir.timeout.connect_ms": 300}, Protocol="HTTPS", HealthCheckProtocol="HTTPS")
        weir.register(group, listener.getsockname()[1])
        port, _ = weir.listener(balancer, group)
        started = time.monotonic()
        assert get(port).status == 504
        assert time.monotonic() - started > 0.25


@pytest.mark.parametrize("kind", ["nothing", "an alert", "half a record", "noise"])
def test_garbage_and_hang_ups_in_the_handshake_are_502(weir, kind):
    said = {"nothing": b"", "an alert": b"\x15\x03\x03\x00\x02\x02\x28", "half a record": b"\x16\x03\x03\x40\x00\x02",
            "noise": random.Random(7).randbytes(5000)}
    with answering(said[kind]) as target:
        port, _ = behind(weir, target, healthy=False)
        for _ in range(3):
            assert get(port).status == 502


def test_health_checks_speak_tls_when_told_to(weir, certificate):
    with TlsTarget(certificate) as target:
        _, group = behind(weir, target)
        assert target.probes
        target.healthy = 500
        until(lambda: weir.health(group)[target.port] == "unhealthy", 20, "the unhealthy word")
        weir.elbv2("ModifyTargetGroup", TargetGroupArn=group, HealthCheckProtocol="HTTP")
        target.healthy = 200
        count = len(target.failures)
        until(lambda: len(target.failures) > count, 10, "a plain health check")
        assert weir.health(group)[target.port] == "unhealthy"


def test_sessions_with_targets_are_resumed_at_the_version_the_listeners_policy_allows(certificates, tmp_path):
    seen = []

    def script(connection):
        seen.append((connection.socket.version(), connection.socket.session_reused))
        connection.answer(headers="Connection: close\r\n")

    with harness.Weir(workers=1) as weir, TlsTarget(certificates["self-signed"], script) as target:
        balancer, group = weir.balancer(), weir.group(Protocol="HTTPS", HealthCheckProtocol="HTTPS")
        weir.register(group, target.port)
        plain, _ = weir.listener(balancer, group)
        weir.wait_healthy(group)
        for _ in range(3):
            assert get(plain).status == 200
        assert [v for v, _ in seen] == ["TLSv1.2"] * 3 and [r for _, r in seen][1:] == [True, True]
        seen.clear()
        tls.https(weir, balancer, tls.Pair(tmp_path, "a", "a.example").upload(weir), group, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
        until(lambda: get(plain).status == 200 and seen[-1][0] == "TLSv1.3", what="TLS 1.3")
        seen.clear()
        for _ in range(3):
            assert get(plain).status == 200
        assert [v for v, _ in seen] == ["TLSv1.3"] * 3 and True in [r for _, r in seen]
