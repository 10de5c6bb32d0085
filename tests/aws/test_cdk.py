"""
A small application as CDK synthesises it (templates/cdk/app.js with aws-cdk-lib 2, `node app.js`; its output is kept as it came):
deployed, used, changed, deleted.
"""
import json
import pathlib
import shutil

import botocore.exceptions
import pytest

import clients
from harness import Weir, free_port, get, until

pytest.importorskip("boto3")
pytestmark = pytest.mark.skipif(not shutil.which("python3.11"), reason="the application's function is for Python 3.11")

TEMPLATE = pathlib.Path(__file__).parent / "templates/cdk/SmallApp.template.json"


@pytest.fixture(scope="module")
def weir():
    offset = next(p for p in iter(free_port, None) if 1100 < p <= 60000) - 80
    with Weir("--port-offset", str(offset), auth="sigv4") as running:
        running.port = 80 + offset
        yield running


def bootstrap(weir, version):
    """What `cdk bootstrap` leaves and every synthesised template asks for."""
    clients.boto("ssm", weir).put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value=version, Overwrite=True)


def deploy(stacks, template, do, want):
    do(StackName="SmallApp", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
    until(lambda: not stack(stacks)["StackStatus"].endswith("IN_PROGRESS"), 60, "the stack at rest")
    failures = [e.get("ResourceStatusReason") for e in stacks.describe_stack_events(StackName="SmallApp")["StackEvents"]
                if e["ResourceStatus"].endswith("FAILED")]
    assert stack(stacks)["StackStatus"] == want, failures
    return {o["OutputKey"]: o["OutputValue"] for o in stack(stacks)["Outputs"]}


def stack(stacks, name="SmallApp"):
    return stacks.describe_stacks(StackName=name)["Stacks"][0]


def fault_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Message"]


def test_a_rule_that_does_not_hold_is_said_and_nothing_is_touched(weir):
    stacks = clients.boto("cloudformation", weir)
    bootstrap(weir, "5")
    words = fault_of(stacks.create_stack, StackName="SmallApp", TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"])
    assert "Rule CheckBootstrapVersion failed: CDK bootstrap stack version 6 required." in words
    assert stacks.describe_stacks()["Stacks"] == []


def test_what_cdk_synthesises_is_deployed_used_changed_and_deleted(weir):
    stacks, functions = clients.boto("cloudformation", weir), clients.boto("lambda", weir)
    template = json.loads(TEMPLATE.read_text())
    bootstrap(weir, "21")
    told = deploy(stacks, template, stacks.create_stack, "CREATE_COMPLETE")
    assert b"<html" in get(weir.port, "/").body, "the container behind the balancer"
    assert get(weir.port, "/hello").body == b"hello"
    assert json.loads(functions.invoke(FunctionName=told["Alias"])["Payload"].read()) == "hello from cdk"
    policies = clients.boto("application-autoscaling", weir).describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    kinds = sorted(p["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"] for p in policies)
    assert kinds == ["ALBRequestCountPerTarget", "ECSServiceAverageCPUUtilization"]

    [greeter] = [r for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    greeter["Properties"]["Environment"]["Variables"]["WHO"] = "cdk again"
    assert deploy(stacks, template, stacks.update_stack, "UPDATE_COMPLETE")["Function"] == told["Function"]
    assert json.loads(functions.invoke(FunctionName=told["Function"])["Payload"].read()) == "hello from cdk again"

    name = stack(stacks)["StackId"]
    stacks.delete_stack(StackName="SmallApp")
    until(lambda: not stack(stacks, name)["StackStatus"].endswith("IN_PROGRESS"), 60, "its end")
    assert stack(stacks, name)["StackStatus"] == "DELETE_COMPLETE"
    assert functions.list_functions()["Functions"] == [] and clients.boto("ecs", weir).list_clusters()["clusterArns"] == []
    assert len(clients.boto("ec2", weir).describe_vpcs()["Vpcs"]) == 1
