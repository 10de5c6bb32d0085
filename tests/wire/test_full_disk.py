"""A data directory on a disk that is full: traffic goes on, calls say why they failed, and nothing is cut in half."""
import contextlib
import os
import pathlib
import subprocess

import pytest

from harness import Fault, Target, Weir, get, until


@pytest.fixture
def disk(tmp_path):
    """A file system of 12 MiB."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", tmp_path], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield pathlib.Path(tmp_path)
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill(disk):
    with open(disk / "filler", "wb", 0) as file, contextlib.suppress(OSError):
        for size in (65536, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def test_a_full_disk_stops_changes_alone_and_is_called_by_its_name(disk):
    with Target() as target, Weir(data=disk / "weir") as weir:
        port, group, _ = weir.behind(target)
        fill(disk)
        assert get(port).status == 200
        with pytest.raises(Fault, match="no space left on the disk"):
            weir.group("another")
        log = disk / "weir" / "logs" / "access.log"
        # Each goes out in a batch of its own, or with a few others.
        until(lambda: get(port).status == 200 and weir.metric("weir_access_log_dropped_total") > 5, what="batches that found no room")
        assert weir.read_log().count("access.log cannot be written") == 1
        os.remove(disk / "filler")
        until(lambda: get(port).status == 200 and "access.log is written again" in weir.read_log(), what="the access log's return")
        until(lambda: log.read_text().endswith("\n"), what="whole lines")
        assert all(line.startswith("http ") and line.count('"') == 30 for line in log.read_text().splitlines())
        assert weir.health(group) == {target.port: "healthy"}
        weir.group("another")


def test_a_start_on_a_full_disk_says_that_it_is_full(disk):
    with Weir(data=disk / "weir") as weir:
        weir.group()
    fill(disk)
    with pytest.raises(AssertionError, match="(?i)no space left on the dis|no space left on device"):
        weir.start()
    os.remove(disk / "filler")
    weir.start()
    assert [g["TargetGroupName"] for g in weir.elbv2("DescribeTargetGroups")["TargetGroups"]] == ["tg"]
    assert weir.stop() == 0
