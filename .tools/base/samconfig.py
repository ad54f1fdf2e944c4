"""Reads samconfig.toml, which names the stack, the bucket and the parameters of each environment."""

import tomllib
from dataclasses import dataclass

from base.console import stop_with
from base.paths import ROOT

FILE = ROOT / "samconfig.toml"


@dataclass(frozen=True)
class Deployment:
    """The settings of `sam deploy` in one environment."""

    stack_name: str
    s3_bucket: str  # empty when SAM makes one (resolve_s3)
    parameters: dict[str, str]  # of the template


def deployment(environment: str) -> Deployment:
    """The settings of local, dev, prod or default. An environment that the file does not have stops the program."""
    environments = tomllib.loads(FILE.read_text(encoding="utf-8"))
    try:
        settings = environments[environment]["deploy"]["parameters"]
    except KeyError:
        stop_with(f"samconfig.toml has no environment {environment!r} with settings for `sam deploy`.")
    overrides = settings.get("parameter_overrides", [])
    pairs = overrides.split() if isinstance(overrides, str) else overrides
    parameters = {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}
    return Deployment(settings["stack_name"], settings.get("s3_bucket", ""), parameters)
