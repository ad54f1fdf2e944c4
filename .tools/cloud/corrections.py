"""Corrects what ministack 1.5.33 leaves out of a deployed template. Runs after every local deployment.

1. It ignores the OpenAPI body that SAM makes of an HTTP API: every route would answer 404.
2. It ignores the time to live and the point-in-time recovery of a table, and CORS.
3. It keeps a number that comes from a parameter as text, and an SQS mapping whose MaximumConcurrency is
   text stops all SQS mappings ("'>=' not supported between instances of 'int' and 'str'" in its log).
4. It keeps a number in a function's environment as a number, and then cannot start the function
   ("expected str, bytes or os.PathLike object, not int").

All settings come from the processed template. Applying them twice changes nothing, and settings that a later
template no longer has are removed. A correction can go when `make test` passes without it on a newer ministack.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cloud import template
from cloud.instance import REGION, Cloud

Node = dict[str, Any]  # of the template, or of an answer


def apply(cloud: Cloud) -> None:
    """Makes the deployed stack match its template."""
    wanted = template.deployed(cloud)
    for table, properties in wanted.resources("AWS::DynamoDB::Table"):
        correct_table(cloud.client("dynamodb"), table, properties)
    for api, properties in wanted.resources("AWS::ApiGatewayV2::Api"):
        correct_api(cloud.client("apigatewayv2"), api, properties)
    for mapping, properties in wanted.resources("AWS::Lambda::EventSourceMapping"):
        correct_mapping(cloud.client("lambda"), mapping, properties)
    for function, properties in wanted.resources("AWS::Lambda::Function"):
        correct_environment(cloud.client("lambda"), function, properties)


def correct_environment(client: Any, function: str, properties: Node) -> None:
    """Sets the numbers and booleans of a function's environment as text.

    The other variables keep their deployed values: Template does not resolve every attribute as CloudFormation does.
    """
    wanted = (properties.get("Environment") or {}).get("Variables") or {}
    numbers = {name: as_text(value) for name, value in wanted.items() if not isinstance(value, str)}
    if numbers:
        now = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        client.update_function_configuration(FunctionName=function, Environment={"Variables": now | numbers})


def as_text(value: object) -> str:
    """A number or boolean as CloudFormation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def correct_mapping(client: Any, mapping: str, properties: Node) -> None:
    """Sets MaximumConcurrency as a number, always: a response does not show whether it is text."""
    maximum = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if maximum:
        client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": int(maximum)})


def correct_table(dynamodb: Any, table: str, properties: Node) -> None:
    """Sets the time to live and the point-in-time recovery of a table."""
    wanted = properties.get("TimeToLiveSpecification") or {}
    now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    enabled = now["TimeToLiveStatus"] == "ENABLED"
    if true(wanted.get("Enabled")):
        if not enabled or now.get("AttributeName") != wanted["AttributeName"]:
            set_time_to_live(dynamodb, table, wanted["AttributeName"], True)
    elif enabled:
        set_time_to_live(dynamodb, table, now["AttributeName"], False)

    recovery = true((properties.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled"))
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    if recovery != (backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"):
        specification = {"PointInTimeRecoveryEnabled": recovery}
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


def set_time_to_live(dynamodb: Any, table: str, attribute: str, enabled: bool) -> None:
    """Switches the expiry by an attribute on or off."""
    specification = {"AttributeName": attribute, "Enabled": enabled}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def correct_api(gateway: Any, api: str, properties: Node) -> None:
    """Makes CORS, authorizers, integrations and routes those of the OpenAPI body."""
    body = properties.get("Body")
    if not body:
        return
    correct_cors(gateway, api, body.get("x-amazon-apigateway-cors") or properties.get("CorsConfiguration"))
    authorizers = correct_authorizers(gateway, api, body)
    correct_routes(gateway, api, body, authorizers)
    for old in items(gateway.get_authorizers, api):
        if old["AuthorizerId"] not in authorizers.values():
            gateway.delete_authorizer(ApiId=api, AuthorizerId=old["AuthorizerId"])


def correct_routes(gateway: Any, api: str, body: Node, authorizers: dict[str, str]) -> None:
    """Creates, updates and deletes routes and integrations; `authorizers` has the ids by name."""
    integrations = {integration_key(i): i["IntegrationId"] for i in items(gateway.get_integrations, api)}
    routes = {route["RouteKey"]: route for route in items(gateway.get_routes, api)}
    used = set()
    for key, operation in operations(body):
        wanted = integration(operation["x-amazon-apigateway-integration"])
        target = integrations.get(integration_key(wanted))
        if not target:
            target = gateway.create_integration(ApiId=api, **wanted)["IntegrationId"]
            integrations[integration_key(wanted)] = target
        used.add(target)
        settings = {"Target": f"integrations/{target}", **authorization(operation, authorizers)}
        old = routes.pop(key, None)
        if old is None:
            gateway.create_route(ApiId=api, RouteKey=key, **settings)
        elif {name: old.get(name, "") for name in settings} != settings:
            gateway.update_route(ApiId=api, RouteId=old["RouteId"], **settings)
    for route in routes.values():
        gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    for unused in set(integrations.values()) - used:
        gateway.delete_integration(ApiId=api, IntegrationId=unused)


def operations(body: Node) -> Iterator[tuple[str, Node]]:
    """Every route key of the OpenAPI body with its operation."""
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation:
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                yield "$default" if path.strip("/") == "$default" else f"{verb} {path}", operation


def integration(node: Node) -> Node:
    """The settings of API Gateway for an integration of the OpenAPI body."""
    return {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": function_arn(node["uri"]),
        "PayloadFormatVersion": node.get("payloadFormatVersion", "2.0"),
        "TimeoutInMillis": int(node.get("timeoutInMillis", 30000)),
    }


def integration_key(settings: Node) -> tuple[str, str, int]:
    """The settings by which integrations differ."""
    return settings["IntegrationUri"], settings["PayloadFormatVersion"], settings["TimeoutInMillis"]


def function_arn(uri: str) -> str:
    """The ARN of the function in an invocation path of API Gateway."""
    return uri.split("/functions/")[-1].removesuffix("/invocations")


def correct_authorizers(gateway: Any, api: str, body: Node) -> dict[str, str]:
    """Creates or updates the authorizers of the body; returns their ids by name."""
    existing, ids = {a["Name"]: a for a in items(gateway.get_authorizers, api)}, {}
    for name, scheme in (body.get("components", {}).get("securitySchemes") or {}).items():
        node = scheme.get("x-amazon-apigateway-authorizer")
        if not node:
            continue
        wanted, old = authorizer(name, node), existing.get(name)
        if old is None:
            ids[name] = gateway.create_authorizer(ApiId=api, AuthorizerType="REQUEST", **wanted)["AuthorizerId"]
            continue
        ids[name] = old["AuthorizerId"]
        if {key: old.get(key) for key in wanted} != wanted:
            gateway.update_authorizer(ApiId=api, AuthorizerId=ids[name], **wanted)
    return ids


def authorizer(name: str, node: Node) -> Node:
    """The settings of API Gateway for an authorizer of the OpenAPI body."""
    source, function = node.get("identitySource") or [], function_arn(node["authorizerUri"])
    path = f"path/2015-03-31/functions/{function}/invocations"
    return {
        "Name": name,
        "AuthorizerUri": f"arn:aws:apigateway:{REGION}:lambda:{path}",
        "AuthorizerPayloadFormatVersion": str(node.get("authorizerPayloadFormatVersion", "2.0")),
        "EnableSimpleResponses": true(node.get("enableSimpleResponses", False)),
        "AuthorizerResultTtlInSeconds": int(node.get("authorizerResultTtlInSeconds", 0)),
        "IdentitySource": [part.strip() for part in source.split(",")] if isinstance(source, str) else source,
    }


def authorization(operation: Node, authorizers: dict[str, str]) -> Node:
    """The authorization settings of an operation's route; a route without a known authorizer is open."""
    for requirement in operation.get("security") or []:
        for name in requirement:
            if name in authorizers:
                return {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[name]}
    return {"AuthorizationType": "NONE", "AuthorizerId": ""}


def correct_cors(gateway: Any, api: str, cors: Node | None) -> None:
    """Sets or deletes the CORS configuration."""
    wanted = {key[0].upper() + key[1:]: value for key, value in (cors or {}).items()}
    if wanted == (gateway.get_api(ApiId=api).get("CorsConfiguration") or {}):
        return
    if wanted:
        gateway.update_api(ApiId=api, CorsConfiguration=wanted)
    else:
        gateway.delete_cors_configuration(ApiId=api)


def items(operation: Callable[..., Node], api: str) -> list[Node]:
    """All items of a listing of API Gateway."""
    found: list[Node] = operation(ApiId=api, MaxResults="1000")["Items"]
    return found


def true(value: object) -> bool:
    """A template's boolean, which is text when it comes from a parameter."""
    return str(value).lower() == "true"
