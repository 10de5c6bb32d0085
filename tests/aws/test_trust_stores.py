"""Trust stores and mutual authentication, through the command lines, with bundles in S3."""
import json

import pytest

import harness
import tls
from harness import until
from tls import Pair, Tls, context


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    root = Pair(folder, "root", extensions=["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"])
    return {"root": root, "site": Pair(folder, "site", "a.example"), "client": Pair(folder, "client", ca=root)}


def comes_in(port, client):
    try:
        with Tls(port, made=context(client=client)) as connection:
            return connection.get().status == 200
    except (OSError, AssertionError):
        return False


@pytest.fixture
def new_aws(aws):
    if aws.run("elbv2", "describe-trust-stores")[0] == 252:
        pytest.skip("this aws command line is older than trust stores")
    return aws


def make(aws, pairs, bucket):
    aws("s3api", "create-bucket", "--bucket", bucket)
    aws("s3api", "put-object", "--bucket", bucket, "--key", "ca.pem", "--body", str(pairs["root"].path))
    return ["elbv2", "create-trust-store", "--name", bucket, "--ca-certificates-bundle-s3-bucket", bucket, "--ca-certificates-bundle-s3-key",
            "ca.pem"]


def test_a_listener_verifies_by_a_bundle_in_s3(new_aws, weir, pairs):
    made = new_aws(*make(new_aws, pairs, "staff"))["TrustStores"][0]
    assert (made["Status"], made["NumberOfCaCertificates"]) == ("ACTIVE", 1)
    assert new_aws("elbv2", "describe-trust-stores")["TrustStores"] == [made]
    arn, site, port = made["TrustStoreArn"], pairs["site"], harness.free_port()
    certificate = new_aws("acm", "import-certificate", "--certificate", f"fileb://{site.path}", "--private-key", f"fileb://{site.key}")
    subnets = [s["SubnetId"] for s in new_aws("ec2", "describe-subnets")["Subnets"]][:2]
    balancer = new_aws("elbv2", "create-load-balancer", "--name", "lb", "--subnets", *subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = new_aws("elbv2", "create-listener", "--load-balancer-arn", balancer, "--protocol", "HTTPS", "--port", str(port),
                       "--certificates", f"CertificateArn={certificate['CertificateArn']}", "--default-actions", json.dumps([tls.fixed("x")]),
                       "--mutual-authentication", f"Mode=verify,TrustStoreArn={arn}")["Listeners"][0]
    assert listener["MutualAuthentication"] == {"Mode": "verify", "TrustStoreArn": arn, "IgnoreClientCertificateExpiry": False,
                                                "TrustStoreAssociationStatus": "active", "AdvertiseTrustStoreCaNames": "off"}
    assert comes_in(port, pairs["client"]) and not comes_in(port, None)
    code, _, errors = new_aws.run("elbv2", "delete-trust-store", "--trust-store-arn", arn)
    assert code and "TrustStoreInUse" in errors
    new_aws("elbv2", "modify-listener", "--listener-arn", listener["ListenerArn"], "--mutual-authentication", "Mode=off")
    until(lambda: comes_in(port, None), what="anybody coming in")
    link = new_aws("elbv2", "get-trust-store-ca-certificates-bundle", "--trust-store-arn", arn)["Location"]
    assert weir.request("GET", link[link.index("/_weir/"):])[1] == pairs["root"].path.read_bytes()
    new_aws("elbv2", "delete-trust-store", "--trust-store-arn", arn)


def test_who_may_not_read_the_bundle_makes_no_trust_store_of_it(new_aws, weir, pairs):
    command = make(new_aws, pairs, "secret")
    new_aws("iam", "create-user", "--user-name", "u")
    new_aws("iam", "put-user-policy", "--user-name", "u", "--policy-name", "p", "--policy-document", json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "elasticloadbalancing:*", "Resource": "*"}]}))
    key = new_aws("iam", "create-access-key", "--user-name", "u")["AccessKey"]
    weir.keys = lambda: (key["AccessKeyId"], key["SecretAccessKey"])
    code, _, errors = new_aws.run(*command)
    assert code and "CaCertificatesBundleNotFound" in errors and "may not be read" in errors
