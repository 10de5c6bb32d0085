"""Plain requests through the running daemon, byte by byte."""
import re

import pytest

from harness import Raw, Target, get, until

PAGES = {400: "400 Bad Request", 405: "405 Not Allowed", 414: "414 Request-URI Too Large", 502: "502 Bad Gateway",
         503: "503 Service Temporarily Unavailable", 501: "501 Not Implemented"}


def page(status):
    c = PAGES[status]
    return (f"<html>\r\n<head><title>{c}</title></head>\r\n<body>\r\n<center><h1>{c}</h1></center>\r\n"
            "</body>\r\n</html>\r\n").encode()


def test_a_request_comes_back_answered(weir, target):
    port, _, _ = weir.behind(target)
    answer = get(port, "/a/b?c=d")
    assert (answer.status, answer.body) == (200, b"hello")
    head = target.requests[0].decode()
    assert head.startswith("GET /a/b?c=d HTTP/1.1\r\n")


def test_the_target_sees_albs_headers(weir, target):
    port, _, _ = weir.behind(target)
    get(port, "/", host="Example.COM", headers="X-Forwarded-For: 1.2.3.4\r\nConnection: close, x-drop\r\nX-Drop: 1\r\nX-Keep: 2\r\n")
    head = target.requests[0].decode()
    assert f"\r\nHost: example.com:{port}\r\n" in head
    assert "\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.1\r\n" in head
    assert "\r\nX-Forwarded-Proto: http\r\n" in head and f"\r\nX-Forwarded-Port: {port}\r\n" in head
    assert re.search(r"\r\nX-Amzn-Trace-Id: Root=1-[0-9a-f]{8}-[0-9a-f]{24}\r\n", head)
    assert "x-drop" not in head.lower() and "X-Keep: 2" in head


def test_a_health_check_says_what_albs_says(weir, target):
    weir.behind(target)
    lines = target.probes[0].decode().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1" and f"Host: 127.0.0.1:{target.port}" in lines
    assert {"User-Agent: ELB-HealthChecker/2.0", "Accept-Encoding: gzip, compressed", "Connection: close"} <= set(lines)


def test_keep_alive_and_pipelining_answer_in_order(weir):
    def script(c):
        c.answer(c.head.split()[1])
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("".join(f"GET /{i} HTTP/1.1\r\nHost: x\r\n\r\n" for i in range(20)))
            assert [raw.response().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


def test_target_connections_are_reused(weir, target):
    port, _, _ = weir.behind(target)
    for _ in range(10):
        assert get(port).status == 200
    used = [c for c in target.connections if c.head and b"HealthChecker" not in c.head]
    assert len(used) == 1


@pytest.mark.parametrize("size", [0, 1, 100, 70000, 3_000_000])
def test_bodies_of_every_size_go_both_ways(weir, size):
    def script(c):
        body = c.body()
        c.answer(body)
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        body = bytes(i % 251 for i in range(size))
        with Raw(port, 30) as raw:
            raw.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
            raw.send(body)
            assert raw.response().body == body


def test_a_chunked_upload_stays_chunked(weir):
    seen = []

    def script(c):
        seen.append((c.header("Transfer-Encoding"), c.header("Content-Length"), c.body()))
        c.answer()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n")
            raw.send("6\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
            assert raw.response().status == 200
    assert seen == [("chunked", None, b"hello world")]


def test_expect_continue_is_answered_by_the_balancer(weir):
    def script(c):
        c.answer(c.body())
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            assert raw.read_until("\r\n\r\n").startswith(b"HTTP/1.1 100 Continue\r\n")
            raw.send("body")
            assert raw.response().body == b"body"
        assert b"expect" not in target.requests[0].lower()


def test_http_1_0_gets_what_it_can_read(weir):
    def script(c):
        c.start_stream("text/plain")
        c.chunk("one")
        c.chunk("two")
        c.end_stream()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.0\r\n\r\n")
            text = raw.read_all()
        head, body = text.split(b"\r\n\r\n", 1)
        assert body == b"onetwo" and b"chunked" not in head.lower()
        assert b"HTTP/1.1" not in target.requests[0].split(b"\r\n")[1]


def test_head_has_a_length_and_no_body(weir):
    def script(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ("" if c.head.startswith(b"HEAD") else "hello"))
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port) as raw:
            raw.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = raw.response(head_request=True)
            assert answer.headers["content-length"] == "5"
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert raw.response().body == b"hello"


def test_no_target_gives_albs_503_page(weir):
    balancer, group = weir.balancer(), weir.group()
    port, _ = weir.listener(balancer, group)
    answer = get(port)
    assert answer.status == 503 and answer.body == page(503)
    assert answer.headers["server"] == "awselb/2.0" and answer.headers["content-type"] == "text/html"
    assert answer.headers["content-length"] == "162" and "date" in answer.headers


def test_a_target_that_is_gone_gives_502(weir):
    with Target() as target:
        port, group, _ = weir.behind(target)
    answer = get(port)
    assert answer.status == 502 and answer.body == page(502)
    fields = weir.access_lines()[-1].split(" ")
    assert fields[8:10] == ["502", "-"]


@pytest.mark.parametrize("request_text, status", [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ("GET /" + "a" * 17000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("GET / HTTP/1.1\r\nHost: x\r\nA: " + "a" * 17000 + "\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nX\0Y: 1\r\n\r\n", 400),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    ("complete rubbish\r\n\r\n", 400),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
], ids=lambda value: repr(value)[1:40] if isinstance(value, str) else str(value))
def test_bad_requests_are_refused_and_never_forwarded(weir, target, request_text, status):
    port, _, _ = weir.behind(target)
    with Raw(port, 5) as raw:
        raw.send(request_text.encode("latin-1"))
        raw.socket.shutdown(1)
        text = raw.read_all()
    if status:
        assert text.startswith(b"HTTP/1.1 %d " % status), text[:200]
        assert page(status) in text
    else:
        assert not text or text.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))
    assert target.requests == []


def test_thirty_one_forwarded_addresses_are_463(weir, target):
    port, _, _ = weir.behind(target)
    many = ", ".join(f"10.0.0.{i}" for i in range(31))
    assert get(port, headers=f"X-Forwarded-For: {many}\r\n").status == 463
    assert target.requests == []


# Each case of reference §10: whether a defensive balancer forwards it, and closes after.
@pytest.mark.parametrize("request_text, forwarded, closes", [
    ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", True, False),
    ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", True, True),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True, True),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", True, True),
    ("GET / HTTP/1.1\nHost: x\n\n", True, False),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", False, True),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n", False, True),
], ids=lambda value: repr(value)[24:80] if isinstance(value, str) else str(value))
def test_desync_defensive(weir, request_text, forwarded, closes):
    def script(c):
        c.body()
        c.answer()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        with Raw(port, 5) as raw:
            raw.send(request_text)
            assert raw.response().status == (200 if forwarded else 400)
            if closes:
                assert raw.read_all() == b""
            else:
                raw.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
                assert raw.response().status == 200
        assert bool(target.requests) == forwarded
        for head in target.requests:
            low = head.lower()
            assert not (b"content-length:" in low and b"transfer-encoding:" in low), "one framing only"
    assert weir.metric("weir_desync_requests_total") >= 1


@pytest.mark.parametrize("sent, seen, closes", [("/a b", "/a%20b", False), ("/a\x01b\x7f", "/a%01b%7F", True), ("/\xe9", "/\xe9", False)])
def test_odd_bytes_of_a_target_reach_the_other_side_in_one_reading(weir, target, sent, seen, closes):
    port, _, _ = weir.behind(target)
    with Raw(port, 5) as raw:
        raw.send(f"GET {sent} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
        assert raw.response().status == 200
        if closes:
            assert raw.read_all() == b""
    assert target.requests[0].startswith(f"GET {seen} HTTP/1.1\r\n".encode("latin-1"))


@pytest.mark.parametrize("mode, text, status", [
    ("strictest", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400),
    ("strictest", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ("monitor", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200),
])
def test_desync_modes(weir, target, mode, text, status):
    port, _, _ = weir.behind(target, lb={"routing.http.desync_mitigation_mode": mode})
    with Raw(port, 5) as raw:
        raw.send(text)
        assert raw.response().status == status


def test_smuggled_prefixes_never_become_a_request(weir):
    """Whatever is forwarded, the target must see exactly the requests that were meant."""
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    attempts = [
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n Content-Length: 60\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: {smuggled}\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{smuggled}",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n{smuggled}",
    ]

    def script(c):
        c.body()
        c.answer()
    with Target(script) as target:
        port, _, _ = weir.behind(target)
        for text in attempts:
            before = len(target.requests)
            with Raw(port, 5) as raw:
                raw.send(text)
                raw.socket.shutdown(1)
                try:
                    raw.read_all()
                except ConnectionResetError:
                    pass
            until(lambda: True)
            for head in target.requests[before:]:
                low = head.lower()
                assert low.count(b"content-length:") + low.count(b"transfer-encoding:") <= 1, head
                # A second request may only be seen where the first was framed to end before it,
                # and then it came as a request of its own, with headers of ours.
                assert b"X-Forwarded-For: 127.0.0.1" in head, head


def test_the_access_log_tells_each_request(weir, target):
    port, group, _ = weir.behind(target)
    get(port, "/x?y=1", headers="User-Agent: a \"quoted\" agent\r\n")
    line = weir.access_lines()[-1]
    assert re.match(r'http \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z app/lb/[0-9a-f]{16} 127\.0\.0\.1:\d+ 127\.0\.0\.1:%d '
                    r'\d+\.\d{3} \d+\.\d{3} \d+\.\d{3} 200 200 \d+ \d+ "GET http://test:%d/x\?y=1 HTTP/1\.1" '
                    % (target.port, port), line), line
    assert group in line and '"Root=1-' in line and '"forward"' in line
