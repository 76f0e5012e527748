"""`Plan`: everything that an approver of a change has to know, and whether the change needs approval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from settings import Settings, validate
from settings.faults import Fault, located
from settings.loader import Source
from settings.schema.approval import Approval
from tools.access.difference import Difference
from tools.access.words import PLAIN, Style
from tools.configuration import resolve
from tools.plan import backups, totals
from tools.plan.data import risks
from tools.plan.edits import Edit, edits
from tools.plan.interruptions import Interruption, interruptions, rolling
from tools.plan.network_rules import NAMESPACE, Known
from tools.plan.networks import Connection, connections
from tools.plan.people import People, people
from tools.plan.pod_labels import relabelled
from tools.plan.preview import UNKNOWN, Preview, Step
from tools.plan.reasons import reasons
from tools.plan.risk import Risk
from tools.plan.totals import Totals
from tools.plan.trust import Concern, concerns
from tools.stack_file import file_name

Outcome = Literal["safe", "approval", "refused"]
CODES: Mapping[Outcome, int] = {"safe": 0, "approval": 1, "refused": 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """A sum of `make configuration` that differs between the two stack files."""

    name: str
    before: str
    """The earlier sum; empty if the stack is new, or its earlier settings cannot be read."""

    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The plan of one stack."""

    stack: str
    edits: Sequence[Edit]
    """Edits of the stack file; empty if it does not change, or there is nothing to compare with."""

    access: Difference | str | None
    """Changes of access; a sentence if they cannot be computed, None if nothing was asked to compare with."""

    risks: Sequence[Risk]
    backups: Sequence[str]
    """Sentences about changes of the backups that put no data at risk."""

    interruptions: Sequence[Interruption]
    connections: Sequence[Connection]
    """Connections that are opened or closed."""

    concerns: Sequence[Concern]
    """Changes of what runs in pods, and of whom it trusts."""

    people: People | None
    """People of both stack files; None if one of them is missing or has mistakes."""

    kept_storage: float
    """GiB in volume claims that stay, although the plan deletes what uses them."""

    rolling: Sequence[str]
    """Workloads whose pods are replaced while others serve."""

    before: Totals
    after: Totals
    cost: tuple[float, float] | None
    """Money for a month before and after; None without a price list."""

    sums: Sequence[Sum]
    warnings: Sequence[str]
    unknown: Sequence[str]
    """Resources of which a value is known only after an `up`."""

    approval: Approval
    preview: Preview

    @property
    def known(self) -> Known:
        """Names of address ranges and namespaces to which the stack file gives a meaning."""
        return {} if self.people is None else known_addresses(self.people.after)

    @property
    def opened(self) -> list[str]:
        """Sentences about pods that may connect to more, or be reached by more."""
        return [each.sentence for each in self.connections if each.opens]

    @property
    def closed(self) -> list[str]:
        """Sentences about pods that may connect to less, or be reached by less."""
        return [each.sentence for each in self.connections if not each.opens]

    @property
    def reasons(self) -> list[str]:
        """Why the change needs approval; empty if it does not."""
        return self.reasons_in(PLAIN)

    def reasons_in(self, style: Style) -> list[str]:
        """The reasons, with names in a style."""
        return reasons(self, style)

    @property
    def outcome(self) -> Outcome:
        """Verdict on the change: safe, needs approval, or would fail."""
        if self.preview.refused:
            return "refused"
        return "approval" if self.reasons else "safe"


def plan(
    stack: str,
    preview: Preview,
    *,
    access: Difference | str | None,
    now: Source | None,
    past: Source | None,
    prices: Mapping[str, float] | None = None,
) -> Plan:
    """The plan of a stack.

    Args:
        stack: its name.
        preview: the steps of its preview.
        access: changes of access, or why they are unknown.
        now: the stack file; None if it cannot be read.
        past: the stack file that the change is compared with; None if there was none.
        prices: money for a month, by the amounts of `Totals` and classes of database instances.

    Raises:
        KeyError: a class of instances has no price; carries its name.
    """
    before, after = totals.before_and_after(preview.steps)
    settings = None if now is None else validate(now, stack).settings
    persons = people(stack, past, now)
    at_risk, known = risks(preview.changes), known_addresses(settings)
    return Plan(
        stack=stack,
        access=access,
        risks=at_risk,
        backups=backups.changes(preview.changes),
        edits=[] if now is None or past is None else edits(stack, past, now),
        interruptions=interruptions(
            preview.changes,
            another_login=persons is not None and persons.signs_in_differently,
            unused={name for risk in at_risk if risk.moved for name in risk.names},
        ),
        connections=[*connections(preview.ordered, known), *relabelled(preview.ordered, known)],
        concerns=concerns(preview.ordered),
        people=persons,
        kept_storage=totals.kept_storage(preview.changes),
        rolling=rolling(preview.changes),
        before=before,
        after=after,
        cost=None if prices is None else (totals.monthly(before, prices), totals.monthly(after, prices)),
        sums=_sums(stack, now, past),
        warnings=[] if now is None else _warnings(stack, now),
        unknown=sorted(step.shown for step in preview.changes if _has_unknown(step)),
        approval=settings.approval if isinstance(settings, Settings) else Approval(),
        preview=preview,
    )


def known_addresses(settings: object) -> Known:
    """Names of the address ranges and namespaces in the settings."""
    if not isinstance(settings, Settings):
        return {}
    ranges = {str(each): "the Kubernetes API server" for each in settings.cluster.api_server}
    return {**ranges, f"{NAMESPACE}{settings.cluster.ingress_namespace}": "the ingress controller"}


def _sums(stack: str, now: Source | None, past: Source | None) -> list[Sum]:
    """The sums of `make configuration` that differ between two stack files."""
    before, after = ({} if one is None else resolve(one, stack).computed for one in (past, now))
    return [
        Sum(name=name, before=before.get(name, ""), after=text)
        for name, text in after.items()
        if before.get(name) != text
    ]


def _warnings(stack: str, now: Source) -> list[str]:
    found: list[Fault] = validate(now, stack).warnings
    return [located(one, file_name(stack), now.lines) for one in found]


def _has_unknown(step: Step) -> bool:
    return UNKNOWN in str(step.new)
