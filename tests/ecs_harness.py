"""What the tests of tasks and services share: a Weir with a cluster, small programs as images."""
import os
import pathlib
import stat

from harness import until

# A whole web server in a few lines: /health by its mood, everything else says who answers.
SERVER = """#!/usr/bin/env -S python3 -S
import http.server, os, signal, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        bad = self.path == "/health" and os.environ.get("MOOD") == "sick" or time.monotonic() - began < float(os.environ.get("LOADS", "0"))
        if self.path.startswith("/slow"):
            time.sleep(float(os.environ.get("SLOW", "1")))
        body = (os.environ.get("VERSION", "1") + " " + str(os.getpid())).encode()
        self.send_response(500 if bad else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
began = time.monotonic()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("serving on", os.environ["HOST"], os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer.request_queue_size = 256
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def program(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"file:{path}"


class Tasks:
    """One cluster of one Weir, by the JSON door; `folder` holds the programs."""

    def __init__(self, weir, folder, cluster="c"):
        self.weir, self.folder, self.cluster = weir, folder, cluster
        self.server = program(folder, "server", SERVER)
        self("CreateCluster", clusterName=cluster)

    def __call__(self, operation, **value):
        if operation not in ("CreateCluster", "RegisterTaskDefinition", "DeregisterTaskDefinition", "TagResource"):
            value.setdefault("cluster", self.cluster)
        return self.weir.call("ecs", operation, **value)

    def define(self, family="web", image=None, mode="awsvpc", port=8000, more=None, role=None, **container):
        definition = {"name": "web", "image": image or self.server, "memory": 512, **container}
        if port:
            definition["portMappings"] = [{"containerPort": port, **({} if mode == "awsvpc" else {"hostPort": 0})}]
        if "environment" in definition:
            definition["environment"] = [{"name": k, "value": v} for k, v in definition["environment"].items()]
        made = self("RegisterTaskDefinition", family=family, networkMode=mode, **({"taskRoleArn": role} if role else {}), containerDefinitions=[definition, *(more or [])])
        return made["taskDefinition"]["taskDefinitionArn"]

    def network(self):
        return {"awsvpcConfiguration": {"subnets": self.weir.subnets()[:1]}}

    def service(self, name="web", definition="web", count=1, group=None, **more):
        value = {"networkConfiguration": self.network(), **more}
        if group:
            value["loadBalancers"] = [{"targetGroupArn": group, "containerName": "web", "containerPort": 8000}]
        value = {k: v for k, v in value.items() if v is not None}
        return self("CreateService", serviceName=name, taskDefinition=definition, desiredCount=count, **value)["service"]

    def look(self, name="web"):
        return self("DescribeServices", services=[name])["services"][0]

    def tasks(self, desired="RUNNING", **filters):
        arns = self("ListTasks", desiredStatus=desired, **filters)["taskArns"]
        return self("DescribeTasks", tasks=arns)["tasks"] if arns else []

    def task(self, arn):
        return self("DescribeTasks", tasks=[arn])["tasks"][0]

    def run(self, definition="web", **more):
        more = {"networkConfiguration": self.network(), **more}
        made = self("RunTask", taskDefinition=definition, **{k: v for k, v in more.items() if v is not None})
        assert not made["failures"], made["failures"]
        return made["tasks"][0]["taskArn"]

    def wait_status(self, arn, status, seconds=15):
        return until(lambda: (t := self.task(arn))["lastStatus"] == status and t, seconds, f"{arn} {status}")

    def wait_stable(self, name="web", seconds=25):
        def stable():
            s = self.look(name)
            return len(s["deployments"]) == 1 and s["runningCount"] == s["desiredCount"] and s["deployments"][0]["rolloutState"] == "COMPLETED" and s
        return until(stable, seconds, f"service {name} stable")

    def events(self, name="web"):
        return [e["message"] for e in self.look(name)["events"]]

    def wait_event(self, words, name="web", seconds=15):
        return until(lambda: [m for m in self.events(name) if words in m], seconds, f"an event with {words!r}")

    def keepers(self):
        """Process ids of the keepers of this Weir, living ones."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                state, _, _, session = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            except OSError:
                continue
            # The leader of its session: a program between fork and exec still looks like its keeper.
            if words[0] == b"weir-keeper" and session == entry.name and os.path.realpath(self.weir.data).encode() in words[1] and state != "Z":
                found.append((int(entry.name), words[1].decode()))
        return found
