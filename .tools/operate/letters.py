"""`make letters`: lists the dead letters of a stack by reason, with what to do about them. All letters stay."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from base.console import say, stop_with
from base.paths import ROOT
from base.stacks import Stack
from operate import reading
from operate.origin import Letter, Subject, attribute, subject
from operate.quoting import quoted
from operate.reading import Reading

# The reasons of letters that SQS or EventBridge moved: neither writes the attribute `reason`.
TOO_OFTEN = "received_too_often"
NOT_SENT = "not_sent_by_the_bus"
REASONS = ROOT / "shared" / "deadletter" / "reasons.json"
# By the name for the command line, the logical ids in template.yaml of the letters' queue and of the target.
QUEUES = {
    "events": ("EventsDeadLettersQueue", "EventsQueue"),
    "deliveries": ("DeliveriesDeadLettersQueue", "DeliveriesQueue"),
    "bus": ("BusDeadLettersQueue", "EventsQueue"),
}
EXAMPLES, TENANTS, GROUPS = 3, 5, 30  # that are shown of a reason, of a reason, and of a queue
MOST_ID, MOST_DETAIL = 64, 240  # characters that are shown


@dataclass(frozen=True)
class Advice:
    """What a reason means, and what to do about letters with it."""

    happened: str
    do: str


UNKNOWN_REASON = Advice(
    "This version of the code does not write this reason.",
    "Read the detail. Use the tools of the version that wrote it; these do not send it back.",
)


def advice() -> dict[str, Advice]:
    """The advice by reason, from the list that the functions are tested against."""
    reasons = json.loads(REASONS.read_text(encoding="utf-8"))
    return {entry["reason"]: Advice(entry["happened"], entry["do"]) for entry in reasons}


def reason(letter: Letter) -> str:
    """Why the message is a dead letter."""
    return attribute(letter, "reason") or (NOT_SENT if attribute(letter, "ERROR_CODE") else TOO_OFTEN)


def detail(letter: Letter) -> str:
    """What the function or EventBridge says about this letter; empty when neither says anything."""
    names = ("detail", "ERROR_MESSAGE", "ERROR_CODE")
    return next((text for text in (attribute(letter, name) for name in names) if text), "")


@dataclass
class Group:
    """The letters of a queue with one reason."""

    count: int = 0
    altered: int = 0  # letters that are not the whole message
    oldest: float = float("inf")  # seconds since 1970, as are all times here
    newest: float = 0
    tenants: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)  # the tenant and the description of each

    def add(self, letter: Letter) -> None:
        """Counts a letter, and keeps it as an example if there are few of them or none of its tenant."""
        sent, about = int(letter["Attributes"]["SentTimestamp"]) / 1000, subject(letter)
        tenant = about.tenant[: MOST_ID + 1]
        self.count += 1
        self.altered += bool(attribute(letter, "altered"))
        self.oldest, self.newest = min(self.oldest, sent), max(self.newest, sent)
        shown = [of for of, _ in self.examples]
        if len(shown) >= EXAMPLES and tenant not in self.tenants:
            repeated = [place for place, of in enumerate(shown) if of in shown[:place]]
            for place in repeated[-1:]:
                del self.examples[place]
        self.tenants[tenant] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((tenant, described(letter, about)))


def named(letter: Letter, about: Subject) -> str:
    """The event of a letter, or its message if the event cannot be read. The texts are the producer's, so quoted."""
    message = "" if about.event else attribute(letter, "message_id") or letter["MessageId"]
    parts = {"tenant": about.tenant, "event": about.event, "type": about.type, "message": message}
    return ", ".join(f"{name} {quoted(value, MOST_ID)}" for name, value in parts.items() if value)


def described(letter: Letter, about: Subject) -> str:
    """A letter in one line. What comes from the message is quoted, also in the detail."""
    line = named(letter, about)
    if text := detail(letter):
        line += f": {quoted(text, MOST_DETAIL)}"
    if changed := attribute(letter, "altered"):
        line += f" (not the whole message: {quoted(changed, MOST_DETAIL)})"
    return line


class Listing:
    """The letters of one queue."""

    def __init__(self, sqs: Any, logical: str, url: str) -> None:
        """The queue is named by its logical id."""
        self.sqs, self.logical, self.url = sqs, logical, url
        self.groups: dict[str, Group] = {}
        self.count = self.hidden = 0

    def show(self) -> bool:
        """Reads and prints the letters, also after an interruption. Returns whether all are visible again."""
        read = Reading(self.sqs, self.url)
        try:
            read.run(lambda letters: self.add(read, letters), lambda: f"{reading.letters(self.count)} so far")
        finally:
            try:
                self.print(read)
            finally:
                given_back = read.give_back()
        return given_back

    def add(self, read: Reading, letters: list[Letter]) -> None:
        """Counts letters."""
        with read.lock:
            for letter in letters:
                self.groups.setdefault(reason(letter), Group()).add(letter)
            self.count += len(letters)

    def print(self, read: Reading) -> None:
        """Prints the letters by reason, the most frequent first."""
        known = advice()
        if self.count or not read.complete or read.younger or read.hidden_by_others():
            names = [name for name, (letters, _) in QUEUES.items() if letters == self.logical]
            so_far = "" if read.complete else ", as far as it came"
            say(f"\n{self.logical} (QUEUE={names[0]}): {reading.letters(self.count)}{so_far}")
        groups = sorted(self.groups.items(), key=lambda item: -item[1].count)
        for why, group in groups[:GROUPS]:
            name = why if why in known else quoted(why, MOST_ID)
            print_group(name, group, known.get(why, UNKNOWN_REASON), read.depth.retention)
        if rest := groups[GROUPS:]:
            say(f"\n  {sum(group.count for _, group in rest):,} × {len(rest):,} other reasons")
        self.hidden = read.explain("make letters")


def print_group(why: str, group: Group, about: Advice, retention: int) -> None:
    """Prints the letters with one reason."""
    say(f"\n  {group.count:,} × {why}\n      {about.happened}\n      {about.do}")
    expires = moment(group.oldest + retention)
    say(f"      Oldest {moment(group.oldest)}, newest {moment(group.newest)}; the oldest expires {expires} (UTC).")
    if group.altered:
        say(f"      Not the whole message, so that `make redrive` keeps them: {reading.letters(group.altered)}.")
    if group.count > EXAMPLES:
        say(f"      Tenants: {by_tenant(group.tenants)}.")
    if group.count > len(group.examples):
        say(f"      {len(group.examples)} examples of {group.count:,}; texts in quotes are from the messages:")
    else:
        say("      Texts in quotes are from the messages:")
    for _, line in group.examples:
        say(f"        - {line}")


def by_tenant(tenants: Counter[str]) -> str:
    """The tenants with the most letters."""
    named = [
        f"{quoted(name, MOST_ID) if name else 'unknown'} {count:,}" for name, count in tenants.most_common(TENANTS)
    ]
    if others := len(tenants) - len(named):
        rest = sum(tenants.values()) - sum(count for _, count in tenants.most_common(TENANTS))
        named.append(f"{others:,} other{'' if others == 1 else 's'} {rest:,}")
    return ", ".join(named)


def moment(at: float) -> str:
    """A time as the pages write it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def queues(stack: Stack, *logical: str) -> dict[str, str]:
    """The URLs of the stack's queues by their logical ids. Stops when it lacks one of these."""
    found = stack.queues()
    if missing := [name for name in logical if name not in found]:
        stop_with(f"the stack {stack.name} has no {' and no '.join(missing)}.")
    return found


def show(stack: Stack) -> int:
    """Prints the letters of every queue by reason. Returns an exit status: 1 when something could not be done."""
    counts, failed, hidden = Counter[str](), 0, 0
    sqs, urls = stack.client("sqs"), queues(stack, *(source for source, _ in QUEUES.values()))
    try:
        for logical, _ in QUEUES.values():
            listing = Listing(sqs, logical, urls[logical])
            try:
                failed += not listing.show()
            except (BotoCoreError, ClientError) as error:
                failed += 1
                say(f"\n{logical} could not be read: {error}")
            finally:
                counts[logical] = listing.count
                hidden += listing.hidden
    except BaseException:
        say("\nNot finished. The numbers above are those up to that moment. All letters stay in their queues.")
        raise
    if not counts.total():
        say("\nNo other dead letters." if failed or hidden else "\nNo dead letters.")
    else:
        used = sum(count > 0 for count in counts.values())
        say(f"\n{reading.letters(counts.total())} in {used} queue{'' if used == 1 else 's'}. All of them stay there.")
    return 1 if failed else 0
