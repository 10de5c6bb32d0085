"""Certificates and TLS clients for the tests of HTTPS listeners."""
import base64
import pathlib
import ssl
import subprocess

import harness


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Pair:
    """A certificate and its key, as PEM files."""

    def __init__(self, folder, name, *hosts, kind="ec:P-256", days=10, ca=None, extensions=()):
        folder = pathlib.Path(folder)
        self.name, self.path, self.key = name, folder / f"{name}.crt", folder / f"{name}.key"
        algorithm, _, size = kind.partition(":")
        options = ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{size}"] if algorithm == "ec" else \
            ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{size}"]
        openssl("genpkey", *options, "-out", self.key)
        words = ["req", "-x509", "-new", "-key", self.key, "-subj", f"/O=Tests/CN={hosts[0] if hosts else name}", "-days", days, "-out", self.path]
        if hosts:
            words += ["-addext", "subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts)]
        for extension in extensions:
            words += ["-addext", extension]
        if ca:
            words += ["-CA", ca.path, "-CAkey", ca.key, "-addext", "basicConstraints=CA:FALSE"]
        openssl(*words)

    def expire(self, ca=None):
        """Signed anew, to have ended yesterday."""
        if ca:
            request = openssl("req", "-new", "-key", self.key, "-subj", f"/O=Tests/CN={self.name}")
            self.path.write_bytes(openssl("x509", "-req", "-CA", ca.path, "-CAkey", ca.key, "-days", "-1", data=request))
        else:
            self.path.write_bytes(openssl("x509", "-in", self.path, "-signkey", self.key, "-days", "-1"))
        return self

    def pem(self):
        return self.path.read_text()

    def upload(self, weir, chain=None, **more):
        """Imported into ACM; its ARN."""
        value = {"Certificate": b64(self.path), "PrivateKey": b64(self.key), **more}
        if chain:
            value["CertificateChain"] = b64(chain.path)
        return weir.call("acm", "ImportCertificate", **value)["CertificateArn"]


def b64(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def https(weir, balancer, certificate, group=None, port=None, actions=None, **more):
    """The port of a new HTTPS listener, and its ARN."""
    port = port or harness.free_port()
    made = weir.elbv2("CreateListener", LoadBalancerArn=balancer, Protocol="HTTPS", Port=port,
                      Certificates=[{"CertificateArn": certificate}],
                      DefaultActions=actions or ([{"Type": "forward", "TargetGroupArn": group}] if group else [fixed("hello")]), **more)
    return port, made["Listeners"][0]["ListenerArn"]


def fixed(text):
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": text}}


def context(*trusted, client=None, alpn=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = bool(trusted)
    made.verify_mode = ssl.CERT_REQUIRED if trusted else ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1
    made.set_ciphers("ALL:@SECLEVEL=0")  # TLS 1.0 signs with SHA-1
    for pair in trusted:
        made.load_verify_locations(getattr(pair, "path", pair))
    if client:
        made.load_cert_chain(client.path, client.key)
    if alpn:
        made.set_alpn_protocols(alpn)
    return made


class Tls(harness.Raw):
    """A TLS connection that says exactly what it is told to."""

    def __init__(self, port, host="a.example", made=None, session=None):
        super().__init__(port)
        try:
            self.socket = (made or context()).wrap_socket(self.socket, server_hostname=host, session=session)
        except BaseException:
            self.socket.close()
            raise

    def certificate(self):
        return ssl.DER_cert_to_PEM_cert(self.socket.getpeercert(True))

    def get(self, path="/", host="a.example", headers=""):
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
        return self.response()
