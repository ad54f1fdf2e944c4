"""Decides which connections use a proxy: those to this machine never, all others as the environment says.

The local cloud and its receivers listen on 127.0.0.1, where a proxy cannot reach them. Calls of AWS need the
company's proxy. Needs the standard library only: it applies to the installation of everything else.
"""

import ipaddress
import urllib.parse
import urllib.request
from collections.abc import Mapping, MutableMapping

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
# Programs differ in the spelling that they read, and in the one that they prefer.
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
EXCEPTIONS = ("no_proxy", "NO_PROXY")
# For commands that a user runs without the tools.
ADVICE = """
These commands connect to this machine, which your proxy cannot reach. Run this first, in the same terminal:

  export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
"""


def configured(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a proxy."""
    return any(environment.get(name) or environment.get(name.upper()) for name in PROXIES)


def exceptions(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that name the hosts without a proxy: those of the environment, and this machine."""
    named = {name: environment.get(name, "") for name in EXCEPTIONS}
    result = {}
    for name in EXCEPTIONS:
        hosts = named[name] or next(filter(None, named.values()), "")
        listed = [host.strip() for host in hosts.split(",") if host.strip()]
        # A single * means every host, and only when nothing is beside it.
        missing = [] if listed == ["*"] else [host for host in THIS_MACHINE if host not in listed]
        result[name] = ",".join([*listed, *missing])
    return result


def spare_this_machine(environment: MutableMapping[str, str]) -> None:
    """Lets this program and all that it starts connect to this machine without a proxy.

    Without a proxy in the environment nothing changes: on macOS an exception in the environment would also
    switch off the proxies of the system's settings, which calls of AWS may need.
    """
    if configured(environment):
        environment.update(exceptions(environment))


def handler(url: str) -> urllib.request.ProxyHandler:
    """The part of a urllib opener that decides for a URL."""
    return urllib.request.ProxyHandler({} if is_this_machine(url) else None)


def is_this_machine(url: str) -> bool:
    """Whether the host of a URL is this machine."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
