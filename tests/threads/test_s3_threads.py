"""Bodies of S3 under ThreadSanitizer: on the threads of files, and on those of transfers to another endpoint."""
import concurrent.futures
import hashlib
import http.client
import os
import socket

from harness import Weir, until

MIB = 1 << 20


def ask(weir, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", weir.api_port, timeout=60)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def leave_early(weir, path):
    with socket.create_connection(("127.0.0.1", weir.api_port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        raw.recv(100)


def stop_early(weir, path):
    with socket.create_connection(("127.0.0.1", weir.api_port)) as raw:
        raw.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {MIB}\r\n\r\n".encode() + bytes(300000))


def work(weir, bucket, n):
    body = os.urandom(MIB + n)
    for _ in range(3):
        assert ask(weir, "PUT", f"/{bucket}/k{n}", body)[0] == 200
        stop_early(weir, f"/{bucket}/half{n}")
        status, back = ask(weir, "GET", f"/{bucket}/k{n}")
        assert status == 200 and hashlib.sha256(back).digest() == hashlib.sha256(body).digest()
        leave_early(weir, f"/{bucket}/k{n}")
        assert ask(weir, "GET", f"/{bucket}?list-type=2")[0] == 200
        assert ask(weir, "DELETE", f"/{bucket}/k{n}")[0] == 204
    return True


def test_bodies_in_files_and_at_another_endpoint(tmp_path):
    with Weir() as there:
        assert ask(there, "PUT", "/papers")[0] == 200
        data = tmp_path / "here"
        data.mkdir()
        (data / "keys").write_text("aws_access_key_id = a\naws_secret_access_key = b\n")
        (data / "keys").chmod(0o600)
        (data / "weir.conf").write_text(f"bucket.papers.endpoint = http://127.0.0.1:{there.api_port}\nbucket.papers.credentials = {data}/keys\n")
        with Weir(data=data) as here:
            assert ask(here, "PUT", "/local")[0] == 200
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                assert all(pool.map(lambda n: work(here, "papers" if n % 2 else "local", n), range(8)))
            until(lambda: b"half" not in ask(there, "GET", "/papers?list-type=2")[1], 10, "no half object")
            leave_early(here, "/papers/nothing")  # and an end with a transfer on its way
        assert "ThreadSanitizer" not in here.log
    assert "ThreadSanitizer" not in there.log
