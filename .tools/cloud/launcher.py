"""Runs ministack with the few changes that version 1.5.33 needs.

Started by cloud.py; the arguments are the lock file and the port. Each change says when it
can go; when all have gone, start `ministack` itself.
"""

import fcntl
import json
import logging
import os
import re
import socketserver
import sys
import threading

# Its Lambda Runtime API answers in two small writes, and Nagle's algorithm holds the second
# back until the first is acknowledged: 40 ms more for every warm invocation.
# Can go when a warm invocation takes less than 10 ms without it.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack import app  # noqa: E402 (after the line above)
from ministack.core import iam_actions, iam_evaluator, persistence  # noqa: E402

AUTOSAVE_SECONDS = 20


def hold(path: str, port: str):
    """Locks the file for as long as this process lives, so that others can tell whether it does.

    A process id alone cannot: after a crash it may belong to another program.
    """
    lock = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{path} is held: this cloud is running already")
    lock.truncate(0)
    lock.write(f"{os.getpid()} {port}\n")
    lock.flush()
    return lock


def batches_need_no_permission_of_their_own() -> None:
    """On AWS, sqs:SendMessage allows SendMessageBatch too, and no action of that name exists:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html

    Can go when a role with sqs:SendMessage alone may send a batch here.
    """
    extract = iam_actions.extract_iam_action

    def extract_single(*args, **kwargs):
        action = extract(*args, **kwargs)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_single


def statements_need_the_permission_of_what_they_do() -> None:
    """On AWS, a PartiQL statement is allowed by dynamodb:PartiQLInsert (or …Select, …Update, …Delete) on its
    table, and no action is named BatchExecuteStatement:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html

    Can go when a role with dynamodb:PartiQLInsert alone may insert a batch here.
    """
    extract, resources = iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns

    def statements(body: bytes) -> list[str]:
        return [s["Statement"] for s in json.loads(body or b"{}").get("Statements", [])]

    def extract_statement(service, method, path, headers, body, query_params):
        action = extract(service, method, path, headers, body, query_params)
        if action != "dynamodb:BatchExecuteStatement":
            return action
        kinds = {s.split(maxsplit=1)[0].capitalize() for s in statements(body)}
        return f"dynamodb:PartiQL{kinds.pop()}" if len(kinds) == 1 else action  # mixed: nobody is allowed that

    def statement_resources(body, region, account_id):
        tables = dict.fromkeys(table for s in statements(body) for table in re.findall(r'^INSERT INTO "([^"]+)"', s))
        return [arn for t in tables for arn in resources(json.dumps({"TableName": t}), region, account_id)] or resources(body, region, account_id)

    iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns = extract_statement, statement_resources


def record_calls(path: str) -> None:
    """Writes down what the functions' roles were allowed and used: one JSON line for each role, action and
    resource, the first time. A test compares it with what the template grants (shared/systemtest/e2e/roles_test.go).

    Can go when ministack's CloudTrail names the resources of a call.
    """
    evaluate, seen = iam_evaluator.evaluate, set()
    out = open(path, "w", encoding="utf-8", buffering=1)  # a line is there once it is written

    def evaluate_and_record(ctx, *args, **kwargs):
        result = evaluate(ctx, *args, **kwargs)
        _, is_role, session = ctx.principal_arn.partition(":assumed-role/")
        call = session.split("/")[0], ctx.action, ctx.resource_arn
        if is_role and result.decision == "Allow" and call not in seen:
            seen.add(call)
            out.write(json.dumps(dict(zip(("role", "action", "resource"), call))) + "\n")
        return result

    iam_evaluator.evaluate = evaluate_and_record


def autosave() -> None:
    """Writes the state every few seconds: ministack itself does so only when it ends gently.

    Can go when ministack does it. The two writers share file names, hence the lock.
    """
    saving, save_all = threading.Lock(), persistence.save_all

    def save_one_at_a_time(services):
        with saving:
            save_all(services)

    def loop():
        while True:
            pause.wait(AUTOSAVE_SECONDS)
            save_one_at_a_time(app._build_persistence_save_dict())

    app.save_all = save_one_at_a_time
    pause = threading.Event()  # never set: a wait that ends with the process
    logging.getLogger("persistence").setLevel(logging.WARNING)
    threading.Thread(target=loop, daemon=True).start()


if __name__ == "__main__":
    lock = hold(sys.argv[1], sys.argv[2])
    sys.argv[1:] = []  # ministack reads its own arguments
    batches_need_no_permission_of_their_own()
    statements_need_the_permission_of_what_they_do()
    if path := os.environ.pop("RECORD_CALLS", ""):
        record_calls(path)
    if persistence.PERSIST_STATE:
        autosave()
    app.main()
