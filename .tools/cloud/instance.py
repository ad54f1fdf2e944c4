"""Starts and stops a local cloud: one ministack process, its state and its log in one folder.

They run side by side: `local` keeps its data between runs (make run), `test` starts empty and
forgets (make test), `soak` starts empty and keeps its data while it is restarted (make soak). Runs in the virtual environment `cloud`.
"""

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from base.console import say, step, stop_with
from base.venvs import ROOT, TOOLS

REGION = "us-east-1"
KEY_ID, SECRET = "test", "test"  # ministack's root of the account; worth nothing anywhere else
START_SECONDS, STOP_SECONDS = 60, 60
LOCAL = "webhooks-local"


@dataclass
class Cloud:
    """One local cloud. `port` is the wanted one until it runs, then the one it listens on."""

    folder: Path
    port: int
    any_port: bool  # another free port will do
    keeps_data: bool
    stack: str
    parameters: tuple[str, ...] = ()  # of the template, beside those of samconfig.toml

    @property
    def lock(self) -> Path:
        return self.folder / "cloud.pid"

    @property
    def log(self) -> Path:
        return self.folder / "cloud.log"

    @property
    def calls(self) -> Path:
        """What the functions' roles were used for, of a cloud for tests; see launcher.py."""
        return self.folder / "calls.jsonl"

    @property
    def jwks_url(self) -> str:
        """Where a test may be the identity provider whose JWTs the stack takes (shared/systemtest/e2e/jwt_test.go)."""
        return "" if self.keeps_data else f"http://127.0.0.1:{self.port + 1000}/jwks"

    @property
    def stack_file(self) -> Path:
        return (ROOT / ".local" if self.stack == LOCAL else self.folder) / "stack.json"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str):
        """A client that fails soon rather than retrying for long: the cloud is on this machine."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=90),
        )

    def process(self) -> int | None:
        """The process id while it runs: the launcher holds the lock for as long as it lives."""
        if not self.lock.exists():
            return None
        with self.lock.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, port = file.read().split()
                self.port = int(port)
                return int(pid)
        return None

    def start(self) -> bool:
        """Starts it if it does not run and waits until it answers. Says whether it had to."""
        if self.process():
            return False
        if taken(self.port) or (self.any_port and not bindable(self.port + 1000)):
            if not self.any_port:
                stop_with(
                    f"port {self.port} of 127.0.0.1 is taken by another program.\n"
                    f"End that program (`ss -ltnp` or `lsof -i :{self.port}` names it) or choose another port: make run PORT=4600"
                )
            self.port = free_port()
        with step(f"Start the local cloud on 127.0.0.1:{self.port}"):
            self.launch()
        return True

    def launch(self) -> None:
        temporary = self.folder / "tmp"  # the functions' unpacked code; worthless once it has ended
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        with self.log.open("w", encoding="utf-8") as out:
            # Its own session: Ctrl-C in the terminal that ran `make run` must not end it.
            process = subprocess.Popen(
                [sys.executable, "-P", str(TOOLS / "cloud" / "launcher.py"), str(self.lock), str(self.port)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self.environment(), cwd=self.folder, start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not healthy(self.endpoint):
            if process.poll() is not None:
                stop_with(f"the local cloud ended at once:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                stop_with(f"the local cloud did not answer within {START_SECONDS} s:\n{tail(self.log)}")
            time.sleep(0.1)

    def environment(self) -> dict[str, str]:
        """Nothing of the caller's but the PATH and the home: the functions inherit what ministack has."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "AUTH": "true",  # IAM is enforced
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "DOCKER_HOST": "tcp://127.0.0.1:1",  # it would end containers that it takes for its own
            "LAMBDA_EXECUTOR": os.environ.get("LAMBDA_EXECUTOR", "local"),
            "IOT_MTLS_ENABLED": "0",  # each opens a port of its own
            "SFTP_ENABLED": "0",
            "S3_DATA_DIR": str(self.folder / "s3"),
        }
        if env["LAMBDA_EXECUTOR"] == "docker":
            del env["DOCKER_HOST"]
        if self.keeps_data:
            env |= {"PERSIST_STATE": "1", "STATE_DIR": str(self.folder / "state"), "S3_PERSIST": "1"}
        else:
            env["RECORD_CALLS"] = str(self.calls)
        return env

    def stop(self) -> bool:
        """Ends it gently, which is when ministack writes its state, then whatever functions it left."""
        pid = self.process()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.process():
            if time.monotonic() > deadline:
                stop_with(f"the local cloud (process {pid}) did not end within {STOP_SECONDS} s; its log is {self.log}")
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # the functions are its process group
        return True

    def drop(self) -> None:
        """Forgets everything: data, code, logs and what is known of the stack."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.stack_file.unlink(missing_ok=True)

    def read_stack(self) -> dict:
        """What the last run wrote about the stack; empty when there is nothing to read."""
        try:
            return json.loads(self.stack_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def write_stack(self, **known: str) -> dict:
        """Writes the stack file, which tests and other programs read, in one rename."""
        stack = {
            "stack_name": self.stack, "endpoint_url": self.endpoint, "region": REGION,
            "access_key_id": KEY_ID, "secret_access_key": SECRET,
            "calls_file": str(self.calls), "log_file": str(self.log), "jwks_url": self.jwks_url, **known,
        }
        part = self.stack_file.with_suffix(".part")
        part.write_text(json.dumps(stack, indent=2) + "\n", encoding="utf-8")
        part.chmod(0o600)  # it holds a key
        part.replace(self.stack_file)
        return stack


def local(port: int = 4566) -> Cloud:
    return Cloud(ROOT / ".local" / "cloud", port, any_port=False, keeps_data=True, stack=LOCAL)


def test(port: int = 4577) -> Cloud:
    return Cloud(ROOT / ".local" / "test", port, any_port=True, keeps_data=False, stack="webhooks-test")


def soak(parameters: tuple[str, ...]) -> Cloud:
    return Cloud(ROOT / ".local" / "soak", free_port(), any_port=True, keeps_data=True, stack="webhooks-soak", parameters=parameters)


def healthy(endpoint: str) -> bool:
    # Without the environment's proxies: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(endpoint + "/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that is free, with the identity provider's 1,000 above it, and stays so: below those that the
    kernel gives to connections (from 32768 on Linux, 49152 elsewhere), among which a test's own would be."""
    for port in random.sample(range(10_000, 31_000), 100):
        if bindable(port) and bindable(port + 1000):
            return port
    stop_with("no port of 127.0.0.1 from 10000 to 32000 is free")


def bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what closed a moment ago does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
