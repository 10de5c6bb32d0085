"""The Swarm half of the Docker Engine that runs nothing (fake_docker.py): services, their tasks, nodes. As in a real Swarm a task goes
through its states by itself; here as soon as it is asked for, unless a test holds it back."""
import json
import re
import struct
import time


def matches(labels, query):
    wanted = json.loads(query.get("filters", "{}")).get("label", [])
    return all(labels.get(w.split("=")[0]) == w.split("=")[1] for w in wanted)


class Service:
    number = 0

    def __init__(self, spec, node):
        Service.number += 1
        self.id, self.spec, self.index = f"service{Service.number:018d}", spec, 1
        self.tasks, self.lines = [], []
        self.begin(node)

    @property
    def name(self):
        return self.spec["Name"]

    def begin(self, node):
        """A task on `node`; None: no node takes it."""
        Service.number += 1
        self.tasks.append({
            "ID": f"task{Service.number:021d}", "CreatedAt": f"2026-01-02T03:04:05.{Service.number:09d}Z", "ServiceID": self.id, "Slot": 1, "DesiredState": "running",
            "Spec": self.spec["TaskTemplate"], "Status": {"State": "pending", "Message": "pending task scheduling"}})
        if node:
            self.tasks[-1]["NodeID"] = node["ID"]

    @property
    def task(self):
        return self.tasks[0]

    @property
    def state(self):
        return self.task["Status"]["State"]

    def become(self, state, code=0, error=None, container=True):
        status = {"State": state, "Message": state}
        if error:
            status["Err"] = error
        if container:
            status["ContainerStatus"] = {"ContainerID": self.id.encode().hex(), "PID": 7, "ExitCode": code}
        if state == "running":
            # Told twice, for IPv4 and IPv6.
            status["PortStatus"] = {"Ports": 2 * [dict(p, PublishedPort=p.get("PublishedPort") or 32768 + int(self.id[7:]) % 1000)
                                                  for p in self.spec["EndpointSpec"]["Ports"]]}
        if state in ("complete", "failed", "shutdown", "rejected"):
            self.task["DesiredState"] = "shutdown"
        self.task["Status"] = status

    def view(self):
        return {"ID": self.id, "Version": {"Index": self.index}, "CreatedAt": "2026-01-02T03:04:05Z", "Spec": self.spec, "Endpoint": {}}


class FakeSwarm:
    """What FakeDocker knows of a Swarm. `holds`: new tasks stay pending until a test moves them."""

    def __init__(self, address="127.0.0.1"):
        self.address, self.manager, self.holds, self.services, self.stops = address, True, False, {}, []
        self.nodes = [{"ID": "nodeaaaaaaaaaaaaaaaaaaaaa", "Spec": {"Role": "manager", "Availability": "active"}, "Description": {"Hostname": "one"},
                       "Status": {"State": "ready", "Addr": "0.0.0.0"}, "ManagerStatus": {"Leader": True, "Addr": address + ":2377"}}]

    def add_node(self, name, address):
        self.nodes.append({"ID": "node" + name, "Spec": {"Role": "worker", "Availability": "active"}, "Description": {"Hostname": name},
                           "Status": {"State": "ready", "Addr": address}})
        return self.nodes[-1]

    def only(self):
        assert len(self.services) == 1, list(self.services)
        return next(iter(self.services.values()))


# ---- The API, as methods of fake_docker.Api ----

def found(api, name):
    swarm = api.docker.swarm
    service = swarm.services.get(name) or next((s for s in swarm.services.values() if s.id == name), None)
    if not service:
        api.answer(404, {"message": f"service {name} not found"})
    return service


def is_manager(api):
    if not api.docker.swarm.manager:
        api.answer(503, {"message": "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state."})
    return api.docker.swarm.manager


def info(api, _query, _body):
    swarm = api.docker.swarm
    api.answer(200, {"Swarm": {"NodeID": swarm.nodes[0]["ID"] if swarm.manager else "", "NodeAddr": swarm.address, "ControlAvailable": swarm.manager}})


def create(api, _query, body):
    if not is_manager(api):
        return
    docker, swarm = api.docker, api.docker.swarm
    with docker.changed:
        if len(body["Name"]) > 63 or not re.fullmatch(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?", body["Name"]):
            return api.answer(400, {"message": "name must be valid as a DNS name component"})
        if body["Name"] in swarm.services:
            return api.answer(409, {"message": f"rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {body['Name']} already exists"})
        service = swarm.services[body["Name"]] = Service(body, None if swarm.holds else swarm.nodes[-1])
        image = body["TaskTemplate"]["ContainerSpec"]["Image"]
        if swarm.holds:
            pass
        elif image in docker.images:
            service.become("running")
        else:
            service.become("rejected", error=f"No such image: {image}", container=False)
        docker.changed.notify_all()
    api.answer(201, {"ID": service.id})


def update(api, query, body, name):
    """As a Swarm does it: the task that does not fit the new specification is stopped, and another takes its place."""
    docker, swarm = api.docker, api.docker.swarm
    with docker.changed:
        service = found(api, name)
        if not service:
            return
        if int(query["version"]) != service.index:
            return api.answer(500, {"message": "rpc error: code = Unknown desc = update out of sequence"})
        assert body["Name"] == service.name and body["Labels"] == service.spec["Labels"]
        service.index += 1
        service.spec = body
        swarm.stops.append(service.name)
        old = service.task
        old["DesiredState"] = "shutdown"
        if service.state == "running":
            service.become("shutdown", 143)
        service.begin(None)
        docker.changed.notify_all()
    api.answer(200, {"Warnings": None})


def remove(api, _query, _body, name):
    with api.docker.changed:
        service = found(api, name)
        if not service:
            return
        api.docker.swarm.services.pop(service.name)
        api.docker.changed.notify_all()
    api.answer(200)


def services(api, query, _body):
    if is_manager(api):
        with api.docker.lock:
            api.answer(200, [s.view() for s in api.docker.swarm.services.values() if matches(s.spec["Labels"], query)])


def tasks(api, query, _body):
    if is_manager(api):
        with api.docker.lock:
            api.answer(200, [t for s in api.docker.swarm.services.values() if matches(s.spec["Labels"], query) for t in reversed(s.tasks)])


def nodes(api, _query, _body):
    if is_manager(api):
        api.answer(200, api.docker.swarm.nodes)


def logs(api, query, _body, name):
    """Unlike a container's they do not end with the container, where they are followed."""
    docker, service = api.docker, found(api, name)
    if not service:
        return
    since, sent = float(query.get("since", "0")), 0
    api.send_response(200)
    api.send_header("Content-Type", "application/vnd.docker.raw-stream")
    api.end_headers()
    trouble = b"warning: incomplete log stream"
    api.wfile.write(struct.pack(">BxxxL", 3, len(trouble)) + trouble)
    while not docker.gone and service.name in docker.swarm.services:
        with docker.changed:
            docker.changed.wait_for(lambda: docker.gone or len(service.lines) > sent, 0.2)
            lines = service.lines[sent:]
        sent += len(lines)
        for at, line in lines:
            if since and float(at[17:29]) < since % 60:
                continue
            data = f"{at} {line}".encode()
            api.wfile.write(struct.pack(">BxxxL", 1, len(data)) + data)
            api.wfile.flush()
        if query["follow"] != "1":
            return
        time.sleep(0.001)


ROUTES = [
    ("GET", r"/info", info),
    ("POST", r"/services/create", create),
    ("GET", r"/services", services),
    ("POST", r"/services/([^/]+)/update", update),
    ("GET", r"/services/([^/]+)/logs", logs),
    ("DELETE", r"/services/([^/]+)", remove),
    ("GET", r"/tasks", tasks),
    ("GET", r"/nodes", nodes),
]
