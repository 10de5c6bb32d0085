"""The pharma RAG of infrastructure/, deployed as its own document says, with the real command line; and layer by layer."""
import json
import os
import re
import subprocess
import time

import pytest

import clients
from harness import BUILD, TOP, Target, Weir, free_port, get, until

pytest.importorskip("boto3")

INFRASTRUCTURE = TOP / "infrastructure"
TEMPLATES = sorted(INFRASTRUCTURE.glob("*.yml"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "lambda-packages"
    done = subprocess.run([TOP / "package_alb_lambdas.sh", BUILD / "functions-release", folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in folder.iterdir()} == {f"{n}_alb.zip" for n in ("rag_query", "document_processor", "rag_query_multimodal")}
    return folder


@pytest.fixture(scope="module")
def weir():
    offset = next(p for p in iter(free_port, None) if 1100 < p <= 60000) - 80  # port 80; mindr's is 81
    with Weir("--port-offset", str(offset), auth="sigv4") as running:
        running.port = 80 + offset
        yield running


def test_the_whole_is_made_of_its_layers():
    done = subprocess.run([TOP / "tools/templates", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_nothing_is_wrong_with_a_template(path):
    done = subprocess.run([BUILD / "weir", "check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    text = path.read_text()
    assert len(text.encode()) <= 51200, "as large as CloudFormation takes without a bucket"
    parameters = text.partition("\nParameters:\n")[2].partition("\n\n")[0]
    for name in re.findall(r"^  (\w+):$", parameters, re.M):
        assert re.search(rf"!(?:Ref|Sub \S*) ?{name}\b|\$\{{{name}\}}", text), f"the parameter {name} does nothing"


def bash(weir, aws, folder, script):
    """The document's own lines, with `aws` the command line that is at hand."""
    bin_folder = folder / "bin"
    if not bin_folder.exists():
        bin_folder.mkdir()
        (bin_folder / "aws").write_text(f'#!/bin/sh\nexec {aws} --endpoint-url http://127.0.0.1:{weir.api_port} "$@"\n')
        (bin_folder / "aws").chmod(0o755)
    environment = {**weir.environment(), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_documents_own_commands_bring_up_the_system_and_its_deletion_leaves_nothing(weir, packages):
    commands = clients.command_lines()
    if not commands:
        pytest.skip("no aws command line on this machine")
    folder = packages.parent
    if not (folder / "infrastructure").exists():
        (folder / "infrastructure").symlink_to(INFRASTRUCTURE)

    def run(script):
        return bash(weir, commands[0][1], folder, script)

    run("""
aws s3 mb s3://your-bucket
aws s3 cp lambda-packages/rag_query_alb.zip s3://your-bucket/lambda-packages/
aws s3 cp lambda-packages/document_processor_alb.zip s3://your-bucket/lambda-packages/
aws s3 cp lambda-packages/rag_query_multimodal_alb.zip s3://your-bucket/lambda-packages/
""")
    before = everything(weir)
    told = run(f"""
aws cloudformation deploy \
  --template-file infrastructure/main.yml \
  --stack-name pharma-rag-alb \
  --parameter-overrides \
    Environment=dev \
    RaganythingImageUri=weir/ragd \
    OpenAIApiKey=your-api-key \
    Neo4jUri=bolt://127.0.0.1:9 \
    Neo4jUsername=your-username \
    Neo4jPassword=your-password \
    S3Bucket=your-bucket \
    EndpointPort=:{weir.port} RagDocuments={TOP}/rag/samples
""")
    assert "Successfully created/updated stack - pharma-rag-alb" in told
    outputs = {o["OutputKey"]: o["OutputValue"] for o in json.loads(run(
        "aws cloudformation describe-stacks --stack-name pharma-rag-alb"))["Stacks"][0]["Outputs"]}

    # The balancer, its health checks and what it guards.
    health = json.loads(run(f"curl -sS http://{outputs['AlbEndpoint']}:{weir.port}/health"))
    assert health["index"]["documents"] > 10 and health["status"] in ("healthy", "degraded"), "there is no Neo4j here"
    group = json.loads(run(f"aws elbv2 describe-target-groups --target-group-arns {outputs['RagTargetGroup']}"))["TargetGroups"][0]
    assert [group[k] for k in ("Port", "HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount",
                               "UnhealthyThresholdCount")] == [8000, "/health", 30, 5, 2, 3]
    service = clients.boto("ecs", weir).describe_services(cluster=outputs["Cluster"], services=[outputs["RagService"]])["services"][0]
    assert service["healthCheckGracePeriodSeconds"] == 60 and service["runningCount"] == 1
    secret = clients.boto("secretsmanager", weir).get_secret_value(SecretId="pharma-rag-alb/openai-api-key")["SecretString"]
    assert secret == "your-api-key"

    # A function starts a task of its own behind the balancer, asks it, and stops it.
    run(f"""aws lambda invoke --function-name {outputs['QueryFunction']} --payload fileb://<(echo '{{"query": "How do I sleep better?"}}') out.json""")
    answer = json.loads((folder / "out.json").read_text())
    assert answer["statusCode"] == 200 and "sleep" in json.loads(answer["body"])["response"].lower(), answer
    ecs = clients.boto("ecs", weir)
    started = {ecs.describe_tasks(cluster=outputs["Cluster"], tasks=[t])["tasks"][0]["startedBy"]
               for t in ecs.list_tasks(cluster=outputs["Cluster"], desiredStatus="STOPPED")["taskArns"]}
    assert outputs["QueryFunction"] in started, "it was stopped again"
    # A document of the bucket is read, with keys that may read it and nothing else.
    run(f"""echo '# Gannets' > gannets.md; echo 'Gannets dive for mackerel.' >> gannets.md
aws s3 cp gannets.md s3://your-bucket/in/
aws lambda invoke --function-name {outputs['DocumentFunction']} --payload fileb://<(echo '{{"bucket": "your-bucket", "key": "in/gannets.md"}}') out.json""")
    answer = json.loads((folder / "out.json").read_text())
    assert answer["statusCode"] == 200 and "indexed" in answer["body"], answer
    configuration = clients.boto("lambda", weir).get_function_configuration(FunctionName=outputs["DocumentFunction"])
    assert configuration["Timeout"] == 300 and configuration["Environment"]["Variables"]["ALB_ENDPOINT"].startswith(outputs["AlbEndpoint"])
    logs = clients.boto("logs", weir)
    until(lambda: any("REPORT RequestId" in e["message"] for e in logs.filter_log_events(
        logGroupName="/aws/lambda/pharma-rag-alb-rag-query")["events"]), 20, "the function's log")
    assert len(clients.boto("cloudwatch", weir).describe_alarms()["MetricAlarms"]) == 4

    gone(weir, "pharma-rag-alb")
    assert everything(weir) == before


def test_mindr_sends_its_chat_to_the_backend_and_all_else_to_the_frontend(weir):
    stacks, ec2 = clients.boto("cloudformation", weir), clients.boto("ec2", weir)
    subnets = ec2.describe_subnets()["Subnets"][:2]
    with Target(lambda c: c.answer("backend")) as backend, Target(lambda c: c.answer("frontend")) as frontend:
        given = {"VpcId": subnets[0]["VpcId"], "SubnetIds": ",".join(s["SubnetId"] for s in subnets), "BackendAddress": "127.0.0.1",
                 "BackendPort": backend.port, "FrontendAddress": "127.0.0.1", "FrontendPort": frontend.port, "HttpPort": 81}
        stacks.create_stack(StackName="mindr", TemplateBody=(INFRASTRUCTURE / "mindr.yml").read_text(), Parameters=[
            {"ParameterKey": k, "ParameterValue": str(v)} for k, v in given.items()])
        until(lambda: not status(stacks, "mindr").endswith("IN_PROGRESS"), 60, "mindr")
        assert status(stacks, "mindr") == "CREATE_COMPLETE"
        for path, words in [("/chat", b"backend"), ("/reindex", b"backend"), ("/", b"frontend"), ("/chats", b"frontend")]:
            until(lambda path=path, words=words: get(weir.port + 1, path).body == words, 20, f"{path} at the {words.decode()}")
        gone(weir, "mindr")


def gone(weir, name):
    stacks = clients.boto("cloudformation", weir)
    stack = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName=name)
    until(lambda: not status(stacks, stack).endswith("IN_PROGRESS"), 60, f"{name} gone")
    assert status(stacks, stack) == "DELETE_COMPLETE"


def status(stacks, name):
    return stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def everything(weir):
    """What is there, by service, with what the stack itself needs left out."""
    def names(service, operation, key, name, **values):
        return sorted(one if isinstance(one, str) else one[name] for one in getattr(clients.boto(service, weir), operation)(**values)[key])
    return [
        names("ec2", "describe_vpcs", "Vpcs", "VpcId"), names("ec2", "describe_subnets", "Subnets", "SubnetId"),
        names("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
        names("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        names("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
        names("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        names("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
        names("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
        names("ecs", "list_clusters", "clusterArns", ""), names("ecs", "list_task_definitions", "taskDefinitionArns", "", status="ACTIVE"),
        names("lambda", "list_functions", "Functions", "FunctionName"), names("iam", "list_roles", "Roles", "RoleName"),
        names("iam", "list_users", "Users", "UserName"),
        # What a balancer wrote stays to be read.
        [g for g in names("logs", "describe_log_groups", "logGroups", "logGroupName") if not g.startswith("/aws/applicationelb/")],
        names("secretsmanager", "list_secrets", "SecretList", "Name"),
        names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName")]


def test_the_layers_deploy_one_upon_the_other(weir, packages):
    stacks, s3 = clients.boto("cloudformation", weir), clients.boto("s3", weir)
    s3.create_bucket(Bucket="layers")
    for zipped in packages.iterdir():
        s3.upload_file(str(zipped), "layers", f"lambda-packages/{zipped.name}")
    known = {"Environment": "dev", "RaganythingImageUri": "weir/ragd", "PageImageUri": "weir/webd", "S3Bucket": "layers",
             "RagDocuments": f"{TOP}/rag/samples"}
    started = time.monotonic()
    for layer in ("network", "alb", "ecs", "lambda"):
        template = (INFRASTRUCTURE / f"{layer}.yml").read_text()
        wanted = {p["ParameterKey"] for p in stacks.validate_template(TemplateBody=template)["Parameters"]}
        stacks.create_stack(StackName=f"rag-{layer}", TemplateBody=template, Capabilities=["CAPABILITY_IAM"], Parameters=[
            {"ParameterKey": k, "ParameterValue": v} for k, v in known.items() if k in wanted])
        until(lambda: not status(stacks, f"rag-{layer}").endswith("IN_PROGRESS"), 60, layer)
        assert status(stacks, f"rag-{layer}") == "CREATE_COMPLETE", stacks.describe_stack_events(StackName=f"rag-{layer}")["StackEvents"][:3]
        known.update({o["OutputKey"]: o["OutputValue"] for o in stacks.describe_stacks(StackName=f"rag-{layer}")["Stacks"][0]["Outputs"]})
    until(lambda: get(weir.port, "/health").status == 200, 20, "the RAG server behind the balancer")
    page = get(weir.port, "/")
    assert page.status == 200 and b"<html" in page.body, page.head
    assert json.loads(get(weir.port, "/documents").body)["documents"], "/documents* goes to the RAG server"
    print(f"four layers in {time.monotonic() - started:.1f} s")
    for layer in ("lambda", "ecs", "alb", "network"):
        gone(weir, f"rag-{layer}")
