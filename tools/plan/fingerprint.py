"""Fingerprint of a plan: SHA-256 over everything that is judged, to compare the applied plan with the approved one.

It covers the outcome, the reasons, access, risks, interruptions and each change with its values. Two runs on the same
state give the same fingerprint: left out are names that Pulumi generates for each preview, secrets, and values that are
known only after an `up`.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from tools.access.words import PLAIN
from tools.plan.access import access_lines
from tools.plan.differences import at
from tools.plan.plan import Plan
from tools.plan.preview import UNKNOWN, Step, is_masked, part

ALGORITHM = "sha256:"
VALUE = re.compile(r"sha256:[0-9a-f]{64}")
# Characters of a part's digest in a comment. Only the fingerprint itself decides.
DIGITS = 12
# The longest list of parts in a comment, which has to have room for the plan. Without a list, only the fingerprints are
# compared.
LONGEST_PARTS = 15_000
HIDDEN = re.compile(
    r"^<!-- mlflow-platform fingerprint (\S+) (sha256:[0-9a-f]{64}) ([A-Za-z0-9+/=]*) ?-->$", re.MULTILINE
)
SECRET_FIELDS = ("data", "stringData")
AUTONAMED = "pulumi.com/autonamed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """The fingerprint of a stack's plan."""

    stack: str
    value: str
    """`sha256:` and 64 digits."""

    parts: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Digests of each part of the plan and of each change, to name the differences; may be empty."""


def fingerprint(one: Plan) -> Fingerprint:
    """The fingerprint of a plan."""
    judged: dict[str, Any] = {
        "outcome": one.outcome,
        "reasons": one.reasons,
        "access": None if one.access is None else access_lines(one, PLAIN),
        "risks": [asdict(risk) for risk in one.risks],
        "interruptions": [asdict(each) for each in one.interruptions],
        "networks": [*one.opened, *one.closed],
    }
    for step in sorted(one.preview.changes, key=lambda step: (step.urn, step.op)):
        judged.setdefault(f"{step.op} {step.shown}", []).append(_change(step))
    names = _drawn(one.preview.changes)
    parts = {name: _digest(_written(content, names)) for name, content in judged.items()}
    return Fingerprint(
        stack=one.stack,
        value=f"{ALGORITHM}{_digest(_written(judged, names))}",
        parts={name: digest[:DIGITS] for name, digest in parts.items()},
    )


def _change(step: Step) -> dict[str, Any]:
    return {
        "op": step.op,
        "resource": step.urn,
        "properties": step.changed,
        "values": _values(step),
        "protected": step.protected,
        "retained": step.retained,
    }


def _values(step: Step) -> dict[str, Any]:
    """Old and new values of the changed properties; of all properties, if the preview does not list every change."""
    old, new = _shown(step.old, step.kind), _shown(step.new, step.kind)
    if step.op == "update":
        return {path: (at(old, path), at(new, path)) for path in step.changed}
    return {"": (old, new)}


def _shown(inputs: Mapping[str, Any], kind: str) -> Any:  # noqa: ANN401 - any JSON
    shown = _known(inputs)
    if kind == "Secret":
        for name in SECRET_FIELDS:
            shown |= {name: dict.fromkeys(part(shown, name), "secret")} if name in shown else {}
    return shown


def _known(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value without secrets and without what is not known yet."""
    if is_masked(value):
        return "secret"
    if isinstance(value, Mapping):
        return {str(key): _known(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in cast("Sequence[Any]", value)]
    return "unknown" if isinstance(value, str) and UNKNOWN in value else value


def _drawn(steps: Sequence[Step]) -> dict[str, str]:
    """Random names that Pulumi generates for new objects, each with its placeholder.

    Only names of Pulumi's own form count: otherwise a program could hide any text from the fingerprint.
    """
    found: dict[str, str] = {}
    for step in steps:
        metadata = part(step.new, "metadata")
        name = str(metadata.get("name"))
        drawn = part(metadata, "annotations").get(AUTONAMED) == "true"
        if step.op in {"create", "replace"} and drawn and re.fullmatch(rf"{re.escape(step.name)}-[0-9a-f]{{8}}", name):
            found[name] = f"{step.name}-(drawn)"
    return found


def _written(content: Any, names: Mapping[str, str]) -> str:  # noqa: ANN401 - any JSON
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hidden(one: Fingerprint) -> str:
    """The fingerprint as an HTML comment, invisible in a pull request. Names are encoded, so that none can end it."""
    parts = base64.b64encode(json.dumps(dict(one.parts), separators=(",", ":")).encode()).decode()
    return (
        f"<!-- mlflow-platform fingerprint {one.stack} {one.value} {parts if len(parts) <= LONGEST_PARTS else ''} -->"
    )


def read(text: str, stack: str) -> Fingerprint | None:
    """The fingerprint of a stack in a comment; None if there is none."""
    # Below the first lines stands text of the program, which may look like a fingerprint.
    for name, value, parts in HIDDEN.findall(text.partition("\n\n")[0]):
        if name == stack:
            listed: dict[str, str] = json.loads(base64.b64decode(parts)) if parts else {}
            return Fingerprint(stack=stack, value=value, parts=listed)
    return None


def differences(approved: Fingerprint, now: Fingerprint) -> list[str]:
    """Differences between two plans: the parts that are new, missing or changed; empty if one plan has no parts."""
    if not approved.parts or not now.parts:
        return []
    before, after = approved.parts, now.parts
    return [
        *(f"new: {name}" for name in sorted(after.keys() - before.keys())),
        *(f"gone: {name}" for name in sorted(before.keys() - after.keys())),
        *(f"other: {name}" for name in sorted(before.keys() & after.keys()) if before[name] != after[name]),
    ]
