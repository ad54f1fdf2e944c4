"""Starts and stops a local cloud: one ministack process, whose data and log are in one folder.

Three of them can run side by side: `local` keeps its data between runs (make run), `test` starts empty and
forgets its data (make test), `soak` starts empty and keeps its data while it is restarted (make soak).
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from base import ports, proxies
from base.console import step, stop_with
from base.paths import LOCAL, TOOLS
from base.processes import tail
from base.stacks import Stack

REGION = "us-east-1"
KEY_ID, SECRET = "test", "test"  # ministack's credentials of the account's root; worth nothing anywhere else
START_SECONDS, STOP_SECONDS = 60, 60
# The identity provider of the end-to-end tests listens this far above the cloud's port.
JWKS_PORT_OFFSET = 1000
LOCAL_STACK = "webhooks-local"


@dataclass
class Cloud:
    """One local cloud. `port` is the wanted one until the cloud runs, then the one it listens on."""

    folder: Path
    port: int
    any_port: bool  # whether it may take another port when the wanted one is not free
    keeps_data: bool
    stack_name: str
    parameters: tuple[str, ...] = ()  # of the template, in addition to those of samconfig.toml

    @property
    def stack(self) -> Stack:
        """The stack that is deployed in this cloud."""
        return Stack(self.stack_name, self.client)

    @property
    def lock(self) -> Path:
        """The file that the process holds locked, with its id and port."""
        return self.folder / "cloud.pid"

    @property
    def log(self) -> Path:
        """The output of the process."""
        return self.folder / "cloud.log"

    @property
    def calls(self) -> Path:
        """The recorded calls of the functions' roles, in a test cloud; see record_calls in launcher.py."""
        return self.folder / "calls.jsonl"

    @property
    def jwks_url(self) -> str:
        """The URL at which a test serves the keys of its JWTs (shared/systemtest/e2e/jwt_test.go)."""
        return "" if self.keeps_data else f"http://127.0.0.1:{self.port + JWKS_PORT_OFFSET}/jwks"

    @property
    def stack_file(self) -> Path:
        """The file that describes the stack to tests and other programs."""
        return (LOCAL if self.stack_name == LOCAL_STACK else self.folder) / "stack.json"

    @property
    def endpoint(self) -> str:
        """The URL of all its AWS services."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A client that reports a failure soon instead of retrying for long: the cloud is on this machine."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            # An empty list of proxies also overrules those of the system's settings on macOS.
            config=Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=90, proxies={}),
        )

    def process(self) -> int | None:
        """The id of the process while it runs: it holds the lock until it ends."""
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
        """Starts the cloud unless it runs, and waits until it answers. Returns whether it had to be started."""
        if self.process():
            return False
        if ports.taken(self.port) or (self.any_port and not ports.free(self.port + JWKS_PORT_OFFSET)):
            if not self.any_port:
                stop_with(
                    f"port {self.port} of 127.0.0.1 is taken by another program.\n"
                    f"`ss -ltnp` or `lsof -i :{self.port}` names it: end it, or choose another port: make run PORT=4600"
                )
            self.port = ports.choose(0, JWKS_PORT_OFFSET)
        with step(f"Start the local cloud on 127.0.0.1:{self.port}"):
            self.launch()
        return True

    def launch(self) -> None:
        """Starts the process and waits until it answers."""
        temporary = self.folder / "tmp"  # the unpacked code of the functions; worthless once the cloud has ended
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        launcher = str(TOOLS / "cloud" / "launcher.py")
        with self.log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                # -P: the modules in the launcher's folder must not hide those of ministack.
                [sys.executable, "-P", launcher, str(self.lock), str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                cwd=self.folder,
                # A session of its own: Ctrl-C in the terminal that ran `make run` must not end the cloud.
                start_new_session=True,
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
        """The environment of ministack, which the functions inherit. Only PATH and HOME come from the caller."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "AUTH": "true",  # enforces IAM
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "DOCKER_HOST": "tcp://127.0.0.1:1",  # out of reach: ministack ends containers that it takes for its own
            "LAMBDA_EXECUTOR": os.environ.get("LAMBDA_EXECUTOR", "local"),
            "IOT_MTLS_ENABLED": "0",  # this and SFTP would each open a port
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
        """Stops the cloud with SIGTERM, on which ministack saves its state, then kills the functions it left.

        Returns whether the cloud ran.
        """
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
            os.killpg(pid, signal.SIGKILL)  # the functions are in its process group
        return True

    def drop(self) -> None:
        """Stops the cloud and deletes its data, code and logs, and the stack file."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.stack_file.unlink(missing_ok=True)

    def read_stack(self) -> dict[str, str]:
        """The content of the stack file; empty when the file is missing or broken."""
        try:
            content: dict[str, str] = json.loads(self.stack_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content

    def write_stack(self, **known: str) -> dict[str, str]:
        """Replaces the stack file in one rename, and returns its content."""
        stack = {
            "stack_name": self.stack_name,
            "endpoint_url": self.endpoint,
            "region": REGION,
            "access_key_id": KEY_ID,
            "secret_access_key": SECRET,
            "calls_file": str(self.calls),
            "log_file": str(self.log),
            "jwks_url": self.jwks_url,
            **known,
        }
        part = self.stack_file.with_suffix(".part")
        part.write_text(json.dumps(stack, indent=2) + "\n", encoding="utf-8")
        part.chmod(0o600)  # the file holds an API key
        part.replace(self.stack_file)
        return stack

    def aws_environment(self) -> dict[str, str]:
        """The caller's environment, in which every AWS tool and SDK talks to this cloud and never to an account."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return (
            own
            | proxies.exceptions(own)
            | {
                "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "0.5",
            }
        )


def local(port: int = 4566) -> Cloud:
    """The cloud of `make run`."""
    return Cloud(LOCAL / "cloud", port, any_port=False, keeps_data=True, stack_name=LOCAL_STACK)


def test(port: int = 4577) -> Cloud:
    """The cloud of `make test`."""
    return Cloud(LOCAL / "test", port, any_port=True, keeps_data=False, stack_name="webhooks-test")


def soak(parameters: tuple[str, ...]) -> Cloud:
    """The cloud of `make soak`, with these parameters of the template."""
    return Cloud(
        LOCAL / "soak",
        ports.choose(0, JWKS_PORT_OFFSET),
        any_port=True,
        keeps_data=True,
        stack_name="webhooks-soak",
        parameters=parameters,
    )


def healthy(endpoint: str) -> bool:
    """Whether ministack answers."""
    try:
        opener = urllib.request.build_opener(proxies.handler(endpoint))
        with opener.open(endpoint + "/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
