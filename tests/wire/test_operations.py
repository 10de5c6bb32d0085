"""docs/operations.md says what a running Weir has, and `weir call` lists it."""
import json
import os
import subprocess
import sys
import urllib.request

from harness import BUILD, TOP


def test_the_page_of_operations_is_that_of_the_programs():
    done = subprocess.run([sys.executable, str(TOP / "tools/operations"), "--check"], capture_output=True, text=True,
                          env={**os.environ, "WEIR_BUILD": str(BUILD)})
    assert done.returncode == 0, done.stderr


def test_weir_call_lists_operations(weir):
    listed = subprocess.run([str(BUILD / "weir"), "call", "elbv2", "--data", weir.data], capture_output=True, text=True)
    assert listed.returncode == 0
    assert any(line.split()[:3] == ["elbv2", "CreateLoadBalancer", "writes"] for line in listed.stdout.splitlines())
    assert "DescribeSubnets" not in listed.stdout


def test_the_health_that_localstacks_tools_ask_for_names_every_service(weir):
    with urllib.request.urlopen(f"http://127.0.0.1:{weir.api_port}/_localstack/health") as answer:
        services = json.load(answer)["services"]
    assert {"elbv2", "ec2", "iam", "sts", "logs", "cloudwatch"} <= set(services)
    assert set(services.values()) == {"running"}
