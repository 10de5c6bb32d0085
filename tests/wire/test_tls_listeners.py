"""HTTPS listeners: certificates by name, policies, changes without a cut, sessions, what fails."""
import pathlib
import re
import ssl
import threading
import time

import pytest

import harness
import tls
from harness import Fault, Raw, Target, Weir, until
from tls import Pair, Tls, context, fixed, https


pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # the old ones are what is tested


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return {"a": Pair(folder, "a", "a.example"), "b": Pair(folder, "b", "b.example", "*.b.example"), "a2": Pair(folder, "a2", "a.example"),
            "b-rsa": Pair(folder, "b-rsa", "b.example", kind="rsa:2048"), "a-rsa": Pair(folder, "a-rsa", "a.example", kind="rsa:2048")}


@pytest.fixture(scope="module")
def weir():
    with Weir("--log", "debug", workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def balancer(weir):
    return weir.balancer("tls")


@pytest.fixture
def listener(weir, balancer, pairs):
    port, arn = https(weir, balancer, pairs["a"].upload(weir))
    yield port, arn
    weir.elbv2("DeleteListener", ListenerArn=arn)


@pytest.fixture
def forwarding(weir, balancer, pairs):
    """A listener in front of a target: (target, port, ARN, certificate)."""
    with Target() as target:
        group = weir.group()
        weir.register(group, target.port)
        certificate = pairs["a"].upload(weir)
        port, arn = https(weir, balancer, certificate, group, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
        weir.wait_healthy(group)
        yield target, port, arn, certificate
        weir.elbv2("DeleteListener", ListenerArn=arn)
        weir.elbv2("DeleteTargetGroup", TargetGroupArn=group)


def modify(weir, arn, **value):
    return weir.elbv2("ModifyListener", ListenerArn=arn, **value)["Listeners"][0]


def shown(port, host):
    with Tls(port, host) as client:
        return client.certificate()


def header(head, name):
    return re.findall(rf"(?im)^{name}:[ \t]*(.*?)\r$", head.decode())


# ---- Requests ----

def test_a_request_over_tls_is_forwarded_as_https_and_logged(weir, forwarding, pairs):
    target, port, _, certificate = forwarding
    with Tls(port, made=context(pairs["a"])) as client:
        assert client.get("/logged", host=f"a.example:{port}").body == b"hello"
    assert header(target.requests[0], "X-Forwarded-Proto") == ["https"]
    assert header(target.requests[0], "X-Forwarded-Port") == [str(port)]
    assert header(target.requests[0], "X-Amzn-Tls-Version") == []
    line = until(lambda: [l for l in weir.access_lines() if "/logged " in l], what="the line")[0]
    assert line.startswith("https ")
    assert f'"GET https://a.example:{port}/logged HTTP/1.1"' in line
    assert " TLS_AES_128_GCM_SHA256 TLSv1.3 " in line
    assert f'"a.example" "{certificate}"' in line


def test_targets_are_told_version_and_cipher_under_the_names_of_choice(weir, balancer, forwarding):
    target, port, arn, _ = forwarding
    forged = "X-Amzn-Tls-Version: forged\r\nX-Old: forged\r\n"

    def attribute(key, value, owner="LoadBalancer", of=balancer):
        weir.elbv2(f"Modify{owner}Attributes", **{f"{owner}Arn": of}, Attributes=[{"Key": key, "Value": value}])

    attribute("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "true")
    with Tls(port) as client:
        until(lambda: client.get(headers=forged) and header(target.requests[-1], "x-amzn-tls-version") == ["TLSv1.3"])
        assert header(target.requests[-1], "x-amzn-tls-cipher-suite") == ["TLS_AES_128_GCM_SHA256"]
        attribute("routing.http.request.x_amzn_tls_version.header_name", "X-Old", "Listener", arn)
        until(lambda: client.get(headers=forged) and header(target.requests[-1], "X-Old") == ["TLSv1.3"])
    attribute("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false")
    for wrong in ["no spaces", "Host", "x" * 41]:
        with pytest.raises(Fault) as fault:
            attribute("routing.http.request.x_amzn_tls_version.header_name", wrong, "Listener", arn)
        assert fault.value.code == "ValidationError"


def test_tokens_of_a_stream_come_one_by_one(forwarding):
    target, port, _, _ = forwarding
    go = threading.Event()

    def script(connection):
        connection.start_stream()
        connection.chunk("data: one\n\n")
        go.wait(10)
        connection.chunk("data: two\n\n")
        connection.end_stream()

    target.script = script
    with Tls(port) as client:
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        client.read_until("data: one\n\n")
        go.set()
        client.read_until("0\r\n\r\n")


def test_large_bodies_pass_both_ways(forwarding):
    target, port, _, _ = forwarding
    body = bytes(range(256)) * 8192

    def script(connection):
        assert connection.body() == body
        connection.answer(body)

    target.script = script
    with Tls(port) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert client.response().body == body


def test_http_is_redirected_to_https(weir, balancer, listener):
    port, plain = listener[0], harness.free_port()
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": str(port), "StatusCode": "HTTP_301"}}
    _, arn = weir.listener(balancer, port=plain, actions=[redirect])
    answer = harness.get(plain, "/x?y", host="a.example")
    assert (answer.status, answer.headers["location"]) == (301, f"https://a.example:{port}/x?y")
    weir.elbv2("DeleteListener", ListenerArn=arn)


# ---- Certificates ----

def test_the_certificate_follows_the_name_that_is_asked_for(weir, listener, pairs):
    port, arn = listener
    more = [{"CertificateArn": pairs[name].upload(weir)} for name in ("b", "b-rsa")]
    weir.elbv2("AddListenerCertificates", ListenerArn=arn, Certificates=more)
    until(lambda: shown(port, "b.example") == pairs["b"].pem(), what="the added certificate")
    assert shown(port, "x.b.example") == pairs["b"].pem()
    assert shown(port, "x.y.b.example") == pairs["a"].pem()
    assert shown(port, "nobody.example") == pairs["a"].pem()
    assert shown(port, None) == pairs["a"].pem()
    rsa = context()
    rsa.maximum_version = ssl.TLSVersion.TLSv1_2
    rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with Tls(port, "b.example", rsa) as client:
        assert client.certificate() == pairs["b-rsa"].pem()
    weir.elbv2("RemoveListenerCertificates", ListenerArn=arn, Certificates=more)
    until(lambda: shown(port, "b.example") == pairs["a"].pem(), what="the default certificate")


def test_a_certificate_imported_anew_serves_at_once_and_cuts_no_stream(weir, forwarding, pairs):
    target, port, _, certificate = forwarding
    go = threading.Event()

    def script(connection):
        connection.start_stream()
        connection.chunk("data: old\n\n")
        go.wait(10)
        connection.chunk("data: still\n\n")
        connection.end_stream()

    target.script = script
    with Tls(port) as client:
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        client.read_until("data: old\n\n")
        assert pairs["a2"].upload(weir, CertificateArn=certificate) == certificate
        until(lambda: shown(port, "a.example") == pairs["a2"].pem(), what="the new certificate")
        assert client.certificate() == pairs["a"].pem()
        go.set()
        client.read_until("data: still\n\n")
        client.read_until("0\r\n\r\n")
    pairs["a"].upload(weir, CertificateArn=certificate)


def test_balancers_that_share_a_port_are_told_apart_by_sni(weir, pairs):
    first, second = weir.balancer("share-1"), weir.balancer("share-2")
    port, one = https(weir, first, pairs["a"].upload(weir), actions=[fixed("one")])
    _, two = https(weir, second, pairs["b"].upload(weir), port=port, actions=[fixed("two")], SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")
    name = weir.elbv2("DescribeLoadBalancers", Names=["share-2"])["LoadBalancers"][0]["DNSName"]
    for host, body, version in [("a.example", b"one", "TLSv1.2"), ("b.example", b"two", "TLSv1.3"), (name, b"two", "TLSv1.3")]:
        with Tls(port, host) as client:
            assert (client.get(host=host).body, client.socket.version()) == (body, version), host
    with pytest.raises(Fault) as fault:
        weir.listener(weir.balancer("share-3"), port=port, actions=[fixed("no")])
    assert fault.value.code == "InvalidConfigurationRequest" and "carries HTTPS" in str(fault.value)
    for arn in (one, two):
        weir.elbv2("DeleteListener", ListenerArn=arn)


def test_a_listener_goes_from_http_to_https_and_back(weir, balancer, pairs):
    port, arn = weir.listener(balancer, actions=[fixed("hello")])
    with pytest.raises(Fault) as fault:
        modify(weir, arn, Protocol="HTTPS")
    assert "certificate must be specified" in str(fault.value)
    changed = modify(weir, arn, Protocol="HTTPS", Certificates=[{"CertificateArn": pairs["a"].upload(weir)}])
    assert (changed["SslPolicy"], changed["MutualAuthentication"]) == ("ELBSecurityPolicy-2016-08", {"Mode": "off"})

    def answers_tls():
        try:
            with Tls(port) as client:
                return client.get().body == b"hello"
        except OSError:
            return False

    until(answers_tls)
    assert "SslPolicy" not in modify(weir, arn, Protocol="HTTP")
    until(lambda: harness.get(port, host="a").body == b"hello")
    weir.elbv2("DeleteListener", ListenerArn=arn)


# ---- Policies ----

VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def agreed(port, version, ciphers):
    """The cipher agreed on when just these are offered; None when there is none."""
    made = context()
    made.minimum_version = made.maximum_version = VERSIONS[version]
    if version != "TLSv1.3":
        made.set_ciphers(":".join(ciphers) + ":@SECLEVEL=0")
    try:
        with Tls(port, made=made) as client:
            return client.socket.cipher()[0]
    except OSError:
        return None


def order_of(port, version, ciphers):
    """All that the server takes, in its order of preference."""
    offered, order = list(ciphers), []
    while offered and (chosen := agreed(port, version, offered)):
        order.append(chosen)
        offered.remove(chosen)
    return order


def test_policies_have_their_versions_and_ciphers_in_their_order(weir, listener, pairs):
    port, arn = listener
    weir.elbv2("AddListenerCertificates", ListenerArn=arn, Certificates=[{"CertificateArn": pairs["a-rsa"].upload(weir)}])
    policies = {p["Name"]: p for p in weir.all("DescribeSSLPolicies", "SslPolicies")}
    everything = [c["Name"] for c in policies["ELBSecurityPolicy-2016-08"]["Ciphers"]]
    seen = refused = 0
    for name, policy in policies.items():
        try:
            modify(weir, arn, SslPolicy=name)
        except Fault as fault:
            assert fault.code == "InvalidConfigurationRequest" and name in str(fault)
            assert "FIPS" in name or "PQ" in name or name == "ELBSecurityPolicy-TLS-1-0-2015-04"
            refused += 1
            continue
        time.sleep(0.1)  # both workers take the plan over in their own time
        taken = [v for v in VERSIONS if agreed(port, v, everything)]
        assert sorted(taken) == sorted(policy["SslProtocols"]), name
        if "TLSv1.2" in taken:
            wanted = [c["Name"] for c in policy["Ciphers"] if not c["Name"].startswith("TLS_")]
            assert order_of(port, "TLSv1.2", everything) == wanted, name
        seen += 1
    assert seen >= 17 and refused < len(policies) - 16


def test_suites_of_tls_1_3_follow_the_servers_order(weir, listener):
    port, arn = listener
    modify(weir, arn, SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")
    time.sleep(0.1)
    for offered, chosen in [("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
                            ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
                            ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256")]:
        said = tls.openssl("s_client", "-connect", f"127.0.0.1:{port}", "-ciphersuites", offered, data=b"").decode()
        assert f"Cipher is {chosen}" in said


# ---- Sessions ----

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_sessions_are_resumed_by_any_worker(weir, forwarding, version):
    _, port, _, _ = forwarding
    made = context()
    made.maximum_version = VERSIONS[version]
    with Tls(port, made=made) as client:
        client.get()
        session = client.socket.session
        assert not client.socket.session_reused
    for _ in range(8):  # the kernel spreads connections over both workers
        with Tls(port, made=made, session=session) as client:
            assert client.get("/again").status == 200
            assert client.socket.session_reused
            session = client.socket.session
    line = until(lambda: [l for l in weir.access_lines() if "/again " in l], what="the line")[0]
    assert '"a.example" "session-reused"' in line


# ---- What fails ----

def test_failed_handshakes_are_counted_and_silence_is_not(weir, listener, pairs):
    port, _ = listener
    name = "weir_client_tls_negotiation_errors_total"
    before = weir.metric(name)
    with Raw(port):
        pass  # a TCP check
    with pytest.raises(ssl.SSLError):
        old = context()
        old.set_ciphers("ECDHE-PSK-AES128-CBC-SHA:@SECLEVEL=0")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        Tls(port, made=old)
    with pytest.raises(ssl.SSLCertVerificationError):
        Tls(port, made=context(pairs["b"]))  # says so with an alert
    until(lambda: weir.metric(name) == before + 2, what="two failures counted")
    with Raw(port) as raw:
        raw.send(b"\x16\x03\x01\x00\x05hello")
        while raw.more():
            pass
    until(lambda: weir.metric(name) == before + 3)


def test_plain_http_on_a_tls_port_is_told_so(listener):
    answer = harness.get(listener[0])
    assert answer.status == 400 and b"sent to HTTPS port" in answer.body


def test_a_client_that_stalls_the_handshake_holds_nobody_up(listener):
    with Raw(listener[0]) as stalled:
        stalled.send(b"\x16\x03\x01")
        with Tls(listener[0]) as client:
            assert client.get().status == 200


# ---- Keys at rest ----

def test_keys_survive_a_kill_and_are_not_found_on_disk(pairs):
    with Weir() as weir:
        weir.balancer("kept")
        arn = weir.elbv2("DescribeLoadBalancers", Names=["kept"])["LoadBalancers"][0]["LoadBalancerArn"]
        port, _ = https(weir, arn, pairs["a"].upload(weir))
        weir.kill()
        weir.start()
        assert shown(port, "a.example") == pairs["a"].pem()
        weir.call("acm", "RequestCertificate", DomainName="x.localhost")
        data = pathlib.Path(weir.data)
        secret = "".join(pairs["a"].key.read_text().splitlines()[1:-1])[20:60]
        for path in [p for p in data.rglob("*") if p.is_file()]:
            content = path.read_bytes().replace(b"\\n", b"").replace(b"\n", b"")
            assert secret.encode() not in content and b"PRIVATE KEY" not in content, path
        assert (data / "seal.key").stat().st_mode & 0o777 == 0o600
        assert "PRIVATE KEY" not in weir.read_log()


def test_another_seal_key_is_noticed_at_the_start():
    with Weir() as weir:
        weir.stop()
        path = pathlib.Path(weir.data) / "seal.key"
        good = path.read_text()
        path.write_text("0" * 64 + "\n")
        with pytest.raises(AssertionError, match="seal.key is not the"):
            weir.start()
        path.write_text("nonsense")
        with pytest.raises(AssertionError, match="64 hexadecimal digits"):
            weir.start()
        path.write_text(good)
        weir.start()
