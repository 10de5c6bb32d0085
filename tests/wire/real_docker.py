"""A Docker Engine of a test's own, with an image of one static program; no registry is needed."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from harness import until

# A web server that says its version and where its metadata is; "/env?NAME" what it has of its environment, "/fetch?http://IP:PORT/PATH"
# what that answers, asked with its role's token. "eat" takes all memory, "check" is a health check, "idle" only waits.
SERVER = r"""
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void on_term(int number) { (void)number; _exit(0); }
static void fetch(char *url, char *out, size_t room)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char ip[32] = "", path[1024] = "", ask[2048];
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	unsigned port = 80;
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	out[0] = 0;
	sscanf(url, "http://%31[0-9.]:%u%1023[^ ]", ip, &port, path);
	at.sin_port = htons((unsigned short)port);
	if (inet_pton(AF_INET, ip, &at.sin_addr) != 1 || connect(fd, (struct sockaddr *)&at, sizeof at)) {
		snprintf(out, room, "unreachable");
	} else {
		snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nConnection: close\r\n\r\n", path, token ? token : "none");
		if (write(fd, ask, strlen(ask)) < 0)
			_exit(4);
		while (len + 1 < room && (n = read(fd, out + len, room - 1 - len)) > 0)
			len += (size_t)n;
		out[len] = 0;
	}
	close(fd);
}
int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	static char in[4096], out[20000], body[16000];

	if (argc > 1 && strcmp(argv[1], "eat") == 0)
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return 0;
	signal(SIGTERM, on_term);
	if (argc > 1 && strcmp(argv[1], "idle") == 0)
		for (;;)
			pause();
	if (argc > 1 && strcmp(argv[1], "end") == 0)
		return 5;
	at.sin_port = htons((unsigned short)atoi(getenv("PORT")));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 16))
		return 1;
	printf("serving on %s\n", getenv("PORT"));
	fflush(stdout);
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		ssize_t n = read(peer, in, sizeof in - 1);
		char name[64] = "";

		if (n < 0)
			continue;
		in[n] = 0;
		if (sscanf(in, "GET /env?%63[A-Z_0-9]", name) == 1)
			snprintf(body, sizeof body, "%s", getenv(name) ? getenv(name) : "");
		else if (strncmp(in, "GET /fetch?", 11) == 0)
			fetch(in + 11, body, sizeof body);
		else
			snprintf(body, sizeof body, "%s %s", getenv("VERSION") ? getenv("VERSION") : "1", getenv("ECS_CONTAINER_METADATA_URI_V4"));
		snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
		if (write(peer, out, strlen(out)) < 0)
			return 2;
		close(peer);
	}
	return 3;
}
"""


def curl(socket, method, path, *more):
    return subprocess.run(["curl", "-sS", "-m", "20", "--unix-socket", str(socket), "-X", method, *more, "http://docker" + path], check=True,
                          capture_output=True, text=True).stdout


def containers(socket, kind="-"):
    """Those of Weir's tasks, by name; or those by which they share a network, ".net"."""
    return set(re.findall(r'"/?(weir-[0-9a-f]{32}' + re.escape(kind) + r'[^"]*)"', curl(socket, "GET", "/containers/json?all=1")))


def make_image(folder):
    """A tar of a root with nothing but that program."""
    source, binary, tar = folder / "server.c", folder / "server", folder / "image.tar"
    source.write_text(SERVER)
    subprocess.run(["cc", "-static", "-o", binary, source], check=True)
    with tarfile.open(tar, "w") as out:
        out.add(binary, "server")
    return tar


def add_image(socket, folder, name="tiny"):
    tar = make_image(folder)
    made = curl(socket, "POST", f"/images/create?fromSrc=-&repo={name}&tag=1&changes=ENTRYPOINT%20%5B%22/server%22%5D", "-H", "Content-Type: application/x-tar",
                "--data-binary", f"@{tar}")
    assert "sha256:" in made, made


def remove_link(name):
    """A bridge outlives the daemon that made it."""
    subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


@contextlib.contextmanager
def run_daemon(folder, command, what, socket, environment=None):
    """Runs an engine until the end, or skips with what it said."""
    with contextlib.ExitStack() as stack:
        alone = stack.enter_context(open("/tmp/weir-test-dockerd.lock", "w"))
        fcntl.flock(alone, fcntl.LOCK_EX)  # two of them would each have the address of the containers' gateway
        log = stack.enter_context((folder / "log").open("w"))
        daemon = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ, DOCKER_SERVICE_PREFER_OFFLINE_IMAGE="1", **(environment or {})))
        try:
            try:
                until(lambda: daemon.poll() is not None or socket.exists() and curl(socket, "GET", "/_ping") == "OK", 15, what, despite=subprocess.CalledProcessError)
                assert daemon.poll() is None
            except AssertionError:
                pytest.skip(f"{what} does not start here: " + (folder / "log").read_text()[-300:])
            yield socket
        finally:
            daemon.terminate()
            daemon.wait(20)


@contextlib.contextmanager
def run_dockerd(folder, *options):
    found = shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/bin")
    if not found or os.geteuid() != 0 or not shutil.which("cc"):
        pytest.skip("needs root, a compiler and dockerd (Debian's docker.io)")
    socket = folder / "docker.sock"
    command = [found, "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid", "-H", f"unix://{socket}", "--storage-driver",
               "vfs", "--iptables=false", *options]
    with run_daemon(folder, command, "dockerd", socket):
        add_image(socket, folder)
        try:
            yield socket
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                curl(socket, "DELETE", "/networks/weir")  # its bridge would outlive the daemon


# Podman's own defaults want more than a container that tests run in may give; its "auto" choices depend on what ran before.
CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
{runtime}
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = """[storage]
driver = "vfs"
runroot = "{folder}/run"
graphroot = "{folder}/root"
"""


@contextlib.contextmanager
def run_podman(folder):
    found = shutil.which("podman")
    if not found or os.geteuid() != 0 or not shutil.which("cc") or not os.path.exists("/usr/lib/podman/netavark"):
        pytest.skip("needs root, a compiler, podman and netavark")
    socket, runc = folder / "podman.sock", shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin")
    (folder / "containers.conf").write_text(CONTAINERS.format(folder=folder, runtime='runtime = "runc"' if runc else ""))
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    environment = {"CONTAINERS_CONF": str(folder / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    with run_daemon(folder, [found, "system", "service", "--time=0", f"unix://{socket}"], "podman", socket, environment):
        def podman(*words):
            return subprocess.run([found, *words], check=False, capture_output=True, text=True, env=dict(os.environ, **environment))

        try:
            podman("import", "--change", 'ENTRYPOINT ["/server"]', make_image(folder), "tiny:1")
            # It answers even where it may run nothing.
            tried = podman("run", "--rm", "tiny:1", "check")
            if tried.returncode:
                pytest.skip("podman runs no container here: " + tried.stderr[-300:])
            yield socket
        finally:
            # What a test that failed left would run on: Podman has no daemon.
            podman("rm", "--force", "--all", "--time=0")
            with contextlib.suppress(subprocess.CalledProcessError):
                curl(socket, "DELETE", "/networks/weir")
            remove_link("podman0")
