"""What happens in a bucket is told to functions: configured with boto3, seen by what the function got."""
import json

import pytest

import clients
from harness import Weir, until
from test_lambda import TRUST, make, package, refused

pytest.importorskip("boto3")

# Notes each event in a file of its own, in the order it came; fails the first time it is asked to.
NOTES = """
import json, os
def go(event, context):
    folder = os.environ["NOTES"]
    if os.path.exists(folder + "/fail"):
        os.unlink(folder + "/fail")
        raise ValueError("not now")
    with open(folder + "/" + context.aws_request_id + ".part", "w") as file:
        json.dump(event, file)
    os.rename(file.name, file.name[:-5] + ".json")
"""


@pytest.fixture(scope="module")
def weir():
    with Weir("--lambda-retry-seconds", "1", auth="sigv4") as running:
        clients.boto("iam", running).create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)
        yield running


@pytest.fixture(scope="module")
def s3(weir):
    return clients.boto("s3", weir)


@pytest.fixture(scope="module")
def notes(weir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notes")
    functions = clients.boto("lambda", weir)
    make(functions, "notes", package(app__py=NOTES), Environment={"Variables": {"NOTES": str(folder)}})
    return functions, folder


def arn_of(functions):
    return functions.get_function_configuration(FunctionName="notes")["FunctionArn"]


def told(folder, count):
    """The records told so far, once there are `count`, in the order of what they tell."""
    records = until(lambda: len(found := [r for path in folder.glob("*.json") for r in json.loads(path.read_text())["Records"]]) >= count
                    and found, 30, f"{count} events")
    for path in folder.glob("*.json"):
        path.unlink()
    return sorted(records, key=lambda record: record["s3"]["object"]["sequencer"])


def configure(s3, bucket, *configurations, **more):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": list(configurations)}, **more)


def configuration(arn, *events, **filters):
    return {"LambdaFunctionArn": arn, "Events": list(events), **({"Filter": {"Key": {"FilterRules": [
        {"Name": n, "Value": v} for n, v in filters.items()]}}} if filters else {})}


def test_a_configuration_is_checked_kept_and_taken_back(s3, notes):
    functions, _ = notes
    arn = arn_of(functions)
    s3.create_bucket(Bucket="checked")

    def refusal(*configurations):
        code, words, _ = refused(configure, s3, "checked", *configurations)
        assert code == "InvalidArgument", words
        return words
    assert "Unable to validate the following destination configurations" in refusal(configuration(arn, "s3:ObjectCreated:*"))
    assert "Unable to validate" in refusal(configuration(arn + "x", "s3:ObjectCreated:*"))
    functions.add_permission(FunctionName="notes", StatementId="checked", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                             SourceArn="arn:aws:s3:::checked", SourceAccount="000000000000")
    assert "not supported" in refusal(configuration(arn, "s3:ObjectRestore:Post"))
    assert "prefix or suffix" in refusal(configuration(arn, "s3:ObjectCreated:*", middle="x"))
    assert "overlap" in refusal(configuration(arn, "s3:ObjectCreated:*", prefix="a"), configuration(arn, "s3:ObjectCreated:Put"))
    configure(s3, "checked", configuration(arn, "s3:ObjectCreated:*", prefix="a/", suffix=".pdf"),
              configuration(arn, "s3:ObjectCreated:*", prefix="b/"))
    first, second = s3.get_bucket_notification_configuration(Bucket="checked")["LambdaFunctionConfigurations"]
    assert first["LambdaFunctionArn"] == arn and first["Events"] == ["s3:ObjectCreated:*"] and first["Id"] != second["Id"]
    assert [(r["Name"].lower(), r["Value"]) for r in first["Filter"]["Key"]["FilterRules"]] == [("prefix", "a/"), ("suffix", ".pdf")]
    configure(s3, "checked")
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket="checked")
    code, _, _ = refused(s3.put_bucket_notification_configuration, Bucket="checked",
                         NotificationConfiguration={"QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:0:q", "Events": ["s3:ObjectCreated:*"]}]})
    assert code == "NotImplemented"


def test_what_happens_is_told_once_with_its_facts(s3, notes):
    functions, folder = notes
    s3.create_bucket(Bucket="told")
    functions.add_permission(FunctionName="notes", StatementId="told", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                             SourceArn="arn:aws:s3:::told")
    configure(s3, "told", configuration(arn_of(functions), "s3:ObjectCreated:*", "s3:ObjectRemoved:*", prefix="in/", suffix=".txt"))
    (folder / "fail").touch()  # the first is tried again
    s3.put_object(Bucket="told", Key="in/a b!é.txt", Body=b"hello")
    s3.put_object(Bucket="told", Key="out/a.txt", Body=b"hello")
    s3.put_object(Bucket="told", Key="in/a.pdf", Body=b"hello")
    s3.copy_object(Bucket="told", Key="in/copy.txt", CopySource="told/in/a.pdf")
    upload = s3.create_multipart_upload(Bucket="told", Key="in/parts.txt")["UploadId"]
    part = s3.upload_part(Bucket="told", Key="in/parts.txt", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(Bucket="told", Key="in/parts.txt", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket="told", Key="in/copy.txt")
    records = told(folder, 4)
    assert [r["eventName"] for r in records] == ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",
                                                 "ObjectRemoved:DeleteMarkerCreated"]
    first, marker = records[0], records[3]
    assert first["eventSource"] == "aws:s3" and first["awsRegion"] == "us-east-1" and first["eventVersion"] == "2.1"
    assert first["s3"]["bucket"]["name"] == "told" and first["s3"]["bucket"]["arn"] == "arn:aws:s3:::told"
    assert first["s3"]["object"]["key"] == "in/a+b%21%C3%A9.txt" and first["s3"]["object"]["size"] == 5
    assert first["s3"]["object"]["eTag"] == "5d41402abc4b2a76b9719d911017c592"
    assert marker["s3"]["object"]["versionId"] and "size" not in marker["s3"]["object"]


def test_who_may_not_be_invoked_any_more_is_not_told(weir, s3, notes):
    functions, folder = notes
    s3.create_bucket(Bucket="denied")
    configure(s3, "denied", configuration(arn_of(functions), "s3:ObjectCreated:*"), SkipDestinationValidation=True)
    s3.put_object(Bucket="denied", Key="a", Body=b"x")
    until(lambda: "an event of arn:aws:s3:::denied is dropped" in weir.read_log(), what="the word about it")
    assert list(folder.glob("*.json")) == []
