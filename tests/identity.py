"""An OpenID provider, which is an issuer of tokens with a key set too, over HTTPS; and a browser."""
import base64
import contextlib
import hashlib
import http.cookiejar
import http.server
import json
import pathlib
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """An RSA key with a name, as a provider signs with."""

    def __init__(self, kid, bits=2048):
        self.kid, self.private = kid, rsa.generate_private_key(public_exponent=65537, key_size=bits)

    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": b64(numbers.n.to_bytes(size, "big")), "e": b64(b"\1\0\1")}

    def sign(self, claims, **header):
        signed = b64({"typ": "JWT", "alg": "RS256", "kid": self.kid, **header}) + "." + b64(claims)
        return signed + "." + b64(self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


class Provider:
    """https://localhost:PORT. Everything it says may be changed while it runs."""

    first = None    # one key for all of them: making one takes a while

    def __init__(self, pair):
        Provider.first = Provider.first or Key("first")
        self.key, self.keys = Provider.first, None
        self.users = {"sub": "user-7", "email": "user@example.com", "name": "Žofie"}
        self.client, self.secret = "my/client", "s:cret & more"
        self.expires_in, self.delay = 300, 0
        self.answers = {}           # path: (status, body) instead of its own
        self.claims = {}            # put over those of the id token
        self.log = []               # (path, query or form, headers)
        self.codes, self.refreshes, self.serial = {}, set(), 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                provider.handle(self, {})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.handle(self, dict(urllib.parse.parse_qsl(body.decode())))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.path, pair.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def config(self, **more):
        """An AuthenticateOidcConfig."""
        return {"Issuer": self.url, "AuthorizationEndpoint": self.url + "/authorize", "TokenEndpoint": self.url + "/token",
                "UserInfoEndpoint": self.url + "/userinfo", "ClientId": self.client, "ClientSecret": self.secret, **more}

    def asked(self, path):
        return [entry for entry in self.log if entry[0] == path]

    def token(self, **claims):
        """What a service gets of this issuer."""
        now = int(time.time())
        return self.key.sign({"iss": self.url, "exp": now + 60, "iat": now, "sub": "service", **claims})

    def reply(self, request, status, body=b"", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.suppress(OSError):
            request.send_response(status)
            for name, value in headers:
                request.send_header(name, value)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

    def handle(self, request, form):
        path, _, query = request.path.partition("?")
        values = form or dict(urllib.parse.parse_qsl(query))
        self.log.append((path, values, dict(request.headers)))
        if path != "/authorize" and self.delay:
            time.sleep(self.delay)
        if path in self.answers:
            self.reply(request, *self.answers[path])
        elif path == "/authorize":
            self.authorize(request, values)
        elif path == "/token":
            self.grant(request, values)
        elif path == "/userinfo":
            known = request.headers["Authorization"] == f"Bearer access-{self.serial}"
            self.reply(request, 200 if known else 401, self.users if known else {"error": "invalid_token"})
        elif path == "/jwks":
            self.reply(request, 200, {"keys": [k.jwk() for k in self.keys or [self.key]]})
        else:
            self.reply(request, 404)

    def authorize(self, request, values):
        """Somebody types a password at once."""
        self.serial += 1
        code = f"code-{self.serial}"
        self.codes[code] = values
        back = urllib.parse.urlencode({"code": code, "state": values["state"]})
        self.reply(request, 302, headers=[("Location", values["redirect_uri"] + "?" + back)])

    def grant(self, request, form):
        pair = f"{urllib.parse.quote(self.client, safe='')}:{urllib.parse.quote(self.secret, safe='')}"
        if request.headers["Authorization"] != "Basic " + base64.b64encode(pair.encode()).decode():
            self.reply(request, 401, {"error": "invalid_client"})
            return
        nonce = None
        if form.get("grant_type") == "authorization_code":
            asked = self.codes.pop(form.get("code"), None)     # once
            if not asked or asked["redirect_uri"] != form["redirect_uri"]:
                self.reply(request, 400, {"error": "invalid_grant"})
                return
            nonce = asked["nonce"]
        elif form.get("refresh_token") in self.refreshes:
            self.refreshes.discard(form["refresh_token"])      # once, too: they rotate
            self.serial += 1
        else:
            self.reply(request, 400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client, "sub": self.users["sub"], "iat": now, "exp": now + 60, "nonce": nonce, **self.claims}
        refresh = f"refresh-{self.serial}"
        self.refreshes.add(refresh)
        self.reply(request, 200, {"access_token": f"access-{self.serial}", "token_type": "bearer", "expires_in": self.expires_in,
                                  "refresh_token": refresh, "id_token": self.key.sign({k: v for k, v in claims.items() if v is not None})})


class Browser:
    """Keeps cookies and follows redirects, as far as it is told to."""

    def __init__(self, ca):
        self.context = ssl.create_default_context(cafile=str(ca))
        self.jar = http.cookiejar.CookieJar()

    def get(self, url, follow=True, **headers):
        """Status, headers, body and the last URL."""
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        handlers = [urllib.request.HTTPCookieProcessor(self.jar), urllib.request.HTTPSHandler(context=self.context)]
        opener = urllib.request.build_opener(*handlers, *([] if follow else [Stay]))
        try:
            answer = opener.open(urllib.request.Request(url, headers=headers), timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        return Page(answer.status, answer.headers, answer.read(), answer.url)

    def cookies(self, prefix=""):
        return {c.name: c.value for c in self.jar if c.name.startswith(prefix)}

    def cookie(self, name):
        return next(c for c in self.jar if c.name == name)


class Page:
    def __init__(self, status, headers, body, url):
        self.status, self.headers, self.body, self.url = status, headers, body, url
        self.location = headers.get("Location")


def verify_es256(token, pem):
    """Header and claims of a token that this public key signed, as strict libraries of ALB's form read it."""
    header, claims, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature)       # with its padding
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key = serialization.load_pem_public_key(pem)
    key.verify(utils.encode_dss_signature(r, s), f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    return json.loads(base64.urlsafe_b64decode(header)), json.loads(base64.urlsafe_b64decode(claims))
