"""Buckets that lie at another endpoint by settings: a second Weir. What is done here is looked for there."""
import base64
import hashlib
import http.server
import os
import socket
import subprocess
import threading
import zlib

import pytest

import clients
import harness
from test_s3 import chunks, client, code_of

boto3 = pytest.importorskip("boto3")

MIB = 1 << 20


def configure(data, there, lines=""):
    os.makedirs(data, exist_ok=True)
    path = os.path.join(data, "there.credentials")
    with open(path, "w") as file:
        file.write("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*there.keys()))
    os.chmod(path, 0o600)
    with open(os.path.join(data, "weir.conf"), "w") as file:
        file.write(f"bucket.far.papers.endpoint = http://127.0.0.1:{there.api_port}\nbucket.far.papers.credentials = {path}\n"
                   f"bucket.far.papers.name = papers\n{lines}")
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    data = str(tmp_path_factory.mktemp("here"))
    with harness.Weir(auth="sigv4") as there:
        client(there).create_bucket(Bucket="papers")
        configure(data, there)
        with harness.Weir(auth="sigv4", data=data) as here:
            yield here, there


@pytest.fixture
def s3(pair):
    return client(pair[0])


@pytest.fixture
def far(pair):
    return client(pair[1])


def test_objects_are_there_and_come_back(s3, far):
    put = s3.put_object(Bucket="far.papers", Key="a b/ü+~", Body=b"words", ContentType="text/x", Metadata={"one": "two words"},
                        Tagging="k=v")
    got = far.get_object(Bucket="papers", Key="a b/ü+~")
    assert got["Body"].read() == b"words" and got["ETag"] == put["ETag"] and got["Metadata"] == {"one": "two words"}
    back = s3.get_object(Bucket="far.papers", Key="a b/ü+~", Range="bytes=1-3")
    assert back["Body"].read() == b"ord" and back["ContentRange"] == "bytes 1-3/5" and back["ContentType"] == "text/x"
    assert s3.head_object(Bucket="far.papers", Key="a b/ü+~")["ContentLength"] == 5
    assert s3.get_object_tagging(Bucket="far.papers", Key="a b/ü+~")["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="far.papers", Prefix="a b/")["Contents"]] == ["a b/ü+~"]
    assert code_of(s3.get_object, Bucket="far.papers", Key="no") == ("NoSuchKey", 404)
    assert code_of(s3.get_object, Bucket="far.papers", Key="a b/ü+~", IfMatch='"x"') == ("PreconditionFailed", 412)
    s3.copy_object(Bucket="far.papers", Key="copy", CopySource={"Bucket": "far.papers", "Key": "a b/ü+~"})
    assert far.get_object(Bucket="papers", Key="copy")["Body"].read() == b"words"
    s3.delete_object(Bucket="far.papers", Key="copy")
    assert code_of(far.head_object, Bucket="papers", Key="copy")[1] == 404
    many = s3.delete_objects(Bucket="far.papers", Delete={"Objects": [{"Key": "a b/ü+~"}]})
    assert [one["Key"] for one in many["Deleted"]] == ["a b/ü+~"]


def test_it_is_listed_and_its_own_making_is_not_ours(s3):
    s3.create_bucket(Bucket="near")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["far.papers", "near"]
    assert code_of(s3.create_bucket, Bucket="far.papers") == ("BucketAlreadyOwnedByYou", 409)
    assert code_of(s3.delete_bucket, Bucket="far.papers") == ("AccessDenied", 403)
    s3.put_object(Bucket="near", Key="k", Body=b"x")
    assert code_of(s3.copy_object, Bucket="far.papers", Key="k", CopySource="near/k")[0] == "NotImplemented"
    assert code_of(s3.copy_object, Bucket="near", Key="k2", CopySource="far.papers/k")[0] == "NotImplemented"


def test_the_command_line_copies_large_files_both_ways(pair, far, tmp_path):
    here, _ = pair
    found = clients.command_lines()
    if not found:
        pytest.skip("no aws command line on this machine")
    body = os.urandom(1 << 16) * 320  # 20 MiB: three parts
    (tmp_path / "in").write_bytes(body)
    for version, path in found:
        aws = clients.Cli(path, here)
        for words in [["s3", "cp", "--quiet", str(tmp_path / "in"), "s3://far.papers/big"],
                      ["s3", "cp", "--quiet", "s3://far.papers/big", str(tmp_path / "out")]]:
            code, _, errors = aws.run(*words)
            assert code == 0, (version, errors)
        assert (tmp_path / "out").read_bytes() == body
        assert far.head_object(Bucket="papers", Key="big")["ETag"].endswith('-3"')
        aws.run("s3", "rm", "s3://far.papers/big")
        assert "Contents" not in far.list_objects_v2(Bucket="papers", Prefix="big")


def resident(weir):
    with open(f"/proc/{weir.process.pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def test_memory_stays_flat_whatever_the_body(pair, s3, far):
    here, _ = pair

    class Zeros:
        left = 256 * MIB

        def read(self, size=-1):
            taken = min(self.left, MIB if size < 0 else size)
            self.left -= taken
            return bytes(taken)
    s3.put_object(Bucket="far.papers", Key="warm", Body=b"0" * MIB)
    before = resident(here)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "far.papers", "Key": "large"}, ExpiresIn=60)
    done = subprocess.run(f"head -c {256 * MIB} /dev/zero | curl -sS --fail-with-body -T - -H 'Content-Length: {256 * MIB}' "
                          f"-H 'Transfer-Encoding:' '{url}'", shell=True, stdout=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stdout
    assert far.head_object(Bucket="papers", Key="large")["ContentLength"] == 256 * MIB
    crc = 0
    for piece in s3.get_object(Bucket="far.papers", Key="large")["Body"].iter_chunks(MIB):
        crc = zlib.crc32(piece, crc)
    assert crc == zlib.crc32(bytes(256 * MIB))
    assert resident(here) - before < 100  # AddressSanitizer keeps what was freed a while


def test_a_slow_reader_holds_the_endpoint_back_and_one_that_leaves_costs_nothing(pair, s3, far):
    here, there = pair
    far.put_object(Bucket="papers", Key="slow", Body=bytes(32 * MIB))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "far.papers", "Key": "slow"}, ExpiresIn=60)
    with socket.create_connection(("127.0.0.1", here.api_port)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(f"GET {url.split(str(here.api_port), 1)[1]} HTTP/1.1\r\nHost: 127.0.0.1:{here.api_port}\r\n\r\n".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 200")
        harness.until(lambda: waiting(there.api_port, here.process.pid), 20, "the transfer to wait for its reader")
        assert s3.head_object(Bucket="far.papers", Key="slow")["ContentLength"] == 32 * MIB  # others go on
    harness.until(lambda: not waiting(there.api_port, here.process.pid), 20, "the end of the transfer")


def waiting(port, pid):
    """Sockets of the process that are connected to the port, with bytes in them that nobody reads."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [row for row in rows if row[9] in inodes and int(row[2].split(":")[1], 16) == port and int(row[4].split(":")[1], 16)]


def test_signed_chunks_are_unpacked_and_a_false_one_is_not_kept(pair, s3, far):
    import datetime
    import hmac
    import http.client
    here, _ = pair
    access, secret = here.keys()
    for key, spoil in [("chunked", False), ("spoiled", True)]:
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, date = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        scope = f"{date}/{harness.REGION}/s3/aws4_request"
        parts = [b"a" * 70000, b"b" * 70000, b"end"]
        host = f"127.0.0.1:{here.api_port}"
        fields = {"host": host, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-date": stamp,
                  "x-amz-decoded-content-length": str(sum(map(len, parts)))}
        names = ";".join(sorted(fields))
        canonical = "\n".join(["PUT", f"/far.papers/{key}", "", *(f"{name}:{fields[name]}" for name in sorted(fields)), "", names,
                               fields["x-amz-content-sha256"]])
        signer = ("AWS4" + secret).encode()
        for word in (date, harness.REGION, "s3", "aws4_request"):
            signer = hmac.new(signer, word.encode(), hashlib.sha256).digest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        seed = hmac.new(signer, text.encode(), hashlib.sha256).hexdigest()
        body = chunks(signer, scope, stamp, seed, parts)
        if spoil:
            body = body.replace(b"end", b"eND")
        connection = http.client.HTTPConnection("127.0.0.1", here.api_port, timeout=30)
        connection.request("PUT", f"/far.papers/{key}", body, {
            **{name: value for name, value in fields.items() if name != "host"}, "Content-Encoding": "aws-chunked",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={seed}"})
        answer = connection.getresponse()
        said = answer.read()
        if spoil:
            assert answer.status == 403 and b"SignatureDoesNotMatch" in said
            assert code_of(far.head_object, Bucket="papers", Key=key)[1] == 404
        else:
            assert answer.status == 200, said
            assert far.get_object(Bucket="papers", Key=key)["Body"].read() == b"".join(parts)


def test_policies_of_here_hold_for_what_lies_there(pair, s3, far):
    here, _ = pair
    iam = clients.boto("iam", here)
    iam.create_user(UserName="reader")
    keys = iam.create_access_key(UserName="reader")["AccessKey"]
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
                        '"Action": "s3:*", "Resource": "arn:aws:s3:::far.papers/open/*"}]}')
    reader = boto3.client("s3", region_name=harness.REGION, endpoint_url=f"http://127.0.0.1:{here.api_port}",
                          aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"])
    far.put_object(Bucket="papers", Key="open/a", Body=b"a")
    far.put_object(Bucket="papers", Key="closed/a", Body=b"a")
    assert reader.get_object(Bucket="far.papers", Key="open/a")["Body"].read() == b"a"
    assert code_of(reader.get_object, Bucket="far.papers", Key="closed/a") == ("AccessDenied", 403)
    assert code_of(reader.copy_object, Bucket="far.papers", Key="open/b", CopySource="far.papers/closed/a") == ("AccessDenied", 403)
    assert code_of(reader.delete_objects, Bucket="far.papers", Delete={"Objects": [{"Key": "open/a"}]}) == ("AccessDenied", 403)
    reader.delete_object(Bucket="far.papers", Key="open/a")


def test_short_answers_leave_their_connection_to_the_next(tmp_path, pair):
    connections = []

    class Endpoint(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self):
            connections.append(self.client_address)
            super().setup()

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", "0" if self.command == "PUT" else "2")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(b"hi")

        do_GET = do_HEAD = do_PUT = answer

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        data = str(tmp_path / "data")
        keys = configure(data, pair[1])
        with open(os.path.join(data, "weir.conf"), "a") as file:
            file.write(f"bucket.fake.endpoint = http://127.0.0.1:{server.server_port}\nbucket.fake.credentials = {keys}\n")
        with harness.Weir(auth="sigv4", data=data) as here:
            s3 = client(here)
            for _ in range(10):
                assert s3.head_object(Bucket="fake", Key="k")["ContentLength"] == 2
                assert s3.get_object(Bucket="fake", Key="k")["Body"].read() == b"hi"
                s3.put_object(Bucket="fake", Key="k", Body=b"hi")
        server.shutdown()
    assert len(connections) < 10, "of thirty requests, one after the other"


def test_errors_of_the_way_are_told(tmp_path, pair):
    _, there = pair
    gone = harness.free_port()
    data = str(tmp_path / "data")
    path = configure(data, there, f"bucket.gone.endpoint = http://127.0.0.1:{gone}\nbucket.gone.credentials = {tmp_path}/data/there.credentials\n")
    with harness.Weir(auth="sigv4", data=data) as weir:
        with pytest.raises(Exception) as caught:
            client(weir).get_object(Bucket="gone", Key="k")
        assert f"http://127.0.0.1:{gone}" in str(caught.value) and "ServiceUnavailable" in str(caught.value)
    os.chmod(path, 0o644)
    done = subprocess.run([str(harness.BUILD / "weir"), "serve", "--data", data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=20)
    assert done.returncode != 0 and "chmod 600" in done.stdout
