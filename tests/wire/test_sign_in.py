"""authenticate-oidc, authenticate-cognito and jwt-validation over HTTPS, with a provider of our own."""
import base64
import hashlib
import hmac
import json
import re
import subprocess
import threading
import time
import urllib.parse

import pytest

pytest.importorskip("cryptography", reason="python3-cryptography signs what the provider says")

import chromium
import identity
import tls
from harness import Fault, Target, Weir, until
from identity import Browser, Key, Provider, b64


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return tls.Pair(tmp_path_factory.mktemp("identity"), "localhost", "localhost")


@pytest.fixture
def provider(pair):
    with Provider(pair) as running:
        yield running


@pytest.fixture(scope="module")
def weir(pair):
    with Weir("--idp-ca-file", str(pair.path), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def base(weir, pair):
    """A load balancer, a group with a target that tells what it heard, a certificate."""
    with Target(lambda c: c.body() is None or c.answer(c.head)) as target:
        group = weir.group()
        weir.register(group, target.port)
        balancer, certificate = weir.balancer("sign-in"), pair.upload(weir)
        port, _ = weir.listener(balancer, group)
        weir.wait_healthy(group)
        yield balancer, group, certificate, target


class Site:
    def __init__(self, weir, port, arn, pair):
        self.weir, self.port, self.arn, self.pair = weir, port, arn, pair
        self.url = f"https://localhost:{port}"

    def browser(self):
        return Browser(self.pair.path)

    def logged(self, path, part):
        """Waits for an access line of this path with `part` in it."""
        found = lambda: any(part in l for l in self.weir.access_lines() if f"https://localhost:{self.port}{path}" in l)
        return until(found, what=f"{part} in an access line of {path}")


def open_site(weir, base, pair, *actions):
    balancer, group, certificate, _ = base
    port, arn = tls.https(weir, balancer, certificate, actions=[*actions, {"Type": "forward", "TargetGroupArn": group, "Order": 10}])
    return Site(weir, port, arn, pair)


@pytest.fixture
def site(weir, base, pair, provider):
    made = open_site(weir, base, pair, {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": provider.config()})
    yield made
    weir.elbv2("DeleteListener", ListenerArn=made.arn)


def change(site, config):
    """The listener's authenticate action, set anew."""
    listener = site.weir.elbv2("DescribeListeners", ListenerArns=[site.arn])["Listeners"][0]
    actions = listener["DefaultActions"]
    actions[0] = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": config}
    site.weir.elbv2("ModifyListener", ListenerArn=site.arn, DefaultActions=actions)


def heard(page, name):
    """A header as the target heard it."""
    found = re.search(rf"(?im)^{name}:[ \t]*(.*?)\r$", page.body.decode())
    return found and found.group(1)


def public_key(weir, kid):
    status, pem = weir.request("GET", f"/_weir/public-keys/{kid}")
    assert status == 200
    return pem


# ---- The flow ----

def test_a_browser_signs_in_and_the_target_hears_who_it_is(weir, site, provider):
    browser = site.browser()
    page = browser.get(site.url + "/deep/page?x=1&y=%20z")
    assert page.status == 200 and page.url == site.url + "/deep/page?x=1&y=%20z"
    assert heard(page, "x-amzn-oidc-identity") == "user-7"
    assert heard(page, "x-amzn-oidc-accesstoken") == "access-1"
    token = heard(page, "x-amzn-oidc-data")
    header = json.loads(identity.unb64(token.split(".")[0].rstrip("=")))
    header, claims = identity.verify_es256(token, public_key(weir, header["kid"]))
    assert header["alg"] == "ES256" and header["client"] == provider.client and header["iss"] == provider.url
    assert header["signer"].startswith("arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/sign-in/")
    assert claims == {**provider.users, "exp": header["exp"], "iss": provider.url}
    assert 100 <= header["exp"] - time.time() <= 121
    asked = provider.asked("/authorize")[0][1]
    assert asked["scope"] == "openid" and asked["response_type"] == "code"
    assert asked["redirect_uri"] == site.url + "/oauth2/idpresponse"
    # Once signed in nobody is asked again, and the target has the same cookie as ever.
    before = len(provider.log)
    assert browser.get(site.url + "/again").status == 200
    assert len(provider.log) == before
    cookie = browser.cookie("AWSELBAuthSessionCookie-0")
    assert cookie.secure and cookie.has_nonstandard_attr("HttpOnly") and cookie.path == "/"
    assert 6.9 * 86400 < cookie.expires - time.time() <= 7 * 86400
    assert "AWSALBAuthNonce" not in browser.cookies()
    assert site.logged("/again", '"authenticate,forward"')
    assert weir.metric("weir_auth_successes_total") >= 1 and weir.metric("weir_auth_latency_seconds_count") >= 1


def test_curl_signs_in_with_its_cookie_jar(site, pair, tmp_path):
    command = ["curl", "-sL", "--max-time", "20", "--cacert", str(pair.path), "-c", str(tmp_path / "jar"), "-b", str(tmp_path / "jar"),
               "-w", "\n%{http_code} %{num_redirects}", site.url + "/curl"]
    first = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "x-amzn-oidc-identity: user-7" in first and first.endswith("\n200 3")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.endswith("\n200 0")


def test_chromium_signs_in_and_keeps_a_session_of_four_cookies(site, provider, tmp_path):
    if not chromium.CHROMIUM:
        pytest.skip("Chromium is not installed")
    provider.users["groups"] = ["g" * 40] * 240
    page = chromium.dumped(site.url + "/deep?x=1", tmp_path)
    assert "GET /deep?x=1 HTTP/1.1" in page and "x-amzn-oidc-identity: user-7" in page, page
    assert all(f"AWSELBAuthSessionCookie-{i}=" in page for i in range(4))
    assert len(provider.asked("/token")) <= len(list(tmp_path.iterdir())), "one each time that it was asked"


def test_a_session_works_over_http_2_with_crumbled_cookies(site, provider, pair, tmp_path):
    provider.users["groups"] = ["g" * 40] * 100
    provider.expires_in = 1
    command = ["curl", "-sL", "--max-time", "20", "--http2", "--cacert", str(pair.path), "-c", str(tmp_path / "jar"), "-b", str(tmp_path / "jar"), "-w", "\n%{http_version} %{http_code}"]
    run = lambda *more: subprocess.run([*command, *more], capture_output=True, text=True, check=True).stdout
    assert run(site.url + "/two").endswith("\n2 200")
    time.sleep(1.1)
    provider.delay = 0.3
    (tmp_path / "body").write_bytes(b"x" * 300000)
    answer = run("--data-binary", f"@{tmp_path / 'body'}", site.url + "/two")
    assert answer.endswith("\n2 200") and re.search(r"x-amzn-oidc-accesstoken: access-[2-9]\b", answer)
    assert site.logged("/two", '"authenticate,forward"')


def test_the_key_set_verifies_too_and_other_names_are_404(weir):
    status, text = weir.request("GET", "/_weir/public-keys/jwks.json")
    key = json.loads(text)["keys"][0]
    assert status == 200 and key["kty"] == "EC" and key["crv"] == "P-256"
    assert weir.request("GET", "/_weir/public-keys/" + key["kid"])[1].startswith(b"-----BEGIN PUBLIC KEY-----")
    for name in ("nobody", "", "../keys", key["kid"] + "x"):
        assert weir.request("GET", "/_weir/public-keys/" + name)[0] == 404


def test_extra_parameters_scope_and_cookie_name(site, provider):
    change(site, provider.config(Scope="openid email profile", SessionCookieName="my_cookie",
                                 AuthenticationRequestExtraParams={"prompt": "login", "ui locales": "de&fr"}))
    browser = site.browser()
    assert browser.get(site.url + "/").status == 200
    asked = provider.asked("/authorize")[-1][1]
    assert asked["scope"] == "openid email profile" and asked["prompt"] == "login" and asked["ui locales"] == "de&fr"
    assert list(browser.cookies("my_cookie")) == ["my_cookie-0"]


def test_deny_is_401_and_allow_passes_without_a_name(site, provider):
    change(site, provider.config(OnUnauthenticatedRequest="deny"))
    page = site.browser().get(site.url + "/denied")
    assert page.status == 401 and b"<h1>401 Authorization Required</h1>" in page.body
    assert site.logged("/denied", '"authenticate" "-" "-"')
    change(site, provider.config(OnUnauthenticatedRequest="allow"))
    page = site.browser().get(site.url + "/allowed", **{"X-Amzn-Oidc-Identity": "root", "x-amzn-oidc-data": "forged"})
    assert page.status == 200 and heard(page, "x-amzn-oidc-identity") is None and heard(page, "x-amzn-oidc-data") is None
    assert not provider.log


def test_tokens_are_refreshed_and_the_answer_brings_the_new_session(site, provider):
    provider.expires_in = 1
    browser = site.browser()
    first = heard(browser.get(site.url + "/"), "x-amzn-oidc-accesstoken")  # a slow machine may have refreshed already
    before = browser.cookie("AWSELBAuthSessionCookie-0").value
    time.sleep(1.1)
    provider.expires_in = 300
    provider.users["name"] = "changed"
    page = browser.get(site.url + "/", follow=False)
    assert page.status == 200 and heard(page, "x-amzn-oidc-accesstoken") == f"access-{int(first.split('-')[1]) + 1}"
    assert browser.cookie("AWSELBAuthSessionCookie-0").value != before
    assert json.loads(identity.unb64(heard(page, "x-amzn-oidc-data").split(".")[1].rstrip("=")))["name"] == "changed"
    assert site.weir.metric("weir_auth_refreshes_total") >= 1
    # A refresh that the provider refuses: to sign in again.
    provider.expires_in = 1
    browser = site.browser()
    browser.get(site.url + "/")
    time.sleep(1.1)
    provider.refreshes.clear()
    assert browser.get(site.url + "/", follow=False).location.startswith(provider.url + "/authorize?")


def test_a_page_with_many_requests_refreshes_once(site, provider):
    """Refresh tokens rotate: the second use of one would look like a theft."""
    refreshed = lambda: len([e for e in provider.asked("/token") if e[1]["grant_type"] == "refresh_token"])
    provider.expires_in = 1
    browser = site.browser()
    browser.get(site.url + "/")
    time.sleep(1.1)
    before = refreshed()  # a slow machine may have refreshed already
    provider.expires_in, provider.delay = 300, 0.3
    cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies().items())
    pages = []
    ask = lambda: pages.append(site.browser().get(site.url + "/part", follow=False, Cookie=cookies))
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ask()       # a straggler that has not heard of the new cookies
    assert [p.status for p in pages] == [200] * 9
    assert {heard(p, "x-amzn-oidc-accesstoken") for p in pages} == {f"access-{before + 2}"}
    assert refreshed() == before + 1


def test_a_post_waits_for_the_refresh_with_its_body(weir, base, site, provider, pair):
    provider.expires_in = 1
    browser = site.browser()
    browser.get(site.url + "/")
    time.sleep(1.1)
    provider.delay = 0.5
    cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies().items())
    with tls.Tls(site.port, "localhost", made=tls.context(pair)) as client:
        client.send(f"POST /up HTTP/1.1\r\nHost: localhost:{site.port}\r\nCookie: {cookies}\r\nContent-Length: 300000\r\n\r\n")
        client.send(b"x" * 300000)
        answer = client.response()
    # A slow machine may have refreshed already while it signed in.
    assert answer.status == 200 and re.search(rb"x-amzn-oidc-accesstoken: access-[2-9]\b", answer.body), answer.body[:2000]


def test_a_long_session_takes_several_cookies(site, provider):
    provider.users["groups"] = ["g" * 40] * 200
    browser = site.browser()
    page = browser.get(site.url + "/")
    assert page.status == 200 and len(browser.cookies("AWSELBAuthSessionCookie-")) >= 3
    assert json.loads(identity.unb64(heard(page, "x-amzn-oidc-data").split(".")[1].rstrip("=")))["groups"][199] == "g" * 40
    provider.users["groups"] = ["g" * 40] * 300
    assert site.browser().get(site.url + "/").status == 500
    assert site.logged("/oauth2/idpresponse", "AuthUserinfoResponseSizeExceeded")


def test_the_session_timeout_ends_it(site, provider):
    change(site, provider.config(SessionTimeout=1))
    browser = site.browser()
    assert browser.get(site.url + "/").status == 200
    time.sleep(1.2)
    assert browser.get(site.url + "/", follow=False).status == 302


def test_sessions_and_secrets_survive_kill_9(pair, provider, tmp_path):
    data = tmp_path / "weir"
    with Target(lambda c: c.answer(c.head)) as target:
        with Weir("--idp-ca-file", str(pair.path), data=data) as weir:
            group, balancer, certificate = weir.group(), weir.balancer("kept"), pair.upload(weir)
            weir.register(group, target.port)
            port, arn = tls.https(weir, balancer, certificate, actions=[
                {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": provider.config()},
                {"Type": "forward", "TargetGroupArn": group, "Order": 2}])
            weir.wait_healthy(group)
            browser = Browser(pair.path)
            assert browser.get(f"https://localhost:{port}/").status == 200
            kid = json.loads(weir.request("GET", "/_weir/public-keys/jwks.json")[1])["keys"][0]["kid"]
            weir.kill()
            raw = b"".join(p.read_bytes() for p in data.rglob("*") if p.is_file() and p.name != "seal.key")
            assert provider.secret.encode() not in raw and b"s%3Acret" not in raw
            assert (data / "seal.key").stat().st_mode & 0o777 == 0o600
            weir.start()
            weir.wait_healthy(group)
            before = len(provider.log)
            assert browser.get(f"https://localhost:{port}/").status == 200 and len(provider.log) == before
            assert Browser(pair.path).get(f"https://localhost:{port}/").status == 200     # the secret is still known
            assert json.loads(weir.request("GET", "/_weir/public-keys/jwks.json")[1])["keys"][0]["kid"] == kid


# ---- What goes wrong ----

def callback(site, provider, browser):
    """The URL that the provider sends this browser back to."""
    page = browser.get(site.url + "/start", follow=False)
    return Browser(site.pair.path).get(page.location, follow=False).location


FAULTS = {
    "wrong nonce": ({"claims": {"nonce": "0" * 64}}, 401, "AuthInvalidIdToken"),
    "no nonce": ({"claims": {"nonce": None}}, 401, "AuthInvalidIdToken"),
    "expired": ({"claims": {"exp": 1000}}, 401, "AuthInvalidIdToken"),
    "other audience": ({"claims": {"aud": "other"}}, 401, "AuthInvalidIdToken"),
    "other issuer": ({"claims": {"iss": "https://evil.example"}}, 401, "AuthInvalidIdToken"),
    "wrong secret": ({"secret": "other"}, 561, "AuthTokenEpRequestFailed"),
    "token error": ({"answers": {"/token": (500, b"oops")}}, 561, "AuthTokenEpRequestFailed"),
    "token is HTML": ({"answers": {"/token": (200, b"<html>")}}, 401, "AuthInvalidTokenResponse"),
    "token redirects": ({"answers": {"/token": (302, b"", [("Location", "http://169.254.169.254/")])}}, 561, "AuthTokenEpRequestFailed"),
    "huge token": ({"answers": {"/token": (200, {"access_token": "x" * 200000})}}, 401, "AuthInvalidTokenResponse"),
    "no id token": ({"answers": {"/token": (200, {"access_token": "x"})}}, 401, "AuthInvalidTokenResponse"),
    "someone else": ({"answers": {"/userinfo": (200, {"sub": "other"})}}, 401, "AuthInvalidUserinfoResponse"),
    "user info error": ({"answers": {"/userinfo": (503, b"")}}, 561, "AuthUserinfoEpRequestFailed"),
}


def test_every_fault_of_the_provider_has_its_status_and_reason(site, provider):
    for name, (changes, status, _) in FAULTS.items():
        browser = site.browser()
        url = callback(site, provider, browser)
        before = {key: getattr(provider, key) for key in changes}
        for key, value in changes.items():
            setattr(provider, key, value)
        assert browser.get(url, follow=False).status == status, name
        assert not browser.cookies("AWSELBAuthSessionCookie"), name
        for key, value in before.items():
            setattr(provider, key, value)
    for name, (_, _, reason) in FAULTS.items():
        site.logged("/oauth2/idpresponse", f'"{reason}"')


def test_a_slow_provider_is_given_up_after_5_seconds_and_holds_up_no_one(site, provider):
    browser, pages = site.browser(), []
    url = callback(site, provider, browser)
    provider.delay = 30
    started = time.monotonic()
    waiting = threading.Thread(target=lambda: pages.append(browser.get(url, follow=False)))
    waiting.start()
    meanwhile = 0
    while not pages:
        assert site.browser().get(site.url + "/other", follow=False).status == 302
        meanwhile += not pages
    assert meanwhile, "others did not wait"
    waiting.join()
    assert pages[0].status == 500 and time.monotonic() - started > 4.5
    assert site.logged("/oauth2/idpresponse", '"AuthTokenEpRequestTimeout"')
    provider.delay = 0


def test_a_dead_provider_is_500(site, provider):
    browser = site.browser()
    url = callback(site, provider, browser)
    provider.server.shutdown()
    provider.server.server_close()
    assert browser.get(url, follow=False).status == 500
    assert site.logged("/oauth2/idpresponse", '"AuthTokenEpRequestFailed"')


def test_a_provider_whose_certificate_nobody_vouches_for_is_not_asked(weir, base, pair, tmp_path):
    with Provider(tls.Pair(tmp_path, "stranger", "localhost")) as stranger:
        site = open_site(weir, base, pair, {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": stranger.config()})
        browser = site.browser()
        page = browser.get(site.url + "/", follow=False)
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(page.location).query)["state"][0]
        assert browser.get(f"{site.url}/oauth2/idpresponse?code=c&state={state}", follow=False).status == 500
        assert not stranger.log
        weir.elbv2("DeleteListener", ListenerArn=site.arn)


def test_a_code_works_once_and_a_replayed_callback_signs_nobody_in(site, provider):
    browser = site.browser()
    url = callback(site, provider, browser)
    nonce = browser.cookie("AWSALBAuthNonce")
    assert browser.get(url, follow=False).status == 302
    # From another browser: without the nonce, then with it (stolen), then with a nonce of its own.
    other = site.browser()
    assert other.get(url, follow=False).status == 401
    assert site.logged("/oauth2/idpresponse", '"AuthMissingAWSALBAuthNonce"')
    other.jar.set_cookie(nonce)
    assert other.get(url, follow=False).status == 401
    assert site.logged("/oauth2/idpresponse", '"AuthInvalidGrantError"')
    third = site.browser()
    third.get(site.url + "/", follow=False)
    assert third.get(url, follow=False).status == 401
    assert site.logged("/oauth2/idpresponse", '"AuthInvalidAWSALBAuthNonce"')


def test_a_tampered_cookie_is_401_and_forgotten(site, provider):
    browser = site.browser()
    browser.get(site.url + "/")
    cookie = browser.cookie("AWSELBAuthSessionCookie-0")
    good = cookie.value
    for bad in (good[:-1] + ("A" if good[-1] != "A" else "B"), good[4:], good + "AAAA", "x", "A" * 4000):
        cookie.value = bad
        page = browser.get(site.url + "/tampered", follow=False)
        assert page.status == 401, bad[:20]
        assert "AWSELBAuthSessionCookie-0" not in browser.cookies()
        assert site.logged("/tampered", '"AuthInvalidCookie"')
        browser.jar.set_cookie(cookie)
    cookie.value = good
    assert browser.get(site.url + "/").status == 200


def test_the_way_back_cannot_lead_elsewhere(site, provider):
    for path in ("//evil.example/x", "/\\evil.example", "/%0d%0aSet-Cookie:%20a=b", "/@evil.example"):
        browser = site.browser()
        raw = browser.get(callback_of(site, browser, path), follow=False)
        assert raw.status == 302 and raw.location == site.url + path, path
        assert raw.headers.get_all("Set-Cookie") is None or not any(c.startswith("a=b") for c in raw.headers.get_all("Set-Cookie"))


def callback_of(site, browser, path):
    with tls.Tls(site.port, "localhost", made=tls.context(site.pair)) as client:
        answer = client.get(path, host=f"localhost:{site.port}")
    nonce = re.search(r"AWSALBAuthNonce=([0-9a-f]+)", answer.head).group(1)
    browser.get(site.url + "/", follow=False)
    browser.cookie("AWSALBAuthNonce").value = nonce
    return Browser(site.pair.path).get(answer.headers["location"], follow=False).location


def test_the_callback_never_reaches_a_target_and_knows_its_rule(weir, base, site, provider, pair):
    """/app authenticates with the same provider by another client; the callback comes by the default rule's path."""
    _, group, _, target = base
    with Provider(pair) as second:
        second.client = "second"
        config = second.config(SessionCookieName="second")
        rule = weir.elbv2("CreateRule", ListenerArn=site.arn, Priority=5, Conditions=[{"Field": "path-pattern", "Values": ["/app*"]}], Actions=[
            {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": config}, {"Type": "forward", "TargetGroupArn": group, "Order": 2}])
        browser, before = site.browser(), len(target.requests)
        page = browser.get(site.url + "/app")
        assert page.status == 200 and set(browser.cookies()) == {"second-0"}
        assert site.logged("/oauth2/idpresponse", " 5 ")
        assert not any(b"idpresponse" in r for r in target.requests[before:])
        weir.elbv2("DeleteRule", RuleArn=rule["Rules"][0]["RuleArn"])


# ---- Cognito ----

@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_cognito_signs_in_at_a_stand_in(pair, tmp_path, kind):
    with Provider(pair) as provider:
        provider.client, provider.secret, issuer = "abc123", "c0gn1t0", provider.url
        routes = {"/oauth2/authorize": "/authorize", "/oauth2/token": "/token", "/oauth2/userInfo": "/userinfo"}
        handle = provider.handle

        def cognito(request, form):
            path, mark, query = request.path.partition("?")
            request.path = routes.get(path, path) + mark + query
            handle(request, form)

        def grant(request, form, plain=provider.grant):
            if kind == "confidential":
                plain(request, form)
                return
            assert form["client_id"] == "abc123" and request.headers["Authorization"] is None
            pair_ = f"abc123:{urllib.parse.quote(provider.secret, safe='')}"
            request.headers["Authorization"] = "Basic " + base64.b64encode(pair_.encode()).decode()
            plain(request, form)

        provider.handle, provider.grant = cognito, grant
        provider.claims = {"iss": issuer + "/us-east-1_pool"}
        secrets = tmp_path / "clients"
        secrets.touch(0o600)
        secrets.write_text(f"# clients of the pool\n\nother x\nabc123 {provider.secret}\n" if kind == "confidential" else "")
        options = ["--idp-ca-file", str(pair.path), "--cognito-endpoint", provider.url, "--cognito-clients", str(secrets)]
        with Weir(*options) as weir, Target(lambda c: c.answer(c.head)) as target:
            group, balancer, certificate = weir.group(), weir.balancer("pool"), pair.upload(weir)
            weir.register(group, target.port)
            config = {"UserPoolArn": "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_pool",
                      "UserPoolClientId": "abc123", "UserPoolDomain": "people"}
            port, _ = tls.https(weir, balancer, certificate, actions=[
                {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": config},
                {"Type": "forward", "TargetGroupArn": group, "Order": 2}])
            weir.wait_healthy(group)
            page = Browser(pair.path).get(f"https://localhost:{port}/")
            assert page.status == 200 and heard(page, "x-amzn-oidc-identity") == "user-7"


def test_a_file_of_secrets_that_others_can_read_is_refused(tmp_path):
    from harness import BUILD
    path = tmp_path / "clients"
    for mode, text, words in [(0o644, "a b\n", "chmod 600"), (0o600, "a\n", "line 1"), (0o600, "a b\n\na b c\n", "line 3"), (None, "", "cannot be read")]:
        if mode is not None:
            path.write_text(text)
            path.chmod(mode)
        command = [str(BUILD / "weir"), "serve", "--data", str(tmp_path / "weir"), "--api", "127.0.0.1:0",
                   "--cognito-clients", str(path if mode is not None else tmp_path / "none")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and words in done.stderr, done.stderr


# ---- Tokens ----

@pytest.fixture
def guarded(weir, base, pair, provider):
    made = open_site(weir, base, pair, {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": {
        "JwksEndpoint": provider.url + "/jwks", "Issuer": provider.url, "AdditionalClaims": [
            {"Name": "scope", "Format": "space-separated-values", "Values": ["read", "write"]}]}})
    yield made
    weir.elbv2("DeleteListener", ListenerArn=made.arn)


def with_token(site, token, path="/api"):
    return site.browser().get(site.url + path, **({"Authorization": "Bearer " + token} if token is not None else {}))


def test_a_good_token_passes_as_it_is(guarded, provider):
    token = provider.token(scope="openid read")
    page = with_token(guarded, token)
    assert page.status == 200 and heard(page, "Authorization") == "Bearer " + token
    assert guarded.logged("/api", '"jwt-validation,forward"')
    for _ in range(10):
        assert with_token(guarded, token).status == 200
    assert len(provider.asked("/jwks")) <= 2, "once for each worker"


def bad_tokens(provider):
    good = provider.token(scope="read")
    header, claims, signature = good.split(".")
    public = json.dumps(provider.key.jwk()).encode()
    confused = b64({"alg": "HS256", "kid": "first"}) + "." + claims
    mac = hmac.new(public, confused.encode(), hashlib.sha256).digest()
    now = int(time.time())
    return {
        "none at all": (None, "JWTHeaderNotPresent"),
        "rubbish": ("x", "JWTRequestFormatInvalid"),
        "alg none": (b64({"alg": "none"}) + "." + claims + ".", "JWTSignatureValidationError"),
        "alg None": (b64({"alg": "None", "kid": "first"}) + "." + claims + "." + signature, "JWTSignatureValidationError"),
        "HS256 with the public key": (confused + "." + b64(mac), "JWTSignatureValidationError"),
        "claims changed": (header + "." + b64({"iss": provider.url, "exp": now + 60, "scope": "read"}) + "." + signature,
                           "JWTSignatureValidationError"),
        "no signature": (header + "." + claims + ".", "JWTSignatureValidationError"),
        "another key": (Key("first").sign({"iss": provider.url, "exp": now + 60, "scope": "read"}), "JWTSignatureValidationError"),
        "unknown key": (Key("unknown").sign({"iss": provider.url, "exp": now + 60, "scope": "read"}), "JWTSignatureValidationError"),
        "a key of its own": (provider.key.sign({"iss": provider.url, "exp": now + 60}, jwk=Key("x").jwk(), jku="https://evil.example"),
                             "JWTClaimNotPresent"),
        "expired": (provider.token(scope="read", exp=now - 1), "JWTClaimValueInvalid"),
        "not yet": (provider.token(scope="read", nbf=now + 600), "JWTClaimValueInvalid"),
        "another issuer": (provider.token(scope="read", iss="https://evil.example"), "JWTClaimValueInvalid"),
        "exp is text": (provider.token(scope="read", exp=str(now + 60)), "JWTClaimFormatInvalid"),
        "scope is missing": (provider.token(), "JWTClaimNotPresent"),
        "scope does not do": (provider.token(scope="reader"), "JWTClaimValueInvalid"),
        "huge": (provider.key.sign({"x": "y" * 9000, "iss": provider.url, "exp": now + 60}), "JWTClaimNotPresent"),
    }


def test_no_bad_token_passes(guarded, provider, base):
    before = len(base[3].requests)
    tokens = bad_tokens(provider)
    for name, (token, _) in tokens.items():
        assert with_token(guarded, token, "/bad/" + name.replace(" ", "-")).status == 401, name
    for name, (_, reason) in tokens.items():
        guarded.logged("/bad/" + name.replace(" ", "-"), f'"{reason}"')
    assert len(base[3].requests) == before
    assert guarded.weir.metric("weir_jwt_failures_total") >= len(tokens)


def test_issuers_without_keys_are_500(guarded, provider):
    provider.answers["/jwks"] = (500, b"")
    assert with_token(guarded, provider.token(scope="read")).status == 500
    assert guarded.logged("/api", '"JWKSRequestFailed"')


def test_jwt_and_sign_in_both_hold_in_order(weir, base, pair, provider):
    site = open_site(weir, base, pair,
                     {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": provider.config(OnUnauthenticatedRequest="allow")},
                     {"Type": "jwt-validation", "Order": 2, "JwtValidationConfig": {"JwksEndpoint": provider.url + "/jwks", "Issuer": provider.url}})
    assert with_token(site, None).status == 401
    assert with_token(site, provider.token()).status == 200
    assert site.logged("/api", '"authenticate,jwt-validation,forward"')
    weir.elbv2("DeleteListener", ListenerArn=site.arn)


# ---- The API ----

def test_the_secret_is_never_answered_and_may_be_kept(weir, site, provider):
    shown = weir.elbv2("DescribeListeners", ListenerArns=[site.arn])["Listeners"][0]["DefaultActions"]
    assert shown[0]["AuthenticateOidcConfig"] == {
        **{k: v for k, v in provider.config().items() if k != "ClientSecret"}, "SessionCookieName": "AWSELBAuthSessionCookie",
        "Scope": "openid", "SessionTimeout": 604800, "OnUnauthenticatedRequest": "authenticate"}
    assert [a["Order"] for a in shown] == [1, 10]
    config = provider.config(Scope="openid email", UseExistingClientSecret=True)
    del config["ClientSecret"]
    change(site, config)
    assert site.browser().get(site.url + "/").status == 200
    config = provider.config()
    del config["ClientSecret"]
    with pytest.raises(Fault, match="client secret"):
        change(site, config)
    answers = json.dumps([weir.elbv2("DescribeListeners", ListenerArns=[site.arn]), weir.elbv2("DescribeRules", ListenerArn=site.arn)])
    assert provider.secret not in answers and "client_secret" not in answers


def test_a_listener_that_authenticates_cannot_become_http(weir, site):
    with pytest.raises(Fault) as caught:
        weir.elbv2("ModifyListener", ListenerArn=site.arn, Protocol="HTTP")
    assert caught.value.code == "InvalidLoadBalancerAction"
    assert "supported only on HTTPS listeners" in str(caught.value)
