"""What a change set says, in words."""

from collections.abc import Iterator

from operate.preflight.finding import Finding, listed, ok, problem, warning
from operate.preflight.plan import Node, Plan

# CloudFormation has no code for "there is nothing to do": these are the reasons of such a change set.
NOTHING = ("didn't contain changes", "No updates are to be performed")
# What holds data: a new one is empty, or cannot read what the old one wrote.
HOLDS_DATA = {
    "AWS::DynamoDB::Table": "The new table is empty, and the service does not see the old one any more.",
    "AWS::SQS::Queue": "The messages in it are lost, and producers have its URL.",
    "AWS::KMS::Key": "The new key cannot decrypt the secrets in the table.",
}
# Each deployment with aliases publishes new versions and deletes the old ones.
EXPECTED = {"AWS::Lambda::Version"}


def read(plan: Plan, described: Node, events: list[Node]) -> Iterator[Finding]:
    """The findings of a finished change set and of CloudFormation's validation (its events)."""
    yield from map(validation, events)
    status, reason = described["Status"], described.get("StatusReason", "no reason given")
    if status == "CREATE_COMPLETE":
        found = [change["ResourceChange"] for change in described["Changes"] if "ResourceChange" in change]
        yield from listing(plan, found)
    elif status != "FAILED":
        yield warning(f"CloudFormation did not finish the change set in time ({status}). Try again.")
    elif any(nothing in reason for nothing in NOTHING):
        yield ok("nothing would change")
    elif not any(map(failed, events)):  # otherwise the reason only says that the validation failed
        yield problem(f"CloudFormation refuses the change set: {reason}")


def failed(event: Node) -> bool:
    """Whether a finding of the validation forbids the deployment."""
    return event.get("ValidationFailureMode") == "FAIL" and event.get("ValidationStatus") != "SKIPPED"


def validation(event: Node) -> Finding:
    """A finding of CloudFormation's validation."""
    where = event.get("ValidationPath") or event.get("LogicalResourceId") or "the template"
    text = f"{where}: {event.get('ValidationStatusReason', 'no reason given')} ({event.get('ValidationName', '')})"
    if event.get("ValidationStatus") == "SKIPPED":
        return warning(f"CloudFormation did not validate {text}")
    return problem(text) if failed(event) else warning(text)


def listing(plan: Plan, found: list[Node]) -> Iterator[Finding]:
    """The number of changes, and in words what would be replaced or removed."""
    added = sum(change["Action"] in ("Add", "Import") for change in found)
    removed = [change for change in found if change["Action"] == "Remove"]
    replaced = [change for change in found if change.get("Replacement") == "True"]
    # These have a property from another resource that changes, and CloudFormation does not know its new value yet.
    perhaps = [change for change in found if change.get("Replacement") == "Conditional"]
    changed = len(found) - added - len(removed) - len(replaced)
    may = f" ({len(perhaps)} of them perhaps to replace)" if perhaps else ""
    yield ok(f"{added} to add, {changed} to change{may}, {len(replaced)} to replace, {len(removed)} to remove")
    yield from (replacing(change) for change in (*replaced, *perhaps) if change["ResourceType"] in HOLDS_DATA)
    yield from (removing(plan, change) for change in removed if change["ResourceType"] in HOLDS_DATA)
    unimportant = HOLDS_DATA.keys() | EXPECTED
    for what, some in (("replace", replaced), ("remove", removed)):
        names = [
            f"{c['LogicalResourceId']} ({c['ResourceType']})" for c in some if c["ResourceType"] not in unimportant
        ]
        if names:
            yield warning(f"The update would {what} {listed(names, 20)}.")


def replacing(change: Node) -> Finding:
    """What the replacement of something with data means. The old one stays as long as its UpdateReplacePolicy says."""
    name, meaning = change["LogicalResourceId"], HOLDS_DATA[change["ResourceType"]]
    because = listed({path(detail) for detail in change.get("Details", [])} - {""})
    why = f" because of {because}" if because else ""
    if change["Replacement"] == "Conditional":
        return warning(f"The update may replace {name}{why}; CloudFormation decides while it deploys. {meaning}")
    return problem(f"The update would replace {name}{why}. {meaning} Undo that change of the template.")


def path(detail: Node) -> str:
    """The property that a change is about."""
    target: Node = detail.get("Target", {})
    if target.get("RequiresRecreation", "Never") == "Never":
        return ""
    return str(target.get("Name") or target.get("Attribute", ""))


def removing(plan: Plan, change: Node) -> Finding:
    """What the removal of something with data means."""
    name, physical = change["LogicalResourceId"], change.get("PhysicalResourceId", "")
    kept = change.get("PolicyAction") == "Retain"
    if kept and physical and plan.arn("OldSecretsKeyArn").endswith(f"/{physical}"):
        return ok(f"{name} leaves the stack and is kept as OldSecretsKeyArn")
    stays = f"{physical} would be kept, outside of the stack." if kept else f"{physical} would be deleted."
    also = " Set OldSecretsKeyArn to its ARN." if change["ResourceType"] == "AWS::KMS::Key" else ""
    return problem(f"The update would remove {name}: {stays} The service would not find its data any more.{also}")
