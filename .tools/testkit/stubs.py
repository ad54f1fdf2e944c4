"""Clients of AWS for tests: they answer what a test has queued, and make no request."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

from base.stacks import Stack


class Stubs:
    """The stubbed clients of one test."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubbers: dict[str, Stubber] = {}

    def client(self, service: str) -> Any:
        """The client of a service; the same one each time."""
        if service not in self.clients:
            credentials = {"aws_access_key_id": "stub", "aws_secret_access_key": "stub"}
            self.clients[service] = boto3.client(service, region_name="us-east-1", **credentials)
            self.stubbers[service] = Stubber(self.clients[service])
            self.stubbers[service].activate()
        return self.clients[service]

    def stub(self, service: str) -> Stubber:
        """The answers of a service, in the order of the expected calls."""
        self.client(service)
        return self.stubbers[service]

    def stack(self) -> Stack:
        """The stack webhooks-dev in the stubbed account."""
        return Stack("webhooks-dev", self.client)

    def expect_queues(self, *names: str) -> None:
        """Expects a listing of the stack's resources: these queues, one a page, each with its name as its URL."""
        stub = self.stub("cloudformation")
        for number, name in enumerate(names):
            page: dict[str, Any] = {"StackResourceSummaries": [resource(name, "AWS::SQS::Queue"), TABLE]}
            if number < len(names) - 1:
                page["NextToken"] = f"page-{number + 1}"
            expected = {"StackName": "webhooks-dev"} | ({"NextToken": f"page-{number}"} if number else {})
            stub.add_response("list_stack_resources", page, expected)

    def expect_concurrency(self, limit: int, unreserved: int | None = None) -> None:
        """Expects that Lambda is asked how many functions may run at once."""
        limits = {
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit if unreserved is None else unreserved,
        }
        self.stub("lambda").add_response("get_account_settings", {"AccountLimit": limits}, {})

    def expect_receive(self, queue: str, *letters: dict[str, Any]) -> None:
        """Expects one receive from a queue, which answers these letters."""
        expected = {
            "QueueUrl": url(queue),
            "MaxNumberOfMessages": 10,
            "VisibilityTimeout": ANY,
            "WaitTimeSeconds": 1,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        self.stub("sqs").add_response("receive_message", {"Messages": list(letters)} if letters else {}, expected)

    def expect_depth(
        self, queue: str, visible: int = 0, hidden: int = 0, at: str = "Mon, 26 Jan 2026 11:00:00 GMT"
    ) -> None:
        """Expects that SQS is asked about a queue, and that it answers these numbers at that time."""
        values = {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
            "MessageRetentionPeriod": "1209600",
        }
        answer = {"Attributes": values, "ResponseMetadata": {"HTTPHeaders": {"date": at}}}
        self.stub("sqs").add_response(
            "get_queue_attributes", answer, {"QueueUrl": url(queue), "AttributeNames": ["All"]}
        )

    def expect_given_back(self, queue: str, *letters: dict[str, Any], seconds: int = 0, failed: Any = ()) -> None:
        """Expects that these letters become visible after that time; for some of them SQS answers failures."""
        entries = [{**handle(letter), "VisibilityTimeout": seconds} for letter in letters]
        self.expect_batch("change_message_visibility_batch", queue, entries, failed)

    def expect_batch(self, operation: str, queue: str, entries: list[dict[str, Any]], failed: Any = ()) -> None:
        """Expects a request with these entries. SQS takes all, except for those of the failures it answers."""
        not_taken = {failure["Id"] for failure in failed}
        taken = [{"Id": entry["Id"]} for entry in entries if entry["Id"] not in not_taken]
        if operation == "send_message_batch":
            taken = [{**one, "MessageId": "new", "MD5OfMessageBody": "0"} for one in taken]
        answer = {"Successful": taken, "Failed": list(failed)}
        self.stub("sqs").add_response(operation, answer, {"QueueUrl": url(queue), "Entries": entries})

    def assert_all_called(self) -> None:
        """Fails when an expected call was not made."""
        for stubber in self.stubbers.values():
            stubber.assert_no_pending_responses()


def url(queue: str) -> str:
    """The URL of a queue."""
    return f"https://sqs.us-east-1.amazonaws.com/000000000000/{queue}"


def resource(name: str, kind: str) -> dict[str, Any]:
    """A resource as CloudFormation lists it; its physical id is the URL of a queue of its name."""
    return {
        "LogicalResourceId": name,
        "PhysicalResourceId": url(name),
        "ResourceType": kind,
        "LastUpdatedTimestamp": "2026-01-26T09:30:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }


TABLE = resource("WebhooksTable", "AWS::DynamoDB::Table")


def letter(number: int = 1, sent: str = "1769421600007", **attributes: str) -> dict[str, Any]:
    """A dead letter with the attributes of a message."""
    return {
        "MessageId": f"id-{number}",
        "ReceiptHandle": f"handle-{number}",
        "Body": f"body {number}",
        "Attributes": {"SentTimestamp": sent},
        "MessageAttributes": {n: {"DataType": "String", "StringValue": v} for n, v in attributes.items()},
    }


def handle(letter: dict[str, Any]) -> dict[str, Any]:
    """The entry that names a letter in a request."""
    return {"Id": letter["MessageId"], "ReceiptHandle": letter["ReceiptHandle"]}


def failure(letter: dict[str, Any], code: str, by_sender: bool = False) -> dict[str, Any]:
    """What SQS answers about a letter of a request that it did not take."""
    return {"Id": letter["MessageId"], "Code": code, "SenderFault": by_sender}


def moved(number: int = 1, /, **attributes: str) -> dict[str, Any]:
    """A dead letter that SQS moved, with the attributes of its producer."""
    it = letter(number, **attributes)
    it["Attributes"]["DeadLetterQueueSourceArn"] = "arn:aws:sqs:us-east-1:000000000000:EventsQueue"
    return it


@contextlib.contextmanager
def printed() -> Iterator[io.StringIO]:
    """What the body prints to standard error."""
    out = io.StringIO()
    with contextlib.redirect_stderr(out):
        yield out
