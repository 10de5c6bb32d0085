"""A PostgreSQL of a test's own: Debian's binaries, a folder of its own, a socket in it, stopped by its process id."""
import contextlib
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

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


class Between:
    """Between a client and the server. `cut(words, n)`: the answer to the n-th COMMIT of a transaction that spoke of them is
    lost with the connection, though the server committed, and nobody is let in until `open()`."""

    def __init__(self, postgres):
        self.server = str(postgres.folder / ".s.PGSQL.5432")
        self.words, self.commits, self.last, self.happened = None, 0, 0, threading.Event()
        self.lock, self.pairs = threading.Lock(), []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-pg-between-", dir="/tmp")
        self.url = f"postgresql:///postgres?host={self.folder.name}&user=rag"
        self.open()
        return self

    def __exit__(self, *_):
        self.close()
        self.folder.cleanup()

    def open(self):
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(f"{self.folder.name}/.s.PGSQL.5432")
        self.listening.listen(8)
        threading.Thread(target=self.accept, args=(self.listening,), daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        pathlib.Path(f"{self.folder.name}/.s.PGSQL.5432").unlink(missing_ok=True)
        with self.lock:
            for end in self.pairs:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self.pairs = []

    def cut(self, words, commit):
        self.commits, self.last, self.words = 0, commit, words.encode()

    def accept(self, listening):
        with contextlib.suppress(OSError):
            while True:
                client, server = listening.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(self.server)
                with self.lock:
                    self.pairs += [client, server]
                state = {"speaks": False, "last": False}
                threading.Thread(target=self.forward, args=(client, server, state), daemon=True).start()
                threading.Thread(target=self.back, args=(server, client, state), daemon=True).start()

    def forward(self, client, server, state):
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 20):
                if self.words and self.words in data:
                    state["speaks"] = True
                if b"pg_current_xact_id_if_assigned" in data and state["speaks"]:  # COMMIT is what comes next
                    state["speaks"] = False
                    self.commits += 1
                    state["last"] = self.commits == self.last
                server.sendall(data)

    def back(self, server, client, state):
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if state["last"] and b"COMMIT\0" in data:
                    self.words = None
                    self.close()
                    self.happened.set()
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
