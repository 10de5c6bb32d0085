"""`weir deploy`: a template checked, made, changed and told of, from the command line."""
import json
import subprocess

import pytest

from harness import BUILD, TOP, Weir

GROUP = "Parameters: {Days: {Type: Number, Default: 7}}\nResources:\n  G: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: g, " \
        "RetentionInDays: !Ref Days}}\nOutputs: {Name: {Value: !Ref G}}\n"


@pytest.fixture(scope="module")
def weir():
    with Weir(auth="sigv4") as running:
        yield running


def deploy(weir, *words):
    done = subprocess.run([BUILD / "weir", "deploy", *words, "--data", weir.data], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def retention(weir):
    told = subprocess.run([BUILD / "weir", "call", "logs", "DescribeLogGroups", "--data", weir.data], capture_output=True, text=True, check=True)
    return [g["retentionInDays"] for g in json.loads(told.stdout)["logGroups"]]


def test_a_template_is_made_changed_and_left_alone(weir, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "template.yml").write_text(GROUP)
    code, out, errors = deploy(weir, str(folder))
    assert code == 0, errors
    lines = out.splitlines()
    assert "CREATE_IN_PROGRESS" in lines[0] and "logs" in lines[0] and lines[-1] == "Name = g" and out.count("CREATE_COMPLETE") == 2
    code, out, _ = deploy(weir, str(folder), "Days=14")
    assert code == 0 and "UPDATE_COMPLETE" in out and "CREATE_COMPLETE" not in out, "old events are not shown again"
    assert retention(weir) == [14]
    code, out, _ = deploy(weir, str(folder))
    assert code == 0 and "nothing to change" in out and retention(weir) == [14], "what is not said again stays"
    code, out, _ = deploy(weir, str(folder), "-o", "json")
    assert json.loads(out)["StackName"] == "logs"


def test_what_is_wrong_is_said_by_line_or_by_the_resource_itself(weir, tmp_path):
    file = tmp_path / "bad.yml"
    file.write_text("Resources:\n  G: {Type: 'AWS::Logs::LogGrup'}\n")
    code, out, errors = deploy(weir, str(file))
    assert (code, out) == (1, "") and f"{file}:2: " in errors and "did you mean 'AWS::Logs::LogGroup'" in errors
    file.write_text(GROUP.replace("g,", "bad,"))
    for _ in range(2):  # what was never made is cleared away by the next try
        code, out, errors = deploy(weir, str(file), "wrong", "Days=8")
        assert code == 1 and "ROLLBACK_COMPLETE" in out
        assert errors.startswith("weir: wrong: ROLLBACK_COMPLETE: G (AWS::Logs::LogGroup): ") and "retentionInDays" in errors
    assert deploy(weir, str(file), "wrong", "Days=9000000000000")[0] == 1
    code, _, errors = deploy(weir, str(TOP / "infrastructure"))
    assert code == 1 and "Parameters: [RaganythingImageUri, S3Bucket] must have values" in errors


@pytest.mark.parametrize("words, says", [
    ([], "usage: weir deploy"), (["nothing.yml"], "cannot be read"), (["."], "has neither main.yml nor template.yml"),
    ([str(TOP / "infrastructure"), "a", "b"], "'b' is no NAME=VALUE")])
def test_wrong_words_are_said(weir, words, says):
    code, out, errors = deploy(weir, *words)
    assert (code, out) == (2, "") and says in errors
