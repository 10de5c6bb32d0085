"""ACM, IAM server certificates and the certificates of listeners, through boto3 and the command lines."""
import datetime
import json
import ssl
import subprocess

import pytest

import clients
import harness
import tls
from harness import until
from tls import Pair, Tls, context


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    root = Pair(folder, "root", "root.example", extensions=["keyUsage=critical,keyCertSign"])
    pairs = {"a": Pair(folder, "a", "a.example"), "rsa": Pair(folder, "rsa", "r.example", "*.r.example", kind="rsa:2048"), "root": root,
             "leaf": Pair(folder, "leaf", "leaf.example", ca=root), "expired": Pair(folder, "expired", "old.example").expire()}
    tls.openssl("pkey", "-in", pairs["a"].key, "-aes256", "-passout", "pass:secret", "-out", folder / "encrypted.key")
    old = Pair(folder, "old")
    pairs["under-old"] = Pair(folder, "under-old", "under.example", ca=old)
    pairs["old"] = old.expire()
    pairs["folder"] = folder
    return pairs


@pytest.fixture
def acm(weir):
    pytest.importorskip("boto3")
    return clients.boto("acm", weir)


@pytest.fixture
def iam(weir):
    pytest.importorskip("boto3")
    return clients.boto("iam", weir)


def put(acm, pair, **more):
    return acm.import_certificate(Certificate=pair.path.read_bytes(), PrivateKey=pair.key.read_bytes(), **more)["CertificateArn"]


def refused(call, code, words, **value):
    from botocore.exceptions import ClientError
    with pytest.raises(ClientError) as raised:
        call(**value)
    error = raised.value.response["Error"]
    assert error["Code"] == code and words in error["Message"], error


def subnets(weir):
    return [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]


def balancer(weir, elbv2):
    return elbv2.create_load_balancer(Name="lb", Subnets=subnets(weir))["LoadBalancers"][0]["LoadBalancerArn"]


def https(weir, elbv2, certificate, **more):
    port = harness.free_port()
    made = elbv2.create_listener(LoadBalancerArn=balancer(weir, elbv2), Protocol="HTTPS", Port=port, Certificates=[{"CertificateArn": certificate}],
                                 DefaultActions=[tls.fixed("hello")], **more)["Listeners"][0]
    return port, made


# ---- ACM ----

def test_an_imported_certificate_is_described_listed_tagged_and_deleted(acm, pairs):
    arn = put(acm, pairs["rsa"], Tags=[{"Key": "team", "Value": "web"}])
    facts = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (facts["Status"], facts["Type"], facts["DomainName"]) == ("ISSUED", "IMPORTED", "r.example")
    assert facts["SubjectAlternativeNames"] == ["r.example", "*.r.example"]
    assert (facts["KeyAlgorithm"], facts["SignatureAlgorithm"], facts["InUseBy"]) == ("RSA_2048", "SHA256WITHRSA", [])
    assert facts["Subject"] == "CN=r.example,O=Tests" and facts["NotAfter"] > facts["NotBefore"]
    serial = tls.openssl("x509", "-in", pairs["rsa"].path, "-noout", "-serial").decode().strip().partition("=")[2].lower()
    assert facts["Serial"].replace(":", "") == serial
    assert acm.get_certificate(CertificateArn=arn)["Certificate"] == pairs["rsa"].pem()
    assert [c["CertificateArn"] for c in acm.list_certificates()["CertificateSummaryList"]] == [arn]
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "team", "Value": "api"}, {"Key": "x"}])
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "x", "Value": "other"}])
    tags = acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {"team": "api", "x": ""}
    acm.delete_certificate(CertificateArn=arn)
    refused(acm.describe_certificate, "ResourceNotFoundException", arn, CertificateArn=arn)


def test_lists_are_paged_and_filtered_as_aws_does(acm, pairs):
    arns = [put(acm, pairs[name]) for name in ("rsa", "a", "rsa")]
    listed = acm.list_certificates(MaxItems=1)
    assert [c["CertificateArn"] for c in listed["CertificateSummaryList"]] == arns[:1]
    rest = acm.list_certificates(NextToken=listed["NextToken"])
    assert [c["CertificateArn"] for c in rest["CertificateSummaryList"]] == arns[2:], "EC keys only on demand"
    ec = acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})["CertificateSummaryList"]
    assert [c["CertificateArn"] for c in ec] == arns[1:2]
    assert acm.list_certificates(CertificateStatuses=["EXPIRED"])["CertificateSummaryList"] == []


def test_what_cannot_be_imported_is_refused_with_a_reason_and_nothing_kept(acm, pairs):
    a, leaf, root = pairs["a"], pairs["leaf"], pairs["root"]
    good = {"Certificate": a.path.read_bytes(), "PrivateKey": a.key.read_bytes()}
    for change, words in [({"Certificate": b"hello"}, "not in valid PEM format"),
                          ({"PrivateKey": b"hello"}, "private key is not in valid PEM"),
                          ({"PrivateKey": root.key.read_bytes()}, "does not match"),
                          ({"PrivateKey": (pairs["folder"] / "encrypted.key").read_bytes()}, "is encrypted"),
                          ({"CertificateChain": root.path.read_bytes()}, "cannot be validated with the certificate chain"),
                          ({"Certificate": a.path.read_bytes() + root.path.read_bytes()}, "more than one certificate"),
                          ({"Certificate": leaf.path.read_bytes(), "PrivateKey": leaf.key.read_bytes()}, "no certificate chain"),
                          ({"Certificate": pairs["expired"].path.read_bytes(), "PrivateKey": pairs["expired"].key.read_bytes()}, "has expired"),
                          ({"Certificate": pairs["under-old"].path.read_bytes(), "PrivateKey": pairs["under-old"].key.read_bytes(),
                            "CertificateChain": pairs["old"].path.read_bytes()}, "has expired")]:
        refused(acm.import_certificate, "ValidationException", words, **{**good, **change})
    refused(acm.import_certificate, "InvalidArnException", "not valid", CertificateArn="arn:aws:iam::000000000000:user/x", **good)
    missing = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000"
    refused(acm.import_certificate, "ResourceNotFoundException", "Could not find", CertificateArn=missing, **good)
    assert acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1", "RSA_2048"]})["CertificateSummaryList"] == []
    put(acm, leaf, CertificateChain=root.path.read_bytes())


def test_a_failed_reimport_changes_nothing(acm, pairs):
    arn = put(acm, pairs["a"])
    before = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    refused(acm.import_certificate, "ValidationException", "does not match", CertificateArn=arn, Certificate=pairs["a"].path.read_bytes(),
            PrivateKey=pairs["rsa"].key.read_bytes())
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"] == before
    assert put(acm, pairs["rsa"], CertificateArn=arn) == arn
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainName"] == "r.example"


def test_localhost_names_are_issued_and_others_wait(acm, weir):
    arn = acm.request_certificate(DomainName="shop.localhost", SubjectAlternativeNames=["*.shop.localhost"], ValidationMethod="DNS",
                                  IdempotencyToken="once")["CertificateArn"]
    waiter = acm.get_waiter("certificate_validated")
    waiter.wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    facts = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (facts["Type"], facts["KeyAlgorithm"], facts["RenewalEligibility"]) == ("AMAZON_ISSUED", "RSA_2048", "ELIGIBLE")
    assert [v["ValidationStatus"] for v in facts["DomainValidationOptions"]] == ["SUCCESS", "SUCCESS"]
    assert acm.request_certificate(DomainName="shop.localhost", IdempotencyToken="once")["CertificateArn"] == arn

    serial = facts["Serial"]
    acm.renew_certificate(CertificateArn=arn)
    until(lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Serial"] != serial, what="the renewal")

    other = acm.request_certificate(DomainName="example.com", ValidationMethod="DNS")["CertificateArn"]
    waiting = acm.describe_certificate(CertificateArn=other)["Certificate"]
    assert waiting["Status"] == "PENDING_VALIDATION"
    assert waiting["DomainValidationOptions"][0]["ResourceRecord"]["Type"] == "CNAME"
    refused(acm.get_certificate, "RequestInProgressException", "not been issued", CertificateArn=other)
    refused(acm.request_certificate, "ValidationException", "not a domain name", DomainName="not a name")
    refused(acm.renew_certificate, "ValidationException", "not eligible", CertificateArn=other)


def test_issued_certificates_are_trusted_by_their_authority_alone_for_localhost(acm, elbv2, weir):
    arn = acm.request_certificate(DomainName="a.localhost", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    port, _ = https(weir, elbv2, arn)
    done = subprocess.run(["curl", "-s", "--cacert", f"{weir.data}/ca.pem", f"https://a.localhost:{port}/"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "hello")
    assert "NameConstraints" in str(tls.openssl("x509", "-in", f"{weir.data}/ca.pem", "-noout", "-text")).replace(" ", "")


# ---- Listeners ----

def test_a_listener_names_its_certificates_and_they_are_in_use(acm, elbv2, weir, pairs):
    first, second = put(acm, pairs["a"]), put(acm, pairs["rsa"])
    port, made = https(weir, elbv2, first)
    assert (made["Certificates"], made["SslPolicy"]) == ([{"CertificateArn": first}], "ELBSecurityPolicy-2016-08")
    arn = made["ListenerArn"]
    elbv2.add_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": second}])
    elbv2.add_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": second}])
    listed = elbv2.describe_listener_certificates(ListenerArn=arn)["Certificates"]
    assert listed == [{"CertificateArn": first, "IsDefault": True}, {"CertificateArn": second, "IsDefault": False}]
    for certificate in (first, second):
        assert acm.describe_certificate(CertificateArn=certificate)["Certificate"]["InUseBy"] == [made["LoadBalancerArn"]]
        refused(acm.delete_certificate, "ResourceInUseException", "in use", CertificateArn=certificate)
    refused(elbv2.remove_listener_certificates, "OperationNotPermitted", "default", ListenerArn=arn, Certificates=[{"CertificateArn": first}])
    elbv2.remove_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": second}])
    acm.delete_certificate(CertificateArn=second)
    elbv2.delete_listener(ListenerArn=arn)
    acm.delete_certificate(CertificateArn=first)


def test_what_a_listener_cannot_serve_with_is_refused_in_the_words_of_aws(acm, elbv2, weir, pairs):
    good = put(acm, pairs["a"])
    pending = acm.request_certificate(DomainName="example.com")["CertificateArn"]
    made = {"LoadBalancerArn": balancer(weir, elbv2), "Protocol": "HTTPS", "Port": harness.free_port(), "DefaultActions": [tls.fixed("x")]}
    missing = "arn:aws:acm:us-east-1:000000000000:certificate/none"
    one = [{"CertificateArn": good}]
    for change, code, words in [({}, "ValidationError", "A certificate must be specified"),
                                ({"Certificates": [{"CertificateArn": missing}]}, "CertificateNotFound", f"Certificate '{missing}' not found"),
                                ({"Certificates": [{"CertificateArn": pending}]}, "UnsupportedCertificate", "not been issued"),
                                ({"Certificates": one * 2}, "TooManyCertificates", "Only one"),
                                ({"Certificates": [{"CertificateArn": good, "IsDefault": True}]}, "ValidationError", "IsDefault"),
                                ({"Certificates": one, "SslPolicy": "Nonsense"}, "SSLPolicyNotFound", "SSL policy 'Nonsense' not found"),
                                ({"Certificates": one, "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04"}, "InvalidConfigurationRequest", "FIPS"),
                                ({"Certificates": one, "SslPolicy": "ELBSecurityPolicy-TLS-1-0-2015-04"}, "InvalidConfigurationRequest", "ciphers"),
                                ({"Certificates": one, "AlpnPolicy": ["HTTP2Only"]}, "ValidationError", "ALPN"),
                                ({"Protocol": "HTTP", "Certificates": one}, "ValidationError", "certificate cannot be specified")]:
        refused(elbv2.create_listener, code, words, **{**made, **change})
    assert elbv2.describe_listeners(LoadBalancerArn=made["LoadBalancerArn"])["Listeners"] == []


def test_twenty_five_more_certificates_are_the_limit(acm, elbv2, weir, pairs):
    arns = [put(acm, pairs["a"]) for _ in range(27)]
    _, made = https(weir, elbv2, arns[0])
    elbv2.add_listener_certificates(ListenerArn=made["ListenerArn"], Certificates=[{"CertificateArn": a} for a in arns[1:26]])
    refused(elbv2.add_listener_certificates, "TooManyCertificates", "25", ListenerArn=made["ListenerArn"],
            Certificates=[{"CertificateArn": arns[26]}])


# ---- IAM server certificates ----

def test_a_server_certificate_is_uploaded_used_and_deleted(iam, elbv2, weir, pairs):
    a = pairs["a"]
    made = iam.upload_server_certificate(ServerCertificateName="site", Path="/web/", CertificateBody=a.pem(), PrivateKey=a.key.read_text(),
                                         Tags=[{"Key": "k", "Value": "v"}])["ServerCertificateMetadata"]
    assert made["Arn"] == "arn:aws:iam::000000000000:server-certificate/web/site" and made["ServerCertificateId"].startswith("ASCA")
    assert made["Expiration"] > datetime.datetime.now(datetime.timezone.utc)
    shown = iam.get_server_certificate(ServerCertificateName="site")["ServerCertificate"]
    assert (shown["CertificateBody"], "CertificateChain" in shown, shown["Tags"]) == (a.pem(), False, [{"Key": "k", "Value": "v"}])
    assert "PRIVATE" not in json.dumps(shown, default=str)
    port, listener = https(weir, elbv2, made["Arn"])
    with Tls(port, "a.example", context(a)) as client:
        assert client.get().body == b"hello"
    refused(iam.delete_server_certificate, "DeleteConflict", "in use", ServerCertificateName="site")
    refused(iam.update_server_certificate, "DeleteConflict", "in use", ServerCertificateName="site", NewServerCertificateName="other")
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    iam.update_server_certificate(ServerCertificateName="site", NewServerCertificateName="other", NewPath="/")
    assert [m["Arn"] for m in iam.list_server_certificates()["ServerCertificateMetadataList"]] == \
        ["arn:aws:iam::000000000000:server-certificate/other"]
    iam.tag_server_certificate(ServerCertificateName="other", Tags=[{"Key": "n", "Value": "m"}])
    assert len(iam.list_server_certificate_tags(ServerCertificateName="other")["Tags"]) == 2
    iam.delete_server_certificate(ServerCertificateName="other")
    refused(iam.get_server_certificate, "NoSuchEntity", "cannot be found", ServerCertificateName="other")


def test_broken_server_certificates_have_iams_own_errors(iam, pairs):
    a = pairs["a"]
    good = {"ServerCertificateName": "x", "CertificateBody": a.pem(), "PrivateKey": a.key.read_text()}
    refused(iam.upload_server_certificate, "MalformedCertificate", "PEM", **{**good, "CertificateBody": "hello"})
    refused(iam.upload_server_certificate, "KeyPairMismatch", "does not match", **{**good, "PrivateKey": pairs["rsa"].key.read_text()})
    refused(iam.upload_server_certificate, "MalformedCertificate", "encrypted",
            **{**good, "PrivateKey": (pairs["folder"] / "encrypted.key").read_text()})
    refused(iam.upload_server_certificate, "MalformedCertificate", "expired",
            **{**good, "CertificateBody": pairs["expired"].pem(), "PrivateKey": pairs["expired"].key.read_text()})
    under = pairs["under-old"]
    refused(iam.upload_server_certificate, "MalformedCertificate", "expired",
            **{**good, "CertificateBody": under.pem(), "PrivateKey": under.key.read_text(), "CertificateChain": pairs["old"].pem()})
    iam.upload_server_certificate(**good)
    refused(iam.upload_server_certificate, "EntityAlreadyExists", "already exists", **good)


# ---- The command lines ----

def test_the_command_line_imports_requests_and_serves(aws, weir, pairs):
    a = pairs["a"]
    arn = aws("acm", "import-certificate", "--certificate", f"fileb://{a.path}", "--private-key", f"fileb://{a.key}")["CertificateArn"]
    lb = aws("elbv2", "create-load-balancer", "--name", "cli", "--subnets", *subnets(weir))["LoadBalancers"][0]["LoadBalancerArn"]
    port = harness.free_port()
    listener = aws("elbv2", "create-listener", "--load-balancer-arn", lb, "--protocol", "HTTPS", "--port", str(port), "--certificates",
                   f"CertificateArn={arn}", "--ssl-policy", "ELBSecurityPolicy-TLS13-1-2-2021-06", "--default-actions",
                   json.dumps([tls.fixed("cli")]))["Listeners"][0]
    with Tls(port, "a.example", context(a)) as client:
        assert (client.get().body, client.socket.version()) == (b"cli", "TLSv1.3")
    local = aws("acm", "request-certificate", "--domain-name", "cli.localhost", "--key-algorithm", "EC_prime256v1")["CertificateArn"]
    until(lambda: aws("acm", "describe-certificate", "--certificate-arn", local)["Certificate"]["Status"] == "ISSUED", what="the certificate")
    aws("elbv2", "add-listener-certificates", "--listener-arn", listener["ListenerArn"], "--certificates", f"CertificateArn={local}")
    assert len(aws("elbv2", "describe-listener-certificates", "--listener-arn", listener["ListenerArn"])["Certificates"]) == 2
    aws("iam", "upload-server-certificate", "--server-certificate-name", "cli", "--certificate-body", f"file://{a.path}", "--private-key",
        f"file://{a.key}")
    assert len(aws("elbv2", "describe-ssl-policies", "--names", "ELBSecurityPolicy-TLS13-1-3-2021-06")["SslPolicies"][0]["Ciphers"]) == 3
    code, _, errors = aws.run("acm", "delete-certificate", "--certificate-arn", arn)
    assert code != 0 and "ResourceInUseException" in errors
