"""Authenticate and jwt-validation actions by the real clients: what is filled in, what is refused, what traffic meets."""
import copy
import json

import botocore.exceptions
import pytest

import tls
from harness import free_port

OIDC = {"Issuer": "https://idp.example.com", "AuthorizationEndpoint": "https://idp.example.com/authorize",
        "TokenEndpoint": "https://idp.example.com/token", "UserInfoEndpoint": "https://idp.example.com/userinfo",
        "ClientId": "client", "ClientSecret": "very-secret"}
COGNITO = {"UserPoolArn": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbC", "UserPoolClientId": "1abc", "UserPoolDomain": "people"}
JWT = {"JwksEndpoint": "https://idp.example.com/jwks", "Issuer": "https://idp.example.com"}
FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "in"}}


def oidc(order=1, **more):
    return {"Type": "authenticate-oidc", "Order": order, "AuthenticateOidcConfig": {**OIDC, **more}}


def cognito(order=1, **more):
    return {"Type": "authenticate-cognito", "Order": order, "AuthenticateCognitoConfig": {**COGNITO, **more}}


def jwt(order=1, **more):
    return {"Type": "jwt-validation", "Order": order, "JwtValidationConfig": {**JWT, **more}}


def last(order=2):
    return {**FIXED, "Order": order}


@pytest.fixture
def pair(tmp_path):
    return tls.Pair(tmp_path, "a", "a.example")


@pytest.fixture
def listener(weir, elbv2, pair):
    """A signed Weir takes the certificate by boto3; the listener's port and ARN."""
    import clients
    arn = clients.boto("acm", weir).import_certificate(Certificate=pair.path.read_bytes(), PrivateKey=pair.key.read_bytes())["CertificateArn"]
    subnets = [s["SubnetId"] for s in clients.boto("ec2", weir).describe_subnets()["Subnets"]][:2]
    balancer = elbv2.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    port = free_port()
    made = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTPS", Port=port, Certificates=[{"CertificateArn": arn}], DefaultActions=[FIXED])
    return port, made["Listeners"][0]["ListenerArn"], balancer


@pytest.fixture
def rule(elbv2, listener):
    def make(*actions, priority=1):
        made = elbv2.create_rule(ListenerArn=listener[1], Priority=priority, Conditions=[{"Field": "path-pattern", "Values": ["/in"]}],
                                 Actions=list(actions))
        return made["Rules"][0]
    return make


def refused(call, *values, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(*values, **named)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_oidc_is_answered_with_its_defaults_and_without_its_secret(elbv2, rule, listener):
    made = rule(oidc(), last())
    shown = made["Actions"][0]["AuthenticateOidcConfig"]
    assert shown == {**{k: v for k, v in OIDC.items() if k != "ClientSecret"}, "SessionCookieName": "AWSELBAuthSessionCookie",
                     "Scope": "openid", "SessionTimeout": 604800, "OnUnauthenticatedRequest": "authenticate"}
    assert elbv2.describe_rules(RuleArns=[made["RuleArn"]])["Rules"][0]["Actions"] == made["Actions"]
    changed = oidc(Scope="openid email", SessionTimeout=60, OnUnauthenticatedRequest="deny", AuthenticationRequestExtraParams={"prompt": "login"},
                   UseExistingClientSecret=True)
    del changed["AuthenticateOidcConfig"]["ClientSecret"]
    shown = elbv2.modify_rule(RuleArn=made["RuleArn"], Actions=[changed, last()])["Rules"][0]["Actions"][0]["AuthenticateOidcConfig"]
    assert shown["Scope"] == "openid email" and shown["SessionTimeout"] == 60 and shown["OnUnauthenticatedRequest"] == "deny"
    assert shown["AuthenticationRequestExtraParams"] == {"prompt": "login"} and "ClientSecret" not in shown


def test_what_is_configured_is_what_clients_meet(elbv2, rule, listener, pair):
    port, _, _ = listener
    made = rule(oidc(), last())
    with tls.Tls(port, "a.example", made=tls.context(pair)) as client:
        answer = client.get("/in")
        assert answer.status == 302 and answer.headers["location"].startswith("https://idp.example.com/authorize?client_id=client&")
        assert client.get("/out").body == b"in", "the default rule is open"
    elbv2.modify_rule(RuleArn=made["RuleArn"], Actions=[cognito(), last()])
    with tls.Tls(port, "a.example", made=tls.context(pair)) as client:
        assert client.get("/in").headers["location"].startswith("https://people.auth.eu-west-1.amazoncognito.com/oauth2/authorize?client_id=1abc&")
    elbv2.modify_rule(RuleArn=made["RuleArn"], Actions=[cognito(UserPoolDomain="login.example.com", OnUnauthenticatedRequest="deny"), last()])
    with tls.Tls(port, "a.example", made=tls.context(pair)) as client:
        assert client.get("/in").status == 401
    elbv2.modify_rule(RuleArn=made["RuleArn"], Actions=[FIXED])
    with tls.Tls(port, "a.example", made=tls.context(pair)) as client:
        assert client.get("/in").status == 200


def test_http_listeners_refuse_them(elbv2, listener):
    for action in (oidc(), cognito()):
        code, message = refused(elbv2.create_listener, LoadBalancerArn=listener[2], Protocol="HTTP", Port=free_port(), DefaultActions=[action, last()])
        assert (code, message) == ("InvalidLoadBalancerAction", f"Actions of type '{action['Type']}' are supported only on HTTPS listeners")


WRONG = [
    ([oidc()], "must be the last"),
    ([last(1), oidc(2)], "must be the last"),
    ([oidc(1), oidc(2), last(3)], "at most one action that authenticates"),
    ([oidc(1), cognito(2), last(3)], "at most one action that authenticates"),
    ([last(1), last(2)], "must be the last"),
    ([oidc(1), last(1)], "same order"),
    ([oidc(Issuer="http://idp.example.com"), last()], "The issuer 'http://idp.example.com' is not valid"),
    ([oidc(TokenEndpoint="https://"), last()], "token endpoint"),
    ([oidc(UserInfoEndpoint="https://a b"), last()], "user info endpoint"),
    ([oidc(AuthorizationEndpoint="file:///etc/passwd"), last()], "authorization endpoint"),
    ([oidc(ClientSecret=""), last()], "client secret"),
    ([oidc(UseExistingClientSecret=True), last()], "both"),
    ([oidc(ClientId=""), last()], "client ID"),
    ([oidc(SessionTimeout=0), last()], "session timeout '0'"),
    ([oidc(SessionTimeout=604801), last()], "session timeout"),
    ([oidc(SessionCookieName="a;b"), last()], "session cookie name"),
    ([oidc(SessionCookieName="AWSALB"), last()], "session cookie name"),
    ([oidc(OnUnauthenticatedRequest="maybe"), last()], "enum"),
    ([oidc(AuthenticationRequestExtraParams={str(i): "x" for i in range(11)}), last()], "at most '10'"),
    ([oidc(AuthenticationRequestExtraParams={"state": "mine"}), last()], "sets"),
    ([cognito(UserPoolArn="arn:aws:s3:::x"), last()], "user pool ARN"),
    ([cognito(UserPoolDomain="a/b"), last()], "user pool domain"),
    ([cognito(UserPoolClientId=""), last()], "client ID"),
]


def test_wrong_actions_are_refused_with_a_sentence_and_nothing_changes(elbv2, listener, rule):
    for actions, words in WRONG:
        code, message = refused(rule, *copy.deepcopy(actions))
        assert code in ("InvalidLoadBalancerAction", "ValidationError"), (actions, code, message)
        assert words in message, (words, message)
    assert len(elbv2.describe_rules(ListenerArn=listener[1])["Rules"]) == 1


def test_there_must_be_a_secret_to_keep(elbv2, rule):
    action = oidc(UseExistingClientSecret=True)
    del action["AuthenticateOidcConfig"]["ClientSecret"]
    assert "no existing client secret" in refused(rule, action, last())[1]
    made = rule(FIXED)
    assert "no existing client secret" in refused(elbv2.modify_rule, RuleArn=made["RuleArn"], Actions=[action, last()])[1]


def test_the_command_line_knows_them_all(aws, elbv2, listener):
    """jwt-validation is younger than some of the command lines, and says so itself."""
    words = ["elbv2", "create-rule", "--listener-arn", listener[1], "--conditions", "Field=path-pattern,Values=/cli"]
    made = aws(*words, "--priority", "7", "--actions", json.dumps([oidc(), last()]))
    assert made["Rules"][0]["Actions"][0]["Type"] == "authenticate-oidc"
    assert "very-secret" not in json.dumps(aws("elbv2", "describe-rules", "--listener-arn", listener[1]))
    claims = [{"Format": "string-array", "Name": "roles", "Values": ["admin"]}, {"Format": "single-string", "Name": "tenant", "Values": ["a", "b"]}]
    code, output, errors = aws.run(*words, "--priority", "8", "--actions", json.dumps([jwt(AdditionalClaims=claims), last()]))
    if code and "Unknown parameter" in errors:
        pytest.skip(f"this command line does not know jwt-validation: {aws.path}")
    assert code == 0, errors
    assert json.loads(output)["Rules"][0]["Actions"][0]["JwtValidationConfig"] == {**JWT, "AdditionalClaims": claims}
    for wrong, part in [({"JwksEndpoint": "http://x.example"}, "JWKS endpoint"), ({"Issuer": "i" * 257}, "issuer"),
                        ({"AdditionalClaims": [{"Format": "single-string", "Name": "exp", "Values": ["1"]}]}, "always validated"),
                        ({"AdditionalClaims": [{"Format": "space-separated-values", "Name": "a", "Values": ["b c"]}]}, "space"),
                        ({"AdditionalClaims": [{"Format": "single-string", "Name": "a", "Values": []}]}, "values"),
                        ({"AdditionalClaims": [{"Format": "single-string", "Name": str(i), "Values": ["b"]} for i in range(11)]}, "At most '10'")]:
        code, _, errors = aws.run(*words, "--priority", "9", "--actions", json.dumps([jwt(**wrong), last()]))
        assert code and part in errors and "InvalidLoadBalancerAction" in errors, errors
    code, _, errors = aws.run(*words, "--priority", "9", "--actions", json.dumps([jwt(1), jwt(2), last(3)]))
    assert code and "one of type 'jwt-validation'" in errors
