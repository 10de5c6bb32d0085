"""Managed prefix lists by the real clients; rules that name them, by what happens to real connections."""
import json

import botocore.exceptions
import pytest

import clients
from harness import ACCOUNT, REGION, Raw, Weir, get, until


@pytest.fixture(scope="module")
def weir():
    with Weir() as running:
        yield running


@pytest.fixture
def ec2(weir):
    pytest.importorskip("boto3")
    return clients.boto("ec2", weir)


def code_of(call, **values):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**values)
    return raised.value.response["Error"]["Code"]


def admitted(port):
    with Raw(port) as raw:
        try:
            raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return raw.more()
        except (ConnectionResetError, BrokenPipeError):
            return False


def test_a_rule_that_names_a_list_admits_what_is_in_it_as_it_changes(ec2, weir, target):
    port, _, balancer = weir.behind(target)
    made = ec2.create_managed_prefix_list(PrefixListName="offices", AddressFamily="IPv4", MaxEntries=3,
                                          Entries=[{"Cidr": "10.1.2.3/8", "Description": "inside"}])["PrefixList"]
    group = ec2.create_security_group(GroupName="by-list", Description="d")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "PrefixListIds": [{"PrefixListId": made["PrefixListId"], "Description": "all"}]}
    rules = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])["SecurityGroupRules"]
    assert rules[0]["PrefixListId"] == made["PrefixListId"] and rules[0]["Description"] == "all"
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule]) == "InvalidPermission.Duplicate"
    shown = ec2.describe_security_groups(Filters=[{"Name": "ip-permission.prefix-list-id", "Values": [made["PrefixListId"]]}])["SecurityGroups"]
    assert [g["GroupId"] for g in shown] == [group] and shown[0]["IpPermissions"][0]["PrefixListIds"] == rule["PrefixListIds"]
    weir.elbv2("SetSecurityGroups", LoadBalancerArn=balancer, SecurityGroups=[group])
    until(lambda: not admitted(port), what="a list that has others in it")
    changed = ec2.modify_managed_prefix_list(PrefixListId=made["PrefixListId"], CurrentVersion=1, AddEntries=[{"Cidr": "127.0.0.0/8"}])["PrefixList"]
    assert (changed["Version"], changed["State"]) == (2, "modify-complete")
    until(lambda: admitted(port), what="the entry for this machine")
    ec2.restore_managed_prefix_list_version(PrefixListId=made["PrefixListId"], PreviousVersion=1, CurrentVersion=2)
    until(lambda: not admitted(port), what="the first version again")
    associations = ec2.get_managed_prefix_list_associations(PrefixListId=made["PrefixListId"])["PrefixListAssociations"]
    assert associations == [{"ResourceId": group, "ResourceOwner": ACCOUNT}]
    assert code_of(ec2.delete_managed_prefix_list, PrefixListId=made["PrefixListId"]) == "DependencyViolation"
    # A list counts as many rules as it may have entries.
    assert code_of(ec2.modify_managed_prefix_list, PrefixListId=made["PrefixListId"], MaxEntries=61) == "RulesPerSecurityGroupLimitExceeded"
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rules[0]["SecurityGroupRuleId"], "SecurityGroupRule": {
        "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": "127.0.0.1/32"}}])
    until(lambda: admitted(port), what="the rule for a range")
    assert ec2.delete_managed_prefix_list(PrefixListId=made["PrefixListId"])["PrefixList"]["State"] == "delete-complete"
    assert code_of(ec2.describe_managed_prefix_lists, PrefixListIds=[made["PrefixListId"]]) == "InvalidPrefixListID.NotFound"
    assert get(port).status == 200


def test_versions_pages_and_what_is_refused(ec2):
    create = dict(PrefixListName="many", AddressFamily="IPv4", MaxEntries=20)
    assert code_of(ec2.create_managed_prefix_list, **{**create, "PrefixListName": "com.amazonaws.mine"}) == "InvalidParameterValue"
    assert code_of(ec2.create_managed_prefix_list, **{**create, "AddressFamily": "IPv5"}) == "InvalidParameterValue"
    assert code_of(ec2.create_managed_prefix_list, **{**create, "MaxEntries": 0}) == "InvalidParameterValue"
    assert code_of(ec2.create_managed_prefix_list, **create, Entries=[{"Cidr": "2001:db8::/32"}]) == "InvalidParameterValue"
    assert code_of(ec2.create_managed_prefix_list, **{**create, "MaxEntries": 1}, Entries=[{"Cidr": "1.0.0.0/8"}, {"Cidr": "2.0.0.0/8"}]) == \
        "PrefixListMaxEntriesExceeded"
    made = ec2.create_managed_prefix_list(**create, Entries=[{"Cidr": f"10.{n}.0.0/16"} for n in range(12)], TagSpecifications=[
        {"ResourceType": "prefix-list", "Tags": [{"Key": "team", "Value": "a"}]}])["PrefixList"]
    name = made["PrefixListId"]
    assert made["PrefixListArn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:prefix-list/{name}" and made["State"] == "create-complete"
    assert (made["Version"], made["MaxEntries"], made["OwnerId"], made["Tags"]) == (1, 20, ACCOUNT, [{"Key": "team", "Value": "a"}])
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=name, PaginationConfig={"PageSize": 5})
    assert [e["Cidr"] for page in pages for e in page["Entries"]] == [f"10.{n}.0.0/16" for n in range(12)]

    change = dict(PrefixListId=name, CurrentVersion=1)
    assert code_of(ec2.modify_managed_prefix_list, **{**change, "CurrentVersion": 2}, AddEntries=[{"Cidr": "11.0.0.0/8"}]) == "PrefixListVersionMismatch"
    assert code_of(ec2.modify_managed_prefix_list, **change, RemoveEntries=[{"Cidr": "11.0.0.0/8"}]) == "InvalidPrefixListModification"
    assert code_of(ec2.modify_managed_prefix_list, **change, AddEntries=[{"Cidr": "10.1.0.0/16"}]) == "InvalidPrefixListModification"
    assert code_of(ec2.modify_managed_prefix_list, **change, MaxEntries=30, AddEntries=[{"Cidr": "11.0.0.0/8"}]) == "InvalidParameterCombination"
    assert code_of(ec2.modify_managed_prefix_list, **change, MaxEntries=5) == "InvalidParameterValue"
    ec2.modify_managed_prefix_list(**change, AddEntries=[{"Cidr": "11.0.0.0/8"}], RemoveEntries=[{"Cidr": "10.0.0.0/16"}])
    now = ec2.modify_managed_prefix_list(PrefixListId=name, PrefixListName="more", MaxEntries=30)["PrefixList"]
    assert (now["Version"], now["PrefixListName"], now["MaxEntries"]) == (2, "more", 30), "neither makes a version"
    old = ec2.get_managed_prefix_list_entries(PrefixListId=name, TargetVersion=1)["Entries"]
    new = ec2.get_managed_prefix_list_entries(PrefixListId=name)["Entries"]
    assert (old[0]["Cidr"], new[0]["Cidr"], new[-1]["Cidr"]) == ("10.0.0.0/16", "10.1.0.0/16", "11.0.0.0/8")
    assert code_of(ec2.get_managed_prefix_list_entries, PrefixListId=name, TargetVersion=7) == "InvalidParameterValue"
    assert code_of(ec2.get_managed_prefix_list_entries, PrefixListId="pl-0123456789abcdef0") == "InvalidPrefixListID.NotFound"
    assert code_of(ec2.get_managed_prefix_list_entries, PrefixListId="sg-1") == "InvalidPrefixListId.Malformed"
    ec2.create_tags(Resources=[name], Tags=[{"Key": "b", "Value": "c"}])
    found = ec2.describe_managed_prefix_lists(Filters=[{"Name": "tag:b", "Values": ["c"]}])["PrefixLists"]
    assert [f["PrefixListId"] for f in found] == [name]
    assert {t["ResourceType"] for t in ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]} == {"prefix-list"}


def test_the_services_own_lists_are_there_by_the_command_line(aws, weir):
    lists = {p["PrefixListName"]: p for p in aws("ec2", "describe-prefix-lists")["PrefixLists"]}
    assert lists[f"com.amazonaws.{REGION}.s3"]["Cidrs"] == ["127.0.0.1/32"], "S3 is here"
    own = aws("ec2", "describe-managed-prefix-lists", "--filters", "Name=owner-id,Values=AWS", f"Name=prefix-list-name,Values=com.amazonaws.{REGION}.s3")
    assert own["PrefixLists"][0]["PrefixListId"] == lists[f"com.amazonaws.{REGION}.s3"]["PrefixListId"]
    s3 = own["PrefixLists"][0]["PrefixListId"]
    assert aws("ec2", "get-managed-prefix-list-entries", "--prefix-list-id", s3)["Entries"] == [{"Cidr": "127.0.0.1/32"}]
    code, _, errors = aws.run("ec2", "delete-managed-prefix-list", "--prefix-list-id", s3)
    assert code and "OperationNotPermitted" in errors
    made = aws("ec2", "create-managed-prefix-list", "--prefix-list-name", "cli", "--address-family", "IPv6", "--max-entries", "2", "--entries",
               "Cidr=2001:db8::/32,Description=here")["PrefixList"]["PrefixListId"]
    code, _, errors = aws.run("ec2", "delete-managed-prefix-list", "--prefix-list-id", made, "--dry-run")
    assert "DryRunOperation" in errors
    aws("ec2", "delete-managed-prefix-list", "--prefix-list-id", made)


def test_a_template_makes_changes_and_deletes_one(weir, ec2):
    def template(size, *entries):
        return json.dumps({"Resources": {
            "List": {"Type": "AWS::EC2::PrefixList", "Properties": {"PrefixListName": "stacked", "AddressFamily": "IPv4", "MaxEntries": size,
                                                                  "Entries": [{"Cidr": e} for e in entries]}},
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "d", "SecurityGroupIngress": [
                {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourcePrefixListId": {"Ref": "List"}}]}}},
            "Outputs": {"Version": {"Value": {"Fn::GetAtt": ["List", "Version"]}}, "Id": {"Value": {"Ref": "List"}}}})

    def wait(status):
        def there():
            stack = weir.call("cloudformation", "DescribeStacks", StackName="lists")["Stacks"][0]
            assert "ROLLBACK" not in stack["StackStatus"], weir.call("cloudformation", "DescribeStackEvents", StackName="lists")
            return stack["StackStatus"] == status and {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        return until(there, 30, status)
    weir.call("cloudformation", "CreateStack", StackName="lists", TemplateBody=template(2, "10.0.0.0/8"))
    made = wait("CREATE_COMPLETE")
    weir.call("cloudformation", "UpdateStack", StackName="lists", TemplateBody=template(3, "11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"))
    assert wait("UPDATE_COMPLETE")["Id"] == made["Id"], "changed in place"
    assert [e["Cidr"] for e in ec2.get_managed_prefix_list_entries(PrefixListId=made["Id"])["Entries"]] == ["11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"]
    weir.call("cloudformation", "DeleteStack", StackName="lists")
    until(lambda: code_of(ec2.describe_managed_prefix_lists, PrefixListIds=[made["Id"]]) == "InvalidPrefixListID.NotFound", 30, "its end",
          despite=pytest.fail.Exception)
