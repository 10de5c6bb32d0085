"""
The seeds' Terraform by the real provider: apply, a plan that finds nothing to do, a change in place, destroy.
TF_PLUGIN_DIR names a folder that mirrors the provider; nothing is downloaded.
"""
import os
import shutil
import subprocess

import pytest

from harness import Target, free_port, get, until

TERRAFORM, MIRROR = shutil.which("terraform"), os.environ.get("TF_PLUGIN_DIR")
pytestmark = pytest.mark.skipif(not TERRAFORM or not MIRROR, reason="needs terraform, and TF_PLUGIN_DIR with a mirror of the aws provider")

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_requesting_account_id  = false
  endpoints {
    ec2   = "%(endpoint)s"
    elbv2 = "%(endpoint)s"
    sts   = "%(endpoint)s"
  }
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_security_group" "alb" {
  name        = "mindr-alb-sg"
  description = "Security group for Mindr ALB"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    from_port   = %(port)d
    to_port     = %(port)d
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["%(https_from)s"]
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "backend" {
  name        = "mindr-backend-sg"
  description = "Security group for Mindr backend"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    from_port       = 8000
    to_port         = 8000
    protocol        = "tcp"
    security_groups = [aws_security_group.alb.id]
  }
}

resource "aws_lb" "mindr_alb" {
  name               = "mindr-alb"
  load_balancer_type = "application"
  subnets            = slice(sort(data.aws_subnets.default.ids), 0, 2)
  security_groups    = [aws_security_group.alb.id]

  # Set idle timeout to 180 seconds for long streaming responses
  idle_timeout = %(idle)d

  enable_deletion_protection = false

  tags = {
    Name = "mindr-alb"
    Environment = "test"
  }
}

resource "aws_lb_target_group" "mindr_backend" {
  name        = "mindr-backend-tg"
  port        = 8000
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = data.aws_vpc.default.id

  health_check {
    enabled             = true
    healthy_threshold   = 2
    interval            = 30
    matcher             = "200"
    path                = "/health"
    port                = "traffic-port"
    protocol            = "HTTP"
    timeout             = 5
    unhealthy_threshold = 2
  }

  # Important: Set deregistration delay for graceful shutdowns
  deregistration_delay = 180

  tags = {
    Name = "mindr-backend-tg"
    Environment = "test"
  }
}

resource "aws_lb_target_group" "mindr_frontend" {
  name     = "mindr-frontend-tg"
  port     = 80
  protocol = "HTTP"
  vpc_id   = data.aws_vpc.default.id

  health_check {
    enabled             = true
    healthy_threshold   = 2
    interval            = 30
    matcher             = "200,404"  # Frontend may return 404 for unknown routes
    path                = "/"
    port                = "traffic-port"
    protocol            = "HTTP"
    timeout             = 5
    unhealthy_threshold = 2
  }

  deregistration_delay = 30  # Frontend can drain faster

  tags = {
    Name = "mindr-frontend-tg"
    Environment = "test"
  }
}

resource "aws_lb_target_group_attachment" "backend" {
  target_group_arn = aws_lb_target_group.mindr_backend.arn
  target_id        = "127.0.0.1"
  port             = %(target)d
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.mindr_alb.arn
  port              = %(port)d
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_frontend.arn
  }
}

resource "aws_lb_listener_rule" "backend" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 100

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_backend.arn
  }

  condition {
    path_pattern {
      values = ["/chat", "/health", "/reindex"]
    }
  }
}

resource "aws_lb_listener_rule" "frontend" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 200

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_frontend.arn
  }

  condition {
    path_pattern {
      values = ["/*"]
    }
  }
}
"""

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
    def __init__(self, folder, weir, text):
        self.folder, self.weir, self.text = folder, weir, text
        (folder / "terraform.rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n')

    def write(self, **values):
        (self.folder / "main.tf").write_text(self.text % {"endpoint": f"http://127.0.0.1:{self.weir.api_port}", **values})

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


def test_the_seeds_resources_apply_plan_clean_change_in_place_and_destroy(weir, elbv2, ec2, tmp_path):
    with Target() as target:
        port = free_port()
        values = {"port": port, "target": target.port}
        terraform = Terraform(tmp_path, weir, MAIN)
        terraform.write(idle=180, https_from="0.0.0.0/0", **values)
        terraform.run("init", "-input=false")
        terraform.apply()
        until(lambda: get(port, "/chat").status == 200, 20, "the backend through the rule")
        balancer = elbv2.describe_load_balancers(Names=["mindr-alb"])["LoadBalancers"][0]

        terraform.write(idle=240, https_from="10.0.0.0/8", **values)
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
