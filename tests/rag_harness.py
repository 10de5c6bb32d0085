"""A running ragd and its events, for the tests that talk to it."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import harness

SAMPLES = harness.TOP / "rag/samples"
RAGD = harness.BUILD / "ragd"


schemas = itertools.count()


def database():
    """Every test runs on PostgreSQL instead, each ragd in a schema of its own, where one is named."""
    url = os.environ.get("RAG_TEST_DATABASE_URL")
    return {"DATABASE_URL": url, "RAG_DATABASE_SCHEMA": f"t{os.getpid()}_{next(schemas)}"} if url else {}


class Ragd:
    """`ragd` on a port the kernel picked, with an index of its own. Use as a context manager."""

    def __init__(self, documents=SAMPLES, **environment):
        self.folder = tempfile.TemporaryDirectory()
        self.port = harness.free_port()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("RAG_", "OPENAI_", "DATABASE_", "HOST", "PORT"))}
        self.environment = {**clean, "RAG_PACE_MS": "1", **database(), **environment}
        self.command = [str(RAGD), "--port", str(self.port), "--documents", str(documents),
                        "--data", str(pathlib.Path(self.folder.name) / "data")]

    def __enter__(self):
        self.log_file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=self.log_file)
        try:
            harness.until(lambda: self.process.poll() is not None or self.ready(), 20, "the start of ragd")
            assert self.process.poll() is None, self.log()
        except BaseException:
            self.process.kill()  # nobody else would
            raise
        return self

    def __exit__(self, kind, value, trace):
        code = self.stop()
        self.folder.cleanup()
        if kind is None:
            assert code == 0, f"ragd ended with code {code}:\n{self.log()[-4000:]}"

    def ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20 * harness.PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def json(self, path):
        return json.loads(self.get(path)[1])

    def chat(self, message, headers=None, **more):
        body = json.dumps({"message": message, **more})
        return self.request("POST", "/chat", body, {"Content-Type": "application/json", **(headers or {})})

    def events(self, message, **more):
        status, body, headers = self.chat(message, **more)
        assert status == 200, body
        assert headers["Content-Type"].startswith("text/event-stream")
        return parse(body)

    @contextlib.contextmanager
    def stream(self, message, **more):
        """A raw connection that has asked; yields a reader of its events."""
        body = json.dumps({"message": message, **more}).encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s:
            s.sendall(b"POST /chat HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
            yield Stream(s)


class Stream:
    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def until(self, needle, seconds=15):
        """Everything up to and with `needle`."""
        end = time.monotonic() + seconds
        while needle not in self.data:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            more = self.sock.recv(65536)
            assert more, f"closed before {needle!r}: {self.data[-300:]!r}"
            self.data += more
        cut = self.data.index(needle) + len(needle)
        taken, self.data = self.data[:cut], self.data[cut:]
        return taken

    def event(self, name):
        return json.loads(self.until(b"event: " + name.encode() + b"\ndata: ") and self.until(b"\n\n"))


def parse(body):
    """[(event, data)]; every event has a line of each, and data says its type again."""
    events = []
    for block in body.decode().split("\n\n"):
        if not block:
            continue
        first, second = block.split("\n")
        assert first.startswith("event: ") and second.startswith("data: "), block
        data = json.loads(second[6:])
        assert data["type"] == first[7:]
        events.append((data["type"], data))
    return events


def words(events):
    return "".join(data["text"] for name, data in events if name == "delta")


def names(events):
    """Event names, repeats folded."""
    return [name for i, (name, _) in enumerate(events) if i == 0 or events[i - 1][0] != name]


def finished(server):
    """The newest job once it has ended, else None."""
    job = server.json("/reindex")
    return job if job["state"] not in ("queued", "running", "cancelling") else None


class FakeModel:
    """An OpenAI-compatible endpoint that follows a script of what to send, and when."""

    def __init__(self, *script, status=200, headers=()):
        self.script, self.status, self.headers = script, status, headers
        self.requests = []
        self.closed_at = None
        self.sent = 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *why):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, s):
        data = b""
        with s, contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data:
                data += s.recv(65536)
            head, body = data.split(b"\r\n\r\n", 1)
            length = next(int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length"))
            while len(body) < length:
                body += s.recv(65536)
            self.requests.append((head.decode(), json.loads(body)))
            s.sendall(f"HTTP/1.1 {self.status} X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for step in self.script:
                if isinstance(step, (int, float)):
                    s.settimeout(step)
                    with contextlib.suppress(TimeoutError):
                        if s.recv(1) == b"":
                            self.closed_at = time.monotonic()
                            return
                elif step == "cut":
                    return
                else:
                    raw = step if isinstance(step, bytes) else piece(step)
                    s.settimeout(20)
                    s.sendall(b"%x\r\n" % len(raw) + raw + b"\r\n")
                    self.sent += 1
            s.sendall(b"0\r\n\r\n")
            s.settimeout(5)
            s.recv(1)


def piece(text=None, finish=None):
    delta = {"content": text} if text is not None else {}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


END = (piece(finish="stop"), b"data: [DONE]\n\n")
KEY = "sk-secret-of-this-test"


def with_model(model, **environment):
    return Ragd(OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY, OPENAI_MODEL="fake-1", **environment)
