"""EC2's network by the real clients, and security groups by what happens to real connections."""
import botocore.exceptions
import pytest

from harness import Raw, Weir, get, until


@pytest.fixture
def weir():
    """The harness asks without signatures, the clients with."""
    with Weir() as running:
        yield running


def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def admitted(port):
    """Whether a new connection is answered. A refused one ends without a byte."""
    with Raw(port) as raw:
        try:
            raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return raw.more()
        except (ConnectionResetError, BrokenPipeError):
            return False


@pytest.fixture
def vpc(ec2):
    return ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]


@pytest.fixture
def front(weir, elbv2, target):
    """A balancer before a target: its port, ARN and the target group."""
    port, group, balancer = weir.behind(target)
    return port, balancer, group


# ---- The seed's commands, verbatim but for their placeholders ----

def test_the_seeds_security_group_commands_act(aws, weir, front, target):
    port, balancer, _ = front
    alb = aws("ec2", "create-security-group", "--group-name", "mindr-alb-sg", "--description", "Security group for Mindr ALB")["GroupId"]
    aws("elbv2", "set-security-groups", "--load-balancer-arn", balancer, "--security-groups", alb)
    until(lambda: not admitted(port), what="a group without rules")
    aws("ec2", "authorize-security-group-ingress", "--group-id", alb, "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
    aws("ec2", "authorize-security-group-ingress", "--group-id", alb, "--protocol", "tcp", "--port", "443", "--cidr", "0.0.0.0/0")
    assert not admitted(port), "neither 80 nor 443 is this listener's port"
    aws("ec2", "authorize-security-group-ingress", "--group-id", alb, "--protocol", "tcp", "--port", str(port), "--cidr", "0.0.0.0/0")
    until(lambda: admitted(port), what="the rule for the port")

    backend = aws("ec2", "create-security-group", "--group-name", "mindr-backend-sg", "--description",
                  "Security group for Mindr backend")["GroupId"]
    aws("ec2", "authorize-security-group-ingress", "--group-id", backend, "--protocol", "tcp", "--port", "8000", "--source-group", alb)
    rule = aws("ec2", "describe-security-groups", "--group-ids", backend)["SecurityGroups"][0]["IpPermissions"][0]
    assert rule["FromPort"] == rule["ToPort"] == 8000 and rule["UserIdGroupPairs"][0]["GroupId"] == alb
    code, _, errors = aws.run("ec2", "delete-security-group", "--group-id", alb)
    assert code != 0 and "DependencyViolation" in errors


def test_a_group_by_the_command_line_from_birth_to_death(aws):
    made = aws("ec2", "create-security-group", "--group-name", "web", "--description", "d", "--tag-specifications",
               "ResourceType=security-group,Tags=[{Key=team,Value=a}]")
    group = made["GroupId"]
    aws("ec2", "authorize-security-group-ingress", "--group-name", "web", "--ip-permissions",
        "IpProtocol=tcp,FromPort=80,ToPort=81,IpRanges=[{CidrIp=10.0.0.1/8,Description=inside}],Ipv6Ranges=[{CidrIpv6=2001:DB8::/32}]")
    shown = aws("ec2", "describe-security-groups", "--filters", "Name=tag:team,Values=a")["SecurityGroups"][0]
    assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8", "Description": "inside"}]
    assert shown["IpPermissions"][0]["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::/32"}]
    rules = aws("ec2", "describe-security-group-rules", "--filters", f"Name=group-id,Values={group}")["SecurityGroupRules"]
    assert len(rules) == 3 and sum(r["IsEgress"] for r in rules) == 1
    aws("ec2", "revoke-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "80-81", "--cidr", "10.0.0.0/8")
    code, _, errors = aws.run("ec2", "revoke-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "80-81",
                              "--cidr", "10.0.0.0/8")
    assert code != 0 and "InvalidPermission.NotFound" in errors
    aws("ec2", "create-tags", "--resources", group, "--tags", "Key=a,Value=b")
    assert aws("ec2", "describe-tags", "--filters", f"Name=resource-id,Values={group}", "Name=key,Values=a")["Tags"][0]["Value"] == "b"
    aws("ec2", "delete-tags", "--resources", group, "--tags", "Key=a")
    code, _, errors = aws.run("ec2", "delete-security-group", "--group-id", group, "--dry-run")
    assert "DryRunOperation" in errors
    aws("ec2", "delete-security-group", "--group-id", group)
    code, _, errors = aws.run("ec2", "describe-security-groups", "--group-ids", group)
    assert "InvalidGroup.NotFound" in errors


# ---- Effects ----

def test_the_default_group_admits_until_its_rules_are_revoked(ec2, weir, front, vpc):
    port, _, _ = front
    assert admitted(port)
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    until(lambda: not admitted(port), what="the revoked rules")
    assert weir.metric("weir_security_group_drops_total") >= 1
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "127.0.0.2/32"}]}])
    until(lambda: not admitted(port), what="another address's rule")
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpProtocol="tcp", FromPort=0, ToPort=65535, CidrIp="127.0.0.1/32")
    until(lambda: admitted(port), what="this address's rule")


def test_a_running_stream_outlives_its_rule(ec2, weir, target):
    held = []

    def script(connection):
        connection.start_stream()
        connection.chunk("data: one\n\n")
        held.append(connection)
        until(lambda: len(held) == 0, 20)
        connection.chunk("data: two\n\n")
        connection.end_stream()
    target.script = script
    port, _, _ = weir.behind(target)
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    with Raw(port) as raw:
        raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        raw.read_until("one\n\n")
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
        until(lambda: not admitted(port), what="the revoked rules")
        held.clear()
        raw.read_until("two\n\n")
        raw.read_until("0\r\n\r\n")


def test_egress_rules_keep_targets_from_being_reached(ec2, elbv2, weir, front, target):
    port, balancer, group_arn = front
    weir.set_group(group_arn, **{"weir.timeout.connect_ms": 300})
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])

    def timed_out():
        rows = elbv2.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
        return rows[0]["TargetHealth"].get("Reason") == "Target.Timeout"
    until(timed_out, 30, "health checks that time out")
    assert get(port).status == 504
    ec2.authorize_security_group_egress(GroupId=group["GroupId"], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": target.port, "ToPort": target.port, "IpRanges": [{"CidrIp": "127.0.0.0/8"}]}])
    until(lambda: get(port).status == 200, 10, "the egress rule")


# ---- Groups and rules, by boto3 ----

def test_rules_have_ids_and_are_changed_in_place(ec2, vpc):
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    made = ec2.authorize_security_group_ingress(
        GroupId=group, TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])["SecurityGroupRules"][0]
    assert made["GroupId"] == group and made["CidrIpv4"] == "0.0.0.0/0" and made["Tags"] == [{"Key": "k", "Value": "v"}]
    rule = made["SecurityGroupRuleId"]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": {
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.0.0.0/8", "Description": "new"}}])
    shown = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]
    assert (shown["FromPort"], shown["CidrIpv4"], shown["Description"], shown["Tags"][0]["Key"]) == (443, "10.0.0.0/8", "new", "k")
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": rule, "Description": "newer"}])
    assert ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]["Description"] == "newer"
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    assert code_of(ec2.describe_security_group_rules, SecurityGroupRuleIds=[rule]) == "InvalidSecurityGroupRuleId.NotFound"


TCP = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}


@pytest.mark.parametrize("permission, code", [
    ({**TCP, "IpRanges": [{"CidrIp": "10.0.0/8"}]}, "InvalidParameterValue"),
    ({**TCP, "IpRanges": [{"CidrIp": "::/0"}]}, "InvalidParameterValue"),
    ({**TCP, "Ipv6Ranges": [{"CidrIpv6": "10.0.0.0/8"}]}, "InvalidParameterValue"),
    ({**TCP, "FromPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue"),
    ({**TCP, "ToPort": 65536, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue"),
    ({"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue"),
    ({"IpProtocol": "tdp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue"),
    ({**TCP, "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "InvalidPrefixListID.NotFound"),
    ({**TCP, "UserIdGroupPairs": [{"GroupId": "sg-00000000000000000"}]}, "InvalidGroup.NotFound"),
    (TCP, "MissingParameter"),
])
def test_bad_rules_are_refused(ec2, vpc, permission, code):
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[permission]) == code
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []


def test_what_cannot_be_meant_is_refused_in_ec2s_words(ec2, vpc):
    group = ec2.create_security_group(GroupName="words", Description="d", VpcId=vpc)["GroupId"]
    tcp = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    some = [{**tcp, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    authorize, revoke = ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress
    assert code_of(authorize, GroupId=group, IpPermissions=some * 2) == "InvalidParameterValue", "twice in one request"
    assert code_of(authorize, GroupId=group, IpPermissions=some, CidrIp="10.0.0.0/8") == "InvalidParameterCombination"
    assert code_of(authorize, GroupId=group, IpPermissions=[{**tcp, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "a \"b\""}]}]) == \
        "InvalidParameterValue"
    assert code_of(authorize, GroupId=group, IpPermissions=[{"IpProtocol": "icmp", "FromPort": 256, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]) == \
        "InvalidParameterValue"
    assert code_of(authorize, GroupId=group, IpPermissions=[{**tcp, "UserIdGroupPairs": [{"GroupId": group, "UserId": "999999999999"}]}]) == \
        "InvalidGroup.NotFound", "of another account"
    rule = authorize(GroupId=group, IpPermissions=some)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    assert code_of(revoke, GroupId=group) == "MissingParameter"
    assert code_of(revoke, GroupId=group, SecurityGroupRuleIds=["x"]) == "InvalidSecurityGroupRuleId.Malformed"
    describe = ec2.update_security_group_rule_descriptions_ingress
    assert code_of(describe, GroupId=group) == "MissingParameter"
    assert code_of(describe, GroupId=group, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "y" * 256}]) == "InvalidParameterValue"
    describe(GroupId=group, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "y" * 255}])
    assert code_of(ec2.create_security_group, GroupName="c") == "MissingParameter"
    assert code_of(ec2.create_tags, Resources=[group], Tags=[]) == "MissingParameter"
    assert code_of(ec2.create_tags, Resources=[group], Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]) == "InvalidParameterValue"
    assert code_of(ec2.describe_network_interfaces, NetworkInterfaceIds=["x"]) == "InvalidNetworkInterfaceId.Malformed"
    assert code_of(ec2.describe_network_interfaces, NetworkInterfaceIds=["eni-0123456789abcdef0"]) == "InvalidNetworkInterfaceID.NotFound"


def test_group_names_duplicates_and_limits(ec2, vpc):
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    assert code_of(ec2.create_security_group, GroupName="g", Description="d") == "InvalidGroup.Duplicate"
    assert code_of(ec2.create_security_group, GroupName="default", Description="d") == "InvalidParameterValue"
    assert code_of(ec2.create_security_group, GroupName="sg-x", Description="d") == "InvalidParameterValue"
    assert code_of(ec2.create_security_group, GroupName="x", Description="d", VpcId="vpc-00000000000000000") == "InvalidVpcID.NotFound"
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule]) == "InvalidPermission.Duplicate"
    many = [{"CidrIp": f"10.0.{i}.0/24"} for i in range(60)]
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[
        {**rule, "IpRanges": many}]) == "RulesPerSecurityGroupLimitExceeded"
    default = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    assert code_of(ec2.delete_security_group, GroupId=default) == "CannotDelete"


def test_groups_in_use_stay_and_interfaces_say_who_holds_them(ec2, elbv2, vpc):
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    arn = elbv2.create_load_balancer(Name="one", Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    assert code_of(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    held = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"]
    assert [i["SubnetId"] for i in held] == subnets and held[0]["Description"] == "ELB " + arn.split("loadbalancer/")[1]
    assert {(i["PrivateIpAddress"], i["PrivateIpAddresses"][0]["PrivateIpAddress"]) for i in held} == {("127.0.0.1", "127.0.0.1")}, "where it listens"
    assert held[0]["Attachment"]["InstanceOwnerId"] == held[0]["RequesterId"] == "amazon-elb"
    assert len(ec2.describe_network_interfaces(Filters=[{"Name": "private-ip-address", "Values": ["127.0.0.*"]}])["NetworkInterfaces"]) == 2
    assert ec2.describe_network_interfaces(Filters=[{"Name": "requester-id", "Values": ["amazon-ecs"]}])["NetworkInterfaces"] == []
    assert ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["AvailableIpAddressCount"] == 4090
    assert code_of(ec2.delete_subnet, SubnetId=subnets[0]) == "DependencyViolation"
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    ec2.delete_security_group(GroupId=group)


# ---- The network ----

def test_a_vpc_with_everything_in_it_is_built_and_taken_down(ec2, elbv2):
    vpc = ec2.create_vpc(CidrBlock="10.1.2.3/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "n"}]}])["Vpc"]
    assert vpc["CidrBlock"] == "10.1.0.0/16" and not vpc["IsDefault"] and vpc["Tags"][0]["Value"] == "n"
    vpc = vpc["VpcId"]
    assert not ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]

    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{i}.0/24", AvailabilityZone="us-east-1" + z)["Subnet"]
               for i, z in enumerate("ab")]
    assert subnets[0]["AvailableIpAddressCount"] == 251 and subnets[1]["AvailabilityZone"] == "us-east-1b"
    assert code_of(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.1.128/25") == "InvalidSubnet.Conflict"
    assert code_of(ec2.create_subnet, VpcId=vpc, CidrBlock="10.2.0.0/24") == "InvalidSubnet.Range"
    assert code_of(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.9.0/24", AvailabilityZone="us-east-1z") == "InvalidParameterValue"
    subnets = [s["SubnetId"] for s in subnets]
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["MapPublicIpOnLaunch"]

    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert code_of(ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc) == "Resource.AlreadyAssociated"
    assert code_of(ec2.delete_internet_gateway, InternetGatewayId=gateway) == "DependencyViolation"

    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])["AssociationId"]
    assert code_of(ec2.associate_route_table, RouteTableId=table, SubnetId=subnets[0]) == "Resource.AlreadyAssociated"
    shown = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]
    assert [r["GatewayId"] for r in shown["Routes"]] == ["local", gateway] and shown["Associations"][0]["SubnetId"] == subnets[0]
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}])
    assert len(main["RouteTables"]) == 1
    acl = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}])["NetworkAcls"][0]
    assert {a["SubnetId"] for a in acl["Associations"]} == set(subnets) and len(acl["Entries"]) == 4

    other = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    assert code_of(elbv2.create_load_balancer, Name="x", Subnets=subnets, SecurityGroups=[other]) == "InvalidConfigurationRequest"

    assert code_of(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.disassociate_route_table(AssociationId=association)
    assert code_of(ec2.disassociate_route_table, AssociationId=association) == "InvalidAssociationID.NotFound"
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert code_of(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0") == "InvalidRoute.NotFound"
    ec2.delete_route_table(RouteTableId=table)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    assert code_of(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_pages_hold_everything_once(ec2, vpc):
    for i in range(11):
        ec2.create_security_group(GroupName=f"g{i}", Description="d", VpcId=vpc)
    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(p["SecurityGroups"]) for p in pages] == [5, 5, 2]
    assert len({g["GroupId"] for p in pages for g in p["SecurityGroups"]}) == 12
    assert code_of(ec2.describe_security_groups, MaxResults=4) == "InvalidParameterValue"
    assert code_of(ec2.describe_security_groups, NextToken="x") == "InvalidParameterValue"


def test_there_are_no_instances_to_run_but_the_machine_itself(ec2):
    machine, = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    assert machine["PrivateIpAddress"] == "127.0.0.1", "what tasks of ECS that share the machine's address run on"
    assert code_of(ec2.run_instances, ImageId="ami-1", MinCount=1, MaxCount=1) == "UnsupportedOperation"
    assert ec2.describe_regions()["Regions"][0]["RegionName"] == "us-east-1"
