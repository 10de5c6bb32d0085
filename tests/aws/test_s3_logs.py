"""Access logs in buckets: the policy that lets them in, ALB's keys and lines, and what a kill leaves."""
import gzip
import json
import pathlib
import re

import pytest

import clients
import harness
from harness import Target, get, until

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402

ACCOUNT = "000000000000"


def policy(bucket, principal, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject",
                                                               "Resource": f"arn:aws:s3:::{bucket}/*", **more}]})


SERVICE = {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}


@pytest.fixture
def place(weir):
    """A load balancer in front of a target, S3, and a bucket."""
    s3 = clients.boto("s3", weir)
    s3.create_bucket(Bucket="mindr-logs")
    with Target() as target:
        arn, port = balancer_of(weir, target)
        yield {"weir": weir, "s3": s3, "arn": arn, "port": port}


def balancer_of(weir, target):
    elbv2 = clients.boto("elbv2", weir)
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"][:2]]
    arn = elbv2.create_load_balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    port = harness.free_port()
    group = elbv2.create_target_group(Name="tg", Protocol="HTTP", Port=80, TargetType="ip", VpcId=clients.boto("ec2", weir).describe_vpcs()["Vpcs"][0]["VpcId"],
                                      HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2)["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": target.port}])
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    return arn, port


def enable(weir, arn, bucket="mindr-logs", prefix="", enabled="true"):
    clients.boto("elbv2", weir).modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[
        {"Key": "access_logs.s3.enabled", "Value": enabled}, {"Key": "access_logs.s3.bucket", "Value": bucket},
        {"Key": "access_logs.s3.prefix", "Value": prefix}])


def is_kept(weir, words):
    """Whether a line with these words waits for its delivery, or went already."""
    files = pathlib.Path(weir.data, "logs", "delivery").glob("app.*.open")
    return any(words in path.read_text() for path in files) or any(words in text for text in logs_of(clients.boto("s3", weir)))


def keys(s3):
    return [one["Key"] for one in s3.list_objects_v2(Bucket="mindr-logs").get("Contents", [])]


def test_logs_are_refused_without_the_bucket_or_its_policy(place):
    def refused(**arguments):
        with pytest.raises(ClientError) as caught:
            enable(place["weir"], place["arn"], **arguments)
        error = caught.value.response["Error"]
        return error["Code"] == "InvalidConfigurationRequest" and error["Message"].startswith("Access Denied for bucket: ")
    s3 = place["s3"]
    assert refused(bucket="no-such-bucket") and refused()
    for wrong in [policy("mindr-logs", {"Service": "s3.amazonaws.com"}), policy("mindr-logs", SERVICE).replace("PutObject", "GetObject"),
                  policy("mindr-logs", SERVICE).replace("mindr-logs/*", "mindr-logs/other/*"),
                  policy("mindr-logs", SERVICE, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
                  policy("mindr-logs", SERVICE).replace("Allow", "Deny")]:
        s3.put_bucket_policy(Bucket="mindr-logs", Policy=wrong)
        assert refused(), wrong
    assert keys(s3) == []
    for right in [policy("mindr-logs", SERVICE), policy("mindr-logs", {"AWS": "arn:aws:iam::127311923021:root"}),
                  policy("mindr-logs", SERVICE, Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT, "s3:x-amz-acl": "bucket-owner-full-control"},
                                                           "ArnLike": {"aws:SourceArn": "arn:aws:elasticloadbalancing:us-east-1:*:loadbalancer/*"}})]:
        s3.put_bucket_policy(Bucket="mindr-logs", Policy=right)
        enable(place["weir"], place["arn"], enabled="false")
        enable(place["weir"], place["arn"])
    assert keys(s3) == [f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"]


KEY = re.compile(r"web/AWSLogs/000000000000/elasticloadbalancing/us-east-1/(\d{4})/(\d\d)/(\d\d)/"
                 r"000000000000_elasticloadbalancing_us-east-1_app\.lb\.[0-9a-f]{16}_\1\2\3T\d\d\d[05]Z_127\.0\.0\.1_[0-9a-z]{8}\.log\.gz")


def logs_of(s3):
    found = [key for key in keys(s3) if key.endswith(".log.gz")]
    assert all(KEY.fullmatch(key) for key in found), found
    return [gzip.decompress(s3.get_object(Bucket="mindr-logs", Key=key)["Body"].read()).decode() for key in found]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_lines_are_delivered_at_the_end_and_after_a_kill(place, end):
    weir, s3 = place["weir"], place["s3"]
    s3.put_bucket_policy(Bucket="mindr-logs", Policy=policy("mindr-logs", SERVICE))
    enable(weir, place["arn"], prefix="web")
    until(lambda: get(place["port"], "/warm").status == 200 and is_kept(weir, "/warm"), 15, "the target answers, and lines are kept")
    assert get(place["port"], "/one?x=1").status == 200
    until(lambda: is_kept(weir, "/one?x=1"), 10, "the line is written")
    if end == "stop":
        assert weir.stop() == 0
    else:
        weir.kill()
    weir.start()
    s3 = clients.boto("s3", weir)
    until(lambda: logs_of(s3), 10, "the object is there")
    lines = "".join(logs_of(s3)).splitlines()
    mine = [line for line in lines if "/one?x=1" in line]
    assert len(mine) == 1, lines
    assert mine[0].startswith("http ") and " app/lb/" in mine[0] and '"GET http://' in mine[0]
    weir.stop()
    weir.start()
    assert len("".join(logs_of(clients.boto("s3", weir))).splitlines()) == len(lines), "nothing is delivered twice"


def test_turning_logs_off_delivers_what_is_there(place):
    weir, s3 = place["weir"], place["s3"]
    s3.put_bucket_policy(Bucket="mindr-logs", Policy=policy("mindr-logs", SERVICE))
    enable(weir, place["arn"], prefix="web")
    until(lambda: get(place["port"], "/first").status == 200 and is_kept(weir, "/first"), 15, "the target answers, and lines are kept")
    enable(weir, place["arn"], prefix="web", enabled="false")
    until(lambda: any("/first" in text for text in logs_of(s3)), 10, "the last lines come")
    count = len(logs_of(s3))
    get(place["port"], "/second")
    weir.stop()
    weir.start()
    assert len(logs_of(clients.boto("s3", weir))) == count


def all_on(prefix="web"):
    return [{"Key": f"{kind}.s3.{member}", "Value": value} for kind in ["access_logs", "connection_logs", "health_check_logs"]
            for member, value in [("enabled", "true"), ("bucket", "mindr-logs"), ("prefix", prefix)]]


def lines_of(s3, begin):
    """Of the objects whose file names begin so."""
    where = re.compile(rf"web/AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/\d{{4}}/\d\d/\d\d/{begin}{ACCOUNT}_elasticloadbalancing_us-east-1_"
                       r"app\.lb\.[0-9a-f]{16}_\d{8}T\d{4}Z_127\.0\.0\.1_[0-9a-z]{8}\.log\.gz")
    return "".join(gzip.decompress(s3.get_object(Bucket="mindr-logs", Key=key)["Body"].read()).decode()
                   for key in keys(s3) if where.fullmatch(key)).splitlines()


def test_connections_and_health_checks_have_logs_of_their_own(place):
    weir, s3 = place["weir"], place["s3"]
    s3.put_bucket_policy(Bucket="mindr-logs", Policy=policy("mindr-logs", SERVICE))
    elbv2 = clients.boto("elbv2", weir)
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=place["arn"], Attributes=all_on())
    tests = {key.rsplit("/")[-1]: s3.get_object(Bucket="mindr-logs", Key=key)["Body"].read().decode() for key in keys(s3)}
    assert sorted(tests) == ["ELBAccessLogTestFile", "ELBConnectionLogTestFile", "ELBHealthCheckLogTestFile"]
    assert re.fullmatch(r"Enable ConnectionLog for ELB: lb at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", tests["ELBConnectionLogTestFile"])
    broken = elbv2.describe_target_groups(Names=["tg"])["TargetGroups"][0]["TargetGroupArn"]
    dead = harness.free_port()  # nobody listens there
    elbv2.register_targets(TargetGroupArn=broken, Targets=[{"Id": "127.0.0.1", "Port": dead}])

    def seen(port):
        for one in elbv2.describe_target_health(TargetGroupArn=broken)["TargetHealthDescriptions"]:
            if one["Target"]["Port"] == port:
                return one["TargetHealth"]["State"]
    until(lambda: seen(dead) == "unhealthy", 30, "it was asked twice")
    assert get(place["port"], "/one").status == 200
    until(lambda: any("/one" in line for line in weir.access_lines()), 10, "the line is written")
    assert weir.stop() == 0
    weir.start()
    s3 = clients.boto("s3", weir)
    until(lambda: lines_of(s3, "health_check_log_") and lines_of(s3, "conn_log\\.") and lines_of(s3, ""), 10, "all three are there")
    connections, checks = lines_of(s3, "conn_log\\."), lines_of(s3, "health_check_log_")
    line = re.compile(rf"\S+Z 127\.0\.0\.1 \d+ {place['port']} - - - \"-\" - - - TID_[0-9a-f]{{32}} - app/lb/[0-9a-f]{{16}} 127\.0\.0\.1")
    assert connections and all(line.fullmatch(one) for one in connections), connections
    access = next(one for one in lines_of(s3, "") if "/one " in one)
    assert any(re.search("TID_[0-9a-f]{32}", one)[0] in access for one in connections), "the same id in both"
    line = re.compile(r"http \S+Z \d+\.\d{9} 127\.0\.0\.1:(\d+) tg (PASS 200 -|FAIL - ConnectionReset) app/lb/[0-9a-f]{16} 127\.0\.0\.1")
    found = {(int(m[1]), m[2]) for m in map(line.fullmatch, checks) if m}
    assert all(line.fullmatch(one) for one in checks), checks
    assert {(dead, "FAIL - ConnectionReset")} < found and {port for port, words in found if words.startswith("PASS")} - {dead}, found


def test_users_reach_what_their_own_or_the_buckets_policy_allows(weir):
    s3, iam = clients.boto("s3", weir), clients.boto("iam", weir)
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="open/a", Body=b"a")
    s3.put_object(Bucket="mine", Key="shut/b", Body=b"b")
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    from botocore.config import Config
    import boto3
    ann = boto3.client("s3", region_name=harness.REGION, endpoint_url=f"http://127.0.0.1:{weir.api_port}", aws_access_key_id=key["AccessKeyId"],
                       aws_secret_access_key=key["SecretAccessKey"], config=Config(retries={"max_attempts": 1}))

    def may(call, **arguments):
        try:
            call(Bucket="mine", **arguments)
            return True
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error
            return False
    assert not may(ann.get_object, Key="open/a") and not may(ann.put_object, Key="open/c", Body=b"")
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::mine/open/*"}]}))
    assert may(ann.get_object, Key="open/a") and may(ann.put_object, Key="open/c", Body=b"") and not may(ann.get_object, Key="shut/b")
    assert not may(ann.copy_object, Key="open/d", CopySource="mine/shut/b") and may(ann.copy_object, Key="open/d", CopySource="mine/open/a")
    assert not may(ann.list_objects_v2) and not may(ann.delete_object, Key="open/a")
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::mine"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::mine/*"}]}))
    assert may(ann.list_objects_v2) and not may(ann.put_object, Key="open/e", Body=b"")
