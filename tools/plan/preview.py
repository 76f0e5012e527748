"""`Preview`: the steps of `pulumi preview`, read from the events that the engine streams.

The engine masks secrets in the events.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Json = dict[str, Any]

# Pulumi reports three steps for a replacement; only the step called `replace` is counted.
STEPS = ("create", "import", "update", "replace", "delete", "same")
# What the engine writes in the place of a value that is known only after an `up`.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Key of a secret value, and what the engine writes in its place.
SECRET_KEY, MASKED = "4dabf18193072939515e22adb298388d", "[secret]"
MANDATORY = "mandatory"
# How the program begins when it stops at mistakes in the stack file.
MISTAKES = re.compile(r"\d+ mistakes? in (\S+)")
# What the engine and the language host add to an error that they have reported already.
NOISE = ("preview failed", "an unhandled error occurred: program exited with non-zero exit code")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One resource, before and after the plan."""

    op: str
    """One of `STEPS`."""

    urn: str
    type: str
    old: Json = field(default_factory=dict[str, Any], repr=False)
    """Inputs before; empty if the resource is new."""

    new: Json = field(default_factory=dict[str, Any], repr=False)
    """Inputs after; empty if the resource is deleted."""

    changed: tuple[str, ...] = ()
    """Paths of the changed properties."""

    protected: tuple[bool, bool] = (False, False)
    """Two values, before and after the plan: True if Pulumi refuses to delete the resource."""

    retained: tuple[bool, bool] = (False, False)
    """Two values, before and after the plan: True if the resource is retained when it is removed from the stack."""

    parent: str = ""
    """URN of the component it belongs to."""

    @property
    def name(self) -> str:
        """Name of the Pulumi resource."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def kind(self) -> str:
        """Kind of the object, or of the resource at AWS."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def shown(self) -> str:
        """Kind and name, for example `Namespace team-b-namespace`."""
        return f"{self.kind} {self.name}"

    @property
    def component(self) -> str:
        """Type and name of the component, for example `Workspace team-b`; empty for resources without one."""
        if not self.parent:
            return ""
        _, _, types, name = self.parent.split("::", 3)
        kind = types.rsplit("$", 1)[-1].rsplit(":", 1)[-1]
        return "" if kind == "Stack" else f"{kind} {name}"

    @property
    def object(self) -> str:
        """Kind, namespace and name of the Kubernetes object, for example `StatefulSet mlflow/postgres`."""
        metadata = part(self.new or self.old, "metadata")
        name, space = " ".join(str(metadata.get("name") or self.name).split()), metadata.get("namespace")
        return f"{self.kind} {space}/{name}" if isinstance(space, str) and space != UNKNOWN else f"{self.kind} {name}"

    @property
    def object_name(self) -> str:
        """Name of the Kubernetes object."""
        return str(part(self.new or self.old, "metadata").get("name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A rule of the policy pack that is broken."""

    rule: str
    level: str
    where: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Result of a stack's preview."""

    steps: tuple[Step, ...]
    violations: tuple[Violation, ...]
    errors: tuple[str, ...]

    @property
    def clashes(self) -> tuple[str, ...]:
        """Objects that are created under one resource's name and deleted under another's: a rename without an alias."""
        gone = {step.object: step.name for step in self.steps if step.op == "delete" and step.old}
        return tuple(
            f"{step.object} ({gone[step.object]} → {step.name})"
            for step in self.steps
            if step.op == "create" and step.new and gone.get(step.object, step.name) != step.name
        )

    @property
    def destroyed(self) -> list[str]:
        """Namespaces that an `up` would delete although the stack keeps or creates objects in them."""
        gone = {
            step.object_name: step.object
            for step in self.steps
            if step.kind == "Namespace" and step.op == "delete" and not step.retained[0]
        }
        used = {
            step.object_name if step.kind == "NamespacePatch" else str(part(step.new, "metadata").get("namespace"))
            for step in self.steps
            if step.op != "delete"
        }
        # One that is created too is renamed: a clash.
        created = {step.object_name for step in self.steps if step.kind == "Namespace" and step.op == "create"}
        return sorted(shown for name, shown in gone.items() if name in used - created)

    @property
    def created_again(self) -> list[str]:
        """Namespaces that an `up` would create although they exist, because the stack has only taken them over."""
        there = {step.object_name for step in self.steps if step.kind == "NamespacePatch" and step.op == "delete"}
        new = [step for step in self.steps if step.kind == "Namespace" and step.op == "create"]
        return sorted(step.object for step in new if step.object_name in there)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something, by their URNs."""
        return tuple(step for step in self.ordered if step.op != "same")

    @property
    def ordered(self) -> tuple[Step, ...]:
        """All steps sorted by URN, because the engine streams them in varying order."""
        return tuple(sorted(self.steps, key=lambda step: (step.urn, step.op)))

    @property
    def mistakes(self) -> bool:
        """True if the program has stopped at mistakes in the stack file."""
        return any(MISTAKES.match(one) for one in self.errors)

    @property
    def refused(self) -> bool:
        """True if an `up` would fail."""
        if self.errors or self.clashes or self.destroyed or self.created_again:
            return True
        return any(one.level == MANDATORY for one in self.violations)


def part(value: Any, *keys: str) -> Json:  # noqa: ANN401 - any JSON
    """A mapping inside a JSON value, by the keys that lead to it; empty if there is none."""
    for key in keys:
        value = cast("Json", value).get(key) if isinstance(value, dict) else None
    return cast("Json", value) if isinstance(value, dict) else {}


def parts(value: Any, *keys: str) -> list[Json]:  # noqa: ANN401 - any JSON
    """A list of mappings inside a JSON value, by the keys that lead to the list; empty if there is none."""
    *above, last = keys
    found = part(value, *above).get(last)
    return [part(item) for item in cast("list[Any]", found)] if isinstance(found, list) else []


def parse(events: str) -> Preview:
    """Read the events of `pulumi preview --json`, one JSON object per line.

    Raises:
        ValueError: a line is not a JSON object.
    """
    steps: list[Step] = []
    violations: list[Violation] = []
    errors: list[str] = []
    finished = False
    for event in lines(events):
        if metadata := part(event, "resourcePreEvent", "metadata"):
            if metadata["op"] in STEPS:
                steps.append(_step(metadata))
        elif policy := part(event, "policyEvent"):
            violations.append(_violation(policy))
        elif (diagnostic := part(event, "diagnosticEvent")).get("severity") == "error":
            errors.append(diagnostic["message"].strip())
        finished = finished or "summaryEvent" in event
    told = [one for one in errors if not one.startswith(NOISE)]
    errors = told or errors
    if not finished and not errors:
        errors.append("The preview did not finish; see the log of the workflow.")
    return Preview(
        steps=tuple(steps),
        violations=tuple(sorted(violations, key=lambda one: (one.rule, one.where, one.what))),
        errors=tuple(errors),
    )


def lines(text: str) -> Iterator[Json]:
    """The events that the engine streams; raises ValueError as `parse`."""
    for line in filter(str.strip, text.splitlines()):
        event: Any = json.loads(line)
        if not isinstance(event, dict):
            raise ValueError(f"expected one JSON object per line, found {line[:60]}")  # noqa: TRY004 - as documented
        yield cast("Json", event)


def _step(metadata: Json) -> Step:
    before, after = part(metadata, "old"), part(metadata, "new")
    return Step(
        op=metadata["op"],
        # Names are the program's: a line break in one would be one in the comment.
        urn=" ".join(metadata["urn"].split()),
        type=metadata.get("type") or metadata["urn"].split("::")[2].rsplit("$", 1)[-1],
        old=part(before, "inputs"),
        new={} if metadata["op"] == "delete" else part(after, "inputs"),
        changed=tuple(sorted(" ".join(path.split()) for path in metadata.get("detailedDiff") or ())),
        protected=(bool(before.get("protect")), bool(after.get("protect"))),
        retained=(bool(before.get("retainOnDelete")), bool(after.get("retainOnDelete"))),
        parent=(after or before).get("parent") or "",
    )


def _violation(policy: Json) -> Violation:
    # The first line of the message is the policy's description; the violation follows.
    said = policy["message"].strip()
    where = policy.get("resourceUrn")
    return Violation(
        rule=policy["policyName"],
        level=policy["enforcementLevel"],
        where=_step({"op": "same", "urn": where}).shown if where else "the stack",
        what=" ".join(said.splitlines()[1:]) or said,
    )


def is_masked(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """True for a secret value, whose content the engine has masked."""
    return value == MASKED or (isinstance(value, Mapping) and SECRET_KEY in value)
