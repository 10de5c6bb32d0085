"""The whole daemon under ThreadSanitizer: traffic on several workers while everything changes."""
import threading
import time

from harness import Raw, Target, Weir, get, until


def test_traffic_while_plans_change_targets_drain_and_streams_are_listed():
    def script(c):
        if b"/stream" in c.head:
            c.start_stream()
            for i in range(10):
                time.sleep(0.02)
                c.chunk(f"data: {i}\n\n")
            c.end_stream()
        else:
            c.answer()
    stop, statuses, cut = threading.Event(), [], []

    def small(port):
        while not stop.is_set():
            statuses.append(get(port).status)

    def streams(port):
        while not stop.is_set():
            with Raw(port, 30) as raw:
                raw.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = raw.response()
                if answer.body.count(b"data:") != 10:
                    cut.append(answer.body)
    with Weir(workers=3) as weir, Target(script) as one, Target(script) as two:
        port, group, balancer = weir.behind(one, two)
        threads = [threading.Thread(target=work, args=(port,)) for work in (small, small, streams, streams)]
        for thread in threads:
            thread.start()
        algorithms = ["round_robin", "least_outstanding_requests", "weighted_random"]
        for n in range(12):
            weir.set_group(group, **{"load_balancing.algorithm.type": algorithms[n % 3]})
            weir.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": two.port}])
            weir.request("GET", "/_weir/streams")
            weir.request("GET", "/_weir/metrics")
            other, _ = weir.listener(balancer, group)
            get(other)
            until(lambda: two.port not in weir.health(group), 10, "the end of the drain")
            weir.register(group, two.port)
            weir.elbv2("DescribeTargetHealth", TargetGroupArn=group)
        stop.set()
        for thread in threads:
            thread.join()
        assert not cut and set(statuses) == {200} and len(statuses) > 20
    assert "ThreadSanitizer" not in weir.log


def test_a_drain_with_streams_running_on_every_worker():
    def script(c):
        c.start_stream()
        for i in range(30):
            time.sleep(0.02)
            c.chunk(f"data: {i}\n\n")
        c.end_stream()
    with Target(script) as target:
        weir = Weir(workers=3)
        weir.start()
        port, _, _ = weir.behind(target)
        peers = [Raw(port, 30) for _ in range(12)]
        for peer in peers:
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.read_until("data: 0\n\n")
        weir.process.terminate()
        for peer in peers:
            peer.read_until("data: 29\n\n")
            peer.read_until("0\r\n\r\n")
        assert weir.stop() == 0
    assert "ThreadSanitizer" not in weir.log
