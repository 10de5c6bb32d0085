"""`weir up`, as the README's first command runs it: the first chat behind mindr-alb."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness import BUILD, Raw, free_port, until


@pytest.fixture
def up(tmp_path):
    running = Up(tmp_path)
    yield running
    running.end()


class Up:
    def __init__(self, folder):
        self.data, self.output, self.command = folder / "data", folder / "output", None
        self.start()

    def start(self):
        if not self.command:
            self.api, offset = free_port(), next(p for p in iter(free_port, None) if 1100 < p <= 60000) - 80
            self.port = 80 + offset
            self.command = [str(BUILD / "weir"), "up", "--data", str(self.data), "--api", f"127.0.0.1:{self.api}", "--port-offset",
                            str(offset), "--workers", "1", "--drain-seconds", "5"]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=open(self.output, "w"), stderr=subprocess.STDOUT)
        until(lambda: self.process.poll() is not None or "Ask it something" in self.text(), 40, "the announcement")
        assert self.process.poll() is None, self.text()

    def text(self):
        return self.output.read_text()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def get(self, path):
        return self.call("GET", path)

    def call(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        connection.request(method, path, json.dumps(value) if value else None, {"Content-Type": "application/json"} if value else {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def weir(self, *words, check=True):
        return subprocess.run([BUILD / "weir", *words, "--data", self.data], capture_output=True, text=True, check=check)

    def programs(self):
        """Process ids of the tasks' programs, by whose keepers' folders they are of this state."""
        found = set()
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.data) in os.readlink(entry / "cwd") and _runs(entry.name) and b"weir-keeper" not in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                pass
        return found


def _runs(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"


def test_the_printed_curl_streams_an_answer_and_the_page_is_there(up):
    command = re.search(r"curl -N .*?'\{.*?\}'", up.text(), re.S)[0].replace("\\\n", " ")
    started = time.monotonic()
    process = subprocess.Popen(["bash", "-c", f"exec {command} -sS --max-time 60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    times, lines = [], []
    for line in process.stdout:
        lines.append(line.decode())
        if line.startswith(b"event: delta"):
            times.append(time.monotonic() - started)
    assert process.wait() == 0
    text = "".join(lines)
    assert "event: start" in text and "event: references" in text and "event: done" in text
    assert len(times) > 10 and times[-1] - times[0] > 0.2, "token by token, not in one lump"
    assert "sleep" in " ".join(json.loads(d)["text"] for d in re.findall(r"^data: (\{\"type\":\"delta\".*)$", text, re.M)).lower()
    status, page = up.get("/")
    assert status == 200 and b"<html" in page
    assert up.get("/health")[0] == 200


def test_it_ends_with_its_tasks_and_starts_again_where_it_was(up):
    up.call("POST", "/documents/text", {"document_id": "kept", "text": "Valerian is a plant.", "wait_ms": 10000})
    assert len(up.programs()) == 2
    assert up.end() == 0
    assert up.programs() == set()
    up.start()
    assert up.get("/health")[0] == 200
    documents = json.loads(up.get("/documents?q=kept")[1])["documents"]
    assert [d["file"] for d in documents] == ["kept"], f"what was read is kept: {documents}"
    told = up.weir("status").stdout
    assert "mindr-alb" in told and told.count("healthy") >= 2
    [stack] = json.loads(up.weir("call", "cloudformation", "DescribeStacks").stdout)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", "the second time there was nothing to change"


def test_tasks_outlive_a_kill_and_are_taken_up_again(up):
    before = up.programs()
    up.process.kill()
    up.process.wait()
    up.start()
    assert up.get("/health")[0] == 200
    assert up.programs() == before, "none was doubled, none was lost"


def test_a_taken_port_is_said_and_leaves_nothing_behind(up):
    assert up.end() == 0
    shutil.rmtree(up.data)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        done = subprocess.run(up.command, capture_output=True, text=True, timeout=40)
    assert done.returncode == 1
    assert "HttpListener: Listener port '80' cannot be bound" in done.stderr and "another program uses it" in done.stderr
    assert up.programs() == set()
    with serving(up):
        assert json.loads(up.weir("call", "elbv2", "DescribeLoadBalancers").stdout)["LoadBalancers"] == []
        assert len(json.loads(up.weir("call", "ec2", "DescribeVpcs").stdout)["Vpcs"]) == 1
    up.start()


@contextlib.contextmanager
def serving(up):
    """The daemon alone on the same state."""
    process = subprocess.Popen([up.command[0], "serve", *up.command[2:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: up.weir("status", check=False).returncode == 0, 20, "the daemon alone")
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_leaving_mid_answer_harms_nobody(up):
    body = '{"message": "How can I sleep better?"}'
    for _ in range(5):
        with Raw(up.port) as raw:
            raw.send(f"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
            raw.read_until("event: start")
    assert up.get("/health")[0] == 200
