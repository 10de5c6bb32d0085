"""Clients that show certificates: passthrough and verify, trust stores, revocations, the connection log."""
import pathlib
import re
import ssl
import subprocess
import time
import urllib.parse

import pytest

import harness
import tls
from harness import Fault, Target, Weir, until
from tls import Pair, Tls, context, fixed, https

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")


def make_list(folder, ca, *revoked):
    """A revocation list of `ca`."""
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\ndefault_md=sha256\n"
                                   "default_crl_days=10\n")
    (folder / "number").write_text("01\n")
    words = ["ca", "-config", folder / "ca.cnf", "-cert", ca.path, "-keyfile", ca.key]
    for pair in revoked:
        tls.openssl(*words, "-revoke", pair.path)
    path = folder / f"{ca.name}.crl"
    tls.openssl(*words, "-gencrl", "-out", path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def pairs(folder):
    authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    root = Pair(folder, "root", extensions=authority)
    other = Pair(folder, "other", extensions=authority)
    return {"root": root, "other": other, "site": Pair(folder, "site", "a.example"), "client": Pair(folder, "client", ca=root),
            "revoked": Pair(folder, "revoked", ca=root), "stranger": Pair(folder, "stranger", ca=other),
            "server-only": Pair(folder, "server-only", ca=root, extensions=["extendedKeyUsage=serverAuth"]),
            "small": Pair(folder, "small", ca=root, kind="rsa:1024"), "expired": Pair(folder, "expired").expire(root)}


class Store:
    """An S3 bucket of this Weir's, for bundles and lists."""

    def __init__(self, weir):
        self.weir = weir
        status, _ = weir.request("PUT", "/trust", headers={"Host": "s3.localhost"})
        assert status == 200

    def put(self, key, path):
        status, body = self.weir.request("PUT", f"/trust/{key}", pathlib.Path(path).read_bytes(), {"Host": "s3.localhost"})
        assert status == 200, body
        return {"S3Bucket": "trust", "S3Key": key}

    def create(self, name, path):
        self.put(f"{name}.pem", path)
        return self.weir.elbv2("CreateTrustStore", Name=name, CaCertificatesBundleS3Bucket="trust",
                               CaCertificatesBundleS3Key=f"{name}.pem")["TrustStores"][0]


@pytest.fixture(scope="module")
def weir():
    with Weir(workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def store(weir):
    return Store(weir)


@pytest.fixture(scope="module")
def served(weir, pairs):
    """(port, listener ARN, target) of an HTTPS listener in front of a target."""
    with Target() as target:
        balancer, group = weir.balancer("mtls"), weir.group()
        weir.register(group, target.port)
        port, arn = https(weir, balancer, pairs["site"].upload(weir), group, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
        weir.wait_healthy(group)
        yield port, arn, target


def mutual(weir, arn, mode, **more):
    weir.elbv2("ModifyListener", ListenerArn=arn, MutualAuthentication={"Mode": mode, **more})
    time.sleep(0.1)  # both workers take the plan over in their own time


def header(head, name):
    return re.findall(rf"(?im)^{name}:[ \t]*(.*?)\r$", head.decode())


def reason(port, client, version=None):
    """Why the handshake, or the first request after it, fails; None when it does not."""
    made = context(client=client)
    made.maximum_version = version or ssl.TLSVersion.TLSv1_3
    try:
        with Tls(port, made=made) as connection:
            return None if connection.get().status == 200 else "status"
    except (OSError, AssertionError) as error:
        return str(error) or "closed"


def failures(weir, word):
    """Lines of the connection log that say so."""
    return [l for l in weir.access_lines(1, "connection.log") if f" Failed:{word} TID_" in l]


# ---- Passthrough ----

def test_whatever_a_client_shows_is_passed_on_url_encoded(weir, served, pairs):
    port, arn, target = served
    mutual(weir, arn, "passthrough")
    for name in ["stranger", "expired"]:
        assert reason(port, pairs[name]) is None
        chain = header(target.requests[-1], "X-Amzn-Mtls-Clientcert")
        assert len(chain) == 1 and urllib.parse.unquote(chain[0]) == pairs[name].pem()
        assert not set(chain[0]) & set(" \n") and "%2B" not in chain[0] and "%2F" not in chain[0] and "%3D" not in chain[0]
    with Tls(port) as client:  # none is shown
        assert client.get(headers="X-Amzn-Mtls-Clientcert: forged\r\nX-Amzn-Mtls-Clientcert-Subject: forged\r\n").status == 200
    assert b"forged" not in target.requests[-1]
    mutual(weir, arn, "off")


def test_forged_certificate_headers_never_reach_a_target(served):
    port, _, target = served
    with Tls(port) as client:
        client.get(headers="x-amzn-mtls-clientcert-leaf: forged\r\n")
    assert b"forged" not in target.requests[-1]


def test_what_mutual_authentication_cannot_be_is_refused(weir, served):
    _, arn, _ = served
    for value, words in [({"Mode": "maybe"}, "must be one of"), ({"Mode": "verify"}, "trust store ARN must be specified"),
                         ({"Mode": "passthrough", "IgnoreClientCertificateExpiry": True}, "'verify' only"),
                         ({"TrustStoreArn": "x"}, "mode of mutual authentication must be specified")]:
        with pytest.raises(Fault) as fault:
            weir.elbv2("ModifyListener", ListenerArn=arn, MutualAuthentication=value)
        assert fault.value.code == "ValidationError" and words in str(fault.value)
    missing = "arn:aws:elasticloadbalancing:us-east-1:000000000000:truststore/none/0000000000000000"
    with pytest.raises(Fault) as fault:
        weir.elbv2("ModifyListener", ListenerArn=arn, MutualAuthentication={"Mode": "verify", "TrustStoreArn": missing})
    assert fault.value.code == "TrustStoreNotFound"


# ---- Verify ----

def test_only_clients_of_the_trust_store_come_in_and_targets_learn_who_they_are(weir, store, served, pairs):
    port, arn, target = served
    made = store.create("clients", pairs["root"].path)
    assert (made["Status"], made["NumberOfCaCertificates"], made["TotalRevokedEntries"]) == ("ACTIVE", 1, 0)
    mutual(weir, arn, "verify", TrustStoreArn=made["TrustStoreArn"])
    assert reason(port, pairs["client"]) is None
    head = target.requests[-1]
    facts = tls.openssl("x509", "-in", pairs["client"].path, "-noout", "-serial", "-subject", "-issuer", "-nameopt", "RFC2253").decode()
    assert header(head, "X-Amzn-Mtls-Clientcert-Serial-Number") == re.findall("serial=(.*)", facts)
    assert header(head, "X-Amzn-Mtls-Clientcert-Subject") == re.findall("subject=(.*)", facts)
    assert header(head, "X-Amzn-Mtls-Clientcert-Issuer") == re.findall("issuer=(.*)", facts)
    assert re.fullmatch(r"NotBefore=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ;NotAfter=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                        header(head, "X-Amzn-Mtls-Clientcert-Validity")[0])
    assert urllib.parse.unquote(header(head, "X-Amzn-Mtls-Clientcert-Leaf")[0]) == pairs["client"].pem()
    assert header(head, "X-Amzn-Mtls-Clientcert") == []
    for name, word in [("stranger", "ClientCertUntrusted"), ("expired", "ClientCertExpired"), ("server-only", "ClientCertPurposeInvalid"),
                       ("small", "ClientCertTypeUnsupported"), (None, "UnmappedConnectionError")]:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            before = len(failures(weir, word))
            assert reason(port, name and pairs[name], version), name
            line = until(lambda: failures(weir, word)[before:], what=f"the line of {name}")[0]
            assert not name or f'"CN={name},O=Tests" NotBefore=' in line
    with pytest.raises(Fault) as fault:
        weir.elbv2("DeleteTrustStore", TrustStoreArn=made["TrustStoreArn"])
    assert fault.value.code == "TrustStoreInUse"
    listed = weir.elbv2("DescribeTrustStoreAssociations", TrustStoreArn=made["TrustStoreArn"])["TrustStoreAssociations"]
    assert listed == [{"ResourceArn": arn}]
    mutual(weir, arn, "verify", TrustStoreArn=made["TrustStoreArn"], IgnoreClientCertificateExpiry=True)
    assert reason(port, pairs["expired"]) is None
    mutual(weir, arn, "off")
    weir.elbv2("DeleteTrustStore", TrustStoreArn=made["TrustStoreArn"])


def test_revoked_clients_stay_outside_until_the_list_is_removed(weir, store, served, pairs, folder):
    port, arn, _ = served
    made = store.create("revoking", pairs["root"].path)["TrustStoreArn"]
    mutual(weir, arn, "verify", TrustStoreArn=made)
    assert reason(port, pairs["revoked"]) is None
    content = store.put("list.crl", make_list(folder, pairs["root"], pairs["revoked"]))
    added = weir.elbv2("AddTrustStoreRevocations", TrustStoreArn=made, RevocationContents=[content])["TrustStoreRevocations"]
    assert [(a["RevocationId"], a["NumberOfRevokedEntries"]) for a in added] == [(1, 1)]
    until(lambda: reason(port, pairs["revoked"]), what="the revocation")
    until(lambda: failures(weir, "ClientCertCrlHit"), what="its line")
    assert reason(port, pairs["client"]) is None
    location = weir.elbv2("GetTrustStoreRevocationContent", TrustStoreArn=made, RevocationId=1)["Location"]
    assert weir.request("GET", urllib.parse.urlparse(location).path) == (200, (folder / "root.crl").read_bytes())
    assert weir.request("GET", "/_weir/trust-store/AAAA")[0] == 403
    weir.elbv2("RemoveTrustStoreRevocations", TrustStoreArn=made, RevocationIds=[1])
    until(lambda: reason(port, pairs["revoked"]) is None)
    mutual(weir, arn, "off")


def test_a_trust_store_takes_another_bundle_at_once(weir, store, served, pairs):
    port, arn, _ = served
    made = store.create("changing", pairs["root"].path)["TrustStoreArn"]
    mutual(weir, arn, "verify", TrustStoreArn=made, AdvertiseTrustStoreCaNames="on")
    said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], input=b"", capture_output=True).stdout.decode()
    assert "Acceptable client certificate CA names\nO = Tests, CN = root" in said
    store.put("other.pem", pairs["other"].path)
    weir.elbv2("ModifyTrustStore", TrustStoreArn=made, CaCertificatesBundleS3Bucket="trust", CaCertificatesBundleS3Key="other.pem")
    until(lambda: reason(port, pairs["stranger"]) is None, what="the new authority")
    assert reason(port, pairs["client"])
    location = weir.elbv2("GetTrustStoreCaCertificatesBundle", TrustStoreArn=made)["Location"]
    assert weir.request("GET", urllib.parse.urlparse(location).path)[1].decode() == pairs["other"].pem()
    mutual(weir, arn, "off")


def test_a_connection_from_before_is_not_verified_by_a_change(weir, store, served, pairs):
    port, arn, _ = served
    made = store.create("later", pairs["root"].path)["TrustStoreArn"]
    with Tls(port) as client:
        assert client.get().status == 200
        mutual(weir, arn, "verify", TrustStoreArn=made)
        with pytest.raises((OSError, AssertionError)):
            client.get()
    mutual(weir, arn, "off")


def test_two_listeners_of_a_load_balancer_may_verify(weir, store, pairs):
    balancer, certificate = weir.balancer("many"), pairs["site"].upload(weir)
    verify = {"Mode": "verify", "TrustStoreArn": store.create("many", pairs["root"].path)["TrustStoreArn"]}
    first, _ = [https(weir, balancer, certificate, MutualAuthentication=verify)[1] for _ in range(2)]
    third = https(weir, balancer, certificate)[1]
    for attempt in [lambda: https(weir, balancer, certificate, MutualAuthentication=verify),
                    lambda: weir.elbv2("ModifyListener", ListenerArn=third, MutualAuthentication=verify)]:
        with pytest.raises(Fault) as fault:
            attempt()
        assert fault.value.code == "TooManyListeners" and "'verify'" in str(fault.value)
    weir.elbv2("ModifyListener", ListenerArn=first, MutualAuthentication={**verify, "IgnoreClientCertificateExpiry": True})
    weir.elbv2("ModifyListener", ListenerArn=first, MutualAuthentication={"Mode": "off"})
    weir.elbv2("ModifyListener", ListenerArn=third, MutualAuthentication=verify)
    weir.elbv2("DeleteLoadBalancer", LoadBalancerArn=balancer)


def test_bad_bundles_are_refused_with_awss_errors(weir, store, pairs):
    for key, path, code, words in [("leaf", pairs["client"].path, "InvalidCaCertificatesBundle", "not one of an authority"),
                                   ("key", pairs["client"].key, "InvalidCaCertificatesBundle", "not a PEM file")]:
        with pytest.raises(Fault) as fault:
            store.create(key, path)
        assert fault.value.code == code and words in str(fault.value)
    with pytest.raises(Fault) as fault:
        weir.elbv2("CreateTrustStore", Name="none", CaCertificatesBundleS3Bucket="trust", CaCertificatesBundleS3Key="no-such-key")
    assert fault.value.code == "CaCertificatesBundleNotFound"
    made = store.create("kept", pairs["root"].path)["TrustStoreArn"]
    with pytest.raises(Fault) as fault:
        store.create("kept", pairs["root"].path)
    assert fault.value.code == "DuplicateTrustStoreName"
    with pytest.raises(Fault) as fault:
        weir.elbv2("AddTrustStoreRevocations", TrustStoreArn=made, RevocationContents=[{"S3Bucket": "trust", "S3Key": "kept.pem"}])
    assert fault.value.code == "InvalidRevocationContent"
    weir.elbv2("DeleteTrustStore", TrustStoreArn=made)


# ---- The connection log ----

def test_every_connection_is_a_line_of_the_connection_log(weir, served, pairs):
    port, arn, _ = served
    balancer = weir.elbv2("DescribeListeners", ListenerArns=[arn])["Listeners"][0]["LoadBalancerArn"]
    plain, _ = weir.listener(balancer, actions=[fixed("plain")])
    with Tls(port) as client:
        client.get("/traced")
    access = until(lambda: [l for l in weir.access_lines() if "/traced " in l], what="the request's line")[0]
    trace = re.search("TID_[0-9a-f]{32}", access).group()
    line = until(lambda: [l for l in weir.access_lines(1, "connection.log") if trace in l], what="the line")[0]
    fields = line.split(" ")
    assert len(fields) == 15
    assert fields[1] == "127.0.0.1" and fields[4:6] == ["TLSv1.3", "TLS_AES_128_GCM_SHA256"] and float(fields[6]) < 5
    assert fields[7:11] == ['"-"', "-", "-", "-"]
    assert fields[3] == str(port) and fields[11] == trace and fields[12] == "X25519" and fields[13].startswith("app/mtls/") and fields[14] == "127.0.0.1"
    harness.get(plain)
    line = until(lambda: [l for l in weir.access_lines(1, "connection.log") if f" {plain} " in l], what="the plain line")[0]
    assert line.split(" ")[4:11] == ["-", "-", "-", '"-"', "-", "-", "-"]
