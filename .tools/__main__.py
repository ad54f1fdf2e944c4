"""The entry to all tools: `python3 .tools COMMAND`; `python3 .tools --help` lists the commands.

It starts with the Python 3 of the machine and continues in the virtual environment of the tools, which it
makes first when necessary.
"""

import os
import signal
import sys

import cli
from base import proxies, venvs

if __name__ == "__main__":
    venvs.check_python()
    proxies.spare_this_machine(os.environ)
    arguments = cli.parse(sys.argv[1:])
    if not venvs.runs_here():
        python = str(venvs.python())
        os.execv(python, [python, *sys.argv])
    # When a time limit ends this program, `finally` blocks still run and stop what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cli.run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
