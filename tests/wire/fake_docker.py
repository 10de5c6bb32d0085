"""A Docker Engine that runs nothing: the part of its API that Weir speaks, over a socket, from memory. Tests end its
containers, make it fail, and read what it was asked."""
import hashlib
import http.server
import io
import json
import os
import re
import socketserver
import struct
import tarfile
import threading
import time
import urllib.parse

import fake_swarm


def stamp(n):
    return f"2026-01-02T03:04:05.{n:09d}Z"


class Container:
    def __init__(self, name, spec):
        self.name, self.spec = name, spec
        self.status, self.code, self.oom, self.error = "created", 0, False, ""
        self.health = "starting" if spec and "Healthcheck" in spec else None
        self.lines, self.started, self.stops = [], 0, 0

    def view(self):
        state = {"Status": self.status, "Running": self.status == "running", "ExitCode": self.code, "OOMKilled": self.oom, "Error": self.error,
                 "StartedAt": "2026-01-02T03:04:05Z" if self.started else "0001-01-01T00:00:00Z"}
        if self.health:
            state["Health"] = {"Status": self.health}
        return {"Id": self.name.encode().hex(), "Name": "/" + self.name, "State": state, "Config": self.spec}


class FakeDocker:
    """`fails[(method, pattern)] = (status, message)` makes the next questions of that kind fail, until removed;
    `tell(question, done)` hears of each, before it is carried out and, once it is, before it is answered."""

    def __init__(self, path, swarm=None):
        self.swarm = swarm
        self.path, self.containers, self.images, self.networks = str(path), {}, {"app:1"}, {}
        self.taken = (409, "Conflict. The container name is already in use")
        self.registry, self.asked, self.fails, self.lock = set(), [], {}, threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.tell = lambda question, done: None
        self.start()

    def start(self):
        fake = self

        class Handler(Api):
            docker = fake

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads, request_queue_size = True, 128

        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = Server(self.path, Handler)
        self.gone = False
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """The daemon goes away; what it had stays for the next start."""
        with self.changed:
            self.gone = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)

    def count(self, method, pattern):
        return len([1 for m, p in self.asked if m == method and re.search(pattern, p)])

    def only(self):
        with self.lock:
            assert len(self.containers) == 1, list(self.containers)
            return next(iter(self.containers.values()))

    def end(self, name, code=0, oom=False):
        with self.changed:
            c = self.containers[name]
            c.status, c.code, c.oom = "exited", code, oom
            self.changed.notify_all()

    def say(self, name, line, at=None):
        with self.changed:
            lines = self.containers[name].lines
            lines.append((at or stamp(len(lines) + 1), line))
            self.changed.notify_all()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    docker = None

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        self.docker.tell((self.command, self.path), True)
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        body = json.loads(body or b"null") if self.headers.get("Content-Type") != "application/x-tar" else body
        url = urllib.parse.urlsplit(self.path)
        path, query = urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query))
        self.close_connection = True
        docker = self.docker
        docker.tell((self.command, path), False)
        with docker.lock:
            docker.asked.append((self.command, self.path))
            for (method, pattern), (status, message) in docker.fails.items():
                if method == self.command and re.search(pattern, self.path):
                    return self.answer(status, {"message": message})
        for method, pattern, handle in ROUTES + (fake_swarm.ROUTES if docker.swarm else []):
            found = re.fullmatch(pattern, path)
            if method == self.command and found:
                try:
                    return handle(self, query, body, *found.groups())
                except (BrokenPipeError, ConnectionResetError):
                    return None  # who asked was killed
        return self.answer(404, {"message": "page not found"})

    do_GET = do_POST = do_DELETE = serve

    def find(self, name):
        found = self.docker.containers.get(name)
        if not found:
            self.answer(404, {"message": f"No such container: {name}"})
        return found

    def image(self, _query, _body, name):
        known = name in self.docker.images
        self.answer(200 if known else 404, {"Id": "sha256:1"} if known else {"message": f"No such image: {name}"})

    def pull(self, query, _body):
        name = query["fromImage"] + (":" + query["tag"] if "tag" in query else "")
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        found = name in self.docker.registry
        lines = [{"status": "Pulling"}, {"status": "Done"} if found else {"errorDetail": {"message": "denied"}, "error": f"pull access denied for {name}"}]
        if found:
            self.docker.images.add(name)
        for line in lines:
            data = json.dumps(line).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def load(self, _query, body):
        """As `docker load`: what the manifest names has to be there, and to be what its digest says."""
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            [image] = json.load(archive.extractfile("manifest.json"))
            config, [layer] = json.load(archive.extractfile(image["Config"])), image["Layers"]
            layer = archive.extractfile(layer).read()
        assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            [program] = archive.getmembers()
        assert config["config"]["Entrypoint"] == ["/" + program.name] and program.mode == 0o755
        self.docker.images |= set(image["RepoTags"])
        self.answer(200, {"stream": "Loaded"})

    def network(self, _query, _body, name):
        known = self.docker.networks.get(name)
        self.answer(200 if known else 404, known or {"message": f"network {name} not found"})

    def make_network(self, _query, body):
        self.docker.networks[body["Name"]] = body
        self.answer(201, {"Id": "n1"})

    def create(self, query, body):
        with self.docker.lock:
            if query["name"] in self.docker.containers:
                return self.answer(self.docker.taken[0], {"message": self.docker.taken[1]})
            if body["Image"].startswith("localhost/") and body["Image"] not in self.docker.images:
                return self.answer(404, {"message": f"No such image: {body['Image']}"})
            self.docker.containers[query["name"]] = Container(query["name"], body)
        return self.answer(201, {"Id": query["name"]})

    def inspect(self, _query, _body, name):
        found = self.find(name)
        if found:
            self.answer(200, found.view())

    def start(self, _query, _body, name):
        found = self.find(name)
        if not found:
            return
        with self.docker.changed:
            again = found.status == "running"
            found.started += not again
            found.status = "running"
        self.answer(304 if again else 204)

    def stop(self, query, _body, name):
        found = self.find(name)
        if not found:
            return
        found.stops += 1
        found.grace = int(query["t"])
        self.docker.end(name, 143)
        self.answer(204)

    def kill(self, _query, _body, name):
        if self.find(name):
            self.docker.end(name, 137)
            self.answer(204)

    def remove(self, _query, _body, name):
        with self.docker.lock:
            self.docker.containers.pop(name, None)
        self.answer(204)

    def list(self, query, _body):
        label = json.loads(query["filters"])["label"][0].split("=")
        with self.docker.lock:
            self.answer(200, [{"Names": ["/" + c.name]} for c in self.docker.containers.values() if c.spec["Labels"].get(label[0]) == label[1]])

    def stats(self, _query, _body, _name):
        self.answer(200, {"cpu_stats": {"cpu_usage": {"total_usage": 5000000}}, "memory_stats": {"usage": 1 << 20, "stats": {}}})

    def logs(self, query, _body, name):
        """Follows until it ends, each piece cut in two: a reader must keep what it lacks. `since` repeats its second."""
        found = self.find(name)
        if not found:
            return
        since = float(query.get("since", "0"))
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.docker.raw-stream")
        self.end_headers()
        sent = 0
        while True:
            with self.docker.changed:
                self.docker.changed.wait_for(lambda: self.docker.gone or found.status == "exited" or len(found.lines) > sent, 5)
                lines, over = found.lines[sent:], found.status == "exited"
                if self.docker.gone:
                    return
            sent += len(lines)
            for at, line in lines:
                if since and float(at[17:29]) < since % 60:
                    continue
                data = f"{at} {line}".encode()
                frame = struct.pack(">BxxxL", 1, len(data)) + data
                for piece in (frame[:11], frame[11:]):
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(0.001)
            if over and sent == len(found.lines):
                return


ROUTES = [
    ("GET", r"/images/(.+)/json", Api.image),
    ("POST", r"/images/create", Api.pull),
    ("POST", r"/images/load", Api.load),
    ("GET", r"/networks/([^/]+)", Api.network),
    ("POST", r"/networks/create", Api.make_network),
    ("POST", r"/containers/create", Api.create),
    ("GET", r"/containers/json", Api.list),
    ("GET", r"/containers/([^/]+)/json", Api.inspect),
    ("GET", r"/containers/([^/]+)/logs", Api.logs),
    ("GET", r"/containers/([^/]+)/stats", Api.stats),
    ("POST", r"/containers/([^/]+)/start", Api.start),
    ("POST", r"/containers/([^/]+)/stop", Api.stop),
    ("POST", r"/containers/([^/]+)/kill", Api.kill),
    ("DELETE", r"/containers/([^/]+)", Api.remove),
]
