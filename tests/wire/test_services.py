"""Services: rolling deployments, failures told, rollback, and no task doubled or lost by a crash."""
import os
import random
import threading
import time

import pytest

from ecs_harness import Tasks, program
from harness import Fault, Weir, get, until


@pytest.fixture
def tasks(tmp_path):
    with Weir() as weir:
        yield Tasks(weir, tmp_path)


@pytest.fixture
def web(tasks):
    """A service of two behind a load balancer; tasks.port is where clients come in."""
    tasks.group = tasks.weir.group(HealthCheckPath="/health", HealthyThresholdCount=2, attributes={"deregistration_delay.timeout_seconds": 5})
    tasks.port, _ = tasks.weir.listener(tasks.weir.balancer(), tasks.group)
    tasks.define()
    return tasks


def version(tasks):
    answer = get(tasks.port)
    return answer.body.split()[0].decode() if answer.status == 200 else answer.status


def test_a_service_registers_its_tasks_and_traffic_flows(web):
    made = web.service(count=2, group=web.group)
    assert made["status"] == "ACTIVE" and made["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    service = web.wait_stable()
    assert service["pendingCount"] == 0 and version(web) == "1"
    addresses = {t["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for t in web.tasks(serviceName="web")}
    rows = web.weir.elbv2("DescribeTargetHealth", TargetGroupArn=web.group)["TargetHealthDescriptions"]
    assert {r["Target"]["Id"] for r in rows} == addresses and len(addresses) == 2
    events = web.events()
    for words in ("has started 2 tasks", "registered 1 targets in (target-group", "deployment completed.", "has reached a steady state."):
        assert any(words in m for m in events), (words, events)
    assert {get(web.port).body for _ in range(20)} == {get(web.port).body for _ in range(20)}, "both answer"


def test_a_new_version_replaces_the_old_one_without_a_failed_request(web):
    web.service(count=2, group=web.group)
    web.wait_stable()
    seen, failed, done = set(), [], threading.Event()

    def ask():
        while not done.is_set():
            answer = version(web)
            (failed.append if isinstance(answer, int) else seen.add)(answer)
            time.sleep(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    web.define(environment={"VERSION": "2"})
    updated = web("UpdateService", service="web", taskDefinition="web")["service"]
    assert [d["status"] for d in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    web.wait_stable(seconds=40)
    until(lambda: not web.weir.health(web.group) or version(web) == "2")
    done.set()
    thread.join()
    assert not failed and seen == {"1", "2"}, (failed[:5], seen)
    assert version(web) == "2" and len(web.tasks(serviceName="web")) == 2


def test_a_dead_task_is_replaced(web):
    web.service(count=1, group=web.group)
    web.wait_stable()
    first = web.tasks(serviceName="web")[0]["taskArn"]
    os.kill(int(get(web.port).body.split()[1]), 9)
    until(lambda: (now := web.tasks(serviceName="web")) and now[0]["taskArn"] != first and now[0]["lastStatus"] == "RUNNING", 15, "another task")
    task = web.task(first)
    assert task["stopCode"] == "EssentialContainerExited" and task["containers"][0]["exitCode"] == 137
    web.wait_event("Essential container in task exited")


def test_a_bad_image_opens_the_breaker_and_rolls_back(web):
    web.service(count=1, group=web.group, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    web.wait_stable()
    good = web.look()["deployments"][0]
    web.define(image="weir/nothing")
    web("UpdateService", service="web", taskDefinition="web")
    web.wait_event("deployment failed: tasks failed to start.")
    service = web.wait_stable()
    assert service["deployments"][0]["id"] == good["id"] and service["taskDefinition"] == good["taskDefinition"]
    assert "rolling back" in " ".join(web.events()) and version(web) == "1"
    assert any("CannotPullContainerError: there is no program nothing" in m for m in web.events())


def test_without_a_way_back_the_deployment_has_failed(tasks, tmp_path):
    tasks.define(image=program(tmp_path, "brief", "#!/bin/sh\nexit 1\n"))
    tasks.service(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    failed = until(lambda: (d := tasks.look()["deployments"][0])["rolloutState"] == "FAILED" and d, 20, "FAILED")
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start." and failed["failedTasks"] == 3
    tasks.wait_event("is unable to consistently start tasks successfully")
    time.sleep(1.5)
    assert not tasks.tasks(serviceName="web"), "it does not go on trying"


def test_who_is_never_healthy_is_replaced_after_the_grace_period_and_said(web):
    web.define(environment={"MOOD": "sick"})
    web.service(count=1, group=web.group, healthCheckGracePeriodSeconds=1)
    first = until(lambda: web.tasks(serviceName="web"), 10, "a task")[0]["taskArn"]
    words = web.wait_event("is unhealthy in (target-group", seconds=40)[0]
    assert "(reason Health checks failed with these codes: [500])" in words
    task = web.wait_status(first, "STOPPED")
    assert task["stoppedReason"].startswith("Task failed ELB health checks") and task["stopCode"] == "ServiceSchedulerInitiated"


def test_scaling_in_and_out_and_forcing_a_new_deployment(tasks):
    tasks.define()
    tasks.service(count=1)
    tasks.wait_stable()
    tasks("UpdateService", service="web", desiredCount=3)
    tasks.wait_stable()
    before = {t["taskArn"] for t in tasks.tasks(serviceName="web")}
    assert len(before) == 3
    tasks("UpdateService", service="web", desiredCount=1)
    until(lambda: len(tasks.tasks(serviceName="web")) == 1, what="one task")
    tasks.wait_stable()
    tasks("UpdateService", service="web", forceNewDeployment=True)
    tasks.wait_stable()
    assert not before & {t["taskArn"] for t in tasks.tasks(serviceName="web")}


def test_deleting_a_service_stops_its_tasks_and_takes_its_targets_away(web):
    web.service(count=1, group=web.group)
    web.wait_stable()
    with pytest.raises(Fault, match="The service cannot be stopped while it is scaled above 0."):
        web("DeleteService", service="web")
    assert web("DeleteService", service="web", force=True)["service"]["status"] == "DRAINING"
    until(lambda: web.look()["status"] == "INACTIVE", 15, "INACTIVE")
    assert not web.weir.elbv2("DescribeTargetHealth", TargetGroupArn=web.group)["TargetHealthDescriptions"] and not web.keepers()
    web.service(count=1, group=web.group)
    web.wait_stable()


def test_a_target_group_of_instances_gets_the_machine_and_the_tasks_port(tasks):
    group = tasks.weir.group("inst", TargetType="instance", HealthCheckPath="/health")
    port, _ = tasks.weir.listener(tasks.weir.balancer(), group)
    tasks.define(mode="bridge")
    tasks.service(count=2, group=group, networkConfiguration=None)
    tasks.wait_stable()
    rows = tasks.weir.elbv2("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
    assert len({r["Target"]["Port"] for r in rows}) == 2 and all(r["Target"]["Id"].startswith("i-0") for r in rows)
    assert get(port).status == 200


def test_a_long_answer_is_finished_before_its_task_stops(web):
    web.define(environment={"SLOW": "2"})
    web.service(count=1, group=web.group)
    web.wait_stable()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(get(web.port, "/slow")))
    thread.start()
    until(lambda: web.weir.metric("weir_streams_active") > 0, 10, "the request's arrival")
    web("UpdateService", service="web", desiredCount=0)
    thread.join()
    assert answers[0].status == 200
    until(lambda: not web.keepers(), 10, "its end")


# ---- Kills ----

KILLS = int(os.environ.get("WEIR_ECS_KILLS", "8"))


def test_kills_during_deployments_double_nothing_and_lose_nothing(tasks):
    tasks.define()
    tasks.service(count=2)
    tasks.wait_stable()
    chance = random.Random(7)
    for i in range(KILLS):
        tasks.define(environment={"VERSION": str(i)})
        tasks("UpdateService", service="web", taskDefinition="web", desiredCount=2)
        time.sleep(chance.random() * 0.6)
        tasks.weir.kill()
        tasks.weir.start()
        folders = [folder for _, folder in tasks.keepers()]
        assert len(folders) == len(set(folders)), "a container runs twice"
    service = tasks.wait_stable(seconds=40)
    until(lambda: len(tasks.keepers()) == 2, 15, "two programs")
    running = {t["taskArn"].split("/")[-1] for t in tasks.tasks(serviceName="web")}
    assert {folder.split("/")[-2] for _, folder in tasks.keepers()} == running and len(running) == 2
    assert service["taskDefinition"].endswith(f":{KILLS + 1}")
