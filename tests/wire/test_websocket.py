"""WebSockets through listeners with and without TLS, with python3-websockets on both sides."""
import asyncio
import contextlib
import http
import ssl
import threading

import pytest

from harness import Target, Weir, until

websockets = pytest.importorskip("websockets", reason="python3-websockets is not installed")
from tls import Pair, https  # noqa: E402


class Echo:
    """A target: echoes; "bye" makes it close with 4000. Health checks get 200."""

    def __enter__(self):
        self.started, self.heard, self.ended = threading.Event(), [], []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()), daemon=True)
        self.thread.start()
        assert self.started.wait(5)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(5)

    async def main(self):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()

        async def health(path, headers):
            return (http.HTTPStatus.OK, [], b"") if "ELB-HealthChecker" in headers.get("User-Agent", "") else None

        async with websockets.serve(self.talk, "127.0.0.1", 0, process_request=health, max_size=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.started.set()
            await self.stop.wait()

    async def talk(self, socket):
        self.heard.append(dict(socket.request_headers))
        try:
            async for message in socket:
                if message == "bye":
                    await socket.close(4000, "as you wish")
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        finally:
            self.ended.append(socket.close_code)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("ws"), "a", "localhost")
    with Weir() as weir, Echo() as echo:
        balancer, group = weir.balancer(), weir.group(attributes={"stickiness.enabled": "true"})
        weir.register(group, echo.port)
        clear, _ = weir.listener(balancer, group)
        secure, _ = https(weir, balancer, pair.upload(weir), group)
        weir.wait_healthy(group)
        yield weir, echo, clear, secure, group


def connect(port, secure):
    made = None
    if secure:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return websockets.connect(f"{'wss' if secure else 'ws'}://localhost:{port}/chat?x", ssl=made, max_size=None, compression=None)


@pytest.mark.parametrize("secure", [False, True])
def test_messages_pass_both_ways(base, secure):
    weir, echo, clear, https_port, _ = base

    async def talk():
        async with connect(https_port if secure else clear, secure) as socket:
            assert "AWSALB=" in "".join(socket.response_headers.get_all("Set-Cookie"))
            for message in ("hello", "", b"\x00\xff" * 10, "x" * 300_000, b"y" * 1_000_000):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())
            await asyncio.gather(*[socket.send(str(i)) for i in range(100)])
            assert [await socket.recv() for _ in range(100)] == [str(i) for i in range(100)]
        return socket.close_code

    assert asyncio.run(talk()) == 1000
    assert echo.heard[-1]["x-forwarded-proto"] == ("https" if secure else "http")
    kind = "wss" if secure else "ws"
    line = until(lambda: [l for l in weir.access_lines() if l.startswith(kind + " ")], what="the line")[0]
    assert " 101 101 " in line and "/chat?x HTTP/1.1" in line
    received, sent = map(int, line.split(" 101 101 ")[1].split()[:2])
    assert received > 1_300_000 and sent > 1_300_000


def test_a_close_of_the_target_reaches_the_client(base):
    _, _, clear, _, _ = base

    async def talk():
        async with connect(clear, False) as socket:
            await socket.send("bye")
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
        return socket.close_code, socket.close_reason

    assert asyncio.run(talk()) == (4000, "as you wish")


def test_a_client_that_vanishes_ends_at_the_target(base):
    _, echo, clear, _, _ = base
    before = len(echo.ended)

    async def talk():
        socket = await connect(clear, False)
        await socket.send("x")
        await socket.recv()
        socket.transport.abort()

    asyncio.run(talk())
    until(lambda: len(echo.ended) > before, 3, "the target to hear")


def test_a_refusal_of_the_target_is_an_answer(base):
    weir, _, _, _, _ = base
    with Target(lambda c: c.answer("no", "403 Forbidden")) as target:
        group = weir.group("refusing")
        weir.register(group, target.port)
        port, _ = weir.listener(weir.balancer("refusing"), group)
        weir.wait_healthy(group)

        async def talk():
            async with connect(port, False):
                pass

        with pytest.raises(websockets.InvalidStatusCode) as caught:
            asyncio.run(talk())
        assert caught.value.status_code == 403


@contextlib.contextmanager
def another(**attributes):
    with Weir() as weir, Echo() as echo:
        port, group, _ = weir.behind(echo, tg=attributes)
        yield weir, echo, port, group


async def close_code(port, then):
    async with connect(port, False) as socket:
        await socket.send("x")
        await socket.recv()
        await asyncio.get_running_loop().run_in_executor(None, then)
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 15)
        return socket.close_code


def test_draining_and_a_restart_say_goodbye():
    with another(**{"deregistration_delay.timeout_seconds": "1"}) as (weir, echo, port, group):
        deregister = lambda: weir.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": echo.port}])
        assert asyncio.run(close_code(port, deregister)) == 1001
        until(lambda: echo.ended == [1001], what="the target heard it, too")
        weir.register(group, echo.port)
        weir.wait_healthy(group)
        assert asyncio.run(close_code(port, lambda: weir.process.terminate())) == 1012
