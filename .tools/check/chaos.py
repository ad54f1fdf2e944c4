"""What goes wrong during a soak: killed function processes and gentle restarts of the cloud."""

import contextlib
import os
import random
import signal
import subprocess
import time

from cloud.instance import Cloud
from base.console import say

KILL_SECONDS = 4  # from one kill to the next, on average
RESTARTS = 3  # at least this many parts of the time are between restarts
RESTART_SECONDS = 60  # … and no part is longer


class Chaos:
    def __init__(self, cloud: Cloud, duration: float):
        self.cloud, self.duration = cloud, duration
        self.killed = self.restarts = 0

    def run(self) -> None:
        """Makes trouble for the whole duration."""
        end = time.monotonic() + self.duration
        part = min(self.duration / RESTARTS, RESTART_SECONDS)
        restart = time.monotonic() + part
        while (now := time.monotonic()) < end:
            if now > restart:
                self.restart()
                restart = time.monotonic() + part
            self.kill()
            time.sleep(min(random.uniform(0, 2 * KILL_SECONDS), max(0, end - time.monotonic())))

    def kill(self) -> None:
        """kill -9 of one of the cloud's function processes."""
        if processes := functions(self.cloud.process()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(processes), signal.SIGKILL)
                self.killed += 1

    def restart(self) -> None:
        say("  the local cloud is stopped gently and started again")
        self.cloud.stop()
        self.cloud.start()
        self.restarts += 1


def functions(cloud: int | None) -> list[int]:
    """The ids of the processes that the cloud (a process id) started for functions, which all run `bootstrap`."""
    if cloud is None:
        return []
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True).stdout
    found = []
    for line in table.splitlines():
        pid, parent, command = line.split(None, 2)
        if int(parent) == cloud and command.split()[0].endswith("/bootstrap"):
            found.append(int(pid))
    return found
