"""Reads samconfig.toml, which names the stack, the bucket and the parameters of each environment."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base.console import stop_with
from base.paths import ROOT

FILE = ROOT / "samconfig.toml"
# A value of `Name=value`: quoted, or up to the next space. A backslash keeps the character that follows it.
VALUE = r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^ "\\])+)"""
# The two forms of a parameter in a text, as SAM reads them.
FORMS = (rf"ParameterKey=([^ =,]+),ParameterValue={VALUE}", rf"(?:^| )([^ =]+)={VALUE}")


@dataclass(frozen=True)
class Deployment:
    """The settings of `sam deploy` in one environment."""

    stack_name: str
    s3_bucket: str  # empty when SAM makes one (resolve_s3)
    parameters: dict[str, str]  # of the template
    s3_prefix: str = ""
    region: str = ""  # empty when the caller's environment names it
    profile: str = ""  # likewise
    role_arn: str = ""  # the role that CloudFormation takes on
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def deployment(environment: str) -> Deployment:
    """The settings of local, dev, prod or default. An environment that the file does not have stops the program."""
    environments = tomllib.loads(FILE.read_text(encoding="utf-8"))
    sections = environments.get(environment)
    if not isinstance(sections, dict):
        sections = {}
    # As SAM does: [ENVIRONMENT.global.parameters] holds for all its commands, and a command's own settings replace it.
    settings = {name: value for part in ("global", "deploy") for name, value in parameters(sections, part).items()}
    if not settings.get("stack_name"):
        stop_with(f"samconfig.toml has no environment {environment!r} with settings for `sam deploy`.")
    capabilities = settings.get("capabilities", ())
    return Deployment(
        stack_name=settings["stack_name"],
        s3_bucket=settings.get("s3_bucket", ""),
        parameters=pairs(settings.get("parameter_overrides")),
        s3_prefix=settings.get("s3_prefix", ""),
        region=settings.get("region", ""),
        profile=settings.get("profile", ""),
        role_arn=settings.get("role_arn", ""),
        capabilities=tuple(capabilities.split() if isinstance(capabilities, str) else capabilities),
        tags=pairs(settings.get("tags")),
    )


def parameters(sections: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The settings of a command of SAM in an environment's sections."""
    found: dict[str, Any] = sections.get(command, {}).get("parameters", {})
    return found


def pairs(setting: Any) -> dict[str, str]:
    """The names and values of `parameter_overrides` or `tags` in each form that SAM accepts.

    A text has `Name=value` or `ParameterKey=Name,ParameterValue=value`, or names a file (file://…); a list has
    such texts, a table has the names as its keys. SAM's own reader is CfnParameterOverridesType in samcli/cli/types.py.
    """
    if not setting:
        return {}
    if isinstance(setting, list):
        return {name: value for part in setting for name, value in pairs(part).items()}
    if isinstance(setting, dict):
        return {str(name): as_text(value) for name, value in setting.items()}
    if setting.startswith("file://"):
        return pairs(content(Path(setting.removeprefix("file://"))))
    for form in FORMS:
        if found := re.findall(form, setting.strip()):
            return {unquoted(name): unquoted(value) for name, value in found}
    stop_with(f"samconfig.toml: {setting!r} is not of the form Name=value.")


def as_text(value: Any) -> str:
    """A value of a table as SAM passes it on."""
    return ",".join(map(as_text, value)) if isinstance(value, list) else "" if value is None else str(value)


def unquoted(text: str) -> str:
    """A value without its quotes and the backslashes before spaces and quotes."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return re.sub(r"""\\([ "'])""", r"\1", text)


def content(file: Path) -> Any:
    """The content of a file of parameters, whose name tells its format."""
    file = file if file.is_absolute() else FILE.parent / file
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        stop_with(f"samconfig.toml names the parameters in {file}: {error.strerror}.")
    if file.suffix == ".json":
        return json.loads(text)
    if file.suffix == ".toml":
        return tomllib.loads(text)
    import yaml

    return yaml.safe_load(text)
