"""webd: files of a folder, by raw requests."""
import http.client
import os
import re
import signal
import socket
import subprocess

import pytest

import harness

WEBD = harness.BUILD / "webd"

pytestmark = pytest.mark.skipif(not WEBD.is_file(), reason=f"no webd in {harness.BUILD}")


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def webd(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    (root / "index.html").write_text("<p>home</p>")
    (root / "404.html").write_text("<p>nothing here</p>")
    (root / "app.js").write_text("let a;")
    (root / "sub dir").mkdir()
    (root / "sub dir/index.html").write_text("<p>below</p>")
    (root / "sub dir/big.bin").write_bytes(bytes(range(256)) * 8192)
    (root / ".secret").write_text("hidden")
    os.symlink("/etc/hostname", root / "link.txt")
    port = harness.free_port()
    process = subprocess.Popen([str(WEBD), "--port", str(port), "--root", str(root)], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)

    harness.until(lambda: answers(port), 10, "the start of webd")
    yield port
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0, process.stderr.read().decode()
    process.stderr.close()


def get(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers


@pytest.mark.parametrize("path, status, body, kind", [
    ("/", 200, b"<p>home</p>", "text/html; charset=utf-8"),
    ("/index.html", 200, b"<p>home</p>", "text/html; charset=utf-8"),
    ("/?q=1", 200, b"<p>home</p>", "text/html; charset=utf-8"),
    ("/app.js", 200, b"let a;", "text/javascript; charset=utf-8"),
    ("/sub%20dir/", 200, b"<p>below</p>", "text/html; charset=utf-8"),
    ("/sub%20dir", 404, b"<p>nothing here</p>", "text/html; charset=utf-8"),
    ("/none", 404, b"<p>nothing here</p>", "text/html; charset=utf-8"),
    ("/.secret", 404, None, None),
    ("/link.txt", 404, None, None),
    ("/..%2f..%2fetc/passwd", 404, None, None),
    ("/%zz", 404, None, None),
    ("/%00", 404, None, None),
    ("//app.js", 404, None, None),
])
def test_paths_are_keys_and_nothing_leads_outside(webd, path, status, body, kind):
    got, text, headers = get(webd, path)
    assert got == status
    assert body is None or text == body
    assert kind is None or headers["Content-Type"] == kind
    assert headers["X-Content-Type-Options"] == "nosniff" and "script-src 'self'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("target", [b"/../../etc/passwd", b"/sub%20dir/../../x", b"http://h/../x", b"*"])
def test_raw_targets_with_dots_find_nothing(webd, target):
    with harness.Raw(webd) as raw:
        raw.send(b"GET " + target + b" HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        assert raw.read_all().split(b" ")[1] in (b"400", b"404")


def test_etags_save_sending_twice(webd):
    status, _, headers = get(webd, "/app.js")
    etag = headers["ETag"]
    assert status == 200 and headers["Cache-Control"] == "no-cache"
    for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        status, body, headers = get(webd, "/app.js", If_None_Match=value)
        assert (status, body, headers["ETag"]) == (304, b"", etag)
    assert get(webd, "/app.js", If_None_Match='"other"')[0] == 200


def test_head_tells_the_length_and_other_methods_are_refused(webd):
    status, body, headers = get(webd, "/app.js", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "6")
    status, _, headers = get(webd, "/app.js", "POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"


def test_a_large_file_arrives_whole_also_for_http_1_0_and_kept_connections(webd):
    whole = bytes(range(256)) * 8192
    connection = http.client.HTTPConnection("127.0.0.1", webd, timeout=10)
    for _ in range(3):
        connection.request("GET", "/sub%20dir/big.bin")
        assert connection.getresponse().read() == whole
    connection.close()
    with harness.Raw(webd) as raw:
        raw.send("GET /sub%20dir/big.bin HTTP/1.0\r\n\r\n")
        assert raw.read_all().split(b"\r\n\r\n", 1)[1] == whole


def test_pipelined_requests_are_answered_in_order(webd):
    with harness.Raw(webd) as raw:
        raw.send("GET /app.js HTTP/1.1\r\nHost: t\r\n\r\nGET /none HTTP/1.1\r\nHost: t\r\n\r\n"
                 "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        answer = raw.read_all()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"404", b"200"]


def test_the_chat_page_is_built_in():
    port = harness.free_port()
    with subprocess.Popen([str(WEBD), "--port", str(port)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        harness.until(lambda: process.poll() is not None or answers(port), 10, "the start of webd")
        for path in ("index.html", "404.html", "app.js", "sse.js", "prose.js", "theme.js", "style.css", "favicon.svg"):
            assert get(port, f"/{path}")[:2] == (200, (harness.TOP / "web/site" / path).read_bytes())
        assert b"/app.js" in get(port, "/")[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("arguments, says", [
    (["--nonsense", "x"], "no option"), (["--port"], "value is missing"), (["--port", "x"], "0 to 65535"),
    (["--root", "/nowhere/at/all"], "/nowhere/at/all"), (["--host", "name"], "IP address"),
])
def test_a_start_that_cannot_be_is_one_clear_line_and_exit_2(tmp_path, arguments, says):
    done = subprocess.run([str(WEBD), "--port", "0", "--root", str(tmp_path), *arguments], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
