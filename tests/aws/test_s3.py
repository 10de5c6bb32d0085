"""S3 as boto3, the command lines and curl use it. What is said is checked by what can be read back."""
import base64
import hashlib
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse
import zlib

import pytest

import clients
import harness

boto3 = pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402

MIB = 1 << 20


def client(weir, **config):
    from botocore.config import Config
    access_key, secret = weir.keys()
    return boto3.client("s3", region_name=harness.REGION, endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                        aws_access_key_id=access_key, aws_secret_access_key=secret,
                        config=Config(**{"retries": {"max_attempts": 1}, "connect_timeout": 5, "read_timeout": 30, "signature_version": "s3v4",
                                         **config}))


def needs(s3, operation, *members):
    """Older models know less; what they cannot ask is tested where they can."""
    known = s3.meta.service_model.operation_model(operation).input_shape.members
    for member in members:
        if member not in known:
            pytest.skip(f"this boto3 does not know {member} of {operation}")


@pytest.fixture
def s3(weir):
    made = client(weir)
    made.create_bucket(Bucket="papers")
    return made


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def body_of(s3, key, **arguments):
    return s3.get_object(Bucket="papers", Key=key, **arguments)["Body"].read()


def files_of(weir):
    folder = os.path.join(weir.data, "s3", "files")
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]


def call(weir, operation, **arguments):
    """`weir call s3 OPERATION JSON`"""
    done = subprocess.run([str(harness.BUILD / "weir"), "call", "s3", operation, json.dumps(arguments), "--data", weir.data],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- Buckets ----

def test_buckets_are_made_listed_and_deleted(s3):
    assert s3.create_bucket(Bucket="papers")["Location"] == "/papers"
    s3.create_bucket(Bucket="my.second-one")
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["my.second-one", "papers"]
    assert s3.head_bucket(Bucket="papers")["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == harness.REGION
    assert s3.get_bucket_location(Bucket="papers")["LocationConstraint"] is None
    s3.put_object(Bucket="papers", Key="a", Body=b"x")
    assert code_of(s3.delete_bucket, Bucket="papers") == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket="papers", Key="a")
    s3.delete_bucket(Bucket="papers")
    assert code_of(s3.head_bucket, Bucket="papers") == ("404", 404)
    assert code_of(s3.list_objects_v2, Bucket="papers") == ("NoSuchBucket", 404)


def test_buckets_come_in_pages(weir, s3):
    s3.create_bucket(Bucket="more")
    page = call(weir, "ListBuckets", MaxBuckets=1)
    assert [b["Name"] for b in page["Buckets"]] == ["more"]
    page = call(weir, "ListBuckets", MaxBuckets=1, ContinuationToken=page["ContinuationToken"])
    assert [b["Name"] for b in page["Buckets"]] == ["papers"] and "ContinuationToken" not in page


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "-ab", "1.2.3.4", "a_b", "x" * 64])
def test_a_bucket_needs_a_good_name(weir, s3, name):
    from botocore import handlers  # the client would refuse some of them itself
    s3.meta.events.unregister("before-parameter-build.s3", handlers.validate_bucket_name)
    assert code_of(s3.create_bucket, Bucket=name) == ("InvalidBucketName", 400)


def test_a_bucket_that_is_not_configured_says_what_aws_says(s3):
    """What Terraform's provider reads of every bucket."""
    assert s3.get_bucket_acl(Bucket="papers")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_acl(Bucket="papers")["Grants"][0]["Grantee"]["Type"] == "CanonicalUser"
    assert "Status" not in s3.get_bucket_versioning(Bucket="papers")
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket="papers")
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="papers")
    assert s3.get_bucket_request_payment(Bucket="papers")["Payer"] == "BucketOwner"
    for call, code in [(s3.get_bucket_cors, "NoSuchCORSConfiguration"), (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
                       (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
                       (s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
                       (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
                       (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
                       (s3.get_bucket_policy, "NoSuchBucketPolicy"), (s3.get_bucket_tagging, "NoSuchTagSet"),
                       (s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration")]:
        assert code_of(call, Bucket="papers") == (code, 404)


def test_what_would_not_act_is_refused_and_not_kept(s3):
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    assert code_of(s3.put_bucket_cors, Bucket="papers", CORSConfiguration=rules) == ("NotImplemented", 501)
    assert code_of(s3.get_bucket_cors, Bucket="papers")[0] == "NoSuchCORSConfiguration"
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"", ServerSideEncryption="aws:kms")[0] == "NotImplemented"
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"", StorageClass="GLACIER")[0] == "InvalidStorageClass"
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"", ACL="public-read")[0] == "AccessControlListNotSupported"
    assert "Contents" not in s3.list_objects_v2(Bucket="papers")


def test_bucket_tags_policy_and_public_access_come_back_as_they_were_put(s3):
    s3.put_bucket_tagging(Bucket="papers", Tagging={"TagSet": [{"Key": "team", "Value": "a & b"}]})
    assert s3.get_bucket_tagging(Bucket="papers")["TagSet"] == [{"Key": "team", "Value": "a & b"}]
    s3.delete_bucket_tagging(Bucket="papers")
    assert code_of(s3.get_bucket_tagging, Bucket="papers")[0] == "NoSuchTagSet"
    policy = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},'
              '"Action":"s3:GetObject","Resource":"arn:aws:s3:::papers/*"}]}')
    s3.put_bucket_policy(Bucket="papers", Policy=policy)
    assert s3.get_bucket_policy(Bucket="papers")["Policy"] == policy
    s3.delete_bucket_policy(Bucket="papers")
    for bad in ["{", "[]", "{}", policy.replace("Allow", "Maybe"), policy.replace("s3:::papers", "s3:::other"),
                policy.replace("s3:GetObject", "ec2:RunInstances")]:
        assert code_of(s3.put_bucket_policy, Bucket="papers", Policy=bad)[0] == "MalformedPolicy", bad
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket="papers", PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket="papers")["PublicAccessBlockConfiguration"] == block


# ---- Objects ----

STRANGE_KEYS = ["../../etc/passwd", "/leading", "trailing/", "a//b", ".", "..", "a b+c%d&e?f#g", "ümläut/日本語", "x" * 1024,
                "\"quotes\"<>", "a\tb", "-rf", "COM1"]


def test_a_key_is_never_a_path(weir, s3):
    for number, key in enumerate(STRANGE_KEYS):
        s3.put_object(Bucket="papers", Key=key, Body=b"%d" % number)
    for number, key in enumerate(STRANGE_KEYS):
        assert body_of(s3, key) == b"%d" % number
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket="papers")["Contents"]]
    assert listed == sorted(STRANGE_KEYS, key=lambda key: key.encode())
    assert len(files_of(weir)) == len(STRANGE_KEYS)
    for path in files_of(weir):
        assert len(os.path.basename(path)) == 32 and os.stat(path).st_mode & 0o777 == 0o600
    assert code_of(s3.put_object, Bucket="papers", Key="x" * 1025, Body=b"")[0] == "KeyTooLongError"


def test_what_is_said_of_an_object_comes_back(s3):
    s3.put_object(Bucket="papers", Key="k", Body=b"hello", ContentType="text/x", CacheControl="max-age=5", ContentEncoding="gzip",
                  ContentDisposition="inline", ContentLanguage="de", Metadata={"one": "1", "Two": "zwei"}, Tagging="a=1&b=%26")
    head = s3.head_object(Bucket="papers", Key="k")
    assert (head["ContentLength"], head["ContentType"], head["CacheControl"]) == (5, "text/x", "max-age=5")
    assert (head["ContentEncoding"], head["ContentDisposition"], head["ContentLanguage"]) == ("gzip", "inline", "de")
    assert head["Metadata"] == {"one": "1", "two": "zwei"}
    assert head["ETag"] == '"%s"' % hashlib.md5(b"hello").hexdigest()
    assert abs(head["LastModified"].timestamp() - time.time()) < 30
    assert s3.get_object_tagging(Bucket="papers", Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "&"}]
    s3.put_object_tagging(Bucket="papers", Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object(Bucket="papers", Key="k")["TagCount"] == 1
    s3.delete_object_tagging(Bucket="papers", Key="k")
    assert s3.get_object_tagging(Bucket="papers", Key="k")["TagSet"] == []
    got = s3.get_object(Bucket="papers", Key="k", ResponseContentType="a/b", ResponseContentDisposition="attachment")
    assert (got["ContentType"], got["ContentDisposition"]) == ("a/b", "attachment")
    s3.put_object(Bucket="papers", Key="plain", Body=b"")
    plain = s3.get_object(Bucket="papers", Key="plain")
    assert (plain["ContentLength"], plain["Body"].read(), plain["ContentType"]) == (0, b"", "binary/octet-stream")
    assert "CacheControl" not in plain
    attributes = s3.get_object_attributes(Bucket="papers", Key="k", ObjectAttributes=["ETag", "ObjectSize", "Checksum"])
    assert attributes["ObjectSize"] == 5 and attributes["ETag"] == head["ETag"].strip('"')


def test_ranges(s3):
    s3.put_object(Bucket="papers", Key="k", Body=b"0123456789")
    for asked, want in [("bytes=0-0", b"0"), ("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89"), ("bytes=5-99", b"56789"),
                        ("bytes=-99", b"0123456789")]:
        got = s3.get_object(Bucket="papers", Key="k", Range=asked)
        assert got["Body"].read() == want and got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert s3.get_object(Bucket="papers", Key="k", Range="bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    assert body_of(s3, "k", Range="bytes=4-2") == b"0123456789" and body_of(s3, "k", Range="lines=1") == b"0123456789"
    assert code_of(s3.get_object, Bucket="papers", Key="k", Range="bytes=10-") == ("InvalidRange", 416)
    assert s3.head_object(Bucket="papers", Key="k", Range="bytes=2-4")["ContentLength"] == 3


def test_conditions(s3):
    needs(s3, "PutObject", "IfMatch", "IfNoneMatch")
    needs(s3, "DeleteObject", "IfMatch")
    tag = s3.put_object(Bucket="papers", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"2", IfMatch='"0"') == ("PreconditionFailed", 412)
    assert code_of(s3.put_object, Bucket="papers", Key="new", Body=b"2", IfMatch=tag) == ("NoSuchKey", 404)
    assert body_of(s3, "k") == b"1" and body_of(s3, "k", IfMatch=tag) == b"1"
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfMatch='"0"') == ("PreconditionFailed", 412)
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfNoneMatch=tag) == ("304", 304)
    assert code_of(s3.head_object, Bucket="papers", Key="k", IfNoneMatch=tag) == ("304", 304)
    modified = s3.head_object(Bucket="papers", Key="k")["LastModified"]
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfModifiedSince=modified) == ("304", 304)
    assert body_of(s3, "k", IfUnmodifiedSince=modified) == b"1"
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfUnmodifiedSince="2001-01-01") == ("PreconditionFailed", 412)
    s3.put_object(Bucket="papers", Key="k", Body=b"2", IfMatch=tag)
    assert body_of(s3, "k") == b"2"
    assert code_of(s3.delete_object, Bucket="papers", Key="k", IfMatch=tag) == ("PreconditionFailed", 412)


def test_conditions_of_reads(s3):
    tag = s3.put_object(Bucket="papers", Key="k", Body=b"1")["ETag"]
    assert body_of(s3, "k", IfMatch=tag) == b"1" and body_of(s3, "k", IfNoneMatch='"0"') == b"1"
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfMatch='"0"') == ("PreconditionFailed", 412)
    assert code_of(s3.get_object, Bucket="papers", Key="k", IfNoneMatch=tag) == ("304", 304)


def test_copies_need_no_second_upload(weir, s3):
    s3.put_object(Bucket="papers", Key="a/ä b", Body=b"text", ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1")
    made = s3.copy_object(Bucket="papers", Key="copy", CopySource={"Bucket": "papers", "Key": "a/ä b"})
    assert made["CopyObjectResult"]["ETag"] == '"%s"' % hashlib.md5(b"text").hexdigest()
    head = s3.head_object(Bucket="papers", Key="copy")
    assert (head["ContentType"], head["Metadata"], head["ContentLength"]) == ("text/x", {"m": "1"}, 4)
    s3.copy_object(Bucket="papers", Key="copy", CopySource="papers/copy", MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket="papers", Key="copy")["Metadata"] == {"n": "2"}
    s3.delete_object(Bucket="papers", Key="a/ä b")
    assert body_of(s3, "copy") == b"text"
    assert code_of(s3.copy_object, Bucket="papers", Key="copy", CopySource="papers/copy")[0] == "InvalidRequest"
    assert code_of(s3.copy_object, Bucket="papers", Key="x", CopySource="papers/none")[0] == "NoSuchKey"
    assert code_of(s3.copy_object, Bucket="papers", Key="x", CopySource="none/none")[0] == "NoSuchBucket"
    assert code_of(s3.copy_object, Bucket="papers", Key="x", CopySource="papers/copy", CopySourceIfMatch="0")[0] == "PreconditionFailed"
    made = s3.copy_object(Bucket="papers", Key="sha", CopySource="papers/copy", ChecksumAlgorithm="SHA256")
    assert made["CopyObjectResult"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    harness.until(lambda: len(files_of(weir)) == 2, 5, "files of deleted and replaced objects are removed")


def test_many_are_deleted_at_once(weir, s3):
    for key in "abc":
        s3.put_object(Bucket="papers", Key=key, Body=b"x")
    gone = s3.delete_objects(Bucket="papers", Delete={"Objects": [{"Key": "a"}, {"Key": "<&>"}, {"Key": "c"}]})
    assert [one["Key"] for one in gone["Deleted"]] == ["a", "<&>", "c"]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="papers")["Contents"]] == ["b"]
    quiet = s3.delete_objects(Bucket="papers", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet
    harness.until(lambda: not files_of(weir), 5, "no file is left")


# ---- Lists ----

def test_lists_fold_at_the_delimiter_and_come_in_pages(s3):
    keys = ["a/1", "a/2", "a/b/3", "b", "b/", "b/x", "c", "ü"]
    for key in keys:
        s3.put_object(Bucket="papers", Key=key, Body=b"x")
    whole = s3.list_objects_v2(Bucket="papers", Delimiter="/")
    assert [one["Key"] for one in whole["Contents"]] == ["b", "c", "ü"]
    assert [one["Prefix"] for one in whole["CommonPrefixes"]] == ["a/", "b/"]
    inner = s3.list_objects_v2(Bucket="papers", Delimiter="/", Prefix="a/")
    assert [one["Key"] for one in inner["Contents"]] == ["a/1", "a/2"] and inner["CommonPrefixes"] == [{"Prefix": "a/b/"}]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="papers", StartAfter="a/b/3")["Contents"]] == keys[3:]
    for size in (1, 2, 3):
        for delimiter in ({}, {"Delimiter": "/"}):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket="papers", PaginationConfig={"PageSize": size}, **delimiter)
            seen = []
            for page in pages:
                assert page["KeyCount"] <= size
                seen += [one["Key"] for one in page.get("Contents", [])] + [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            assert sorted(seen) == (["a/", "b", "b/", "c", "ü"] if delimiter else keys), (size, delimiter)
            old = s3.get_paginator("list_objects").paginate(Bucket="papers", PaginationConfig={"PageSize": size}, **delimiter)
            assert sum(len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) for page in old) == len(seen)
    assert s3.list_objects_v2(Bucket="papers", MaxKeys=0)["KeyCount"] == 0
    assert code_of(s3.list_objects_v2, Bucket="papers", ContinuationToken="no token")[0] == "InvalidArgument"
    assert code_of(s3.list_objects_v2, Bucket="papers", EncodingType="rot13")[0] == "InvalidArgument"


def test_a_list_of_one_bucket_stays_in_it(s3):
    for bucket in ("papers-2", "paper"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="of-" + bucket, Body=b"x")
    assert "Contents" not in s3.list_objects_v2(Bucket="papers")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="paper")["Contents"]] == ["of-paper"]


# ---- Versions ----

def test_versions_are_kept_marked_and_brought_back(s3):
    first = s3.put_object(Bucket="papers", Key="k", Body=b"0")
    assert "VersionId" not in first
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket="papers", Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket="papers", Key="k", Body=b"2")["VersionId"]
    assert body_of(s3, "k") == b"2" and body_of(s3, "k", VersionId=one) == b"1" and body_of(s3, "k", VersionId="null") == b"0"
    gone = s3.delete_object(Bucket="papers", Key="k")
    assert gone["DeleteMarker"] and gone["VersionId"]
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket="papers", Key="k")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert code_of(s3.get_object, Bucket="papers", Key="k", VersionId=gone["VersionId"]) == ("MethodNotAllowed", 405)
    assert "Contents" not in s3.list_objects_v2(Bucket="papers") and code_of(s3.delete_bucket, Bucket="papers")[0] == "BucketNotEmpty"
    listed = s3.list_object_versions(Bucket="papers")
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [(two, False), (one, False), ("null", False)]
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["DeleteMarkers"]] == [(gone["VersionId"], True)]
    s3.delete_object(Bucket="papers", Key="k", VersionId=gone["VersionId"])
    assert body_of(s3, "k") == b"2"
    s3.delete_object(Bucket="papers", Key="k", VersionId=two)
    assert body_of(s3, "k") == b"1"
    assert code_of(s3.get_object, Bucket="papers", Key="k", VersionId=two) == ("NoSuchVersion", 404)


def test_suspended_versioning_keeps_one_null_version(s3):
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket="papers", Key="k", Body=b"1")["VersionId"]
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Suspended"})
    for body in (b"2", b"3"):
        s3.put_object(Bucket="papers", Key="k", Body=body)
    assert [v["VersionId"] for v in s3.list_object_versions(Bucket="papers")["Versions"]] == ["null", one]
    assert s3.delete_object(Bucket="papers", Key="k")["VersionId"] == "null"
    listed = s3.list_object_versions(Bucket="papers")
    assert [v["VersionId"] for v in listed["Versions"]] == [one] and [v["VersionId"] for v in listed["DeleteMarkers"]] == ["null"]


def test_lists_of_versions_come_in_pages(s3):
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Enabled"})
    made = [(key, s3.put_object(Bucket="papers", Key=key, Body=body)["VersionId"]) for key in "ab" for body in (b"1", b"2", b"3")]
    want = made[2::-1] + made[5:2:-1]
    for size in (1, 2, 4, 5):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket="papers", PaginationConfig={"PageSize": size})
        assert [(v["Key"], v["VersionId"]) for page in pages for v in page["Versions"]] == want, size


# ---- Uploads in parts ----

def test_an_upload_in_parts_is_the_parts_in_order(weir, s3):
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"end"]
    upload = s3.create_multipart_upload(Bucket="papers", Key="big", ContentType="a/b", Metadata={"m": "1"})["UploadId"]
    where = {"Bucket": "papers", "Key": "big", "UploadId": upload}
    s3.upload_part(**where, PartNumber=7, Body=b"never used")
    tags = [s3.upload_part(**where, PartNumber=n + 1, Body=part)["ETag"] for n, part in reversed(list(enumerate(parts)))][::-1]
    assert [p["PartNumber"] for p in s3.list_parts(**where)["Parts"]] == [1, 2, 3, 7]
    page = s3.list_parts(**where, MaxParts=2)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 2
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket="papers")["Uploads"]] == [upload]
    assert code_of(s3.get_object, Bucket="papers", Key="big")[0] == "NoSuchKey"
    named = [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]
    assert code_of(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": named[::-1]})[0] == "InvalidPartOrder"
    wrong = [{"PartNumber": 1, "ETag": '"0"'}]
    assert code_of(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": wrong})[0] == "InvalidPart"
    small = [{"PartNumber": 3, "ETag": tags[2]}, {"PartNumber": 7, "ETag": '"%s"' % hashlib.md5(b"never used").hexdigest()}]
    assert code_of(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": small})[0] == "EntityTooSmall"
    made = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": named})
    md5s = b"".join(hashlib.md5(part).digest() for part in parts)
    assert made["ETag"] == '"%s-3"' % hashlib.md5(md5s).hexdigest()
    got = s3.get_object(Bucket="papers", Key="big")
    assert got["Body"].read() == b"".join(parts) and got["ContentType"] == "a/b" and got["Metadata"] == {"m": "1"}
    assert body_of(s3, "big", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}") == parts[0][-2:] + parts[1][:2]
    second = s3.get_object(Bucket="papers", Key="big", PartNumber=3)
    assert second["Body"].read() == b"end" and second["PartsCount"] == 3
    assert code_of(s3.upload_part, **where, PartNumber=1, Body=b"")[0] == "NoSuchUpload"
    s3.copy_object(Bucket="papers", Key="copy", CopySource="papers/big")
    s3.delete_object(Bucket="papers", Key="big")
    assert body_of(s3, "copy") == b"".join(parts)
    harness.until(lambda: len(files_of(weir)) == 3, 5, "the files of the part that was not named and of the first object are gone")


def test_parts_can_be_copied_and_uploads_aborted(weir, s3):
    source = os.urandom(6 * MIB)
    s3.put_object(Bucket="papers", Key="source", Body=source)
    upload = s3.create_multipart_upload(Bucket="papers", Key="k")["UploadId"]
    where = {"Bucket": "papers", "Key": "k", "UploadId": upload}
    one = s3.upload_part_copy(**where, PartNumber=1, CopySource="papers/source")["CopyPartResult"]["ETag"]
    two = s3.upload_part_copy(**where, PartNumber=2, CopySource="papers/source", CopySourceRange="bytes=10-19")["CopyPartResult"]["ETag"]
    assert code_of(s3.upload_part_copy, **where, PartNumber=3, CopySource="papers/source", CopySourceRange="bytes=-1")[0] == "InvalidArgument"
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one}, {"PartNumber": 2, "ETag": two}]})
    assert body_of(s3, "k") == source + source[10:20]
    before = len(files_of(weir))
    upload = s3.create_multipart_upload(Bucket="papers", Key="k2")["UploadId"]
    s3.upload_part(Bucket="papers", Key="k2", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="papers", Key="k2", UploadId=upload)
    harness.until(lambda: len(files_of(weir)) == before, 5, "the parts of an aborted upload are removed")
    assert code_of(s3.abort_multipart_upload, Bucket="papers", Key="k2", UploadId=upload) == ("NoSuchUpload", 404)


# ---- Checksums ----

def crc(polynomial, bits, data):
    value = mask = (1 << bits) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return base64.b64encode((value ^ mask).to_bytes(bits // 8, "big")).decode()


WANT = {
    "CRC32": base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode(),
    "CRC32C": crc(0x82F63B78, 32, b"hello world"),
    "CRC64NVME": crc(0x9A6C9329AC4BC9B5, 64, b"hello world"),
    "SHA1": base64.b64encode(hashlib.sha1(b"hello world").digest()).decode(),
    "SHA256": base64.b64encode(hashlib.sha256(b"hello world").digest()).decode(),
}


@pytest.mark.parametrize("kind", WANT)
def test_checksums_are_compared_and_kept(s3, kind):
    needs(s3, "PutObject", "Checksum" + kind)
    member = "Checksum" + kind
    assert s3.put_object(Bucket="papers", Key="k", Body=b"hello world", **{member: WANT[kind]})[member] == WANT[kind]
    wrong = {member: base64.b64encode(bytes(len(base64.b64decode(WANT[kind])))).decode()}
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"other", **wrong)[0] == "BadDigest"
    assert code_of(s3.put_object, Bucket="papers", Key="k", Body=b"other", **{member: "no"})[0] == "InvalidRequest"
    got = s3.get_object(Bucket="papers", Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello world" and got[member] == WANT[kind]


def test_every_object_has_one_checksum_at_least(weir):
    plain = client(weir)
    needs(plain, "PutObject", "ChecksumCRC64NVME")
    plain = client(weir, request_checksum_calculation="when_required")
    plain.create_bucket(Bucket="papers")
    plain.put_object(Bucket="papers", Key="k", Body=b"hello world")
    assert plain.head_object(Bucket="papers", Key="k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == WANT["CRC64NVME"]
    digest = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert code_of(plain.put_object, Bucket="papers", Key="k", Body=b"y", ContentMD5=digest)[0] == "BadDigest"
    assert code_of(plain.put_object, Bucket="papers", Key="k", Body=b"y", ContentMD5="no")[0] == "InvalidDigest"


@pytest.mark.parametrize("kind,type_", [("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE")])
def test_checksums_of_uploads_in_parts(s3, kind, type_):
    needs(s3, "CreateMultipartUpload", "ChecksumType")
    one = b"a" * (5 * MIB)
    made = s3.create_multipart_upload(Bucket="papers", Key="k", ChecksumAlgorithm=kind, ChecksumType=type_)
    where = {"Bucket": "papers", "Key": "k", "UploadId": made["UploadId"]}
    parts = []
    for number, body in enumerate([one, b"hello world"], 1):
        part = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm=kind)
        parts.append({"PartNumber": number, "ETag": part["ETag"], "Checksum" + kind: part["Checksum" + kind]})
    got = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    if kind == "CRC32":
        assert got["ChecksumCRC32"] == base64.b64encode(zlib.crc32(one + b"hello world").to_bytes(4, "big")).decode()
    elif type_ == "COMPOSITE":
        both = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)
        assert got["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(both).digest()).decode() + "-2"
    else:
        s3.put_object(Bucket="papers", Key="whole", Body=one + b"hello world", ChecksumAlgorithm=kind)
        whole = s3.head_object(Bucket="papers", Key="whole", ChecksumMode="ENABLED")
        assert got["Checksum" + kind] == whole["Checksum" + kind]


def test_what_was_said_of_owners_may_be_taken_back(s3):
    assert s3.get_bucket_ownership_controls(Bucket="papers")["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.delete_bucket_ownership_controls(Bucket="papers")
    assert code_of(s3.get_bucket_ownership_controls, Bucket="papers") == ("OwnershipControlsNotFoundError", 404)
    s3.put_bucket_ownership_controls(Bucket="papers", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert s3.get_bucket_ownership_controls(Bucket="papers")["OwnershipControls"]["Rules"]


# ---- Forms of requests ----

def test_presigned_urls_carry_bodies_both_ways(weir, s3):
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "papers", "Key": "a b/ü"}, ExpiresIn=60)
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "-T", "-", put], input=b"by curl", stdout=subprocess.PIPE, timeout=20)
    assert done.returncode == 0, done.stdout
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "papers", "Key": "a b/ü"}, ExpiresIn=60)
    assert subprocess.run(["curl", "-sS", get], stdout=subprocess.PIPE, timeout=20).stdout == b"by curl"
    for broken, code in [(get.replace("X-Amz-Signature=", "X-Amz-Signature=0"), b"SignatureDoesNotMatch"),
                         (get.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), b"SignatureDoesNotMatch"),
                         (get.split("?")[0], b"AccessDenied")]:
        answer = subprocess.run(["curl", "-sS", broken], stdout=subprocess.PIPE, timeout=20).stdout
        assert b"<Code>" + code in answer, answer


def test_presigned_urls_of_version_2_carry_bodies_both_ways(weir, s3):
    old = client(weir, signature_version="s3")
    put = old.generate_presigned_url("put_object", Params={"Bucket": "papers", "Key": "a b/ü", "ContentType": "text/x"}, ExpiresIn=60)
    assert "AWSAccessKeyId=" in put
    curl = ["curl", "-sS", "-H", "Content-Type: text/x"]
    done = subprocess.run([*curl, "--fail-with-body", "-T", "-", put], input=b"by curl", stdout=subprocess.PIPE, timeout=20)
    assert done.returncode == 0, done.stdout
    assert body_of(s3, "a b/ü") == b"by curl"
    params = {"Bucket": "papers", "Key": "a b/ü", "ResponseContentType": "text/y; q=\"1\""}
    get = old.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
    answer = subprocess.run(["curl", "-sSi", get], stdout=subprocess.PIPE, timeout=20).stdout
    assert answer.endswith(b"by curl") and b"text/y; q=\"1\"" in answer
    ended = old.generate_presigned_url("get_object", Params=params, ExpiresIn=-1)
    for broken, code in [(get.replace("Signature=", "Signature=A"), b"SignatureDoesNotMatch"), (ended, b"AccessDenied"),
                         (get.replace("Expires=", "Expires=9"), b"SignatureDoesNotMatch"),
                         (get.replace("/papers/", "/paper/"), b"SignatureDoesNotMatch"),
                         (get.replace("AWSAccessKeyId=", "AWSAccessKeyId=A"), b"InvalidAccessKeyId")]:
        answer = subprocess.run(["curl", "-sS", broken], stdout=subprocess.PIPE, timeout=20).stdout
        assert b"<Code>" + code in answer, answer
    # It is good for S3's paths alone.
    house = get.replace("/papers/a%20b/%C3%BC", "/_weir/streams")
    assert subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", house], stdout=subprocess.PIPE, timeout=20).stdout == b"400"


def test_the_command_line_presigns(aws, weir, s3):
    s3.put_object(Bucket="papers", Key="a b", Body=b"signed by the command line")
    code, url, errors = aws.run("s3", "presign", "s3://papers/a b")
    assert code == 0, errors
    assert subprocess.run(["curl", "-sS", url.strip()], stdout=subprocess.PIPE, timeout=20).stdout == b"signed by the command line"


def test_the_bucket_may_stand_in_the_host(weir, s3, monkeypatch):
    resolve = socket.getaddrinfo
    # Not every machine's resolver knows *.localhost.
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: resolve("127.0.0.1" if host.endswith(".localhost") else host, *rest, **more))
    hosted = boto3.client("s3", region_name=harness.REGION, endpoint_url=f"http://s3.localhost:{weir.api_port}",
                          aws_access_key_id=weir.keys()[0], aws_secret_access_key=weir.keys()[1],
                          config=__import__("botocore").config.Config(s3={"addressing_style": "virtual"}, proxies={}))
    hosted.put_object(Bucket="papers", Key="_weir/health", Body=b"hosted")
    assert hosted.list_objects_v2(Bucket="papers")["Contents"][0]["Key"] == "_weir/health"
    assert body_of(s3, "_weir/health") == b"hosted"


def chunks(signer, scope, stamp, seed, parts, trailers=()):
    """An aws-chunked body as AWS describes it; `signer` None: unsigned."""
    import hmac
    body, before = b"", seed
    for part in [*parts, b""]:
        head = b"%x" % len(part)
        if signer:
            text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, before, hashlib.sha256(b"").hexdigest(), hashlib.sha256(part).hexdigest()])
            before = hmac.new(signer, text.encode(), hashlib.sha256).hexdigest()
            head += b";chunk-signature=" + before.encode()
        body += head + b"\r\n" + (part + b"\r\n" if part else b"")
    for name, value in trailers:
        body += f"{name}:{value}\r\n".encode()
    if signer and trailers:
        said = "".join(f"{name}:{value}\n" for name, value in trailers)
        text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", stamp, scope, before, hashlib.sha256(said.encode()).hexdigest()])
        body += b"x-amz-trailer-signature:" + hmac.new(signer, text.encode(), hashlib.sha256).hexdigest().encode() + b"\r\n"
    return body + b"\r\n"


def send_chunked(weir, kind, parts, trailers=(), spoil=lambda body: body, announced=None):
    """PUT /papers/chunked with the payload form `kind`, signed by botocore's own signer."""
    import hmac
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    access_key, secret = weir.keys()
    length = sum(map(len, parts))
    headers = {"x-amz-content-sha256": kind, "x-amz-decoded-content-length": str(length if announced is None else announced), "Content-Encoding": "aws-chunked"}
    if trailers:
        headers["x-amz-trailer"] = ",".join(name for name, _ in trailers)
    request = AWSRequest("PUT", f"http://127.0.0.1:{weir.api_port}/papers/chunked", headers=headers)
    signer = S3SigV4Auth(Credentials(access_key, secret), "s3", harness.REGION)
    signer.payload = lambda request: kind
    signer._modify_request_before_signing = lambda request: request.headers.__setitem__("X-Amz-Date", request.context["timestamp"])
    signer.add_auth(request)
    stamp, seed = request.context["timestamp"], request.headers["Authorization"].split("Signature=")[1]
    scope = f"{stamp[:8]}/{harness.REGION}/s3/aws4_request"
    key = ("AWS4" + secret).encode()
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    body = spoil(chunks(key if "HMAC" in kind else None, scope, stamp, seed, parts, trailers))
    conn = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=20)
    conn.request("PUT", "/papers/chunked", body, {**dict(request.headers.items()), "Content-Length": str(len(body))})
    answer = conn.getresponse()
    return answer.status, answer.read()


SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                                            "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


def test_chunked_bodies_are_unpacked_and_their_signatures_followed(weir, s3):
    parts = [b"a" * 65536, b"b" * 1000]
    trailer = [("x-amz-checksum-crc32", base64.b64encode(zlib.crc32(b"".join(parts)).to_bytes(4, "big")).decode())]
    for kind, trailers in [(SIGNED, ()), (SIGNED_TRAILER, trailer), (UNSIGNED_TRAILER, trailer)]:
        s3.delete_object(Bucket="papers", Key="chunked")
        assert send_chunked(weir, kind, parts, trailers) == (200, b""), kind
        assert body_of(s3, "chunked") == b"".join(parts)
    s3.delete_object(Bucket="papers", Key="chunked")
    wrong = [("x-amz-checksum-crc32", "AAAAAA==")]
    for kind, trailers, spoil, code in [
            (SIGNED, (), lambda body: body.replace(b"aaaa", b"aaab", 1), b"SignatureDoesNotMatch"),
            (SIGNED, (), lambda body: body.replace(b"\r\n0;chunk-signature=", b"\r\n0;chunk-signature=0", 1), b"SignatureDoesNotMatch"),
            (SIGNED_TRAILER, trailer, lambda body: body.replace(b"crc32:", b"crc32:A"), b"SignatureDoesNotMatch"),
            (SIGNED_TRAILER, trailer, lambda body: body[:body.index(b"x-amz-trailer-sig")] + b"\r\n", b"SignatureDoesNotMatch"),
            (UNSIGNED_TRAILER, wrong, lambda body: body, b"BadDigest"),
            (UNSIGNED_TRAILER, trailer, lambda body: body[:body.index(b"x-amz-checksum")] + b"\r\n", b"InvalidRequest"),
            (UNSIGNED_TRAILER, trailer, lambda body: body[:1000], b"IncompleteBody"),
            (UNSIGNED_TRAILER, trailer, lambda body: b"zz" + body, b"InvalidRequest")]:
        status, answer = send_chunked(weir, kind, parts, trailers, spoil)
        assert status in (400, 403) and code in answer, (kind, status, answer, code)
    status, answer = send_chunked(weir, SIGNED, parts, announced=5)
    assert b"IncompleteBody" in answer
    assert code_of(s3.head_object, Bucket="papers", Key="chunked")[1] == 404
    harness.until(lambda: not files_of(weir), 5, "nothing of a refused body is left")


def test_a_plain_body_must_be_the_one_that_was_signed(weir, s3):
    status, answer = send_chunked(weir, hashlib.sha256(b"one").hexdigest(), [b""], spoil=lambda body: b"two", announced=3)
    assert status == 400 and b"XAmzContentSHA256Mismatch" in answer
    assert send_chunked(weir, "UNSIGNED-PAYLOAD", [b""], spoil=lambda body: b"two", announced=3)[0] == 200
    assert body_of(s3, "chunked") == b"two"


@pytest.mark.parametrize("body", [b"<", b"<Delete>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><Delete><Object><Key>&a;</Key></Object></Delete>", b"<Delete/>", b"x" * 100])
def test_bad_xml_is_refused(weir, s3, body):
    def replace(request, **_):
        request.data = body
    s3.meta.events.register("before-call.s3.DeleteObjects", lambda params, **_: params.update(body=body))
    code, status = code_of(s3.delete_objects, Bucket="papers", Delete={"Objects": [{"Key": "k"}]})
    assert status == 400 and code in ("MalformedXML", "InvalidArgument", "BadDigest", "InvalidDigest"), code


# ---- What lasts ----

def test_what_was_acknowledged_survives_a_kill_and_leftovers_do_not(weir, s3):
    s3.put_object(Bucket="papers", Key="k", Body=b"kept")
    leftover = os.path.join(weir.data, "s3", "files", "ab", "ab" + "0" * 30)
    with open(leftover, "w") as file:
        file.write("half an object")
    weir.kill()
    weir.start()
    again = client(weir)
    assert again.get_object(Bucket="papers", Key="k")["Body"].read() == b"kept"
    harness.until(lambda: not os.path.exists(leftover), 10, "the sweep finds the leftover")
    assert len(files_of(weir)) == 1


def test_a_body_that_ends_early_leaves_nothing(weir, s3):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "papers", "Key": "half"}, ExpiresIn=60)
    parsed = urllib.parse.urlparse(url)
    conn = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=20)
    conn.putrequest("PUT", parsed.path + "?" + parsed.query)
    conn.putheader("Content-Length", str(10 * MIB))
    conn.endheaders()
    conn.send(b"x" * (2 * MIB))
    harness.until(lambda: files_of(weir), 5, "the first pieces are written")
    conn.close()
    harness.until(lambda: not files_of(weir), 5, "and gone with the sender")
    assert code_of(s3.head_object, Bucket="papers", Key="half")[1] == 404


def resident_kib(weir):
    with open(f"/proc/{weir.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def test_memory_stays_flat_however_large_the_object(weir, s3):
    """96 MiB in parts, ten at a time, and back: the daemon grows by less than a part or two."""
    s3.put_object(Bucket="papers", Key="warm", Body=os.urandom(MIB))
    body_of(s3, "warm")
    before = resident_kib(weir)
    part = os.urandom(16 * MIB)
    upload = s3.create_multipart_upload(Bucket="papers", Key="large")["UploadId"]
    where = {"Bucket": "papers", "Key": "large", "UploadId": upload}
    tags = [s3.upload_part(**where, PartNumber=n, Body=part)["ETag"] for n in range(1, 7)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]})
    seen, stream = hashlib.sha256(), s3.get_object(Bucket="papers", Key="large")["Body"]
    for piece in stream.iter_chunks(MIB):
        seen.update(piece)
    assert seen.digest() == hashlib.sha256(part * 6).digest()
    assert resident_kib(weir) - before < 24 * 1024, "the body passed through memory"


# ---- The command lines ----

def test_the_command_line_copies_syncs_lists_and_removes(aws, weir, tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "one.txt").write_bytes(b"1")
    (tree / "deep" / "two ü.txt").write_bytes(b"22")
    (tree / "deep" / "er" / "big.bin").write_bytes(os.urandom(9 * MIB))
    run = lambda *words: aws.run("s3", *words)  # noqa: E731
    assert run("mb", "s3://shelf")[0] == 0
    code, _, errors = run("cp", "--recursive", str(tree), "s3://shelf/in/", "--no-progress")
    assert code == 0, errors
    listed = run("ls", "s3://shelf", "--recursive")[1]
    assert [line.split(maxsplit=3)[2:] for line in listed.splitlines()] == [
        [str(9 * MIB), "in/deep/er/big.bin"], ["2", "in/deep/two ü.txt"], ["1", "in/one.txt"]]
    assert run("ls", "s3://shelf/in/")[1].split() [:2] == ["PRE", "deep/"]
    back = tmp_path / "back"
    assert run("sync", "s3://shelf/in", str(back), "--no-progress")[0] == 0
    for path in ("one.txt", "deep/two ü.txt", "deep/er/big.bin"):
        assert (back / path).read_bytes() == (tree / path).read_bytes()
    (tree / "one.txt").write_bytes(b"one")
    (tree / "deep" / "two ü.txt").unlink()
    code, out, errors = run("sync", str(tree), "s3://shelf/in", "--delete", "--no-progress")
    assert code == 0 and len(out.splitlines()) == 2 and "big.bin" not in out, out + errors
    assert run("cp", "s3://shelf/in/one.txt", "-")[1] == "one"
    assert run("mv", "s3://shelf/in/one.txt", "s3://shelf/moved")[0] == 0
    assert run("cp", "--recursive", "s3://shelf/in/", "s3://shelf/out/")[0] == 0
    assert run("rb", "s3://shelf")[0] != 0
    assert run("rm", "--recursive", "s3://shelf/in", "--quiet")[0] == 0
    assert run("rb", "--force", "s3://shelf")[0] == 0
    assert "shelf" not in run("ls")[1]


def test_any_operation_can_be_called_by_name(weir, s3):
    call(weir, "PutObject", Bucket="papers", Key="k", Body=base64.b64encode(b"inside").decode())
    assert body_of(s3, "k") == b"inside"
    assert base64.b64decode(call(weir, "GetObject", Bucket="papers", Key="k")["Body"]) == b"inside"
    assert [one["Key"] for one in call(weir, "ListObjectsV2", Bucket="papers")["Contents"]] == ["k"]
