"""A PostgreSQL of a test's own: Debian's binaries, a folder of its own, a socket in it, stopped by its process id."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import harness
import pytest


def binaries():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return pathlib.Path(folders[-1]) if folders and os.access(f"{folders[-1]}/initdb", os.X_OK) else None


def as_nobody():
    """The server refuses to run as root: then it runs as nobody, in a folder of nobody's."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


class Postgres:
    """Use as a context manager. `url` is libpq's; nothing listens but a socket in the folder."""

    def __init__(self):
        self.bin = binaries()
        if not self.bin:
            pytest.skip("PostgreSQL is not installed here")

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-pg-", dir="/tmp"))
        if as_nobody():
            shutil.chown(self.folder, "nobody", "nogroup")
        self.url = f"postgresql:///postgres?host={self.folder}&user=rag"
        subprocess.run([self.bin / "initdb", "-D", self.folder / "data", "-U", "rag", "-A", "trust", "--no-sync", "-E", "UTF8",
                        "--no-locale"], check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **as_nobody())
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.log = open(self.folder.with_suffix(".log"), "a")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off",
             "-c", "shared_buffers=16MB", "-c", "max_connections=20"], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, **as_nobody())
        harness.until(lambda: self.ask("SELECT 1") == "1", 30, "PostgreSQL's start")

    def stop(self, how=signal.SIGINT):
        """SIGINT: at once, connections cut; SIGQUIT: as a crash."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.log.close()
        pathlib.Path(self.log.name).unlink(missing_ok=True)

    def ask(self, sql):
        done = subprocess.run([self.bin / "psql", "-AtXq", "-c", sql, self.url], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None
