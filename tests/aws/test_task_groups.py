"""The security groups of tasks: a balancer reaches those that let it in, and what is in the way is said."""
import json
import subprocess
import threading

import pytest

from ecs_harness import SERVER, Tasks, program
from harness import BUILD, TOP, Fault, Weir, free_port, get, until

# One connection a request: what groups say is asked of each.
ONCE = SERVER.replace('protocol_version = "HTTP/1.1"', 'protocol_version = "HTTP/1.0"')


@pytest.fixture(scope="module")
def weir():
    offset = next(p for p in iter(free_port, None) if 1100 < p <= 60000) - 80
    with Weir("--port-offset", str(offset)) as running:
        running.port = 80 + offset
        yield running


@pytest.fixture(scope="module")
def tasks(weir, tmp_path_factory):
    made = Tasks(weir, tmp_path_factory.mktemp("programs"))
    made.define(image=program(made.folder, "once", ONCE), environment={"SLOW": "4"})
    return made


@pytest.fixture(scope="module")
def network(weir):
    """What infrastructure/network.yml makes: two subnets, the balancer's group, the tasks' group that knows it."""
    weir.call("cloudformation", "CreateStack", StackName="net", TemplateBody=(TOP / "infrastructure/network.yml").read_text())

    def ready():
        stack = weir.call("cloudformation", "DescribeStacks", StackName="net")["Stacks"][0]
        assert "ROLLBACK" not in stack["StackStatus"], stack
        return stack["StackStatus"] == "CREATE_COMPLETE" and {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    return until(ready, 60, "the network")


@pytest.fixture(scope="module")
def front(weir, network):
    """A balancer on port 80 before an empty group of targets."""
    subnets = [network["PublicSubnetA"], network["PublicSubnetB"]]
    balancer = weir.elbv2("CreateLoadBalancer", Name="lb", Subnets=subnets, SecurityGroups=[network["AlbSecurityGroup"]])
    group = weir.elbv2("CreateTargetGroup", Name="tg", Protocol="HTTP", Port=8000, TargetType="ip", VpcId=network["Vpc"], HealthCheckPath="/health",
                       HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)
    group = group["TargetGroups"][0]["TargetGroupArn"]
    weir.set_group(group, **{"weir.timeout.connect_ms": 300, "deregistration_delay.timeout_seconds": 0})
    weir.elbv2("CreateListener", LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTP", Port=80,
               DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    return group


def placed(network, *groups):
    return {"awsvpcConfiguration": {"subnets": [network["PublicSubnetA"]], "securityGroups": list(groups)}}


def address_of(tasks, arn):
    return tasks.task(arn)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]


def reach(weir, address):
    """What stands between the balancer and the target there."""
    status, body = weir.request("GET", f"/_weir/admission/{address}")
    assert status == 200
    return [(row["reaches"], row["checked"], row["egress"], row["ingress"]) for row in json.loads(body)["targets"]]


def explain(weir, word):
    return subprocess.run([str(BUILD / "weir"), "explain", "--data", weir.data, word], capture_output=True, text=True, timeout=20).stdout


def available(weir, network):
    return weir.call("ec2", "DescribeSubnets", SubnetIds=[network["PublicSubnetA"]])["Subnets"][0]["AvailableIpAddressCount"]


FREE, SHUT = [(True, True, True, True)], [(False, False, True, False)]


def source_rule(network):
    return {"GroupId": network["EcsSecurityGroup"], "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "UserIdGroupPairs": [{"GroupId": network["AlbSecurityGroup"]}]}]}


def test_a_service_is_reached_by_the_rule_that_names_the_balancers_group_and_not_without(weir, tasks, network, front):
    tasks.service(group=front, networkConfiguration=placed(network, network["EcsSecurityGroup"]), healthCheckGracePeriodSeconds=600)
    weir.wait_healthy(front)
    assert get(weir.port).status == 200
    address = tasks.tasks()[0]["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert reach(weir, address) == FREE and "reaches " + address in explain(weir, address)

    slow = []
    running = threading.Thread(target=lambda: slow.append(get(weir.port, "/slow").status))
    running.start()
    until(lambda: weir.request("GET", "/_weir/streams")[1].count(b"/slow"), what="a request that runs")
    weir.call("ec2", "RevokeSecurityGroupIngress", **source_rule(network))
    until(lambda: reach(weir, address) == SHUT, what="the rule's end")
    trace = "1-67891233-0000000000000000000b10cd"
    assert get(weir.port, headers=f"X-Amzn-Trace-Id: Root={trace}\r\n").status == 504
    running.join()
    assert slow == [200], "what ran when the rule went was answered"
    told = until(lambda: "target_blocked" in (text := explain(weir, trace)) and text, what="the record")
    assert "security groups keep the balancer from the target" in told and "weir explain TARGET-ADDRESS" in told
    told = explain(weir, address)
    assert f"does not reach {address} port 8000" in told and "no inbound rule of the target's security groups" in told

    def timed_out():
        rows = weir.elbv2("DescribeTargetHealth", TargetGroupArn=front)["TargetHealthDescriptions"]
        return [row["TargetHealth"].get("Reason") for row in rows] == ["Target.Timeout"]
    until(timed_out, 40, "health checks that time out")

    # A range that has the balancer's subnets in it is as good as its group.
    rule = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}
    weir.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=network["EcsSecurityGroup"], IpPermissions=[rule])
    until(lambda: reach(weir, address) == FREE, what="the rule for the network")
    weir.wait_healthy(front)
    assert get(weir.port).status == 200
    weir.call("ec2", "RevokeSecurityGroupIngress", GroupId=network["EcsSecurityGroup"], IpPermissions=[rule])
    weir.call("ec2", "AuthorizeSecurityGroupIngress", **source_rule(network))
    tasks("UpdateService", service="web", desiredCount=0)


def test_each_task_has_the_groups_it_was_given_and_the_balancers_own_rules_count_too(weir, tasks, network, front):
    until(lambda: available(weir, network) == 64 - 5 - 1, 20, "the subnet with the balancer's interface alone")
    arns = [tasks.run(networkConfiguration=placed(network, network[g])) for g in ("EcsSecurityGroup", "LambdaSecurityGroup")]
    for arn in arns:
        tasks.wait_status(arn, "RUNNING")
    known, shut = [address_of(tasks, arn) for arn in arns]
    assert available(weir, network) == 64 - 5 - 3, "each has an address of the subnet"
    for operation, what in (("DeleteSecurityGroup", {"GroupId": network["LambdaSecurityGroup"]}), ("DeleteSubnet", {"SubnetId": network["PublicSubnetA"]})):
        with pytest.raises(Fault) as refused:
            weir.call("ec2", operation, **what)
        assert refused.value.code == "DependencyViolation"
    weir.elbv2("RegisterTargets", TargetGroupArn=front, Targets=[{"Id": known}, {"Id": shut}])
    assert (reach(weir, known), reach(weir, shut)) == (FREE, SHUT)
    until(lambda: get(weir.port).status == 200, what="the one that is reached")

    alb = network["AlbSecurityGroup"]
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    weir.call("ec2", "RevokeSecurityGroupEgress", GroupId=alb, IpPermissions=everywhere)
    until(lambda: reach(weir, known) == [(False, False, False, True)], what="a balancer that is not let out")
    assert "no outbound rule of the load balancer's security groups" in explain(weir, known)
    # Out to the group of tasks, or to their subnet.
    for where in ({"UserIdGroupPairs": [{"GroupId": network["EcsSecurityGroup"]}]}, {"IpRanges": [{"CidrIp": "10.20.0.0/16"}]}):
        rules = [{"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, **where}]
        weir.call("ec2", "AuthorizeSecurityGroupEgress", GroupId=alb, IpPermissions=rules)
        until(lambda: reach(weir, known) == FREE, what=f"the balancer let out by {where}")
        weir.call("ec2", "RevokeSecurityGroupEgress", GroupId=alb, IpPermissions=rules)
        until(lambda: reach(weir, known) != FREE, what="the balancer shut in again")
    weir.call("ec2", "AuthorizeSecurityGroupEgress", GroupId=alb, IpPermissions=everywhere)

    weir.kill()
    weir.start()
    until(lambda: reach(weir, known) == FREE and reach(weir, shut) == SHUT, what="the same after a start")
    for arn in arns:
        tasks("StopTask", task=arn)
        tasks.wait_status(arn, "STOPPED")
    until(lambda: reach(weir, shut) == FREE, what="nobody's address: nothing is known of it")
    until(lambda: available(weir, network) == 64 - 5 - 1, 20, "their addresses back")
