"""Judgement of one case: what the answer gives away, and whether it differs from that of the twin."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from http import HTTPStatus

from testbed.e2e.attack import verdict
from testbed.e2e.attack.generated import references
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.table import Request
from testbed.e2e.attack.verdict import ANYONE, LISTED, MEMBER, Aim, Answer

BAD_REQUEST = 400
# Header lines that differ between any two answers.
VOLATILE = {"x-request-id", "date", "content-length", "etag", "last-modified"}
# What a client must never read of the server's inside.
INTERNALS = (
    "psycopg",
    "sqlalchemy",
    "[SQL",
    "[parameters:",
    "Traceback (most recent call last)",
    "site-packages",
    "row-level security",
    "svc.cluster.local",
)
# Where a client chooses the id of what it makes.
CHOSEN = {
    "POST /api/3.0/mlflow/traces": ("trace.trace_info.trace_id", "trace.trace_info.assessments[].assessment_id"),
    "POST /v1/traces": ("traceId",),
}
# Values below this length are replaced as whole words only: experiments are numbered.
SHORT = 8
# Replaced first: the short number of an experiment may be part of a time.
TIMES = (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z?"), re.compile(r"\b1[0-9]{12}\b"))
# A set of names in a message, such as {'name', 'run_id'}; in GraphQL's errors the quotes are escaped.
SET = re.compile(r"\{(\\*'[^{}']*'(?:, \\*'[^{}']*')*)\}")
NEW = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<new>"),
    (re.compile(r"[0-9a-f]{32}"), "<new>"),
    (re.compile(r'"(experiment_id|version|last_registered_version)": ?"?\d+"?'), r'"\1": "<number>"'),
    (re.compile(r"/workspaces/([a-z-]+)/\d+/"), r"/workspaces/\1/<number>/"),
    # Made of the name of what is new.
    (re.compile(r'"digest": ?"[0-9a-f]+"'), '"digest": "<new>"'),
    # MLflow names runs by itself.
    (re.compile(r"\b[a-z]+-[a-z]+-\d{1,3}\b"), "<run name>"),
)


def faults(case: Case, sent: Request, answer: Answer, secrets: Collection[str]) -> Iterator[str]:
    """Faults of an answer by itself, without its twin."""
    if leaked := verdict.leaked(sent.text, answer, secrets):
        yield f"LEAK of {leaked[0]}"
    if found := [one for one in INTERNALS if one in answer.text]:
        yield f"tells the server's inside ({found[0]})"
    needs = set(case.change.entry.needs)
    elsewhere = case.aim is not Aim.COPIED and not needs & {ANYONE, LISTED, MEMBER}
    if elsewhere and answer.status < BAD_REQUEST:
        yield f"not refused: {answer.status}"


def is_taken(case: Case, answer: Answer, twin: Answer) -> bool:
    """True if the answer only tells that the id of the victim's trace or assessment is in use.

    The id is the table's primary key, over all workspaces. The attacker knew the id before: nobody guesses 128 random
    bits. A second object with the same id would be worse.
    """
    entry = case.change.entry
    chosen = case.aim is Aim.COPIED and case.change.field in CHOSEN.get(f"{entry.method} {entry.path}", ())
    made = HTTPStatus.OK <= twin.status < HTTPStatus.MULTIPLE_CHOICES
    return chosen and answer.status == HTTPStatus.NOT_FOUND and made


def difference(
    answer: Answer, twin: Answer, victim: Mapping[str, str], volatile: Iterable[str] = (), use: str = ""
) -> str:
    """How an answer differs from its twin's, apart from the ids in the requests; empty if it does not.

    Args:
        answer: the answer to the request that refers to the victim's object.
        twin: the answer to the same request with ids of nothing.
        victim: the victim's values.
        volatile: further texts that one of both requests contained, such as new names.
        use: purpose of the missing ids (references.absent).
    """
    if answer.status != twin.status:
        return f"{answer.status}, and {twin.status} for what does not exist"
    texts = list(volatile)
    here, there = (_plain(one, victim, texts, use) for one in (answer, twin))
    if here == there:
        return ""
    position = next((index for index, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), len(here))
    start = max(0, position - 40)
    return f"{here[start : position + 60]!r}, and {there[start : position + 60]!r} for what does not exist"


def request_id(answer: Answer) -> str:
    """The answer's X-Request-ID; empty without one."""
    head = answer.text.partition("\n\n")[0]
    found = [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("x-request-id:")]
    return found[0] if found else ""


def _sorted(body: str) -> str:
    """A body in which everything that MLflow returns in arbitrary order is sorted: tags, and Python's sets.

    The order of a set differs from worker to worker.
    """
    text = SET.sub(lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", body)
    try:
        document = json.loads(text, object_hook=_in_order)
    except ValueError:
        return text
    return json.dumps(document, indent=2, sort_keys=True)


def _in_order(document: dict[str, object]) -> dict[str, object]:
    for name, value in document.items():
        if isinstance(value, list) and all(isinstance(one, dict) and one.keys() == {"key", "value"} for one in value):  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            document[name] = sorted(value, key=json.dumps)  # pyright: ignore[reportUnknownArgumentType]
    return document


def _plain(answer: Answer, victim: Mapping[str, str], volatile: Iterable[str], use: str) -> str:
    head, _, body = answer.text.partition("\n\n")
    lines = [line for line in head.splitlines() if line.partition(":")[0].lower() not in VOLATILE]
    text = "\n".join([*sorted(lines), "", _sorted(body)])
    for pattern in TIMES:
        text = pattern.sub("<time>", text)
    for one in volatile:
        text = text.replace(one, "<fresh>")
    pairs = [(value, key) for key, value in victim.items() if value and key != "scorer_code"]
    for value, key in sorted(pairs, key=lambda pair: -len(pair[0])):
        for quoted in dict.fromkeys((value, references.absent(value, use), references.absent(value))):
            if len(quoted) < SHORT or quoted.isdigit():
                text = re.sub(rf"(?<![\w-]){re.escape(quoted)}(?![\w-])", f"<{key}>", text)
            else:
                text = text.replace(quoted, f"<{key}>")
    for pattern, name in NEW:
        text = pattern.sub(name, text)
    return text
