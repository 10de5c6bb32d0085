"""Tasks as processes: starting, ending, limits, logs, and what is left after a crash of Weir."""
import json
import re
import time
import urllib.error
import urllib.request

import pytest

from ecs_harness import Tasks, program
from harness import Fault, Weir, get, until


@pytest.fixture
def tasks(tmp_path):
    with Weir("--engine", "process") as weir:
        yield Tasks(weir, tmp_path)


def lines(weir, group):
    try:
        return [e["message"] for e in weir.call("logs", "FilterLogEvents", logGroupName=group)["events"]]
    except Fault:
        return []  # no line yet: the group comes with the first


LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/t", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
                                            "awslogs-create-group": "true"}}


def test_a_task_runs_with_its_words_logs_them_and_tells_its_exit_code(tasks, tmp_path):
    image = program(tmp_path, "say", '#!/bin/sh\necho "$1 $GREETING $HOST:$PORT"; echo err >&2; printf last; exit 3\n')
    tasks.define("say", image, command=["hello"], environment={"GREETING": "you"}, logConfiguration=LOGS)
    arn = tasks.run("say")
    task = tasks.wait_status(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"], task["containers"][0]["exitCode"]) == (
        "EssentialContainerExited", "Essential container in task exited", 3)
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert sorted(lines(tasks.weir, "/t")) == ["err", f"hello you {address}:8000", "last"]
    streams = tasks.weir.call("logs", "DescribeLogStreams", logGroupName="/t")["logStreams"]
    assert [s["logStreamName"] for s in streams] == [f"p/web/{arn.split('/')[-1]}"]
    assert task["createdAt"] <= task["pullStartedAt"] <= task["stoppedAt"]


def test_overrides_reach_the_program(tasks, tmp_path):
    image = program(tmp_path, "say", '#!/bin/sh\necho "$1 $A $B"\n')
    tasks.define("say", image, command=["plain"], environment={"A": "a", "B": "b"}, logConfiguration=LOGS)
    arn = tasks.run("say", overrides={"containerOverrides": [{"name": "web", "command": ["other"], "environment": [{"name": "B", "value": "new"}]}]})
    tasks.wait_status(arn, "STOPPED")
    assert lines(tasks.weir, "/t") == ["other a new"]


@pytest.mark.parametrize("image, words", [
    ("nginx:latest", "CannotPullContainerError: the process engine runs programs, not images: 'nginx:latest'"),
    ("weir/nothing", "CannotPullContainerError: there is no program nothing in "),
    ("file:/nonexistent", "CannotPullContainerError: /nonexistent is neither a folder nor a program"),
])
def test_a_program_that_is_not_there_is_told_in_a_sentence(tasks, image, words):
    tasks.define("bad", image)
    task = tasks.wait_status(tasks.run("bad"), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart" and task["stoppedReason"].startswith(words), task["stoppedReason"]
    assert task["containers"][0]["reason"] == task["stoppedReason"] and "exitCode" not in task["containers"][0]


def test_what_cannot_be_executed_is_told(tasks, tmp_path):
    image = program(tmp_path, "broken", "#!/no/such/interpreter\n")
    tasks.define("broken", image)
    task = tasks.wait_status(tasks.run("broken"), "STOPPED")
    assert task["stoppedReason"] == "CannotStartContainerError: the program cannot be run: No such file or directory"


def test_stopping_asks_first_and_kills_after_the_stop_timeout(tasks, tmp_path):
    image = program(tmp_path, "deaf", "#!/bin/sh\ntrap 'echo asked' TERM\necho up\nwhile :; do sleep 0.05; done\n")
    tasks.define("deaf", image, stopTimeout=1, logConfiguration=LOGS)
    arn = tasks.run("deaf")
    until(lambda: "up" in lines(tasks.weir, "/t"), what="its first line")
    before = time.monotonic()
    tasks("StopTask", task=arn, reason="enough")
    task = tasks.wait_status(arn, "STOPPED")
    assert time.monotonic() - before > 0.9
    assert (task["stopCode"], task["stoppedReason"], task["containers"][0]["exitCode"]) == ("UserInitiated", "enough", 137)
    assert "asked" in lines(tasks.weir, "/t")


def test_a_memory_eater_is_killed_and_says_so(tasks, tmp_path):
    tasks.define("eat", "file:/usr/bin/tail", command=["/dev/zero"], memory=64)
    task = tasks.wait_status(tasks.run("eat"), "STOPPED")
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_sidecar_starts_first_and_stops_last(tasks, tmp_path):
    say = '#!/bin/sh\ntrap \'echo end $NAME; exit 0\' TERM\necho begin $NAME\nwhile :; do sleep 0.02; done\n'
    image = program(tmp_path, "say", say)
    side = {"name": "side", "image": image, "memory": 64, "essential": False, "logConfiguration": LOGS,
            "environment": [{"name": "NAME", "value": "side"}]}
    tasks.define("two", image, environment={"NAME": "web"}, logConfiguration=LOGS, more=[side],
                 dependsOn=[{"containerName": "side", "condition": "START"}])
    arn = tasks.run("two")
    tasks.wait_status(arn, "RUNNING")
    until(lambda: len(lines(tasks.weir, "/t")) >= 2, what="both began")
    tasks("StopTask", task=arn)
    task = tasks.wait_status(arn, "STOPPED")
    assert [c["exitCode"] for c in task["containers"]] == [0, 0]
    said = lines(tasks.weir, "/t")
    assert said.index("end web") < said.index("end side")


def test_a_task_that_needs_another_to_succeed_first(tasks, tmp_path):
    init = {"name": "init", "image": program(tmp_path, "init", "#!/bin/sh\nexit ${CODE:-0}\n"), "memory": 64, "essential": False}
    tasks.define("good", more=[init], dependsOn=[{"containerName": "init", "condition": "SUCCESS"}])
    tasks.wait_status(tasks.run("good"), "RUNNING")
    tasks.define("bad", more=[{**init, "environment": [{"name": "CODE", "value": "1"}]}],
                 dependsOn=[{"containerName": "init", "condition": "SUCCESS"}])
    task = tasks.wait_status(tasks.run("bad"), "STOPPED")
    assert task["stoppedReason"] == "Container 'web' cannot start: a container that it depends on failed"


def test_a_container_that_runs_is_told_so_while_others_wait_for_it(tasks, tmp_path):
    first = program(tmp_path, "first", f"#!/bin/sh\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.05; done\n")
    tasks.define("waits", more=[{"name": "first", "image": first, "memory": 64, "essential": False}],
                 dependsOn=[{"containerName": "first", "condition": "COMPLETE"}])
    arn = tasks.run("waits")

    def statuses():
        return {c["name"]: c["lastStatus"] for c in tasks.task(arn)["containers"]}
    until(lambda: statuses() == {"web": "PENDING", "first": "RUNNING"}, 10, "the first runs, the other waits")
    (tmp_path / "go").touch()
    tasks.wait_status(arn, "RUNNING")
    tasks("StopTask", task=arn)


def test_a_container_health_check_speaks_for_its_task(tasks, tmp_path):
    flag = tmp_path / "flag"
    tasks.define("checked", healthCheck={"command": ["CMD-SHELL", f"test ! -e {flag}"], "interval": 5, "retries": 1})
    arn = tasks.run("checked")
    until(lambda: tasks.task(arn)["healthStatus"] == "HEALTHY", 10, "HEALTHY")
    flag.write_text("")
    until(lambda: tasks.task(arn)["healthStatus"] == "UNHEALTHY", 12, "UNHEALTHY")


def test_a_check_that_fails_before_its_first_interval_says_nothing(tasks, tmp_path):
    tasks.define("starts", healthCheck={"command": ["CMD-SHELL", f"touch {tmp_path}/looked; false"], "interval": 60, "retries": 1})
    arn = tasks.run("starts")
    until((tmp_path / "looked").exists, 10, "the first look")
    time.sleep(1)
    assert tasks.task(arn)["healthStatus"] == "UNKNOWN"
    tasks("StopTask", task=arn)


def test_the_metadata_endpoint_tells_a_task_of_itself(tasks, tmp_path):
    image = program(tmp_path, "ask", "#!/bin/sh\necho $ECS_CONTAINER_METADATA_URI_V4; sleep 60\n")
    tasks.define("ask", image, logConfiguration=LOGS, dockerLabels={"mine": "1"})
    arn = tasks.run("ask", tags=[{"key": "team", "value": "a"}])
    tasks.wait_status(arn, "RUNNING")
    url = until(lambda: lines(tasks.weir, "/t"), 5, "its line")[0]
    view = json.load(urllib.request.urlopen(url))
    assert view["Name"] == "web" and view["Labels"]["mine"] == "1" and view["Labels"]["com.amazonaws.ecs.task-arn"] == arn
    assert view["Limits"] == {"Memory": 512} and view["LogOptions"]["awslogs-group"] == "/t" and view["Networks"][0]["NetworkMode"] == "awsvpc"
    whole = json.load(urllib.request.urlopen(url + "/task"))
    assert whole["TaskARN"] == arn and whole["AvailabilityZone"] == "us-east-1a" and "TaskTags" not in whole and "ServiceName" not in whole
    assert json.load(urllib.request.urlopen(url + "/taskWithTags"))["TaskTags"] == {"team": "a"}
    assert json.load(urllib.request.urlopen(url + "/stats"))["memory_stats"]["usage"] > 0
    assert list(json.load(urllib.request.urlopen(url + "/task/stats"))) == [view["DockerId"]]
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(re.sub("tasks/....", "tasks/0000", url))


def test_tasks_of_mode_bridge_get_free_ports_of_this_machine(tasks):
    tasks.define("shared", mode="bridge")
    arns = [tasks.run("shared", networkConfiguration=None) for _ in range(2)]
    ports = [tasks.wait_status(a, "RUNNING")["containers"][0]["networkBindings"][0]["hostPort"] for a in arns]
    assert len(set(ports)) == 2
    for port in ports:
        until(lambda: answers(port), what="an answer")


def answers(port):
    try:
        return get(port).status == 200
    except OSError:
        return False


# ---- Crashes ----

def test_tasks_outlive_a_killed_weir_and_are_taken_up_again(tasks, tmp_path):
    image = program(tmp_path, "code", "#!/bin/sh\ntrap 'echo bye; exit 9' TERM\necho up\nwhile :; do sleep 0.02; done\n")
    tasks.define("code", image, logConfiguration=LOGS)
    arn = tasks.run("code")
    tasks.wait_status(arn, "RUNNING")
    before = tasks.keepers()
    assert len(before) == 1
    tasks.weir.kill()
    assert tasks.keepers() == before, "it runs on"
    tasks.weir.start()
    assert tasks.keepers() == before and tasks.task(arn)["lastStatus"] == "RUNNING"
    tasks("StopTask", task=arn)
    task = tasks.wait_status(arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 9, "its exit code is known, though we were not its parent"
    assert lines(tasks.weir, "/t") == ["up", "bye"], "each line once"
    assert not tasks.keepers()


def test_what_ended_while_weir_was_away_is_known_afterwards(tasks, tmp_path):
    image = program(tmp_path, "brief", "#!/bin/sh\nsleep 0.8; echo done; exit 4\n")
    tasks.define("brief", image, logConfiguration=LOGS)
    arn = tasks.run("brief")
    tasks.wait_status(arn, "RUNNING")
    tasks.weir.kill()
    until(lambda: not tasks.keepers(), what="its end")
    tasks.weir.start()
    task = tasks.wait_status(arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 4 and lines(tasks.weir, "/t") == ["done"]


def test_an_orderly_stop_of_weir_leaves_nothing_running(tmp_path):
    with Weir() as weir:
        tasks = Tasks(weir, tmp_path)
        tasks.define()
        tasks.service(count=2)
        tasks.wait_stable()
        assert len(tasks.keepers()) == 2
        weir.stop()
        assert not tasks.keepers()
        weir.start()
        tasks.wait_stable()
        assert len(tasks.keepers()) == 2, "the service is what it was"
