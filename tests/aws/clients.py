"""The real clients at hand: every `aws` on the machine, once per version, and boto3."""
import functools
import json
import os
import shutil
import subprocess

import harness


@functools.cache
def command_lines():
    """[(version, path)], different versions only."""
    found = {}
    for folder in [*os.environ.get("PATH", "").split(":"), "/usr/bin", "/usr/local/bin"]:
        path = os.path.join(folder, "aws")
        if not os.access(path, os.X_OK):
            continue
        done = subprocess.run([path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            found.setdefault(done.stdout.split()[0], path)
    return list(found.items())


class Cli:
    def __init__(self, path, weir):
        self.path, self.weir = path, weir

    def run(self, *words):
        """Exit code, output, errors. --endpoint-url too, for versions that do not read the variable."""
        done = subprocess.run([self.path, "--endpoint-url", f"http://127.0.0.1:{self.weir.api_port}", *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.weir.environment(), timeout=60)
        return done.returncode, done.stdout, done.stderr

    def __call__(self, *words):
        code, output, errors = self.run(*words)
        assert code == 0, f"aws {' '.join(words)}\n{errors}"
        return json.loads(output) if output.strip() else None


def boto(service, weir):
    import boto3
    from botocore.config import Config
    access_key, secret = weir.keys()
    return boto3.client(service, region_name=harness.REGION, endpoint_url=f"http://127.0.0.1:{weir.api_port}",
                        aws_access_key_id=access_key, aws_secret_access_key=secret,
                        config=Config(parameter_validation=False, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20))
