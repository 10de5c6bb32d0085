import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import clients  # noqa: E402
import harness  # noqa: E402


@pytest.fixture
def weir():
    """A fresh Weir that verifies signatures, as users run it."""
    with harness.Weir(auth="sigv4") as running:
        yield running


@pytest.fixture(params=clients.command_lines() or [None], ids=lambda found: found[0] if found else "none")
def aws(request, weir):
    if not request.param:
        pytest.skip("no aws command line on this machine")
    return clients.Cli(request.param[1], weir)


@pytest.fixture
def elbv2(weir):
    pytest.importorskip("boto3")
    return clients.boto("elbv2", weir)


@pytest.fixture
def ec2(weir):
    pytest.importorskip("boto3")
    return clients.boto("ec2", weir)


@pytest.fixture
def cloudwatch(weir):
    pytest.importorskip("boto3")
    return clients.boto("cloudwatch", weir)
