"""IAM and STS as their clients use them: policies bind every call, keys come and go, sessions end."""
import contextlib
import json
import sqlite3

import botocore.exceptions
import pytest

import clients
from harness import ACCOUNT, REGION, free_port

READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["elasticloadbalancing:Describe*", "ec2:Describe*"], "Resource": "*"}]}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]}


def allow(*actions, effect="Allow", resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": list(actions), "Resource": resource, **more}]})


def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def fault_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Message"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


def client_as(service, weir, key, token=None):
    import boto3
    from botocore.config import Config
    return boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{weir.api_port}", aws_access_key_id=key["AccessKeyId"],
                        aws_secret_access_key=key["SecretAccessKey"], aws_session_token=token or key.get("SessionToken"),
                        config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20))


@pytest.fixture
def iam(weir):
    pytest.importorskip("boto3")
    return clients.boto("iam", weir)


@pytest.fixture
def alice(iam):
    iam.create_user(UserName="alice", Path="/staff/")
    return iam.create_access_key(UserName="alice")["AccessKey"]


def test_a_user_may_do_what_its_policies_allow_and_no_more(weir, iam, alice):
    mine = client_as("elbv2", weir, alice)
    assert code_of(mine.describe_load_balancers) == "AccessDenied"
    iam.put_user_policy(UserName="alice", PolicyName="reads", PolicyDocument=json.dumps(READS))
    assert mine.describe_load_balancers()["LoadBalancers"] == []
    subnets = [s["SubnetId"] for s in client_as("ec2", weir, alice).describe_subnets()["Subnets"]][:2]
    message, status = fault_of(mine.create_load_balancer, Name="one", Subnets=subnets)
    assert status == 403 and message.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/staff/alice is not authorized to perform: elasticloadbalancing:CreateLoadBalancer on resource: "
        f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/one/*")
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = mine.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    iam.put_user_policy(UserName="alice", PolicyName="not-that", PolicyDocument=allow("elasticloadbalancing:Delete*", effect="Deny", resource=made))
    message, _ = fault_of(mine.delete_load_balancer, LoadBalancerArn=made)
    assert message.endswith("with an explicit deny in an identity-based policy")
    iam.delete_user_policy(UserName="alice", PolicyName="not-that")
    mine.delete_load_balancer(LoadBalancerArn=made)
    assert client_as("sts", weir, alice).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/staff/alice"


def test_variables_and_conditions_act(weir, iam, alice):
    mine = client_as("iam", weir, alice)
    iam.put_user_policy(UserName="alice", PolicyName="self", PolicyDocument=allow("iam:*AccessKey*", resource="arn:aws:iam::*:user/staff/${aws:username}"))
    iam.create_user(UserName="bob", Path="/staff/")
    assert len(mine.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 1
    assert len(mine.list_access_keys()["AccessKeyMetadata"]) == 1
    assert code_of(mine.list_access_keys, UserName="bob") == "AccessDenied"
    iam.put_user_policy(UserName="alice", PolicyName="tagged", PolicyDocument=allow(
        "iam:CreateUser", Condition={"StringEquals": {"aws:RequestTag/team": "x"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}))
    assert code_of(mine.create_user, UserName="carol") == "AccessDenied"
    assert code_of(mine.create_user, UserName="carol", Tags=[{"Key": "team", "Value": "x"}, {"Key": "b", "Value": "y"}]) == "AccessDenied"
    mine.create_user(UserName="carol", Tags=[{"Key": "team", "Value": "x"}])


def test_keys_are_shown_once_and_end_at_once(weir, iam, alice):
    mine = client_as("sts", weir, alice)
    mine.get_caller_identity()
    assert "SecretAccessKey" not in iam.list_access_keys(UserName="alice")["AccessKeyMetadata"][0]
    assert alice["AccessKeyId"].startswith("AKIA") and len(alice["AccessKeyId"]) == 20 and len(alice["SecretAccessKey"]) == 40
    iam.update_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"], Status="Inactive")
    assert code_of(mine.get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"], Status="Active")
    mine.get_caller_identity()
    iam.create_access_key(UserName="alice")
    assert code_of(iam.create_access_key, UserName="alice") == "LimitExceeded"
    assert code_of(iam.delete_user, UserName="alice") == "DeleteConflict"
    iam.delete_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"])
    assert code_of(mine.get_caller_identity) == "InvalidClientTokenId"


def test_secrets_of_keys_lie_sealed_also_those_of_an_older_state(weir, iam, alice):
    """An older Weir kept them open: they are sealed at the first start of this one."""
    session = client_as("sts", weir, alice).get_session_token()["Credentials"]
    weir.stop()
    with contextlib.closing(sqlite3.connect(f"{weir.data}/weir.db")) as store, store:
        for key in (alice, session):
            kind, text = store.execute("SELECT kind, body FROM resource WHERE id = ?", (key["AccessKeyId"],)).fetchone()
            body = json.loads(text)
            assert key["SecretAccessKey"] not in text and body.pop("Sealed")
            store.execute("UPDATE resource SET body = ? WHERE kind = ? AND id = ?",
                          (json.dumps({**body, "Secret": key["SecretAccessKey"]}), kind, key["AccessKeyId"]))
    weir.start()
    client_as("sts", weir, alice).get_caller_identity()
    client_as("sts", weir, session).get_caller_identity()
    weir.stop()
    with contextlib.closing(sqlite3.connect(f"{weir.data}/weir.db")) as store:
        bodies = [json.loads(body) for (body,) in store.execute("SELECT body FROM resource WHERE kind LIKE 'iam.%'")]
    assert [("Secret" in b, "Sealed" in b) for b in bodies if "AccessKeyId" in b] == [(False, True)] * 2
    weir.start()


def test_a_role_is_assumed_and_its_keys_are_held_to_token_and_policies(weir, iam, alice):
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName="reader", PolicyName="reads", PolicyDocument=json.dumps(READS))
    sts = client_as("sts", weir, alice)
    wish = {"RoleArn": role["Arn"], "RoleSessionName": "tour"}
    assert code_of(sts.assume_role, **wish) == "AccessDenied"
    iam.put_user_policy(UserName="alice", PolicyName="become", PolicyDocument=allow("sts:AssumeRole", resource=role["Arn"]))
    given = sts.assume_role(**wish)
    keys = given["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA") and given["AssumedRoleUser"]["AssumedRoleId"] == role["RoleId"] + ":tour"
    who = client_as("sts", weir, keys).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/tour" and who["UserId"] == role["RoleId"] + ":tour"
    elb = client_as("elbv2", weir, keys)
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert code_of(elb.create_target_group, Name="x", Protocol="HTTP", Port=80, TargetType="ip", VpcId=weir_vpc(weir)) == "AccessDenied"
    assert code_of(client_as("sts", weir, keys, "wrong").get_caller_identity) == "InvalidClientTokenId"
    assert code_of(client_as("sts", weir, {**keys, "SessionToken": None}).get_caller_identity) == "InvalidClientTokenId"
    assert code_of(client_as("sts", weir, {**keys, "SecretAccessKey": "x" * 40}).get_caller_identity) == "SignatureDoesNotMatch"
    narrow = sts.assume_role(**wish, Policy=allow("ec2:*"))["Credentials"]
    assert code_of(client_as("elbv2", weir, narrow).describe_load_balancers) == "AccessDenied"
    client_as("ec2", weir, narrow).describe_vpcs()
    assert code_of(sts.assume_role, **wish, DurationSeconds=7200) == "ValidationError"
    iam.delete_role_policy(RoleName="reader", PolicyName="reads")
    iam.delete_role(RoleName="reader")
    assert code_of(elb.describe_load_balancers) == "InvalidClientTokenId"


def weir_vpc(weir):
    return clients.boto("ec2", weir).describe_vpcs()["Vpcs"][0]["VpcId"]


def test_trust_asks_for_the_external_id(weir, iam, alice):
    user = iam.get_user(UserName="alice")["User"]["Arn"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole",
                                                               "Condition": {"StringEquals": {"sts:ExternalId": "seven"}}}})
    arn = iam.create_role(RoleName="guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sts = client_as("sts", weir, alice)
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="six") == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="seven")
    assert code_of(sts.assume_role, RoleArn=arn + "-not", RoleSessionName="me", ExternalId="seven") == "AccessDenied"


def test_what_terraform_asks_of_a_role(iam):
    assert code_of(iam.get_role, RoleName="task") == "NoSuchEntity"
    made = iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(TRUST), Tags=[{"Key": "a", "Value": "b"}])["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/task" and made["RoleId"].startswith("AROA") and made["AssumeRolePolicyDocument"] == TRUST
    assert code_of(iam.create_role, RoleName="Task", AssumeRolePolicyDocument=json.dumps(TRUST)) == "EntityAlreadyExists"
    assert iam.list_role_policies(RoleName="task")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="task")["AttachedPolicies"] == []
    execution = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="task", PolicyArn=execution)
    assert code_of(iam.attach_role_policy, RoleName="task", PolicyArn="arn:aws:iam::aws:policy/Nothing") == "NoSuchEntity"
    assert iam.list_attached_role_policies(RoleName="task")["AttachedPolicies"] == [{"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": execution}]
    assert code_of(iam.get_role_policy, RoleName="task", PolicyName="in") == "NoSuchEntity"
    iam.put_role_policy(RoleName="task", PolicyName="in", PolicyDocument=json.dumps(READS))
    assert iam.get_role_policy(RoleName="task", PolicyName="in")["PolicyDocument"] == READS
    assert code_of(iam.delete_role, RoleName="task") == "DeleteConflict"
    iam.create_instance_profile(InstanceProfileName="box")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="task")
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName="task")["InstanceProfiles"]] == ["box"]
    iam.detach_role_policy(RoleName="task", PolicyArn=execution)
    assert code_of(iam.detach_role_policy, RoleName="task", PolicyArn=execution) == "NoSuchEntity"
    iam.delete_role_policy(RoleName="task", PolicyName="in")
    assert code_of(iam.delete_role, RoleName="task") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="box", RoleName="task")
    iam.delete_instance_profile(InstanceProfileName="box")
    assert iam.get_role(RoleName="task")["Role"]["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.delete_role(RoleName="task")
    assert code_of(iam.delete_role, RoleName="task") == "NoSuchEntity"


def test_managed_policies_have_versions(iam, alice):
    arn = iam.create_policy(PolicyName="some", PolicyDocument=allow("ec2:*"))["Policy"]["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/some"
    assert code_of(iam.create_policy, PolicyName="some", PolicyDocument=allow("ec2:*")) == "EntityAlreadyExists"
    for number in range(2, 6):
        assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"), SetAsDefault=True)["PolicyVersion"]["VersionId"] == f"v{number}"
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=allow("s3:*")) == "LimitExceeded"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v5"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(allow("ec2:*"))
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v5") == "DeleteConflict"
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"][0]["UserName"] == "alice"
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    for number in range(1, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"
    assert code_of(iam.delete_policy, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess") == "AccessDenied"


@pytest.mark.parametrize("document", ["", "{", "[]", "{}", '{"Statement": []}', allow("ec2"), allow("ec2:*", effect="Perhaps"), allow("ec2:*", resource="x"),
                                      allow("ec2:*", Principal="*"), allow("ec2:*", Conditions={}), allow("ec2:*", Condition={"StringIs": {"a": "b"}})])
def test_bad_documents_are_refused(iam, alice, document):
    code = code_of(iam.put_user_policy, UserName="alice", PolicyName="x", PolicyDocument=document)
    assert code == ("MalformedPolicyDocument" if document else "ValidationError")
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []


def test_pages_and_paths(iam):
    for i in range(7):
        iam.create_user(UserName=f"user-{i}", Path="/a/" if i % 2 else "/b/")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3}))
    assert [[u["UserName"] for u in p["Users"]] for p in pages] == [["user-0", "user-1", "user-2"], ["user-3", "user-4", "user-5"], ["user-6"]]
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/a")["Users"]] == ["user-1", "user-3", "user-5"]
    assert code_of(iam.create_user, UserName="a b") == "ValidationError"
    assert code_of(iam.create_user, UserName="a", Path="no") == "ValidationError"
    iam.update_user(UserName="user-0", NewUserName="zoe")
    assert code_of(iam.get_user, UserName="user-0") == "NoSuchEntity" and iam.get_user(UserName="zoe")["User"]["Arn"].endswith(":user/b/zoe")
    assert code_of(iam.update_user, UserName="zoe", NewUserName="user-1") == "EntityAlreadyExists"


def test_everything_survives_kill_9(weir, iam, alice):
    iam.put_user_policy(UserName="alice", PolicyName="reads", PolicyDocument=json.dumps(READS))
    keys = clients.boto("sts", weir).get_session_token()["Credentials"]
    weir.kill()
    weir.start()
    assert client_as("elbv2", weir, alice).describe_load_balancers()["LoadBalancers"] == []
    assert code_of(client_as("iam", weir, alice).list_users) == "AccessDenied"
    assert client_as("sts", weir, keys).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_the_command_line_round_trip(aws):
    aws("iam", "create-user", "--user-name", "cli")
    key = aws("iam", "create-access-key", "--user-name", "cli")["AccessKey"]
    aws("iam", "attach-user-policy", "--user-name", "cli", "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
    aws("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", json.dumps(TRUST))
    assert aws("iam", "get-role", "--role-name", "r")["Role"]["AssumeRolePolicyDocument"] == TRUST
    code, _, errors = aws.run("iam", "get-role-policy", "--role-name", "r", "--policy-name", "none")
    assert code and "(NoSuchEntity)" in errors
    keys = aws("sts", "assume-role", "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/r", "--role-session-name", "tour")["Credentials"]
    root = aws.weir.environment
    aws.weir.environment = lambda: {**root(), "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert aws("elbv2", "describe-load-balancers")["LoadBalancers"] == []
    code, _, errors = aws.run("iam", "create-user", "--user-name", "other")
    assert code and "(AccessDenied)" in errors and "iam:CreateUser" in errors
    aws.weir.environment = lambda: {**root(), "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                                    "AWS_SESSION_TOKEN": keys["SessionToken"]}
    assert aws("sts", "get-caller-identity")["Arn"].endswith(":assumed-role/r/tour")


def test_the_house_paths_are_the_roots_alone(weir, alice):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    url = f"http://127.0.0.1:{weir.api_port}/_weir/streams"

    def status(access_key, secret):
        request = AWSRequest("GET", url)
        SigV4Auth(Credentials(access_key, secret), "weir", REGION).add_auth(request)
        return weir.request("GET", "/_weir/streams", headers=dict(request.headers))[0]
    assert status(*weir.keys()) == 200
    assert status(alice["AccessKeyId"], alice["SecretAccessKey"]) == 403


def test_temporary_keys_end(weir):
    import pathlib
    import sqlite3
    keys = clients.boto("sts", weir).get_session_token(DurationSeconds=900)["Credentials"]
    sts = client_as("sts", weir, keys)
    sts.get_caller_identity()
    assert weir.stop() == 0
    with sqlite3.connect(pathlib.Path(weir.data) / "weir.db") as store:
        changed = store.execute("UPDATE resource SET body = json_set(body, '$.Expires', json_extract(body, '$.Expires') - 901000) WHERE kind = 'iam.session'")
        assert changed.rowcount == 1
    store.close()
    weir.start()
    assert code_of(sts.get_caller_identity) == "ExpiredToken"


def test_what_a_service_asks_for_its_own_call_needs_no_permission(weir, iam, alice):
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
    iam.put_user_policy(UserName="alice", PolicyName="lb", PolicyDocument=allow("elasticloadbalancing:*"))
    mine = client_as("elbv2", weir, alice)
    assert len(mine.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"]) == 1
    assert code_of(client_as("ec2", weir, alice).describe_subnets) == "UnauthorizedOperation"


# ---- Single resources of the other services ----

def test_policies_name_log_groups_alarms_and_network_by_their_arns(weir, iam, alice):
    logs, cloudwatch, ec2 = (client_as(s, weir, alice) for s in ("logs", "cloudwatch", "ec2"))
    root = clients.boto("ec2", weir)
    vpc = root.describe_vpcs()["Vpcs"][0]["VpcId"]
    ours, theirs = (root.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in ("ours", "theirs"))
    where = f"{REGION}:{ACCOUNT}"
    iam.put_user_policy(UserName="alice", PolicyName="mine", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "logs:*", "Resource": f"arn:aws:logs:{where}:log-group:mine/*:*"},
        {"Effect": "Allow", "Action": "cloudwatch:*", "Resource": f"arn:aws:cloudwatch:{where}:alarm:mine-*"},
        {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
         "Condition": {"StringEquals": {"cloudwatch:namespace": "Mine"}}},
        {"Effect": "Allow", "Action": "ec2:AuthorizeSecurityGroupIngress", "Resource": f"arn:aws:ec2:{where}:security-group/{ours}"}]}))
    logs.create_log_group(logGroupName="mine/a")
    logs.create_log_stream(logGroupName="mine/a", logStreamName="s")
    message, _ = fault_of(logs.create_log_group, logGroupName="yours/a")
    assert f"arn:aws:logs:{where}:log-group:yours/a:log-stream:" in message
    assert code_of(logs.describe_log_groups) == "AccessDenied"
    alarm = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
             "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName="mine-1", **alarm)
    assert code_of(cloudwatch.put_metric_alarm, AlarmName="yours-1", **alarm) == "AccessDenied"
    assert code_of(cloudwatch.delete_alarms, AlarmNames=["mine-1", "yours-1"]) == "AccessDenied", "every one must be allowed"
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1}])
    assert code_of(cloudwatch.put_metric_data, Namespace="Yours", MetricData=[{"MetricName": "m", "Value": 1}]) == "AccessDenied"
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}
    ec2.authorize_security_group_ingress(GroupId=ours, **rule)
    message, _ = fault_of(ec2.authorize_security_group_ingress, GroupId=theirs, **rule)
    assert f"security-group/{theirs}" in message


def test_policies_may_ask_where_a_call_comes_from(weir, iam, alice):
    mine = client_as("ec2", weir, alice)

    def admit(cidr):
        iam.put_user_policy(UserName="alice", PolicyName="near", PolicyDocument=allow(
            "ec2:Describe*", Condition={"IpAddress": {"aws:SourceIp": cidr}}))

    admit("127.0.0.0/8")
    assert mine.describe_vpcs()["Vpcs"]
    admit("10.0.0.0/8")
    assert code_of(mine.describe_vpcs) == "UnauthorizedOperation"


def test_groups_give_their_users_what_they_may(weir, iam, alice):
    mine = client_as("elbv2", weir, alice)
    iam.create_group(GroupName="readers", Path="/teams/")
    iam.put_group_policy(GroupName="readers", PolicyName="reads", PolicyDocument=json.dumps(READS))
    assert code_of(mine.describe_load_balancers) == "AccessDenied"
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    assert mine.describe_load_balancers()["LoadBalancers"] == []
    group = iam.get_group(GroupName="readers")
    assert group["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/teams/readers" and [one["UserName"] for one in group["Users"]] == ["alice"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="alice")["Groups"]] == ["readers"]
    assert [one["GroupName"] for one in iam.list_groups(PathPrefix="/teams/")["Groups"]] == ["readers"]

    # What is denied to a group is denied to its users, whatever they have themselves.
    arn = iam.create_policy(PolicyName="no", PolicyDocument=allow("elasticloadbalancing:*", effect="Deny"))["Policy"]["Arn"]
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=allow("*"))
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    assert code_of(mine.describe_load_balancers) == "AccessDenied"
    assert iam.list_entities_for_policy(PolicyArn=arn)["PolicyGroups"][0]["GroupName"] == "readers"
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_group_policy(GroupName="readers", PolicyArn=arn)

    iam.update_group(GroupName="readers", NewGroupName="watchers")
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="alice")["Groups"]] == ["watchers"]
    iam.delete_user_policy(UserName="alice", PolicyName="all")
    assert mine.describe_load_balancers()["LoadBalancers"] == []
    assert code_of(iam.delete_group, GroupName="watchers") == "DeleteConflict"
    iam.delete_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"])
    assert code_of(iam.delete_user, UserName="alice") == "DeleteConflict"
    iam.remove_user_from_group(GroupName="watchers", UserName="alice")
    assert code_of(iam.remove_user_from_group, GroupName="watchers", UserName="alice") == "NoSuchEntity"
    iam.delete_group_policy(GroupName="watchers", PolicyName="reads")
    iam.delete_group(GroupName="watchers")
    iam.delete_user(UserName="alice")
    assert code_of(iam.get_group, GroupName="watchers") == "NoSuchEntity"


def test_a_permissions_boundary_limits_and_gives_nothing(weir, iam, alice):
    mine, bucket = client_as("elbv2", weir, alice), client_as("s3", weir, alice)
    arn = iam.create_policy(PolicyName="most", PolicyDocument=allow("elasticloadbalancing:Describe*"))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
    assert iam.get_user(UserName="alice")["User"]["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert code_of(mine.describe_load_balancers) == "AccessDenied"
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=allow("*"))
    assert mine.describe_load_balancers()["LoadBalancers"] == []
    message, status = fault_of(bucket.list_buckets)
    assert status == 403 and "no permissions boundary allows the s3:ListAllMyBuckets action" in message
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"

    # Roles have them as well, and whoever makes one may be held to give it a certain one.
    assert code_of(iam.create_role, RoleName="bound", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=arn + "x") == "NoSuchEntity"
    iam.delete_user_permissions_boundary(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=allow(
        "iam:CreateRole", Condition={"StringEquals": {"iam:PermissionsBoundary": arn}}))
    maker = client_as("iam", weir, alice)
    assert code_of(maker.create_role, RoleName="free", AssumeRolePolicyDocument=json.dumps(TRUST)) == "AccessDenied"
    role = maker.create_role(RoleName="bound", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=arn)["Role"]
    iam.put_role_policy(RoleName="bound", PolicyName="all", PolicyDocument=allow("*"))
    session = clients.boto("sts", weir).assume_role(RoleArn=role["Arn"], RoleSessionName="now")["Credentials"]
    assert client_as("elbv2", weir, session).describe_load_balancers()["LoadBalancers"] == []
    assert code_of(client_as("s3", weir, session).list_buckets) == "AccessDenied"
    iam.delete_role_permissions_boundary(RoleName="bound")
    client_as("s3", weir, session).list_buckets()


def test_who_hands_a_role_to_a_service_has_to_be_allowed_to(weir, iam, alice):
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com",
                        "lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(RoleName="task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_user_policy(UserName="alice", PolicyName="use", PolicyDocument=allow("ecs:*", "lambda:*"))
    task = {"family": "web", "taskRoleArn": role, "containerDefinitions": [{"name": "a", "image": "/bin/true", "memory": 64, "command": ["/bin/true"]}]}
    function = {"FunctionName": "f", "Role": role, "Runtime": "provided.al2023", "Handler": "x", "Code": {"ZipFile": a_zip()}}
    ecs, functions = client_as("ecs", weir, alice), client_as("lambda", weir, alice)
    for refused in (fault_of(ecs.register_task_definition, **task), fault_of(functions.create_function, **function)):
        assert "iam:PassRole" in refused[0] and role in refused[0] and refused[1] in (400, 403)
    ecs.register_task_definition(**{key: task[key] for key in task if key != "taskRoleArn"})

    def pass_to(service):
        iam.put_user_policy(UserName="alice", PolicyName="pass", PolicyDocument=allow(
            "iam:PassRole", resource=role, Condition={"StringEquals": {"iam:PassedToService": service}}))
    pass_to("ecs-tasks.amazonaws.com")
    assert ecs.register_task_definition(**task)["taskDefinition"]["taskRoleArn"] == role
    assert "iam:PassRole" in fault_of(functions.create_function, **function)[0]
    pass_to("lambda.amazonaws.com")
    assert functions.create_function(**function)["Role"] == role


def a_zip():
    import io
    import zipfile
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        file.writestr(entry, "#!/bin/sh\n")
    return made.getvalue()


def test_conditions_ask_what_a_call_names(weir, iam, alice):
    iam.put_user_policy(UserName="alice", PolicyName="some", PolicyDocument=allow(
        "elasticloadbalancing:CreateLoadBalancer", "ec2:*", Condition={"StringEqualsIfExists": {"elasticloadbalancing:Scheme": "internal"}}))
    mine = client_as("elbv2", weir, alice)
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
    assert code_of(mine.create_load_balancer, Name="open", Subnets=subnets, Scheme="internet-facing") == "AccessDenied"
    mine.create_load_balancer(Name="closed", Subnets=subnets, Scheme="internal")
    clients.boto("s3", weir).create_bucket(Bucket="papers")
    iam.put_user_policy(UserName="alice", PolicyName="lists", PolicyDocument=allow(
        "s3:ListBucket", Condition={"StringLike": {"s3:prefix": ["mine/*"]}, "NumericLessThanEquals": {"s3:max-keys": "10"}}))
    s3 = client_as("s3", weir, alice)
    s3.list_objects_v2(Bucket="papers", Prefix="mine/a", MaxKeys=10)
    assert code_of(s3.list_objects_v2, Bucket="papers", Prefix="mine/a", MaxKeys=11) == "AccessDenied"
    assert code_of(s3.list_objects_v2, Bucket="papers", Prefix="yours/", MaxKeys=1) == "AccessDenied"


class As:
    """A Weir as the command line of somebody else sees it."""

    def __init__(self, weir, key):
        self.api_port, self.words = weir.api_port, {**weir.environment(), "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                                                    "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def environment(self):
        return self.words


def tagged_things(weir, team):
    """Something of each service with that tag: (service, operation, its input, what a refusal is called)."""
    upper, lower = [{"Key": "team", "Value": team}], [{"key": "team", "value": team}]
    at = {name: clients.boto(name, weir) for name in ("ec2", "elbv2", "ecs", "logs", "secretsmanager", "ssm", "cloudwatch", "s3", "iam", "lambda")}
    subnets = [s["SubnetId"] for s in at["ec2"].describe_subnets()["Subnets"]][:2]
    group = at["ec2"].create_security_group(GroupName=team, Description="d", TagSpecifications=[{"ResourceType": "security-group", "Tags": upper}])
    balancer = at["elbv2"].create_load_balancer(Name=team, Subnets=subnets, Tags=upper)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = at["elbv2"].create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=free_port(), Tags=upper, DefaultActions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}])["Listeners"][0]["ListenerArn"]
    at["ecs"].create_cluster(clusterName=team, tags=lower)
    at["logs"].create_log_group(logGroupName=f"/{team}", tags={"team": team})
    at["secretsmanager"].create_secret(Name=team, SecretString="s", Tags=upper)
    at["ssm"].put_parameter(Name=f"/{team}/p", Value="v", Type="String", Tags=upper)
    at["ssm"].put_parameter(Name=team, Value="v", Type="String", Tags=upper)
    at["cloudwatch"].put_metric_alarm(AlarmName=team, Namespace="n", MetricName="m", Period=60, EvaluationPeriods=1, Threshold=1, Statistic="Sum",
                                      ComparisonOperator="GreaterThanThreshold", Tags=upper)
    at["s3"].create_bucket(Bucket=f"{team}-bucket")
    at["s3"].put_bucket_tagging(Bucket=f"{team}-bucket", Tagging={"TagSet": upper})
    at["iam"].create_role(RoleName=team, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=upper)
    return [
        ("elbv2", "modify_listener", {"ListenerArn": listener, "Port": free_port()}, "AccessDenied"),
        ("elbv2", "delete_load_balancer", {"LoadBalancerArn": balancer}, "AccessDenied"),
        ("ec2", "authorize_security_group_ingress", {"GroupId": group["GroupId"], "IpProtocol": "tcp", "FromPort": 1, "ToPort": 1,
                                                     "CidrIp": "10.0.0.0/8"}, "UnauthorizedOperation"),
        ("ecs", "update_cluster_settings", {"cluster": team, "settings": [{"name": "containerInsights", "value": "disabled"}]}, "AccessDeniedException"),
        ("logs", "put_retention_policy", {"logGroupName": f"/{team}", "retentionInDays": 7}, "AccessDeniedException"),
        ("secretsmanager", "get_secret_value", {"SecretId": team}, "AccessDeniedException"),
        ("ssm", "get_parameter", {"Name": f"/{team}/p"}, "AccessDeniedException"),
        ("ssm", "get_parameter", {"Name": team}, "AccessDeniedException"),
        ("cloudwatch", "delete_alarms", {"AlarmNames": [team]}, "AccessDenied"),
        ("s3", "get_bucket_location", {"Bucket": f"{team}-bucket"}, "AccessDenied"),
        ("iam", "get_role", {"RoleName": team}, "AccessDenied"),
    ]


def test_conditions_ask_for_the_tags_of_what_a_call_is_about_in_every_service(weir, iam, alice):
    ours, theirs = tagged_things(weir, "blue"), tagged_things(weir, "red")
    iam.put_user_policy(UserName="alice", PolicyName="ours", PolicyDocument=allow("*", Condition={"StringEquals": {"aws:ResourceTag/team": "blue"}}))
    for (service, operation, mine, _), (_, _, other, refusal) in zip(ours, theirs):
        client = client_as(service, weir, alice)
        assert code_of(getattr(client, operation), **other) in (refusal, "AccessDenied"), (service, operation)
        getattr(client, operation)(**mine)
    assert code_of(client_as("ec2", weir, alice).create_security_group, GroupName="x", Description="d") == "UnauthorizedOperation", "it has no tags yet"


def test_services_own_tag_keys_and_denials_by_tags_act(weir, iam, alice):
    ec2, admin = client_as("ec2", weir, alice), clients.boto("ec2", weir)
    made = {name: admin.create_security_group(GroupName=name, Description="d", TagSpecifications=[
        {"ResourceType": "security-group", "Tags": [{"Key": "Name", "Value": name}]}])["GroupId"] for name in ("keep", "drop")}
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:DeleteSecurityGroup", "Resource": "*", "Condition": {"StringLike": {"ec2:ResourceTag/Name": "k*"}}},
        {"Effect": "Deny", "Action": "ec2:CreateTags", "Resource": "*", "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["owner", "Name"]}}},
        {"Effect": "Deny", "Action": "ec2:CreateSecurityGroup", "Resource": "*", "Condition": {"Null": {"aws:RequestTag/team": "true"}}}]}))
    assert code_of(ec2.delete_security_group, GroupId=made["keep"]) == "UnauthorizedOperation"
    ec2.delete_security_group(GroupId=made["drop"])
    ec2.create_tags(Resources=[made["keep"]], Tags=[{"Key": "a", "Value": "b"}])
    assert code_of(ec2.create_tags, Resources=[made["keep"]], Tags=[{"Key": "a", "Value": "b"}, {"Key": "owner", "Value": "me"}]) == "UnauthorizedOperation"
    assert code_of(ec2.create_security_group, GroupName="free", Description="d") == "UnauthorizedOperation"
    group = ec2.create_security_group(GroupName="ours", Description="d", TagSpecifications=[
        {"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "x"}]}])["GroupId"]
    admin.create_tags(Resources=[made["keep"]], Tags=[{"Key": "Name", "Value": "other"}])
    ec2.delete_security_group(GroupId=made["keep"]), "tags are asked for as they are now"
    # A whole set of keys at once: none may be there that is not allowed.
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=allow("ec2:CreateTags", Condition={
        "ForAllValues:StringLike": {"aws:TagKeys": ["team", "cost-*"]}, "StringEquals": {"aws:RequestTag/team": "${aws:ResourceTag/team}"}}))
    ec2.create_tags(Resources=[group], Tags=[{"Key": "team", "Value": "x"}, {"Key": "cost-1", "Value": "1"}])
    assert code_of(ec2.create_tags, Resources=[group], Tags=[{"Key": "team", "Value": "x"}, {"Key": "name", "Value": "1"}]) == "UnauthorizedOperation"
    assert code_of(ec2.create_tags, Resources=[group], Tags=[{"Key": "team", "Value": "y"}]) == "UnauthorizedOperation"


def test_the_command_line_is_held_to_tags_too(weir, aws, iam, alice):
    mine = clients.Cli(aws.path, As(weir, alice))
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=allow(
        "elasticloadbalancing:*", Condition={"StringEqualsIfExists": {"elasticloadbalancing:ResourceTag/env": "dev", "aws:RequestTag/env": "dev"}}))
    made = {env: aws("elbv2", "create-target-group", "--name", env, "--target-type", "ip", "--protocol", "HTTP", "--port", "80", "--vpc-id",
                     weir_vpc(weir), "--tags", f"Key=env,Value={env}")["TargetGroups"][0]["TargetGroupArn"] for env in ("dev", "prod")}
    mine("elbv2", "add-tags", "--resource-arns", made["dev"], "--tags", "Key=env,Value=dev", "Key=b,Value=c")
    code, _, errors = mine.run("elbv2", "delete-target-group", "--target-group-arn", made["prod"])
    assert code and "AccessDenied" in errors and made["prod"] in errors
    code, _, errors = mine.run("elbv2", "add-tags", "--resource-arns", made["dev"], "--tags", "Key=env,Value=prod")
    assert code and "AccessDenied" in errors
    mine("elbv2", "delete-target-group", "--target-group-arn", made["dev"])
