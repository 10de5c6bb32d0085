import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402


@pytest.fixture
def weir():
    """A fresh Weir that takes unsigned calls."""
    with harness.Weir() as running:
        yield running


@pytest.fixture
def target():
    """A target that answers "hello"; give it another script by target.script = …."""
    with harness.Target() as running:
        yield running
