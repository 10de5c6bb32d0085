"""Scale from zero: requests that find no task wake one, wait, and are answered; nobody asks, nobody runs."""
import threading
import time

import pytest

from ecs_harness import Tasks
from harness import Fault, Raw, Weir, get, until

IDLE = [{"key": "weir.scale_from_zero.idle_seconds", "value": "2"}]


@pytest.fixture
def web(tmp_path):
    with Weir() as weir:
        tasks = Tasks(weir, tmp_path)
        tasks.group = weir.group(HealthCheckPath="/health", HealthyThresholdCount=2, attributes={"deregistration_delay.timeout_seconds": 5})
        tasks.port, _ = weir.listener(weir.balancer(), tasks.group)
        tasks.define(environment={"SLOW": "4"})
        tasks.service(count=0, group=tasks.group, tags=IDLE)
        until(lambda: queue(tasks) != "0", 5, "the queue of its target group")
        yield tasks


def queue(tasks):
    listed = tasks.weir.elbv2("DescribeTargetGroupAttributes", TargetGroupArn=tasks.group)["Attributes"]
    return {a["Key"]: a["Value"] for a in listed}.get("weir.queue.max_wait_seconds", "0")


def started(tasks):
    return sum("has started" in m for m in tasks.events())


def asleep(tasks):
    return tasks.look()["desiredCount"] == 0 and not tasks.keepers()


def test_a_request_wakes_the_service_and_is_answered_and_the_service_sleeps_again(web):
    begun = time.monotonic()
    assert get(web.port).status == 200
    waited = time.monotonic() - begun
    assert waited < 8, waited
    assert web.weir.metric("weir_cold_start_seconds_count") >= 1
    assert [m for m in web.events() if "was woken by a request." in m]
    assert get(web.port).status == 200, "and now it is there"
    assert started(web) == 1
    until(lambda: asleep(web), 15, "sleep")
    assert [m for m in web.events() if "has nothing to do and is put to sleep." in m]
    assert get(web.port).status == 200, "it wakes as often as it is asked"


def test_a_hundred_requests_together_start_one_task_and_all_are_answered(web):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(get(web.port).status)) for _ in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [200] * 100
    assert started(web) == 1 and len(web.keepers()) == 1
    assert web.weir.metric("weir_cold_start_seconds_count") >= 100


def test_a_program_that_listens_long_before_it_can_answer_is_waited_for(web):
    web.define(environment={"LOADS": "1.5"})
    web("UpdateService", service="web", taskDefinition="web")
    assert get(web.port).status == 200


def test_an_open_answer_keeps_the_service_awake(web):
    assert get(web.port, "/slow").status == 200, "4 s, twice the idle time"
    assert started(web) == 1


def test_a_client_that_gives_up_leaves_no_trace_in_the_queue(web):
    web.define(image="weir/nothing")
    web("UpdateService", service="web", taskDefinition="web")
    with Raw(web.port) as raw:
        raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: web.weir.metric("weir_cold_start_seconds_count") == 0 and web.look()["desiredCount"] == 1, 5, "it was woken")
    line = web.weir.access_lines()[-1]
    assert " 460 - " in line, line


def test_nobody_comes_in_time_is_503(web):
    web.weir.set_group(web.group, **{"weir.queue.max_wait_seconds": 1})
    web.define(image="weir/nothing")
    web("UpdateService", service="web", taskDefinition="web")
    assert get(web.port).status == 503


def test_a_tag_that_means_nothing_is_refused(web):
    with pytest.raises(Fault, match="takes a number of seconds from 1 to 86400"):
        web("CreateService", serviceName="other", taskDefinition="web", desiredCount=0, networkConfiguration=web.network(),
            tags=[{"key": "weir:scale_from_zero.idle_seconds", "value": "soon"}])
