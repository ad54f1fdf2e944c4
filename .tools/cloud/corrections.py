"""Applies what ministack 1.5.33 leaves out of a deployed template. Runs after every local deploy.

1. It ignores the OpenAPI body that SAM makes of an HTTP API: every route would answer 404.
2. It ignores the time to live and the point-in-time recovery of a table, and CORS.
3. It keeps a number that comes from a parameter as text, and an SQS mapping whose MaximumConcurrency is
   text stops all SQS mappings ("'>=' not supported between instances of 'int' and 'str'" in its log).
4. It keeps a number in a function's environment as a number, and then cannot start the function
   ("expected str, bytes or os.PathLike object, not int").

Everything is read from the processed template, nothing is said a second time, and applying it twice
changes nothing: what a later template no longer has is removed. A part can go when, without it,
`make test` passes against a newer ministack.
"""

import json
import re
from collections.abc import Iterator

from cloud.instance import REGION, Cloud


class Template:
    """The processed template of a deployed stack, with its parameters and physical names filled in."""

    def __init__(self, cloud: Cloud):
        cloudformation = cloud.client("cloudformation")
        body = cloudformation.get_template(StackName=cloud.stack, TemplateStage="Processed")["TemplateBody"]
        self.body = json.loads(body) if isinstance(body, str) else body
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=cloud.stack)
        self.physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
        parameters = cloudformation.describe_stacks(StackName=cloud.stack)["Stacks"][0].get("Parameters", [])
        self.refs = {p["ParameterKey"]: p["ParameterValue"] for p in parameters} | self.physical
        self.refs |= {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": "000000000000", "AWS::StackName": cloud.stack}

    def resources(self, kind: str) -> Iterator[tuple[str, dict]]:
        """The physical name and the properties of every deployed resource of a kind."""
        for name, resource in self.body["Resources"].items():
            if resource["Type"] == kind and name in self.physical:
                yield self.physical[name], self.resolve(resource.get("Properties", {}))

    def functions(self) -> dict[str, str]:
        """The physical name of every function by its logical name."""
        return {n: self.physical[n] for n, r in self.body["Resources"].items() if r["Type"] == "AWS::Lambda::Function" and n in self.physical}

    def resolve(self, node):
        """The node without intrinsic functions; of GetAtt it knows the Arn of a function, which is all there is."""
        if isinstance(node, list):
            return [self.resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (key, value), = node.items()
            if key == "Ref":
                return self.refs.get(value, "")
            if key == "Fn::GetAtt":
                return self.attribute(*(value.split(".") if isinstance(value, str) else value))
            if key == "Fn::Sub":
                return self.substitute(*([value] if isinstance(value, str) else value))
            if key == "Fn::If":
                return self.resolve(value[1] if self.holds({"Condition": value[0]}) else value[2])
        return {key: self.resolve(value) for key, value in node.items()}

    def attribute(self, name: str, *attribute: str) -> str:
        if attribute == ("Arn",) and name in self.functions():
            return f"arn:aws:lambda:{REGION}:000000000000:function:{self.physical[name]}"
        return self.physical.get(name, "")

    def substitute(self, text: str, own: dict | None = None) -> str:
        own = self.resolve(own or {})

        def one(match: re.Match) -> str:
            name, _, attribute = match.group(1).partition(".")
            return str(own.get(name, self.attribute(name, attribute) if attribute else self.refs.get(name, "")))

        return re.sub(r"\$\{([^!}]+)\}", one, text)

    def holds(self, condition: dict) -> bool:
        (key, value), = condition.items()
        if key == "Condition":
            return self.holds(self.body["Conditions"][value])
        if key == "Fn::Equals":
            return str(self.resolve(value[0])) == str(self.resolve(value[1]))
        parts = [self.holds(part) for part in value]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[key]


def apply(cloud: Cloud) -> list[str]:
    """Makes the deployed stack what its template says; answers what it had to change."""
    template, changes = Template(cloud), []
    for name, properties in template.resources("AWS::DynamoDB::Table"):
        correct_table(cloud.client("dynamodb"), name, properties, changes)
    for name, properties in template.resources("AWS::ApiGatewayV2::Api"):
        correct_api(cloud.client("apigatewayv2"), name, properties, changes)
    for mapping, properties in template.resources("AWS::Lambda::EventSourceMapping"):
        correct_mapping(cloud.client("lambda"), mapping, properties)
    for function, properties in template.resources("AWS::Lambda::Function"):
        correct_environment(cloud.client("lambda"), function, properties, changes)
    return changes


def correct_environment(client, function: str, properties: dict, changes: list[str]) -> None:
    wanted = (properties.get("Environment") or {}).get("Variables") or {}
    numbers = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in wanted.items() if not isinstance(value, str)}
    if numbers:
        # The others as they are: of those the deployed values count, not what is worked out here.
        now = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        client.update_function_configuration(FunctionName=function, Environment={"Variables": now | numbers})
        changes.append(f"environment of {function}: {', '.join(numbers)}")


def correct_mapping(client, mapping: str, properties: dict) -> None:
    """Sets the number as a number, always: what is read back does not show whether it is text."""
    maximum = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if maximum:
        client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": int(maximum)})


def correct_table(dynamodb, name: str, properties: dict, changes: list[str]) -> None:
    wanted = properties.get("TimeToLiveSpecification") or {}
    now = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    enabled = now["TimeToLiveStatus"] == "ENABLED"
    if true(wanted.get("Enabled")) and not (enabled and now.get("AttributeName") == wanted["AttributeName"]):
        set_ttl(dynamodb, name, wanted["AttributeName"], True, changes)
    elif enabled and not true(wanted.get("Enabled")):
        set_ttl(dynamodb, name, now["AttributeName"], False, changes)

    recovery = true((properties.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled"))
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if recovery != (backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery})
        changes.append(f"point-in-time recovery of {name}: {recovery}")


def set_ttl(dynamodb, table: str, attribute: str, enabled: bool, changes: list[str]) -> None:
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": enabled})
    changes.append(f"time to live of {table}: {attribute} {enabled}")


def correct_api(gateway, api: str, properties: dict, changes: list[str]) -> None:
    """Makes authorizers, integrations and routes those of the OpenAPI body."""
    body = properties.get("Body")
    if not body:
        return
    correct_cors(gateway, api, body.get("x-amazon-apigateway-cors") or properties.get("CorsConfiguration"), changes)
    authorizers = correct_authorizers(gateway, api, body, changes)
    have = {integration_key(i): i["IntegrationId"] for i in items(gateway.get_integrations, api)}
    routes = {route["RouteKey"]: route for route in items(gateway.get_routes, api)}
    used = set()
    for key, operation in operations(body):
        wanted = integration(operation["x-amazon-apigateway-integration"])
        target = have.get(integration_key(wanted))
        if not target:
            target = gateway.create_integration(ApiId=api, **wanted)["IntegrationId"]
            have[integration_key(wanted)] = target
        used.add(target)
        settings = {"Target": f"integrations/{target}", **authorization(operation, authorizers)}
        old = routes.pop(key, None)
        if old is None:
            gateway.create_route(ApiId=api, RouteKey=key, **settings)
            changes.append(f"route {key}")
        elif {name: old.get(name, "") for name in settings} != settings:
            gateway.update_route(ApiId=api, RouteId=old["RouteId"], **settings)
            changes.append(f"route {key} changed")
    for key, route in routes.items():
        gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
        changes.append(f"route {key} removed")
    for unused in set(have.values()) - used:
        gateway.delete_integration(ApiId=api, IntegrationId=unused)
    remove_authorizers(gateway, api, set(authorizers.values()), changes)


def operations(body: dict) -> Iterator[tuple[str, dict]]:
    """Every route key of the body with its OpenAPI operation."""
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation:
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                yield "$default" if path.strip("/") == "$default" else f"{verb} {path}", operation


def integration(node: dict) -> dict:
    return {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": function_arn(node["uri"]),
        "PayloadFormatVersion": node.get("payloadFormatVersion", "2.0"),
        "TimeoutInMillis": int(node.get("timeoutInMillis", 30000)),
    }


def integration_key(settings: dict) -> tuple:
    return settings["IntegrationUri"], settings["PayloadFormatVersion"], settings["TimeoutInMillis"]


def function_arn(uri: str) -> str:
    """The function's own ARN within the path that API Gateway is given."""
    return uri.split("/functions/")[-1].removesuffix("/invocations")


def correct_authorizers(gateway, api: str, body: dict, changes: list[str]) -> dict[str, str]:
    """The ids of the body's authorizers by name, each created or brought up to date."""
    have, ids = {a["Name"]: a for a in items(gateway.get_authorizers, api)}, {}
    for name, scheme in (body.get("components", {}).get("securitySchemes") or {}).items():
        node = scheme.get("x-amazon-apigateway-authorizer")
        if not node:
            continue
        source = node.get("identitySource") or []
        wanted = {
            "Name": name,
            "AuthorizerUri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function_arn(node['authorizerUri'])}/invocations",
            "AuthorizerPayloadFormatVersion": str(node.get("authorizerPayloadFormatVersion", "2.0")),
            "EnableSimpleResponses": true(node.get("enableSimpleResponses", False)),
            "AuthorizerResultTtlInSeconds": int(node.get("authorizerResultTtlInSeconds", 0)),
            "IdentitySource": [part.strip() for part in source.split(",")] if isinstance(source, str) else source,
        }
        old = have.get(name)
        if old is None:
            ids[name] = gateway.create_authorizer(ApiId=api, AuthorizerType="REQUEST", **wanted)["AuthorizerId"]
            changes.append(f"authorizer {name}")
            continue
        ids[name] = old["AuthorizerId"]
        if {key: old.get(key) for key in wanted} != wanted:
            gateway.update_authorizer(ApiId=api, AuthorizerId=ids[name], **wanted)
            changes.append(f"authorizer {name} changed")
    return ids


def remove_authorizers(gateway, api: str, wanted: set[str], changes: list[str]) -> None:
    for old in items(gateway.get_authorizers, api):
        if old["AuthorizerId"] not in wanted:
            gateway.delete_authorizer(ApiId=api, AuthorizerId=old["AuthorizerId"])
            changes.append(f"authorizer {old['Name']} removed")


def authorization(operation: dict, authorizers: dict[str, str]) -> dict:
    for requirement in operation.get("security") or []:
        for name in requirement:
            if name in authorizers:
                return {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[name]}
    return {"AuthorizationType": "NONE", "AuthorizerId": ""}


def correct_cors(gateway, api: str, wanted: dict | None, changes: list[str]) -> None:
    wanted = {key[0].upper() + key[1:]: value for key, value in (wanted or {}).items()}
    old = gateway.get_api(ApiId=api).get("CorsConfiguration") or {}
    if wanted == old:
        return
    if wanted:
        gateway.update_api(ApiId=api, CorsConfiguration=wanted)
    else:
        gateway.delete_cors_configuration(ApiId=api)
    changes.append("cors")


def items(operation, api: str) -> list[dict]:
    return operation(ApiId=api, MaxResults="1000")["Items"]


def true(value) -> bool:
    """A template's boolean, which is text when it comes from a parameter."""
    return str(value).lower() == "true"
