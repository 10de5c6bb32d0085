"""
infrastructure/terraform, and a network, by the real provider: apply, a plan that finds nothing to do, a change in place, destroy.
TF_PLUGIN_DIR names a folder that mirrors the provider; nothing is downloaded.
"""
import json
import os
import shutil
import subprocess

import pytest

from harness import TOP, Target, free_port, get, until

TERRAFORM, MIRROR = shutil.which("terraform"), os.environ.get("TF_PLUGIN_DIR")
pytestmark = pytest.mark.skipif(not TERRAFORM or not MIRROR, reason="needs terraform, and TF_PLUGIN_DIR with a mirror of the aws provider")

FILES = TOP / "infrastructure/terraform"

NETWORK = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  endpoints {
    ec2 = "%(endpoint)s"
    sts = "%(endpoint)s"
  }
}

resource "aws_vpc" "main" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = %(hostnames)s
  tags                 = { Name = "main" }
}

resource "aws_subnet" "public" {
  count                   = 2
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.20.${count.index}.0/24"
  availability_zone       = ["us-east-1a", "us-east-1b"][count.index]
  map_public_ip_on_launch = true
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "%(from)s"
  from_port         = 80
  to_port           = 80
  ip_protocol       = "tcp"
  tags              = { Name = "http" }
}

resource "aws_vpc_security_group_ingress_rule" "self" {
  security_group_id            = aws_security_group.web.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
"""


class Terraform:
    def __init__(self, folder, weir, text=None):
        self.folder, self.weir, self.text = folder, weir, text
        (folder / "terraform.rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n')
        for file in [] if text else FILES.glob("*.tf"):
            shutil.copy(file, folder)

    def write(self, **values):
        """What is different this time: words of the text, or variables of the files."""
        values["endpoint"] = f"http://127.0.0.1:{self.weir.api_port}"
        if self.text:
            (self.folder / "main.tf").write_text(self.text % values)
        else:
            (self.folder / "terraform.tfvars.json").write_text(json.dumps(values))

    def run(self, *words, codes=(0,)):
        environment = {**self.weir.environment(), "TF_CLI_CONFIG_FILE": str(self.folder / "terraform.rc"), "TF_IN_AUTOMATION": "1",
                       "CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(self.folder / ".terraform")}
        done = subprocess.run([TERRAFORM, *words, "-no-color"], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        assert done.returncode in codes, f"terraform {' '.join(words)}: {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout

    def apply(self):
        """The text; the plan afterwards must be empty (-detailed-exitcode says 2 when it is not)."""
        text = self.run("apply", "-auto-approve", "-input=false")
        self.run("plan", "-detailed-exitcode", "-input=false")
        return text


def test_the_files_apply_plan_clean_change_in_place_and_destroy(weir, elbv2, ec2, cloudwatch, tmp_path):
    with Target() as target:
        port = free_port()
        values = {"http_port": port, "backend_addresses": {"127.0.0.1": target.port}}
        terraform = Terraform(tmp_path, weir)
        terraform.write(**values)
        terraform.run("init", "-input=false")
        terraform.apply()
        until(lambda: get(port, "/chat").status == 200, 20, "the backend through the rule")
        balancer = elbv2.describe_load_balancers(Names=["mindr-alb"])["LoadBalancers"][0]
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        assert sorted(a["AlarmName"] for a in alarms) == ["Mindr-High-Connection-Count", "Mindr-High-Response-Time"]

        terraform.write(**values, idle_timeout=240, allowed_cidr="127.0.0.0/8")
        changed = terraform.apply()
        assert "0 added, 2 changed, 0 destroyed" in changed, changed
        again = elbv2.describe_load_balancers(Names=["mindr-alb"])["LoadBalancers"][0]
        assert again["LoadBalancerArn"] == balancer["LoadBalancerArn"]

        terraform.run("destroy", "-auto-approve", "-input=false")
        assert elbv2.describe_load_balancers()["LoadBalancers"] == [] and elbv2.describe_target_groups()["TargetGroups"] == []
        assert [g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]


def test_a_network_of_its_own_applies_plans_clean_changes_and_destroys(weir, ec2, tmp_path):
    terraform = Terraform(tmp_path, weir, NETWORK)
    terraform.write(hostnames="false", **{"from": "0.0.0.0/0"})
    terraform.run("init", "-input=false")
    terraform.apply()
    assert len(ec2.describe_subnets()["Subnets"]) == 5
    terraform.write(hostnames="true", **{"from": "10.0.0.0/8"})
    assert "0 added, 2 changed, 0 destroyed" in terraform.apply()
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1
