"""Docker for the container check: installs it, starts its daemon, and makes the image, each only when missing."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from base.console import step, stop_with
from base.paths import LOCAL
from base.processes import run_quietly, wait_until
from cloud import containers

PACKAGES = ["docker.io", "busybox-static", "ca-certificates"]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DAEMON_SECONDS, END_SECONDS = 60, 60
# Made of the machine's own files: a shell for the step that SAM adds to the image, and the certificates.
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
"""


def install() -> None:
    """Installs Debian's packages when one of their programs is missing."""
    if shutil.which("dockerd") and Path("/bin/busybox").exists() and CERTIFICATES.exists():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        stop_with(f"Docker and a static busybox are needed (Debian: {' '.join(PACKAGES)}).")
    log, env = LOCAL / "apt.log", os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Install {' '.join(PACKAGES)}"):
        run_quietly(["apt-get", "update"], log, env)
        run_quietly(["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES, "iptables"], log, env)


@contextlib.contextmanager
def daemon() -> Iterator[None]:
    """Provides a Docker daemon for the body: the running one, or a new one that is ended after the body."""
    if not containers.docker_failure():
        yield
        return
    if os.geteuid():
        stop_with("no Docker daemon runs, and only root can start one.")
    folder = Path(tempfile.mkdtemp(prefix="webhooks-docker-"))
    log = folder / "dockerd.log"
    command = ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--pidfile", str(folder / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with step("Start a Docker daemon"):
            wait_until(lambda: not containers.docker_failure(), DAEMON_SECONDS, process, log)
        yield
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def make_image() -> None:
    """Makes the image that `sam local` runs, unless this machine has it: the registry may be out of reach."""
    if containers.has_image():
        return
    with step(f"Make the image {containers.image()}"), tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(DOCKERFILE)
        shutil.copy("/bin/busybox", folder)
        shutil.copy(CERTIFICATES, folder)
        # The classic builder: the new one (BuildKit) needs another package.
        env = os.environ | {"DOCKER_BUILDKIT": "0"}
        run_quietly(["docker", "build", "--tag", containers.image(), folder], LOCAL / "image.log", env)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with SIGINT, which lets `sam local` remove its containers; kills its session after a minute."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
