"""The first seed's commands as a user types them, with the real aws CLI, checked by what they do."""
import json
import shlex
import shutil
import subprocess
import time

import pytest

from harness import TOP, Raw, Target, get, until


def words(text, **values):
    """A command of the document: continuation lines joined, placeholders filled in."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    assert text.split()[0] == "aws"
    return shlex.split(text.replace("\\\n", " "))[1:]


@pytest.fixture
def chat(aws):
    """mindr-alb with its two groups, made by the CLI; the back end and the front end are scripted."""
    def answer(c):
        c.body()
        c.start_stream()
        for word in ("Keep", "regular", "hours"):
            time.sleep(0.05)
            c.chunk(f'event: delta\ndata: {{"text": "{word}"}}\n\n')
        c.end_stream()
    with Target(answer) as backend, Target(lambda c: c.answer("<html>page</html>")) as frontend:
        yield Chat(aws, backend, frontend)


class Chat:
    def __init__(self, aws, backend, frontend):
        self.aws, self.backend, self.frontend = aws, backend, frontend
        subnets = [s["SubnetId"] for s in aws("ec2", "describe-subnets")["Subnets"]][:2]
        vpc = aws("ec2", "describe-vpcs")["Vpcs"][0]["VpcId"]
        made = aws("elbv2", "create-load-balancer", "--name", "mindr-alb", "--subnets", *subnets)["LoadBalancers"][0]
        assert made["State"]["Code"] in ("provisioning", "active") and made["Scheme"] == "internet-facing"
        self.balancer, self.dns_name = made["LoadBalancerArn"], made["DNSName"]
        aws("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", self.balancer)
        self.groups = {}
        for name, target, path, matcher in (("mindr-backend-tg", backend, "/health", "200"), ("mindr-frontend-tg", frontend, "/", "200,404")):
            arn = aws("elbv2", "create-target-group", "--name", name, "--protocol", "HTTP", "--port", "8000", "--vpc-id", vpc,
                      "--target-type", "ip", "--health-check-path", path, "--matcher", json.dumps({"HttpCode": matcher}),
                      "--health-check-interval-seconds", "30", "--health-check-timeout-seconds", "5",
                      "--healthy-threshold-count", "2", "--unhealthy-threshold-count", "2")["TargetGroups"][0]["TargetGroupArn"]
            aws("elbv2", "register-targets", "--target-group-arn", arn, "--targets", f"Id=127.0.0.1,Port={target.port}")
            self.groups[name] = arn
        from harness import free_port
        self.port = free_port()
        self.listener = aws("elbv2", "create-listener", "--load-balancer-arn", self.balancer, "--protocol", "HTTP", "--port", str(self.port),
                            "--default-actions", f"Type=forward,TargetGroupArn={self.groups['mindr-frontend-tg']}")["Listeners"][0]["ListenerArn"]
        aws("elbv2", "wait", "target-in-service", "--target-group-arn", self.groups["mindr-frontend-tg"])

    def backend_rule(self):
        self.aws("elbv2", "create-rule", "--listener-arn", self.listener, "--priority", "100", "--conditions",
                 "Field=path-pattern,Values=/chat,/health,/reindex", "--actions",
                 f"Type=forward,TargetGroupArn={self.groups['mindr-backend-tg']}")
        self.aws("elbv2", "wait", "target-in-service", "--target-group-arn", self.groups["mindr-backend-tg"])


def attributes(listed):
    return {a["Key"]: a["Value"] for a in listed["Attributes"]}


def test_the_commands_of_the_document_do_what_they_say(chat):
    aws, backend = chat.aws, chat.groups["mindr-backend-tg"]
    aws(*words("""aws elbv2 modify-target-group-attributes \\
    --target-group-arn {tg} \\
    --attributes Key=deregistration_delay.timeout_seconds,Value=180""", tg=backend))
    aws(*words("""aws elbv2 modify-target-group-attributes \\
    --target-group-arn {tg} \\
    --attributes \\
        Key=health_check.interval_seconds,Value=30 \\
        Key=health_check.timeout_seconds,Value=5 \\
        Key=health_check.healthy_threshold_count,Value=2 \\
        Key=health_check.unhealthy_threshold_count,Value=2""", tg=backend))
    aws(*words("""aws elbv2 modify-load-balancer-attributes \\
    --load-balancer-arn {lb} \\
    --attributes Key=idle_timeout.timeout_seconds,Value=180""", lb=chat.balancer))
    aws(*words("""aws elbv2 create-rule \\
    --listener-arn {listener} \\
    --priority 100 \\
    --conditions Field=path-pattern,Values='/chat,/health,/reindex' \\
    --actions Type=forward,TargetGroupArn={tg}""", listener=chat.listener, tg=backend))
    aws(*words("""aws elbv2 create-rule \\
    --listener-arn {listener} \\
    --priority 200 \\
    --conditions Field=path-pattern,Values='/*' \\
    --actions Type=forward,TargetGroupArn={tg}""", listener=chat.listener, tg=chat.groups["mindr-frontend-tg"]))

    aws("elbv2", "wait", "target-in-service", "--target-group-arn", backend)
    assert attributes(aws(*words("aws elbv2 describe-load-balancer-attributes --load-balancer-arn {arn}", arn=chat.balancer)))[
        "idle_timeout.timeout_seconds"] == "180"
    listed = attributes(aws("elbv2", "describe-target-group-attributes", "--target-group-arn", backend))
    assert listed["deregistration_delay.timeout_seconds"] == "180"
    assert not any(k.startswith("health_check") for k in listed), "friendly forms act, and are not attributes"
    health = aws(*words("aws elbv2 describe-target-health --target-group-arn {arn}", arn=backend))
    assert health["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "healthy"

    # What the document's test script does: the stream, the health path, the page.
    script = f"""
curl -sS -X POST http://127.0.0.1:{chat.port}/chat \\
  -H "Content-Type: application/json" \\
  -d '{{"message": "Tell me about sleep hygiene"}}' \\
  --max-time 200 --connect-timeout 10 --no-buffer
curl -sS -X GET http://127.0.0.1:{chat.port}/health
curl -sS -X GET http://127.0.0.1:{chat.port}/
"""
    done = subprocess.run(["bash", "-ec", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '"Keep"' in done.stdout and '"hours"' in done.stdout and "<html>page</html>" in done.stdout
    assert any(b"POST /chat" in head for head in chat.backend.requests)
    assert any(b"GET /health" in head for head in chat.backend.requests), "the rule's second value matched"


def test_apache_bench_of_the_document(chat, tmp_path):
    chat.backend_rule()
    if not shutil.which("ab"):
        pytest.skip("no ab (apache2-utils) on this machine")
    (tmp_path / "chat-payload.json").write_text('{"message": "Tell me about nutrition"}')
    done = subprocess.run(["ab", "-n", "10", "-c", "2", "-T", "application/json", "-p", "chat-payload.json", f"http://127.0.0.1:{chat.port}/chat"],
                          cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0 and "Complete requests:      10" in done.stdout and "Failed requests:        0" in done.stdout, done.stdout
    assert "Non-2xx" not in done.stdout


def test_a_change_of_health_check_by_a_friendly_key_acts(chat):
    backend = chat.groups["mindr-backend-tg"]
    chat.backend_rule()
    chat.aws("elbv2", "modify-target-group-attributes", "--target-group-arn", backend, "--attributes",
             "Key=health_check.interval_seconds,Value=5", "Key=health_check.timeout_seconds,Value=2", "Key=health_check.path,Value=/ready")
    group = chat.aws("elbv2", "describe-target-groups", "--target-group-arns", backend)["TargetGroups"][0]
    assert (group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"], group["HealthCheckPath"]) == (5, 2, "/ready")
    chat.backend.healthy = 500
    until(lambda: chat.aws("elbv2", "describe-target-health", "--target-group-arn", backend)["TargetHealthDescriptions"][0]["TargetHealth"]
          == {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch", "Description": "Health checks failed with these codes: [500]"},
          25, "the target's unhealthy word")


def test_the_name_resolves_to_the_balancer(chat):
    assert chat.dns_name.startswith("mindr-alb-") and chat.dns_name.endswith(".elb.localhost")
    assert get(chat.port, host=chat.dns_name).status == 200


def test_clean_up_in_the_usual_order(chat):
    aws = chat.aws
    code, _, errors = aws.run("elbv2", "delete-target-group", "--target-group-arn", chat.groups["mindr-backend-tg"])
    assert code == 0, errors  # no rule uses it yet
    code, _, errors = aws.run("elbv2", "delete-target-group", "--target-group-arn", chat.groups["mindr-frontend-tg"])
    assert code != 0 and "ResourceInUse" in errors
    aws("elbv2", "delete-load-balancer", "--load-balancer-arn", chat.balancer)
    aws("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", chat.balancer)
    aws("elbv2", "delete-target-group", "--target-group-arn", chat.groups["mindr-frontend-tg"])
    with pytest.raises(OSError):
        Raw(chat.port)


def test_a_wrong_secret_and_an_unknown_key_are_refused(aws):
    for variable, code in (("AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch"), ("AWS_ACCESS_KEY_ID", "InvalidClientTokenId")):
        environment = {**aws.weir.environment(), variable: "AKIAWRONGWRONGWRONG1"}
        done = subprocess.run([aws.path, "--endpoint-url", f"http://127.0.0.1:{aws.weir.api_port}", "elbv2", "describe-load-balancers"],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode != 0 and code in done.stderr, done.stderr


def test_the_functions_of_the_second_document_are_packed_and_uploaded(aws, weir):
    """Its commands, word for word: ./package_alb_lambdas.sh, then three times aws s3 cp."""
    done = subprocess.run(["./package_alb_lambdas.sh"], cwd=TOP, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    aws("s3api", "create-bucket", "--bucket", "your-bucket")
    for command in ("aws s3 cp lambda-packages/rag_query_alb.zip s3://your-bucket/lambda-packages/",
                    "aws s3 cp lambda-packages/document_processor_alb.zip s3://your-bucket/lambda-packages/",
                    "aws s3 cp lambda-packages/rag_query_multimodal_alb.zip s3://your-bucket/lambda-packages/"):
        words = command.split()[1:]
        words[2] = str(TOP / words[2])
        code, output, errors = aws.run(*words)
        assert code == 0, errors
    listed = aws("s3api", "list-objects-v2", "--bucket", "your-bucket", "--prefix", "lambda-packages/")
    assert sorted(o["Key"] for o in listed["Contents"]) == [
        f"lambda-packages/{name}_alb.zip" for name in ("document_processor", "rag_query", "rag_query_multimodal")]
