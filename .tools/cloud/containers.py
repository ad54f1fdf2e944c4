"""`sam local start-api` and `sam local invoke` in Docker, on the tables and queues of a running local stack.

SAM gives a container only the variables of its template, with logical names for values. So both commands use
a copy of the built template, in which every function has the variables of the deployed function and the
address of the local cloud as a container reaches it.
"""

import contextlib
import ipaddress
import json
import platform
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import yaml

from base import samconfig, venvs
from base.console import stop_with
from base.paths import LOCAL, ROOT
from cloud import build, template
from cloud.instance import Cloud

HOST = "host.docker.internal"
IMAGE = "public.ecr.aws/lambda/provided:al2023"  # the image that SAM runs, without the processor in its tag
TEMPLATE = LOCAL / "containers" / "template.json"


def start_api(cloud: Cloud, options: Sequence[str]) -> None:
    """Serves the API on port 3000 until interrupted."""
    run(cloud, "start-api", *options)


def invoke(cloud: Cloud, function: str, event: str) -> None:
    """Invokes one function (its logical id) with one event (a file), and prints its answer."""
    run(cloud, "invoke", function, "--event", event)


def run(cloud: Cloud, *command: str) -> None:
    """Runs a `sam local` command and ends with its exit status."""
    check_docker()
    build.build()
    with reachable_from_containers(cloud.port):
        sam = prepare(cloud, *command)
        process = subprocess.Popen(sam, env=environment(cloud), cwd=ROOT)
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the terminal sent it to SAM too, which removes its containers before it ends
            code = process.wait()
    sys.exit(code)


def prepare(cloud: Cloud, *command: str) -> list[str]:
    """Writes the template and returns the command line of a `sam local` command on it."""
    if not build.NATIVE:
        stop_with("containers need Linux binaries: on macOS start with LAMBDA_EXECUTOR=docker make run.")
    write_template(cloud)
    return command_line(*command)


def command_line(*command: str) -> list[str]:
    """The command line alone, for parallel commands, which must not overwrite each other's template."""
    files = ["--config-file", str(samconfig.FILE), "--template-file", str(TEMPLATE)]
    options = [*files, *host_options(), *pull_options(), "--parameter-overrides", *build.overrides()]
    return [str(venvs.sam()), "local", *command, *options]


def check_docker() -> None:
    """Stops when Docker does not answer."""
    if not shutil.which("docker"):
        stop_with("Docker is not installed: `sam local` runs the functions in containers.")
    if reason := docker_failure():
        stop_with(f"Docker does not answer:\n{reason}")


def docker_failure() -> str:
    """Why Docker cannot be used; empty when it can."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return (answer.stderr.strip() or answer.stdout.strip()) if answer.returncode else ""


def write_template(cloud: Cloud) -> None:
    """Writes the built template with the deployed functions' own variables."""
    built = yaml.safe_load((build.BUILD / "template.yaml").read_text(encoding="utf-8"))
    client = cloud.client("lambda")
    for name, physical in template.deployed(cloud).functions().items():
        properties = built["Resources"][name]["Properties"]
        deployed = client.get_function_configuration(FunctionName=physical).get("Environment", {})
        endpoint = {"AWS_ENDPOINT_URL": f"http://{HOST}:{cloud.port}"}
        properties["Environment"] = {"Variables": deployed.get("Variables", {}) | endpoint}
        properties["CodeUri"] = str(build.BUILD / name)
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(json.dumps(built, indent=1), encoding="utf-8")


def environment(cloud: Cloud) -> dict[str, str]:
    """The environment of `sam local`: credentials of the local cloud, and none of the functions' variables.

    SAM prefers variables of its own environment to those of the template. Without the address of STS it would
    ask the real STS about the credentials, and wait five seconds without a network.
    """
    resources = json.loads(TEMPLATE.read_text(encoding="utf-8"))["Resources"].values()
    environments = [resource.get("Properties", {}).get("Environment", {}) for resource in resources]
    functions = {name for environment in environments for name in environment.get("Variables", {})}
    own = {name: value for name, value in cloud.aws_environment().items() if name not in functions}
    return own | {"AWS_ENDPOINT_URL_STS": cloud.endpoint}


def host_options() -> list[str]:
    """On Linux, the address of the host: Docker Desktop resolves its name, Docker on Linux does not."""
    return ["--add-host", f"{HOST}:{bridge()}"] if platform.system() == "Linux" else []


def pull_options() -> list[str]:
    """With the image on this machine, SAM does not look for it in a registry, which may be out of reach."""
    return ["--skip-pull-image"] if has_image() else []


def image() -> str:
    """The image for this machine's processor."""
    return f"{IMAGE}-{build.architecture()}"


def has_image() -> bool:
    """Whether the image is on this machine."""
    return subprocess.run(["docker", "image", "inspect", image()], capture_output=True).returncode == 0


def bridge() -> str:
    """The address of this machine on Docker's bridge, which containers reach and other machines do not."""
    command = ["docker", "network", "inspect", "bridge"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    config = json.loads(answer)[0]["IPAM"]["Config"][0]
    # Docker describes a new bridge without its gateway, which is the first address.
    return str(config.get("Gateway") or ipaddress.ip_network(config["Subnet"])[1])


@contextlib.contextmanager
def reachable_from_containers(port: int) -> Iterator[None]:
    """Lets containers reach the local cloud during the body.

    The cloud listens on 127.0.0.1 only. On Linux, connections to the same port of the bridge are forwarded to it.
    """
    if platform.system() != "Linux":
        yield
        return
    try:
        server = socket.create_server((bridge(), port), backlog=128)
    except OSError as error:
        stop_with(
            f"containers cannot reach the local cloud: {error}\n"
            "On Linux this needs Docker's own bridge on this machine: neither rootless nor remote Docker."
        )
    with server:
        threading.Thread(target=accept, args=(server, port), daemon=True).start()
        yield


def accept(server: socket.socket, port: int) -> None:
    """Forwards every connection to the port of 127.0.0.1 until the server is closed."""
    while True:
        try:
            client, _ = server.accept()
        except OSError:  # the server is closed
            return
        try:
            target = socket.create_connection(("127.0.0.1", port))
        except OSError:  # nothing listens on the port now; the next connection may succeed
            client.close()
            continue
        for source, sink in ((client, target), (target, client)):
            threading.Thread(target=forward, args=(source, sink), daemon=True).start()


def forward(source: socket.socket, sink: socket.socket) -> None:
    """Copies one direction of a connection."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
