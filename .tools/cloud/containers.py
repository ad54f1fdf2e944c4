"""`sam local start-api` and `sam local invoke` in Docker, on the tables and queues of the running local stack.

SAM gives a container the variables of its template only, with logical names for values. So both run on
a copy of the built template, in which every function has the variables of its deployed twin and the
address of the local cloud as a container sees it.
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

import yaml

from cloud import instance as cloud
from cloud import corrections
from cloud import deploy
from base import venvs
from base.console import stop_with
from base.venvs import ROOT

HOST = "host.docker.internal"
IMAGE = "public.ecr.aws/lambda/provided:al2023"  # what SAM runs, with the processor appended
TEMPLATE = ROOT / ".local" / "containers" / "template.json"


def start_api(it: cloud.Cloud) -> None:
    """Serves the API on port 3000 until interrupted."""
    follow(it, "local", "start-api", *sys.argv[2:])


def invoke(it: cloud.Cloud) -> None:
    """Invokes one function with one event, and prints its answer."""
    if len(sys.argv) < 4:
        stop_with("say which: make invoke FUNCTION=ListWebhooksFunction EVENT=events/list-webhooks.json")
    follow(it, "local", "invoke", sys.argv[2], "--event", sys.argv[3], *sys.argv[4:])


def follow(it: cloud.Cloud, *command: str) -> None:
    check_docker()
    deploy.build()
    with reachable_from_containers(it.port):
        sam = prepare(it, *command)
        process = subprocess.Popen(sam, env=environment(it), cwd=ROOT)
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the terminal sent it to SAM as well, which removes its containers
            code = process.wait()
    sys.exit(code)


def prepare(it: cloud.Cloud, *command: str) -> list[str]:
    """The command line that runs a `sam local` command on the cloud, whose functions may have changed."""
    if not deploy.NATIVE:
        stop_with("on macOS: LAMBDA_EXECUTOR=docker make run, so that there are Linux binaries.")
    write_template(it)
    return command_line(*command)


def command_line(*command: str) -> list[str]:
    """The same on the template that is there: for several at a time, which must not write it under each other."""
    options = ["--config-file", str(ROOT / "samconfig.toml"), "--template-file", str(TEMPLATE), *host_options(), *pull_options()]
    return [str(venvs.sam() / "sam"), *command, *options, "--parameter-overrides", *deploy.overrides()]


def check_docker() -> None:
    if not shutil.which("docker"):
        stop_with("Docker is not installed: `sam local` runs the functions in containers.")
    if reason := docker_refuses():
        stop_with(f"Docker does not answer:\n{reason}")


def docker_refuses() -> str:
    """Why Docker cannot be used, or nothing."""
    answer = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True)
    return answer.stderr.strip() or answer.stdout.strip() if answer.returncode else ""


def write_template(it: cloud.Cloud) -> None:
    """Writes the built template with the deployed functions' own variables."""
    template = yaml.safe_load((deploy.BUILD / "template.yaml").read_text(encoding="utf-8"))
    client = it.client("lambda")
    for name, physical in corrections.Template(it).functions().items():
        properties = template["Resources"][name]["Properties"]
        variables = client.get_function_configuration(FunctionName=physical).get("Environment", {}).get("Variables", {})
        properties["Environment"] = {"Variables": variables | {"AWS_ENDPOINT_URL": f"http://{HOST}:{it.port}"}}
        properties["CodeUri"] = str(deploy.BUILD / name)
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(json.dumps(template, indent=1), encoding="utf-8")


def environment(it: cloud.Cloud) -> dict[str, str]:
    """What `sam local` runs in: credentials of the local cloud, and none of the functions' own variables,
    which SAM would prefer to those of the template. Without the address of STS it would ask the real one whose
    credentials these are, and wait five seconds for it where there is no network."""
    resources = json.loads(TEMPLATE.read_text(encoding="utf-8"))["Resources"].values()
    own = {name for r in resources for name in r.get("Properties", {}).get("Environment", {}).get("Variables", {})}
    return {name: value for name, value in deploy.aws_environment(it).items() if name not in own} | {"AWS_ENDPOINT_URL_STS": it.endpoint}


def host_options() -> list[str]:
    """Docker Desktop knows the name of the host by itself; Docker on Linux has to be told."""
    return ["--add-host", f"{HOST}:{bridge()}"] if platform.system() == "Linux" else []


def pull_options() -> list[str]:
    """An image that is here already is not looked for in a registry, which may be out of reach."""
    return ["--skip-pull-image"] if has_image() else []


def image() -> str:
    return f"{IMAGE}-{deploy.architecture()}"


def has_image() -> bool:
    return subprocess.run(["docker", "image", "inspect", image()], capture_output=True).returncode == 0


def bridge() -> str:
    """The address of this machine on Docker's bridge, which containers reach and the network outside does not."""
    answer = subprocess.run(["docker", "network", "inspect", "bridge"], capture_output=True, text=True, check=True).stdout
    config = json.loads(answer)[0]["IPAM"]["Config"][0]
    # A bridge that was only just made is described without its gateway, which is the first address.
    return config.get("Gateway") or str(ipaddress.ip_network(config["Subnet"])[1])


@contextlib.contextmanager
def reachable_from_containers(port: int):
    """On Linux, lets containers reach the local cloud, which listens on 127.0.0.1 only: connections to the
    same port of the bridge's address are passed on, for as long as `sam local` runs."""
    if platform.system() != "Linux":
        yield
        return
    try:
        server = socket.create_server((bridge(), port), backlog=128)
    except OSError as error:
        stop_with(f"containers cannot be let through to the local cloud: {error}\nOn Linux this needs Docker's own bridge on this machine (not rootless, not remote).")
    with server:
        threading.Thread(target=accept, args=(server, port), daemon=True).start()
        yield


def accept(server: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError):  # the server is closed when `sam local` has ended
        while True:
            client, _ = server.accept()
            target = socket.create_connection(("127.0.0.1", port))
            for source, sink in ((client, target), (target, client)):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
