"""The environment of a deployed function in a local cloud. A measurement changes it for a while."""

from cloud import template
from cloud.instance import Cloud

Variables = dict[str, str]


def read(cloud: Cloud, function: str) -> Variables:
    """The environment of a function, by its logical name."""
    settings = cloud.client("lambda").get_function_configuration(FunctionName=physical(cloud, function))
    found: Variables = settings["Environment"]["Variables"]
    return found


def write(cloud: Cloud, function: str, variables: Variables) -> None:
    """Replaces the environment of a function, by its logical name."""
    cloud.client("lambda").update_function_configuration(
        FunctionName=physical(cloud, function), Environment={"Variables": variables}
    )


def physical(cloud: Cloud, function: str) -> str:
    """The physical name of a function."""
    return template.deployed(cloud).functions()[function]
