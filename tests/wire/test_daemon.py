"""The daemon as a program: start, refuse, crash, restart, drain."""
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

import pytest

from harness import BUILD, Fault, Raw, Target, Weir, free_port, get, until


def run(*words, env=None, seconds=30):
    return subprocess.run([str(BUILD / "weir"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=seconds, env={**os.environ, **(env or {})})


@pytest.mark.parametrize("words, says", [
    (["serve", "--workers", "900"], "0-64"),
    (["serve", "--account", "12"], "12 digits"),
    (["serve", "--api", "nowhere"], "ADDRESS:PORT"),
    (["serve", "--api", "0.0.0.0:0", "--auth", "none"], "loopback"),
    (["serve", "--api", "192.0.2.1:4566"], "no such address"),
    (["serve", "--no-such-option"], "--no-such-option"),
    (["serve", "--data"], "needs a value"),
    (["serve", "extra"], "options only"),
    (["srve"], "did you mean 'serve'"),
    (["call", "elbv2", "A", "{}", "more"], "usage"),
    (["call", "elbv2", "DescribeLoadBalancers", "{not json"], "not JSON"),
])
def test_wrong_words_are_one_clear_line_and_exit_2(words, says, tmp_path):
    done = run(*words, env={"WEIR_DATA": str(tmp_path / "d")})
    assert done.returncode == 2, done
    assert says in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["serve", "up", "deploy", "call", "status", "streams", "logs", "explain", "env", "check", "reset", "drain"])
def test_every_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: weir {command}")
    assert "--data DIR" in done.stdout and " \n" not in done.stdout
    assert ("--workers" in done.stdout) == (command in ("serve", "up", "check")), "settings that do not act are not offered"


def test_an_option_of_another_command_is_refused():
    for words in (["status", "--watch"], ["serve", "--filter", "x"], ["env", "-o", "json"]):
        done = run(*words)
        assert done.returncode == 2 and "does not know the option" in done.stderr, done


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BUILD / "weir"), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1 and "No space left" in done.stderr, done


def test_a_start_that_cannot_be_makes_nothing(tmp_path):
    done = run("serve", "--data", str(tmp_path / "d"), "--api", "0.0.0.0:0", "--auth", "none")
    assert done.returncode == 2 and not (tmp_path / "d").exists()


def test_a_port_in_use_is_said_and_nothing_is_left_running(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--data", str(tmp_path / "d"), "--api", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 2 and "in use" in done.stderr and done.stderr.count("\n") == 1


def test_a_data_directory_serves_one_weir():
    with Weir() as weir:
        done = run("serve", "--data", weir.data, "--api", f"127.0.0.1:{free_port()}")
        assert done.returncode == 2 and "in use" in done.stderr.lower() or "another" in done.stderr.lower(), done.stderr


def test_secrets_are_for_the_owner_alone():
    with Weir() as weir:
        data = pathlib.Path(weir.data)
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for path in data.rglob("*"):
            public = path.name == "api" or "lambda/runtime" in str(path)  # where the API is; our own runtime clients
            if path.is_file() and not public:
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        _, secret = weir.keys()
        assert secret not in weir.read_log()


def test_settings_file_and_its_faults(tmp_path):
    (tmp_path / "weir.conf").write_text("# comment\n\nlog = debug\nwrkers = 3\n")
    done = run("check", "--data", str(tmp_path))
    assert done.returncode == 2 and "weir.conf:4" in done.stderr and "did you mean 'workers'" in done.stderr
    (tmp_path / "weir.conf").write_text("workers = 3\ninstance.i-0123456789abcdef0 = 10.0.0.5\n")
    done = run("check", "--data", str(tmp_path), "--api", f"127.0.0.1:{free_port()}")
    assert done.returncode == 0, done


def test_instances_of_the_settings_file_can_be_targets(tmp_path):
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "weir.conf").write_text("instance.i-0123456789abcdef0 = 127.0.0.1\n")
    with Weir(data=tmp_path / "d") as weir, Target() as target:
        balancer, group = weir.balancer(), weir.group(TargetType="instance")
        weir.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "i-0123456789abcdef0", "Port": target.port}])
        port, _ = weir.listener(balancer, group)
        weir.wait_healthy(group)
        assert get(port).body == b"hello"
        with pytest.raises(Fault) as fault:
            weir.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "i-00000000000000000"}])
        assert fault.value.code == "InvalidTarget"


def test_nothing_acknowledged_is_lost_by_kill_9():
    """Creates target groups as fast as it can and kills the daemon; all that was answered is there after."""
    with tempfile.TemporaryDirectory() as folder:
        weir = Weir(data=folder + "/d")
        acknowledged = []
        for round_number in range(4):
            weir.start()
            stop = threading.Event()

            def create():
                n = 0
                while not stop.is_set():
                    name = f"g{round_number}-{n}"
                    try:
                        weir.group(name)
                    except (OSError, Fault, ValueError):
                        return
                    acknowledged.append(name)
                    n += 1
            thread = threading.Thread(target=create)
            thread.start()
            time.sleep(0.3 + 0.17 * round_number)
            weir.kill()
            stop.set()
            thread.join()
        weir.start()
        names = {g["TargetGroupName"] for g in weir.all("DescribeTargetGroups", "TargetGroups")}
        assert weir.stop() == 0
    assert len(acknowledged) > 8 and set(acknowledged) <= names


def test_a_restart_restores_listeners_targets_and_stickiness():
    with tempfile.TemporaryDirectory() as folder, Target() as one, Target() as two:
        weir = Weir(data=folder + "/d")
        weir.start()
        port, group, _ = weir.behind(one, two, tg={"stickiness.enabled": "true", "stickiness.type": "lb_cookie"})
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            cookie = raw.response().head.split("AWSALB=")[1].split(";")[0]
        first = one if one.requests else two
        weir.kill()
        weir.start()
        until(lambda: list(weir.health(group).values()).count("healthy") == 2, 10)
        before = len(first.requests)
        for _ in range(6):
            assert get(port, headers=f"Cookie: AWSALB={cookie}\r\n").status == 200
        assert len(first.requests) == before + 6
        assert weir.stop() == 0


def test_sigterm_lets_streams_finish_and_a_second_one_does_not_wait():
    release = threading.Event()

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        release.wait(20)
        c.chunk("data: 2\n\n")
        c.end_stream()
    with Target(script) as target:
        for patient in (True, False):
            release.clear()
            weir = Weir()
            weir.start()
            port, _, _ = weir.behind(target)
            with Raw(port) as raw:
                raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                raw.read_until("data: 1\n\n")
                weir.process.send_signal(signal.SIGTERM)
                until(lambda: weir.request("GET", "/_weir/ready")[0] == 503, 5)
                until(lambda: _refused(port), 5, "the listener's end")
                if patient:
                    release.set()
                    raw.read_until("0\r\n\r\n")
                else:
                    weir.process.send_signal(signal.SIGTERM)
                weir.process.wait(10)
            assert weir.stop() == 0
            release.set()


def test_sighup_reopens_the_access_log(weir, target):
    port, _, _ = weir.behind(target)
    get(port)
    weir.access_lines()
    path = pathlib.Path(weir.data) / "logs" / "access.log"
    path.rename(path.with_suffix(".moved"))
    weir.process.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    get(port)
    assert len(weir.access_lines()) == 1


def test_the_command_line_talks_to_it():
    with Weir(auth="sigv4") as weir, Target() as target:
        data = ["--data", weir.data]
        exported = run("env", *data).stdout
        assert f"http://127.0.0.1:{weir.api_port}" in exported and weir.keys()[1] in exported
        subnets = json.loads(run("call", "ec2", "DescribeSubnets", *data).stdout)["Subnets"]
        made = run("call", "elbv2", "CreateLoadBalancer",
                   '{"Name": "a", "Subnets": ["%s", "%s"]}' % (subnets[0]["SubnetId"], subnets[1]["SubnetId"]), *data)
        assert made.returncode == 0, made
        assert "a" in run("status", *data).stdout and "REQUEST" in run("streams", *data).stdout
        failed = run("call", "elbv2", "DescribeLoadBalancers", '{"Names": ["nope"]}', *data)
        assert failed.returncode == 1 and "LoadBalancerNotFound" in failed.stderr
        group = json.loads(run("call", "elbv2", "CreateTargetGroup",
                               '{"Name": "g", "Protocol": "HTTP", "Port": 80, "TargetType": "ip", "VpcId": "%s"}'
                               % json.loads(run("call", "ec2", "DescribeVpcs", *data).stdout)["Vpcs"][0]["VpcId"], *data).stdout)
        assert group["TargetGroups"][0]["TargetGroupName"] == "g"
        mistyped = run("drain", "g", "127.0.0.1:9", *data)
        assert mistyped.returncode == 1 and "not registered" in mistyped.stderr
        run("call", "elbv2", "RegisterTargets", '{"TargetGroupArn": "%s", "Targets": [{"Id": "127.0.0.1", "Port": %d}]}'
            % (group["TargetGroups"][0]["TargetGroupArn"], target.port), *data)
        assert run("drain", "g", f"127.0.0.1:{target.port}", "--wait", *data).returncode == 0
        refused = run("reset", *data)
        assert refused.returncode == 1 and "--allow-reset" in refused.stderr
        where = run("status", "--data", weir.data + "-not", "--api", f"127.0.0.1:{weir.api_port}")
        assert where.returncode == 1 and "no credentials that can be read" in where.stderr and "--data" in where.stderr
        with Weir() as other:
            stranger = run("reset", "--data", other.data, "--api", f"127.0.0.1:{weir.api_port}")
        assert stranger.returncode == 1 and "credentials of another Weir" in stranger.stderr
        assert "s3 " in run("call", "s3", *data).stdout
        unknown = run("call", "elbv3", *data)
        assert unknown.returncode == 1 and "did you mean 'elbv2'" in unknown.stderr
        assert weir.request("POST", "/_weir/call/elbv2/DescribeLoadBalancers", "{}")[0] == 403, "unsigned calls are refused"
        assert target.port


def test_reset_deletes_everything_when_it_was_allowed():
    with Weir("--allow-reset") as weir, Target() as target:
        port, _, _ = weir.behind(target)
        assert run("reset", "--data", weir.data).returncode == 0
        assert weir.elbv2("DescribeLoadBalancers")["LoadBalancers"] == []
        until(lambda: _refused(port), 5, "the listener's end")
        weir.behind(target)


def _refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def test_a_listener_port_that_is_taken_is_an_error_of_the_call(weir):
    balancer, group = weir.balancer(), weir.group()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Fault) as fault:
            weir.listener(balancer, group, port)
        assert str(port) in fault.value.message
    assert weir.elbv2("DescribeListeners", LoadBalancerArn=balancer)["Listeners"] == []
    weir.listener(balancer, group, port)


def test_rubbish_on_the_api_port_harms_nobody(weir):
    for rubbish in (b"\0" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nAction=", b"\xff" * 70000):
        with Raw(weir.api_port, 3) as raw:
            raw.send(rubbish)
            raw.socket.shutdown(1)
            try:
                raw.read_all()
            except OSError:
                pass
    assert weir.request("GET", "/_weir/health")[0] == 200
    for body in ("", "[]", "{", "null", '{"Names": 5}', '{"PageSize": "x"}'):
        status, _ = weir.request("POST", "/_weir/call/elbv2/DescribeLoadBalancers", body)
        assert status in (200, 400), body
    assert weir.request("POST", "/_weir/call/nope/Nope", "{}")[0] in (400, 404)


def test_a_call_whose_answer_has_a_head_alone_is_answered(weir):
    weir.call("s3", "CreateBucket", Bucket="heads")
    weir.call("s3", "PutObject", Bucket="heads", Key="k", Body="aGVsbG8=")
    assert weir.call("s3", "HeadObject", Bucket="heads", Key="k")["ContentLength"] == 5


def test_a_second_up_is_as_quick_as_the_first_and_says_how_to_reach_it(tmp_path):
    data, offset = str(tmp_path / "weir"), free_port() - 80
    for _ in range(2):
        up = subprocess.Popen([BUILD / "weir", "up", "--data", data, "--api", f"127.0.0.1:{free_port()}", "--port-offset", str(offset),
                               "--bind", "127.0.0.2"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            lines = []
            while not (lines and lines[-1].startswith("Ctrl-C")):
                lines.append(up.stdout.readline())
                assert lines[-1], "weir up ended"
            page = re.search(r"page +http://(\S+?):(\d+)/", "".join(lines))
            with socket.create_connection((page.group(1), int(page.group(2))), 5):
                pass
            env = re.search(r'eval "\$\(\S+/weir (env[^)]*)\)"', "".join(lines)).group(1).split()
            told = subprocess.run([BUILD / "weir", *env], capture_output=True, text=True, timeout=10, cwd=tmp_path)
            assert "AWS_SECRET_ACCESS_KEY='" in told.stdout, told.stderr
        finally:
            up.terminate()
            up.wait()


def test_connections_are_not_bounded_by_a_shells_soft_limit(target):
    weir = Weir()
    weir.command = ["sh", "-c", 'ulimit -Sn 200 && exec "$@"', "sh", *weir.command]
    with weir:
        port, _, _ = weir.behind(target)
        idle = [Raw(port) for _ in range(300)]
        until(lambda: weir.metric("weir_connections_active") >= 300, what="300 connections")
        assert get(port).status == 200
        for raw in idle:
            raw.close()


def test_a_listener_of_ours_is_no_target(weir):
    """A request would come back to us until no descriptor is left."""
    balancer, group = weir.balancer(attributes={"routing.http.xff_header_processing.mode": "remove"}), weir.group()
    port, _ = weir.listener(balancer, group)
    weir.register(group, port)
    health = weir.elbv2("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unused", "Target.IpUnusable")
    assert get(port).status == 503
    with Target() as target:
        weir.register(group, target.port)
        weir.wait_healthy(group)
        assert get(port).body == b"hello"


def test_check_names_every_problem_of_a_template_with_its_line(tmp_path):
    file = tmp_path / "t.yml"
    file.write_text("Resources:\n  A:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlok: x\n  B: {Type: AWS::EC2::Subnett}\n")
    done = subprocess.run([str(BUILD / "weir"), "check", str(file)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [f"{file}:5", f"{file}:6"]
    assert "did you mean 'CidrBlock'?" in done.stdout and "did you mean 'AWS::EC2::Subnet'?" in done.stdout
    file.write_text("Resources: {A: {Type: AWS::Logs::LogGroup}}\n")
    assert subprocess.run([str(BUILD / "weir"), "check", str(file)], capture_output=True, timeout=20).returncode == 0
    assert subprocess.run([str(BUILD / "weir"), "check", str(tmp_path / "none")], capture_output=True, timeout=20).returncode == 1
