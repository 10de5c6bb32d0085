"""Images that lie in folders (the OCI image layout): unpacked, run, and what a hostile one must not do."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

from ecs_harness import Tasks
from harness import Fault, Weir, until

LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/t", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p", "awslogs-create-group": "true"}}
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char line[4096] = "", here[4096];
	FILE *file = fopen(argc > 1 ? argv[1] : "/etc/greeting", "r");
	struct stat found;

	if (file && fgets(line, sizeof line, file))
		fclose(file);
	printf("%s|%s|%s|%u|%s|%s\n", line, getcwd(here, sizeof here) ? here : "?", getenv("FROM_IMAGE"), (unsigned)getuid(),
	       stat("/etc/gone", &found) ? "gone" : "there", stat("/etc/written", &found) ? "clean" : "dirty");
	file = fopen("/etc/written", "w");
	return file ? 7 : 8;
}
"""


def tar(*entries):
    """(name, bytes | "->target" | "=>hard link" | None for a folder)"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, what in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if what is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(what, str):
                info.type, info.linkname = (tarfile.SYMTYPE if what.startswith("->") else tarfile.LNKTYPE), what[2:]
            else:
                info.size = len(what)
            t.addfile(info, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


class Layout:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "blobs/sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.manifests = []

    def blob(self, data):
        name = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / name).write_bytes(data)
        return {"digest": "sha256:" + name, "size": len(data)}

    def image(self, *layers, tag="latest", **config):
        manifest = {"schemaVersion": 2, "config": self.blob(json.dumps({"config": config}).encode()), "layers": [self.blob(x) for x in layers]}
        self.manifests.append({**self.blob(json.dumps(manifest).encode()), "annotations": {"org.opencontainers.image.ref.name": tag}})
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))
        return f"oci:{self.folder}:{tag}"


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("binary")
    (folder / "p.c").write_text(PROGRAM)
    subprocess.run(["cc", "-static", "-o", folder / "p", folder / "p.c"], check=True)
    return (folder / "p").read_bytes()


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    with Weir("--engine", "process") as weir:
        yield Tasks(weir, tmp_path_factory.mktemp("tasks"))


def lines(weir):
    try:
        return [e["message"] for e in weir.call("logs", "FilterLogEvents", logGroupName="/t")["events"]]
    except Fault:
        return []


def run(tasks, image, **more):
    tasks.define("image", image, **more)
    return tasks.wait_status(tasks.run("image"), "STOPPED", 30)


def test_an_image_is_unpacked_and_its_program_runs_inside_of_it(tasks, binary, tmp_path):
    layout = Layout(tmp_path / "layout")
    below = gzip.compress(tar(("bin", "->usr/bin"), ("etc/greeting", b"old"), ("etc/gone", b"x"), ("etc/full/a", b"x"), ("usr/bin", None)))
    above = tar(("bin/p", binary), ("usr/bin/same", "=>usr/bin/p"), ("etc/greeting", b"hello"), ("etc/.wh.gone", b""), ("etc/full/.wh..wh..opq", b""),
                ("etc/full/b", b"y"), ("srv", None))
    image = layout.image(below, above, Entrypoint=["same"], Env=["FROM_IMAGE=yes", "PATH=/sbin:/bin"], WorkingDir="/srv")
    before = set(os.listdir("/etc"))
    ended = run(tasks, image, logConfiguration=LOGS)
    assert ended["containers"][0].get("exitCode") == 7, ended["stoppedReason"]
    uid = os.geteuid()
    assert lines(tasks.weir) == [f"hello|/srv|yes|{uid}|gone|clean"]
    roots = list((pathlib.Path(tasks.weir.data) / "images").iterdir())
    assert len(roots) == 1 and (roots[0] / "root/etc/full/b").exists() and not (roots[0] / "root/etc/full/a").exists()
    # Again: what the first wrote is not in the image; another word, another user.
    user = {"user": "4242:4242"} if uid == 0 else {}
    ended = run(tasks, image, logConfiguration=LOGS, entryPoint=["/bin/p", "/etc/full/b"], workingDirectory="/", **user)
    until(lambda: len(lines(tasks.weir)) == 2, what="its line")
    assert lines(tasks.weir)[1] == f"y|/|yes|{4242 if user else uid}|gone|clean" and before == set(os.listdir("/etc"))


def damage(layout):
    for blob in (layout.folder / "blobs/sha256").iterdir():
        data = bytearray(blob.read_bytes())
        if len(data) > 100000:
            data[1000] ^= 1
            blob.write_bytes(data)


@pytest.mark.parametrize("layer, words", [
    ([("../out", b"x")], "leads out of the image"),
    ([("a/../../out", b"x")], "leads out of the image"),
    ([("link", "->/"), ("a", "=>../out")], "leads out of the image"),
    ([("up", "->../../.."), ("p", "=>up/etc/passwd")], "links to what is no file of the image"),
])
def test_what_would_leave_the_image_is_refused(tasks, tmp_path, layer, words):
    ended = run(tasks, Layout(tmp_path / "layout").image(tar(*layer), Entrypoint=["/p"]))
    assert ended["stoppedReason"].startswith("CannotPullContainerError: ") and words in ended["stoppedReason"], ended["stoppedReason"]


def test_links_that_point_outside_lead_back_inside(tasks, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    image = Layout(tmp_path / "layout").image(tar(("door", f"->{outside}"), ("door/x", b"x"), ("dev", f"->{outside}")), Entrypoint=["/door/x"])
    ended = run(tasks, image)
    assert ended["stoppedReason"] and os.listdir(outside) == []


def test_damage_and_absence_are_told_and_leave_nothing(tasks, binary, tmp_path):
    layout = Layout(tmp_path / "layout")
    image = layout.image(tar(("p", binary)), Entrypoint=["/p"])
    other = layout.image(tar(("q", b"no program")), tag="bare")
    damage(layout)
    assert "is not what its digest and size say" in run(tasks, image)["stoppedReason"]
    assert "has no image named nope" in run(tasks, f"oci:{layout.folder}:nope")["stoppedReason"]
    assert "neither the image" in run(tasks, other)["stoppedReason"]
    assert "there is no program '/missing' in the image" in run(tasks, other, command=["/missing"])["stoppedReason"]
    assert "cannot be opened" in run(tasks, "oci:/nonexistent")["stoppedReason"]
    (layout.folder / "index.json").write_text('{"manifests": 7')
    assert "index.json is no JSON object" in run(tasks, image)["stoppedReason"]
    assert not [n for n in os.listdir(pathlib.Path(tasks.weir.data) / "images") if n.startswith("new-")]
