"""Proves that `sam local invoke` and `sam local start-api` work: real containers, real answers.

For CI, on a Linux machine as root: it installs Docker when it is missing, starts the daemon when none
runs, and makes the image itself when no registry can be reached. What it started, it ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from cloud import instance as cloud
from cloud import containers
from cloud import deploy
from check import invocations
from cloud import keys
from cloud import logs
from cloud.demo import Api, direct
from base.console import run_quietly, say, step, stop_with
from base.venvs import ROOT

PACKAGES = ["docker.io", "busybox-static", "ca-certificates"]
DAEMON_SECONDS, START_SECONDS, END_SECONDS = 60, 120, 60
# Made from what the machine has: a shell for the step that SAM adds to the image, and the certificates.
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
"""


def check(it: cloud.Cloud) -> None:
    install()
    with daemon():
        if not containers.has_image():
            make_image()
        with containers.reachable_from_containers(it.port):
            invocations.check(it)
            check_start_api(it)
    say("  sam local invoke, of every function, and sam local start-api answer from containers.")


def check_start_api(it: cloud.Cloud) -> None:
    """The API in containers writes what the deployed API reads."""
    port, stack = cloud.free_port(), it.read_stack()
    log = it.folder / "start-api.log"
    command = containers.prepare(it, "local", "start-api", "--port", str(port))
    with log.open("w") as out:
        process = subprocess.Popen(command, env=containers.environment(it), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        with step(f"sam local start-api --port {port}"):
            wait_until(lambda: cloud.taken(port), START_SECONDS, process, log)
        tenant = f"containers{os.getpid()}"
        key = keys.issue(it, deploy.outputs(it)["KeysFunctionName"], tenant)
        local, deployed = Api(f"http://127.0.0.1:{port}", key), Api(stack["api_url"], key)
        with step("POST and GET /api/v1/webhooks with a key"):
            created = local.must(201, "POST", "/api/v1/webhooks", {"name": "container", "url": "https://example.com/", "events": ["alert.resolved"]})
            listed = local.must(200, "GET", "/api/v1/webhooks")["items"]
            there = deployed.must(200, "GET", f"/api/v1/webhooks/{created['webhook_id']}")
        if [w["webhook_id"] for w in listed] != [created["webhook_id"]] or there["name"] != "container":
            stop_with(f"created {created}, listed {listed}, but the deployed API shows {there}")
        with step("GET without a key"):
            status, answer = without_key(f"http://127.0.0.1:{port}/api/v1/webhooks")
            if status != 401:
                stop_with(f"it answered {status} {answer}, not 401")
    except BaseException:
        say(f"\nsam local start-api:\n{cloud.tail(log, 30)}\n\nThe deployed functions:\n{logs.recent(it)}")
        raise
    finally:
        end(process)


def without_key(url: str) -> tuple[int, bytes]:
    try:
        with direct().open(url, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def install() -> None:
    """Debian's packages, when a program of theirs is missing."""
    if shutil.which("dockerd") and Path("/bin/busybox").exists() and certificates().exists():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        stop_with(f"Docker and a static busybox are needed (Debian: {' '.join(PACKAGES)}).")
    log, env = ROOT / ".local" / "apt.log", os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Install {' '.join(PACKAGES)}"):
        run_quietly(["apt-get", "update"], log, env, ROOT)
        run_quietly(["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES, "iptables"], log, env, ROOT)


def certificates() -> Path:
    return Path("/etc/ssl/certs/ca-certificates.crt")


@contextlib.contextmanager
def daemon():
    """Docker's daemon: the one that runs, or one of our own for as long as the check lasts."""
    if not containers.docker_refuses():
        yield
        return
    if os.geteuid():
        stop_with("no Docker daemon runs, and only root can start one.")
    folder = Path(tempfile.mkdtemp(prefix="webhooks-docker-"))
    log = folder / "dockerd.log"
    with log.open("w") as out:
        command = ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        with step("Start a Docker daemon"):
            wait_until(lambda: not containers.docker_refuses(), DAEMON_SECONDS, process, log)
        yield
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def make_image() -> None:
    with step(f"Make the image {containers.image()}"), tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(DOCKERFILE)
        shutil.copy("/bin/busybox", folder)
        shutil.copy(certificates(), folder)
        # The classic builder: the new one is a package of its own.
        env = os.environ | {"DOCKER_BUILDKIT": "0"}
        run_quietly(["docker", "build", "--tag", containers.image(), folder], ROOT / ".local" / "image.log", env, ROOT)


def wait_until(condition, seconds: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            stop_with(f"{process.args[0]} {'ended' if process.poll() is not None else 'is not ready'}:\n{cloud.tail(log, 30)}")
        time.sleep(0.2)


def end(process: subprocess.Popen) -> None:
    """Ends it as Ctrl-C would, which lets it remove its containers; by force when it does not end."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
