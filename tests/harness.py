"""What the wire, aws and thread tests share: a running Weir, scripted targets, raw connections.

Everything is on 127.0.0.1, on ports the kernel picks; every process started here is ended here.
"""
import configparser
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", TOP / "build"))
REGION = "us-east-1"
ACCOUNT = "000000000000"
PATIENCE = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, seconds=10, what="the condition", despite=()):
    """Calls condition until it is true; its value, or a failure that says what was awaited. Exceptions of the kinds
    `despite` mean that it is not true yet. `seconds` are those of a quiet machine: what comes at all comes late on a busy
    one, and only what never comes has to wait so long."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = why = None
        try:
            value = condition()
        except despite as refused:
            why = refused
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true in {seconds} s") from why
        time.sleep(0.02)


class Weir:
    """`weir serve` on a data directory of its own. Use as a context manager."""

    def __init__(self, *options, data=None, auth="none", workers=1):
        self.folder = None if data else tempfile.TemporaryDirectory()
        self.data = str(data or pathlib.Path(self.folder.name) / "weir")
        self.api_port = free_port()
        self.command = [str(BUILD / "weir"), "serve", "--data", self.data, "--api", f"127.0.0.1:{self.api_port}",
                        "--auth", auth, "--workers", str(workers), "--drain-seconds", "5", *options]
        self.process = None
        self.log = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        code = self.stop()
        if self.folder:
            self.folder.cleanup()
        if kind is None and code != 0:
            raise AssertionError(f"weir ended with code {code}:\n{self.log[-4000:]}")

    def start(self):
        self.log_file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file)
        until(lambda: self.process.poll() is not None or self.ready(), 20, "the start of weir")
        if self.process.poll() is not None:
            self.read_log()
            raise AssertionError(f"weir did not start (code {self.process.returncode}):\n{self.log}")

    def ready(self):
        # A connection alone proves nothing: a child of a killed Weir, forked and not yet executed, holds its sockets
        # for an instant, and a port of the kernel's own range may be connected to itself.
        try:
            return self.request("GET", "/_weir/health")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def read_log(self):
        self.log_file.seek(0)
        self.log = self.log_file.read()
        return self.log

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Ends it and tells the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.read_log()
        self.log_file.close()
        return self.process.returncode

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait()
        self.log_file.close()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=20 * PATIENCE)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def call(self, service, operation, /, **value):
        """An operation by the JSON door; the output, or Fault."""
        status, text = self.request("POST", f"/_weir/call/{service}/{operation}", json.dumps(value), {"Content-Type": "application/json"})
        answer = json.loads(text)
        if status != 200:
            raise Fault(answer.get("code"), answer.get("message"), status)
        return answer

    def elbv2(self, operation, **value):
        return self.call("elbv2", operation, **value)

    def keys(self):
        parsed = configparser.ConfigParser()
        parsed.read(pathlib.Path(self.data) / "credentials")
        return parsed["default"]["aws_access_key_id"], parsed["default"]["aws_secret_access_key"]

    def environment(self):
        access_key, secret = self.keys()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {**clean, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.api_port}", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
                "AWS_MAX_ATTEMPTS": "1"}

    def all(self, operation, list_name, **value):
        """Every page of a Describe operation."""
        items, marker = [], {}
        while True:
            page = self.elbv2(operation, **value, **marker)
            items += page[list_name]
            if not page.get("NextMarker"):
                return items
            marker = {"Marker": page["NextMarker"]}

    # ---- Resources, in a line each ----

    def subnets(self):
        return [s["SubnetId"] for s in self.call("ec2", "DescribeSubnets")["Subnets"]]

    def vpc(self):
        return self.call("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]

    def balancer(self, name="lb", attributes=None):
        arn = self.elbv2("CreateLoadBalancer", Name=name, Subnets=self.subnets()[:2])["LoadBalancers"][0]["LoadBalancerArn"]
        if attributes:
            self.elbv2("ModifyLoadBalancerAttributes", LoadBalancerArn=arn,
                       Attributes=[{"Key": k, "Value": str(v)} for k, v in attributes.items()])
        return arn

    def group(self, name="tg", attributes=None, **more):
        arn = self.elbv2("CreateTargetGroup", **{"Name": name, "Protocol": "HTTP", "Port": 80, "TargetType": "ip", "VpcId": self.vpc(),
                                                 "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, **more})
        arn = arn["TargetGroups"][0]["TargetGroupArn"]
        if attributes:
            self.set_group(arn, **attributes)
        return arn

    def set_group(self, arn, **attributes):
        self.elbv2("ModifyTargetGroupAttributes", TargetGroupArn=arn,
                   Attributes=[{"Key": k, "Value": str(v)} for k, v in attributes.items()])

    def register(self, group, *ports):
        self.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": p} for p in ports])

    def health(self, group):
        """{port: state}"""
        rows = self.elbv2("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
        return {r["Target"]["Port"]: r["TargetHealth"]["State"] for r in rows}

    def wait_healthy(self, group, count=1):
        until(lambda: list(self.health(group).values()).count("healthy") >= count, 10, f"{count} healthy targets")

    def listener(self, balancer, group=None, port=None, actions=None):
        """The port of a new listener that forwards to `group`, and its ARN."""
        port = port or free_port()
        made = self.elbv2("CreateListener", LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                          DefaultActions=actions or [{"Type": "forward", "TargetGroupArn": group}])
        return port, made["Listeners"][0]["ListenerArn"]

    def behind(self, *targets, lb=None, tg=None):
        """Balancer, group and listener in front of these targets, all healthy: (port, group ARN, balancer ARN)."""
        balancer, group = self.balancer(attributes=lb), self.group(attributes=tg)
        self.register(group, *[t.port for t in targets])
        port, _ = self.listener(balancer, group)
        self.wait_healthy(group, len(targets))
        return port, group, balancer

    def access_lines(self, count=1, name="access.log"):
        path = pathlib.Path(self.data) / "logs" / name
        return until(lambda: path.exists() and (lines := path.read_text().splitlines()) and len(lines) >= count and lines,
                     5, f"{count} access log lines")

    def metric(self, name):
        """The sum of one Prometheus metric over its labels."""
        _, text = self.request("GET", "/_weir/metrics")
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text.decode(), re.M))


class Fault(Exception):
    def __init__(self, code, message, status):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class Raw:
    """A TCP connection that says exactly what it is told to."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout * PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def more(self):
        """One receive into the buffer; False at the end of the stream."""
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def read_until(self, mark):
        mark = mark.encode() if isinstance(mark, str) else mark
        while mark not in self.buffer:
            if not self.more():
                raise AssertionError(f"closed before {mark!r}; got {self.buffer!r}")
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def read_all(self):
        """Until the other side closes; a reset raises ConnectionResetError."""
        while self.more():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def read_exactly(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise AssertionError(f"closed after {len(self.buffer)} of {count} bytes")
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def response(self, head_request=False):
        """Status, headers (lower case) and body of one response."""
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        status = int(head.split(" ", 2)[1])
        headers = {}
        for line in head.split("\r\n")[1:-2]:
            name, value = line.split(":", 1)
            headers.setdefault(name.lower(), value.strip())
        if head_request or status in (204, 304) or 100 <= status < 200:
            return Response(status, headers, b"", head)
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b""
            while True:
                size = int(self.read_until(b"\r\n").split(b";")[0], 16)
                body += self.read_exactly(size)
                if size == 0:
                    while self.read_until(b"\r\n") != b"\r\n":
                        pass
                    return Response(status, headers, body, head)
                assert self.read_exactly(2) == b"\r\n"
        if "content-length" in headers:
            return Response(status, headers, self.read_exactly(int(headers["content-length"])), head)
        return Response(status, headers, self.read_all(), head)


class Response:
    def __init__(self, status, headers, body, head):
        self.status, self.headers, self.body, self.head = status, headers, body, head


def get(port, path="/", host="test", method="GET", headers="", body=""):
    """One request on a connection of its own."""
    with Raw(port) as raw:
        raw.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}")
        return raw.response(method == "HEAD")


class Target:
    """
    A server whose every connection runs `script(connection)`; see Connection. Health checks are
    answered with 200 (or what `healthy` says) and are not seen by the script.
    """

    def __init__(self, script=None, port=0):
        self.script = script or (lambda c: c.answer())
        self.healthy = 200
        self.requests = []      # heads, as bytes, but for health checks
        self.probes = []        # the heads of those
        self.connections = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        self.closing = False
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def accept(self):
        while not self.closing:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, accepted)
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()


class Connection(Raw):
    """A target's side of one connection: each request is read, then the script runs."""

    def __init__(self, target, accepted):
        self.target, self.socket, self.buffer = target, accepted, b""
        self.socket.settimeout(30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head, self.closed_at = b"", None

    def run(self):
        try:
            while True:
                self.head = self.read_until(b"\r\n\r\n")
                if b"ELB-HealthChecker" in self.head:
                    self.target.probes.append(self.head)
                    self.send(f"HTTP/1.1 {self.target.healthy} Health\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    break
                self.target.requests.append(self.head)
                if self.target.script(self) is False:
                    break
        except (OSError, AssertionError):
            pass
        finally:
            with contextlib.suppress(OSError):
                self.socket.close()

    def header(self, name):
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*?)\r$", self.head)
        return found.group(1).decode() if found else None

    def body(self):
        """The request's body, by its framing."""
        if self.header("Content-Length"):
            return self.read_exactly(int(self.header("Content-Length")))
        if self.header("Transfer-Encoding"):
            body = b""
            while (size := int(self.read_until(b"\r\n").split(b";")[0], 16)):
                body += self.read_exactly(size)
                self.read_exactly(2)
            self.read_until(b"\r\n")
            return body
        return b""

    def answer(self, body=b"hello", status="200 OK", headers=""):
        body = body.encode() if isinstance(body, str) else body
        self.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def start_stream(self, content_type="text/event-stream", headers=""):
        self.send(f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n{headers}\r\n")

    def chunk(self, data):
        data = data.encode() if isinstance(data, str) else data
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self):
        self.send(b"0\r\n\r\n")

    def wait_gone(self, seconds=10):
        """When the other side left: seconds waited. For abort tests."""
        started = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass
        self.closed_at = time.monotonic()
        return self.closed_at - started


