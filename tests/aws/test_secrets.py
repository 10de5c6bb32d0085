"""Parameter Store and Secrets Manager with the real clients, and a task that reads its secrets from them."""
import pathlib

import botocore.exceptions
import pytest

import clients
from ecs_harness import program
from harness import until


@pytest.fixture
def ssm(weir):
    pytest.importorskip("boto3")
    return clients.boto("ssm", weir)


@pytest.fixture
def secrets(weir):
    pytest.importorskip("boto3")
    return clients.boto("secretsmanager", weir)


def code(call, **value):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**value)
    return caught.value.response["Error"]["Code"]


def test_parameters_have_versions_types_and_paths(ssm):
    assert ssm.put_parameter(Name="/app/url", Value="http://x", Type="String")["Version"] == 1
    assert code(ssm.put_parameter, Name="/app/url", Value="y", Type="String") == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name="/app/url", Value="http://y", Overwrite=True)["Version"] == 2
    ssm.put_parameter(Name="/app/db/key", Value="k", Type="SecureString", Tags=[{"Key": "a", "Value": "b"}])
    got = ssm.get_parameter(Name="/app/url")["Parameter"]
    assert (got["Value"], got["Version"], got["Type"]) == ("http://y", 2, "String") and got["ARN"].endswith(":parameter/app/url")
    assert ssm.get_parameter(Name="/app/db/key")["Parameter"]["Value"] != "k", "sealed"
    assert ssm.get_parameter(Name="/app/db/key", WithDecryption=True)["Parameter"]["Value"] == "k"
    both = ssm.get_parameters(Names=["/app/url", "/none"])
    assert [p["Name"] for p in both["Parameters"]] == ["/app/url"] and both["InvalidParameters"] == ["/none"]
    assert [p["Name"] for p in ssm.get_parameters_by_path(Path="/app")["Parameters"]] == ["/app/url"]
    assert len(ssm.get_parameters_by_path(Path="/app", Recursive=True)["Parameters"]) == 2
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Contains", "Values": ["db"]}])["Parameters"]
    assert [p["Name"] for p in described] == ["/app/db/key"] and "Value" not in described[0]
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/app/db/key")["TagList"] == [{"Key": "a", "Value": "b"}]
    ssm.delete_parameter(Name="/app/url")
    assert code(ssm.get_parameter, Name="/app/url") == "ParameterNotFound"
    assert code(ssm.put_parameter, Name="app/x", Value="v", Type="String") == "ValidationException"
    assert code(ssm.put_parameter, Name="long", Value="v" * 4097, Type="String") == "ValidationException"


def test_secrets_have_versions_and_stages_and_come_back(secrets):
    made = secrets.create_secret(Name="db", SecretString='{"user": "u", "password": "one"}', Tags=[{"Key": "a", "Value": "b"}])
    first = made["VersionId"]
    assert code(secrets.create_secret, Name="db", SecretString="x") == "ResourceExistsException"
    second = secrets.put_secret_value(SecretId=made["ARN"], SecretString="two")["VersionId"]
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")["VersionId"] == first
    assert secrets.get_secret_value(SecretId="db", VersionId=first)["SecretString"].startswith("{")
    assert secrets.describe_secret(SecretId="db")["VersionIdsToStages"] == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}
    secrets.create_secret(Name="raw", SecretBinary=b"\0\1\xff")
    assert secrets.get_secret_value(SecretId="raw")["SecretBinary"] == b"\0\1\xff"
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    assert code(secrets.get_secret_value, SecretId="db") == "InvalidRequestException"
    assert [s["Name"] for s in secrets.list_secrets()["SecretList"]] == ["raw"]
    secrets.restore_secret(SecretId="db")
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "two"
    secrets.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    assert code(secrets.get_secret_value, SecretId="db") == "ResourceNotFoundException"
    password = secrets.get_random_password(PasswordLength=40, ExcludePunctuation=True)["RandomPassword"]
    assert len(password) == 40 and password.isalnum()


def test_no_value_lies_open_on_the_disk(weir, ssm, secrets):
    ssm.put_parameter(Name="plain", Value="needle-in-the-parameters", Type="String")
    secrets.create_secret(Name="s", SecretString="needle-in-the-secrets")
    for path in pathlib.Path(weir.data).rglob("*"):
        if path.is_file():
            assert b"needle-in-the" not in path.read_bytes(), path


def test_a_task_gets_its_secrets_and_says_which_is_missing(weir, ssm, secrets, tmp_path):
    ecs = clients.boto("ecs", weir)
    ssm.put_parameter(Name="/app/key", Value="from-ssm", Type="SecureString")
    ssm.put_parameter(Name="short", Value="by-name", Type="String")
    arn = secrets.create_secret(Name="db", SecretString='{"user": "u", "password": "from-asm", "port": 5432}')["ARN"]
    image = program(tmp_path, "say", f'#!/bin/sh\necho "$A $B $C $D" > {tmp_path}/said\n')
    wanted = [{"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:000000000000:parameter/app/key"}, {"name": "B", "valueFrom": f"{arn}:password::"},
              {"name": "C", "valueFrom": "short"}, {"name": "D", "valueFrom": f"{arn}:port::"}]
    ecs.create_cluster(clusterName="default")
    ecs.register_task_definition(family="t", containerDefinitions=[{"name": "web", "image": image, "memory": 64, "secrets": wanted}])
    ecs.run_task(taskDefinition="t")
    until(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text() == "from-ssm from-asm by-name 5432\n", 10, "its words")
    ecs.register_task_definition(family="t", containerDefinitions=[
        {"name": "web", "image": image, "memory": 64, "secrets": [{"name": "A", "valueFrom": "nothing"}]}])
    task = ecs.run_task(taskDefinition="t")["tasks"][0]["taskArn"]
    stopped = until(lambda: (t := ecs.describe_tasks(tasks=[task])["tasks"][0])["lastStatus"] == "STOPPED" and t, 10, "its end")
    assert stopped["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth") and "nothing" in stopped["stoppedReason"]
