"""The faults of a soak: killed function processes, and restarts of the cloud."""

import contextlib
import os
import random
import signal
import subprocess
import time

from base.console import say
from cloud.instance import Cloud

KILL_SECONDS = 4  # between two kills, on average
PARTS = 3  # of the duration, at least; the cloud restarts between two parts
PART_SECONDS = 60  # the longest part


class Chaos:
    """Kills and restarts, and counts both."""

    def __init__(self, cloud: Cloud, duration: float) -> None:
        """The duration is in seconds."""
        self.cloud, self.duration = cloud, duration
        self.killed = self.restarts = 0

    def run(self) -> None:
        """Causes faults for the whole duration."""
        end = time.monotonic() + self.duration
        part = min(self.duration / PARTS, PART_SECONDS)
        restart = time.monotonic() + part
        while (now := time.monotonic()) < end:
            if now > restart:
                self.restart()
                restart = time.monotonic() + part
            self.kill()
            time.sleep(min(random.uniform(0, 2 * KILL_SECONDS), max(0, end - time.monotonic())))

    def kill(self) -> None:
        """Kills (SIGKILL) one of the cloud's function processes."""
        if processes := functions(self.cloud.process()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(processes), signal.SIGKILL)
                self.killed += 1

    def restart(self) -> None:
        """Stops the cloud with SIGTERM and starts it again."""
        say("  stop the local cloud gracefully and start it again")
        self.cloud.stop()
        self.cloud.start()
        self.restarts += 1


def functions(cloud: int | None) -> list[int]:
    """The ids of the function processes (named `bootstrap`) that the process of the cloud has started."""
    if cloud is None:
        return []
    command = ["ps", "-A", "-o", "pid=,ppid=,command="]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = []
    for line in table.splitlines():
        pid, parent, name = line.split(None, 2)
        if int(parent) == cloud and name.split()[0].endswith("/bootstrap"):
            found.append(int(pid))
    return found
