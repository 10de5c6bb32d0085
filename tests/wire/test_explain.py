"""weir explain: what became of a request, and who is not let in."""
import json
import subprocess

from harness import BUILD, free_port, get, until


def explain(weir, *words):
    done = subprocess.run([str(BUILD / "weir"), "explain", "--data", weir.data, *words], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


def story(weir, trace):
    """Once the log has it."""
    until(lambda: explain(weir, trace)[0] == 0, 5, "the record of the request")
    return explain(weir, trace)[1]


def test_a_request_is_told_from_its_coming_to_its_end(weir, target):
    port, _, _ = weir.behind(target)
    trace = "1-67891233-abcdef012345678912345678"
    get(port, "/hello?a=b", headers=f"X-Amzn-Trace-Id: Root={trace}\r\n")
    told = story(weir, trace)
    for words in ("/hello?a=b", f"to port {port} of app/", "default actions: forward", f"sent to 127.0.0.1:{target.port}",
                  "the target answered 200", "answered completely (complete)", "status 200"):
        assert words in told, told
    code, out, _ = explain(weir, "-o", "json", trace)
    assert code == 0 and explain(weir, "1-00000000-none")[2].startswith("weir: no request with")
    assert [r["end_reason"] for r in json.loads(out)] == ["complete"]


def test_a_failure_comes_with_what_to_do(weir):
    group = weir.group()
    weir.register(group, free_port())
    port, _ = weir.listener(weir.balancer(), group)
    trace = "1-67891233-00000000000000000000beef"
    assert get(port, "/", headers=f"X-Amzn-Trace-Id: Root={trace}\r\n").status == 502
    told = story(weir, trace)
    assert "the target refused the connection (connect_refused)" in told and "is the program up" in told


def test_a_client_that_is_dropped_learns_by_whom(weir, target):
    port, _, balancer = weir.behind(target)
    assert "admits 127.0.0.1" in explain(weir, "127.0.0.1")[1]
    group = weir.call("ec2", "CreateSecurityGroup", GroupName="shut", Description="nobody")["GroupId"]
    weir.elbv2("SetSecurityGroups", LoadBalancerArn=balancer, SecurityGroups=[group])
    until(lambda: "drops new connections of 127.0.0.1" in explain(weir, "127.0.0.1")[1], 5, "the new groups")
    weir.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="10.0.0.0/8")
    until(lambda: f"port {port}: admits 10.1.2.3" in explain(weir, "10.1.2.3")[1], 5, "the rule")
    assert "drops new connections" in explain(weir, "127.0.0.1")[1]


def test_what_cannot_be_explained_is_said(weir):
    code, _, errors = explain(weir, "1-00000000-none")
    assert code == 1 and "there is no access log in" in errors
    assert explain(weir)[0] == 2
    status, body = weir.request("GET", "/_weir/admission/nobody")
    assert status == 400 and b"IP address" in body
