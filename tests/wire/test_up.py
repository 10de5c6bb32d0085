"""`weir up`, as the README's first command runs it: the first chat behind mindr-alb."""
import http.client
import json
import os
import re
import signal
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
        self.data, self.output = folder / "data", folder / "output"
        self.start()

    def start(self):
        self.api, offset = free_port(), next(p for p in iter(free_port, None) if 1100 < p <= 60000) - 80
        self.port = 80 + offset
        self.process = subprocess.Popen(
            [str(BUILD / "weir"), "up", "--data", str(self.data), "--api", f"127.0.0.1:{self.api}", "--port-offset", str(offset),
             "--workers", "1", "--drain-seconds", "5"], stdin=subprocess.DEVNULL, stdout=open(self.output, "w"), stderr=subprocess.STDOUT)
        until(lambda: self.process.poll() is not None or "Ask it something" in self.text(), 40, "the announcement")
        assert self.process.poll() is None, self.text()

    def text(self):
        return self.output.read_text()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def children(self):
        task = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in open(task).read().split()]


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


def test_it_ends_with_its_children_and_starts_again_where_it_was(up):
    children = up.children()
    assert len(children) == 2
    assert up.end() == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children)
    up.start()
    assert up.get("/health")[0] == 200
    status = subprocess.run([str(BUILD / "weir"), "status", "--data", str(up.data)], stdout=subprocess.PIPE, text=True, check=True)
    assert status.stdout.count("mindr-alb") >= 1 and status.stdout.count("healthy") >= 2


def test_kill_9_leaves_no_child_behind(up):
    children = up.children()
    up.process.kill()
    up.process.wait()
    until(lambda: not any(_runs(pid) for pid in children), 10, "the end of its children")


def _runs(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_leaving_mid_answer_harms_nobody(up):
    body = '{"message": "How can I sleep better?"}'
    for _ in range(5):
        with Raw(up.port) as raw:
            raw.send(f"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
            raw.read_until("event: start")
    assert up.get("/health")[0] == 200
