"""
infrastructure/terraform, and a network, by the real provider: apply, a plan that finds nothing to do, a change in place, destroy.
TF_PLUGIN_DIR names a folder that mirrors the provider; nothing is downloaded.
"""
import json
import os
import shutil
import subprocess

import pytest

import clients
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

resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 3
  tags           = { Name = "offices" }

  entry {
    cidr        = "%(from)s"
    description = "one"
  }
  entry {
    cidr = "192.0.2.0/24"
  }
}

resource "aws_vpc_security_group_ingress_rule" "offices" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = aws_ec2_managed_prefix_list.offices.id
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

data "aws_ec2_managed_prefix_list" "s3" {
  name = "com.amazonaws.us-east-1.s3"
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = data.aws_ec2_managed_prefix_list.s3.id
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}
"""


STORAGE = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  s3_use_path_style       = true
  endpoints {
    cloudwatch = "%(endpoint)s"
    iam        = "%(endpoint)s"
    logs       = "%(endpoint)s"
    s3         = "%(endpoint)s"
    sts        = "%(endpoint)s"
  }
}

resource "aws_s3_bucket" "logs" {
  bucket        = "mindr-logs"
  force_destroy = true
  tags          = { Environment = "%(environment)s" }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration { status = "%(versioning)s" }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/alb/*"]
    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = data.aws_iam_policy_document.logs.json
}

resource "aws_s3_object" "note" {
  bucket       = aws_s3_bucket.logs.id
  key          = "notes/read me.txt"
  content      = "%(note)s"
  content_type = "text/plain"
  metadata     = { one = "two" }
  tags         = { kind = "note" }
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "mindr-slow"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = { LoadBalancer = "app/mindr-alb" }
  extended_statistic  = "p95"
  comparison_operator = "GreaterThanThreshold"
  threshold           = %(threshold)d
  period              = 60
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/mindr/app"
  retention_in_days = %(retention)d
}

resource "aws_iam_policy" "read" {
  name = "read-logs"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "${aws_s3_bucket.logs.arn}/*" }]
  })
}

resource "aws_iam_role" "task" {
  name                 = "task"
  permissions_boundary = aws_iam_policy.read.arn
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "task" {
  role       = aws_iam_role.task.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_group_policy_attachment" "readers" {
  group      = aws_iam_group.readers.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_policy" "readers" {
  name   = "list"
  group  = aws_iam_group.readers.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:ListBucket"], Resource = aws_s3_bucket.logs.arn }]
  })
}

resource "aws_iam_user" "reader" {
  name = "reader"
}

resource "aws_iam_user_group_membership" "reader" {
  user   = aws_iam_user.reader.name
  groups = [aws_iam_group.readers.name]
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
        s3 = clients.boto("s3", weir)
        s3.create_bucket(Bucket="mindr-alb-logs")
        s3.put_bucket_policy(Bucket="mindr-alb-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}, "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::mindr-alb-logs/*"}]}))
        values = {"http_port": port, "backend_addresses": {"127.0.0.1": target.port}, "access_logs_bucket": "mindr-alb-logs"}
        terraform = Terraform(tmp_path, weir)
        terraform.write(**values)
        terraform.run("init", "-input=false")
        terraform.apply()
        until(lambda: get(port, "/chat").status == 200, 20, "the backend through the rule")
        assert s3.list_objects_v2(Bucket="mindr-alb-logs")["Contents"][0]["Key"].endswith("ELBAccessLogTestFile")
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
    assert "0 added, 3 changed, 0 destroyed" in terraform.apply()
    lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["offices"]}])["PrefixLists"]
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=lists[0]["PrefixListId"])["Entries"]
    assert {e["Cidr"] for e in entries} == {"10.0.0.0/8", "192.0.2.0/24"}
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_buckets_logs_alarms_and_groups_apply_plan_clean_change_and_destroy(weir, tmp_path):
    s3, iam = clients.boto("s3", weir), clients.boto("iam", weir)
    terraform = Terraform(tmp_path, weir, STORAGE)
    first = {"environment": "test", "versioning": "Enabled", "note": "one", "threshold": 5, "retention": 7}
    terraform.write(**first)
    terraform.run("init", "-input=false")
    terraform.apply()
    assert s3.get_object(Bucket="mindr-logs", Key="notes/read me.txt")["Body"].read() == b"one"
    assert [user["UserName"] for user in iam.get_group(GroupName="readers")["Users"]] == ["reader"]

    terraform.write(**{**first, "environment": "live", "versioning": "Suspended", "note": "two", "threshold": 9, "retention": 14})
    changed = terraform.apply()
    assert "0 added, 5 changed, 0 destroyed" in changed, changed
    assert s3.get_object(Bucket="mindr-logs", Key="notes/read me.txt")["Body"].read() == b"two"
    assert s3.get_bucket_versioning(Bucket="mindr-logs")["Status"] == "Suspended"
    assert clients.boto("logs", weir).describe_log_groups()["logGroups"][0]["retentionInDays"] == 14

    terraform.run("destroy", "-auto-approve", "-input=false")
    assert s3.list_buckets()["Buckets"] == [] and iam.list_groups()["Groups"] == [] and iam.list_roles()["Roles"] == []
