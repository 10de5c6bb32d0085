"""Scale from zero: requests that find no task wake one, wait, and are answered; nobody asks, nobody runs."""
import resource
import threading

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
    assert get(web.port).status == 200
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


def test_a_thousand_requests_are_held_through_one_start(web):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    clients = [Raw(web.port, timeout=60) for _ in range(1000)]
    try:
        for client in clients:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert [client.response().status for client in clients] == [200] * 1000
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert started(web) == 1 and len(web.keepers()) == 1


def test_who_asks_for_a_stream_hears_heartbeats_while_the_task_starts(web):
    web.weir.set_group(web.group, **{"weir.stream.early_response.enabled": "true", "weir.stream.heartbeat.interval_seconds": 1})
    web.define(environment={"LOADS": "3"})  # longer than it may be idle
    web("UpdateService", service="web", taskDefinition="web")
    with Raw(web.port, timeout=60) as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        assert b"200 OK" in client.read_until("\r\n\r\n")
        client.read_until(": ping\n")
        # This program's answer is no event stream, which only an event can say now.
        assert b'"code":"early_mismatch","status":200' in client.read_until("0\r\n\r\n")


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
    answer = get(web.port)
    assert answer.status == 503 and answer.headers["retry-after"] == "1"


def test_a_tag_that_means_nothing_is_refused(web):
    with pytest.raises(Fault, match="takes a number of seconds from 1 to 86400"):
        web("CreateService", serviceName="other", taskDefinition="web", desiredCount=0, networkConfiguration=web.network(),
            tags=[{"key": "weir:scale_from_zero.idle_seconds", "value": "soon"}])
