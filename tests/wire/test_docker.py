"""Tasks as containers: what a Docker Engine is asked (a fake one, always) and that it works (a real one, where it may run)."""
import http.client
import json
import signal
import subprocess
import threading
import time

import pytest

from ecs_harness import Tasks
from fake_docker import FakeDocker, stamp
from harness import Fault, Weir, get, until
from real_docker import containers, run_dockerd, run_podman

LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/t", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
                                            "awslogs-create-group": "true"}}


def lines(weir):
    try:
        return [e["message"] for e in weir.call("logs", "FilterLogEvents", logGroupName="/t")["events"]]
    except Fault:
        return []


# ---- The contract, with an engine that runs nothing ----

@pytest.fixture
def docker(tmp_path):
    fake = FakeDocker(tmp_path / "docker.sock")
    yield fake
    if not fake.gone:
        fake.stop()


@pytest.fixture
def tasks(docker, tmp_path):
    with Weir("--docker-socket", docker.path) as weir:
        yield Tasks(weir, tmp_path)


def test_what_a_container_is_made_of(tasks, docker):
    tasks.define("app", "app:1", environment={"A": "b"}, command=["serve", "it"], entryPoint=["/run"], user="7:8", workingDirectory="/w", cpu=256,
                 memory=64, memoryReservation=32, stopTimeout=9, dockerLabels={"mine": "1"}, logConfiguration=LOGS,
                 ulimits=[{"name": "nofile", "softLimit": 10, "hardLimit": 20}], linuxParameters={"initProcessEnabled": True},
                 healthCheck={"command": ["CMD-SHELL", "true"], "interval": 7, "timeout": 3, "retries": 2, "startPeriod": 1})
    task = tasks.wait_status(tasks.run("app"), "RUNNING")
    spec, host = docker.only().spec, docker.only().spec["HostConfig"]
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert (spec["Image"], spec["Entrypoint"], spec["Cmd"], spec["User"], spec["WorkingDir"], spec["StopTimeout"]) == (
        "app:1", ["/run"], ["serve", "it"], "7:8", "/w", 9)
    assert {"A=b", "HOST=0.0.0.0", "PORT=8000", "AWS_REGION=us-east-1"} <= set(spec["Env"]) and not [e for e in spec["Env"] if e.startswith(("PATH=", "HOME="))]
    assert host["PortBindings"] == {"8000/tcp": [{"HostIp": address, "HostPort": "8000"}]} and host["NetworkMode"] == "weir"
    assert (host["Memory"], host["MemorySwap"], host["MemoryReservation"], host["CpuShares"], host["PidsLimit"], host["Init"]) == (
        64 << 20, 64 << 20, 32 << 20, 256, 4096, True)
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 10, "Hard": 20}] and host["RestartPolicy"]["Name"] == "no"
    assert spec["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 7 * 10**9, "Timeout": 3 * 10**9, "Retries": 2, "StartPeriod": 10**9}
    labels = spec["Labels"]
    assert labels["mine"] == "1" and labels["com.amazonaws.ecs.task-arn"] == task["taskArn"] and labels["com.amazonaws.ecs.container-name"] == "web"
    assert docker.networks["weir"]["IPAM"]["Config"] == [{"Subnet": "169.254.170.0/23", "Gateway": "169.254.170.2"}]


def test_a_shared_network_publishes_nothing_and_a_free_port_is_given_otherwise(tasks, docker):
    tasks.define("host", "app:1", mode="host")
    tasks.wait_status(tasks.run("host", networkConfiguration=None), "RUNNING")
    spec = docker.only().spec
    assert spec["HostConfig"]["NetworkMode"] == "host" and spec["HostConfig"]["PortBindings"] == {} and "PORT=8000" in spec["Env"]
    docker.end(docker.only().name)
    until(lambda: not docker.containers, what="its removal")
    tasks.define("bridge", "app:1", mode="bridge")
    task = tasks.wait_status(tasks.run("bridge", networkConfiguration=None), "RUNNING")
    port = task["containers"][0]["networkBindings"][0]["hostPort"]
    assert docker.only().spec["HostConfig"]["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}


def test_what_only_containers_have_is_theirs_alone(tasks, docker):
    own = {"readonlyRootFilesystem": True, "privileged": True}
    tasks.define("app", "app:1", mode="bridge", hostname="h", **own)
    tasks.wait_status(tasks.run("app", networkConfiguration=None), "RUNNING")
    spec = docker.only().spec
    assert spec["Hostname"] == "h" and spec["HostConfig"]["ReadonlyRootfs"] is True and spec["HostConfig"]["Privileged"] is True
    for image, more in (("file:/bin/true", own), ("app:1", {"hostname": "h"}), ("app:1", {"pseudoTerminal": True})):
        with pytest.raises(Fault) as refused:
            tasks.define("app", image, **more)
        assert refused.value.code == "ClientException"


def test_an_image_that_is_missing_is_pulled_and_one_that_cannot_be_is_told(tasks, docker):
    docker.registry.add("reg.example:5000/a/b:2")
    tasks.define("far", "reg.example:5000/a/b:2")
    tasks.wait_status(tasks.run("far"), "RUNNING")
    assert docker.count("POST", "fromImage=reg.example%3A5000%2Fa%2Fb&tag=2") == 1
    tasks.define("none", "none")
    tasks.service("none", "none")
    tasks.wait_event("(task ", "none")
    event = tasks.wait_event("has stopped: CannotPullContainerError: pull access denied for none:latest", "none")
    assert event
    stopped = tasks.tasks("STOPPED", family="none")
    assert stopped[0]["stopCode"] == "TaskFailedToStart" and stopped[0]["containers"][0]["reason"] == stopped[0]["stoppedReason"]


@pytest.mark.parametrize("question, words", [
    (("POST", "/containers/create"), "CannotCreateContainerError: no room left"),
    (("POST", "/start"), "CannotStartContainerError: no room left"),
    (("GET", "/images/"), "CannotPullContainerError: no room left"),
    (("POST", "/networks/create"), "CannotCreateContainerError: no room left"),
])
def test_what_the_engine_refuses_is_told_in_its_words_and_leaves_nothing(tasks, docker, question, words):
    docker.fails[question] = (500, "no room left")
    tasks.define("app", "app:1")
    task = tasks.wait_status(tasks.run("app"), "STOPPED")
    assert (task["stoppedReason"], task["stopCode"]) == (words, "TaskFailedToStart") and "exitCode" not in task["containers"][0]
    until(lambda: not docker.containers, what="its removal")


def test_no_engine_is_told(tasks, docker):
    tasks.define("app", "app:1")
    docker.stop()
    task = tasks.wait_status(tasks.run("app"), "STOPPED")
    assert "'app:1' is neither" in task["stoppedReason"] and "--docker-socket" in task["stoppedReason"]


def test_exit_codes_and_memory_are_told_and_its_container_is_removed(tasks, docker):
    tasks.define("app", "app:1")
    for code, oom, reason in ((3, False, None), (137, True, "OutOfMemoryError: Container killed due to memory usage")):
        arn = tasks.run("app")
        tasks.wait_status(arn, "RUNNING")
        docker.end(docker.only().name, code, oom)
        container = tasks.wait_status(arn, "STOPPED")["containers"][0]
        assert (container["exitCode"], container.get("reason")) == (code, reason)
        until(lambda: not docker.containers, what="its removal")


def test_its_output_is_logged_once_though_the_stream_breaks_and_weir_is_killed(tasks, docker):
    tasks.define("app", "app:1", logConfiguration=LOGS)
    arn = tasks.run("app")
    tasks.wait_status(arn, "RUNNING")
    name = docker.only().name
    docker.say(name, "one\n")
    docker.say(name, "two\n")
    docker.say(name, "at the same time\n", stamp(2))
    until(lambda: len(lines(tasks.weir)) == 3, what="three lines")
    docker.stop()
    docker.start()
    docker.say(name, "still at that time\n", stamp(2))
    docker.say(name, "three\n")
    until(lambda: len(lines(tasks.weir)) == 5, what="five lines")
    tasks.weir.kill()
    docker.say(name, "while away\n")
    docker.end(name, 4)
    tasks.weir.start()
    task = tasks.wait_status(arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 4
    assert lines(tasks.weir) == ["one", "two", "at the same time", "still at that time", "three", "while away"]


def test_stopping_gives_the_engine_the_stop_timeout(tasks, docker):
    tasks.define("app", "app:1", stopTimeout=7)
    arn = tasks.run("app")
    tasks.wait_status(arn, "RUNNING")
    container = docker.only()
    tasks("StopTask", task=arn, reason="enough")
    task = tasks.wait_status(arn, "STOPPED")
    assert (container.stops, container.grace, task["containers"][0]["exitCode"], task["stoppedReason"]) == (1, 7, 143, "enough")


def test_health_is_what_the_engine_says(tasks, docker):
    tasks.define("app", "app:1", healthCheck={"command": ["CMD", "x"], "interval": 5})
    arn = tasks.run("app")
    tasks.wait_status(arn, "RUNNING")
    for word in ("healthy", "unhealthy"):
        docker.only().health = word
        until(lambda: tasks.task(arn)["healthStatus"] == word.upper(), what=word)


def test_a_weir_that_is_killed_at_any_moment_of_a_start_doubles_nothing(tasks, docker):
    tasks.define("app", "app:1")
    for i in range(8):
        arn = tasks.run("app")
        time.sleep(i * 0.012)
        tasks.weir.kill()
        tasks.weir.start()
        tasks.wait_status(arn, "RUNNING")
        container = docker.only()
        assert container.started == 1
        tasks("StopTask", task=arn)
        tasks.wait_status(arn, "STOPPED")
        until(lambda: not docker.containers, what="its removal")


class KillsAt:
    """Kills Weir with its n-th question, before the engine has done it or before it has said so."""

    def __init__(self, weir, number, done):
        self.weir, self.left, self.done, self.hit = weir, number, done, threading.Event()
        self.lock, self.armed = threading.Lock(), threading.Event()

    def __call__(self, _question, done):
        self.armed.wait(10)
        with self.lock:
            if done != self.done or self.hit.is_set():
                return
            self.left -= 1
            if self.left == 0:
                self.hit.set()
                self.weir.process.send_signal(signal.SIGKILL)
                self.weir.process.wait()


def despite_the_kill(weir, kill, walk):
    """Walks on; where Weir is killed on the way it is started again and the walk begins anew."""
    while True:
        try:
            return walk()
        except (AssertionError, OSError, http.client.HTTPException):
            if not kill.hit.is_set():
                raise
            weir.process.wait(2)  # that was it; or else it lives, and the walk itself failed
            weir.log_file.close()
            weir.start()


@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "before it is told"])
def test_a_kill_at_each_question_of_a_containers_life_doubles_nothing_and_loses_nothing(tasks, docker, done):
    tasks.define("app", "app:1", stopTimeout=2)
    weir, number, kill = tasks.weir, 0, None
    while not kill or kill.hit.is_set():
        number += 1
        starts = []
        kill = docker.tell = KillsAt(weir, number, done)
        arn = tasks.run("app")
        kill.armed.set()
        despite_the_kill(weir, kill, lambda: tasks.wait_status(arn, "RUNNING"))
        container = docker.only()
        starts.append(container.started)
        despite_the_kill(weir, kill, lambda: tasks("StopTask", task=arn))
        task = despite_the_kill(weir, kill, lambda: tasks.wait_status(arn, "STOPPED"))
        starts.append(container.started)
        assert starts == [1, 1] and task["containers"][0]["exitCode"] == 143, (number, starts, task)
        # What is removed last may be asked for with the last breath: then the next start does it.
        try:
            until(lambda: not docker.containers, 2, "its removal")
        except AssertionError:
            weir.kill()
            weir.start()
            until(lambda: not docker.containers, what="its removal")
        docker.tell = lambda question, done: None
        with kill.lock:
            pass  # a kill with the very last question is through
        if weir.process.poll() is not None:
            weir.log_file.close()
            weir.start()
    assert number > 8, "a life has that many questions at least"


def test_what_nobody_wants_is_removed_at_the_next_start(tasks, docker):
    tasks.define("app", "app:1")
    tasks.wait_status(tasks.run("app"), "RUNNING")
    container = docker.only()
    tasks.weir.kill()
    stray = container.name.replace("weir-", "weir-00000000")[:len(container.name)]
    docker.containers[stray] = type(container)(stray, container.spec)
    other = dict(container.spec, Labels={"weir.installation": "another"})
    docker.containers["another"] = type(container)("another", other)
    tasks.weir.start()
    until(lambda: stray not in docker.containers, what="the stray's removal")
    assert {container.name, "another"} == set(docker.containers)


def test_a_container_that_was_removed_behind_our_back_is_replaced(tasks, docker):
    tasks.define("app", "app:1")
    tasks.service(definition="app")
    tasks.wait_stable()
    name = docker.only().name
    docker.end(name)
    docker.containers.pop(name)
    until(lambda: [c for c in docker.containers.values() if c.name != name and c.started], seconds=20, what="another")
    until(lambda: [t for t in tasks.tasks(serviceName="web") if t["lastStatus"] == "RUNNING"], what="it runs")
    # And while Weir is away: nothing of that name is there, though it ran.
    tasks.weir.kill()
    gone = docker.only().name
    docker.end(gone)
    docker.containers.pop(gone)
    tasks.weir.start()
    until(lambda: [c for c in docker.containers.values() if c.name != gone and c.started], seconds=20, what="a third")


def two(tasks, **more):
    side = {"name": "side", "image": "app:1", "memory": 32, "portMappings": [{"containerPort": 8001}], "dependsOn": [{"containerName": "web", "condition": "START"}]}
    tasks.define("two", "app:1", more=[side], **more)


@pytest.mark.parametrize("taken", [None, (500, 'creating container storage: the container name "x" is already in use by y')], ids=["docker", "podman"])
def test_containers_of_one_task_join_a_network_that_a_container_of_ours_owns(tasks, docker, taken):
    docker.taken = taken or docker.taken
    two(tasks)
    arn = tasks.run("two")
    task = tasks.wait_status(arn, "RUNNING")
    address, owner = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"], f"weir-{arn[-32:]}.net"
    assert set(docker.containers) == {owner, f"weir-{arn[-32:]}-web", f"weir-{arn[-32:]}-side"} and docker.count("POST", "/images/load") == 1
    spec = docker.containers[owner].spec
    assert spec["Image"] == "localhost/weir-pause:1" and spec["HostConfig"]["NetworkMode"] == "weir"
    assert spec["HostConfig"]["PortBindings"] == {f"{p}/tcp": [{"HostIp": address, "HostPort": str(p)}] for p in (8000, 8001)}
    for name in ("web", "side"):
        host = docker.containers[f"weir-{arn[-32:]}-{name}"].spec["HostConfig"]
        assert host["NetworkMode"] == "container:" + owner and "PortBindings" not in host
    # What a killed Weir finds goes on; and with the task all three go.
    tasks.weir.kill()
    tasks.weir.start()
    tasks("StopTask", task=arn)
    tasks.wait_status(arn, "STOPPED")
    until(lambda: not docker.containers, what="their removal")
    tasks.wait_status(tasks.run("two"), "RUNNING")
    assert docker.count("POST", "/images/load") == 1, "the image is there"


def test_a_network_that_cannot_be_made_is_told_and_none_is_shared_in_mode_bridge(tasks, docker):
    two(tasks)
    docker.fails[("POST", "/images/load")] = (500, "no room left")
    task = tasks.wait_status(tasks.run("two"), "STOPPED")
    assert task["stoppedReason"] == "CannotCreateContainerError: the network of its task: no room left"
    until(lambda: not docker.containers, what="their removal")
    two(tasks, mode="bridge")
    tasks.wait_status(tasks.run("two", networkConfiguration=None), "RUNNING")
    assert {c.spec["HostConfig"]["NetworkMode"] for c in docker.containers.values()} == {"weir"} and len(docker.containers) == 2


# ---- A real engine ----

@pytest.fixture(scope="module", params=["docker", "podman"])
def dockerd(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with run_dockerd(folder, "--bridge=none") if request.param == "docker" else run_podman(folder) as socket:
        yield socket


def test_a_service_of_real_containers_deploys_behind_a_balancer_and_survives_a_kill(dockerd, tmp_path):
    with Weir("--docker-socket", str(dockerd), auth="none") as weir:
        tasks = Tasks(weir, tmp_path)
        group = weir.group(attributes={"deregistration_delay.timeout_seconds": "0"}, TargetType="ip")
        port, _ = weir.listener(weir.balancer(), group)
        tasks.define("web", "tiny:1", environment={"VERSION": "one"}, logConfiguration=LOGS)
        tasks.service(group=group)
        tasks.wait_stable()
        version, url = get(port).body.decode().split(" ")
        assert version == "one"
        # The task's own view of itself, from where containers reach it.
        assert "169.254.170.2" in url and '"KnownStatus":"RUNNING"' in subprocess.run(["curl", "-sS", "-m", "5", url], capture_output=True, text=True).stdout
        until(lambda: "serving on 8000" in lines(weir), what="its line")
        tasks.define("web", "tiny:1", environment={"VERSION": "two"})
        tasks("UpdateService", service="web", taskDefinition="web")
        until(lambda: len(containers(dockerd)) == 2, what="two deployments' containers")
        weir.kill()
        weir.start()
        tasks.wait_stable()
        until(lambda: get(port).body.startswith(b"two "), what="the new version")
        until(lambda: len(containers(dockerd)) == 1, what="one container")
        tasks("DeleteService", service="web", force=True)
        until(lambda: not containers(dockerd), what="no container")


OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def test_real_containers_tell_their_ends(dockerd, tmp_path):
    with Weir("--docker-socket", str(dockerd)) as weir:
        tasks = Tasks(weir, tmp_path)
        tasks.define("eat", "tiny:1", command=["eat"], memory=16)
        tasks.define("wrong", "tiny:1", entryPoint=["/nothing"])
        tasks.define("far", "registry.invalid/none:1")
        tasks.define("checked", "tiny:1", healthCheck={"command": ["CMD", "/server", "check"], "interval": 5})
        wrong, far, checked = (tasks.run(name) for name in ("wrong", "far", "checked"))
        # Docker hears of the kernel's kill and of the end on two ways, and the first may be late: then it does not know. Podman may never.
        for _ in range(1 if dockerd.name == "podman.sock" else 5):
            ate = tasks.wait_status(tasks.run("eat"), "STOPPED")["containers"][0]
            assert ate["exitCode"] == 137
            if "reason" in ate:
                break
        assert ate.get("reason", "" if dockerd.name != "podman.sock" else OUT_OF_MEMORY) == OUT_OF_MEMORY
        reason = tasks.wait_status(wrong, "STOPPED")["stoppedReason"]
        assert reason.startswith("CannotStartContainerError: ") and "/nothing" in reason
        assert tasks.wait_status(far, "STOPPED", 40)["stoppedReason"].startswith("CannotPullContainerError: ")
        if dockerd.name != "podman.sock":  # which leaves that to systemd
            until(lambda: tasks.task(checked)["healthStatus"] == "HEALTHY", 20, "HEALTHY")
        tasks("StopTask", task=checked)
        assert tasks.wait_status(checked, "STOPPED")["containers"][0]["exitCode"] == 0
        until(lambda: not containers(dockerd), what="no container")


TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def test_containers_of_one_task_meet_on_localhost_and_find_their_roles_keys(dockerd, tmp_path):
    """What both ask, they ask from inside: the sidecar, the metadata endpoint and the keys, as AWS's clients do."""
    with Weir("--docker-socket", str(dockerd), auth="none") as weir:
        tasks = Tasks(weir, tmp_path)
        role = weir.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        side = {"name": "side", "image": "tiny:1", "memory": 32, "essential": False, "portMappings": [{"containerPort": 8001}],
                "environment": [{"name": "VERSION", "value": "side"}], "dependsOn": [{"containerName": "web", "condition": "START"}]}
        tasks("RegisterTaskDefinition", family="two", networkMode="awsvpc", taskRoleArn=role, containerDefinitions=[
            {"name": "web", "image": "tiny:1", "memory": 32, "portMappings": [{"containerPort": 8000}], "stopTimeout": 3}, side])
        arn = tasks.run("two")
        address = tasks.wait_status(arn, "RUNNING", 30)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]

        def ask(port, path):
            return until(lambda: subprocess.run(["curl", "-sS", "-m", "5", f"http://{address}:{port}{path}"], check=True, capture_output=True, text=True).stdout,
                         what="an answer", despite=subprocess.CalledProcessError)

        for asked, other, words in ((8000, 8001, "side "), (8001, 8000, "1 ")):
            until(lambda: ask(asked, f"/fetch?http://127.0.0.1:{other}/").splitlines()[-1].startswith(words), what=f"{other} from within {asked}")
        task = json.loads(ask(8001, "/fetch?" + ask(8001, "/env?ECS_CONTAINER_METADATA_URI_V4") + "/task").split("\n\n", 1)[1])
        assert task["TaskARN"] == arn and {c["Name"] for c in task["Containers"]} == {"web", "side"}
        url = ask(8000, "/env?AWS_CONTAINER_CREDENTIALS_FULL_URI")
        keys = json.loads(ask(8000, "/fetch?" + url).split("\n\n", 1)[1])
        assert url.startswith("http://169.254.170.2:") and keys["RoleArn"] == role and keys["AccessKeyId"].startswith("ASIA") and keys["Token"]
        # A kill changes nothing about it, and its end leaves nothing.
        before = containers(dockerd)
        assert len(before) == 2 and len(containers(dockerd, ".net")) == 1
        weir.kill()
        weir.start()
        assert ask(8000, "/fetch?http://127.0.0.1:8001/").splitlines()[-1].startswith("side ") and containers(dockerd) == before
        tasks("StopTask", task=arn)
        tasks.wait_status(arn, "STOPPED", 20)
        until(lambda: not containers(dockerd) and not containers(dockerd, ".net"), what="no container")
