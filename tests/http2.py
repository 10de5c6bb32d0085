"""A client of HTTP/2 for the tests, on python3-h2; and frames as raw bytes."""
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

import harness
import tls


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
# GET / of https on a.example, without the dynamic table
GET = b"\x82\x87\x84\x01\x09a.example"


class H2:
    """One connection. What comes is kept per stream: `heads`, `bodies`, `ended`, `resets`, `trailers`."""

    def __init__(self, port, alpn=("h2",), **settings):
        self.raw = tls.Tls(port, made=tls.context(alpn=list(alpn)))
        assert self.raw.socket.selected_alpn_protocol() == "h2"
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        if settings:
            self.conn.update_settings({getattr(h2.settings.SettingCodes, k.upper()): v for k, v in settings.items()})
        self.heads, self.bodies, self.ended, self.resets, self.trailers = {}, {}, set(), {}, {}
        self.arrived, self.goaway, self.closed, self.acknowledge = [], None, False, True
        self.conn.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def flush(self):
        self.raw.socket.sendall(self.conn.data_to_send())

    def request(self, path="/", method="GET", fields=(), end=True):
        stream = self.conn.get_next_available_stream_id()
        self.conn.send_headers(stream, [(":method", method), (":path", path), (":scheme", "https"), (":authority", "a.example"), *fields],
                               end_stream=end)
        self.flush()
        return stream

    def data(self, stream, data, end=False):
        self.conn.send_data(stream, data, end_stream=end)
        self.flush()

    def reset(self, stream, code=8):
        self.conn.reset_stream(stream, code)
        self.flush()

    def read(self, until, seconds=10):
        """Takes what comes until `until(self)` is true, or the connection ends."""
        deadline = time.monotonic() + seconds * harness.PATIENCE
        while not until(self) and not self.closed:
            left = deadline - time.monotonic()
            assert left > 0, f"waited {seconds} s"
            self.raw.socket.settimeout(left)
            try:
                data = self.raw.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                self.closed = True
                break
            for event in self.conn.receive_data(data):
                self.take(event)
            try:
                self.flush()
            except OSError:
                pass
        return self

    def take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.heads[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
            self.arrived.append((time.monotonic(), event.stream_id, event.data))
            if self.acknowledge and event.flow_controlled_length:
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code

    def get(self, path="/", **more):
        stream = self.request(path, **more)
        self.read(lambda c: stream in c.ended or stream in c.resets)
        return self.heads[stream], self.bodies.get(stream, b"")


class Frames:
    """A connection whose frames are written by hand; what comes back is only looked at for GOAWAY."""

    def __init__(self, port, settings=b""):
        self.raw = tls.Tls(port, made=tls.context(alpn=["h2"]))
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings) + frame(SETTINGS, 1, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def send(self, data):
        try:
            self.raw.socket.sendall(data)
        except OSError:
            pass  # it was cut meanwhile

    def frames(self, seconds=10):
        """All until the end of the connection."""
        data = b""
        self.raw.socket.settimeout(seconds)
        try:
            while more := self.raw.socket.recv(65536):
                data += more
        except (ConnectionError, OSError) as error:
            assert not isinstance(error, TimeoutError), "it was not cut"
        while len(data) >= 9:
            size = int.from_bytes(data[:3], "big")
            yield data[3], int.from_bytes(data[5:9], "big"), data[9:9 + size]
            data = data[9 + size:]

    def goaway(self):
        """The code that the connection ended with; None when nothing was said."""
        codes = [int.from_bytes(payload[4:8], "big") for kind, _, payload in self.frames() if kind == GOAWAY]
        return codes[-1] if codes else None
