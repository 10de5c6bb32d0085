"""boto3 on the operations: happy path, bad input, pages, tags, idempotence; effects on traffic."""
import botocore.exceptions
import pytest

import clients
from harness import Raw, Target, Weir, free_port, get, until


def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def knows(client, operation, *path):
    """Whether this botocore's model has the parameter: an older one cannot send it."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    for name in path:
        while shape.type_name == "list":
            shape = shape.member
        if name not in shape.members:
            return False
        shape = shape.members[name]
    return True


@pytest.fixture
def subnets(ec2):
    return [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]


@pytest.fixture
def vpc(ec2):
    return ec2.describe_vpcs()["Vpcs"][0]["VpcId"]


@pytest.fixture
def balancer(elbv2, subnets):
    return elbv2.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]


@pytest.fixture
def group(elbv2, vpc):
    def make(name="tg", target=None, **more):
        values = {"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", "HealthCheckIntervalSeconds": 5,
                  "HealthCheckTimeoutSeconds": 2, **more}
        arn = elbv2.create_target_group(**values)["TargetGroups"][0]["TargetGroupArn"]
        if target:
            elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": target.port}])
        return arn
    return make


def healthy(elbv2, arn):
    rows = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return rows and all(r["TargetHealth"]["State"] == "healthy" for r in rows)


def test_load_balancers_come_and_go(elbv2, subnets):
    made = elbv2.create_load_balancer(Name="one", Subnets=subnets, Tags=[{"Key": "a", "Value": "b"}])["LoadBalancers"][0]
    again = elbv2.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"][0]
    assert made["LoadBalancerArn"] == again["LoadBalancerArn"]
    assert code_of(elbv2.create_load_balancer, Name="one", Subnets=subnets, Scheme="internal") == "DuplicateLoadBalancerName"
    listed = elbv2.describe_load_balancers(Names=["one"])["LoadBalancers"][0]
    assert listed["State"]["Code"] == "active" and listed["Type"] == "application" and len(listed["AvailabilityZones"]) == 2
    elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    assert code_of(elbv2.describe_load_balancers, Names=["one"]) == "LoadBalancerNotFound"


@pytest.mark.parametrize("values, code", [
    ({"Name": "-x"}, "ValidationError"), ({"Name": "x" * 33}, "ValidationError"), ({"Name": "internal-x"}, "ValidationError"),
    ({"Subnets": ["subnet-00000000000000000", "subnet-11111111111111111"]}, ("SubnetNotFound", "InvalidSubnet")),
    ({"Scheme": "sideways"}, "ValidationError"), ({"SecurityGroups": ["sg-00000000000000000"]}, "InvalidSecurityGroup"),
    ({"Type": "network"}, ("ValidationError", "InvalidConfigurationRequest", "OperationNotPermitted", "UnsupportedOperation")),
])
def test_bad_load_balancers_are_refused(elbv2, subnets, values, code):
    got = code_of(elbv2.create_load_balancer, **{"Name": "good", "Subnets": subnets, **values})
    assert got in ([code] if isinstance(code, str) else code)
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []


def test_one_subnet_is_too_few(elbv2, subnets):
    assert code_of(elbv2.create_load_balancer, Name="x", Subnets=subnets[:1]) == "ValidationError"


def test_pages_hold_everything_once(elbv2, group):
    names = {f"group-{i:02}" for i in range(23)}
    for name in names:
        group(name)
    pages = list(elbv2.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(p["TargetGroups"]) for p in pages] == [5, 5, 5, 5, 3]
    listed = [g["TargetGroupName"] for p in pages for g in p["TargetGroups"]]
    assert sorted(listed) == sorted(names)
    assert code_of(elbv2.describe_target_groups, Marker="nonsense") == "ValidationError"


def test_an_answer_that_was_kept_is_new_after_every_change_and_for_who_may_see_it(weir, elbv2, balancer, subnets):
    def names():
        answer = elbv2.describe_load_balancers()
        return [one["LoadBalancerName"] for one in answer["LoadBalancers"]], answer["ResponseMetadata"]["RequestId"]
    first, again = names(), names()
    assert first[0] == again[0] == ["one"] and first[1] != again[1]
    elbv2.create_load_balancer(Name="two", Subnets=subnets)
    assert names()[0] == ["one", "two"]
    elbv2.set_ip_address_type(LoadBalancerArn=balancer, IpAddressType="ipv4")
    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    assert names()[0] == ["two"]
    iam = clients.boto("iam", weir)
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    import boto3
    nobody = boto3.client("elbv2", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                          aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert code_of(nobody.describe_load_balancers) == "AccessDenied"


def test_tags(elbv2, balancer):
    elbv2.add_tags(ResourceArns=[balancer], Tags=[{"Key": "team", "Value": "x"}, {"Key": "env", "Value": "dev"}])
    elbv2.add_tags(ResourceArns=[balancer], Tags=[{"Key": "team", "Value": "y"}])
    elbv2.remove_tags(ResourceArns=[balancer], TagKeys=["env", "absent"])
    assert elbv2.describe_tags(ResourceArns=[balancer])["TagDescriptions"] == [{"ResourceArn": balancer, "Tags": [{"Key": "team", "Value": "y"}]}]
    assert code_of(elbv2.add_tags, ResourceArns=[balancer], Tags=[{"Key": "aws:x", "Value": "y"}]) == "ValidationError"
    assert code_of(elbv2.add_tags, ResourceArns=[balancer], Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]) == "DuplicateTagKeys"


def test_a_tag_turns_heartbeats_on(elbv2, balancer, group):
    import time

    def script(c):
        c.start_stream()
        c.chunk("data: 1\n\n")
        time.sleep(2.6)
        c.end_stream()
    with Target(script) as target:
        arn = group(target=target, Tags=[{"Key": "weir:stream.heartbeat.interval_seconds", "Value": "1"}])
        port = free_port()
        elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])
        until(lambda: healthy(elbv2, arn))
        assert get(port).body.count(b": ping\n") >= 1
        assert code_of(elbv2.add_tags, ResourceArns=[arn],
                       Tags=[{"Key": "weir:stream.heartbeat.interval_seconds", "Value": "-3"}]) == "ValidationError"


def test_listener_rules_route_traffic(elbv2, balancer, group):
    with Target(lambda c: c.answer("a")) as a, Target(lambda c: c.answer("b")) as b:
        first, second, port = group("a", a), group("b", b), free_port()
        listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                                         DefaultActions=[{"Type": "forward", "TargetGroupArn": first}])["Listeners"][0]["ListenerArn"]
        conditions = [
            ([{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.b.example"]}}], {"host": "www.B.example"}),
            ([{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Go", "Values": ["b*"]}}], {"headers": "x-go: B-side\r\n"}),
            ([{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "to", "Value": "b"}]}}], {"path": "/?x=1&to=B"}),
            ([{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PURGE"]}}], {"method": "PURGE"}),
            ([{"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}}, {"Field": "path-pattern", "Values": ["/local"]}],
             {"path": "/local"}),
        ]
        if knows(elbv2, "CreateRule", "Conditions", "PathPatternConfig", "RegexValues"):
            conditions.append(([{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/v[0-9]+/b$"]}}], {"path": "/v12/b"}))
        for priority, (condition, _) in enumerate(conditions, 1):
            elbv2.create_rule(ListenerArn=listener, Priority=priority, Conditions=condition,
                              Actions=[{"Type": "forward", "TargetGroupArn": second}])
        until(lambda: healthy(elbv2, first) and healthy(elbv2, second))
        assert get(port).body == b"a"
        for condition, request in conditions:
            assert get(port, **request).body == b"b", condition
        rules = elbv2.describe_rules(ListenerArn=listener)["Rules"]
        assert [r["Priority"] for r in rules] == [str(i) for i in range(1, len(conditions) + 1)] + ["default"]
        assert code_of(elbv2.create_rule, ListenerArn=listener, Priority=1, Conditions=conditions[0][0],
                       Actions=[{"Type": "forward", "TargetGroupArn": second}]) == "PriorityInUse"
        assert code_of(elbv2.delete_rule, RuleArn=rules[-1]["RuleArn"]) == "OperationNotPermitted"
        assert code_of(elbv2.delete_target_group, TargetGroupArn=second) == "ResourceInUse"
        elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": rules[0]["RuleArn"], "Priority": 2},
                                                  {"RuleArn": rules[1]["RuleArn"], "Priority": 1}])
        assert elbv2.describe_rules(ListenerArn=listener)["Rules"][0]["RuleArn"] == rules[1]["RuleArn"]


def test_redirect_fixed_response_weights_and_rewrites_act(elbv2, balancer, group):
    def echo(c):
        c.answer(c.head.split()[1] + b" " + c.header("Host").encode())
    with Target(echo) as a, Target(lambda c: c.answer("b")) as b:
        first, second, port = group("a", a), group("b", b), free_port()
        listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "application/json", "MessageBody": "{}"}}])
        listener = listener["Listeners"][0]["ListenerArn"]

        def rule(priority, path, *actions, **more):
            elbv2.create_rule(ListenerArn=listener, Priority=priority, Conditions=[{"Field": "path-pattern", "Values": [path]}],
                              Actions=list(actions), **more)
        rule(1, "/moved*", {"Type": "redirect", "RedirectConfig": {"Host": "new.example", "Path": "/x/#{path}", "StatusCode": "HTTP_301"}})
        rule(2, "/zero", {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": first, "Weight": 0},
                                                                             {"TargetGroupArn": second, "Weight": 5}]}})
        if knows(elbv2, "CreateRule", "Transforms"):
            rule(3, "/old/*", {"Type": "forward", "TargetGroupArn": first}, Transforms=[
                {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/old/(.*)$", "Replace": "/new/$1"}]}},
                {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "^.*$", "Replace": "inside.example"}]}}])
        until(lambda: healthy(elbv2, second))
        answer = get(port, "/nothing")
        assert (answer.status, answer.body) == (404, b"{}") and answer.headers["content-type"].startswith("application/json")
        answer = get(port, "/moved/a?b=c")
        assert answer.status == 301 and answer.headers["location"] == f"http://new.example:{port}/x/moved/a?b=c"
        assert {get(port, "/zero").body for _ in range(20)} == {b"b"}
        if knows(elbv2, "CreateRule", "Transforms"):
            until(lambda: healthy(elbv2, first))
            assert get(port, "/old/a?b=1").body == b"/new/a?b=1 inside.example"


def test_attributes_are_known_described_and_checked(elbv2, balancer, group):
    described = elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    keys = {a["Key"]: a["Value"] for a in described}
    assert keys["idle_timeout.timeout_seconds"] == "60" and keys["routing.http.desync_mitigation_mode"] == "defensive"
    assert keys["client_keep_alive.seconds"] == "3600" and len([k for k in keys if not k.startswith("weir.")]) == 23

    def modify(key, value):
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": key, "Value": value}])
    modify("idle_timeout.timeout_seconds", "4000")
    for key, value in (("idle_timeout.timeout_seconds", "0"), ("idle_timeout.timeout_seconds", "4001"), ("no.such.key", "1"),
                       ("routing.http.desync_mitigation_mode", "lenient"), ("deletion_protection.enabled", "perhaps")):
        assert code_of(modify, key=key, value=value) == "ValidationError", key
    with pytest.raises(botocore.exceptions.ClientError, match="Load balancer attribute key 'no.such.key' is not recognized"):
        modify("no.such.key", "1")
    assert code_of(modify, key="access_logs.s3.enabled", value="true") == "InvalidConfigurationRequest"
    modify("deletion_protection.enabled", "true")
    assert code_of(elbv2.delete_load_balancer, LoadBalancerArn=balancer) == "OperationNotPermitted"
    arn = group()
    assert code_of(elbv2.modify_target_group_attributes, TargetGroupArn=arn,
                   Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3601"}]) == "ValidationError"
    assert code_of(elbv2.modify_target_group_attributes, TargetGroupArn=arn,
                   Attributes=[{"Key": "slow_start.duration_seconds", "Value": "60"},
                               {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}]) in (
        "InvalidConfigurationRequest", "ValidationError")


@pytest.mark.parametrize("values, code", [
    ({"Protocol": "HTTPS", "Certificates": [{"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/x"}]},
     ("CertificateNotFound", "UnsupportedProtocol", "ValidationError", "InvalidConfigurationRequest")),
    ({"Protocol": "TCP"}, ("ValidationError", "UnsupportedProtocol")),
    ({"Port": 0}, ("ValidationError",)), ({"Port": 65536}, ("ValidationError",)),
    ({"DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/0123456789abcdef"}]},
     ("TargetGroupNotFound",)),
    ({"DefaultActions": [{"Type": "authenticate-cognito", "AuthenticateCognitoConfig": {
        "UserPoolArn": "a", "UserPoolClientId": "b", "UserPoolDomain": "c"}}]}, ("InvalidLoadBalancerAction",)),
])
def test_bad_listeners_are_refused(elbv2, balancer, group, values, code):
    good = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": free_port(), "DefaultActions": [{"Type": "forward", "TargetGroupArn": group()}]}
    assert code_of(elbv2.create_listener, **{**good, **values}) in code
    assert elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"] == []


@pytest.mark.parametrize("target, accepted", [
    ("127.0.0.1", True), ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.1", True), ("100.64.0.1", True),
    ("8.8.8.8", False), ("not-an-address", False), ("i-0123456789abcdef0", False), ("", False),
])
def test_targets_must_be_private_addresses(elbv2, group, target, accepted):
    arn = group()
    if accepted:
        elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": target, "Port": 1234}])
        rows = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        assert rows[0]["TargetHealth"] == {"State": "unused", "Reason": "Target.NotInUse",
                                           "Description": "Target group is not configured to receive traffic from the load balancer"}
        elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": target, "Port": 1234}])
    else:
        assert code_of(elbv2.register_targets, TargetGroupArn=arn, Targets=[{"Id": target, "Port": 1234}]) in ("InvalidTarget", "ValidationError")


def test_stickiness_keeps_a_client_on_its_target(elbv2, balancer, group):
    with Target(lambda c: c.answer("a")) as a, Target(lambda c: c.answer("b")) as b:
        arn, port = group("s", a), free_port()
        elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": b.port}])
        elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}])
        elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])
        until(lambda: healthy(elbv2, arn))
        with Raw(port) as raw:
            raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            first = raw.response()
        assert "AWSALB=" in first.head and "AWSALBCORS=" in first.head and "SameSite=None; Secure" in first.head
        cookie = first.head.split("AWSALB=")[1].split(";")[0]
        assert {get(port, headers=f"Cookie: AWSALB={cookie}\r\n").body for _ in range(10)} == {first.body}
        assert {get(port).body for _ in range(4)} == {b"a", b"b"}


def test_what_is_not_there_yet_is_refused_not_pretended(elbv2, vpc):
    assert code_of(elbv2.create_target_group, Name="fn", TargetType="alb", Protocol="HTTP", Port=80, VpcId=vpc)
    if hasattr(elbv2, "create_trust_store"):
        assert code_of(elbv2.create_trust_store, Name="t", CaCertificatesBundleS3Bucket="b", CaCertificatesBundleS3Key="k")
        assert elbv2.describe_trust_stores()["TrustStores"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []


def test_limits_and_policies_are_listed(elbv2):
    limits = {limit["Name"]: limit["Max"] for limit in elbv2.describe_account_limits()["Limits"]}
    assert limits["application-load-balancers"] == "50" and limits["targets-per-application-load-balancer"] == "1000"
    policies = {p["Name"]: p for p in elbv2.describe_ssl_policies(PageSize=100)["SslPolicies"]}
    assert "TLSv1.3" in policies["ELBSecurityPolicy-TLS13-1-2-2021-06"]["SslProtocols"]
    assert code_of(elbv2.describe_ssl_policies, Names=["nope"]) == "SSLPolicyNotFound"


def test_the_quota_of_load_balancers_is_the_settings():
    with Weir("--load-balancers", "2", auth="sigv4") as weir:
        elbv2, ec2 = clients.boto("elbv2", weir), clients.boto("ec2", weir)
        limits = {limit["Name"]: limit["Max"] for limit in elbv2.describe_account_limits()["Limits"]}
        assert limits["application-load-balancers"] == "2"
        subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
        for name in ("one", "two"):
            elbv2.create_load_balancer(Name=name, Subnets=subnets)
        with pytest.raises(elbv2.exceptions.TooManyLoadBalancersException):
            elbv2.create_load_balancer(Name="three", Subnets=subnets)
        first = elbv2.describe_load_balancers(PageSize=1)
        second = elbv2.describe_load_balancers(PageSize=1, Marker=first["NextMarker"])
        assert [p["LoadBalancers"][0]["LoadBalancerName"] for p in (first, second)] == ["one", "two"]
        assert "NextMarker" not in second
