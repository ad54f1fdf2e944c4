"""Runs ministack with the few changes that version 1.5.33 needs.

Started by instance.py with two arguments: the lock file and the port. Each change says when it can go;
when all have gone, start `ministack` itself.
"""

import fcntl
import json
import logging
import os
import re
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

# ministack's Lambda Runtime API answers in two small writes, and Nagle's algorithm holds back the second
# one until the first is acknowledged: 40 ms more for every warm invocation.
# Can go when a warm invocation takes less than 10 ms without it.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack import app  # noqa: E402 (after the line above)
from ministack.core import iam_actions, iam_evaluator, persistence  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))  # at the end: the tools' modules must not hide those of ministack
from cloud import queues  # noqa: E402

AUTOSAVE_SECONDS = 20
# The table of a PartiQL statement.
TABLE = re.compile(r'^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|SELECT\s.+?\sFROM)\s+"([^"]+)"', re.IGNORECASE)


def hold(path: str, port: str) -> TextIO:
    """Locks the file until this process ends, so that others can tell whether it runs.

    A process id is not enough: after a crash another program may have it.
    """
    lock = open(path, "a+", encoding="utf-8")  # noqa: PTH123, SIM115 (closed when the process ends)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{path} is locked: this cloud is running already")
    lock.truncate(0)
    lock.write(f"{os.getpid()} {port}\n")
    lock.flush()
    return lock


def allow_batches_of_messages() -> None:
    """Lets sqs:SendMessage allow SendMessageBatch too, as on AWS, where no action of that name exists.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html

    Can go when a role with sqs:SendMessage alone may send a batch here.
    """
    extract = iam_actions.extract_iam_action

    def extract_single(*args: Any, **kwargs: Any) -> Any:
        action = extract(*args, **kwargs)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_single


def check_statements_by_their_kind() -> None:
    """Lets dynamodb:PartiQLInsert (…Select, …Update, …Delete) on a table allow a batch of such statements.

    AWS does the same, and has no action BatchExecuteStatement:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html

    Can go when a role with dynamodb:PartiQLInsert alone may insert a batch here.
    """
    extract, resources = iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns

    def statements(body: bytes) -> list[str]:
        return [s["Statement"] for s in json.loads(body or b"{}").get("Statements", [])]

    def extract_statement(service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        action = extract(service, method, path, headers, body, query_params)
        if action != "dynamodb:BatchExecuteStatement":
            return action
        kinds = {s.split(maxsplit=1)[0].capitalize() for s in statements(body)}
        # Statements of several kinds keep an action that no policy allows.
        return f"dynamodb:PartiQL{kinds.pop()}" if len(kinds) == 1 else action

    def statement_resources(body: bytes, region: str, account_id: str) -> Any:
        found = (table for s in statements(body) for table in TABLE.findall(s))
        bodies = [json.dumps({"TableName": table}) for table in dict.fromkeys(found)]
        arns = [arn for named in bodies for arn in resources(named, region, account_id)]
        return arns or resources(body, region, account_id)

    iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns = extract_statement, statement_resources


def fill_in_condition_keys() -> None:
    """Gives the conditions of policies two keys that AWS fills in, which the statements on the KMS key use.

    kms:EncryptionContext:NAME is the encryption context of a call; aws:PrincipalArn is a role's own ARN, and not
    that of its session.
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn

    Can go when a role whose policy has such conditions may decrypt here, and another role may not.
    """
    tags, resolve = iam_actions.request_tag_context, iam_evaluator._resolve_condition_key

    def tags_and_context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found: dict[str, Any] = tags(service, iam_action, body, params)
        if service == "kms":
            context = json.loads(body or b"{}").get("EncryptionContext") or {}
            found |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
        return found

    def resolve_principal(key: str, ctx: Any) -> Any:
        session = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.*", ctx.principal_arn)
        if key.lower() == "aws:principalarn" and session:
            return "arn:{}:iam::{}:role/{}".format(*session.groups())
        return resolve(key, ctx)

    iam_actions.request_tag_context, iam_evaluator._resolve_condition_key = tags_and_context, resolve_principal


def record_calls(path: str) -> None:
    """Records the allowed calls of the functions' roles.

    The file gets one JSON line for each role, action and resource at their first call. A test compares
    it with what the template grants (shared/systemtest/e2e/roles_test.go).

    Can go when ministack's CloudTrail names the resources of a call.
    """
    evaluate, seen = iam_evaluator.evaluate, set()
    out = open(path, "w", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115 (buffering=1 writes each line at once)

    def evaluate_and_record(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        result = evaluate(ctx, *args, **kwargs)
        _, is_role, session = ctx.principal_arn.partition(":assumed-role/")
        call = session.split("/")[0], ctx.action, ctx.resource_arn
        if is_role and result.decision == "Allow" and call not in seen:
            seen.add(call)
            out.write(json.dumps(dict(zip(("role", "action", "resource"), call, strict=True))) + "\n")
        return result

    iam_evaluator.evaluate = evaluate_and_record


def autosave() -> None:
    """Saves the state every few seconds; ministack itself saves it only on SIGTERM.

    Can go when ministack does the same. Its own save at the end writes the same files, hence the lock.
    """
    saving, save_all = threading.Lock(), persistence.save_all

    def save_one_at_a_time(services: Any) -> None:
        with saving:
            save_all(services)

    def loop() -> None:
        while True:
            pause.wait(AUTOSAVE_SECONDS)
            save_one_at_a_time(app._build_persistence_save_dict())

    app.save_all = save_one_at_a_time
    pause = threading.Event()  # never set
    logging.getLogger("persistence").setLevel(logging.WARNING)
    threading.Thread(target=loop, daemon=True).start()


def main() -> None:
    """Runs ministack until SIGTERM."""
    lock = hold(sys.argv[1], sys.argv[2])
    sys.argv[1:] = []  # ministack reads its own arguments
    allow_batches_of_messages()
    check_statements_by_their_kind()
    fill_in_condition_keys()
    queues.correct()
    if path := os.environ.pop("RECORD_CALLS", ""):
        record_calls(path)
    if persistence.PERSIST_STATE:
        autosave()
    with lock:
        app.main()


if __name__ == "__main__":
    main()
