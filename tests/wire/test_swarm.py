"""Tasks as services of a Docker Swarm: what the Swarm is asked (a fake one, always) and that it works (a real one, where it may run)."""
import http.server
import json
import threading

import pytest

from ecs_harness import Tasks
from fake_docker import FakeDocker, stamp
from fake_swarm import FakeSwarm
from harness import Fault, Weir, get, until
from real_docker import curl, remove_link, run_dockerd
from test_docker import TRUST, KillsAt, despite_the_kill

LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/t", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
                                            "awslogs-create-group": "true"}}


def lines(weir):
    try:
        return [e["message"] for e in weir.call("logs", "FilterLogEvents", logGroupName="/t")["events"]]
    except Fault:
        return []


# ---- The contract, with a Swarm that runs nothing ----

@pytest.fixture
def docker(tmp_path):
    fake = FakeDocker(tmp_path / "docker.sock", FakeSwarm())
    yield fake
    if not fake.gone:
        fake.stop()


@pytest.fixture
def swarm(docker):
    return docker.swarm


@pytest.fixture
def tasks(docker, tmp_path):
    (tmp_path / "weir.conf").write_text("instance.i-0123456789abcdef0 = 127.3.3.3\n")
    with Weir("--engine", "swarm", "--docker-socket", docker.path, "--settings", str(tmp_path / "weir.conf")) as weir:
        yield Tasks(weir, tmp_path)


def test_what_a_service_is_made_of(tasks, swarm):
    tasks.define("app", "app:1", environment={"A": "b"}, command=["serve", "it"], entryPoint=["/run"], user="7:8", workingDirectory="/w", cpu=256,
                 memory=64, memoryReservation=32, stopTimeout=9, dockerLabels={"mine": "1"}, readonlyRootFilesystem=True,
                 ulimits=[{"name": "nofile", "softLimit": 10, "hardLimit": 20}], linuxParameters={"initProcessEnabled": True},
                 healthCheck={"command": ["CMD-SHELL", "true"], "interval": 7, "timeout": 3, "retries": 2, "startPeriod": 1})
    task = tasks.wait_status(tasks.run("app", placementConstraints=[
        {"type": "memberOf", "expression": "attribute:disk == ssd and attribute:ecs.os-type == linux"},
        {"type": "memberOf", "expression": "attribute:ecs.cpu-architecture != arm64"}]), "RUNNING")
    spec = swarm.only().spec
    template = spec["TaskTemplate"]
    container = template["ContainerSpec"]
    assert (container["Image"], container["Command"], container["Args"], container["User"], container["Dir"], container["StopGracePeriod"]) == (
        "app:1", ["/run"], ["serve", "it"], "7:8", "/w", 9 * 10**9)
    assert (container["Init"], container["ReadOnly"], container["Ulimits"]) == (True, True, [{"Name": "nofile", "Soft": 10, "Hard": 20}])
    assert {"A=b", "HOST=0.0.0.0", "PORT=8000", "AWS_REGION=us-east-1"} <= set(container["Env"])
    assert container["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 7 * 10**9, "Timeout": 3 * 10**9, "Retries": 2, "StartPeriod": 10**9}
    assert template["Resources"] == {"Limits": {"MemoryBytes": 64 << 20, "Pids": 4096}, "Reservations": {"MemoryBytes": 32 << 20, "NanoCPUs": 250000000}}
    assert template["RestartPolicy"]["Condition"] == "none" and spec["Mode"] == {"Replicated": {"Replicas": 1}}
    assert template["Placement"]["Constraints"] == ["node.labels.disk==ssd", "node.platform.os==linux", "node.platform.arch!=aarch64"]
    assert spec["EndpointSpec"]["Ports"] == [{"Protocol": "tcp", "TargetPort": 8000, "PublishMode": "host"}]
    labels = container["Labels"]
    assert labels["mine"] == "1" and labels["com.amazonaws.ecs.task-arn"] == task["taskArn"] and labels["weir.installation"] == spec["Labels"]["weir.installation"]
    assert task["healthStatus"] == "HEALTHY", "a Swarm runs nothing that has not passed its check"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_its_nodes_address_and_port_are_the_target(tasks, swarm):
    """Not known before it runs, and then read back: the balancer reaches the node's published port."""
    weir = tasks.weir
    swarm.add_node("two", "127.3.3.3")
    listening = http.server.ThreadingHTTPServer(("127.3.3.3", 0), Answer)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    port = listening.server_address[1]
    swarm.holds = True
    group = weir.group(attributes={"deregistration_delay.timeout_seconds": "0"}, TargetType="ip")
    front, _ = weir.listener(weir.balancer(), group)
    tasks.define("web", "app:1")
    tasks.service(group=group)
    service = until(lambda: swarm.services and swarm.only(), what="a service")
    task = tasks.tasks()[0]
    assert task["attachments"][0]["status"] == "ATTACHING" and task["containers"][0]["networkInterfaces"] == []
    with_port = dict(service.spec["EndpointSpec"]["Ports"][0], PublishedPort=port)
    service.spec["EndpointSpec"]["Ports"] = [with_port]
    service.task["NodeID"] = "nodetwo"
    service.become("running")
    tasks.wait_stable()
    [health] = weir.call("elasticloadbalancing", "DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
    assert (health["Target"]["Id"], health["Target"]["Port"]) == ("127.3.3.3", port)
    assert until(lambda: get(front).status == 200, what="an answer")
    task = tasks.tasks()[0]
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    assert details["privateIPv4Address"] == task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] == "127.3.3.3"
    listening.shutdown()
    listening.server_close()


def test_an_instance_is_the_machine_of_that_address_and_another_is_refused(tasks, swarm):
    weir = tasks.weir
    tasks.define("web", "app:1", mode="bridge")
    group = weir.group(attributes={"deregistration_delay.timeout_seconds": "0"}, TargetType="instance")
    weir.listener(weir.balancer(), group)
    swarm.add_node("two", "127.3.3.3")
    tasks.service(group=group, networkConfiguration=None)
    until(lambda: swarm.services, what="a service")
    binding = until(lambda: (t := tasks.tasks()) and t[0]["containers"][0]["networkBindings"][0]["hostPort"] and t[0], what="its port")["containers"][0]["networkBindings"][0]
    assert binding["bindIP"] == "127.3.3.3" and binding["hostPort"] == swarm.only().task["Status"]["PortStatus"]["Ports"][0]["PublishedPort"]
    tasks("DeleteService", service="web", force=True)
    until(lambda: not swarm.services, what="its removal")
    swarm.add_node("three", "127.4.4.4")
    tasks.service("other", group=group, networkConfiguration=None)
    assert tasks.wait_event("instance.i-… = 127.4.4.4", "other")


def test_a_node_that_goes_down_has_its_tasks_replaced(tasks, swarm):
    two = swarm.add_node("two", "127.3.3.3")
    tasks.define("web", "app:1")
    tasks.service()
    tasks.wait_stable()
    lost = tasks.tasks()[0]["taskArn"]
    name = swarm.only().name
    swarm.nodes.append(swarm.nodes.pop(0))  # the next one comes to the other node
    two["Status"]["State"] = "down"
    task = tasks.wait_status(lost, "STOPPED")
    assert task["stoppedReason"] == "Host (node two of the Swarm) is down" and task["stopCode"] == "TerminationNotice"
    until(lambda: [s for s in swarm.services.values() if s.name != name and s.state == "running"], 20, "another")
    assert name not in swarm.services, "which would run again when its node comes back"


def test_what_the_swarm_says_of_a_failure_is_told(tasks, swarm):
    swarm.holds = True
    tasks.define("app", "app:1")
    for state, error, words in (("rejected", "No such image: app:1", "CannotPullContainerError: "), ("rejected", "invalid mount", "CannotCreateContainerError: "),
                                ("failed", "starting container failed: no such file", "CannotStartContainerError: ")):
        arn = tasks.run("app")
        service = until(lambda: swarm.services and swarm.only(), what="a service")
        service.task["NodeID"] = swarm.nodes[0]["ID"]
        service.become(state, 127, error)
        task = tasks.wait_status(arn, "STOPPED")
        assert (task["stoppedReason"], task["stopCode"]) == (words + error, "TaskFailedToStart") and "exitCode" not in task["containers"][0]
        until(lambda: not swarm.services, what="its removal")


def test_an_image_that_no_node_has_is_an_event_of_the_service(tasks):
    tasks.define("none", "none:1")
    tasks.service("none", "none")
    assert tasks.wait_event("has stopped: CannotPullContainerError: No such image: none:1", "none")


def test_an_engine_without_a_swarm_is_told(tasks, docker, swarm):
    swarm.manager = False
    tasks.define("app", "app:1")
    task = tasks.wait_status(tasks.run("app"), "STOPPED")
    assert "is no manager of a Swarm (docker swarm init makes it one)" in task["stoppedReason"]
    docker.stop()
    task = tasks.wait_status(tasks.run("app"), "STOPPED")
    assert "there is no such socket" in task["stoppedReason"]


def test_exit_codes_are_told_and_its_service_is_removed(tasks, swarm):
    tasks.define("app", "app:1")
    for state, code, error in (("complete", 0, None), ("failed", 3, "task: non-zero exit (3)")):
        arn = tasks.run("app")
        tasks.wait_status(arn, "RUNNING")
        swarm.only().become(state, code, error)
        assert tasks.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == code
        until(lambda: not swarm.services, what="its removal")


def test_stopping_leaves_its_end_to_be_read_and_starts_nothing_instead(tasks, swarm):
    tasks.define("app", "app:1", stopTimeout=7)
    arn = tasks.run("app")
    tasks.wait_status(arn, "RUNNING")
    service = swarm.only()
    tasks("StopTask", task=arn, reason="enough")
    task = tasks.wait_status(arn, "STOPPED")
    assert (task["containers"][0]["exitCode"], task["stoppedReason"], len(swarm.stops)) == (143, "enough", 1)
    assert service.spec["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 7 * 10**9
    assert [t["Status"]["State"] for t in service.tasks] == ["shutdown", "pending"] and "NodeID" not in service.tasks[1]
    swarm.holds = True
    arn = tasks.run("app")
    until(lambda: swarm.services, what="a service")
    tasks("StopTask", task=arn)
    assert "exitCode" not in tasks.wait_status(arn, "STOPPED")["containers"][0]
    until(lambda: not swarm.services, what="its removal")


def test_its_output_is_logged_once_and_to_the_end_though_weir_is_killed(tasks, docker, swarm):
    tasks.define("app", "app:1", logConfiguration=LOGS)
    arn = tasks.run("app")
    tasks.wait_status(arn, "RUNNING")
    service = swarm.only()
    for i, line in enumerate(("one\n", "two\n", "at the same time\n")):
        service.lines.append((stamp(min(i, 1) + 1), line))
    until(lambda: len(lines(tasks.weir)) == 3, what="three lines")
    tasks.weir.kill()
    service.lines.append((stamp(3), "while away\n"))
    service.become("failed", 4, "task: non-zero exit (4)")
    tasks.weir.start()
    assert tasks.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == 4
    assert lines(tasks.weir) == ["one", "two", "at the same time", "while away"]


def test_a_kill_is_survived_nothing_is_doubled_and_strays_are_removed(tasks, docker, swarm):
    tasks.define("web", "app:1")
    tasks.service(count=3)
    tasks.wait_stable()
    names, ids = set(swarm.services), {s.id for s in swarm.services.values()}
    tasks.weir.kill()
    stray = sorted(names)[0].replace("weir-", "weir-00000000")[:len(sorted(names)[0])]
    one = type(swarm.services[sorted(names)[0]])
    swarm.services[stray] = one(dict(swarm.services[sorted(names)[0]].spec, Name=stray), swarm.nodes[0])
    swarm.services["another"] = one(dict(swarm.services[stray].spec, Name="another", Labels={"weir.installation": "another"}), swarm.nodes[0])
    tasks.weir.start()
    until(lambda: stray not in swarm.services, what="the stray's removal")
    tasks.wait_stable()
    assert set(swarm.services) == names | {"another"} and ids <= {s.id for s in swarm.services.values()}
    # One that is removed while Weir is away ran, and is replaced.
    tasks.weir.kill()
    gone = sorted(names)[0]
    swarm.services.pop(gone)
    tasks.weir.start()
    until(lambda: len([s for s in swarm.services.values() if s.state == "running"]) == 3 and gone not in swarm.services, 20, "a third")


class KillsWith(KillsAt):
    """Kills Weir with the first question of that kind after a service is there, or is to be."""

    def __init__(self, weir, question, done, swarm):
        super().__init__(weir, 1, done)
        self.question, self.swarm = question, swarm

    def __call__(self, asked, done):
        if asked[0] == self.question[0] and asked[1].startswith(self.question[1]) and (self.swarm.services or asked[0] == "POST"):
            super().__call__(asked, done)


def test_a_kill_with_a_question_of_a_start_doubles_nothing(tasks, docker, swarm):
    tasks.define("app", "app:1")
    for done in (False, True):
        for question in (("POST", "/services/create"), ("GET", "/services"), ("GET", "/tasks")):
            kill = docker.tell = KillsWith(tasks.weir, question, done, swarm)
            arn = tasks.run("app")
            kill.armed.set()
            despite_the_kill(tasks.weir, kill, lambda: tasks.wait_status(arn, "RUNNING"))
            assert kill.hit.wait(10) and len(swarm.only().tasks) == 1, (question, done)
            despite_the_kill(tasks.weir, kill, lambda: tasks("StopTask", task=arn))
            despite_the_kill(tasks.weir, kill, lambda: tasks.wait_status(arn, "STOPPED"))
            until(lambda: not swarm.services, what="its removal")


def test_what_a_swarm_cannot_is_refused(tasks):
    with pytest.raises(Fault) as refused:
        tasks.define("two", "app:1", more=[{"name": "b", "image": "app:1", "memory": 64}])
    assert refused.value.code == "ClientException" and "one container a task" in refused.value.message
    for mode, more in (("awsvpc", {"privileged": True}), ("none", {"port": None})):
        with pytest.raises(Fault) as refused:
            tasks.define("two", "app:1", mode=mode, **more)
        assert refused.value.code == "ClientException"
    tasks.define("app", "app:1")
    for constraint in ({"type": "distinctInstance"}, {"type": "memberOf", "expression": "attribute:a =~ t2.*"}, {"type": "memberOf", "expression": "attribute:a == b or"},
                       {"type": "memberOf", "expression": "runningTasksCount == 1"}, {"type": "memberOf", "expression": "attribute:a exists"}):
        with pytest.raises(Fault) as refused:
            tasks.run("app", placementConstraints=[constraint])
        assert refused.value.code == "InvalidParameterException", constraint


# ---- A real Swarm, of one node ----

ADDRESS = "172.30.77.1"  # of the bridge that dockerd makes for itself: so it has an address that is not loopback, as machines have


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with run_dockerd(tmp_path_factory.mktemp("dockerd"), f"--bip={ADDRESS}/24") as socket:
        try:
            made = curl(socket, "POST", "/swarm/init", "-H", "Content-Type: application/json", "-d",
                        json.dumps({"ListenAddr": ADDRESS + ":23777", "AdvertiseAddr": ADDRESS}))
            if "message" in made:
                pytest.skip("no Swarm here: " + made)
            yield socket
        finally:
            curl(socket, "POST", "/swarm/leave?force=1")
    for link in ("docker_gwbridge", "docker0"):
        remove_link(link)


def names(socket):
    return {s["Spec"]["Name"] for s in json.loads(curl(socket, "GET", "/services"))}


def test_a_service_of_a_real_swarm_deploys_behind_a_balancer_and_survives_a_kill(real, tmp_path):
    with Weir("--engine", "swarm", "--docker-socket", str(real), auth="none") as weir:
        tasks = Tasks(weir, tmp_path)
        group = weir.group(attributes={"deregistration_delay.timeout_seconds": "0"}, TargetType="ip")
        port, _ = weir.listener(weir.balancer(), group)
        role = weir.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        tasks.define("web", "tiny:1", environment={"VERSION": "one"}, logConfiguration=LOGS, memory=32, stopTimeout=3, role=role)
        tasks.service(group=group)
        tasks.wait_stable(seconds=40)
        version, url = until(lambda: (answer := get(port)).status == 200 and answer, what="an answer").body.decode().split(" ")
        [health] = weir.call("elasticloadbalancing", "DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
        assert version == "one" and health["Target"]["Id"] == ADDRESS and health["Target"]["Port"] >= 1024
        # The task's own view of itself, from within.
        assert url.startswith(f"http://{ADDRESS}:") and '"KnownStatus":"RUNNING"' in get(port, "/fetch?" + url).body.decode()
        keys = get(port, "/fetch?" + get(port, "/env?AWS_CONTAINER_CREDENTIALS_FULL_URI").body.decode()).body.decode()
        assert f'"RoleArn":"{role}"' in keys and '"AccessKeyId":"ASIA' in keys
        until(lambda: "serving on 8000" in lines(weir), what="its line")
        tasks.define("web", "tiny:1", environment={"VERSION": "two"}, memory=32, stopTimeout=3)
        tasks("UpdateService", service="web", taskDefinition="web")
        until(lambda: len(names(real)) == 2, what="two deployments' services")
        weir.kill()
        weir.start()
        tasks.wait_stable(seconds=40)
        until(lambda: get(port).body.startswith(b"two "), what="the new version")
        until(lambda: len(names(real)) == 1, 20, what="one service")
        tasks("DeleteService", service="web", force=True)
        until(lambda: not names(real), 20, what="no service")


def test_services_of_a_real_swarm_tell_their_ends(real, tmp_path):
    with Weir("--engine", "swarm", "--docker-socket", str(real)) as weir:
        tasks = Tasks(weir, tmp_path)
        tasks.define("eat", "tiny:1", command=["eat"], memory=16)
        tasks.define("five", "tiny:1", command=["end"], memory=16)
        tasks.define("wrong", "tiny:1", entryPoint=["/nothing"])
        tasks.define("far", "registry.invalid/none:1")
        tasks.define("checked", "tiny:1", healthCheck={"command": ["CMD", "/server", "check"], "interval": 5}, stopTimeout=3)
        arns = {name: tasks.run(name) for name in ("eat", "five", "wrong", "far", "checked")}
        ended = {name: tasks.wait_status(arns[name], "STOPPED", 40) for name in ("eat", "five", "wrong", "far")}
        assert [ended[name]["containers"][0]["exitCode"] for name in ("eat", "five")] == [137, 5]
        assert ended["wrong"]["stoppedReason"].startswith("CannotStartContainerError: ") and "/nothing" in ended["wrong"]["stoppedReason"]
        assert ended["far"]["stoppedReason"] == "CannotPullContainerError: No such image: registry.invalid/none:1"
        assert tasks.wait_status(arns["checked"], "RUNNING", 40)["healthStatus"] == "HEALTHY"
        tasks("StopTask", task=arns["checked"])
        assert tasks.wait_status(arns["checked"], "STOPPED", 20)["containers"][0]["exitCode"] == 0
        until(lambda: not names(real), 20, what="no service")
