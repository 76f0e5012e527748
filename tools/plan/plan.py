"""`Plan`: everything that an approver of a change has to know, and whether the change needs approval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from settings import Settings, validate
from settings.faults import Fault, located
from settings.loader import Source
from settings.schema.approval import Approval
from tools.access.difference import Change, Difference
from tools.access.words import PLAIN, Style, subject_words
from tools.configuration import resolve
from tools.plan import backups, totals
from tools.plan.data import risks
from tools.plan.edits import Edit, edits
from tools.plan.interruptions import Interruption, interruptions, rolling
from tools.plan.networks import closed, opened
from tools.plan.people import People, people
from tools.plan.preview import UNKNOWN, Preview, Step
from tools.plan.risk import Risk
from tools.plan.totals import Totals
from tools.stack_file import file_name

Outcome = Literal["safe", "approval", "refused"]
# The longest list in a reason; a longer one is a number.
LONGEST_LIST = 3
CODES: Mapping[Outcome, int] = {"safe": 0, "approval": 1, "refused": 2}


def _few(names: Sequence[str], what: str) -> str:
    """The names, or how many there are."""
    return ", ".join(names) if len(names) <= LONGEST_LIST else f"{len(names)} {what}"


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
    opened: Sequence[str]
    """Sentences about connections that NetworkPolicies newly allow."""

    closed: Sequence[str]
    """Sentences about connections that NetworkPolicies no longer allow."""

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
    def reasons(self) -> list[str]:
        """Why the change needs approval; empty if it does not."""
        return self.reasons_in(PLAIN)

    def reasons_in(self, style: Style) -> list[str]:
        """The reasons, with names formatted in a style."""
        found = [*self._of_access(style), *self._of_people(style)]
        if self.opened:
            found.append("a network is opened")
        if self.risks:
            subjects = list(dict.fromkeys(style.name(risk.subject) for risk in self.risks))
            found.append(f"data is at risk ({_few(subjects, 'places')})")
        found += self._of_interruptions(style)
        if self.closed:
            found.append("a network is closed")
        return found + self._of_growth()

    def _of_access(self, style: Style) -> list[str]:
        if self.access is None:
            return []
        if isinstance(self.access, str):
            return ["it is unknown who gains access"]
        gains = [change for change in self.access.changes if change.gains]
        who = list(
            dict.fromkeys(
                subject_words(change.subject, style) if isinstance(change, Change) else style.name(change.person)
                for change in gains
            )
        )
        found = [f"access is gained by {_few(who, 'groups, people or programs')}"] if who else []
        return [*found, *(["people sign in elsewhere"] if self.access.sign_in is not None else [])]

    def _of_people(self, style: Style) -> list[str]:
        found: list[str] = []
        elsewhere = isinstance(self.access, Difference) and self.access.sign_in is not None
        if self.people is not None and self.people.signs_in_differently and not elsewhere:
            found.append("people sign in differently")
        if self.people is not None and self.people.gone:
            found.append(f"{_few(list(map(style.name, self.people.gone)), 'people')} can no longer sign in")
        return found

    def _of_interruptions(self, style: Style) -> list[str]:
        found: list[str] = []
        forever = [one for one in self.interruptions if one.seconds is None]
        ends = list(dict.fromkeys(style.name(one.ends or one.subject) for one in forever if not one.until))
        if ends:
            found.append(
                f"{_few(ends, 'addresses and other things')} {'stop' if len(ends) > 1 else 'stops'} permanently"
            )
        found += [f"clients have to trust another {one.ends}" for one in forever if one.until]
        passing = [one for one in self.interruptions if one.seconds]
        allowed = self.approval.interruption_seconds
        longest = max(passing, key=lambda one: one.seconds or 0, default=None)
        if longest is not None and (longest.seconds or 0) > allowed:
            who = style.name(longest.who) if longest.who == longest.subject else longest.who
            found.append(
                f"up to {longest.seconds} s without {who} (allowed without approval: {allowed} s,"
                " approval.interruptionSeconds)"
            )
        return found

    def _of_growth(self) -> list[str]:
        allowed = self.approval.growth_percent
        grown = totals.growth(self.before, self.after)
        if self.before.pods and grown > allowed:
            return [f"it reserves {grown:.0f} % more (approval.growthPercent {allowed})"]
        if self.cost is not None and self.cost[0] and self.cost[1] > self.cost[0] * (1 + allowed / 100):
            return [f"it costs {100 * (self.cost[1] / self.cost[0] - 1):.0f} % more (approval.growthPercent {allowed})"]
        return []

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
    return Plan(
        stack=stack,
        access=access,
        risks=risks(preview.changes),
        backups=backups.changes(preview.changes),
        edits=[] if now is None or past is None else edits(stack, past, now),
        interruptions=interruptions(
            preview.changes, another_login=persons is not None and persons.signs_in_differently
        ),
        opened=opened(preview.changes),
        closed=closed(preview.changes),
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
